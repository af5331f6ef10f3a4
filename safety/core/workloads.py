"""What a plan makes of a workload, before and after, and which autoscalers own it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kfix.texts import say
from manifests.objects import changes, paths, resources
from manifests.objects.meta import is_ref, namespace_of
from manifests.objects.pods import strict_containers, strict_pod_spec
from manifests.objects.resources import Amounts, Sort
from manifests.objects.rollouts.reading import Beside
from manifests.objects.shapes import Obj, strict_mapping, strict_number, text
from manifests.text.comparing import fitted
from schemas.base import Json, ObjectRef
from schemas.plans import ActionPlan
from schemas.text import sentence_of


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
            after = changes.apply(fitted(change.fields, before), before)
        except (changes.Stale, paths.BadPath) as failure:
            raise Unseen(
                say("safety.about", object=change.object.key, why=sentence_of(failure))
            ) from failure
        found.append(Changed(change.object, before, after))
    return found


def _object(ref: ObjectRef, objects: Mapping[str, Sequence[Json]]) -> Json:
    for items in objects.values():
        for item in items:
            if is_ref(item, ref):
                return item
    raise Unseen(say("safety.not_collected", object=ref.key))


def pod_spec(item: Json) -> Obj | None:
    """The pod spec inside a workload; ``None`` for other kinds. Raises Misshapen."""
    return strict_pod_spec(item)


def containers(item: Json) -> list[Obj]:
    """All containers of a workload's pods, init containers first. Raises Misshapen."""
    return strict_containers(strict_pod_spec(item))


def per_pod(item: Json, sort: Sort) -> Amounts:
    """A pod's ``requests`` or ``limits``. Raises BadQuantity, Misshapen."""
    return resources.per_pod(strict_pod_spec(item) or {}, sort)


def beside(objects: Mapping[str, Sequence[Json]]) -> Beside:
    """What the cluster has of workloads that are rolled out."""
    return Beside(
        replicasets=objects.get("replicasets"),
        revisions=objects.get("controllerrevisions", ()),
        pods=objects.get("pods"),
    )


def _scaled(scaler: Json) -> ObjectRef | None:
    """What an autoscaler scales; ``None`` where it does not say."""
    target = strict_mapping(scaler, "spec", "scaleTargetRef")
    kind, name = text(target, "kind"), text(target, "name")
    return (
        ObjectRef(kind=kind, namespace=namespace_of(scaler), name=name) if kind and name else None
    )


def target_of(scaler: Json, objects: Mapping[str, Sequence[Json]]) -> Json | None:
    """The workload that an autoscaler scales, when it was collected. Raises Misshapen."""
    ref = _scaled(scaler)
    try:
        return None if ref is None else _object(ref, objects)
    except Unseen:
        return None


def lowest(scaler: Json) -> int:
    """The fewest replicas that an autoscaler leaves; 1 when it does not say. Raises Misshapen."""
    return strict_number(scaler, "spec", "minReplicas", default=1)


def highest(scaler: Json) -> int:
    """The most replicas that an autoscaler may make; 0 when it does not say. Raises Misshapen."""
    return strict_number(scaler, "spec", "maxReplicas", default=0)


def scalers_of(ref: ObjectRef, objects: Mapping[str, Sequence[Json]]) -> Iterable[Json]:
    """The autoscalers that own the workload's replicas. Raises Misshapen."""
    for scaler in objects.get("horizontalpodautoscalers", ()):
        scaled = _scaled(scaler)
        if scaled is not None and scaled.key == ref.key:
            yield scaler
