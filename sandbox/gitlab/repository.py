"""A real bare git repository, driven by git's plumbing: what GitLab's repository API answers from.

Every method runs git and blocks for some milliseconds; call from a thread. Writing is serialised by a lock.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_NULL = "0" * 40
_RECORD = "%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1e"


class NoSuchRef(LookupError):
    """No branch, tag or commit of this name."""


class NoSuchFile(LookupError):
    """The path is not in that tree."""


class CommitRefused(ValueError):
    """The commit cannot be made; the text is GitLab's."""


class MergeConflict(ValueError):
    """The branches do not merge without hands."""


@dataclass(frozen=True, slots=True)
class Person:
    """An author or committer."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. Times are ISO 8601 with offset."""

    id: str
    parents: tuple[str, ...]
    author: Person
    authored_at: str
    committer: Person
    committed_at: str
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tree."""

    mode: str
    type: Literal["blob", "tree", "commit"]
    id: str
    path: str


@dataclass(frozen=True, slots=True)
class Action:
    """One file's part of a commit, as in the Commits API."""

    action: Literal["create", "update", "delete", "move", "chmod"]
    file_path: str
    content: bytes | None = None
    previous_path: str = ""
    last_commit_id: str = ""
    execute_filemode: bool | None = None


class Repository:
    """One bare repository below ``folder``, made on first use."""

    def __init__(self, folder: Path, default_branch: str = "main") -> None:
        self.folder = folder
        self.default_branch = default_branch
        self._lock = threading.Lock()
        if not (folder / "HEAD").exists():
            folder.mkdir(parents=True, exist_ok=True)
            self._git("init", "--quiet", "--bare", f"--initial-branch={default_branch}", ".")

    def _git(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> bytes:
        done = self._try(*args, stdin=stdin, env=env)
        done.check_returncode()
        return done.stdout

    def _try(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        quiet = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "sandbox",
            "GIT_AUTHOR_EMAIL": "sandbox@sandbox.test",
            "GIT_COMMITTER_NAME": "sandbox",
            "GIT_COMMITTER_EMAIL": "sandbox@sandbox.test",
        }
        return subprocess.run(
            ["git", *args],
            cwd=self.folder,
            input=stdin if stdin is not None else b"",
            env=quiet | dict(env or {}),
            capture_output=True,
            check=False,
            timeout=30,
        )

    def resolve(self, ref: str) -> str:
        """The commit's full id. Raises NoSuchRef."""
        name = self.default_branch if ref in ("", "HEAD") else ref
        done = self._try(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if done.returncode:
            raise NoSuchRef(ref)
        return done.stdout.decode().strip()

    def branches(self) -> dict[str, str]:
        """Branch name to commit id, sorted by name."""
        out = self._git("for-each-ref", "--format=%(refname:strip=2)%09%(objectname)", "refs/heads")
        branches: dict[str, str] = {}
        for line in out.decode().splitlines():
            name, commit = line.split("\t")
            branches[name] = commit
        return branches

    def tree(self, ref: str, path: str = "", *, recursive: bool = False) -> list[Entry]:
        """Entries below ``path``, as git sorts them. Raises NoSuchRef, NoSuchFile."""
        commit = self.resolve(ref)
        args = ["ls-tree", "-z", "--full-tree", *(["-r", "-t"] if recursive else []), commit]
        if path.strip("/"):
            args += ["--", path.strip("/") + "/"]
        entries = []
        for line in self._git(*args).decode().split("\0"):
            if line:
                meta, name = line.split("\t", 1)
                mode, kind, sha = meta.split()
                entries.append(Entry(mode, _kind(kind), sha, name))
        if path.strip("/"):
            entries = [e for e in entries if e.path != path.strip("/")]
            if not entries:
                raise NoSuchFile(path)
        return entries

    def entry(self, ref: str, path: str) -> Entry:
        """The file at ``path``. Raises NoSuchRef, NoSuchFile."""
        commit = self.resolve(ref)
        out = self._git("ls-tree", "-z", "--full-tree", commit, "--", path).decode().rstrip("\0")
        if not out or "\0" in out:
            raise NoSuchFile(path)
        meta, name = out.split("\t", 1)
        mode, kind, sha = meta.split()
        if kind != "blob" or name != path:
            raise NoSuchFile(path)
        return Entry(mode, "blob", sha, name)

    def blob(self, sha: str) -> bytes:
        """A blob's bytes. Raises NoSuchFile."""
        done = self._try("cat-file", "blob", sha)
        if done.returncode:
            raise NoSuchFile(sha)
        return done.stdout

    def read(self, ref: str, path: str) -> bytes:
        """A file's bytes. Raises NoSuchRef, NoSuchFile."""
        return self.blob(self.entry(ref, path).id)

    def last_commit_of(self, ref: str, path: str) -> str:
        """The last commit on ``ref`` that touched ``path``."""
        return self._git("rev-list", "-1", self.resolve(ref), "--", path).decode().strip()

    def log(
        self, ref: str, path: str = "", *, since: str = "", until: str = "", limit: int = 1000
    ) -> list[Commit]:
        """Commits that ``ref`` reaches, newest first. Raises NoSuchRef."""
        args = ["log", f"--max-count={limit}", f"--format={_RECORD}"]
        args += [f"--since={since}"] if since else []
        args += [f"--until={until}"] if until else []
        args += [self.resolve(ref), *(["--", path] if path else [])]
        out = self._git(*args).decode()
        return [_commit(record) for record in out.split("\x1e") if record.strip()]

    def commit_of(self, ref: str) -> Commit:
        """One commit. Raises NoSuchRef."""
        return self.log(ref, limit=1)[0]

    def between(self, base: str, head: str) -> list[Commit]:
        """Commits of ``head`` that ``base`` lacks, newest first."""
        span = f"{self.resolve(base)}..{self.resolve(head)}"
        out = self._git("log", f"--format={_RECORD}", span).decode()
        return [_commit(record) for record in out.split("\x1e") if record.strip()]

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor."""
        return self._git("merge-base", self.resolve(one), self.resolve(other)).decode().strip()

    def diff(self, before: str, after: str, path: str = "") -> str:
        """Unified diff of two commits; an empty ``before`` is the empty tree."""
        args = ["diff-tree", "-p", "--no-color", "--no-commit-id", "-r", "-M"]
        args += [before, after] if before else ["--root", after]
        return self._git(*args, *(["--", path] if path else [])).decode(errors="replace")

    def changed(self, before: str, after: str) -> list[tuple[str, str]]:
        """``(status letter, path)`` of each changed file."""
        out = self._git("diff-tree", "-r", "--no-commit-id", "--name-status", before, after)
        return [(line[0], line.split("\t")[-1]) for line in out.decode().splitlines()]

    def archive(
        self, ref: str, kind: Literal["tar.gz", "tar", "zip"], prefix: str, path: str
    ) -> bytes:
        """The tree as an archive under ``prefix``. Raises NoSuchRef."""
        where = [path] if path else []
        return self._git(
            "archive", f"--format={kind}", f"--prefix={prefix}/", self.resolve(ref), *where
        )

    def create_branch(self, name: str, ref: str) -> str:
        """Raises NoSuchRef, CommitRefused when the branch exists."""
        with self._lock:
            commit = self.resolve(ref)
            if name in self.branches():
                raise CommitRefused("Branch already exists")
            self._git("update-ref", f"refs/heads/{name}", commit, _NULL)
            return commit

    def delete_branch(self, name: str) -> None:
        """Removes the branch; its commits stay reachable by id."""
        with self._lock:
            self._git("update-ref", "-d", f"refs/heads/{name}")

    def commit(
        self,
        branch: str,
        message: str,
        actions: Sequence[Action],
        author: Person,
        *,
        start: str = "",
        force: bool = False,
        committer: Person | None = None,
        at: str = "",
    ) -> str:
        """One commit with all actions on ``branch``, which is made from ``start`` when given.

        ``at`` sets both dates (ISO 8601). Raises CommitRefused with GitLab's message, and nothing is changed.
        """
        with self._lock:
            old = self.branches().get(branch)
            parent = self._parent(branch, old, start, force)
            with tempfile.TemporaryDirectory() as scratch:
                index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
                if parent:
                    self._git("read-tree", parent, env=index)
                for action in actions:
                    self._stage(action, parent, index)
                tree = self._git("write-tree", env=index).decode().strip()
            who = _identity(author, committer or author, at)
            made = self._commit_tree(tree, [parent] if parent else [], message, who)
            self._git("update-ref", f"refs/heads/{branch}", made, old or _NULL)
            return made

    def _parent(self, branch: str, old: str | None, start: str, force: bool) -> str:
        if start:
            if old is not None and not force:
                raise CommitRefused(
                    f"A branch called '{branch}' already exists. "
                    "Switch to that branch in order to make changes"
                )
            return self.resolve(start)
        if old is None and self.branches():
            raise CommitRefused("You can only create or edit files when you are on a branch")
        return old or ""

    def _commit_tree(
        self, tree: str, parents: Sequence[str], message: str, who: Mapping[str, str]
    ) -> str:
        args = [word for parent in parents for word in ("-p", parent)]
        made = self._git("commit-tree", tree, *args, stdin=message.encode(), env=who)
        return made.decode().strip()

    def _stage(self, action: Action, parent: str, index: Mapping[str, str]) -> None:
        path = action.file_path
        _check_path(path)
        staged = self._staged(path, index)
        if action.action == "create" and staged:
            raise CommitRefused("A file with this name already exists")
        if action.action in ("update", "delete", "chmod") and not staged:
            raise CommitRefused("A file with this name doesn't exist")
        if action.last_commit_id and action.action != "create":
            self._check_fresh(action.previous_path or path, action.last_commit_id, parent)
        if action.action == "delete":
            self._unstage(path, index)
            return
        if action.action == "move":
            staged = self._moved(action, index)
        mode, sha = staged or ("100644", "")
        if action.content is not None:
            sha = self._git("hash-object", "-w", "--stdin", stdin=action.content).decode().strip()
        elif not sha:
            raise CommitRefused("content is missing")
        if action.execute_filemode is not None:
            mode = "100755" if action.execute_filemode else "100644"
        self._git("update-index", "--add", "--cacheinfo", f"{mode},{sha},{path}", env=index)

    def _moved(self, action: Action, index: Mapping[str, str]) -> tuple[str, str]:
        _check_path(action.previous_path)
        before = self._staged(action.previous_path, index)
        if before is None:
            raise CommitRefused("A file with this name doesn't exist")
        self._unstage(action.previous_path, index)
        return before

    def _unstage(self, path: str, index: Mapping[str, str]) -> None:
        """``--force-remove`` wants a work tree; an entry of mode 0 needs none."""
        line = f"0 {_NULL}\t{path}\0".encode()
        self._git("update-index", "-z", "--index-info", stdin=line, env=index)

    def _staged(self, path: str, index: Mapping[str, str]) -> tuple[str, str] | None:
        out = self._git("ls-files", "--stage", "-z", "--", path, env=index).decode().rstrip("\0")
        if not out or not out.endswith(f"\t{path}"):
            return None
        mode, sha, _ = out.split("\t")[0].split()
        return mode, sha

    def _check_fresh(self, path: str, seen: str, parent: str) -> None:
        """The optimistic lock: the file's last commit is the one the caller saw, or is older than it."""
        last = self.last_commit_of(parent, path)
        if last != seen and self._try("merge-base", "--is-ancestor", last, seen).returncode:
            raise CommitRefused(f"The file has changed since you started editing it: {path}")

    def merge(
        self, source: str, target: str, message: str, author: Person, *, squash: bool = False
    ) -> str:
        """Merges branch ``source`` into branch ``target``; the merge commit's id. Raises MergeConflict."""
        with self._lock:
            ours, theirs = self.resolve(target), self.resolve(source)
            done = self._try("merge-tree", "--write-tree", ours, theirs)
            if done.returncode:
                raise MergeConflict(source)
            tree = done.stdout.decode().splitlines()[0]
            parents = [ours] if squash else [ours, theirs]
            made = self._commit_tree(tree, parents, message, _identity(author, author, ""))
            self._git("update-ref", f"refs/heads/{target}", made, ours)
            return made

    def merges_cleanly(self, source: str, target: str) -> bool:
        """Whether ``merge`` would work now."""
        ours, theirs = self.resolve(target), self.resolve(source)
        return self._try("merge-tree", "--write-tree", ours, theirs).returncode == 0


def _kind(text: str) -> Literal["blob", "tree", "commit"]:
    return "blob" if text == "blob" else "tree" if text == "tree" else "commit"


def _commit(record: str) -> Commit:
    sha, parents, name, mail, authored, cname, cmail, committed, message = record.strip("\n").split(
        "\x1f", 8
    )
    return Commit(
        sha,
        tuple(parents.split()),
        Person(name, mail),
        authored,
        Person(cname, cmail),
        committed,
        message.rstrip("\n"),
    )


def _identity(author: Person, committer: Person, at: str) -> dict[str, str]:
    who = {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_COMMITTER_NAME": committer.name,
        "GIT_COMMITTER_EMAIL": committer.email,
    }
    return who | ({"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at} if at else {})


def _check_path(path: str) -> None:
    parts = path.split("/")
    if not path or path.startswith("/") or any(p in ("", ".", "..") for p in parts):
        raise CommitRefused("Path cannot include directory traversal")
    if any(p.lower() == ".git" for p in parts) or "\0" in path or "\n" in path:
        raise CommitRefused("Invalid path")
