"""What Argo CD fills into the texts of an ApplicationSet's template, as far as it is a field and a few functions of it. Pure.

Sources: Argo CD's Go template page (3.x) and Sprig's string functions. What is not known stays as it is, with its braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_HOLE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_FIELD = re.compile(r"\.?[A-Za-z0-9_./\[\]-]+")
_WORD = re.compile(r"""["`]([^"`\\]*)["`]|([^\s"`|]+)|(\|)""")


def filled(text: str, fields: Mapping[str, str]) -> str:
    """The text with every hole filled in that is a known field, or one that goes through known functions."""
    return _HOLE.sub(lambda hole: _value(hole[1], fields, hole[0]), text)


def _value(expression: str, fields: Mapping[str, str], otherwise: str) -> str:
    steps: list[list[str]] = [[]]
    rest = _WORD.sub("", expression)
    for quoted, bare, pipe in _WORD.findall(expression):
        if pipe:
            steps.append([])
        else:
            steps[-1].append(bare or quoted)
    if rest.strip() or not all(steps):
        return otherwise
    value = _first(steps[0], fields)
    for name, *arguments in steps[1:]:
        value = None if value is None else _applied(name, arguments, value)
    return otherwise if value is None else value


def _first(words: list[str], fields: Mapping[str, str]) -> str | None:
    """A field; ``index .path.segments 1``, ``index .metadata.labels "env"``; a function before its one field."""
    if words[0] == "index" and len(words) == 3:
        return fields.get(f"{words[1].lstrip('.')}.{words[2]}")
    if len(words) == 1 and _FIELD.fullmatch(words[0]):
        return fields.get(words[0].removeprefix("."))
    if len(words) > 1 and words[-1].startswith("."):
        value = fields.get(words[-1].removeprefix("."))
        return None if value is None else _applied(words[0], words[1:-1], value)
    return None


def _applied(name: str, arguments: list[str], value: str) -> str | None:
    function = _FUNCTIONS.get((name, len(arguments)))
    return None if function is None else function(value, *arguments)


def normalized(name: str) -> str:
    """As Argo CD makes names that Kubernetes takes."""
    return re.sub(r"[^a-z0-9.-]", "-", name.lower()).strip("-.")


#: By name and by how many arguments stand before the value.
_FUNCTIONS: dict[tuple[str, int], Callable[..., str]] = {
    ("lower", 0): str.lower,
    ("upper", 0): str.upper,
    ("trim", 0): str.strip,
    ("normalize", 0): normalized,
    ("replace", 2): str.replace,
    ("trimPrefix", 1): str.removeprefix,
    ("trimSuffix", 1): str.removesuffix,
    ("default", 1): lambda value, other: value or other,
}
