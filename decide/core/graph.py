"""Who calls whom: addresses in environments and configuration, Services, and what logs and alerts say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from decide.core.view import ClusterView
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload

_ADDRESS = re.compile(
    r"(?:^|[\s,;\"'@/=({])(?:(?P<scheme>[a-z][a-z0-9+.:-]*)://(?:[^@/\s]*@)?)?"
    r"(?P<host>[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*):(?P<port>\d{2,5})(?=$|[\s,;\"'/)}?])"
)
_URL = re.compile(
    r"[a-z][a-z0-9+.:-]*://(?:[^@/\s]*@)?(?P<host>[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)(?=$|[\s,;\"'/?])"
)
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
    for match in _ADDRESS.finditer(value):
        host = match["host"]
        if host != _SELF and host not in seen:
            seen.add(host)
            yield Address(host, int(match["port"]), path, key, value, container)
    for match in _URL.finditer(value):
        host = match["host"]
        if host != _SELF and host not in seen:
            seen.add(host)
            yield Address(host, None, path, key, value, container)
    if not seen and _HOST_KEY.search(key) and _BARE.fullmatch(value) and value != _SELF:
        yield Address(value, None, path, key, value, container)


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
    """Caller's workload key to callees' keys, from addresses, routes of configuration and given dependencies."""
    return view.memo("calls", lambda: _calls(view))


def _calls(view: ClusterView) -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for workload in view.workloads:
        targets = out.setdefault(workload.ref.key, set())
        for address in addresses_of(view, workload):
            target = _target(view, workload, address)
            if target and target != workload.ref.key:
                targets.add(target)
    for caller, callee in _told(view):
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
