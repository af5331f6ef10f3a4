"""Another forge than GitLab, in memory: pull requests, roles by name, checks of a commit, Markdown flavoured as GitHub's.

It is what a new forge has to bring, and nothing else: ``PullForge`` is a whole ``kfix.incident.forge.port.Forge``.
Source of the dialect: docs.github.com/get-started/writing-on-github (mentions, references, autolinks, emoji, alerts).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from kfix.incident.forge.capabilities import Capabilities
from kfix.incident.forge.port import (
    ChangedMergeRequest,
    Changes,
    Comment,
    Commit,
    Discussion,
    FileAction,
    Found,
    Head,
    LostFile,
    MarkedState,
    MergeRequestDraft,
    MergeRequestState,
    Role,
    Snapshot,
    Stand,
)
from kfix.incident.inert import BREAK, clean, unlinked
from schemas import errors
from schemas.identity import incident_of_branch
from schemas.merge_requests import MergeRequestRef

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def _removal(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([f"@@ -1,{len(lines)} +0,0 @@", *(f"-{line}" for line in lines), ""])


_COMMIT = re.compile(r"(?=\d*[a-f])([0-9a-f]{6})(?=[0-9a-f])", re.IGNORECASE)
_SPECIAL = re.compile(r"([\\*_\[\]|~<>#!`$@:^{}&=+])")
_TRACKER = re.compile(r"\b([A-Z][A-Z0-9]*-)(?=\d)")
_STARTS = re.compile(r"[-/.;]|\d+[.)]")


class PullMarkdown:
    """GitHub's Markdown: a backslash stops the parser, a break between a mark and its word stops what comes after it."""

    capabilities = Capabilities(": ", "", 65_536)

    def prose(self, text: str, limit: int = 500) -> str:
        shown = _SPECIAL.sub(r"\\\1" + BREAK, self.title(text, limit).replace("`", "'"))
        shown = shown.replace("\\&" + BREAK, "&amp;" + BREAK).replace("\\<", "&lt;")
        return BREAK + shown if _STARTS.match(shown) else shown

    def cell(self, text: str, limit: int = 300) -> str:
        return self.prose(text, limit) or "–"

    def code(self, text: str, limit: int = 200) -> str:
        text = clean(text, limit).replace("`", "'").replace("|", "¦")
        return f"`{text}`" if text else "–"

    def title(self, text: str, limit: int = 200) -> str:
        broken = re.sub(r"([@#!:])(?=\S)", r"\1" + BREAK, clean(text, limit))
        return unlinked(_TRACKER.sub(r"\1" + BREAK, _COMMIT.sub(r"\1" + BREAK, broken)))

    def label(self, text: str) -> str:
        return clean(text, 30).replace(",", " ")

    def line(self, text: str) -> str:
        return text

    def details(self, summary: str, body: str) -> str:
        return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"

    def push(self, target: str) -> str:
        return f"git push -u origin HEAD && gh pr create --fill --base {target}"


@dataclass
class Pull:
    """A pull request."""

    number: int
    draft: MergeRequestDraft
    title: str
    description: str
    labels: set[str]
    state: MergeRequestState = "opened"
    updated_at: datetime = NOW
    comments: list[Comment] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)


@dataclass
class Repository:
    """Branches as lists of (commit, files), the newest last."""

    branches: dict[str, list[tuple[str, dict[str, bytes]]]]
    people: dict[str, Role]
    pulls: list[Pull] = field(default_factory=list)

    def at(self, ref: str) -> dict[str, bytes]:
        for name, commits in self.branches.items():
            for sha, files in reversed(commits):
                if ref in (name, sha):
                    return files
        raise errors.NotFound(f"no {ref}")

    def add(self, branch: str, files: dict[str, bytes]) -> str:
        before = self.branches[branch]
        sha = hashlib.sha1(repr((branch, len(before), sorted(files.items()))).encode()).hexdigest()
        before.append((sha, files))
        return sha

    def pull(self, ref: MergeRequestRef) -> Pull:
        return self.pulls[ref.iid - 1]


class PullForge:
    """``forge.port.Forge`` in memory. ``url`` is where people would open it."""

    dialect = PullMarkdown()

    def __init__(self, url: str = "https://pulls.example.com", projects: Sequence[str] = ()):
        self.url = url
        self.projects = projects
        self.repositories: dict[str, Repository] = {}

    def create(self, project: str, files: Mapping[str, str], people: dict[str, Role]) -> Repository:
        made = self.repositories[project] = Repository({"main": []}, people)
        made.add("main", {path: text.encode() for path, text in files.items()})
        self.projects = (*self.projects, project)
        return made

    async def snapshot(self, project: str, branch: str = "") -> Snapshot:
        branch = branch or "main"
        commit, files = self.repositories[project].branches[branch][-1]
        return Snapshot(project, branch, commit, files)

    async def commits_of(
        self, project: str, path: str, *, ref: str = "", limit: int = 10, diffs: bool = False
    ) -> list[Commit]:
        sha = (await self.last_commit_ids(project, ref or "main", (path,)))[path]
        return [Commit(sha, "a commit", "ada", NOW, f"{self.url}/{project}/commit/{sha}")][:limit]

    async def lost_files(
        self, project: str, folder: str, *, ref: str, limit: int = 10
    ) -> list[LostFile]:
        every = self.repositories[project].branches["main"]
        return [
            LostFile(path, Commit(sha, "a commit", "ada", NOW, "", _removal(before[path].decode())))
            for (_, before), (sha, after) in reversed(list(pairwise(every)))
            for path in sorted(before.keys() - after.keys())
            if path.startswith(f"{folder}/" if folder else "")
        ][:limit]

    async def last_commit_ids(
        self, project: str, ref: str, paths: tuple[str, ...]
    ) -> dict[str, str]:
        held = self.repositories[project]
        now = held.at(ref)
        if any(path not in now for path in paths):
            raise errors.NotFound("no such file")
        every = [commit for commits in held.branches.values() for commit in commits]
        return {
            path: next(sha for sha, files in every if files.get(path) == now[path])
            for path in paths
        }

    async def head(self, project: str, branch: str) -> str | None:
        commits = self.repositories[project].branches.get(branch)
        return commits[-1][0] if commits else None

    async def files(self, project: str, branch: str, commit: str) -> Mapping[str, bytes]:
        return self.repositories[project].at(commit)

    async def file(self, project: str, path: str, ref: str) -> bytes | None:
        return self.repositories[project].at(ref).get(path)

    async def changed_paths(self, project: str, commit: str) -> frozenset[str]:
        for commits in self.repositories[project].branches.values():
            for at, (sha, files) in enumerate(commits):
                if sha == commit:
                    before = commits[at - 1][1] if at else {}
                    return frozenset(
                        path
                        for path in before.keys() | files.keys()
                        if before.get(path) != files.get(path)
                    )
        raise errors.NotFound(f"no {commit}")

    async def commit(
        self, project: str, branch: str, start: str, message: str, actions: Sequence[FileAction]
    ) -> str | None:
        if branch in self.repositories[project].branches:
            return None
        return await self.replace(project, branch, start, message, actions)

    async def replace(
        self, project: str, branch: str, start: str, message: str, actions: Sequence[FileAction]
    ) -> str:
        held = self.repositories[project]
        locked = {a.path: a.last_commit_id for a in actions if a.last_commit_id}
        if await self.last_commit_ids(project, start, tuple(locked)) != locked:
            raise errors.Moved("a file changed")
        files = held.at(start) | {a.path: a.content.encode() for a in actions}
        held.branches[branch] = list(held.branches[start])
        return held.add(branch, files)

    async def find(self, project: str, branch: str) -> Found | None:
        pulls = [p for p in self.repositories[project].pulls if p.draft.branch == branch]
        pulls.sort(key=lambda p: (p.state == "opened", p.number))
        if not pulls:
            return None
        ended = pulls[-1].updated_at if pulls[-1].state != "opened" else None
        return Found(self._ref(project, pulls[-1]), pulls[-1].state, ended)

    async def changed(self, project: str, since: datetime, at_most: int) -> Changes:
        pulls = [p for p in self.repositories[project].pulls if p.updated_at >= since][:at_most]
        ours = [p for p in pulls if incident_of_branch(p.draft.branch)]
        seen = tuple(
            ChangedMergeRequest(self._ref(project, p), p.state, p.updated_at) for p in ours
        )
        return Changes(seen, max((p.updated_at for p in pulls), default=None), complete=True)

    async def open(self, draft: MergeRequestDraft) -> MergeRequestRef:
        found = await self.find(draft.project, draft.branch)
        if found is not None and found.state == "opened":
            return found.ref
        held = self.repositories[draft.project]
        made = Pull(len(held.pulls) + 1, draft, draft.title, draft.description, set(draft.labels))
        held.pulls.append(made)
        return self._ref(draft.project, made)

    async def rewrite(
        self,
        ref: MergeRequestRef,
        title: str,
        description: str,
        *,
        labels: Sequence[str] = (),
        instead_of: Sequence[str] = (),
    ) -> None:
        pull = self.repositories[ref.project].pull(ref)
        pull.title, pull.description = title, description
        pull.labels = (pull.labels - set(instead_of)) | set(labels)

    async def mark(self, ref: MergeRequestRef, state: MarkedState) -> None:
        pull = self.repositories[ref.project].pull(ref)
        pull.labels = {one for one in pull.labels if not one.startswith("kfix: ")}
        pull.labels.add(f"kfix: {state}")

    async def head_of(self, ref: MergeRequestRef) -> Head:
        held = self.repositories[ref.project]
        pull = held.pull(ref)
        commits = held.branches[pull.draft.branch]
        sha = commits[-1][0]
        ahead = len(commits) - len(held.branches[pull.draft.target])
        passed = "success" if sha in pull.passed else ""
        return Head(pull.state, sha, ahead, sha if passed else "", passed, pull.draft.target)

    async def merge(self, ref: MergeRequestRef) -> bool:
        held = self.repositories[ref.project]
        pull, head = held.pull(ref), await self.head_of(ref)
        if pull.draft.not_yet or head.sha != ref.sha:
            return False
        held.add(pull.draft.target, held.at(head.sha))
        pull.state = "merged"
        return True

    async def stands(self, asked: Sequence[MergeRequestRef]) -> Mapping[tuple[str, int], Stand]:
        pulls = {ref: self.repositories[ref.project].pull(ref) for ref in asked}
        return {
            (ref.project, ref.iid): Stand(
                "open" if pull.state == "opened" else pull.state, pull.updated_at
            )
            for ref, pull in pulls.items()
        }

    async def discussion(self, ref: MergeRequestRef, since: datetime) -> Discussion:
        said = self.repositories[ref.project].pull(ref).comments
        return Discussion(tuple(c for c in said if c.at >= since and c.author != await self.me()))

    async def note(self, ref: MergeRequestRef, key: str, text: str) -> bool:
        if await self.noted(ref, key):
            return False
        said = self.repositories[ref.project].pull(ref).comments
        said.append(Comment(len(said) + 1, await self.me(), f"{text}\n\n<!-- {key} -->", NOW))
        return True

    async def noted(self, ref: MergeRequestRef, key: str) -> bool:
        said, me = self.repositories[ref.project].pull(ref).comments, await self.me()
        return any(f"<!-- {key} -->" in c.body and c.author == me for c in said)

    async def me(self) -> str:
        return "kfix[bot]"

    async def role(self, project: str, username: str) -> Role:
        return self.repositories[project].people.get(username, Role.NOBODY)

    async def owners(self, project: str, ref: str, paths: Iterable[str]) -> tuple[str, ...]:
        content = await self.file(project, ".github/CODEOWNERS", ref) or b""
        lines = (line.split() for line in content.decode().splitlines())
        return tuple(owner for pattern, *owners in lines if pattern == "*" for owner in owners)

    def _ref(self, project: str, pull: Pull) -> MergeRequestRef:
        return MergeRequestRef(
            project=project,
            iid=pull.number,
            url=f"{self.url}/{project}/pull/{pull.number}",
            branch=pull.draft.branch,
            target_branch=pull.draft.target,
            title=pull.title,
            sha=self.repositories[project].branches[pull.draft.branch][-1][0],
        )
