"""Lists of pods whose order means nothing to Kubernetes, put into one order. Pure.

kustomize and ranges of templates put a new item where it suits them. Sources: core/v1 PodSpec and Container (lists that
are keyed by a field), Kubernetes' page on dependent environment variables: ``$(NAME)`` stands for a variable that is
defined before the one that says it, and ``$$`` for a dollar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from manifests.objects import paths
from manifests.objects.pods import template_keys
from manifests.objects.shapes import mapping
from manifests.render import merge
from schemas.base import Json

#: Fields that name an item of a list, all of them together.
_KEYS_OF_CONTAINERS = {"volumeMounts": ("mountPath",), "ports": ("containerPort", "protocol")}
_CONTAINERS = ("initContainers", "containers")
_REFERENCE = re.compile(r"\$\$|\$\(([^()]+)\)")
#: What stands in a settled variable for those before it that its value is filled in from.
REFERENCES = "$(…)"


def settled(item: Json) -> Json:
    """An object of a built-in kind with those lists of its pods in the order of their keys. A variable that others before
    it are filled into says which (``REFERENCES``), so that an order that fills in otherwise is another value."""
    keys = template_keys(str(item.get("kind") or "")) if isinstance(item, Mapping) else ()
    if not isinstance(item, Mapping) or not merge.is_built_in(item):
        return item
    place = (*keys, "spec")
    pod = mapping(item, *place)
    return _put(item, place, _of_pod(pod)) if pod else item


def others(before: Json, after: Json, place: paths.Path = ()) -> Iterator[str]:
    """The lists that have the same items in another order."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in before:
            yield from others(before[key], after.get(key), (*place, str(key)))
    elif isinstance(before, list) and isinstance(after, list) and before != after:
        if len(before) == len(after) and all(one in after for one in before):
            yield paths.render(place)
        else:
            for at, (one, two) in enumerate(zip(before, after, strict=False)):
                yield from others(one, two, (*place, at))


def _put(node: Any, keys: tuple[str, ...], value: Json) -> Json:
    return {**node, keys[0]: _put(node[keys[0]], keys[1:], value)} if keys else value


def _of_pod(pod: Mapping[str, Any]) -> Json:
    out = {**pod}
    if "volumes" in out:
        out["volumes"] = _sorted(out["volumes"], ("name",))
    for sort in _CONTAINERS:
        if isinstance(out.get(sort), list):
            out[sort] = [_of_container(one) for one in out[sort]]
    return out


def _of_container(container: Json) -> Json:
    if not isinstance(container, Mapping):
        return container
    out = {**container}
    for key, by in _KEYS_OF_CONTAINERS.items():
        if key in out:
            out[key] = _sorted(out[key], by)
    if "env" in out:
        out["env"] = _sorted(out["env"], ("name",), referring=True)
    return out


def _sorted(items: Json, by: tuple[str, ...], *, referring: bool = False) -> Json:
    """By their keys; as it is where one has none, or two have the same."""
    if not isinstance(items, list) or not all(
        isinstance(one, Mapping) and one.get(by[0]) is not None for one in items
    ):
        return items
    named = {tuple(str(one.get(key, "")) for key in by): one for one in items}
    if len(named) != len(items):
        return items
    if referring:
        named = {key: _with_references(key[0], items) for key in named}
    return [named[key] for key in sorted(named)]


def _with_references(name: str, items: list[Any]) -> Json:
    before: set[str] = set()
    for one in items:
        if one["name"] == name:
            said = {found[1] for found in _REFERENCE.finditer(str(one.get("value", "")))}
            filled = sorted(said & before)
            return {**one, REFERENCES: filled} if filled else one
        before.add(str(one["name"]))
    return {}
