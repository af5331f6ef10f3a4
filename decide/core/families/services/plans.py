"""Plans for Services, the addresses of their callers, and names."""

from __future__ import annotations

import re
from typing import Any

from decide.core.drafting.addresses import moved
from decide.core.drafting.drafts import (
    RESTART,
    SECONDS,
    PlanDraft,
    because,
    exchange,
    patch,
    patch_workload,
    source_of,
)
from decide.core.drafting.history import rollback
from decide.core.families.services.facts import (
    AbsentService,
    DnsSettings,
    OtherPort,
    OtherProtocol,
    SelectsNothing,
    WrongAddress,
)
from decide.core.families.services.rules.backends import service_ports
from decide.core.families.services.rules.commands import COMMANDS
from decide.core.families.services.rules.dns import cluster_servers
from decide.core.findings import Finding
from decide.core.graph import Address
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import pairs
from manifests.objects.shapes import Obj, at, items, mapping, number
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange

_BREAK = say("services.old_clients")


def selector(finding: Finding[SelectsNothing], view: ClusterView) -> list[PlanDraft]:
    """The selector that the workload's pods have: their controller's, else their labels."""
    service, workload = finding.facts.service, finding.facts.workload
    wanted = dict(mapping(at(workload.obj, "spec", "selector", "matchLabels"))) or dict(
        workload.labels
    )
    if not wanted:
        return []
    ref = finding.object
    old = mapping(at(source_of(view, ref, service), "spec", "selector"))
    return [
        PlanDraft(
            fix_kind="set_service_selector",
            title=say("services.selector.title", service=ref.name, selector=pairs(wanted)),
            why=because(finding.detail),
            changes=patch(view, ref, service, exchange("spec.selector", old, wanted)),
            weight=0.92,
            risks=[_BREAK],
            time=SECONDS,
        )
    ]


def port(finding: Finding[OtherPort], view: ClusterView) -> list[PlanDraft]:
    """The container's port: the one that the Service offers, else the one of the same name; two at most."""
    service, entry, ref = finding.facts.service, finding.facts.port, finding.object
    place = f"{_place(service, entry)}.targetPort"
    ranked = sorted(
        (p for c in finding.facts.workload.containers() for p in c.ports),
        key=lambda p: (
            number(p.get("containerPort")) != number(entry.get("port")),
            p.get("name") != entry.get("name"),
        ),
    )
    return [
        PlanDraft(
            fix_kind="set_service_port",
            title=say("services.port.title", service=ref.name, port=str(value)),
            why=say("services.listens", detail=finding.detail, port=str(value)),
            changes=patch(view, ref, service, [(place, value)]),
            weight=0.92 - 0.25 * n,
            risks=[_BREAK],
            time=SECONDS,
        )
        for n, value in enumerate(number(p.get("containerPort")) for p in ranked[:2])
    ]


def protocol(finding: Finding[OtherProtocol], view: ClusterView) -> list[PlanDraft]:
    """The container's transport protocol."""
    facts, ref = finding.facts, finding.object
    place = f"{_place(facts.service, facts.port)}.protocol"
    return [
        PlanDraft(
            fix_kind="set_service_port",
            title=say("services.protocol.title", service=ref.name, protocol=facts.protocol),
            why=because(finding.detail),
            changes=patch(view, ref, facts.service, [(place, facts.protocol)]),
            weight=0.92,
            risks=[_BREAK],
            time=SECONDS,
        )
    ]


def _place(service: Obj, entry: Obj) -> str:
    """A port's path: by name where it has one, else by index."""
    name = entry.get("name")
    if name and isinstance(name, str):
        return f"spec.ports[name={name}]"
    return f"spec.ports[{items(at(service, 'spec', 'ports')).index(entry)}]"


def address(finding: Finding[WrongAddress], view: ClusterView) -> list[PlanDraft]:
    """The Service that exists, in the variable that names it."""
    facts, found = finding.facts, finding.facts.address
    if not facts.near or not (found.path or found.config):
        return rollback(finding, view)
    if found.key in COMMANDS:
        return [_in_command(finding, view), *rollback(finding, view)]
    port_ = _port_of(facts, view)
    value = _corrected(facts, port_)
    changes = (
        patch_workload(view, facts.workload, [(f":{found.path}", value)])
        if found.path
        else _in_config(view, facts.workload.namespace, found, value)
    )
    return [
        PlanDraft(
            fix_kind="set_env",
            title=say("services.address.title", key=found.key, value=value),
            why=_why(finding, port_),
            changes=changes,
            weight=0.7 if _is_next_door(facts) else 0.88,
            risks=[
                *([say("services.address.next_door")] if _is_next_door(facts) else []),
                RESTART if found.path else say("services.address.restart_them"),
            ],
        ),
        *rollback(finding, view),
    ]


def _in_command(finding: Finding[WrongAddress], view: ClusterView) -> PlanDraft:
    """The Service that exists, wherever the word of the command names the other host."""
    facts, found = finding.facts, finding.facts.address
    host = rf"(?<![\w.-]){re.escape(found.host.split('.')[0])}(?![\w-])"
    value = re.sub(host, facts.near, found.value)
    return PlanDraft(
        fix_kind="set_command",
        title=say("services.address.command_title", service=facts.near, container=found.container),
        why=say("services.address.why_exists", detail=finding.detail, service=facts.near),
        changes=patch_workload(view, facts.workload, [(f":{found.path}", value)]),
        weight=0.86,
        risks=[RESTART],
    )


def _is_next_door(facts: WrongAddress) -> bool:
    """The Service is another namespace's."""
    return facts.namespace not in ("", facts.workload.namespace)


def _why(finding: Finding[WrongAddress], port_: int | None) -> str:
    near, detail = finding.facts.near, finding.detail
    if port_ is None:
        return say("services.address.why_exists", detail=detail, service=near)
    return say("services.address.why", detail=detail, service=near, port=str(port_))


def _port_of(facts: WrongAddress, view: ClusterView) -> int | None:
    """The port that the address should have: its own where the Service has that, else the Service's first."""
    space = facts.namespace or facts.workload.namespace
    service = view.get("services", space, facts.near) or {}
    ports = [number(p.get("port")) for p in service_ports(service)]
    return facts.address.port if facts.address.port in ports or not ports else ports[0]


def _corrected(facts: WrongAddress, port_: int | None) -> str:
    """The variable's value with the right host and port."""
    found, labels = facts.address, facts.address.host.split(".")
    rest = [facts.namespace, *labels[2:]] if facts.namespace else labels[1:]
    return moved(found, ".".join([facts.near, *rest]), port_)


def _in_config(
    view: ClusterView, namespace: str, found: Address, value: str
) -> list[KubernetesChange]:
    """The change of the ConfigMap that the variable comes from."""
    ref = ObjectRef(api_version="v1", kind="ConfigMap", namespace=namespace, name=found.config)
    config = view.get("configmaps", namespace, found.config) or {}
    key = found.config_key
    path = f"data['{key}']" if set(key) & set(".[]") else f"data.{key}"
    return patch(view, ref, config, [(path, value)])


def service(finding: Finding[AbsentService], view: ClusterView) -> list[PlanDraft]:
    """A Service made of what callers ask for and what the container offers; none where the repository declares it."""
    facts, workload = finding.facts, finding.facts.workload
    labels = dict(mapping(at(workload.obj, "spec", "selector", "matchLabels")))
    target = _target(facts)
    if facts.declared or not facts.name or not labels or target is None:
        return []  # what the repository declares needs no new file
    ref = ObjectRef(api_version="v1", kind="Service", namespace=workload.namespace, name=facts.name)
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": facts.name, "namespace": workload.namespace},
        "spec": {
            "selector": labels,
            "ports": [{"port": facts.port or target, "targetPort": target}],
        },
    }
    created = KubernetesChange(object=ref, action="create", manifest=manifest, beside=workload.ref)
    return [
        PlanDraft(
            fix_kind="create_object",
            title=say("services.missing.title", service=facts.name),
            why=say("services.listens", detail=finding.detail, port=str(target)),
            changes=[created],
            weight=0.82,
            risks=[say("services.missing.risk")],
            time=SECONDS,
        )
    ]


def _target(facts: AbsentService) -> int | None:
    """The container's port that callers mean; ``None`` where it offers several others."""
    ports = [number(p.get("containerPort")) for c in facts.workload.containers() for p in c.ports]
    if facts.port in ports:
        return facts.port
    return ports[0] if len(set(ports)) == 1 else None


def dns(finding: Finding[DnsSettings], view: ClusterView) -> list[PlanDraft]:
    """The cluster's DNS again."""
    facts, workload = finding.facts, finding.facts.workload
    host = workload.spec.get("hostNetwork") is True
    policy = "ClusterFirstWithHostNet" if host else "ClusterFirst"
    wanted: list[tuple[str, Any]] = [(":dnsPolicy", policy)]
    if facts.servers:
        config = mapping(workload.spec.get("dnsConfig"))
        rest = {key: value for key, value in config.items() if key != "nameservers"}
        wanted.append((":dnsConfig", rest or None))
    elif facts.policy == "ClusterFirst" and not host:
        return rollback(finding, view)
    first = PlanDraft(
        fix_kind="other",
        title=say("services.dns.title", workload=workload.name),
        why=say("services.dns.why", detail=finding.detail),
        changes=patch_workload(view, workload, wanted),
        weight=0.85,
        risks=[RESTART],
    )
    return [first, *_servers(finding, view), *rollback(finding, view)]


def _servers(finding: Finding[DnsSettings], view: ClusterView) -> list[PlanDraft]:
    """The cluster's DNS in front of the servers that were asked for."""
    servers, own = finding.facts.servers, cluster_servers(view)
    if not servers or not own or own[0] in servers or own[0] in ("None", ""):
        return []
    wanted = [(":dnsConfig.nameservers", [own[0], *servers])]
    return [
        PlanDraft(
            fix_kind="other",
            title=say("services.dns.first_title", server=own[0]),
            why=say("services.dns.first_why", detail=finding.detail, server=own[0]),
            changes=patch_workload(view, finding.facts.workload, wanted),
            weight=0.68,
            risks=[RESTART],
        )
    ]
