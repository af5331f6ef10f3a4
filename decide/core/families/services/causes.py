"""What makes a Service lead nowhere, or a caller miss it: selectors, ports, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from decide.core.families.parts import Cause, cause
from decide.core.families.services.facts import (
    AbsentService,
    DnsSettings,
    OtherPort,
    OtherProtocol,
    SelectsNothing,
    WrongAddress,
)
from decide.core.families.services.rules.backends import service_ports, service_ref
from decide.core.families.services.rules.commands import COMMANDS
from decide.core.families.services.rules.dns import cluster_servers
from decide.core.findings import Finding, shows_itself
from decide.core.graph import Address, addresses_of, service_name
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.counterfactual import exchanged, lost, seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of, pairs
from manifests.objects.selectors import equal
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload


def selector(finding: Finding[SelectsNothing], view: ClusterView) -> Standing:
    """Whether the selector takes any template of the namespace."""
    ref = finding.object
    service = view.get("services", ref.namespace, ref.name)
    if service is None:
        return not_there(finding)
    labels = pairs(mapping(service, "spec", "selector"))
    behind = view.backends(service)
    if not behind:
        return stands(say("proof.service.nobody", service=ref.name, selector=labels))
    meant = finding.facts.workload
    if all(w.ref.key != meant.ref.key for w in behind):
        other = behind[0].ref.key
        return untold(say("proof.service.another", service=ref.name, workload=other))
    return gone(say("proof.service.somebody", service=ref.name, workload=behind[0].ref.key))


def port(finding: Finding[OtherPort], view: ClusterView) -> Standing:
    """Whether the Service's port leads to one that the containers declare."""
    ref, entry = finding.object, finding.facts.port
    service = view.get("services", ref.namespace, ref.name)
    workload = subject(finding, view)
    if service is None or workload is None:
        return not_there(finding)
    now = [p for p in service_ports(service) if p.get("port") == entry.get("port")]
    if not now:
        return untold(say("proof.service.no_port", service=ref.name, port=str(entry.get("port"))))
    return _leads(now[0], workload, ref.name)


def _leads(entry: Obj, workload: Workload, service: str) -> Standing:
    target = entry.get("targetPort", entry.get("port"))
    own = [p for c in workload.containers() for p in c.ports]
    there = [p for p in own if str(target) in (str(p.get("containerPort")), str(p.get("name")))]
    told: Told = {"service": service, "port": str(target), "workload": workload.ref.key}
    if not own:
        return untold(say("proof.service.no_ports", **told))
    return (
        gone(say("proof.service.fits", **told))
        if there
        else stands(say("proof.service.astray", **told))
    )


def protocol(finding: Finding[OtherProtocol], view: ClusterView) -> Standing:
    """Whether the Service's port has the container's transport protocol."""
    ref, entry = finding.object, finding.facts.port
    service = view.get("services", ref.namespace, ref.name)
    if service is None:
        return not_there(finding)
    now = [p for p in service_ports(service) if p.get("port") == entry.get("port")]
    said = str(now[0].get("protocol") or "TCP") if now else ""
    told: Told = {"service": ref.name, "protocol": said, "own": finding.facts.protocol}
    if said == finding.facts.protocol:
        return gone(say("proof.service.protocol", **told))
    return stands(say("proof.service.other_protocol", **told))


def absent(finding: Finding[AbsentService], view: ClusterView) -> Standing:
    """Whether the name that callers use is a Service that leads to the workload."""
    facts = finding.facts
    service = view.get("services", facts.workload.namespace, facts.name)
    if service is None:
        return stands(say("proof.service.absent", service=facts.name))
    if all(w.ref.key != facts.workload.ref.key for w in view.backends(service)):
        labels = pairs(mapping(service, "spec", "selector"))
        return stands(say("proof.service.nobody", service=facts.name, selector=labels))
    ports = service_ports(service)
    asked = next((p for p in ports if facts.port in (None, number(p.get("port")))), None)
    if asked is None:
        return stands(say("proof.service.no_port", service=facts.name, port=str(facts.port)))
    return _leads(asked, facts.workload, facts.name)


def address(finding: Finding[WrongAddress], view: ClusterView) -> Standing:
    """Whether the caller's variable names a Service and port that are there."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    was = finding.facts.address
    if was.key in COMMANDS:
        return _asked(finding.facts, workload, view)
    now = [a for a in addresses_of(view, workload) if a.key == was.key]
    if not now:
        return untold(say("proof.address.gone", key=was.key))
    return _reaches(view, workload, now[0])


def _asked(facts: WrongAddress, workload: Workload, view: ClusterView) -> Standing:
    """Whether a command still asks for the host, or for the Service that is there."""
    was = facts.address
    container = next((c for c in workload.containers(init=True) if c.name == was.container), None)
    spec = container.spec if container is not None else {}
    words = " ".join(str(w) for field in COMMANDS for w in items(spec, field))
    told: Told = {"key": was.container, "host": was.host}
    if re.search(rf"(?<![\w.-]){re.escape(was.host)}(?![\w-])", words):
        return stands(say("proof.address.nobody", **told))
    near = view.get("services", workload.namespace, facts.near) if facts.near else None
    if near is not None and re.search(rf"(?<![\w.-]){re.escape(facts.near)}(?![\w-])", words):
        return gone(say("proof.address.fits", key=was.container, host=facts.near))
    return untold(say("proof.address.gone", key=was.host))


def _reaches(view: ClusterView, workload: Workload, found: Address) -> Standing:
    where = service_name(found.host, workload.namespace) or _short(found, view)
    service = view.get("services", *where) if where else None
    told: Told = {"key": found.key, "host": found.host}
    if where is None:
        return untold(say("proof.address.outside", **told))
    if service is None:
        return stands(say("proof.address.nobody", **told))
    ports = [number(p.get("port")) for p in service_ports(service)]
    headless = at(service, "spec", "clusterIP") == "None"
    if found.port is not None and ports and found.port not in ports and not headless:
        asked = {"port": str(found.port), "ports": [str(p) for p in ports]}
        return stands(say("proof.address.no_port", **told, **asked))
    return gone(say("proof.address.fits", **told))


def _short(found: Address, view: ClusterView) -> tuple[str, str] | None:
    """``web.shop``, where shop is a namespace that is known."""
    name, _, space = found.host.partition(".")
    known = any(namespace_of(s) == space for s in view.all("services"))
    return (space, name) if known else None


def dns(finding: Finding[DnsSettings], view: ClusterView) -> Standing:
    """Whether the pods ask the cluster's DNS."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    policy = str(workload.spec.get("dnsPolicy") or "ClusterFirst")
    servers = tuple(str(s) for s in at(workload.spec, "dnsConfig", "nameservers") or ())
    told: Told = {"workload": workload.name, "policy": policy}
    host = workload.spec.get("hostNetwork") is True and policy == "ClusterFirst"
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet") and not servers and not host:
        return gone(say("proof.dns.cluster", **told))
    if policy == "None" and not cluster_servers(view) and any(map(_own, servers)):
        return untold(say("proof.dns.unseen", servers=list(servers), workload=workload.name))
    if (policy, servers) == (finding.facts.policy, finding.facts.servers):
        return stands(say("proof.dns.same", **told))
    return untold(say("proof.dns.others", **told))


#: Where a cluster's or a node's own DNS has its address, which the pod cannot be told from here.
_INSIDE = tuple(
    ip_network(one)
    for one in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)


def _own(server: str) -> bool:
    """The address may be one of the cluster's own."""
    try:
        address = ip_address(server)
    except ValueError:
        return False
    return any(address in network for network in _INSIDE)


def declared(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """Services that lose their last template, and ports that lead to none of the containers' names."""
    for known in seen(view).services_of.get(workload.ref.key, []):
        service = view.get("services", namespace_of(known), name_of(known))
        if service is not None and lost(view, service):
            ref = service_ref(service)
            text = say("proof.service.lost", service=ref.name, workload=workload.ref.key)
            yield shows_itself("service_selector_mismatch", ref, 0.9, text)
    for service in (
        *seen(view).services_of.get(workload.ref.key, []),
        *exchanged(view, "services"),
    ):
        now = view.get("services", namespace_of(service), name_of(service))
        if now is not None and equal(mapping(now, "spec", "selector"), workload.labels):
            yield from _nameless(now, workload)


def _nameless(service: Obj, workload: Workload) -> Iterator[Finding]:
    """A port's target that is a name which no container has: the endpoints stay empty."""
    names = {str(p.get("name")) for c in workload.containers() for p in c.ports}
    for entry in service_ports(service):
        target = entry.get("targetPort")
        if isinstance(target, str) and not target.isdigit() and target not in names:
            text = say(
                "services.port.no_such_name",
                port=target,
                service=name_of(service),
                workload=workload.ref.key,
                names=sorted(names - {"None"}),
            )
            yield Finding(
                failure_class="service_port_mismatch",
                object=service_ref(service),
                score=0.9,
                detail=text,
                facts=OtherPort(workload=workload, service=service, port=entry),
            )


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "service_selector_mismatch": cause(SelectsNothing, selector, certain=True),
    "service_port_mismatch": cause(OtherPort, port, certain=True),
    "service_protocol_mismatch": cause(OtherProtocol, protocol, certain=True),
    "service_missing": cause(AbsentService, absent, certain=True),
    "env_address_mismatch": cause(WrongAddress, address, certain=True),
    "dns_config_broken": cause(DnsSettings, dns),
}
