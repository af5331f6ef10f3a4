"""What a workload reads and is bound by besides its own manifest: where a change elsewhere may be its trouble. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from enrich.core.objects import ObjectIndex
from manifests.objects.meta import labels_of, namespace_of, ref_of
from manifests.objects.pods import configmaps_of, template_of
from manifests.objects.selectors import equal, selects, stated
from manifests.objects.shapes import at, mapping
from schemas.base import Json, ObjectRef

#: Objects named for one workload, the nearest first.
_MOST = 16


def read_by(subject: ObjectRef, objects: Mapping[str, Iterable[Json]]) -> tuple[ObjectRef, ...]:
    """ConfigMaps of its containers and volumes, its Services, policies, autoscalers and budgets, its namespace's bounds.

    No Secret: what stands in one is not read. Empty where the workload was not collected.
    """
    found = ObjectIndex(objects).find(subject.kind, subject.namespace, subject.name)
    if found is None:
        return ()
    template = template_of(found, subject.kind)
    configs = [
        ObjectRef(api_version="v1", kind="ConfigMap", namespace=subject.namespace, name=name)
        for name in dict.fromkeys(configmaps_of(mapping(template, "spec")))
    ]
    beside = (ref_of(item, kind) for kind, item in _around(subject, labels_of(template), objects))
    return tuple(dict.fromkeys((*configs, *beside)))[:_MOST]


def _around(
    subject: ObjectRef, labels: Mapping[str, Json], objects: Mapping[str, Iterable[Json]]
) -> Iterator[tuple[str, Json]]:
    """Kind and object of what selects the workload, aims at it or bounds its namespace."""

    def here(plural: str) -> list[Json]:
        space = subject.namespace
        return [item for item in objects.get(plural, ()) if namespace_of(item) == space]

    for item in here("services"):
        if mapping(item, "spec", "selector") and equal(at(item, "spec", "selector"), labels):
            yield "Service", item
    for item in here("networkpolicies"):
        selector = at(item, "spec", "podSelector")
        if not stated(selector) or selects(selector, labels):
            yield "NetworkPolicy", item
    for item in here("horizontalpodautoscalers"):
        target = mapping(item, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) == (subject.kind, subject.name):
            yield "HorizontalPodAutoscaler", item
    for plural, kind in (("resourcequotas", "ResourceQuota"), ("limitranges", "LimitRange")):
        yield from ((kind, item) for item in here(plural))
