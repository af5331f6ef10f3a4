"""Plans for Services, addresses and quotas."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from decide.core.families.admission.rules import quota_family
from decide.core.findings import Finding
from decide.core.objects import at, items, mapping, name_of, number, pairs
from decide.core.plans.drafts import (
    RESTART,
    SECONDS,
    Draft,
    exchange,
    patch,
    patch_workload,
    source_of,
)
from decide.core.plans.history import rollback
from decide.core.plans.traffic import backend
from decide.core.view import ClusterView
from manifests.objects import quantities
from schemas.base import ObjectRef

_BREAK = ("Clients of the old setting lose it", "Les clients de l'ancien réglage le perdent")


def selector(finding: Finding, view: ClusterView) -> list[Draft]:
    """The selector that the workload's pods have: their controller's, else the shared keys."""
    service, workload = finding.facts["service"], finding.facts["workload"]
    wanted = dict(mapping(at(workload.obj, "spec", "selector", "matchLabels"))) or dict(
        workload.labels
    )
    if not wanted:
        return []
    old = mapping(at(source_of(view, finding.object, service), "spec", "selector"))
    why = (f"{finding.detail}.", f"{finding.detail}.")
    return [
        Draft(
            "set_service_selector",
            (
                f"Service {finding.object.name} selects {pairs(wanted)}",
                f"Le Service {finding.object.name} vise {pairs(wanted)}",
            ),
            why,
            patch(view, finding.object, service, exchange("spec.selector", old, wanted)),
            0.92,
            [_BREAK],
            SECONDS,
        )
    ]


def port(finding: Finding, view: ClusterView) -> list[Draft]:
    """The container's port, by name where it has one that fits, else by number."""
    service, entry, workload = (
        finding.facts["service"],
        finding.facts["port"],
        finding.facts["workload"],
    )
    place = _place(service, entry)
    ports = [p for c in workload.containers() for p in c.ports]
    ranked = sorted(
        ports,
        key=lambda p: (
            number(p.get("containerPort")) != number(entry.get("port")),
            p.get("name") != entry.get("name"),
        ),
    )
    out = []
    for at_, found in enumerate(ranked[:2]):
        value: Any = number(found.get("containerPort"))
        why = (
            f"{finding.detail}; the container listens on {value}.",
            f"{finding.detail} ; le conteneur écoute sur {value}.",
        )
        out.append(
            Draft(
                "set_service_port",
                (
                    f"Service {finding.object.name} sends to port {value}",
                    f"Le Service {finding.object.name} vise le port {value}",
                ),
                why,
                patch(view, finding.object, service, [(f"{place}.targetPort", value)]),
                0.92 - 0.25 * at_,
                [_BREAK],
                SECONDS,
            )
        )
    return out


def protocol(finding: Finding, view: ClusterView) -> list[Draft]:
    """The container's transport protocol."""
    service, entry = finding.facts["service"], finding.facts["port"]
    value = str(finding.facts["protocol"])
    why = (f"{finding.detail}.", f"{finding.detail}.")
    return [
        Draft(
            "set_service_port",
            (
                f"Service {finding.object.name} offers {value}",
                f"Le Service {finding.object.name} offre {value}",
            ),
            why,
            patch(view, finding.object, service, [(f"{_place(service, entry)}.protocol", value)]),
            0.92,
            [_BREAK],
            SECONDS,
        )
    ]


def _place(service: Any, entry: Any) -> str:
    """A port's path: by name where it has one, else by index."""
    if entry.get("name"):
        return f"spec.ports[name={entry['name']}]"
    return f"spec.ports[{items(at(service, 'spec', 'ports')).index(entry)}]"


def address(finding: Finding, view: ClusterView) -> list[Draft]:
    """The Service that exists, in the variable that names it."""
    workload, found, near = (
        finding.facts["workload"],
        finding.facts["address"],
        finding.facts.get("near"),
    )
    if not near or not (found.path or found.config):
        return rollback(finding, view)
    service = view.get("services", workload.namespace, str(near))
    ports = [number(p.get("port")) for p in map(mapping, items(at(service or {}, "spec", "ports")))]
    port_ = found.port if found.port in ports or not ports else ports[0]
    labels = found.host.split(".")
    if finding.facts.get("space") and len(labels) > 1:
        labels[1] = str(finding.facts["space"])
    host = ".".join([str(near), *labels[1:]])
    value = found.value.replace(found.host, host, 1)
    if found.port is not None and port_ != found.port:
        value = value.replace(f":{found.port}", f":{port_}", 1)
    why = (
        f"{finding.detail}; Service {near} has port {port_}.",
        f"{finding.detail} ; le Service {near} a le port {port_}.",
    )
    if found.path:
        change = patch_workload(view, workload, [(f":{found.path}", value)])
        risk = RESTART
    else:
        ref = ObjectRef(
            api_version="v1", kind="ConfigMap", namespace=workload.namespace, name=found.config
        )
        config = view.get("configmaps", workload.namespace, found.config) or {}
        key = (
            f"data['{found.config_key}']"
            if set(found.config_key) & set(".[]")
            else f"data.{found.config_key}"
        )
        change = patch(view, ref, config, [(key, value)])
        risk = (
            "Pods read it only when they start: restart them",
            "Les pods ne la lisent qu'au démarrage : les redémarrer",
        )
    return [
        Draft(
            "set_env",
            (f"{found.key} = {value}", f"{found.key} = {value}"),
            why,
            change,
            0.88,
            [risk],
        ),
        *rollback(finding, view),
    ]


def quota(finding: Finding, view: ClusterView) -> list[Draft]:
    """Room for what is declared: used + what is missing, and a tenth more; or the workload asks for less."""
    facts, current = finding.facts, finding.facts.get("quota")
    resource = str(facts.get("resource") or "")
    drafts: list[Draft] = []
    counted = (
        quota_family(resource) not in ("cpu", "memory", "storage")
        or "persistentvolumeclaims" in resource
    )
    if not facts.get("asked") and not counted:  # nobody knows how much is missing
        return _fewer(finding, view)
    try:
        used, asked = (
            quantities.parse(str(facts.get("used") or "0")),
            quantities.parse(str(facts.get("asked") or "1")),
        )
        hard = quantities.parse(str(facts.get("hard")))
    except quantities.BadQuantity:
        return []
    need = used + asked * max(1, number(facts.get("missing"), 1))
    value = _rounded(resource, max(need * Decimal("1.1"), need))
    modest = need <= hard * 16 or (hard == 0 and need <= 5)
    if current is not None and modest and quantities.parse(value) > hard:
        key = (
            f"spec.hard['{resource}']"
            if "." in resource or "/" in resource
            else f"spec.hard.{resource}"
        )
        why = (
            f"{finding.detail}; {value} leaves a tenth of room.",
            f"{finding.detail} ; {value} laisse un dixième de marge.",
        )
        drafts.append(
            Draft(
                "set_quota",
                (
                    f"Raise {resource} of quota {name_of(current)} to {value}",
                    f"Porter {resource} du quota {name_of(current)} à {value}",
                ),
                why,
                patch(view, finding.object, current, [(key, value)]),
                0.8,
                [
                    (
                        "The namespace may use more of the cluster",
                        "Le namespace peut consommer davantage",
                    ),
                    ("The quota's owner must agree", "Le propriétaire du quota doit accepter"),
                ],
                SECONDS,
            )
        )
    return [*drafts, *_fewer(finding, view)]


def _fewer(finding: Finding, view: ClusterView) -> list[Draft]:
    """As many replicas of the refused workload as the quota lets in."""
    workload = finding.facts.get("workload")
    if (
        workload is None
        or workload.kind != "Deployment"
        or not 0 < workload.created < workload.desired
    ):
        return []
    why = (
        f"{finding.detail}; {workload.created} of {workload.desired} replicas fit the quota.",
        f"{finding.detail} ; {workload.created} réplicas sur {workload.desired} tiennent dans le quota.",
    )
    return [
        Draft(
            "set_replicas",
            (
                f"Run {workload.created} replicas of {workload.name}",
                f"Passer {workload.name} à {workload.created} réplicas",
            ),
            why,
            patch(view, workload.ref, workload.obj, [("spec.replicas", workload.created)]),
            0.6,
            [("Fewer replicas carry the load", "Moins de réplicas portent la charge")],
            SECONDS,
        )
    ]


def _rounded(resource: str, value: Decimal) -> str:
    family = quota_family(resource)
    if family == "cpu":
        return quantities.format_cpu(
            value if value < 1 else value.to_integral_value(rounding="ROUND_CEILING")
        )
    if family in ("memory", "storage") and value > 2**20:
        return quantities.format_memory(value)
    return str(int(value.to_integral_value(rounding="ROUND_CEILING")))


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
            "other",
            (f"Route {found.path} to {right}", f"Router {found.path} vers {right}"),
            why,
            change,
            0.8,
            [
                (
                    "The gateway must reload its configuration",
                    "La passerelle doit relire sa configuration",
                )
            ],
        )
    ]
