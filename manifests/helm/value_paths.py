"""Which values could be behind a field: arithmetic on what is rendered and on the values, names only for the order. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from manifests.helm.template_values import ReadValue
from manifests.objects import paths
from manifests.repository import rendering
from manifests.text import equivalence
from manifests.text.scalars import is_scalar
from schemas.base import Json, ObjectRef
from schemas.plans import FieldChange

ABSENT = object()
#: Words of nearly every path.
_SAY_NOTHING = frozenset({"spec", "template", "containers", "name", "metadata", "data", "value"})


def candidates(
    values_now: Mapping[str, Any], item: Json, field: FieldChange, ref: ObjectRef
) -> list[tuple[paths.Path, Json]]:
    """(value path, new value) of what could reach the field, likeliest first. Pure arithmetic on values, no names
    but to order them."""
    target = paths.parse(field.path)
    now = paths.find(item, target, ABSENT)
    found: dict[paths.Path, Json] = {}
    for path, value in walk(values_now, ()):
        new = _replaced(target, value, now, field.after) if now is not ABSENT else ABSENT
        if new is ABSENT and now is ABSENT and value is None and path[-1] == target[-1]:
            new = field.after
        if new is not ABSENT:
            found[path] = new
    if now is ABSENT or now is None:
        found |= _openings(values_now, target, field.after)
    if now is ABSENT and isinstance(target[-1], paths.Match):
        found |= _longer(values_now, item, target, field.after)
    elif now is ABSENT and _is_of_new_item(item, target):
        found |= _longer(values_now, item, target[:-1], {str(target[-1]): field.after})
    words = set(re.split(r"\W+", field.path.lower())) | set(ref.name.lower().split("-"))
    return sorted(
        found.items(), key=lambda entry: (-_likeness(entry[0], target, words), len(entry[0]))
    )


def unset(
    values_now: Mapping[str, Any],
    item: Json,
    field: FieldChange,
    ref: ObjectRef,
    read: Sequence[ReadValue],
) -> list[tuple[paths.Path, Json]]:
    """(value path, new value) of what templates read and nobody sets, likeliest first: those that stand beside the
    field's own key, then those that are called like it."""
    target = paths.parse(field.path)
    now = paths.find(item, target, ABSENT)
    shapes = list(_shapes(target, now, field.after))
    words = _words_of(field.path)
    ranked: dict[paths.Path, int] = {}
    for one in read:
        if _is_open(values_now, one.path):
            near = max((8 - 2 * n for n, key in enumerate(one.beside) if key in target), default=0)
            alike = len(words & _words_of(".".join(map(str, one.path))))
            score = 4 * near + 2 * alike + _likeness(one.path, target, words)
            ranked[one.path] = max(score, ranked.get(one.path, 0))
    names = set(ref.name.lower().split("-"))
    likely = sorted(
        (path for path, score in ranked.items() if score),
        key=lambda path: (-ranked[path], -len(names & _words_of(str(path))), len(path)),
    )
    return [(path, shape) for path in likely for shape in shapes]


def _is_open(values_now: Mapping[str, Any], path: paths.Path) -> bool:
    """Does nobody set it, and can it be set?"""
    for depth in range(1, len(path)):
        above = paths.find(values_now, path[:depth], ABSENT)
        if above is not ABSENT and above is not None and not isinstance(above, Mapping):
            return False
    return paths.find(values_now, path, ABSENT) in (ABSENT, None, {}, [], "")


def _shapes(target: paths.Path, now: Json, after: Json) -> Iterator[Json]:
    """What a value may be that a template makes the field of: the field itself, what it stands in, an item of a list."""
    if isinstance(now, str) and isinstance(after, str) and tag_of(now, after) is not ABSENT:
        yield tag_of(now, after)
    last = target[-1]
    if isinstance(last, str):
        yield after
    shape: Json = after
    for segment in reversed(target):
        if isinstance(segment, int):
            return
        if isinstance(segment, paths.Match):
            inside = shape if isinstance(shape, Mapping) else {}
            yield [{segment.field: segment.value, **inside}]
            rest = [key for key in inside if key != segment.field]
            if len(rest) == 1:
                yield {segment.value: inside[rest[0]]}
            return
        if segment in ("spec", "template", "data", "metadata"):
            return
        shape = {segment: shape}
        yield shape


def _words_of(text: str) -> set[str]:
    return {w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)} - _SAY_NOTHING


def walk(node: Any, path: paths.Path) -> Iterator[tuple[paths.Path, Any]]:
    """Every scalar and list below a node, with its path."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from walk(value, (*path, str(key)))
        return
    yield path, node
    if isinstance(node, list):
        for at, value in enumerate(node):
            if not is_scalar(value):
                yield from walk(value, (*path, at))


def mappings_below(node: Any, path: paths.Path) -> Iterator[tuple[paths.Path, Mapping[str, Any]]]:
    """Every mapping of a node, itself too, with its path."""
    if isinstance(node, Mapping):
        yield path, node
        for key, value in node.items():
            yield from mappings_below(value, (*path, str(key)))
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from mappings_below(value, (*path, at))


def _replaced(target: paths.Path, value: Any, now: Json, after: Json) -> Any:
    """The value that would make ``after`` of the field where ``value`` is (a part of) what it is now."""
    if equivalence.equivalent(target, value, now):
        return (
            equivalence.fit(target, value, after)
            if is_scalar(value) and is_scalar(after)
            else after
        )
    if not (isinstance(now, str) and isinstance(after, str)):
        return ABSENT
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if value in (None, ""):
        return tag_of(now, after)
    if not isinstance(value, str) or now.count(value) != 1:
        return ABSENT
    head, _, tail = now.partition(value)
    fits = after.startswith(head) and after.endswith(tail) and len(after) > len(head) + len(tail)
    return after[len(head) : len(after) - len(tail)] if fits else ABSENT


def tag_of(now: str, after: str) -> Any:
    """An image's tag where the value is empty and the chart's version stands in."""
    head, colon, tag = after.rpartition(":")
    same = bool(colon) and "/" not in tag and now.startswith(head + ":")
    return tag if same else ABSENT


def _openings(
    values_now: Mapping[str, Any], target: paths.Path, after: Json
) -> dict[paths.Path, Json]:
    """Mappings of the values that could take the new entry: they are named like a parent of the field."""
    found: dict[paths.Path, Json] = {}
    for path, node in _mappings(values_now, ()):
        for at in range(len(target) - 1, 0, -1):
            tail = target[at:]
            if not all(isinstance(segment, str) for segment in tail):
                break
            named = bool(path) and path[-1] == target[at - 1]
            if named and paths.find(node or {}, (tail[0],), ABSENT) in (ABSENT, None, {}):
                found[(*path, *tail)] = after
    return found


def _is_of_new_item(item: Json, target: paths.Path) -> bool:
    """Is it a field of an item of a list that has none of that name?"""
    last_but_one = target[-2] if len(target) > 1 else None
    return (
        isinstance(last_but_one, paths.Match)
        and isinstance(target[-1], str)
        and paths.find(item, target[:-1], ABSENT) is ABSENT
    )


def _longer(
    values_now: Mapping[str, Any], item: Json, target: paths.Path, after: Json
) -> dict[paths.Path, Json]:
    """Lists of the values that are a part of the rendered list, with the new item at their end."""
    named = target[-1]
    assert isinstance(named, paths.Match)
    rendered = paths.find(item, target[:-1], None) or []
    new = {named.field: named.value} | (dict(after) if isinstance(after, Mapping) else {})
    return {
        path: [*value, new]
        for path, value in walk(values_now, ())
        if isinstance(value, list) and all(entry in rendered for entry in value)
    }


def _mappings(node: Any, path: paths.Path) -> Iterator[tuple[paths.Path, Any]]:
    if isinstance(node, Mapping) or (node is None and path):
        yield path, node
    inside = node.items() if isinstance(node, Mapping) else ()
    for key, value in inside:
        yield from _mappings(value, (*path, str(key)))
    if isinstance(node, list):
        for at, value in enumerate(node):
            yield from _mappings(value, (*path, at))


def _likeness(path: paths.Path, target: paths.Path, words: set[str]) -> int:
    tail = 0
    for mine, theirs in zip(reversed(path), reversed(target), strict=False):
        if mine != theirs:
            break
        tail += 4
    alike = sum(
        1
        for s in path
        if isinstance(s, str)
        for w in re.findall(r"[A-Za-z][a-z]*", s)
        if w.lower() in words
    )
    return tail + alike


def laid(values_now: Mapping[str, Any], path: paths.Path, value: Json) -> Json:
    """Values that set only ``path``. Helm replaces lists, so a list on the way is given as a whole."""
    at = next((n for n, segment in enumerate(path) if not isinstance(segment, str)), None)
    if at is not None:
        whole = paths.get(values_now, path[:at])
        field = FieldChange(path=paths.render(path[at:]), after=value)
        value = rendering.expected(whole, [field])
        path = path[:at]
    for key in reversed(path):
        value = {key: value}
    return value
