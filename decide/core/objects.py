"""Typed looks at raw Kubernetes objects: pods, workloads, nodes. Nothing here judges.

Raw objects are what the API server serves; every accessor tolerates missing or misshapen fields,
because captures are partial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from schemas.base import ObjectRef

Obj = Mapping[str, Any]

#: Kinds that make pods, as lower-case plurals, with their kind.
WORKLOAD_KINDS: dict[str, str] = {
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "jobs": "Job",
    "cronjobs": "CronJob",
    "replicasets": "ReplicaSet",
    "replicationcontrollers": "ReplicationController",
    "rollouts": "Rollout",
}


def mapping(value: object) -> Obj:
    """``value`` when it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """``value`` when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def at(obj: object, *path: str) -> Any:
    """The value below ``path``, ``None`` where it leads nowhere."""
    node = obj
    for key in path:
        if not isinstance(node, dict):
            return None
        node = node.get(key)
    return node


def name_of(obj: Obj) -> str:
    """``metadata.name``."""
    return str(mapping(obj.get("metadata")).get("name") or "")


def namespace_of(obj: Obj) -> str:
    """``metadata.namespace``, empty for cluster-scoped objects. Asked of every object of a dump: kept short."""
    meta = obj.get("metadata")
    return str(meta.get("namespace") or "") if isinstance(meta, dict) else ""


def labels_of(obj: Obj) -> Obj:
    """``metadata.labels``."""
    return mapping(at(obj, "metadata", "labels"))


def annotations_of(obj: Obj) -> Obj:
    """``metadata.annotations``."""
    return mapping(at(obj, "metadata", "annotations"))


def pairs(labels: Obj) -> str:
    """Labels as ``kubectl`` writes them: ``app=web,tier=front``."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "nothing"


def owners_of(obj: Obj) -> list[tuple[str, str]]:
    """Kind and name of each owner, the controlling one first."""
    refs = [mapping(ref) for ref in items(at(obj, "metadata", "ownerReferences"))]
    refs.sort(key=lambda ref: not ref.get("controller"))
    return [(str(ref.get("kind", "")), str(ref.get("name", ""))) for ref in refs]


def plural_of(kind: str) -> str:
    """``NetworkPolicy`` → ``networkpolicies``, as the API's paths spell it."""
    low = kind.lower()
    if low.endswith("s"):
        return low if low == "endpoints" else low + "es"
    return low[:-1] + "ies" if low.endswith("cy") or low.endswith("ty") else low + "s"


def number(value: object, default: int = 0) -> int:
    """An integer field, ``default`` when absent or no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        return int(value)
    except ValueError:
        return default


def condition(obj: Obj, kind: str) -> Obj:
    """The status condition of that type, empty when there is none."""
    for entry in items(at(obj, "status", "conditions")):
        if mapping(entry).get("type") == kind:
            return mapping(entry)
    return {}


@dataclass(frozen=True, slots=True)
class Container:
    """A container's spec with its status, either may be empty."""

    name: str
    spec: Obj
    status: Obj
    init: bool = False

    @property
    def waiting(self) -> Obj:
        """``state.waiting``."""
        return mapping(at(self.status, "state", "waiting"))

    @property
    def terminated(self) -> Obj:
        """The last termination: of the current state, else of the previous run."""
        now = mapping(at(self.status, "state", "terminated"))
        return now or mapping(at(self.status, "lastState", "terminated"))

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
        return bool(at(self.obj, "metadata", "deletionTimestamp"))

    @cached_property
    def ready(self) -> bool:
        """All its containers are ready, or it has done its work."""
        stated = condition(self.obj, "Ready").get("status")
        if self.phase == "Succeeded":
            return True
        if stated is not None and stated != "True":
            return False
        containers = [c for c in self.containers() if not c.init]
        known = [c for c in containers if c.status]
        return self.phase == "Running" and all(c.ready for c in known)

    def containers(self) -> list[Container]:
        """Init containers first."""
        return self._all

    @cached_property
    def _all(self) -> list[Container]:
        return list(self._containers())

    def _containers(self) -> Iterator[Container]:
        for key, statuses, init in (
            ("initContainers", "initContainerStatuses", True),
            ("containers", "containerStatuses", False),
        ):
            found = {
                str(mapping(s).get("name")): mapping(s)
                for s in items(at(self.obj, "status", statuses))
            }
            for spec in items(self.spec.get(key)):
                name = str(mapping(spec).get("name"))
                yield Container(name, mapping(spec), found.pop(name, {}), init)
            for name, status in found.items():
                yield Container(name, {}, status, init)


@dataclass(frozen=True)
class Workload:
    """A controller of pods, the topmost of its owner chain."""

    kind: str
    obj: Obj
    pods: tuple[Pod, ...] = ()
    #: Names of its ReplicaSets or Jobs.
    children: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def name(self) -> str:
        """Its name."""
        return name_of(self.obj)

    @cached_property
    def namespace(self) -> str:
        """Its namespace."""
        return namespace_of(self.obj)

    @cached_property
    def ref(self) -> ObjectRef:
        """Its reference."""
        version = str(self.obj.get("apiVersion") or "")
        return ObjectRef(
            api_version=version, kind=self.kind, namespace=self.namespace, name=self.name
        )

    @property
    def template(self) -> Obj:
        """Its pod template; a bare pod's own metadata and spec."""
        if self.kind == "Pod":
            return self.obj
        if self.kind == "CronJob":
            return mapping(at(self.obj, "spec", "jobTemplate", "spec", "template"))
        return mapping(at(self.obj, "spec", "template"))

    @property
    def template_path(self) -> str:
        """Field path of the pod spec, for plans."""
        return {
            "Pod": "spec",
            "CronJob": "spec.jobTemplate.spec.template.spec",
        }.get(self.kind, "spec.template.spec")

    @property
    def spec(self) -> Obj:
        """The pod spec of its template."""
        return mapping(self.template.get("spec"))

    @property
    def labels(self) -> Obj:
        """Labels of its pods."""
        return labels_of(self.template)

    def containers(self, *, init: bool = False) -> list[Container]:
        """Containers of the template, without status."""
        keys = ("initContainers", "containers") if init else ("containers",)
        return [
            Container(str(mapping(spec).get("name")), mapping(spec), {}, key == "initContainers")
            for key in keys
            for spec in items(self.spec.get(key))
        ]

    @property
    def desired(self) -> int:
        """Replicas asked for: 1 where nothing is said; pods to be scheduled for a DaemonSet."""
        if self.kind == "DaemonSet":
            return number(at(self.obj, "status", "desiredNumberScheduled"))
        if self.kind in ("Job", "CronJob", "Pod"):
            return 1
        return number(at(self.obj, "spec", "replicas"), 1)

    @property
    def created(self) -> int:
        """Pods that exist now."""
        return len([p for p in self.pods if not p.deleting])

    @cached_property
    def ready(self) -> int:
        """Ready pods: the greater of status and pods, as captures may lack one."""
        key = "numberReady" if self.kind == "DaemonSet" else "readyReplicas"
        if self.pods:
            return len([p for p in self.pods if p.ready and not p.deleting])
        return number(at(self.obj, "status", key))

    @cached_property
    def available(self) -> bool:
        """As many ready pods as asked for, and its controller says so where it says anything."""
        if self.kind in ("Job", "CronJob"):
            return True
        said = condition(self.obj, "Available").get("status")
        return self.ready >= self.desired and said != "False"
