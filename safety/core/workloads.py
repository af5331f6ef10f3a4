"""What a plan makes of a workload: replicas and per-pod resources before and after. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kfix.texts import say
from manifests.objects import changes, paths, quantities
from schemas.base import Json, ObjectRef
from schemas.plans import ActionPlan
from schemas.text import sentence_of

#: Kinds that have a pod template.
TEMPLATED = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
Resources = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Changed:
    """An object before and after a plan. ``None``: not there (before a create, after a delete)."""

    ref: ObjectRef
    before: Json | None
    after: Json | None


class Unseen(LookupError):
    """The plan changes an object that was not collected, or that is not what the plan saw."""


def changed(plan: ActionPlan, objects: Mapping[str, Sequence[Json]]) -> list[Changed]:
    """The plan's objects before and after. Raises Unseen."""
    found = []
    for change in plan.kubernetes_changes:
        if change.action == "create":
            found.append(Changed(change.object, None, change.manifest))
            continue
        before = _object(change.object, objects)
        if change.action == "delete":
            found.append(Changed(change.object, before, None))
            continue
        try:
            after = changes.apply(change.fields, before)
        except (changes.Stale, paths.BadPath) as failure:
            raise Unseen(
                say("safety.about", object=change.object.key, why=sentence_of(failure))
            ) from failure
        found.append(Changed(change.object, before, after))
    return found


def _object(ref: ObjectRef, objects: Mapping[str, Sequence[Json]]) -> Json:
    for items in objects.values():
        for item in items:
            metadata = item.get("metadata") or {}
            if (item.get("kind"), metadata.get("namespace", ""), metadata.get("name")) == (
                ref.kind,
                ref.namespace,
                ref.name,
            ):
                return item
    raise Unseen(say("safety.not_collected", object=ref.key))


def pod_spec(item: Json) -> Mapping[str, Any] | None:
    """The pod spec inside a workload; ``None`` for other kinds."""
    spec = item.get("spec") or {}
    if item.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    if item.get("kind") == "Pod":
        return spec
    template = spec.get("template")
    return (template.get("spec") or {}) if isinstance(template, Mapping) else None


def containers(item: Json) -> list[Mapping[str, Any]]:
    """The containers of a workload's pods, without init containers."""
    spec = pod_spec(item)
    return [c for c in (spec or {}).get("containers") or () if isinstance(c, Mapping)]


def amounts(container: Mapping[str, Any], kind: str) -> Resources:
    """A container's ``requests`` or ``limits``, exact. Raises BadQuantity. A missing request is its limit."""
    resources = container.get("resources") or {}
    said = dict(resources.get(kind) or {})
    if kind == "requests":
        said = {**(resources.get("limits") or {}), **said}
    return {name: quantities.parse(value) for name, value in said.items()}


def per_pod(item: Json, kind: str) -> Resources:
    """A pod's ``requests`` or ``limits`` as scheduler and quota count them.

    The containers and the init containers that go on running (``restartPolicy: Always``) together, or the moment of
    the largest init container with those started before it; then the pod's own figures where it has some, and its
    overhead. Source: KEP-753 and KEP-2837.
    """
    spec = pod_spec(item) or {}
    running: Resources = {}
    peak: Resources = {}
    for container in spec.get("initContainers") or ():
        own = amounts(container, kind)
        if container.get("restartPolicy") == "Always":
            _add(running, own)
            _raise(peak, running)
        else:
            _raise(peak, {n: amount + running.get(n, Decimal(0)) for n, amount in own.items()})
    for container in containers(item):
        _add(running, amounts(container, kind))
    _raise(running, peak)
    running |= amounts(spec, kind)
    _add(running, {n: quantities.parse(v) for n, v in (spec.get("overhead") or {}).items()})
    return running


def _add(total: Resources, more: Resources) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Decimal(0)) + amount


def _raise(total: Resources, least: Resources) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, Decimal(0)), amount)


def replicas(item: Json) -> int:
    """Desired pods: ``spec.replicas`` (default 1); of a DaemonSet what its status wants; of a Job its parallelism."""
    spec = item.get("spec") or {}
    if item.get("kind") == "DaemonSet":
        return int((item.get("status") or {}).get("desiredNumberScheduled") or 1)
    if item.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    if item.get("kind") in ("Job", "CronJob"):
        found = spec.get("parallelism")
        return 1 if found is None else int(found)
    found = spec.get("replicas")
    return 1 if found is None else int(found)


def surge(item: Json) -> int:
    """Pods that a rolling update needs beside the old ones; 0 when it can take old ones away first.

    Source: RollingUpdate of Deployments, defaults 25 % and 25 %, and of DaemonSets, defaults 0 and 1; surge rounds up,
    unavailable rounds down.
    """
    spec = item.get("spec") or {}
    wanted = replicas(item)
    if item.get("kind") == "DaemonSet":
        rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
        return rounded(rolling.get("maxSurge", 0), wanted, math.ceil)
    strategy = spec.get("strategy") or {}
    if item.get("kind") != "Deployment" or strategy.get("type") == "Recreate":
        return 0
    rolling = strategy.get("rollingUpdate") or {}
    unavailable = rounded(rolling.get("maxUnavailable", "25%"), wanted, math.floor)
    extra = rounded(rolling.get("maxSurge", "25%"), wanted, math.ceil)
    return extra if unavailable == 0 else 0


def rounded(value: Json, whole: int, direction: Callable[[float], int]) -> int:
    """A number, or a percentage of ``whole`` rounded as told. Raises ValueError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.endswith("%") and value[:-1].isdecimal():
        return direction(whole * int(value[:-1]) / 100)
    raise ValueError(f"neither a number nor a percentage: {value!r}")


def target_of(scaler: Json, objects: Mapping[str, Sequence[Json]]) -> Json | None:
    """The workload that an autoscaler scales, when it was collected."""
    wanted = (scaler.get("spec") or {}).get("scaleTargetRef") or {}
    namespace = (scaler.get("metadata") or {}).get("namespace", "")
    try:
        ref = ObjectRef(kind=str(wanted["kind"]), namespace=namespace, name=str(wanted["name"]))
        return _object(ref, objects)
    except LookupError:
        return None


def lowest(scaler: Json) -> int:
    """The fewest replicas that an autoscaler leaves; 1 when it does not say."""
    found = (scaler.get("spec") or {}).get("minReplicas")
    return 1 if found is None else int(found)


def scalers_of(ref: ObjectRef, objects: Mapping[str, Sequence[Json]]) -> Iterable[Json]:
    """The autoscalers that own the workload's replicas."""
    for scaler in objects.get("horizontalpodautoscalers", ()):
        target = (scaler.get("spec") or {}).get("scaleTargetRef") or {}
        namespace = (scaler.get("metadata") or {}).get("namespace", "")
        if (target.get("kind"), namespace, target.get("name")) == (
            ref.kind,
            ref.namespace,
            ref.name,
        ):
            yield scaler
