"""Mappings of values that a template ranges over, found by what is rendered of their entries. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from manifests.helm.value_paths import ABSENT, mappings_below
from manifests.objects import paths
from manifests.text import equivalence, scalars
from manifests.text.scalars import is_scalar
from schemas.base import Json


def entries(
    values_now: Mapping[str, Any], item: Json, target: paths.Path, after: Json
) -> Iterator[tuple[paths.Path, Json]]:
    """(value path, new value) of a new entry in each mapping whose entries are all rendered beside the field that is to
    come: as entries of a mapping, or as items of a list under their names. A template may write keys in capitals."""
    beside, name, value = _beside(item, target, after)
    if not beside or not is_scalar(value) or name in beside:
        return
    small = {key.lower(): now for key, now in beside.items()}
    for path, node in mappings_below(values_now, ()):
        if not path or not node:
            continue
        if _is_of(node, beside, target):
            yield (*path, name), value
        elif _is_of(node, small, target):
            yield (*path, name.lower()), value


def _is_of(node: Mapping[str, Any], rendered: Mapping[str, Json], target: paths.Path) -> bool:
    """Is every entry rendered?"""
    return all(
        is_scalar(value)
        and str(key) in rendered
        and (
            equivalence.equivalent(target, value, rendered[str(key)])
            or scalars.plain_text(value) == rendered[str(key)]
        )
        for key, value in node.items()
    )


def _beside(item: Json, target: paths.Path, after: Json) -> tuple[Mapping[str, Json], str, Json]:
    """(value by name of what stands beside the field, the field's name, its value); nothing where that is of no such shape."""
    last, value = target[-1], after
    if isinstance(last, paths.Match) and isinstance(after, Mapping):
        rest = [key for key in after if key != last.field]
        if len(rest) != 1:
            return {}, "", None
        target, value = (*target, str(rest[0])), after[rest[0]]
        last = target[-1]
    if not isinstance(last, str):
        return {}, "", None
    above = paths.find(item, target[:-1], ABSENT)
    if isinstance(above, Mapping):
        return above, last, value
    named = target[-2] if len(target) > 1 else None
    listed = paths.find(item, target[:-2], None)
    if above is not ABSENT or not isinstance(named, paths.Match) or not isinstance(listed, list):
        return {}, "", None
    found = {
        str(one[named.field]): one.get(last)
        for one in listed
        if isinstance(one, Mapping) and named.field in one
    }
    return found, str(named.value), value
