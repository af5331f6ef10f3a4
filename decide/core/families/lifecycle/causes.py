"""What keeps a rollout from going on, and a drain from ending."""

from __future__ import annotations

from decide.core.families.lifecycle.facts import HeldByBudget, StuckRollout
from decide.core.families.lifecycle.rules import never_allows
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof.asking import Told, by_template, not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, number


def rollout(finding: Finding[StuckRollout], view: ClusterView) -> Standing:
    """Whether it is paused; of one that is not, whether the template is the stuck one."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    if not finding.facts.paused:
        return by_template(finding, view)
    if at(workload.obj, "spec", "paused") is True:
        return stands(say("proof.still", what="spec.paused", value="true"))
    return gone(say("proof.rollout.goes_on", workload=workload.name))


def budget(finding: Finding[HeldByBudget], view: ClusterView) -> Standing:
    """Whether the budget lets one pod go while all are ready."""
    facts, workload = finding.facts, subject(finding, view)
    found = view.get("poddisruptionbudgets", facts.workload.namespace, name_of(facts.budget))
    before = subject(finding, seen(view))
    if workload is None or found is None or before is None:
        return not_there(finding)
    least, most = at(found, "spec", "minAvailable"), at(found, "spec", "maxUnavailable")
    told: Told = {"budget": name_of(found), "workload": workload.name, "desired": workload.desired}
    if never_allows(found, workload):
        return stands(say("proof.budget.never", **told))
    if isinstance(least, int) and workload.desired - least >= 1 and before.available:
        return gone(say("proof.budget.allows", **told))
    if number(most) >= 1 and before.available:
        return gone(say("proof.budget.allows", **told))
    return untold(say("proof.budget.now", **told))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "rollout_stuck": cause(StuckRollout, rollout),
    "disruption_budget_blocks": cause(HeldByBudget, budget),
}
