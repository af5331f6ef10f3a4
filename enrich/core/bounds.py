"""A bundle made to fit into a record: what tells least about the alert goes first, and is named. Pure.

A kind is left out whole where others are judged by what it holds: a Secret that was cut off is not a Secret that is
missing. Pods, events and revisions are thinned instead, the alert's own last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from enrich.core.objects import ObjectIndex
from kfix.texts import say
from manifests.objects.kinds import plural_of
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.pods import statuses_of
from schemas import errors
from schemas.base import Json, Model, ObjectRef
from schemas.context import ContextBundle, LogExcerpt, Series, SourceStatus

M = TypeVar("M", bound=Model)
Step = tuple[str, Callable[[ContextBundle], ContextBundle]]

#: Kinds given up first, in this order: seldom a cause.
_EXPENDABLE = (
    "controllerrevisions",
    "leases",
    "customresourcedefinitions",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "endpointslices",
    "serviceaccounts",
    "configmaps",
    "secrets",
)
#: Kinds of which some may go: nothing is concluded from one that is not there.
THINNED = ("pods", "events", "replicasets", "jobs", "podmetrics")
#: Kinds given up last: safety's checks and most diagnoses need them.
_LAST = (
    "nodes",
    "namespaces",
    "deployments",
    "statefulsets",
    "daemonsets",
    "cronjobs",
    "services",
    "resourcequotas",
    "limitranges",
    "horizontalpodautoscalers",
    "poddisruptionbudgets",
    *THINNED,
)


def bounded(bundle: ContextBundle, max_bytes: int) -> ContextBundle:
    """The bundle within ``max_bytes`` of JSON as it goes over the wire; what was left out is named in ``sources``.

    Raises errors.Rejected (``too_large``) when the alert alone is larger.
    """
    before = size(bundle)
    if before <= max_bytes:
        return bundle
    left_out: list[str] = []
    for label, step in _steps(bundle):
        smaller = step(bundle)
        if smaller == bundle:
            continue
        bundle = smaller
        left_out.append(label)
        told = _noted(bundle, before, left_out)
        if size(told) <= max_bytes:
            return told
    raise errors.Rejected(
        f"the alert alone has {size(bundle)} bytes, {max_bytes} are allowed", reason="too_large"
    )


def size(bundle: ContextBundle) -> int:
    """Bytes of the bundle as JSON on the wire; Avro has fewer."""
    return len(bundle.__pydantic_serializer__.to_json(bundle))


def _steps(bundle: ContextBundle) -> Iterator[Step]:
    """What can be left out, the most expendable first; the last ones leave nothing but the alert."""
    for kind in _EXPENDABLE:
        yield kind, lambda b, k=kind: _with_objects(b, _without(b, k))  # type: ignore[misc]
    yield (
        say("enrich.left_out.log_lines", most=100),
        lambda b: _update(b, logs=_shorter(b.logs, 100)),
    )
    yield say("enrich.left_out.points"), lambda b: _update(b, metrics=_thinner(b.metrics, 60))
    yield say("enrich.left_out.tool_outputs"), lambda b: _update(b, extra={})
    yield say("enrich.left_out.declared"), lambda b: _update(b, declared=())
    yield say("enrich.left_out.texts_past", most=8192), lambda b: _cut(b, 8_192)
    yield say("enrich.left_out.log_lines", most=20), lambda b: _update(b, logs=_shorter(b.logs, 20))
    for most in (500, 100, 20):
        yield say("enrich.left_out.pods_past", most=most), lambda b, m=most: _thinned(b, m)  # type: ignore[misc]
    yield (
        say("enrich.left_out.points_past", most=20),
        lambda b: _update(b, metrics=_thinner(b.metrics, 20)),
    )
    for kind in sorted(set(bundle.k8s_context.objects) - set(_LAST)):
        yield kind, lambda b, k=kind: _with_objects(b, _without(b, k))  # type: ignore[misc]
    yield (
        say("enrich.left_out.details"),
        lambda b: _update(
            b, changes=tuple(c.model_copy(update={"detail": None}) for c in b.changes)
        ),
    )
    yield say("enrich.left_out.texts_past", most=1024), lambda b: _cut(b, 1_024)
    yield say("enrich.left_out.metrics"), lambda b: _update(b, metrics=())
    yield say("enrich.left_out.logs"), lambda b: _update(b, logs=())
    yield say("enrich.left_out.pods_past", most=3), lambda b: _thinned(b, 3)
    for kind in _LAST:
        yield kind, lambda b, k=kind: _with_objects(b, _without(b, k))  # type: ignore[misc]
    yield (
        say("enrich.left_out.memory"),
        lambda b: _update(
            b, similar_incidents=(), lessons_learned=(), successful_patterns=(), failed_patterns=()
        ),
    )
    yield say("enrich.left_out.changes"), lambda b: _update(b, changes=())
    yield say("enrich.left_out.monitor"), lambda b: _update(b, monitor=None, links={})
    yield say("enrich.left_out.texts_past", most=128), lambda b: _cut(b, 128)


def _noted(bundle: ContextBundle, bytes_before: int, left_out: list[str]) -> ContextBundle:
    reason = say("enrich.too_many_bytes", bytes=bytes_before, parts=left_out)
    note = SourceStatus(name="bundle", state="degraded", reason=reason)
    return _update(bundle, sources=(*bundle.sources, note))


def _update(bundle: M, **values: object) -> M:
    return bundle.model_copy(update=values)


def _with_objects(bundle: ContextBundle, objects: Mapping[str, list[Json]]) -> ContextBundle:
    return _update(bundle, k8s_context=_update(bundle.k8s_context, objects=dict(objects)))


def _without(bundle: ContextBundle, kind: str) -> dict[str, list[Json]]:
    """Objects without a kind, but for the subject itself: an alert about a Rollout keeps its Rollout."""
    objects = dict(bundle.k8s_context.objects)
    items, subject = objects.pop(kind, []), bundle.k8s_context.subject
    if kind not in _LAST and subject is not None and plural_of(subject.kind) == kind:
        kept = ObjectIndex({kind: items}).find(subject.kind, subject.namespace, subject.name)
        return {**objects, kind: [kept]} if kept is not None else objects
    return objects


def _shorter(logs: tuple[LogExcerpt, ...], lines: int) -> tuple[LogExcerpt, ...]:
    return tuple(_update(log, lines=log.lines[-lines:]) for log in logs)


def _thinner(metrics: tuple[Series, ...], points: int) -> tuple[Series, ...]:
    """Every n-th point, the last one always: the course stays, and so does what the alert saw."""
    return tuple(
        _update(
            series,
            timestamps=_every(series.timestamps, points),
            values=_every(series.values, points),
        )
        for series in metrics
    )


def _every(items: tuple[float | None, ...], most: int) -> tuple[float | None, ...]:
    step = -(-len(items) // most) or 1
    return items[::-1][::step][::-1]


def _thinned(bundle: ContextBundle, most: int) -> ContextBundle:
    objects = dict(bundle.k8s_context.objects)
    index = ObjectIndex(objects)
    for kind in THINNED:
        items = objects.get(kind, [])
        if len(items) > most:
            ranks = [(_distance(bundle, index, item), number) for number, item in enumerate(items)]
            kept = sorted(number for _, number in sorted(ranks)[:most])
            objects[kind] = [items[number] for number in kept]
    return _with_objects(bundle, objects)


def _distance(bundle: ContextBundle, index: ObjectIndex, item: Json) -> int:
    """0 for the subject's own, 1 for what is in trouble beside it, 2 for its namespace, 3 for the rest."""
    context = bundle.k8s_context
    about = item.get("involvedObject") if isinstance(item, Mapping) else None
    if isinstance(about, Mapping):
        return _distance_of_event(context.subject, context.pod, item, about)
    owner = index.top_controller(item) if isinstance(item, Mapping) else None
    subject = context.subject
    if context.pod and name_of(item) == context.pod:
        return 0
    if (
        subject
        and owner
        and (owner.kind, owner.namespace, owner.name)
        == (subject.kind, subject.namespace, subject.name)
    ):
        return 0
    if not _well(item):
        return 1
    return 2 if namespace_of(item) == context.namespace else 3


def _distance_of_event(
    subject: ObjectRef | None, pod: str, event: Mapping[str, Json], about: Mapping[str, Json]
) -> int:
    name = str(about.get("name") or "")
    if (pod and name == pod) or (subject and name.startswith(subject.name)):
        return 0
    return 1 if event.get("type") == "Warning" else 3


def _well(item: Json) -> bool:
    status = item.get("status") if isinstance(item, Mapping) else None
    if not isinstance(status, Mapping) or "phase" not in status:
        return True
    ready = all(found.get("ready") for found in statuses_of(item, "containers"))
    return status["phase"] == "Succeeded" or (status["phase"] == "Running" and ready)


def _cut(bundle: ContextBundle, characters: int) -> ContextBundle:
    """Every text at most this long; who, when and what keep their meaning, since names are shorter than any bound."""
    plain = bundle.model_dump()
    return ContextBundle.model_validate(_shortened(plain, characters))


def _shortened(value: Json, characters: int) -> Json:
    if isinstance(value, str):
        return value if len(value) <= characters else value[: characters - 1] + "…"
    if isinstance(value, Mapping):
        return {key: _shortened(item, characters) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(item, characters) for item in value]
    return value
