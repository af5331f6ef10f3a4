"""Where merge requests stand, from GitLab: one request for many of a project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import structlog

from kfix.incident.forge.port import Stand
from kfix.infra.clients.boundary import another, same, source
from kfix.infra.forges.gitlab.client import GitLab, check_project
from schemas import errors
from schemas.merge_requests import MergeRequestRef

log = structlog.get_logger(__name__)
_STATES: dict[str, Literal["open", "merged", "closed"]] = {
    "opened": "open",
    "locked": "open",
    "merged": "merged",
    "closed": "closed",
}
#: Numbers in one request; GitLab's page holds 100.
_AT_ONCE = 50


class GitLabStands:
    """``forge.port.Stands`` on GitLab. A project that cannot be read hides no other one."""

    def __init__(self, gitlab: GitLab) -> None:
        self._gitlab = gitlab

    async def stands(self, asked: Sequence[MergeRequestRef]) -> Mapping[tuple[str, int], Stand]:
        """Where the merge requests stand, by project and number; those of a project that cannot be read are left out."""
        wanted: dict[str, list[int]] = defaultdict(list)
        for ref in asked:
            wanted[ref.project].append(ref.iid)
        found: dict[tuple[str, int], Stand] = {}
        for project, iids in wanted.items():
            for start in range(0, len(iids), _AT_ONCE):
                found |= await self._of(project, iids[start : start + _AT_ONCE])
        return found

    async def _of(self, project: str, iids: Sequence[int]) -> dict[tuple[str, int], Stand]:
        def look(gl: Any) -> list[Any]:
            handle = gl.projects.get(check_project(project), lazy=True)
            listed = handle.mergerequests.list(
                iids=list(iids), state="all", scope="all", per_page=_AT_ONCE, get_all=False
            )
            return list(listed)

        try:
            with source("GitLab"):
                return _stands(project, iids, await self._gitlab.read(look))
        except errors.KFixError as failure:
            log.warning("stands.missing", project=project, reason=failure.reason)
            return {}


def _stands(
    project: str, asked: Sequence[int], listed: Iterable[Any]
) -> dict[tuple[str, int], Stand]:
    """Raises errors.Unavailable (``another_answer``) when one of them was not asked for."""
    found: dict[tuple[str, int], Stand] = {}
    for mr in listed:
        if isinstance(mr.iid, bool) or mr.iid not in asked:
            raise another("GitLab", "iid")
        reference = str(mr.references["full"]).lower()
        same("GitLab", {"project": f"{project.lower()}!{mr.iid}"}, {"project": reference})
        stand = _stand(mr)
        if stand is not None:
            found[project, mr.iid] = stand
    return found


def _stand(mr: Any) -> Stand | None:
    """``None`` for a state or a time that GitLab does not document."""
    state = _STATES.get(str(mr.state))
    said = {"merged": "merged_at", "closed": "closed_at"}.get(str(mr.state), "updated_at")
    try:
        at = datetime.fromisoformat(str(getattr(mr, said, None) or mr.updated_at))
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Stand(state, at) if state is not None else None
