"""Plans for Services, the addresses of their callers, and names."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import (
    RESTART,
    SECONDS,
    Draft,
    exchange,
    patch,
    patch_workload,
    source_of,
)
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.objects import at, items, mapping, name_of, number, pairs
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange

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
            fix_kind="set_service_selector",
            title=(
                f"Service {finding.object.name} selects {pairs(wanted)}",
                f"Le Service {finding.object.name} vise {pairs(wanted)}",
            ),
            why=why,
            changes=patch(view, finding.object, service, exchange("spec.selector", old, wanted)),
            weight=0.92,
            risks=[_BREAK],
            time=SECONDS,
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
                fix_kind="set_service_port",
                title=(
                    f"Service {finding.object.name} sends to port {value}",
                    f"Le Service {finding.object.name} vise le port {value}",
                ),
                why=why,
                changes=patch(view, finding.object, service, [(f"{place}.targetPort", value)]),
                weight=0.92 - 0.25 * at_,
                risks=[_BREAK],
                time=SECONDS,
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
            fix_kind="set_service_port",
            title=(
                f"Service {finding.object.name} offers {value}",
                f"Le Service {finding.object.name} offre {value}",
            ),
            why=why,
            changes=patch(
                view, finding.object, service, [(f"{_place(service, entry)}.protocol", value)]
            ),
            weight=0.92,
            risks=[_BREAK],
            time=SECONDS,
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
            fix_kind="set_env",
            title=(f"{found.key} = {value}", f"{found.key} = {value}"),
            why=why,
            changes=change,
            weight=0.88,
            risks=[risk],
        ),
        *rollback(finding, view),
    ]


def service(finding: Finding, view: ClusterView) -> list[Draft]:
    """The Service that is declared, else one made of what callers ask for and what the container offers."""
    workload, name = finding.facts["workload"], str(finding.facts.get("service_name") or "")
    ports = [number(p.get("containerPort")) for c in workload.containers() for p in c.ports]
    labels = dict(mapping(at(workload.obj, "spec", "selector", "matchLabels")))
    asked = finding.facts.get("port")
    target = asked if asked in ports else ports[0] if len(set(ports)) == 1 else None
    if finding.facts.get("declared") or not name or not labels or target is None:
        return []  # what the repository declares needs no new file
    ref = ObjectRef(api_version="v1", kind="Service", namespace=workload.namespace, name=name)
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": workload.namespace},
        "spec": {"selector": labels, "ports": [{"port": asked or target, "targetPort": target}]},
    }
    why = (
        f"{finding.detail}; the container listens on {target}.",
        f"{finding.detail} ; le conteneur écoute sur {target}.",
    )
    return [
        Draft(
            fix_kind="create_object",
            title=(f"Create Service {name}", f"Créer le Service {name}"),
            why=why,
            changes=[
                KubernetesChange(
                    object=ref, action="create", manifest=manifest, beside=workload.ref
                )
            ],
            weight=0.82,
            risks=[
                ("Somebody may have removed it on purpose", "Sa suppression était peut-être voulue")
            ],
            time=SECONDS,
        )
    ]


def dns(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cluster's DNS again."""
    workload = finding.facts["workload"]
    wanted: list[tuple[str, Any]] = [(":dnsPolicy", "ClusterFirst")]
    if finding.facts.get("servers"):
        rest = {
            k: v for k, v in mapping(workload.spec.get("dnsConfig")).items() if k != "nameservers"
        }
        wanted.append((":dnsConfig", rest or None))
    if finding.facts.get("policy") == "ClusterFirst" and len(wanted) == 1:
        return rollback(finding, view)
    why = (
        f"{finding.detail}: names of the cluster do not resolve there.",
        f"{finding.detail} : les noms du cluster ne s'y résolvent pas.",
    )
    first = Draft(
        fix_kind="other",
        title=(
            f"Resolve names of {workload.name} by the cluster's DNS",
            f"Résoudre les noms de {workload.name} par le DNS du cluster",
        ),
        why=why,
        changes=patch_workload(view, workload, wanted),
        weight=0.85,
        risks=[RESTART],
    )
    return [first, *_servers(finding, view), *rollback(finding, view)]


def _servers(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cluster's DNS in front of the servers that were asked for."""
    workload, servers = finding.facts["workload"], list(finding.facts.get("servers") or [])
    dns_ = [
        str(at(s, "spec", "clusterIP"))
        for s in view.inside("services", "kube-system")
        if "dns" in name_of(s)
    ]
    if not servers or not dns_ or dns_[0] in servers or dns_[0] in ("None", ""):
        return []
    why = (
        f"{finding.detail}; {dns_[0]} is the cluster's DNS.",
        f"{finding.detail} ; {dns_[0]} est le DNS du cluster.",
    )
    return [
        Draft(
            fix_kind="other",
            title=(f"Ask {dns_[0]} first", f"Interroger {dns_[0]} d'abord"),
            why=why,
            changes=patch_workload(
                view, workload, [(":dnsConfig.nameservers", [dns_[0], *servers])]
            ),
            weight=0.68,
            risks=[RESTART],
        )
    ]
