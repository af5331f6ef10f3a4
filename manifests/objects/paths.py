"""Field paths: ``spec.template.spec.containers[name=app].resources.limits.cpu``.

Segments are mapping keys, ``[2]`` (index), ``[name=app]`` (the one item whose field has the value) and
``['a.b/c']`` (a key with dots or brackets). A path is a tuple of segments; text and tuple convert both ways.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kfix.texts import say
from schemas.text import Said

_TOKEN = re.compile(
    r"""\[(?P<index>\d+)\]|\[(?P<field>[A-Za-z][\w.-]*)=(?P<value>[^\]]*)\]|\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]|(?P<key>[^.\[\]]+)"""
)


class BadPath(ValueError):
    """Text that is no path."""


@dataclass(frozen=True, slots=True)
class Match:
    """The one list item whose ``field`` equals ``value``."""

    field: str
    value: str


Segment = str | int | Match
Path = tuple[Segment, ...]


class Missing(LookupError):
    """The path leads nowhere in this object."""


def parse(text: str) -> Path:
    """Reads a path. Raises BadPath with the place of the trouble."""
    segments: list[Segment] = []
    at = 0
    while at < len(text):
        if text[at] == "." and segments:
            at += 1
        token = _TOKEN.match(text, at)
        if token is None:
            raise BadPath(say("manifests.cannot_read_at_character", text=repr(text), at=at))
        if token["index"] is not None:
            segments.append(int(token["index"]))
        elif token["field"] is not None:
            segments.append(Match(token["field"], token["value"].strip("'\"")))
        elif token["quote"] is not None:
            segments.append(token["quoted"])
        else:
            segments.append(token["key"])
        at = token.end()
    if not segments or text.endswith("."):
        raise BadPath(say("manifests.not_path", text=repr(text)))
    return tuple(segments)


def render(path: Sequence[Segment]) -> str:
    """Writes a path; ``parse(render(p)) == p``."""
    out = ""
    for segment in path:
        if isinstance(segment, int):
            out += f"[{segment}]"
        elif isinstance(segment, Match):
            out += f"[{segment.field}={segment.value}]"
        elif re.fullmatch(r"[^.\[\]'\"]+", segment):
            out += f".{segment}" if out else segment
        else:
            quote = '"' if "'" in segment else "'"
            out += f"[{quote}{segment}{quote}]"
    return out


def index_of(items: Sequence[Any], match: Match) -> int:
    """Position of the only item that matches. Raises Missing when there is none or more than one."""
    found = [
        at
        for at, item in enumerate(items)
        if isinstance(item, Mapping) and str(item.get(match.field)) == match.value
    ]
    if len(found) != 1:
        raise Missing(
            say("manifests.items_with", count=len(found), field=match.field, value=match.value)
        )
    return found[0]


def get(obj: Any, path: str | Path) -> Any:
    """The value at ``path``. Raises Missing where the path leads nowhere."""
    node = obj
    for segment in parse(path) if isinstance(path, str) else path:
        if isinstance(segment, str):
            if not isinstance(node, Mapping) or segment not in node:
                raise Missing(say("manifests.no_segment", segment=repr(segment)))
            node = node[segment]
            continue
        if not isinstance(node, Sequence) or isinstance(node, str):
            raise Missing(say("manifests.not_list_at", segment=repr(segment)))
        at = index_of(node, segment) if isinstance(segment, Match) else segment
        if at >= len(node):
            raise Missing(say("manifests.no_item", at=at))
        node = node[at]
    return node


def find(obj: Any, path: str | Path, default: Any = None) -> Any:
    """As ``get``, with a default instead of Missing."""
    try:
        return get(obj, path)
    except Missing:
        return default


#: What a field has that is not there; put at a place, it takes the field away.
ABSENT: Any = object()


#: Items of a list that a sentence names.
_NAMED = 8


def lacking(obj: Any, path: Path) -> Said:
    """What of a path is not there; where an item of a list is asked for by its name, with the names that there are."""
    node = obj
    for depth, segment in enumerate(path):
        inside = find(node, (segment,), ABSENT)
        if inside is not ABSENT:
            node = inside
            continue
        if isinstance(segment, Match) and isinstance(node, list):
            names = [
                str(i[segment.field]) for i in node if isinstance(i, dict) and segment.field in i
            ]
            where, item = render(path[:depth]), segment.value
            if names:
                return say("manifests.list_has_no", field=where, item=item, names=names[:_NAMED])
        return say("manifests.nothing_at", field=render(path[: depth + 1]))
    return say("manifests.nothing_at", field=render(path))


def put(obj: Any, path: Path, value: Any, *, grow: bool = False, insert: bool = False) -> Any:
    """A copy of ``obj`` with ``value`` at ``path``, sharing all else; mappings that are missing above it are made.

    ``grow``: so are items of lists. ``insert``: at an item's position the value comes before it, not in its place. Raises
    Missing where the path leads nowhere.
    """
    head, rest = path[0], path[1:]
    if isinstance(head, str):
        return _with_key({} if obj is None else obj, path, value, grow, insert)
    if not isinstance(obj, list) and not grow:
        raise Missing(say("manifests.not_list_at", segment=repr(head)))
    items = list(obj) if isinstance(obj, list) else []
    at = _place(items, head, grow)
    if at is None:
        return items if value is ABSENT else [*items, _new(head, rest, value, grow)]
    if value is ABSENT and not rest:
        del items[at]
    elif insert and not rest and isinstance(head, int):
        items.insert(at, value)
    else:
        items[at] = put(items[at], rest, value, grow=grow, insert=insert) if rest else value
    return items


def _with_key(obj: Any, path: Path, value: Any, grow: bool, insert: bool) -> Any:
    key, rest = str(path[0]), path[1:]
    if not isinstance(obj, Mapping):
        raise Missing(say("manifests.no_segment", segment=repr(key)))
    copied = dict(obj)
    if value is ABSENT and (not rest or key not in copied):
        copied.pop(key, None)
    else:
        inner = copied.get(key)
        copied[key] = put(inner, rest, value, grow=grow, insert=insert) if rest else value
    return copied


def _place(items: Sequence[Any], head: int | Match, grow: bool) -> int | None:
    """Where the item stands; ``None`` where it would be a new one."""
    if isinstance(head, int):
        return head if head < len(items) else None
    known = any(isinstance(i, Mapping) and str(i.get(head.field)) == head.value for i in items)
    return index_of(items, head) if known or not grow else None


def _new(head: int | Match, rest: Path, value: Any, grow: bool) -> Any:
    """The item that comes to a list."""
    if not rest:
        made = value
    elif isinstance(head, Match) and grow:
        made = put({}, rest, value, grow=grow)
    else:
        raise Missing(say("manifests.no_item", at=str(head)))
    if isinstance(head, Match) and isinstance(made, Mapping):
        return {head.field: head.value, **made}
    return made


def related(one: Path, two: Path) -> bool:
    """One place is the other, or stands inside it."""
    least = min(len(one), len(two))
    return one[:least] == two[:least]
