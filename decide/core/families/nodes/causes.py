"""What keeps pods from every scheduler."""

from __future__ import annotations

from decide.core.families.nodes.facts import UnknownScheduler
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.standing import Standing, gone, stands
from decide.core.view import ClusterView
from kfix.texts import say


def scheduler(finding: Finding[UnknownScheduler], view: ClusterView) -> Standing:
    """Whether the pods name the cluster's own scheduler."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    name = str(workload.spec.get("schedulerName") or "default-scheduler")
    told: Told = {"what": "schedulerName", "value": name}
    if name == "default-scheduler":
        return gone(say("proof.set", **told))
    return stands(say("proof.still", **told))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "scheduler_unknown": cause(UnknownScheduler, scheduler, certain=True),
}
