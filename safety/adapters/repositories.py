"""The deployment repositories: the edits for a plan, from the head of the branch that deployments follow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from kfix.incident.forge.port import Repositories, Snapshot
from kfix.texts import say
from manifests.proposal.propose import EditBase, EditProposal, propose_on
from manifests.refused import EditRefused
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.environments import PlaceNames
from manifests.repository.indexes import Indexes
from manifests.repository.locate import Hints
from manifests.repository.rendering import Renderer
from schemas.plans import KubernetesChange
from schemas.validated import FileEdit


class DeploymentRepositories:
    """``safety.ports.Repository`` on a forge. ``folders`` maps a namespace to the only folders that declare it.

    ``indexes`` are shared by the clusters, and what was parsed with whoever reads the edited files again; ``names``: what the house calls
    its environments, and the cluster that is asked about.
    """

    def __init__(
        self,
        client: Repositories,
        *,
        projects: Sequence[str],
        folders: Mapping[str, Sequence[str]] | None = None,
        renderer: Renderer | None = None,
        indexes: Indexes | None = None,
        names: PlaceNames = PlaceNames(),  # noqa: B008 - frozen
    ) -> None:
        self._client = client
        self._projects = projects
        self._folders = folders or {}
        self._renderer = renderer or BuiltIn()
        self._names = names
        self._indexes = indexes or Indexes()

    async def propose(
        self,
        changes: Sequence[KubernetesChange],
        environment: str,
        live: Mapping[str, Mapping[str, str]] | None = None,
    ) -> EditProposal | EditRefused:
        """The first repository that declares the objects; the refusal that tells most when none can be edited."""
        mapped = [f for change in changes for f in self._mapped(change)]
        refusals: list[EditRefused] = []
        for project in self._projects:
            here = folders_in(project, mapped)
            if here is None:
                refusals.append(EditRefused("NOT_FOUND", say("safety.repository.mapped_elsewhere")))
                continue
            snapshot = await self._client.snapshot(project)
            hints = Hints(self._names.asked(environment), here, project, live or {})
            found = await asyncio.to_thread(self._proposed, snapshot, changes, hints)
            if isinstance(found, EditRefused):
                refusals.append(found)
                continue
            edits = await self._locked(found.edits, snapshot.commit)
            return EditProposal(edits, found.proof, found.reaches)
        telling = [r for r in refusals if r.code != "NOT_FOUND"]
        return (telling or refusals or [EditRefused("NOT_FOUND", say("safety.repository.none"))])[0]

    def _mapped(self, change: KubernetesChange) -> Sequence[str]:
        """The static map's answer: the object's own, else its namespace's."""
        ref = change.object
        return self._folders.get(ref.key) or self._folders.get(ref.namespace, ())

    def _proposed(
        self, snapshot: Snapshot, changes: Sequence[KubernetesChange], hints: Hints
    ) -> EditProposal | EditRefused:
        index = self._indexes.of(
            snapshot.files,
            project=snapshot.project,
            branch=snapshot.branch,
            commit=snapshot.commit,
            skipped=snapshot.skipped,
            links=snapshot.links,
        )
        base = EditBase(snapshot.project, snapshot.branch, snapshot.commit, {})
        return propose_on(index, changes, base, hints, self._renderer)

    async def _locked(self, edits: tuple[FileEdit, ...], commit: str) -> tuple[FileEdit, ...]:
        """The edits with the last commit that touched each file, for the optimistic lock."""
        existing = tuple(edit.path for edit in edits if edit.before_sha256)
        if not existing:
            return edits
        locks = await self._client.last_commit_ids(edits[0].project, commit, existing)
        return tuple(
            edit.model_copy(update={"last_commit_id": locks.get(edit.path, "")}) for edit in edits
        )


def folders_in(project: str, mapped: Sequence[str]) -> tuple[str, ...] | None:
    """The folders of this repository in a static map's answer; ``None`` when it names other repositories only."""
    pairs = [entry.rpartition("//") for entry in mapped]
    here = tuple(dict.fromkeys(folder for owner, _, folder in pairs if owner in ("", project)))
    return here if here or not mapped else None
