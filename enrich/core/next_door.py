"""Namespaces next door: those of the Services that the alert's namespace calls by their whole name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from manifests.objects.hosts import Host, hosts_in, mentioned
from manifests.objects.kinds import WORKLOADS
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import items, mapping, text
from manifests.objects.workloads import Workload
from schemas.base import Json

#: Other namespaces that are read for one alert: each costs as many lists as the alert's own.
MOST = 2


def called_namespaces(objects: Mapping[str, Sequence[Json]], namespace: str) -> list[str]:
    """Namespaces that exist and that variables, commands or mounted configuration name beside a Service; at most ``MOST``."""
    there = {name_of(one) for one in objects.get("namespaces", ())}
    there -= {namespace, ""}
    if not namespace or not there:
        return []
    configs = {name_of(one): one for one in objects.get("configmaps", ()) if _is_in(one, namespace)}
    named = (_space(host.name) for host in _hosts(objects, namespace, configs))
    found = dict.fromkeys(s for s in named if s in there and not s.startswith("kube-"))
    return list(found)[:MOST]


def _is_in(obj: Json, namespace: str) -> bool:
    return namespace_of(obj) == namespace


def _hosts(
    objects: Mapping[str, Sequence[Json]], namespace: str, configs: Mapping[str, Json]
) -> Iterator[Host]:
    for plural, kind in WORKLOADS.items():
        for obj in objects.get(plural, ()):
            if plural == "replicasets" or not _is_in(obj, namespace):
                continue
            workload = Workload(kind, mapping(obj))
            yield from mentioned(workload, configs.get)
            for container in workload.containers(init=True):
                for entry in container.env:
                    yield from hosts_in(text(entry, "value"))
                for source in items(container.spec, "envFrom"):
                    found = configs.get(text(mapping(source, "configMapRef"), "name"))
                    for value in mapping(found, "data").values():
                        yield from hosts_in(str(value))
    for service in objects.get("services", ()):
        external = text(mapping(service, "spec"), "externalName")
        if external and _is_in(service, namespace):
            yield Host(external, None)


def _space(host: str) -> str:
    """The namespace of ``web.shop`` and ``web.shop.svc.cluster.local``; empty for a bare name or one of the world."""
    parts = host.rstrip(".").split(".")
    if "svc" in parts:
        return parts[parts.index("svc") - 1] if parts.index("svc") > 1 else ""
    return parts[1] if len(parts) == 2 else ""
