"""Plans for policies, meshes and routes: one rule more or one name right; nothing that protects is taken away."""

from __future__ import annotations

from typing import Any

from decide.core.findings import Finding
from decide.core.links import peer_of
from decide.core.objects import Obj, Workload, at, items, mapping, name_of, namespace_of
from decide.core.plans.drafts import SECONDS, Draft, patch
from decide.core.selectors import stated
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange

_WIDER = ("One more peer may connect", "Un pair de plus peut se connecter")
_WRITER = ("The gateway's owner must agree", "Le propriétaire de la passerelle doit accepter")
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
                "set_network_policy",
                words,
                why,
                patch(view, ref, policy, _added(policy, direction, rule)),
                0.88,
                [_WIDER],
                SECONDS,
            )
        )
    if _labels(workload):
        title = (f"{words[0]}, by a policy of its own", f"{words[1]}, par une politique à part")
        drafts.append(
            Draft(
                "set_network_policy",
                title,
                why,
                [_own_policy(workload, direction, rule, peer)],
                0.78,
                [_WIDER],
                SECONDS,
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


def mesh(finding: Finding, view: ClusterView) -> list[Draft]:
    """The caller is allowed by its own account; a subset that has pods; an injected fault ends."""
    facts = finding.facts
    if "subset" in facts:
        return _subset(finding, view)
    if "fault" in facts:
        route = facts["route"]
        why = (f"{finding.detail}.", f"{finding.detail}.")
        title = (
            f"End the injected {facts['fault']}",
            f"Mettre fin à la faute injectée ({facts['fault']})",
        )
        risk = ("Somebody may be testing", "Un essai est peut-être en cours")
        return [
            Draft(
                "other",
                title,
                why,
                patch(view, _ref(route, "VirtualService"), route, [(str(facts["path"]), None)]),
                0.8,
                [risk],
                SECONDS,
            )
        ]
    caller, policy = facts.get("caller"), facts.get("policy")
    if caller is None or policy is None or facts.get("denies"):
        return []
    account = str(caller.spec.get("serviceAccountName") or "")
    source = (
        {"principals": [f"cluster.local/ns/{caller.namespace}/sa/{account}"]}
        if account
        else {"namespaces": [caller.namespace]}
    )
    rule: dict[str, Any] = {"from": [{"source": source}]}
    if facts.get("port"):
        rule["to"] = [{"operation": {"ports": [str(facts["port"])]}}]
    rules = items(at(policy, "spec", "rules"))
    place = [(f"spec.rules[{len(rules)}]", rule)] if rules else [("spec.rules", [rule])]
    why = (f"{finding.detail}.", f"{finding.detail}.")
    title = (
        f"Allow {caller.name} at {finding.object.name}",
        f"Autoriser {caller.name} auprès de {finding.object.name}",
    )
    risk = (
        "Whoever closed it may have meant it: ask the policy's owner",
        "Cette fermeture est peut-être voulue : demander au propriétaire",
    )
    return [
        Draft(
            "set_network_policy",
            title,
            why,
            patch(view, _ref(policy, "AuthorizationPolicy"), policy, place),
            0.72,
            [risk, _WIDER],
            SECONDS,
        )
    ]


def _ref(obj: Obj, kind: str) -> ObjectRef:
    return ObjectRef(
        api_version=str(obj.get("apiVersion") or ""),
        kind=kind,
        namespace=namespace_of(obj),
        name=name_of(obj),
    )


def _subset(finding: Finding, view: ClusterView) -> list[Draft]:
    route, why = finding.facts["route"], (f"{finding.detail}.", f"{finding.detail}.")
    return [
        Draft(
            "other",
            (f"Send to subset {right}", f"Viser le sous-ensemble {right}"),
            why,
            patch(
                view, _ref(route, "VirtualService"), route, [(str(finding.facts["path"]), right)]
            ),
            0.82 - 0.1 * n,
            [_WRITER],
            SECONDS,
        )
        for n, right in enumerate(finding.facts["right"][:2])
    ]


def backend(finding: Finding, view: ClusterView) -> list[Draft]:
    """The Service or port that exists, at the place of the route that names the wrong one."""
    found, right = finding.facts.get("backend"), finding.facts.get("right")
    if found is None or not right:
        return []
    why = (f"{finding.detail}; {right} exists.", f"{finding.detail} ; {right} existe.")
    title = (
        f"Route of {finding.object.name} to {right}",
        f"Route de {finding.object.name} vers {right}",
    )
    return [
        Draft(
            "other",
            title,
            why,
            patch(view, found.owner, found.obj, [(str(finding.facts["place"]), right)]),
            0.85,
            [_WRITER],
            SECONDS,
        )
    ]


def front(finding: Finding, view: ClusterView) -> list[Draft]:
    """The class that the cluster serves."""
    right, obj = finding.facts.get("right"), finding.facts.get("obj")
    if not right or obj is None:
        return []
    why = (f"{finding.detail}.", f"{finding.detail}.")
    title = (f"Serve {finding.object.name} by {right}", f"Servir {finding.object.name} par {right}")
    return [
        Draft(
            "other",
            title,
            why,
            patch(view, finding.object, obj, [(str(finding.facts["place"]), right)]),
            0.8,
            [_WRITER],
            SECONDS,
        )
    ]


def tls_secret(finding: Finding, view: ClusterView) -> list[Draft]:
    """The secret of the nearest name."""
    near, ingress = str(finding.facts.get("near") or ""), finding.facts.get("ingress")
    if not near or ingress is None:
        return []
    why = (f"{finding.detail}; {near} exists.", f"{finding.detail} ; {near} existe.")
    risk = (
        "A like name is not proof: check its names and dates",
        "Un nom proche n'est pas une preuve : vérifier ses noms et dates",
    )
    place = f"spec.tls[{finding.facts['index']}].secretName"
    return [
        Draft(
            "set_reference",
            (f"TLS from secret {near}", f"TLS par le secret {near}"),
            why,
            patch(view, finding.object, ingress, [(place, near)]),
            0.75,
            [risk],
            SECONDS,
        )
    ]
