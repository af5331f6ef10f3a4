"""Controllers of pods: their template, how many pods they want, when they are available.

``Workload`` is lenient, for evidence; ``replicas`` and ``rounded`` are strict, for checks. Source: k8s.io/api
``apps/v1`` (RollingUpdate of Deployments, defaults 25 % and 25 %, and of DaemonSets, defaults 0 and 1), ``batch/v1``;
apimachinery ``pkg/util/intstr`` GetScaledValueFromIntOrPercent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from manifests.objects import pods
from manifests.objects.meta import condition, labels_of, name_of, namespace_of
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import (
    Misshapen,
    Obj,
    at,
    mapping,
    number,
    strict_number,
)
from schemas.base import Json, ObjectRef

_PERCENT = re.compile(r"([0-9]{1,9})%")


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
        return pods.template_of(self.obj, self.kind)

    @property
    def template_path(self) -> str:
        """Field path of the pod spec, for plans."""
        return pods.template_path(self.kind)

    @property
    def spec(self) -> Obj:
        """The pod spec of its template."""
        return mapping(self.template.get("spec"))

    @property
    def labels(self) -> Obj:
        """Labels of its pods."""
        return labels_of(self.template)

    def containers(self, *, init: bool = False) -> list[Container]:
        """Containers of the template, without status; sidecars behind those that run with them."""
        if init:
            return pods.declared(self.spec, *pods.SORTS)
        running = pods.declared(self.spec, "containers", "initContainers")
        return [container for container in running if not container.ends_first]

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


def replicas(item: Obj) -> int:
    """Desired pods: ``spec.replicas`` (default 1); of a DaemonSet what its status wants; of a Job its parallelism.

    Raises Misshapen.
    """
    kind = item.get("kind")
    if kind == "DaemonSet":
        return strict_number(item, "status", "desiredNumberScheduled", default=0) or 1
    if kind in ("Job", "CronJob"):
        above = ("spec", "jobTemplate", "spec") if kind == "CronJob" else ("spec",)
        return strict_number(item, *above, "parallelism", default=1)
    return strict_number(item, "spec", "replicas", default=1)


def said(rolling: Obj, name: str, default: Json) -> Json:
    """The field's value; null is as good as not there: then the API server fills in the default."""
    found = rolling.get(name)
    return default if found is None else found


def rounded(value: Json, whole: int, direction: Callable[[float], int]) -> int:
    """A number, or a percentage of ``whole`` rounded as told. Raises Misshapen for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    percent = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if percent is None:
        raise Misshapen(f"neither a number nor a percentage: {value!r}")
    return direction(whole * int(percent[1]) / 100)
