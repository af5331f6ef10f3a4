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
