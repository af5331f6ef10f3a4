"""Plans for policies that stop traffic: one rule more; nothing that protects is taken away."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import SECONDS, WIDER, PlanDraft, patch
from decide.core.families.policies.facts import ClosedTraffic, policy_ref
from decide.core.families.policies.slips import Slip, slips
from decide.core.findings import Finding
from decide.core.links import peer_of
from decide.core.netpol import Direction, dns_labels
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.selectors import stated
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange


def _labels(workload: Workload) -> Obj:
    wanted = mapping(at(workload.obj, "spec", "selector", "matchLabels"))
    return dict(wanted or peer_of(workload).labels)


def network_policy(finding: Finding[ClosedTraffic], view: ClusterView) -> list[PlanDraft]:
    """The slip mended where there is one; else a rule for exactly this peer and port, in the policy or beside it."""
    facts = finding.facts
    drafts = [_mended(finding, view, slip) for slip in slips(view, facts)[:1]]
    if facts.guessed:  # nobody is known to call: nothing is opened that no policy speaks of
        return drafts
    allowed = _allowed(facts, view)
    if allowed is None:
        return drafts
    return [*drafts, *_opened(finding, view, *allowed)]


def _mended(finding: Finding[ClosedTraffic], view: ClusterView, slip: Slip) -> PlanDraft:
    """The one word of a policy that keeps its rule from doing what it was written for."""
    policy = name_of(slip.policy)
    said = slip.said or say("policies.own_namespace")
    return PlanDraft(
        fix_kind="set_network_policy",
        title=say("policies.slip.title", policy=policy, meant=slip.meant),
        why=say(
            "policies.slip.why", detail=finding.detail, policy=policy, said=said, meant=slip.meant
        ),
        changes=patch(view, policy_ref(slip.policy), slip.policy, slip.wanted),
        weight=0.92,
        risks=[WIDER],
        time=SECONDS,
    )


def _opened(
    finding: Finding[ClosedTraffic], view: ClusterView, rule: dict[str, Any], title: str
) -> list[PlanDraft]:
    """One rule more: in the policy that is about this workload, else in one of its own."""
    facts, drafts = finding.facts, []
    why = say("policies.why", detail=finding.detail)
    policy = facts.policies[0]
    if stated(at(policy, "spec", "podSelector")):
        ref = policy_ref(policy)
        drafts.append(
            PlanDraft(
                fix_kind="set_network_policy",
                title=title,
                why=why,
                changes=patch(view, ref, policy, _added(policy, facts.direction, rule)),
                weight=0.88,
                risks=[WIDER],
                time=SECONDS,
            )
        )
    if _labels(facts.workload):
        drafts.append(
            PlanDraft(
                fix_kind="set_network_policy",
                title=say("policies.apart", allowed=title),
                why=why,
                changes=[_own_policy(facts.workload, facts.direction, rule, facts.peer)],
                weight=0.78,
                risks=[WIDER],
                time=SECONDS,
            )
        )
    return drafts


def _allowed(facts: ClosedTraffic, view: ClusterView) -> tuple[dict[str, Any], str] | None:
    """The rule that opens just what is closed, and what it allows in words; ``None`` where nobody can be named."""
    workload, peer = facts.workload, facts.peer
    if facts.dns:
        return _names(view), say("policies.may_ask_dns", workload=workload.name)
    if peer is None or not _labels(peer):
        return None
    caller, callee = (peer, workload) if facts.direction == "ingress" else (workload, peer)
    title = say("policies.may_connect", caller=caller.name, callee=callee.name)
    return _rule(workload, peer, facts.direction, facts.port), title


def _names(view: ClusterView) -> dict[str, Any]:
    """The DNS pods where their Service tells which they are; else their namespace."""
    home = {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
    pods = dns_labels(view)
    chosen = {"podSelector": {"matchLabels": dict(pods)}} if pods else {}
    ports = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    return {"to": [{"namespaceSelector": home, **chosen}], "ports": ports}


def _rule(
    workload: Workload, peer: Workload, direction: Direction, port: int | None
) -> dict[str, Any]:
    other: dict[str, Any] = {"podSelector": {"matchLabels": dict(_labels(peer))}}
    if peer.namespace != workload.namespace:
        other["namespaceSelector"] = {
            "matchLabels": {"kubernetes.io/metadata.name": peer.namespace}
        }
    rule: dict[str, Any] = {"from" if direction == "ingress" else "to": [other]}
    if port:
        rule["ports"] = [{"protocol": "TCP", "port": port}]
    return rule


def _added(policy: Obj, direction: Direction, rule: dict[str, Any]) -> list[tuple[str, Any]]:
    rules = items(at(policy, "spec", direction))
    return [(f"spec.{direction}[{len(rules)}]", rule)] if rules else [(f"spec.{direction}", [rule])]


def _own_policy(
    workload: Workload, direction: Direction, rule: dict[str, Any], peer: Workload | None
) -> KubernetesChange:
    name = f"{workload.name}-allow-{direction}-{peer.name if peer else 'dns'}"[:63].rstrip("-.")
    ref = ObjectRef(
        api_version="networking.k8s.io/v1",
        kind="NetworkPolicy",
        namespace=workload.namespace,
        name=name,
    )
    manifest = {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": name, "namespace": workload.namespace},
        "spec": {
            "podSelector": {"matchLabels": dict(_labels(workload))},
            "policyTypes": [direction.capitalize()],
            direction: [rule],
        },
    }
    return KubernetesChange(object=ref, action="create", manifest=manifest, beside=workload.ref)
