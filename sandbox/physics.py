"""Health as a function of what a service needs and what its manifest gives it. Pure; the world has no script.

The model is small on purpose: load divides over replicas, a container stops at its limits, a bad reference never
starts. So a right fix heals, a wrong one does not, and half a fix heals half.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from manifests.objects import quantities
from schemas.base import Json

Condition = Literal[
    "healthy",
    "throttled",
    "oom_killed",
    "crash_loop",
    "bad_image",
    "unschedulable",
    "at_ceiling",
    "leaking",
]
#: Conditions in which new pods never become ready, while those of the last good revision go on.
STUCK: frozenset[Condition] = frozenset({"crash_loop", "bad_image", "unschedulable"})
_MIB = 2**20
#: Share of the limit from which the kernel's own needs kill a container.
_MEMORY_MARGIN = 0.97


@dataclass(frozen=True, slots=True)
class Need:
    """What one service takes to serve its users."""

    #: Demand of the whole service, in cores.
    cpu_cores: float
    #: Peak of one pod, in MiB.
    memory_mib: float
    requests_per_s: float = 10.0
    #: Latency at the 95th percentile with enough of everything.
    latency_ms: float = 50.0
    #: What one pod never gives back, in MiB per minute.
    leak_mib_per_min: float = 0.0
    #: Environment variable to the form its value must have.
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scaler:
    """A HorizontalPodAutoscaler on CPU utilisation."""

    name: str
    least: int
    most: int
    target: float


@dataclass(frozen=True, slots=True)
class Spec:
    """What a Deployment gives each pod. ``None``: no limit."""

    image: str
    replicas: int
    cpu_request: float
    memory_request_mib: float
    cpu_limit: float | None
    memory_limit_mib: float | None
    environment: Mapping[str, str]
    scaler: Scaler | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """What is still free on a node, in cores and MiB."""

    name: str
    free_cpu: float
    free_memory_mib: float


@dataclass(frozen=True, slots=True)
class Health:
    """How a service fares. Per-pod figures are of its serving pods."""

    condition: Condition
    replicas: int
    ready: int
    cpu_per_pod: float
    memory_mib: float
    throttled_ratio: float = 0.0
    error_ratio: float = 0.001
    latency_ms: float = 50.0
    restarts_per_min: float = 0.0
    #: One sentence for events and logs.
    reason: str = ""


def read_spec(deployment: Mapping[str, Json], scaler: Mapping[str, Json] | None) -> Spec:
    """The figures of a Deployment with one container, and of the autoscaler that targets it."""
    spec = _mapping(deployment.get("spec"))
    template = _mapping(_mapping(spec.get("template")).get("spec"))
    container = _mapping(_items(template.get("containers"))[0])
    resources = _mapping(container.get("resources"))
    requests, limits = _mapping(resources.get("requests")), _mapping(resources.get("limits"))
    environment = {
        str(item["name"]): str(item.get("value", ""))
        for item in map(_mapping, _items(container.get("env")))
    }
    replicas = spec.get("replicas")
    return Spec(
        image=str(container.get("image")),
        replicas=replicas if isinstance(replicas, int) else 1,
        cpu_request=_cores(requests.get("cpu")) or _cores(limits.get("cpu")) or 0.0,
        memory_request_mib=_mib(requests.get("memory")) or _mib(limits.get("memory")) or 0.0,
        cpu_limit=_cores(limits.get("cpu")),
        memory_limit_mib=_mib(limits.get("memory")),
        environment=environment,
        scaler=None if scaler is None else _read_scaler(scaler),
    )


def _read_scaler(obj: Mapping[str, Json]) -> Scaler:
    spec = _mapping(obj.get("spec"))
    resource = _mapping(_mapping(_items(spec.get("metrics"))[0]).get("resource"))
    target = _mapping(resource.get("target")).get("averageUtilization")
    return Scaler(
        name=str(_mapping(obj.get("metadata")).get("name")),
        least=int(str(spec.get("minReplicas", 1))),
        most=int(str(spec.get("maxReplicas"))),
        target=int(str(target)) / 100,
    )


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _items(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else []


def _cores(value: Json) -> float | None:
    return None if value is None else float(quantities.parse(str(value)))


def _mib(value: Json) -> float | None:
    return None if value is None else float(quantities.parse(str(value))) / _MIB


def judge(need: Need, spec: Spec, images: frozenset[str], nodes: Sequence[Node]) -> Health:
    """How the service fares with this spec, on these nodes, with this registry."""
    stuck = _never_starts(need, spec, images, nodes)
    if stuck is not None:
        return stuck
    replicas, wanted = _replicas(need, spec)
    if replicas == 0:
        return Health("healthy", 0, 0, 0.0, 0.0, error_ratio=1.0, reason="scaled to zero")
    demand = need.cpu_cores / replicas
    health = _fed(need, spec, replicas, demand)
    if health.condition == "healthy" and spec.scaler is not None and wanted > spec.scaler.most:
        reason = f"{wanted} replicas wanted, {spec.scaler.most} allowed"
        slow = need.latency_ms * max(1.5, wanted / replicas)
        return replace(health, condition="at_ceiling", reason=reason, latency_ms=slow)
    return health


def _never_starts(
    need: Need, spec: Spec, images: frozenset[str], nodes: Sequence[Node]
) -> Health | None:
    base = Health(
        "healthy", spec.replicas, 0, 0.0, 0.0, error_ratio=0.02, latency_ms=need.latency_ms
    )
    if spec.image not in images:
        return replace(base, condition="bad_image", reason=f"{spec.image}: not found")
    fits = [
        n
        for n in nodes
        if n.free_cpu >= spec.cpu_request and n.free_memory_mib >= spec.memory_request_mib
    ]
    if nodes and not fits:
        short = "cpu" if all(n.free_cpu < spec.cpu_request for n in nodes) else "memory"
        reason = f"0/{len(nodes)} nodes are available: {len(nodes)} Insufficient {short}."
        return replace(base, condition="unschedulable", reason=reason)
    for name, form in need.environment.items():
        if not re.fullmatch(form, spec.environment.get(name, "")):
            reason = f"{name} is not usable"
            return replace(base, condition="crash_loop", reason=reason, restarts_per_min=0.4)
    return None


def _replicas(need: Need, spec: Spec) -> tuple[int, int]:
    """How many run, and how many the autoscaler would like."""
    if spec.scaler is None:
        return spec.replicas, spec.replicas
    per_pod = max(0.001, spec.cpu_request * spec.scaler.target)
    # the controller leaves a tenth of tolerance before it scales
    wanted = max(spec.scaler.least, math.ceil(need.cpu_cores / per_pod / 1.1))
    return min(spec.scaler.most, wanted), wanted


def _fed(need: Need, spec: Spec, replicas: int, demand: float) -> Health:
    cpu = demand if spec.cpu_limit is None else min(demand, spec.cpu_limit)
    lacking = 0.0 if demand <= 0 else max(0.0, (demand - cpu) / demand)
    near = 0.0 if spec.cpu_limit is None else max(0.0, demand / spec.cpu_limit - 0.8)
    throttled = min(0.95, lacking * 1.6 + near * 0.4) if lacking else min(0.08, near * 0.4)
    health = Health(
        "throttled" if throttled > 0.15 else "healthy",
        replicas,
        replicas,
        cpu,
        need.memory_mib,
        throttled_ratio=throttled,
        error_ratio=0.001 + 0.08 * lacking,
        latency_ms=need.latency_ms * (1 + 12 * lacking),
        reason=f"{demand:.2f} cores wanted of {spec.cpu_limit} allowed" if lacking else "",
    )
    limit = spec.memory_limit_mib
    if limit is not None and need.memory_mib > limit * _MEMORY_MARGIN:
        reason = f"{need.memory_mib:.0f} MiB wanted of {limit:.0f} allowed"
        return replace(
            health,
            condition="oom_killed",
            ready=max(0, replicas - 1),
            memory_mib=limit,
            error_ratio=0.12,
            restarts_per_min=0.5,
            reason=reason,
        )
    if need.leak_mib_per_min > 0 and limit is not None:
        period = max(1.0, (limit - need.memory_mib) / need.leak_mib_per_min)
        return replace(
            health,
            condition="leaking",
            restarts_per_min=1 / period,
            error_ratio=0.01,
            reason=f"{need.leak_mib_per_min:g} MiB a minute are never given back",
        )
    return health
