"""Pods and what makes them: pod templates, containers of all sorts, their statuses, readiness. Lenient: for evidence.

Source: k8s.io/api ``core/v1`` PodSpec and PodStatus, ``apps/v1``, ``batch/v1``; KEP-753 (sidecars), KEP-277 (ephemeral
containers).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from manifests.objects.meta import condition, is_deleting, name_of, namespace_of
from manifests.objects.shapes import (
    Obj,
    at,
    items,
    mapping,
    mappings,
    number,
    strict_mapping,
    strict_mappings,
)

Sort = Literal["initContainers", "containers", "ephemeralContainers"]
#: In the order in which they start; ephemeral ones are added to a pod that runs, and are no part of a template.
SORTS: tuple[Sort, ...] = ("initContainers", "containers")
_STATUSES: dict[Sort, str] = {
    "initContainers": "initContainerStatuses",
    "containers": "containerStatuses",
    "ephemeralContainers": "ephemeralContainerStatuses",
}
#: Kinds that have a pod template.
TEMPLATED = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "Rollout",
)


def template_keys(kind: str) -> tuple[str, ...]:
    """Where a kind keeps its pod template; empty for a Pod, which is its own."""
    if kind == "Pod":
        return ()
    return (
        ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else ("spec", "template")
    )


def template_path(kind: str) -> str:
    """Field path of the pod spec in an object of a kind."""
    return ".".join((*template_keys(kind), "spec"))


def template_of(item: object, kind: str = "") -> Obj:
    """The pod template; a pod's own metadata and spec. ``kind``: for objects of a list, which say none."""
    return mapping(item, *template_keys(kind or str(at(item, "kind") or "")))


def pod_spec(item: object, kind: str = "") -> Obj:
    """The pod spec of a pod or of what makes pods; empty where there is none."""
    return mapping(template_of(item, kind), "spec")


def strict_pod_spec(item: Obj) -> Obj | None:
    """The pod spec of a pod or of what makes pods; ``None`` for an object without one. For checks: raises Misshapen."""
    keys = template_keys(str(item.get("kind") or ""))
    if not keys:
        return strict_mapping(item, "spec")
    template = strict_mapping(item, *keys)
    return strict_mapping(template, "spec") if template else None


def strict_containers(spec: Obj | None, *sorts: Sort) -> list[Obj]:
    """As ``containers_in``, of a pod spec that may be missing. For checks: raises Misshapen."""
    return [item for sort in sorts or SORTS for item in strict_mappings(spec or {}, sort)]


def containers_in(spec: object, *sorts: Sort) -> list[Obj]:
    """The containers of a pod spec, of the sorts asked for; of all that a template has when none is."""
    return [item for sort in sorts or SORTS for item in mappings(spec, sort)]


def is_sidecar(container: Obj) -> bool:
    """An init container that goes on running beside the others (KEP-753)."""
    return container.get("restartPolicy") == "Always"


@dataclass(frozen=True, slots=True)
class Container:
    """A container's spec with its status, either may be empty."""

    name: str
    spec: Obj
    status: Obj
    init: bool = False

    @property
    def ends_first(self) -> bool:
        """An init container that has to end before the others start: no sidecar (KEP-753)."""
        return self.init and not is_sidecar(self.spec)

    @property
    def waiting(self) -> Obj:
        """``state.waiting``."""
        return mapping(self.status, "state", "waiting")

    @property
    def terminated(self) -> Obj:
        """The last termination: of the current state, else of the previous run."""
        now = mapping(self.status, "state", "terminated")
        return now or mapping(self.status, "lastState", "terminated")

    @property
    def restarts(self) -> int:
        """``restartCount``."""
        return number(self.status.get("restartCount"))

    @property
    def ready(self) -> bool:
        """The kubelet calls it ready."""
        return bool(self.status.get("ready"))

    @property
    def ports(self) -> list[Obj]:
        """Declared container ports."""
        return [mapping(port) for port in items(self.spec.get("ports"))]

    @property
    def env(self) -> list[Obj]:
        """Declared environment entries."""
        return [mapping(entry) for entry in items(self.spec.get("env"))]


def declared(spec: Obj, *sorts: Sort) -> list[Container]:
    """The containers of a pod spec without status."""
    return [
        Container(str(mapping(entry).get("name")), mapping(entry), {}, sort == "initContainers")
        for sort in sorts
        for entry in items(spec.get(sort))
    ]


def statuses_of(pod: object, *sorts: Sort) -> list[Obj]:
    """The container statuses of a pod, of the sorts asked for; init containers and containers when none is."""
    return [item for sort in sorts or SORTS for item in mappings(pod, "status", _STATUSES[sort])]


@dataclass(frozen=True)
class Pod:
    """A pod."""

    obj: Obj

    @cached_property
    def name(self) -> str:
        """Its name."""
        return name_of(self.obj)

    @cached_property
    def namespace(self) -> str:
        """Its namespace."""
        return namespace_of(self.obj)

    @property
    def spec(self) -> Obj:
        """Its spec."""
        return mapping(self.obj.get("spec"))

    @property
    def node(self) -> str:
        """Where it runs; empty before it is bound."""
        return str(self.spec.get("nodeName") or "")

    @property
    def phase(self) -> str:
        """``status.phase``."""
        return str(at(self.obj, "status", "phase") or "")

    @property
    def deleting(self) -> bool:
        """Somebody asked for its deletion."""
        return is_deleting(self.obj)

    @cached_property
    def ready(self) -> bool:
        """All its containers are ready, or it has done its work."""
        stated = condition(self.obj, "Ready").get("status")
        if self.phase == "Succeeded":
            return True
        if stated is not None and stated != "True":
            return False
        containers = [c for c in self.containers() if not c.ends_first]
        known = [c for c in containers if c.status]
        return self.phase == "Running" and all(c.ready for c in known)

    def containers(self) -> list[Container]:
        """Init containers first."""
        return self._all

    @cached_property
    def _all(self) -> list[Container]:
        return list(self._containers())

    def _containers(self) -> Iterator[Container]:
        for sort in SORTS:
            init = sort == "initContainers"
            found = {str(s.get("name")): s for s in mappings(self.obj, "status", _STATUSES[sort])}
            for spec in items(self.spec.get(sort)):
                name = str(mapping(spec).get("name"))
                yield Container(name, mapping(spec), found.pop(name, {}), init)
            for name, status in found.items():
                yield Container(name, {}, status, init)


def configmaps_of(spec: Obj) -> Iterator[str]:
    """Names of the ConfigMaps that a pod spec reads: as variables or files."""
    named: list[object] = []
    for container in (*mappings(spec, "initContainers"), *mappings(spec, "containers")):
        named += [at(source, "configMapRef", "name") for source in items(container, "envFrom")]
        named += [
            at(entry, "valueFrom", "configMapKeyRef", "name") for entry in items(container, "env")
        ]
    for volume in mappings(spec, "volumes"):
        named.append(at(volume, "configMap", "name"))
        named += [at(part, "configMap", "name") for part in items(volume, "projected", "sources")]
    yield from (name for name in named if isinstance(name, str) and name)
