"""Plans for routes: the backend and the class that exist."""

from __future__ import annotations

import re

from decide.core.drafting.drafts import (
    ROUTE_OWNER,
    SECONDS,
    Draft,
    patch,
    source_of,
)
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects.shapes import at, mapping

_ROUTE_URL = re.compile(r"((?:uri|url):\s*[\"']?[a-z]+://)(\$\{[^}]*\}|[a-z0-9.-]+)")


def route(finding: Finding, view: ClusterView) -> list[Draft]:
    """The route leads to the service that the failing request is for: one word of the gateway's configuration."""
    if "route" not in finding.facts:
        return backend(finding, view)
    found = finding.facts["route"]
    right = str(finding.facts.get("right") or "")
    if not right or found.owner.kind != "ConfigMap":
        return []
    live = view.get("configmaps", found.owner.namespace, found.owner.name) or {}
    text = mapping(at(source_of(view, found.owner, live), "data")).get(found.where)
    if not isinstance(text, str):
        return []
    place = text.find(f"Path={found.path}")
    before = list(_ROUTE_URL.finditer(text, 0, place)) if place > 0 else []
    if not before or found.backend not in before[-1][2]:
        return []
    match = before[-1]
    after = text[: match.start(2)] + right + text[match.end(2) :]
    why = (f"{finding.detail}.", f"{finding.detail}.")
    change = patch(view, found.owner, live, [(f"data['{found.where}']", after)])
    return [
        Draft(
            fix_kind="other",
            title=(f"Route {found.path} to {right}", f"Router {found.path} vers {right}"),
            why=why,
            changes=change,
            weight=0.8,
            risks=[
                (
                    "The gateway must reload its configuration",
                    "La passerelle doit relire sa configuration",
                )
            ],
        )
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
            fix_kind="other",
            title=title,
            why=why,
            changes=patch(view, found.owner, found.obj, [(str(finding.facts["place"]), right)]),
            weight=0.85,
            risks=[ROUTE_OWNER],
            time=SECONDS,
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
            fix_kind="other",
            title=title,
            why=why,
            changes=patch(view, finding.object, obj, [(str(finding.facts["place"]), right)]),
            weight=0.8,
            risks=[ROUTE_OWNER],
            time=SECONDS,
        )
    ]
