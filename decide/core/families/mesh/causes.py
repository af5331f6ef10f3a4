"""What makes a mesh keep a request out: policies, subsets, injected faults."""

from __future__ import annotations

from decide.core.families.mesh.facts import InjectedFault, LostSubset, NotAllowed, ShutOut
from decide.core.families.mesh.rules import admits
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import paths
from manifests.objects.meta import name_of, namespace_of


def shut_out(finding: Finding[ShutOut], view: ClusterView) -> Standing:
    """Whether what keeps the caller out still stands where it stood."""
    facts = finding.facts
    if isinstance(facts, NotAllowed):
        return _allowed(finding, facts, view)
    if isinstance(facts, LostSubset | InjectedFault):
        place = facts.route
        route = view.get("virtualservices", namespace_of(place), name_of(place))
        now = paths.find(route or {}, facts.path)
        told: Told = {"what": facts.path, "value": str(now)}
        if isinstance(facts, InjectedFault):
            if now:
                return stands(say("proof.still", **told))
            return gone(say("proof.fault_gone", what=facts.path))
        if now in facts.alive:
            return gone(say("proof.set", **told))
        return stands(say("proof.still", **told))
    return untold(say("proof.no_question"))


def _allowed(finding: Finding, facts: NotAllowed, view: ClusterView) -> Standing:
    callee = subject(finding, view)
    if callee is None:
        return not_there(finding)
    told: Told = {"caller": facts.caller.ref.key, "callee": callee.ref.key}
    if admits(view, facts.caller, callee, facts.port):
        return gone(say("proof.mesh.admits", **told))
    return stands(say("proof.mesh.refuses", **told))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "mesh_policy_blocks": cause(ShutOut, shut_out),
}
