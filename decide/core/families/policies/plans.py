"""Plans for policies that stop traffic: one rule more; nothing that protects is taken away."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import SECONDS, WIDER, Draft, patch
from decide.core.findings import Finding
from decide.core.links import peer_of
from decide.core.objects import Obj, Workload, at, items, mapping, name_of, namespace_of
from decide.core.selectors import stated
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange

_DNS = {
    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}


def _labels(workload: Workload) -> Obj:
    wanted = mapping(at(workload.obj, "spec", "selector", "matchLabels"))
    return dict(wanted or peer_of(workload).labels)


def network_policy(finding: Finding, view: ClusterView) -> list[Draft]:
    """A rule for exactly this peer and port: in the policy that is about this workload, else in one of its own."""
    facts = finding.facts
    workload, direction = facts["workload"], str(facts["direction"])
    peer = facts.get("peer")
    if facts.get("dns"):
        rule: dict[str, Any] = _DNS
        words = (
            f"{workload.name} may ask the cluster's DNS",
            f"{workload.name} peut interroger le DNS du cluster",
        )
    elif peer is not None and _labels(peer):
        rule = _rule(workload, peer, direction, facts.get("port"))
        one, two = (peer, workload) if direction == "ingress" else (workload, peer)
        words = (
            f"{one.name} may connect to {two.name}",
            f"{one.name} peut se connecter à {two.name}",
        )
    else:
        return []
    why = (
        f"{finding.detail}; the rest stays closed.",
        f"{finding.detail} ; le reste demeure fermé.",
    )
    drafts = []
    policy = facts["policies"][0]
    if stated(at(policy, "spec", "podSelector")):
        ref = ObjectRef(
            api_version="networking.k8s.io/v1",
            kind="NetworkPolicy",
            namespace=namespace_of(policy),
            name=name_of(policy),
        )
        drafts.append(
            Draft(
                fix_kind="set_network_policy",
                title=words,
                why=why,
                changes=patch(view, ref, policy, _added(policy, direction, rule)),
                weight=0.88,
                risks=[WIDER],
                time=SECONDS,
            )
        )
    if _labels(workload):
        title = (f"{words[0]}, by a policy of its own", f"{words[1]}, par une politique à part")
        drafts.append(
            Draft(
                fix_kind="set_network_policy",
                title=title,
                why=why,
                changes=[_own_policy(workload, direction, rule, peer)],
                weight=0.78,
                risks=[WIDER],
                time=SECONDS,
            )
        )
    return drafts


def _rule(workload: Workload, peer: Workload, direction: str, port: object) -> dict[str, Any]:
    other: dict[str, Any] = {"podSelector": {"matchLabels": dict(_labels(peer))}}
    if peer.namespace != workload.namespace:
        other["namespaceSelector"] = {
            "matchLabels": {"kubernetes.io/metadata.name": peer.namespace}
        }
    rule: dict[str, Any] = {"from" if direction == "ingress" else "to": [other]}
    if port:
        rule["ports"] = [{"protocol": "TCP", "port": port}]
    return rule


def _added(policy: Obj, direction: str, rule: dict[str, Any]) -> list[tuple[str, Any]]:
    rules = items(at(policy, "spec", direction))
    return [(f"spec.{direction}[{len(rules)}]", rule)] if rules else [(f"spec.{direction}", [rule])]


def _own_policy(
    workload: Workload, direction: str, rule: dict[str, Any], peer: Workload | None
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
