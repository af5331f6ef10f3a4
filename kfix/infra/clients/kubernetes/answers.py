"""Does an answer of the API server belong to the question, and has it the shape of an object? Pure but for the count.

The API server validates what it stores; what comes from between (a proxy, a cache, a broken aggregated API) it did not.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from kfix.infra.clients.boundary import another, mapping, mappings, same
from kfix.infra.clients.kubernetes.kinds import ResourceType
from manifests.objects.meta import labels_of
from manifests.objects.selectors import asked
from schemas import errors

NAME = "Kubernetes"
_METADATA_ONLY = "PartialObjectMetadata"
#: What all readers of objects take for granted, by plural (``*``: every kind): fields that are objects, and fields that
#: are lists of objects, wherever they are there.
_OBJECTS: Mapping[str, tuple[str, ...]] = {
    "*": ("metadata.labels", "metadata.annotations", "spec", "status"),
    "events": ("involvedObject", "source", "series"),
    "horizontalpodautoscalers": ("spec.scaleTargetRef",),
    "resourcequotas": ("spec.hard", "status.hard", "status.used"),
    "nodes": ("status.allocatable", "status.capacity"),
    **dict.fromkeys(
        ("deployments", "replicasets", "statefulsets", "daemonsets", "jobs"),
        ("spec.selector", "spec.template", "spec.template.metadata", "spec.template.spec"),
    ),
}
_LISTS: Mapping[str, tuple[str, ...]] = {
    "*": ("metadata.ownerReferences",),
    "pods": (
        "spec.containers",
        "spec.initContainers",
        "spec.volumes",
        "status.conditions",
        "status.containerStatuses",
        "status.initContainerStatuses",
    ),
    "nodes": ("spec.taints", "status.conditions"),
    "limitranges": ("spec.limits",),
    "services": ("spec.ports",),
    "endpoints": ("subsets",),
    **dict.fromkeys(
        ("deployments", "replicasets", "statefulsets", "daemonsets", "jobs"),
        (
            "status.conditions",
            "spec.template.spec.containers",
            "spec.template.spec.initContainers",
            "spec.template.spec.volumes",
        ),
    ),
}


def object_of(
    kind: ResourceType, answered: object, namespace: str = "", name: str = ""
) -> dict[str, Any]:
    """One object, of that kind and place and name as far as they are given.

    Raises errors.Unavailable with reason ``malformed`` or ``another_answer``.
    """
    item = mapping(NAME, answered)
    metadata = mapping(NAME, item.get("metadata"))
    told = item.get("kind", kind.kind)
    if told not in (kind.kind, _METADATA_ONLY):
        raise another(NAME, "kind")
    if kind.namespaced and namespace and metadata.get("namespace") != namespace:
        raise another(NAME, "namespace")
    if name and metadata.get("name") != name:
        raise another(NAME, "name")
    if not _fits(item, _shape(kind.plural)):
        raise errors.Unavailable(f"{NAME} answered no {kind.kind}", reason="malformed")
    return item


def items_of(kind: ResourceType, page: Mapping[str, Any], namespace: str, labels: str) -> list[Any]:
    """The objects of one page of a list. Raises as ``object_of``; a document without the list of items is none."""
    told = page.get("kind", f"{kind.kind}List")
    if not isinstance(told, str) or not told.endswith("List"):
        raise another(NAME, "kind")
    if not kind.custom and told != f"{_METADATA_ONLY}List":
        same(NAME, {"kind": f"{kind.kind}List"}, {"kind": told})
    found = page.get("items")
    if found is None and "items" in page and "kind" in page:
        found = []  # how Go writes a list that was never made
    items = [object_of(kind, item, namespace) for item in mappings(NAME, found)]
    for item in items:
        if not isinstance(item["metadata"].get("name"), str):
            raise errors.Unavailable(
                f"{NAME} answered an object without a name", reason="malformed"
            )
        if labels and not asked(labels, labels_of(item)):
            raise another(NAME, "label")
    return items


#: Fields by name: the type of each, and for objects the fields in it.
Fields = tuple[tuple[str, type, "Fields"], ...]


@functools.cache
def _shape(plural: str) -> Fields:
    """What an object of this kind must have where it has anything: the two tables as one tree."""
    tree: dict[str, Any] = {}
    for table, wanted in ((_OBJECTS, dict), (_LISTS, list)):
        for path in (*table["*"], *table.get(plural, ())):
            place, last = tree, {}
            for name in path.split("."):
                last = place.setdefault(name, {"type": dict, "in": {}})
                place = last["in"]
            last["type"] = wanted
    return _frozen(tree)


def _frozen(tree: Mapping[str, Any]) -> Fields:
    return tuple((name, node["type"], _frozen(node["in"])) for name, node in tree.items())


def _fits(value: dict[str, Any], fields: Fields) -> bool:
    for name, wanted, below in fields:
        found = value.get(name)
        if found is None:
            continue
        if not isinstance(found, wanted):
            return False
        if isinstance(found, list):
            if any(type(item) is not dict for item in found):
                return False
        elif isinstance(found, dict) and below and not _fits(found, below):
            return False
    return True
