"""What a pod spec names in its namespace: ConfigMaps, Secrets and their keys. Pure.

Source: k8s.io/api ``core/v1`` EnvFromSource, EnvVarSource, VolumeSource, ProjectedVolumeSource.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.view import ClusterView
from manifests.objects import pods
from manifests.objects.kinds import plural_of
from manifests.objects.shapes import Obj, mapping, mappings
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that the pods cannot start without. ``key``: the one of its keys that is named; empty: the whole."""

    kind: str
    name: str
    key: str = ""

    @property
    def written(self) -> str:
        """``ConfigMap/settings`` or ``Secret/login[password]``."""
        return f"{self.kind}/{self.name}" + (f"[{self.key}]" if self.key else "")


def references(spec: Obj) -> Iterator[Reference]:
    """All that are not optional."""
    for container in pods.containers_in(spec):
        for source in mappings(container, "envFrom"):
            yield from _named(source, ("configMapRef", "ConfigMap"), ("secretRef", "Secret"))
        for entry in mappings(container, "env"):
            chosen = mapping(entry, "valueFrom")
            yield from _named(chosen, ("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret"))
    for volume in mappings(spec, "volumes"):
        for source in (volume, *mappings(volume, "projected", "sources")):
            yield from _picked(mapping(source, "configMap"), "ConfigMap", "name")
            inner = "secretName" if source is volume else "name"
            yield from _picked(mapping(source, "secret"), "Secret", inner)


def _named(holder: Obj, *fields: tuple[str, str]) -> Iterator[Reference]:
    for field, kind in fields:
        found = mapping(holder, field)
        if found.get("name") and found.get("optional") is not True:
            yield Reference(kind, str(found["name"]), str(found.get("key") or ""))


def _picked(source: Obj, kind: str, inner: str) -> Iterator[Reference]:
    if not source.get(inner) or source.get("optional") is True:
        return
    yield Reference(kind, str(source[inner]))
    for item in mappings(source, "items"):
        if item.get("key"):
            yield Reference(kind, str(source[inner]), str(item["key"]))


def absent(view: ClusterView, workload: Workload) -> Iterator[Reference]:
    """Those that are not there, as far as their kind was collected, each once: an object that is missing as a whole."""
    yield from dict.fromkeys(_absent(view, workload))


def _absent(view: ClusterView, workload: Workload) -> Iterator[Reference]:
    for one in references(workload.spec):
        plural = plural_of(one.kind)
        if not view.collected(plural):
            continue
        found = view.get(plural, workload.namespace, one.name)
        if found is None:
            yield Reference(one.kind, one.name)
            continue
        data = (mapping(found, field) for field in ("data", "binaryData", "stringData"))
        keys = {key for part in data for key in part}
        told = keys or one.kind == "ConfigMap"  # of a Secret the keys may have been kept back
        if one.key and told and one.key not in keys:
            yield one
