"""What makes a heap or a pool too small: sizes that the environment sets. How much is needed, no object tells."""

from __future__ import annotations

from decide.core.families.parts import Cause, cause
from decide.core.families.strain.facts import Strained
from decide.core.findings import Finding
from decide.core.proof import asking
from decide.core.proof.asking import by_template, not_there, subject
from decide.core.proof.standing import Standing, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say


def sized(finding: Finding[Strained], view: ClusterView) -> Standing:
    """Whether the container has the sizes that were too small."""
    workload, before = subject(finding, view), finding.facts.workload
    if workload is None or before is None:
        return not_there(finding)
    now = asking.container(workload, finding.facts.container)
    was = asking.container(before, finding.facts.container)
    if now is None or was is None:
        return by_template(finding, view)
    if now.spec.get("resources") == was.spec.get("resources") and asking.same_program(now, before):
        return stands(say("proof.same_template", workload=workload.name))
    if asking.as_it_worked(view, workload) is not None:
        return by_template(finding, view)
    return untold(say("proof.size_unmeasured", container=now.name))


_SIZED = cause(Strained, sized)
#: By id of the class.
CAUSES: dict[str, Cause] = {
    "heap_exhausted": _SIZED,
    "connection_pool_exhausted": _SIZED,
}
