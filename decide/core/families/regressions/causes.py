"""What makes a workload carry more than it can. How much it needs, no object tells."""

from __future__ import annotations

from decide.core.families.parts import Cause, cause
from decide.core.families.regressions.facts import GreedyNeighbour, Overrun
from decide.core.findings import Finding
from decide.core.proof.asking import not_there, subject
from decide.core.proof.standing import Standing, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say


def surge(finding: Finding[Overrun], view: ClusterView) -> Standing:
    """Whether there are as few pods as the requests overran."""
    workload, before = subject(finding, view), finding.facts.workload
    if workload is None:
        return not_there(finding)
    if workload.desired <= before.desired and workload.spec == before.spec:
        return stands(say("proof.replicas.same", workload=workload.name, n=workload.desired))
    return untold(say("proof.cpu.unmeasured", workload=workload.name))


def neighbour(finding: Finding[GreedyNeighbour], view: ClusterView) -> Standing:
    """Whether the neighbour may take as much as it does."""
    workload, before = subject(finding, view), finding.facts.workload
    if workload is None:
        return not_there(finding)
    if workload.spec == before.spec:
        return stands(say("proof.cpu.same", workload=workload.name))
    return untold(say("proof.cpu.unmeasured", workload=workload.name))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "noisy_neighbour": cause(GreedyNeighbour, neighbour),
    "load_surge": cause(Overrun, surge),
}
