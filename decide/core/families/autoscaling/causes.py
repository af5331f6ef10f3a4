"""What makes an autoscaler blind, lost, full, or fight another."""

from __future__ import annotations

from decide.core.drafting.containers import quantity
from decide.core.families.autoscaling.facts import BlindScaler, FoughtOver, FullScaler, LostScaler
from decide.core.families.autoscaling.rules import target_of
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, number


def ceiling(finding: Finding[FullScaler], view: ClusterView) -> Standing:
    """Whether the autoscaler's maximum is what it has reached."""
    ref = finding.facts.ref
    scaler = view.get("horizontalpodautoscalers", ref.namespace, ref.name)
    if scaler is None:
        return not_there(finding)
    most, was = (number(at(s, "spec", "maxReplicas")) for s in (scaler, finding.facts.scaler))
    if most > was:
        return gone(say("proof.scaler.higher", scaler=ref.name, most=most, was=was))
    workload = subject(finding, view)
    before = finding.facts.workload
    if workload is not None and before is not None and workload.spec != before.spec:
        return untold(say("proof.only_a_run", workload=workload.name))
    return stands(say("proof.scaler.full", scaler=ref.name, most=most))


def blind(finding: Finding[BlindScaler], view: ClusterView) -> Standing:
    """Whether every container states the request that the metric is measured against."""
    workload, resource = subject(finding, view), finding.facts.resource
    if workload is None or not resource:
        return untold(say("proof.scaler.no_metric"))
    for container in workload.containers():
        if all(quantity(container, which, resource) is None for which in ("requests", "limits")):
            told: Told = {"container": container.name, "value": f"requests.{resource}"}
            return stands(say("proof.value_missing", **told))
    return gone(say("proof.values_stated", workload=workload.name))


def lost(finding: Finding[LostScaler], view: ClusterView) -> Standing:
    """Whether the autoscaler's target is there."""
    ref = finding.object
    scaler = view.get("horizontalpodautoscalers", ref.namespace, name_of(finding.facts.scaler))
    if scaler is None:
        return not_there(finding)
    target = at(scaler, "spec", "scaleTargetRef")
    named = f"{at(target, 'kind')}/{at(target, 'name')}"
    if target_of(view, scaler) is None:
        return stands(say("proof.absent", object=named))
    return gone(say("proof.exists", object=named))


def conflict(finding: Finding[FoughtOver], view: ClusterView) -> Standing:
    """Whether both autoscalers still change the workload."""
    ref = finding.facts.vertical_ref
    if ref is None:
        return untold(say("proof.scaler.two"))
    vertical = view.get("verticalpodautoscalers", ref.namespace, ref.name)
    if vertical is None:
        return not_there(finding)
    mode = str(at(vertical, "spec", "updatePolicy", "updateMode") or "Auto")
    if mode == "Off":
        return gone(say("proof.set", what=f"{ref.name} updateMode", value=mode))
    return stands(say("proof.still", what=f"{ref.name} updateMode", value=mode))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "autoscaler_at_ceiling": cause(FullScaler, ceiling),
    "autoscaler_without_metrics": cause(BlindScaler, blind),
    "autoscaler_target_missing": cause(LostScaler, lost),
    "autoscaler_conflict": cause(FoughtOver, conflict),
}
