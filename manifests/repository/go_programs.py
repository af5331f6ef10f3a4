"""Texts of ApplicationSets with conditions, loops and functions, as Go's text/template evaluates them. Pure.

Sources: Go's text/template, Argo CD's Go template page (3.x), Sprig's functions. A text with anything else is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from manifests.repository import go_templates

_ACTION = re.compile(r"\{\{(-(?=\s))?\s*(.*?)\s*((?<=\s)-)?\}\}", re.DOTALL)
_WORD = re.compile(r'"[^"\\]*"|`[^`]*`|:=|\||[^\s|"`]+')
_NAME = re.compile(r"\$?(?:\.?[A-Za-z_][A-Za-z0-9_]*)?(?:\.[A-Za-z_][A-Za-z0-9_]*)*|\.")
#: Argo CD reads parameters as JSON, whose numbers Go writes with an exponent from here on.
_EXPONENT = 10**6
_MOST = 2000
_ABSENT = object()


class NotEvaluated(Exception):
    """The text says something that is not known here."""


@dataclass(slots=True)
class _Scope:
    root: Any
    dot: Any
    named: Mapping[str, Any]
    #: Is a field that is not there an error (``missingkey=error``)?
    strict: bool


def evaluated(text: str, fields: Mapping[str, Any], *, strict: bool = False) -> str:
    """The text with the fields of an element. Raises NotEvaluated."""
    parts = list(_parts(text))
    if len(parts) > _MOST:
        raise NotEvaluated
    out, rest, _ = _block(parts, 0, _Scope(fields, fields, {}, strict), live=True)
    if rest != len(parts):
        raise NotEvaluated
    return out


def word(value: Any) -> str:
    """A value as Go prints it. Raises NotEvaluated for what has no plain form."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) < _EXPONENT:
        return str(value)
    raise NotEvaluated


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """("text", ...) and ("do", ...), white space taken off where the action says so."""
    at, trimmed = 0, False
    for found in _ACTION.finditer(text):
        before = text[at : found.start()]
        before = before.lstrip() if trimmed else before
        yield "text", before.rstrip() if found[1] else before
        if not found[2].startswith("/*"):
            yield "do", found[2]
        at, trimmed = found.end(), bool(found[3])
    rest = text[at:]
    yield "text", rest.lstrip() if trimmed else rest


def _block(
    parts: list[tuple[str, str]], at: int, scope: _Scope, *, live: bool
) -> tuple[str, int, str]:
    """(what it makes, where it ends, the action that ends it)."""
    out = ""
    while at < len(parts):
        what, said = parts[at]
        if what == "text":
            out += said if live else ""
            at += 1
            continue
        head, _, rest = said.partition(" ")
        if head in ("end", "else"):
            return out, at, said
        if head == "if":
            made, at = _if(parts, at + 1, rest, scope, live=live)
        elif head == "range":
            made, at = _range(parts, at + 1, rest, scope, live=live)
        elif head in ("with", "define", "template", "block", "break", "continue") or ":=" in said:
            raise NotEvaluated
        else:
            made, at = word(_pipeline(said, scope)) if live else "", at + 1
        out += made
    return out, at, ""


def _if(
    parts: list[tuple[str, str]], at: int, condition: str, scope: _Scope, *, live: bool
) -> tuple[str, int]:
    chosen = live and _is_true(_pipeline(condition, scope, absent=True))
    made, at, ended = _block(parts, at, scope, live=chosen)
    while ended.startswith("else"):
        live = live and not chosen
        other = ended.removeprefix("else").strip()
        if other.startswith("if "):
            chosen = live and _is_true(_pipeline(other[3:], scope, absent=True))
        elif other:
            raise NotEvaluated
        else:
            chosen = live
        more, at, ended = _block(parts, at + 1, scope, live=chosen)
        made += more
    if ended != "end":
        raise NotEvaluated
    return made, at + 1


def _range(
    parts: list[tuple[str, str]], at: int, said: str, scope: _Scope, *, live: bool
) -> tuple[str, int]:
    names, is_, over = said.rpartition(":=")
    variables = [name.strip() for name in names.split(",")] if is_ else []
    listed = _pipeline(over, scope) if live else []
    if not isinstance(listed, list) or any(not name.startswith("$") for name in variables):
        raise NotEvaluated
    made = ""
    for number, item in enumerate(listed):
        both = (number, item) if len(variables) == 2 else (item,)
        named = {**scope.named, **dict(zip(variables, both, strict=False))}
        more, _, _ = _block(parts, at, _Scope(scope.root, item, named, scope.strict), live=True)
        made += more
    _, end, ended = _block(parts, at, scope, live=False)
    if ended != "end":
        raise NotEvaluated
    return made, end + 1


def _pipeline(said: str, scope: _Scope, *, absent: bool = False) -> Any:
    if _WORD.sub("", said).strip() or "(" in said or ")" in said:
        raise NotEvaluated
    steps: list[list[str]] = [[]]
    for one in _WORD.findall(said):
        if one == "|":
            steps.append([])
        else:
            steps[-1].append(one)
    value: Any = _ABSENT
    for number, step in enumerate(steps):
        if not step:
            raise NotEvaluated
        value = _command(step, scope, value if number else _ABSENT, first=not number)
    if value is _ABSENT:
        if not absent or scope.strict:
            raise NotEvaluated
        return None
    return value


def _command(words: list[str], scope: _Scope, piped: Any, *, first: bool) -> Any:
    if first and len(words) == 1 and words[0] not in _FUNCTIONS:
        return _operand(words[0], scope)
    function = _FUNCTIONS.get(words[0])
    given = [_operand(one, scope) for one in words[1:]] + ([] if first else [piped])
    if function is None or (_ABSENT in given and (scope.strict or words[0] not in _TAKES_ABSENT)):
        raise NotEvaluated
    try:
        return function(*(None if one is _ABSENT else one for one in given))
    except (TypeError, AttributeError, ValueError):
        raise NotEvaluated from None


def _operand(said: str, scope: _Scope) -> Any:
    if said[0] in '"`':
        return said[1:-1]
    if said in ("true", "false"):
        return said == "true"
    if re.fullmatch(r"-?\d{1,6}", said):
        return int(said)
    if not _NAME.fullmatch(said) or said[0] not in "$.":
        raise NotEvaluated
    if said[0] == "$":
        name, _, path = said.partition(".")
        node = scope.root if name == "$" else scope.named.get(name, _ABSENT)
        if node is _ABSENT:
            raise NotEvaluated
    else:
        node, path = scope.dot, said[1:]
    for key in path.split(".") if path else ():
        if not isinstance(node, Mapping):
            raise NotEvaluated
        node = node.get(key, _ABSENT)
    return node


def _is_true(value: Any) -> bool:
    return value is not None and bool(value)


def _eq(left: Any, *others: Any) -> bool:
    if not isinstance(left, str | bool) or any(type(one) is not type(left) for one in others):
        raise NotEvaluated
    return left in others


def _has_key(node: Any, key: Any) -> bool:
    if not isinstance(node, Mapping):
        raise NotEvaluated
    return key in node


def _indexed(node: Any, *keys: Any) -> Any:
    for key in keys:
        inside = isinstance(node, list) and type(key) is int and 0 <= key < len(node)
        if not inside and not (isinstance(node, Mapping) and key in node):
            raise NotEvaluated
        node = node[key]
    return node


def _quoted(value: Any) -> str:
    text = word(value)
    if re.search(r'["\\\n]', text):
        raise NotEvaluated
    return f'"{text}"'


def _yaml(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return yaml.safe_dump(value, sort_keys=True, allow_unicode=True).rstrip("\n")
    return word(value)


def _indented(count: int, text: str) -> str:
    return " " * count + text.replace("\n", "\n" + " " * count)


#: Functions that Sprig gives a missing field as ``nil``.
_TAKES_ABSENT = ("default", "not", "and", "or")
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "eq": _eq,
    "ne": lambda left, right: not _eq(left, right),
    "not": lambda value: not _is_true(value),
    "and": lambda *values: next((one for one in values if not _is_true(one)), values[-1]),
    "or": lambda *values: next((one for one in values if _is_true(one)), values[-1]),
    "hasKey": _has_key,
    "index": _indexed,
    "contains": lambda part, text: part in text,
    "hasPrefix": lambda start, text: text.startswith(start),
    "hasSuffix": lambda end, text: text.endswith(end),
    "default": lambda other, value=None: value if _is_true(value) else other,
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "normalize": go_templates.normalized,
    "replace": lambda old, new, text: text.replace(old, new),
    "trimPrefix": lambda start, text: text.removeprefix(start),
    "trimSuffix": lambda end, text: text.removesuffix(end),
    "quote": _quoted,
    "toString": word,
    "toYaml": _yaml,
    "indent": _indented,
    "nindent": lambda count, text: "\n" + _indented(count, text),
}
