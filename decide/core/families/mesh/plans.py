"""Plans for meshes: one rule more or one name right; nothing that protects is taken away."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import ROUTE_OWNER, SECONDS, WIDER, PlanDraft, because, patch
from decide.core.families.mesh.facts import InjectedFault, LostSubset, NotAllowed, ShutOut
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import ref_of
from manifests.objects.shapes import at, items


def mesh(finding: Finding[ShutOut], view: ClusterView) -> list[PlanDraft]:
    """The caller is allowed by its own account; a subset that has pods; an injected fault ends."""
    facts, why = finding.facts, because(finding.detail)
    if isinstance(facts, LostSubset):
        return _subset(facts, why, view)
    if isinstance(facts, InjectedFault):
        return [_calm(facts, why, view)]
    if isinstance(facts, NotAllowed):
        return [_allow(facts, why, view)]
    return []


def _calm(facts: InjectedFault, why: str, view: ClusterView) -> PlanDraft:
    """Without the injected fault."""
    route = facts.route
    return PlanDraft(
        fix_kind="other",
        title=say("mesh.fault.end_delay") if facts.delays else say("mesh.fault.end_abort"),
        why=why,
        changes=patch(view, ref_of(route, "VirtualService"), route, [(facts.path, None)]),
        weight=0.8,
        risks=[say("mesh.fault.risk")],
        time=SECONDS,
    )


def _allow(facts: NotAllowed, why: str, view: ClusterView) -> PlanDraft:
    """One rule more, for the caller's account, else its namespace, at the port that it calls."""
    caller, policy = facts.caller, facts.policy
    account = str(caller.spec.get("serviceAccountName") or "")
    source = (
        {"principals": [f"cluster.local/ns/{caller.namespace}/sa/{account}"]}
        if account
        else {"namespaces": [caller.namespace]}
    )
    rule: dict[str, Any] = {"from": [{"source": source}]}
    if facts.port:
        rule["to"] = [{"operation": {"ports": [str(facts.port)]}}]
    rules = items(at(policy, "spec", "rules"))
    place = [(f"spec.rules[{len(rules)}]", rule)] if rules else [("spec.rules", [rule])]
    return PlanDraft(
        fix_kind="set_network_policy",
        title=say("mesh.policy.title", caller=caller.name, callee=facts.workload.name),
        why=why,
        changes=patch(view, ref_of(policy, "AuthorizationPolicy"), policy, place),
        weight=0.72,
        risks=[say("mesh.policy.risk"), WIDER],
        time=SECONDS,
    )


def _subset(facts: LostSubset, why: str, view: ClusterView) -> list[PlanDraft]:
    route = facts.route
    return [
        PlanDraft(
            fix_kind="other",
            title=say("mesh.subset.title", subset=right),
            why=why,
            changes=patch(view, ref_of(route, "VirtualService"), route, [(facts.path, right)]),
            weight=0.82 - 0.1 * n,
            risks=[ROUTE_OWNER],
            time=SECONDS,
        )
        for n, right in enumerate(facts.alive[:2])
    ]
