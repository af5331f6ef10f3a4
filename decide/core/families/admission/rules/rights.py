"""What a program is not allowed to do at the API server, in the API server's own words."""

from __future__ import annotations

from collections.abc import Sequence

from decide.core.families.admission.facts import DeniedRights
from decide.core.rights import denied
from manifests.objects.workloads import Workload


def denied_rights(workload: Workload, lines: Sequence[str]) -> DeniedRights:
    """What the last line's account lacks, by all lines."""
    said = [one for one in map(denied, lines) if one is not None]
    if not said:
        return DeniedRights(workload=workload)
    last = said[-1]
    mine = [one for one in said if (one.space, one.account) == (last.space, last.account)]
    return DeniedRights(workload=workload, denied=tuple(dict.fromkeys(mine)))
