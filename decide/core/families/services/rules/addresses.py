"""Addresses in the configuration of callers against the Services that exist."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.facts import Facts
from decide.core.families.services.facts import AbsentService, WrongAddress
from decide.core.families.services.rules.backends import service_ports
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import Address, addresses_of, service_name
from decide.core.names import alike
from decide.core.signals import SignalHit
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, at, number
from manifests.objects.workloads import Workload
from manifests.repository.environments import is_called


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about addresses, at the workload that has them; a missing Service at the workload that lacks it."""
    for workload in view.workloads:
        yield from _addresses(view, workload)


def _addresses(view: ClusterView, workload: Workload) -> Iterator[Finding[Facts]]:
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
) -> Iterator[Finding[WrongAddress]]:
    """The address names a namespace or a Service of another namespace that is not there."""
    space, name = where
    told = [h for h in _host_errors(view, workload) if h.subject.split(".")[:2] == [name, space]]
    spaces = {name_of(n) for n in view.all("namespaces")}
    lost = bool(spaces) and space not in spaces
    known = any(namespace_of(s) == space for s in view.all("services"))
    if view.get("services", space, name) or not (told or lost or known):
        return
    own = _has_own(view, workload, name)
    what = {"key": address.key, "value": quote(address.value), "workload": workload.ref.key}
    text = (
        say("services.address.no_namespace", namespace=space, **what)
        if lost
        else say("services.address.none_there", service=name, namespace=space, **what)
    )
    score = 0.35 + 0.4 * bool(told) + 0.15 * lost + 0.1 * own
    score += 0.1 * _differs(view, workload, address)
    yield Finding(
        failure_class="env_address_mismatch",
        object=workload.ref,
        score=min(score, 0.95),
        detail=text,
        evidence=[
            Fact(source="object", statement=text, object=workload.ref),
            *(Fact(source="log", statement=quote(h.line), object=workload.ref) for h in told[-1:]),
        ],
        facts=WrongAddress(
            workload=workload,
            address=address,
            near=name if own else "",
            namespace=workload.namespace,
        ),
    )


def _has_own(view: ClusterView, workload: Workload, name: str) -> bool:
    """The workload's own namespace has a Service of that name, and it is not the workload's."""
    here = view.get("services", workload.namespace, name)
    return here is not None and name not in _own_names(view, workload)


def _host_errors(view: ClusterView, workload: Workload) -> list[SignalHit]:
    return [h for h in view.hits(workload) if h.signal == "unknown_host" and h.subject]


def _no_service(
    view: ClusterView,
    workload: Workload,
    address: Address,
    *,
    name: str,
    names: set[str],
    hosts: set[str],
) -> Iterator[Finding[Facts]]:
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
    space = _next_door(view, workload, name) if told and not near and not exists else ""
    found = WrongAddress(
        workload=workload, address=address, near=name if space else near, namespace=space
    )
    yield _absent(found, name, min(score, 0.95), told=told)


def _next_door(view: ClusterView, workload: Workload, name: str) -> str:
    """The only other namespace with a Service of that name, unless either is called like an environment; empty for none."""
    spaces = {namespace_of(s) for s in view.all("services") if name_of(s) == name}
    spaces -= {workload.namespace}
    named = [space for space in (workload.namespace, *spaces) if is_called(space)]
    return spaces.pop() if len(spaces) == 1 and not named else ""


def _absent(found: WrongAddress, name: str, score: float, *, told: bool) -> Finding[WrongAddress]:
    workload, address = found.workload, found.address
    text = say(
        "services.address.none",
        key=address.key,
        value=quote(address.value),
        workload=workload.ref.key,
        service=name,
    )
    facts = [Fact(source="object", statement=text, object=workload.ref)]
    if told:
        unresolved = say("services.address.unresolved", name=name)
        facts.append(Fact(source="log", statement=unresolved, object=workload.ref))
    return Finding(
        failure_class="env_address_mismatch",
        object=workload.ref,
        score=score,
        detail=text,
        evidence=facts,
        facts=found,
    )


def _unserved(
    view: ClusterView, caller: Workload, address: Address, name: str, *, told: bool
) -> Finding[AbsentService]:
    """A workload that callers name as a Service, and that has none of that name."""
    target = view.named(caller.namespace, name) or caller
    declared = ("Service", caller.namespace, name) in view.declared
    text = say(
        "services.missing.called",
        caller=caller.ref.key,
        address=quote(address.value),
        workload=target.ref.key,
        service=name,
    )
    facts = [Fact(source="object", statement=text, object=target.ref)]
    if declared:
        said = say("services.missing.declared", service=name)
        facts.append(Fact(source="repository", statement=said))
    score = 0.45 + 0.35 * told + 0.12 * declared + 0.06 * (address.port is not None)
    if not view.collected("resourcequotas"):  # a full quota may be why it is not there
        score = min(score, 0.55)
    return Finding(
        failure_class="service_missing",
        object=target.ref,
        score=min(score, 0.86),
        detail=text,
        evidence=facts,
        facts=AbsentService(
            workload=target, caller=caller, name=name, declared=declared, port=address.port
        ),
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
) -> Iterator[Finding[WrongAddress]]:
    ports = [number(port.get("port")) for port in service_ports(service)]
    if not ports or address.port in ports or at(service, "spec", "type") == "ExternalName":
        return
    if at(service, "spec", "clusterIP") == "None":
        return
    text = say(
        "services.address.wrong_port",
        key=address.key,
        value=quote(address.value),
        workload=workload.ref.key,
        service=name_of(service),
        ports=[str(port) for port in ports],
        count=len(ports),
    )
    yield Finding(
        failure_class="env_address_mismatch",
        object=workload.ref,
        score=0.9,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=workload.ref)],
        facts=WrongAddress(workload=workload, address=address, near=name_of(service)),
    )
