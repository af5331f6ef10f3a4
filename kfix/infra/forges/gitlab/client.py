"""GitLab through python-gitlab, in threads: time-outs, bounded retries of reads, typed errors, repository snapshots.

    async with open_gitlab(load(GitLabConnection)) as gitlab:
        snapshot = await gitlab.snapshot("platform/deployments")
        snapshot.files["k8s/api.yaml"]

python-gitlab waits as long as a 429 says and follows redirects with the token in hand; both are taken over here.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from kfix.incident.forge.port import Commit, LostFile, Snapshot
from kfix.infra.clients.boundary import guarded, same
from kfix.infra.clients.egress import Egress
from kfix.infra.clients.http import retry_after_s
from kfix.infra.clients.retries import ONCE, THRICE, Retries, retrying_sync
from kfix.infra.forges.archives import ArchiveLimits, unpack
from kfix.infra.forges.gitlab.histories import Kept
from kfix.infra.forges.gitlab.settings import GitLabConnection
from manifests.repository import tree
from manifests.text.undoing import is_removal
from schemas import errors

if TYPE_CHECKING:
    import gitlab as official

T = TypeVar("T")
_NAME = "GitLab"
_PROJECT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*){1,20}")
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
#: Characters of diffs, and commits in lists, that are kept.
_KEPT_DIFFS, _KEPT_COMMITS = 32 * 1024 * 1024, 20_000
#: Parts of a commit's diff by the paths before and after.
_Diff = tuple[tuple[str, str, str], ...]


def check_project(path: str) -> str:
    """A ``group/project`` path as GitLab allows it. Raises errors.Rejected for anything else."""
    if not _PROJECT.fullmatch(path) or path.endswith((".git", ".atom")) or len(path) > 255:
        raise errors.Rejected(f"not a project path: {path[:80]!r}", reason="bad_project")
    return path


@guarded(_NAME)
class GitLab:
    """One connection. Methods raise from ``schemas.errors``; blocking calls run in threads."""

    def __init__(
        self, client: official.Gitlab, branch: str = "", caps: ArchiveLimits | None = None
    ) -> None:
        self._client = client
        self._branch = branch
        self._caps = caps or ArchiveLimits()
        self._snapshots: OrderedDict[tuple[str, str], Snapshot] = OrderedDict()
        self._branches: dict[str, str] = {}
        self._lists: Kept[tuple[str, str, str, int], list[Commit]] = Kept(
            room=_KEPT_COMMITS, weight=lambda found: 1 + len(found)
        )
        self._diffs: Kept[tuple[str, str], _Diff] = Kept(room=_KEPT_DIFFS, weight=_size)

    async def read(self, call: Callable[[official.Gitlab], T]) -> T:
        """Runs a call that changes nothing, again when the world was in the way."""
        return await asyncio.to_thread(self._run, call, THRICE)

    async def write(self, call: Callable[[official.Gitlab], T]) -> T:
        """Runs a call that changes something, once."""
        return await asyncio.to_thread(self._run, call, ONCE)

    def _run(self, call: Callable[[official.Gitlab], T], retries: Retries) -> T:
        return retrying_sync(lambda: _typed(lambda: call(self._client)), retries)

    async def branch_of(self, project: str) -> str:
        """The branch that deployments follow: the configured one, else the project's default."""
        check_project(project)
        if self._branch:
            return self._branch
        if project not in self._branches:
            found = await self.read(lambda gl: gl.projects.get(project))
            same(_NAME, {"project": project.lower()}, {"project": _path_of(found)})
            self._branches[project] = str(found.default_branch)
        return self._branches[project]

    async def head(self, project: str, branch: str) -> str:
        """The commit a branch points at. Raises errors.NotFound."""
        check_project(project)
        found = await self.read(lambda gl: gl.projects.get(project, lazy=True).branches.get(branch))
        same(_NAME, {"name": branch}, found)
        return commit_id(found.commit["id"])

    async def snapshot(self, project: str, branch: str = "") -> Snapshot:
        """The manifests at a branch's head (default: the deployment branch), from cache while the head stands still."""
        branch = branch or await self.branch_of(project)
        return await self.snapshot_at(project, branch, await self.head(project, branch))

    async def snapshot_at(self, project: str, branch: str, commit: str) -> Snapshot:
        """The manifests at one commit."""
        check_project(project)
        if not _SHA.fullmatch(commit):
            raise errors.Rejected(f"not a commit: {commit[:80]!r}", reason="bad_commit")
        key = (project, commit)
        if key not in self._snapshots:
            packed = await self.read(lambda gl: self._archive(gl, project, commit))
            files, skipped, links = await asyncio.to_thread(
                unpack, packed, self._caps, commit, _NAME
            )
            self._snapshots[key] = Snapshot(project, branch, commit, files, skipped, links)
        self._snapshots.move_to_end(key)
        while len(self._snapshots) > self._caps.snapshots:
            self._snapshots.popitem(last=False)
        return self._snapshots[key]

    def _archive(self, gl: official.Gitlab, project: str, commit: str) -> bytes:
        chunks = gl.projects.get(project, lazy=True).repository_archive(
            sha=commit, format="tar.gz", iterator=True
        )
        packed = bytearray()
        for chunk in chunks:
            packed += chunk
            if len(packed) > self._caps.archive_bytes:
                raise errors.Rejected(f"{project} is too large to read", reason="too_big")
        return bytes(packed)

    async def last_commit_ids(
        self, project: str, ref: str, paths: tuple[str, ...]
    ) -> dict[str, str]:
        """The last commit that touched each file at ``ref`` (a branch or commit): the optimistic lock."""
        check_project(project)
        return await self.read(
            lambda gl: {path: _last_commit(gl, project, path, ref) for path in paths}
        )

    async def file_at(self, project: str, path: str, ref: str) -> bytes:
        """A file's bytes at a branch or commit. Raises errors.NotFound."""
        check_project(project)
        tree.check_path(path)
        found = await self.read(
            lambda gl: gl.projects.get(project, lazy=True).files.get(file_path=path, ref=ref)
        )
        same(_NAME, {"file_path": path}, found)
        return bytes(found.decode())

    async def commits_of(
        self,
        project: str,
        path: str,
        *,
        ref: str = "",
        since: datetime | None = None,
        limit: int = 10,
        diffs: bool = False,
    ) -> list[Commit]:
        """The newest commits that touched a path, newest first; ``diffs`` costs one call for each.

        Where ``ref`` is a commit and ``since`` is not asked for, the list is asked for once; so is each diff.
        """
        check_project(project)
        ref = ref or await self.branch_of(project)
        query: dict[str, Any] = {"ref_name": ref, "per_page": min(limit, 100)}
        if path:
            query["path"] = path
        if since is not None:
            query["since"] = since.isoformat()

        async def asked() -> list[Commit]:
            return await self.read(lambda gl: _commits(gl, project, query))

        if _SHA.fullmatch(ref) and since is None:
            found = await self._lists.get((project, ref, path, query["per_page"]), asked)
        else:
            found = await asked()
        if not diffs:
            return list(found)
        return [replace(c, diff=await self._diff_of(project, c.sha, path)) for c in found]

    async def lost_files(
        self, project: str, folder: str, *, ref: str, limit: int = 10
    ) -> list[LostFile]:
        """Files below a folder that its newest commits took away, newest first; one call for each commit."""
        inside = f"{folder}/" if folder else ""
        return [
            LostFile(old, replace(commit, diff=text))
            for commit in await self.commits_of(project, folder, ref=ref, limit=limit)
            for old, _, text in await self._parts(project, commit.sha)
            if old.startswith(inside) and is_removal(text)
        ]

    async def _parts(self, project: str, sha: str) -> _Diff:
        """Each file's part of what a commit changed."""
        return await self._diffs.get(
            (project, sha), lambda: self.read(lambda gl: _diff(gl, project, sha))
        )

    async def _diff_of(self, project: str, sha: str, path: str) -> str:
        """A path's part of what a commit changed."""
        parts = await self._parts(project, sha)
        return "\n".join(text for old, new, text in parts if path in (old, new))


def _last_commit(gl: official.Gitlab, project: str, path: str, ref: str) -> str:
    found = gl.projects.get(project, lazy=True).files.get(file_path=path, ref=ref)
    same(_NAME, {"file_path": path}, found)
    return commit_id(found.last_commit_id)


def _path_of(project: Any) -> str:
    return str(project.path_with_namespace).lower()


def commit_id(text: object) -> str:
    """A commit's id as GitLab answered it. Raises errors.Unavailable (``malformed``) for anything else."""
    if not isinstance(text, str) or not _SHA.fullmatch(text):
        raise errors.Unavailable("GitLab answered no commit", reason="malformed")
    return text


def _commits(gl: official.Gitlab, project: str, query: Mapping[str, Any]) -> list[Commit]:
    # "path" as a keyword would be taken for the URL.
    found = gl.projects.get(project, lazy=True).commits.list(
        get_all=False, query_parameters=dict(query)
    )
    return [
        Commit(
            sha=commit_id(item.id),
            title=str(item.title),
            author=str(item.author_name),
            at=datetime.fromisoformat(str(item.committed_date)),
            url=str(getattr(item, "web_url", "")),
        )
        for item in found[: query["per_page"]]
    ]


def _diff(gl: official.Gitlab, project: str, sha: str) -> _Diff:
    handle = gl.projects.get(project, lazy=True).commits.get(sha, lazy=True)
    parts = handle.diff(get_all=True, per_page=100)
    return tuple((str(p["old_path"]), str(p["new_path"]), str(p["diff"])) for p in parts)


def _size(diff: _Diff) -> int:
    return 1 + sum(map(len, (text for part in diff for text in part)))


def _typed(call: Callable[[], T]) -> T:
    """Runs a call of python-gitlab and raises from ``schemas.errors`` instead of its own and requests' errors."""
    import requests
    from gitlab.exceptions import GitlabError, GitlabParsingError

    try:
        return call()
    except GitlabParsingError as error:
        raise errors.Unavailable(f"GitLab: {error}", reason="not_json") from error
    except GitlabError as error:
        raise _failure(error) from error
    except requests.Timeout as error:
        raise errors.TimedOut("GitLab did not answer in time") from error
    except requests.RequestException as error:
        raise errors.Unavailable(f"GitLab: {type(error).__name__}") from error


def _failure(error: Any) -> errors.KFixError:
    code = int(error.response_code or 0)
    text = f"GitLab HTTP {code}: {str(error.error_message)[:300]}"
    if code in (401, 403):
        return errors.Unauthorized(text)
    if code == 404:
        return errors.NotFound(text)
    if code in (409, 412):
        return errors.Moved(text)
    if 300 <= code < 400:
        # Not followed, with the token in hand: a project that was renamed, or a login page in between.
        return errors.Rejected(text, reason="redirected")
    return errors.Rejected(text) if 400 <= code < 500 else errors.Unavailable(text)


@asynccontextmanager
async def open_gitlab(
    connection: GitLabConnection, *, caps: ArchiveLimits | None = None
) -> AsyncIterator[GitLab]:
    """A connection as the settings say. Raises errors.Rejected when GitLab is not configured."""
    if not connection.url:
        raise errors.Rejected("KFIX_GITLAB_URL is not set", reason="not_configured")
    client = await asyncio.to_thread(_connect, connection)
    try:
        yield GitLab(client, connection.branch, caps)
    finally:
        client.session.close()


def _connect(connection: GitLabConnection) -> official.Gitlab:
    import gitlab as official
    import requests

    egress = Egress.to([connection.url])

    class Session(requests.Session):
        """Only the configured address, no redirects, no proxies of the environment, 429 and 5xx as typed errors."""

        def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
            egress.check_url(str(url))
            kwargs["allow_redirects"] = False
            response = super().request(method, url, *args, **kwargs)
            if response.status_code == 429:
                wait = retry_after_s({k.lower(): v for k, v in response.headers.items()})
                raise errors.RateLimited("GitLab HTTP 429", retry_after_s=wait)
            if response.status_code >= 500:
                raise errors.Unavailable(f"GitLab HTTP {response.status_code}")
            return response

    session = Session()
    session.trust_env = False
    return official.Gitlab(
        connection.url,
        private_token=connection.token.get_secret_value() or None,
        timeout=connection.timeout_s,
        per_page=100,
        keep_base_url=True,
        user_agent="k-fix",
        session=session,
    )
