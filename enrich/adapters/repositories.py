"""The deployment repositories as enrich sees them: how objects are declared, and what was committed to their files."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Iterable, Mapping, Sequence

from enrich.core.commits import taken_away, written
from kfix.incident.forge.port import Repositories, Snapshot
from kfix.infra.clients.boundary import guarded
from manifests.refused import NotEditable
from manifests.render.effective import of_overlay
from manifests.repository import locate
from manifests.repository.environments import PlaceNames
from manifests.repository.index import RepositoryIndex
from manifests.repository.indexes import Indexes
from manifests.repository.locate import Hints, Location
from manifests.text import equivalence
from manifests.text.readings import Readings
from schemas import errors
from schemas.base import ObjectRef
from schemas.context import Change, DeclaredObject

#: Other files than the object's own whose commits are read, and how many of each.
_FILES, _COMMITS = 6, 3


@guarded("the repository")
class DeclaredInRepositories:
    """``enrich.ports.Repository`` on a forge."""

    def __init__(
        self,
        client: Repositories,
        *,
        projects: Sequence[str],
        commits: int,
        names: PlaceNames = PlaceNames(),  # noqa: B008 - frozen
    ) -> None:
        self._names = names
        self._client = client
        self._projects = projects
        self._commits = commits
        self._indexes = Indexes()

    async def declared(
        self, subject: ObjectRef, environment: str, reads: Sequence[ObjectRef] = ()
    ) -> tuple[list[DeclaredObject], list[Change]]:
        """From the first project in which the object is found. Raises from ``schemas.errors``."""
        for project in self._projects:
            snapshot = await self._client.snapshot(project)
            index = self._index(snapshot)
            found = _located([subject, *reads], index, self._names.asked(environment))
            if subject not in found:
                continue  # not in this repository, or not in a form that a change could be made in
            declared = [_declared(project, index, ref, place) for ref, place in found.items()]
            changes = await self._changes(snapshot, index.readings, subject, found)
            missing = [ref for ref in reads if ref.kind == "ConfigMap" and ref not in found]
            folder = posixpath.dirname(found[subject].path)
            return declared, changes + await self._lost(snapshot, index.readings, missing, folder)
        return [], []

    async def _lost(
        self, snapshot: Snapshot, readings: Readings, missing: Sequence[ObjectRef], folder: str
    ) -> list[Change]:
        """The commits that took the files of ConfigMaps away which the subject reads and nothing declares."""
        if not missing or not self._commits:
            return []
        try:
            files = await self._client.lost_files(
                snapshot.project, folder, ref=snapshot.commit, limit=self._commits
            )
        except errors.KFixError:
            return []  # evidence beside: what could not be read of it leaves the rest as it is
        return await asyncio.to_thread(taken_away, missing, files, readings)

    async def _changes(
        self,
        snapshot: Snapshot,
        readings: Readings,
        subject: ObjectRef,
        found: Mapping[ObjectRef, Location],
    ) -> list[Change]:
        """The commits of the object's file, and of a few others; of those what could be read."""
        own = found[subject].path
        about = {place.path: ref for ref, place in found.items() if place.path != own}
        about |= dict.fromkeys((k.path for k in found[subject].through), subject)
        first, *others = await asyncio.gather(
            self._of_file(snapshot, readings, own, subject, self._commits),
            *(
                self._of_file(snapshot, readings, path, ref, min(self._commits, _COMMITS))
                for path, ref in list(about.items())[:_FILES]
            ),
            return_exceptions=True,
        )
        if isinstance(first, BaseException):
            raise first
        return [*first, *_readable(others)]

    async def _of_file(
        self, snapshot: Snapshot, readings: Readings, path: str, about: ObjectRef, limit: int
    ) -> list[Change]:
        commits = await self._client.commits_of(
            snapshot.project, path, ref=snapshot.commit, limit=limit, diffs=limit > 0
        )
        content = snapshot.files.get(path, b"")
        return await asyncio.to_thread(written, about, path, content, commits, readings)

    def _index(self, snapshot: Snapshot) -> RepositoryIndex:
        return self._indexes.of(
            snapshot.files,
            project=snapshot.project,
            branch=snapshot.branch,
            commit=snapshot.commit,
        )


def _readable(answers: Iterable[list[Change] | BaseException]) -> list[Change]:
    """What was answered; a file that cannot be asked about leaves the evidence as it is."""
    found: list[Change] = []
    for answer in answers:
        if isinstance(answer, BaseException):
            if not isinstance(answer, errors.KFixError):
                raise answer
        else:
            found += answer
    return found


def _located(
    refs: Iterable[ObjectRef], index: RepositoryIndex, environment: str
) -> dict[ObjectRef, Location]:
    found: dict[ObjectRef, Location] = {}
    for ref in refs:
        try:
            found[ref] = locate.locate(ref, index, Hints(environment))
        except NotEditable:
            continue
    return found


def _declared(
    project: str, index: RepositoryIndex, subject: ObjectRef, found: Location
) -> DeclaredObject:
    """As its overlay makes it, where one does and is known; else as its file has it."""
    made = of_overlay(index, found.built_in, subject) if found.through else None
    return DeclaredObject(
        project=project,
        path=found.path,
        document=found.document.index,
        object=made or equivalence.value_of(found.document.root),
    )
