"""Plans for meshes: one rule more or one name right; nothing that protects is taken away."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import ROUTE_OWNER, SECONDS, WIDER, Draft, patch
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, at, items
from schemas.base import ObjectRef


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
                fix_kind="other",
                title=title,
                why=why,
                changes=patch(
                    view, _ref(route, "VirtualService"), route, [(str(facts["path"]), None)]
                ),
                weight=0.8,
                risks=[risk],
                time=SECONDS,
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
            fix_kind="set_network_policy",
            title=title,
            why=why,
            changes=patch(view, _ref(policy, "AuthorizationPolicy"), policy, place),
            weight=0.72,
            risks=[risk, WIDER],
            time=SECONDS,
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
            fix_kind="other",
            title=(f"Send to subset {right}", f"Viser le sous-ensemble {right}"),
            why=why,
            changes=patch(
                view, _ref(route, "VirtualService"), route, [(str(finding.facts["path"]), right)]
            ),
            weight=0.82 - 0.1 * n,
            risks=[ROUTE_OWNER],
            time=SECONDS,
        )
        for n, right in enumerate(finding.facts["right"][:2])
    ]
