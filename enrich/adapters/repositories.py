"""The deployment repositories as enrich sees them: how the object is declared, and what was committed to that file."""

from __future__ import annotations

from collections.abc import Sequence

from kfix.incident.forge.port import Commit, Repositories, Snapshot
from kfix.infra.clients.boundary import guarded
from manifests.refused import NotEditable
from manifests.repository import locate
from manifests.repository.index import RepositoryIndex
from manifests.repository.indexes import Indexes
from manifests.repository.locate import Hints, Location
from manifests.text import equivalence
from schemas.base import ObjectRef
from schemas.context import Change, DeclaredObject

#: Characters of a commit's diff that are kept.
_DIFF = 4_000


@guarded("the repository")
class DeclaredInRepositories:
    """``enrich.ports.Repository`` on a forge."""

    def __init__(self, client: Repositories, *, projects: Sequence[str], commits: int) -> None:
        self._client = client
        self._projects = projects
        self._commits = commits
        self._indexes = Indexes()

    async def declared(
        self, subject: ObjectRef, environment: str
    ) -> tuple[list[DeclaredObject], list[Change]]:
        """From the first project in which the object is found. Raises from ``schemas.errors``."""
        for project in self._projects:
            snapshot = await self._client.snapshot(project)
            try:
                found = locate.locate(subject, self._index(snapshot), Hints(environment))
            except NotEditable:
                continue  # not in this repository, or not in a form that a change could be made in
            commits = await self._client.commits_of(
                project,
                found.path,
                ref=snapshot.branch,
                limit=self._commits,
                diffs=self._commits > 0,
            )
            return [_declared(project, found)], [_change(subject, commit) for commit in commits]
        return [], []

    def _index(self, snapshot: Snapshot) -> RepositoryIndex:
        return self._indexes.of(
            snapshot.files,
            project=snapshot.project,
            branch=snapshot.branch,
            commit=snapshot.commit,
        )


def _declared(project: str, found: Location) -> DeclaredObject:
    return DeclaredObject(
        project=project,
        path=found.path,
        document=found.document.index,
        object=equivalence.value_of(found.document.root),
    )


def _change(subject: ObjectRef, commit: Commit) -> Change:
    return Change(
        kind="commit",
        object=subject,
        revision=commit.sha,
        at=commit.at,
        author=commit.author,
        summary=commit.title,
        url=commit.url,
        detail={"diff": commit.diff[:_DIFF]} if commit.diff else None,
    )
