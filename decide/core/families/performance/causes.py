"""What makes a container short of CPU. How much it would use with more, no measurement below its limit tells."""

from __future__ import annotations

from decide.core.families.parts import Cause, cause
from decide.core.families.performance.facts import ShortOfCpu
from decide.core.findings import Finding
from decide.core.proof.asking import not_there, subject
from decide.core.proof.standing import Standing, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say


def cpu(finding: Finding[ShortOfCpu], view: ClusterView) -> Standing:
    """Whether each pod may use as little as it does, and there are as few."""
    workload, before = subject(finding, view), finding.facts.workload
    if workload is None:
        return not_there(finding)
    if workload.spec == before.spec and workload.desired <= before.desired:
        return stands(say("proof.cpu.same", workload=workload.name))
    return untold(say("proof.cpu.unmeasured", workload=workload.name))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "cpu_throttling": cause(ShortOfCpu, cpu),
    "cpu_saturation": cause(ShortOfCpu, cpu),
}
