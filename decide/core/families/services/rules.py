"""Traffic that does not arrive: selectors, ports, protocols, addresses, DNS settings, routes, policies."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.findings import Fact, Finding, quote
from decide.core.graph import Address, addresses_of, reachable, service_name
from decide.core.links import refused
from decide.core.names import alike
from decide.core.objects import (
    Obj,
    Workload,
    at,
    items,
    mapping,
    name_of,
    namespace_of,
    number,
    pairs,
)
from decide.core.signals import Hit
from decide.core.view import ClusterView
from schemas.base import ObjectRef


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about Services and what leads to them."""
    for service in view.services:
        yield from _selector(view, service)
        yield from _ports(view, service)
        yield from _unbalanced(view, service)
    for workload in view.workloads:
        yield from _addresses(view, workload)
        yield from _dns(view, workload)


def service_ref(service: Obj) -> ObjectRef:
    """A Service's reference."""
    return ObjectRef(
        api_version="v1", kind="Service", namespace=namespace_of(service), name=name_of(service)
    )


def _meant(view: ClusterView, service: Obj) -> tuple[Workload, float] | None:
    """The workload a Service without endpoints most likely means, with the belief."""
    selector = mapping(at(service, "spec", "selector"))
    ports = {
        p.get("targetPort", p.get("port"))
        for p in map(mapping, items(at(service, "spec", "ports")))
    }
    taken = {w.ref.key for s in view.services if s is not service for w in view.backends(s)}
    best: tuple[Workload, float] | None = None
    for workload in view.workloads:
        if workload.namespace != namespace_of(service) or workload.kind in ("Job", "CronJob"):
            continue
        values = {str(v) for v in workload.labels.values()}
        shared = sum(str(v) in values for v in selector.values()) / max(1, len(selector))
        named = workload.name == name_of(service)
        own = {number(p.get("containerPort")) for c in workload.containers() for p in c.ports}
        names = {p.get("name") for c in workload.containers() for p in c.ports}
        fits = bool(ports & (own | names))
        score = (
            0.5 * named + 0.3 * shared + 0.15 * fits + 0.1 * alike(workload.name, name_of(service))
        )
        score -= 0.25 if workload.ref.key in taken and not named else 0
        if best is None or score > best[1]:
            best = (workload, score)
    return best if best and best[1] >= 0.4 else None


def _selector(view: ClusterView, service: Obj) -> Iterator[Finding]:
    selector = mapping(at(service, "spec", "selector"))
    if not selector or view.backends(service) or view.ready_addresses(service):
        return
    meant = _meant(view, service)
    if meant is None:
        return
    workload, belief = meant
    text = f"Service {name_of(service)} selects {pairs(selector)}; no pod has that; pods of {workload.ref.key} have {pairs(workload.labels)}"
    score = 0.7 + 0.3 * min(1.0, belief) if workload.ready else 0.5
    score = min(0.95, score)
    yield Finding(
        failure_class="service_selector_mismatch",
        object=service_ref(service),
        score=score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=service_ref(service))],
        against=[],
        facts={"service": service, "workload": workload},
    )


def _ports(view: ClusterView, service: Obj) -> Iterator[Finding]:
    backends = view.backends(service)
    if not backends or at(service, "spec", "type") == "ExternalName":
        return
    tested = reachable(view, service)
    if tested is None and refused(view, service):
        tested = False
    none_ready = view.ready_addresses(service) == 0
    for port in map(mapping, items(at(service, "spec", "ports"))):
        for workload in backends[:1]:
            yield from _port(view, service, port, workload, tested=tested, none_ready=none_ready)


def _port(
    view: ClusterView,
    service: Obj,
    port: Obj,
    workload: Workload,
    *,
    tested: bool | None,
    none_ready: bool,
) -> Iterator[Finding]:
    ref = service_ref(service)
    target = port.get("targetPort", port.get("port"))
    container_ports = [(c.name, p) for c in workload.containers() for p in c.ports]
    if not container_ports:
        return
    numbers = {number(p.get("containerPort")) for _, p in container_ports}
    names = {p.get("name") for _, p in container_ports if p.get("name")}
    data = {
        "service": service,
        "port": port,
        "workload": workload,
        "numbers": sorted(numbers),
        "names": sorted(map(str, names)),
    }
    headless = at(service, "spec", "clusterIP") == "None"
    if isinstance(target, str) and not target.isdigit():
        if target not in names:
            text = f'target port "{target}" of Service {ref.name} is no port name of {workload.ref.key} ({sorted(map(str, names)) or "it names none"})'
            score = 0.9 if workload.ready and (none_ready or tested is False) else 0.75
            yield Finding(
                failure_class="service_port_mismatch",
                object=ref,
                score=score,
                detail=text,
                evidence=[Fact(source="object", statement=text, object=ref)],
                against=[],
                facts=data,
            )
            return
        wanted = next(
            number(p.get("containerPort")) for _, p in container_ports if p.get("name") == target
        )
    else:
        wanted = number(target)
    if wanted not in numbers and not headless:
        probed = _probed_ports(workload)
        subject = view.bundle.k8s_context.subject
        asked = (subject is not None and subject.name in (workload.name, ref.name)) or bool(
            view.mentioned & {workload.name, ref.name}
        )
        score = 0.93 if tested is False else 0.15 if tested else 0.56 if asked else 0.5
        if wanted in probed:
            score -= 0.4
        if workload.ready == 0:
            score -= 0.35
        text = f"target port {wanted} of Service {ref.name} is none of the ports of {workload.ref.key} ({sorted(numbers)})"
        if score > 0.1:
            yield Finding(
                failure_class="service_port_mismatch",
                object=ref,
                score=score,
                detail=text,
                evidence=[Fact(source="object", statement=text, object=ref)],
                against=[],
                facts=data,
            )
        return
    protocol = str(port.get("protocol") or "TCP")
    same = [
        str(p.get("protocol") or "TCP")
        for _, p in container_ports
        if number(p.get("containerPort")) == wanted
    ]
    if same and protocol not in same and not headless:
        text = f"Service {ref.name} offers {protocol} on port {port.get('port')}, the container {same[0]}"
        yield Finding(
            failure_class="service_protocol_mismatch",
            object=ref,
            score=0.93 if tested is not True else 0.6,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=ref)],
            against=[],
            facts={**data, "protocol": same[0]},
        )


def _unbalanced(view: ClusterView, service: Obj) -> Iterator[Finding]:
    """The cloud has not made the load balancer that a Service asks for."""
    if at(service, "spec", "type") != "LoadBalancer" or at(
        service, "status", "loadBalancer", "ingress"
    ):
        return
    ref, subject = service_ref(service), view.bundle.k8s_context.subject
    failed = [
        e
        for e in view.events_of("Service", ref.namespace, ref.name)
        if "LoadBalancer" in e.reason and e.warning
    ]
    behind = {w.name for w in view.backends(service)} | {ref.name}
    asked = (subject is not None and subject.name in behind) or bool(view.mentioned & behind)
    text = (
        quote(failed[-1].message)
        if failed
        else f"Service {ref.name} of type LoadBalancer has no address"
    )
    score = 0.9 if failed else 0.64 if asked else 0.4
    yield Finding(
        failure_class="load_balancer_pending",
        object=ref,
        score=score,
        detail=text,
        evidence=[Fact(source="event" if failed else "object", statement=text, object=ref)],
        against=[],
        facts={"service": service},
    )


def _probed_ports(workload: Workload) -> set[int]:
    out = set()
    for container in workload.containers():
        for name in ("livenessProbe", "readinessProbe", "startupProbe"):
            for key in ("httpGet", "tcpSocket", "grpc"):
                value = at(container.spec, name, key, "port")
                if isinstance(value, int):
                    out.add(value)
    return out


def _addresses(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    if not view.collected("services"):
        return
    names = {name_of(s) for s in view.services if namespace_of(s) == workload.namespace}
    names -= _own_names(view, workload)
    hosts = {h.subject.split(".")[0] for h in _host_errors(view, workload)}
    for address in addresses_of(view, workload):
        where = service_name(address.host, workload.namespace)
        if where is None:
            continue
        if where[0] not in view.focus:
            yield from _elsewhere(view, workload, address, where)
            continue
        service = view.get("services", *where)
        if service is None:
            yield from _no_service(view, workload, address, name=where[1], names=names, hosts=hosts)
        elif address.port is not None:
            yield from _wrong_port(view, workload, address, service)


def _own_names(view: ClusterView, workload: Workload) -> set[str]:
    """Services that lead to the workload itself: nobody means to call oneself by a slip of the name."""
    return {name_of(s) for s in view.services_of.get(workload.ref.key, [])}


def _elsewhere(
    view: ClusterView, workload: Workload, address: Address, where: tuple[str, str]
) -> Iterator[Finding]:
    """The address names a namespace or a Service of another namespace that is not there."""
    space, name = where
    told = [h for h in _host_errors(view, workload) if h.subject.split(".")[:2] == [name, space]]
    spaces = {name_of(n) for n in view.all("namespaces")}
    lost = bool(spaces) and space not in spaces
    known = any(namespace_of(s) == space for s in view.all("services"))
    if view.get("services", space, name) or not (told or lost or known):
        return
    here = view.get("services", workload.namespace, name)
    own = here is not None and name not in _own_names(view, workload)
    why = f"there is no namespace {space}" if lost else f"there is no Service {name} in {space}"
    text = f"{address.key}={quote(address.value)} of {workload.ref.key}: {why}"
    score = (
        0.35
        + 0.4 * bool(told)
        + 0.15 * lost
        + 0.1 * bool(own)
        + 0.1 * _differs(view, workload, address)
    )
    facts = [
        Fact(source="object", statement=text, object=workload.ref),
        *(Fact(source="log", statement=quote(h.line), object=workload.ref) for h in told[-1:]),
    ]
    data = {
        "workload": workload,
        "address": address,
        "near": name if own else "",
        "port": address.port,
        "space": workload.namespace,
    }
    yield Finding(
        failure_class="env_address_mismatch",
        object=workload.ref,
        score=min(score, 0.95),
        detail=text,
        evidence=facts,
        against=[],
        facts=data,
    )


def _host_errors(view: ClusterView, workload: Workload) -> list[Hit]:
    return [h for h in view.hits(workload) if h.signal == "unknown_host" and h.subject]


def _no_service(
    view: ClusterView,
    workload: Workload,
    address: Address,
    *,
    name: str,
    names: set[str],
    hosts: set[str],
) -> Iterator[Finding]:
    near = _near(view, workload, name, names)
    exists = view.named(workload.namespace, name) is not None
    nameless = any(h.signal == "unknown_host" and not h.subject for h in view.hits(workload))
    told = name in hosts or (nameless and address.port is not None)
    if address.port is None and not told and not near:
        return  # a bare word in a variable is not always an address
    # An address that nobody answers may be an option that is off: the log or a near name makes it a fault.
    score = 0.4 + 0.3 * bool(near) + 0.3 * told + 0.05 * (address.port is not None)
    score += 0.1 * _differs(view, workload, address)
    if exists:  # the workload is there, its Service is not: the Service is what is missing
        score -= 0.25
        yield _unserved(view, workload, address, name, told=told)
    text = f"{address.key}={quote(address.value)} of {workload.ref.key}: there is no Service {name}"
    facts = [Fact(source="object", statement=text, object=workload.ref)]
    if told:
        facts.append(
            Fact(
                source="log",
                statement=f"the log says that {name} does not resolve",
                object=workload.ref,
            )
        )
    yield Finding(
        failure_class="env_address_mismatch",
        object=workload.ref,
        score=min(score, 0.95),
        detail=text,
        evidence=facts,
        against=[],
        facts={"workload": workload, "address": address, "near": near, "port": address.port},
    )


def _unserved(
    view: ClusterView, caller: Workload, address: Address, name: str, *, told: bool
) -> Finding:
    """A workload that callers name as a Service, and that has none of that name."""
    target = view.named(caller.namespace, name) or caller
    declared = view.declared.get(("Service", caller.namespace, name))
    text = f"{caller.ref.key} calls {quote(address.value)}; {target.ref.key} runs and there is no Service {name}"
    facts = [Fact(source="object", statement=text, object=target.ref)]
    if declared:
        facts.append(
            Fact(
                source="repository", statement=f"the deployment repository declares Service {name}"
            )
        )
    score = 0.45 + 0.35 * told + 0.12 * bool(declared) + 0.06 * (address.port is not None)
    if not view.collected("resourcequotas"):  # a full quota may be why it is not there
        score = min(score, 0.55)
    return Finding(
        failure_class="service_missing",
        object=target.ref,
        score=min(score, 0.86),
        detail=text,
        evidence=facts,
        against=[],
        facts={
            "workload": target,
            "caller": caller,
            "service_name": name,
            "declared": declared,
            "port": address.port,
        },
    )


def _near(view: ClusterView, workload: Workload, name: str, names: set[str]) -> str:
    """The Service that was meant: one name holds the other, or few letters differ; not one already called."""
    called = {a.host.split(".")[0] for a in addresses_of(view, workload)}
    close = [
        n
        for n in names - called
        if (len(n) > 3 and (n in name or name in n)) or alike(n, name) >= 0.88
    ]
    return max(close, key=lambda n: alike(n, name), default="")


def _differs(view: ClusterView, workload: Workload, address: Address) -> bool:
    """The deployment repository declares another value for this variable."""
    declared = view.declared.get((workload.kind, workload.namespace, workload.name))
    if declared is None:
        return False
    twin = Workload(workload.kind, declared)
    values = [
        e.get("value") for c in twin.containers() for e in c.env if e.get("name") == address.key
    ]
    return bool(values) and address.value not in values


def _wrong_port(
    view: ClusterView, workload: Workload, address: Address, service: Obj
) -> Iterator[Finding]:
    ports = [number(p.get("port")) for p in map(mapping, items(at(service, "spec", "ports")))]
    if not ports or address.port in ports or at(service, "spec", "type") == "ExternalName":
        return
    if at(service, "spec", "clusterIP") == "None":
        return
    text = f"{address.key}={quote(address.value)} of {workload.ref.key}: Service {name_of(service)} has ports {ports}"
    yield Finding(
        failure_class="env_address_mismatch",
        object=workload.ref,
        score=0.9,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=workload.ref)],
        against=[],
        facts={
            "workload": workload,
            "address": address,
            "near": name_of(service),
            "port": ports[0],
        },
    )


def _dns(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    spec = workload.spec
    errors = [h for h in view.hits(workload) if h.signal == "unknown_host"]
    known = [
        h
        for h in errors
        if (h.subject and view.resolve(workload.namespace, h.subject.split(".")[0]))
        or (h.subject and view.get("services", workload.namespace, h.subject.split(".")[0]))
    ]
    servers = [str(s) for s in items(at(spec, "dnsConfig", "nameservers"))]
    policy = str(spec.get("dnsPolicy") or "ClusterFirst")
    cluster_dns = {
        str(at(s, "spec", "clusterIP"))
        for s in view.inside("services", "kube-system")
        if "dns" in name_of(s)
    }
    foreign = policy == "None" and not (set(servers) & cluster_dns)
    outside = policy == "Default"
    sick = not workload.available or bool(errors)
    facts = [
        Fact(
            source="object",
            statement=f"dnsPolicy {policy}, nameservers {servers}",
            object=workload.ref,
        )
    ]
    facts += [
        Fact(source="log", statement=quote(h.line), object=workload.ref)
        for h in (known or errors)[-1:]
    ]
    data = {"workload": workload, "policy": policy, "servers": servers}
    if foreign or outside:
        score = 0.55 + 0.25 * sick + 0.15 * bool(known or errors)
        yield Finding(
            failure_class="dns_config_broken",
            object=workload.ref,
            score=score,
            detail=f"dnsPolicy {policy}, nameservers {servers}",
            evidence=facts,
            against=[],
            facts=data,
        )
    elif known and not workload.available:
        yield Finding(
            failure_class="dns_config_broken",
            object=workload.ref,
            score=0.5,
            detail=quote(known[-1].line),
            evidence=facts,
            against=[],
            facts=data,
        )
