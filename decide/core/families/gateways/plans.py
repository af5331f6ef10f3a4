"""Plans for routes: the backend and the class that exist."""

from __future__ import annotations

import re

from decide.core.drafting.drafts import (
    ROUTE_OWNER,
    SECONDS,
    PlanDraft,
    because,
    patch,
    source_of,
)
from decide.core.families.gateways.facts import ConfiguredRoute, DeclaredRoute, WrongRoute
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import at, mapping

_ROUTE_URL = re.compile(r"((?:uri|url):\s*[\"']?[a-z]+://)(\$\{[^}]*\}|[a-z0-9.-]+)")


def route(finding: Finding[WrongRoute], view: ClusterView) -> list[PlanDraft]:
    """The Service or port that exists, at the place of the route that names the wrong one."""
    facts = finding.facts
    if isinstance(facts, ConfiguredRoute):
        return _configured(finding, facts, view)
    if not isinstance(facts, DeclaredRoute) or not facts.right or not facts.place:
        return []
    right = str(facts.right)
    return [
        PlanDraft(
            fix_kind="other",
            title=say("gateways.backend.title", route=finding.object.name, right=right),
            why=say("gateways.backend.why", detail=finding.detail, right=right),
            changes=patch(view, finding.object, facts.obj, [(facts.place, facts.right)]),
            weight=0.85,
            risks=[ROUTE_OWNER],
            time=SECONDS,
        )
    ]


def _configured(
    finding: Finding[WrongRoute], facts: ConfiguredRoute, view: ClusterView
) -> list[PlanDraft]:
    """The route leads to the service that the failing request is for: one word of the gateway's configuration."""
    found, right = facts.route, str(facts.right)
    live = view.get("configmaps", found.owner.namespace, found.owner.name) or {}
    text = mapping(at(source_of(view, found.owner, live), "data")).get(found.where)
    after = _rerouted(text, facts) if isinstance(text, str) and right else ""
    if not after:
        return []
    return [
        PlanDraft(
            fix_kind="other",
            title=say("gateways.configured.title", path=found.path, right=right),
            why=because(finding.detail),
            changes=patch(view, found.owner, live, [(f"data['{found.where}']", after)]),
            weight=0.8,
            risks=[say("gateways.configured.risk")],
        )
    ]


def _rerouted(text: str, facts: ConfiguredRoute) -> str:
    """The configuration with the address above the route's path exchanged; empty where it is not the route's."""
    place = text.find(f"Path={facts.route.path}")
    before = list(_ROUTE_URL.finditer(text, 0, place)) if place > 0 else []
    if not before or facts.route.backend not in before[-1][2]:
        return ""
    return f"{text[: before[-1].start(2)]}{facts.right}{text[before[-1].end(2) :]}"


def front(finding: Finding[DeclaredRoute], view: ClusterView) -> list[PlanDraft]:
    """The class that the cluster serves."""
    facts = finding.facts
    if not facts.right or not facts.place:
        return []
    title = say("gateways.host.title", route=finding.object.name, right=str(facts.right))
    return [
        PlanDraft(
            fix_kind="other",
            title=title,
            why=because(finding.detail),
            changes=patch(view, finding.object, facts.obj, [(facts.place, facts.right)]),
            weight=0.8,
            risks=[ROUTE_OWNER],
            time=SECONDS,
        )
    ]
