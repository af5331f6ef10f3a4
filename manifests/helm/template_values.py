"""Values that a chart's templates read, whether anybody sets them or not. Pure.

Templates are not evaluated: their actions are scanned for ``.Values.a.b``, ``index .Values "a" "b"``, fields of a
``with`` over a value and of variables that hold one. What a value does is told by a rendering, never by this reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from manifests.objects import paths
from manifests.repository import subcharts
from manifests.repository.index import RepositoryIndex

_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_BLOCK = re.compile(r"\s*(if|with|range|define|block|end)\b")
_ROOTED = re.compile(r"\$?\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)")
_INDEXED = re.compile(r"\bindex\s+\$?\.Values((?:\s+\"[^\"\s]+\")+)")
_DUG = re.compile(r"\bdig((?:\s+\"[^\"\s]+\")+)[^{}]*?\.Values\b")
_ASSIGNED = re.compile(r"\$(\w+)\s*:?=\s*(?:default\s+\S+\s+)?\(?\s*\$?\.Values((?:\.\w+)+)")
_OF_VARIABLE = re.compile(r"\$(\w+)((?:\.[A-Za-z_]\w*)+)")
_RELATIVE = re.compile(r"(?<![\w)$.\]])\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
_BUILT_IN = frozenset(
    {"Values", "Release", "Chart", "Capabilities", "Files", "Template", "Subcharts"}
)
_KEY = re.compile(r"""^[\s-]*["']?([A-Za-z][\w.-]*)["']?:""")
#: Lines above an action on which the key may stand that its value belongs to.
_ABOVE = 3
#: Characters of one chart's templates that are scanned.
_MOST = 2_000_000


@dataclass(frozen=True, slots=True)
class ReadValue:
    """A value that a template reads. ``beside``: keys of the lines at and above it, the nearest first."""

    path: paths.Path
    beside: tuple[str, ...]


def read_values(index: RepositoryIndex, chart: str) -> list[ReadValue]:
    """All of a chart and of the charts that it brings along, under their names; each with every place that reads it."""
    found: dict[ReadValue, None] = {}
    left = _MOST
    for prefix, folder in subcharts.tree_of(index, chart):
        for _, text in subcharts.templates_of(index, folder):
            left -= len(text)
            if left < 0:
                return list(found)
            for one in _in_text(text):
                rooted = one.path if one.path[0] == "global" else (*prefix, *one.path)
                found[ReadValue(rooted, one.beside)] = None
    return list(found)


def _in_text(text: str) -> Iterator[ReadValue]:
    lines = text.splitlines()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    variables: dict[str, paths.Path] = {}
    dots: list[paths.Path | None] = []
    number = 0
    for action in _ACTION.finditer(text):
        while number + 1 < len(starts) and starts[number + 1] <= action.start():
            number += 1
        inside = action[1]
        if inside.lstrip().startswith("/*"):
            continue
        beside = tuple(_keys_above(lines, number))
        dot = dots[-1] if dots else None
        for path in _paths(inside, variables, dot):
            yield ReadValue(path, beside)
        for name, dotted in _ASSIGNED.findall(inside):
            variables[name] = _split(dotted)
        _follow(inside, dots, dot)


def _paths(
    inside: str, variables: Mapping[str, paths.Path], dot: paths.Path | None
) -> Iterator[paths.Path]:
    for dotted in _ROOTED.findall(inside):
        yield _split(dotted)
    for quoted in _INDEXED.findall(inside):
        yield tuple(re.findall(r'"([^"]+)"', quoted))
    for quoted in _DUG.findall(inside):
        # The last text is the default, unless that is no text.
        keys = tuple(re.findall(r'"([^"]+)"', quoted))
        yield from (keys, keys[:-1]) if len(keys) > 1 else (keys,)
    for name, dotted in _OF_VARIABLE.findall(inside):
        if name in variables:
            yield (*variables[name], *_split(dotted))
    if dot is not None:
        for dotted in _RELATIVE.findall(inside):
            segments = tuple(dotted.split("."))
            if segments[0] not in _BUILT_IN:
                yield (*dot, *segments)


def _follow(inside: str, dots: list[paths.Path | None], dot: paths.Path | None) -> None:
    """What ``.`` means behind the action."""
    block = _BLOCK.match(inside)
    if block is None:
        return
    if block[1] == "end":
        if dots:
            dots.pop()
    elif block[1] == "with":
        rooted = _ROOTED.search(inside)
        dots.append(_split(rooted[1]) if rooted else None)
    else:
        dots.append(dot if block[1] == "if" else None)


def _split(dotted: str) -> paths.Path:
    return tuple(part for part in dotted.split(".") if part)


def _keys_above(lines: list[str], number: int) -> Iterator[str]:
    for line in reversed(lines[max(0, number - _ABOVE) : number + 1]):
        key = _KEY.match(line)
        if key:
            yield key[1]
