"""Who calls whom: addresses in environments and configuration, Services, and what logs and alerts say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from manifests.objects.hosts import ADDRESS, URL, Host, mentioned
from manifests.objects.meta import condition, name_of, namespace_of
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload

if TYPE_CHECKING:  # the view looks for neighbours with what is here
    from decide.core.view import ClusterView

_HOST_KEY = re.compile(
    r"(?:^|_)(?:HOST|HOSTNAME|ADDR|ADDRESS|ENDPOINT|SERVER|SERVICE|URL|URI)S?$", re.I
)
_BARE = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*")
#: Numeric addresses are no hosts here: both patterns want a letter first.
_SELF = "localhost"


@dataclass(frozen=True, slots=True)
class Address:
    """An address in a workload's configuration. ``port`` is ``None`` when none is said."""

    host: str
    port: int | None
    #: Field path below the pod spec, empty for what comes from a ConfigMap.
    path: str
    key: str
    value: str
    container: str
    #: The ConfigMap of the namespace that it comes from, where it does.
    config: str = ""
    #: The key in that ConfigMap.
    config_key: str = ""


def addresses_of(view: ClusterView, workload: Workload) -> list[Address]:
    """Addresses in literal environment values and in the ConfigMaps they come from."""
    key = f"addresses {workload.ref.key}"
    return view.memo(key, lambda: list(_addresses(view, workload)))


def _addresses(view: ClusterView, workload: Workload) -> Iterator[Address]:
    for container in workload.containers(init=True):
        group = "initContainers" if container.init else "containers"
        for entry in container.env:
            key, value = str(entry.get("name") or ""), entry.get("value")
            path = f"{group}[name={container.name}].env[name={key}].value"
            source = mapping(at(entry, "valueFrom", "configMapKeyRef"))
            if not isinstance(value, str):
                value, path = _referenced(view, workload, mapping(entry.get("valueFrom"))), ""
            for found in _read(key, value, path, container.name):
                yield replace(
                    found,
                    config=str(source.get("name") or ""),
                    config_key=str(source.get("key") or ""),
                )
        for source in items(container.spec.get("envFrom")):
            name = str(at(source, "configMapRef", "name") or "")
            config = view.get("configmaps", workload.namespace, name)
            for key, value in mapping(config, "data").items():
                if isinstance(value, str) and len(value) < 500:
                    for found in _read(str(key), value, "", container.name):
                        yield replace(found, config=name, config_key=str(key))


def _referenced(view: ClusterView, workload: Workload, source: Obj) -> str:
    name, key = at(source, "configMapKeyRef", "name"), at(source, "configMapKeyRef", "key")
    config = view.get("configmaps", workload.namespace, str(name))
    value = mapping(config, "data").get(str(key))
    return value if isinstance(value, str) and len(value) < 500 else ""


def _read(key: str, value: str, path: str, container: str) -> Iterator[Address]:
    if len(value) > 2000:
        return
    seen: set[str] = set()
    for match in ADDRESS.finditer(value):
        host = match["host"]
        if host != _SELF and host not in seen:
            seen.add(host)
            yield Address(host, int(match["port"]), path, key, value, container)
    for match in URL.finditer(value):
        host = match["host"]
        if host != _SELF and host not in seen:
            seen.add(host)
            yield Address(host, None, path, key, value, container)
    if not seen and _HOST_KEY.search(key) and _BARE.fullmatch(value) and value != _SELF:
        yield Address(value, None, path, key, value, container)


def hosts_of(view: ClusterView, workload: Workload) -> list[Host]:
    """Hosts in its commands, arguments and mounted configuration; a bare word may be no host at all."""

    def make() -> list[Host]:
        return mentioned(workload, lambda name: view.get("configmaps", workload.namespace, name))

    return view.memo(f"hosts {workload.ref.key}", make)


def called_services(view: ClusterView, workload: Workload) -> list[tuple[str, str, int | None]]:
    """Namespace, name and port of each Service that its variables, commands and configuration may mean."""

    def make() -> list[tuple[str, str, int | None]]:
        hosts = [Host(a.host, a.port) for a in addresses_of(view, workload)]
        hosts += hosts_of(view, workload)
        meant = [(*_place(view, host.name, workload.namespace), host.port) for host in hosts]
        return list(dict.fromkeys(meant))

    return view.memo(f"called services {workload.ref.key}", make)


_WEBHOOK = re.compile(
    r"fail(?:ed|ing) (?:calling|to call) webhook.*?https://(?P<name>[a-z0-9-]+)\.(?P<space>[a-z0-9-]+)\.svc\b"
)


def admitted_by(view: ClusterView, workload: Workload) -> list[tuple[str, str]]:
    """Namespace and name of each Service that the API server asked about its pods and got no answer from."""
    texts = [event.message for event in view.events_of_workload(workload)]
    texts.append(str(condition(workload.obj, "ReplicaFailure").get("message") or ""))
    told = map(_WEBHOOK.search, texts)
    return list(dict.fromkeys((m["space"], m["name"]) for m in told if m is not None))


def _place(view: ClusterView, host: str, namespace: str) -> tuple[str, str]:
    """Namespace and name of the Service that a host means, through one ExternalName."""
    name, _, space = host.partition(".")
    place = service_name(host, namespace) or (space, name)
    external = str(at(view.get("services", *place), "spec", "externalName") or "")
    return (service_name(external, place[0]) or place) if external else place


def service_name(host: str, namespace: str) -> tuple[str, str] | None:
    """Namespace and Service a host means inside the cluster; ``None`` for a name of the outside world.

    ``web``, ``web.shop``, ``web.shop.svc``, ``web.shop.svc.cluster.local``; StatefulSet pods
    (``db-0.db.shop.svc…``) mean their governing Service.
    """
    parts = host.rstrip(".").split(".")
    if "svc" in parts:
        at_svc = parts.index("svc")
        if at_svc < 2:
            return None
        return parts[at_svc - 1], parts[at_svc - 2]
    if len(parts) == 1:
        return namespace, parts[0]
    return None


def calls(view: ClusterView) -> dict[str, set[str]]:
    """Caller's workload key to callees' keys, from addresses, commands, mounted configuration, spans and given maps."""
    return view.memo("calls", lambda: _calls(view))


def below(graph: Mapping[str, set[str]], key: str) -> set[str]:
    """Everything that leads on from a key, directly or not."""
    seen: set[str] = set()
    stack = [key]
    while stack:
        fresh = graph.get(stack.pop(), set()) - seen
        seen |= fresh
        stack += fresh
    return seen


def _calls(view: ClusterView) -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for workload in view.workloads:
        targets = out.setdefault(workload.ref.key, set())
        found = [_target(view, workload, address) for address in addresses_of(view, workload)]
        found += [_behind(view, *place[:2]) for place in called_services(view, workload)]
        found += [_behind(view, *place) for place in admitted_by(view, workload)]
        targets |= {target for target in found if target and target != workload.ref.key}
    for caller, callee in (*_told(view), *_spans(view)):
        one, two = _known(view, caller), _known(view, callee)
        if one and two and one != two:
            out.setdefault(one, set()).add(two)
    return out


def _target(view: ClusterView, workload: Workload, address: Address) -> str | None:
    parts = address.host.split(".")
    meant = service_name(address.host, workload.namespace)
    tried = [meant] if meant else [(workload.namespace, parts[0]), (workload.namespace, parts[-1])]
    for place, name in tried:
        target = view.resolve(place, name)
        if target:
            return target.ref.key
    return None


def _behind(view: ClusterView, namespace: str, name: str) -> str | None:
    """The workload that a Service leads to."""
    service = view.get("services", namespace, name)
    backends = view.backends(service) if service is not None else []
    return backends[0].ref.key if backends else None


#: Tags by which a client's span names whom it called, and an alert with it.
_PEERS = ("peer.service", "peer_service", "out.host", "net.peer.name", "upstream")


def _spans(view: ClusterView) -> Iterator[tuple[str, str]]:
    """Whom a client's spans called, by the tags of the alert and of series."""
    subject = view.bundle.k8s_context.subject
    tagged = [view.bundle.alert.labels, *(series.tags for series in view.bundle.metrics)]
    for tags in tagged:
        peers = [tags[key].split(".")[0] for key in _PEERS if tags.get(key)]
        if peers:
            caller = tags.get("service") or (subject.name if subject is not None else "")
            yield from ((caller, peer) for peer in peers)


def _known(view: ClusterView, name: str) -> str | None:
    for namespace in view.focus:
        found = view.resolve(namespace, name)
        if found:
            return found.ref.key
    return None


_TREE = re.compile(r"^(?P<indent>[\s│]*)[├└]──\s*(?P<name>[a-z0-9][a-z0-9.-]*)")


def _told(view: ClusterView) -> Iterator[tuple[str, str]]:
    """Edges of a service map, as tools print it: a tree below each service."""
    given = view.tool("service_dependencies")
    if not isinstance(given, dict):
        return
    for name, text in given.items():
        if isinstance(text, list):
            yield from ((str(name), str(callee)) for callee in text)
            continue
        stack: list[tuple[int, str]] = [(-1, str(name))]
        for line in str(text).splitlines():
            match = _TREE.match(line)
            if match is None:
                continue
            depth = len(match["indent"])
            while stack[-1][0] >= depth:
                stack.pop()
            yield stack[-1][1], match["name"]
            stack.append((depth, match["name"]))


def reachable(view: ClusterView, service: Obj) -> bool | None:
    """What connectivity tests say of a Service; ``None`` when nobody tested it or they disagree."""
    tests = view.tool("service_connectivity")
    if not isinstance(tests, dict):
        return None
    verdicts: set[bool] = set()
    for target, text in tests.items():
        if (
            str(target).split(":")[0].split(".")[0] == name_of(service)
            and namespace_of(service) in view.focus
        ):
            verdicts |= {
                "Connection Failed" not in part
                for part in str(text).split("Debug Pod")
                if "Connection" in part
            }
    return verdicts.pop() if len(verdicts) == 1 else None
