"""The deployment repositories: the edits for a plan, from the head of the branch that deployments follow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from kfix.clients.gitlab import GitLab
from manifests import propose
from manifests.refused import Refused
from schemas.plans import KubernetesChange
from schemas.validated import FileEdit


class GitLabRepository:
    """``safety.ports.Repository`` on GitLab. ``folders`` maps a namespace to the only folders that declare it."""

    def __init__(
        self,
        client: GitLab,
        *,
        projects: Sequence[str],
        folders: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._client = client
        self._projects = projects
        self._folders = folders or {}

    async def propose(
        self, changes: Sequence[KubernetesChange], environment: str
    ) -> Sequence[FileEdit] | Refused:
        """The first repository that declares the objects; the refusal that tells most when none can be edited."""
        namespaces = {change.object.namespace for change in changes}
        folders = tuple(
            f for namespace in sorted(namespaces) for f in self._folders.get(namespace, ())
        )
        refusals: list[Refused] = []
        for project in self._projects:
            snapshot = await self._client.snapshot(project)
            found = await asyncio.to_thread(
                propose,
                snapshot.files,
                changes,
                environment=environment,
                project=project,
                ref=snapshot.branch,
                base_commit=snapshot.commit,
                folders=folders,
            )
            if isinstance(found, Refused):
                refusals.append(found)
                continue
            return await self._locked(found, snapshot.commit)
        telling = [r for r in refusals if r.code != "NOT_FOUND"]
        return (
            telling or refusals or [Refused("NOT_FOUND", "no deployment repository is configured")]
        )[0]

    async def _locked(self, edits: list[FileEdit], commit: str) -> list[FileEdit]:
        """The edits with the last commit that touched each file, for the optimistic lock."""
        existing = tuple(edit.path for edit in edits if edit.before_sha256)
        if not existing:
            return edits
        locks = await self._client.last_commit_ids(edits[0].project, commit, existing)
        return [
            edit.model_copy(update={"last_commit_id": locks.get(edit.path, "")}) for edit in edits
        ]
