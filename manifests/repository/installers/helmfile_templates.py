"""What helmfile's templates say, as far as that is exact: fields, texts, variables, conditions, functions that ask nobody. Pure.

Sources: Go's text/template, Sprig's functions and helmfile's own (``get``, ``toYaml``, ``required``). All else raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_STRING = r'"[^"\\\n]*"|`[^`]*`'
_ACTION = re.compile(
    rf"(?:[ \t\r\n]*\{{\{{-(?=\s)|\{{\{{)\s*(/\*.*?\*/|(?:{_STRING}|[^{{}}\"`])*?)\s*(?:(?<=\s)-\}}\}}[ \t\r\n]*|\}}\}})",
    re.DOTALL,
)
_TOKEN = re.compile(
    rf"\s*({_STRING}|-?[0-9]+(?![\w.])|\$?\.[A-Za-z_][\w.]*|\$[A-Za-z_][\w.]*|[A-Za-z_]\w*|[()|])",
    re.DOTALL,
)


class NotFilled(Exception):
    """What a text says cannot be told here; the message is the part that cannot."""


@dataclass(frozen=True, slots=True)
class _Unknown:
    """What the shell says that runs helmfile."""

    name: str


@dataclass(slots=True)
class _If:
    branches: list[tuple[str, list[Any]]]
    #: Is what its first branch says the dot there (``with``)?
    dot: bool = False


@dataclass(frozen=True, slots=True)
class _Say:
    expression: str


_ENV = re.compile(r"\benv\s")
#: A variable, which is known up to the end of the block that it stands in.
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)\s*:=\s*(.+)", re.DOTALL)
_ROOT = "$"
#: What stands in a text where something is that cannot be told.
UNKNOWN = "\ufffd?"


def fill(
    text: str, data: Mapping[str, Any], *, partly: bool = False, defaulted: bool = False
) -> str:
    """The text as helmfile renders it with ``data``, whose keys are fields of the dot. ``partly``: with ``UNKNOWN`` within
    a line in place of what cannot be told. ``defaulted``: with the defaults of variables of the shell, which may have any
    value: what is made so must say nothing of where something is installed, and from what. Raises NotFilled."""
    if not defaulted and _ENV.search(text) and not partly:
        raise NotFilled("env")
    pieces = _pieces(text)
    parsed, rest = _block(pieces, 0)
    if rest != len(pieces):
        raise NotFilled("end")
    return "".join(_rendered(parsed, data, partly=partly))


#: Nothing but its braces, or a dash and a blank, stands beside a comment.
_COMMENT = re.compile(r"(?:[ \t\r\n]*\{\{-\s|\{\{)/\*.*?\*/(?:\s-\}\}[ \t\r\n]*|\}\})", re.DOTALL)


def _pieces(text: str) -> list[str | tuple[str]]:
    """Texts, and actions as tuples of one."""
    out: list[str | tuple[str]] = []
    at = 0
    if "`" in text and _COMMENT.search(text):
        raise NotFilled("/*")
    text = _COMMENT.sub("", text)
    for found in _ACTION.finditer(text):
        out.append(text[at : found.start()])
        out.append((found[1],))
        at = found.end()
    out.append(text[at:])
    for one in out:
        if isinstance(one, str) and "{{" in one:
            raise NotFilled(one[one.index("{{") :][:40])
    return out


def _block(pieces: list[str | tuple[str]], at: int) -> tuple[list[Any], int]:
    """What stands up to the next ``else`` or ``end`` that is not of a condition within."""
    out: list[Any] = []
    while at < len(pieces):
        one = pieces[at]
        if isinstance(one, str):
            out.append(one)
        elif re.match(r"(else|end)\b", one[0]):
            return out, at
        elif one[0].startswith(("if ", "with ")):
            branch, at = _condition(pieces, at)
            out.append(branch)
        elif one[0].startswith("/*"):
            raise NotFilled(one[0])
        else:
            out.append(_Say(one[0]))
        at += 1
    return out, at


def _condition(pieces: list[str | tuple[str]], at: int) -> tuple[_If, int]:
    branches: list[tuple[str, list[Any]]] = []
    dot = pieces[at][0].startswith("with ")
    said = pieces[at][0].removeprefix("with " if dot else "if ")
    while True:
        inner, at = _block(pieces, at + 1)
        branches.append((said, inner))
        if at >= len(pieces):
            raise NotFilled(f"if {said}")
        word = pieces[at][0]
        if word == "end":
            return _If(branches, dot), at
        if dot and word != "else":
            raise NotFilled(word)
        said = word.removeprefix("else").strip().removeprefix("if ") or "true"


def _rendered(parsed: list[Any], data: Mapping[str, Any], *, partly: bool = False) -> list[str]:
    out: list[str] = []
    for one in parsed:
        if isinstance(one, str):
            out.append(one)
        elif isinstance(one, _Say) and (named := _VARIABLE.fullmatch(one.expression)):
            _refuse_env((one.expression,), partly=partly)
            data = {**data, _ROOT + named[1]: _value(named[2], data)}
        elif isinstance(one, _Say):
            try:
                _refuse_env((one.expression,), partly=partly)
                out.append(_printed(_value(one.expression, data)))
            except NotFilled:
                if not partly or not "".join(out).rpartition("\n")[2].strip():
                    raise
                out.append(UNKNOWN)
        else:
            out += _of_block(one, data, partly=partly)
    return out


def _refuse_env(expressions: Iterable[str], *, partly: bool) -> None:
    if partly and any(map(_ENV.search, expressions)):
        raise NotFilled("env")


def _of_block(block: _If, data: Mapping[str, Any], *, partly: bool) -> list[str]:
    """What the first branch makes whose condition holds."""
    _refuse_env((said for said, _ in block.branches), partly=partly)
    said_so = ((inner, _value(said, data)) for said, inner in block.branches)
    chosen = next(((inner, value) for inner, value in said_so if _true(value)), None)
    if chosen is None:
        return []
    inside = block.dot and chosen[0] is block.branches[0][1]
    within = _within(data, chosen[1]) if inside else data
    return _rendered(chosen[0], within, partly=partly)


def _within(data: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    """What a block sees whose dot is a value: its fields, the variables, and the first dot as ``$``."""
    kept = {key: one for key, one in data.items() if key.startswith(_ROOT)}
    kept.setdefault(_ROOT, data)
    return {**(value if isinstance(value, Mapping) else {}), **kept}


def _true(value: Any) -> bool:
    """Go's truth, and Sprig's emptiness turned around."""
    if isinstance(value, _Unknown):
        raise NotFilled(f'env "{value.name}"')
    return bool(value)


def _printed(value: Any) -> str:
    """As Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and abs(value) < 1e15 and "e" not in repr(value):
        return repr(value).removesuffix(".0")
    raise NotFilled(
        f'env "{value.name}"' if isinstance(value, _Unknown) else "a value that is no text"
    )


def _value(expression: str, data: Mapping[str, Any]) -> Any:
    tokens: list[str] = []
    at = 0
    expression = expression.strip()
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            raise NotFilled(expression)
        tokens.append(found[1])
        at = found.end()
    try:
        value, end = _pipeline(tokens, 0, data)
    except (TypeError, ValueError, IndexError, AttributeError, KeyError):
        raise NotFilled(expression) from None
    if end != len(tokens):
        raise NotFilled(expression)
    return value


def _pipeline(tokens: list[str], at: int, data: Mapping[str, Any]) -> tuple[Any, int]:
    value, at = _command(tokens, at, data, ())
    while at < len(tokens) and tokens[at] == "|":
        value, at = _command(tokens, at + 1, data, (value,))
    return value, at


def _command(
    tokens: list[str], at: int, data: Mapping[str, Any], last: tuple[Any, ...]
) -> tuple[Any, int]:
    head = tokens[at]
    if re.match(r"[A-Za-z_]", head) and head not in ("true", "false", "nil"):
        given: list[Any] = []
        at += 1
        while at < len(tokens) and tokens[at] not in ("|", ")"):
            value, at = _operand(tokens, at, data)
            given.append(value)
        return _called(head, [*given, *last]), at
    if last:
        raise NotFilled(head)
    return _operand(tokens, at, data)


def _operand(tokens: list[str], at: int, data: Mapping[str, Any]) -> tuple[Any, int]:
    word = tokens[at]
    if word == "(":
        value, at = _pipeline(tokens, at + 1, data)
        if tokens[at] != ")":
            raise NotFilled(word)
        return value, at + 1
    if word[0] in '"`':
        return word[1:-1], at + 1
    if word[0] in (".", _ROOT):
        return (_field if word[0] == "." else _variable)(word, data), at + 1
    if word in ("true", "false", "nil"):
        return {"true": True, "false": False, "nil": None}[word], at + 1
    if re.fullmatch(r"-?[0-9]+", word):
        return int(word), at + 1
    return _called(word, []), at + 1


def _variable(word: str, data: Mapping[str, Any]) -> Any:
    name, _, rest = word.partition(".")
    if name != _ROOT and name not in data:
        raise NotFilled(word)
    node = data.get(_ROOT, data) if name == _ROOT else data[name]
    return _field(f".{rest}", node) if rest else node


def _field(word: str, data: Mapping[str, Any]) -> Any:
    node: Any = data
    for key in word[1:].split("."):
        if not isinstance(node, Mapping) or key not in node:
            raise NotFilled(word)
        node = node[key]
    return node


def _called(name: str, given: list[Any]) -> Any:
    function = _FUNCTIONS.get(name)
    if function is None:
        raise NotFilled(name)
    if name not in ("default", "env", "requiredEnv") and any(
        isinstance(one, _Unknown) for one in given
    ):
        raise NotFilled("env")
    return function(*given)


def _default(other: Any, value: Any) -> Any:
    return other if isinstance(value, _Unknown) or not value else value


def _get(path: str, *more: Any) -> Any:
    *other, node = more
    for key in path.split("."):
        if not isinstance(node, Mapping):
            raise NotFilled(path)
        if key not in node:
            if not other:
                raise NotFilled(path)
            return other[0]
        node = node[key]
    return node


def _get_or_nil(path: str, node: Any) -> Any:
    return _get(path, None, node)


def _required(_: str, value: Any) -> Any:
    if value is None or value == "":
        raise NotFilled("required")
    return value


def _same(first: Any, *others: Any) -> bool:
    if any(type(first) is not type(one) or isinstance(one, list | dict | float) for one in others):
        raise NotFilled("eq")
    return first in others


def _quote(value: Any) -> str:
    said = _printed(value)
    if not said.isprintable() or '"' in said or "\\" in said:
        raise NotFilled("quote")
    return f'"{said}"'


class _Dumper(yaml.SafeDumper):
    """Every text in quotes, so that all who read it read a text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def _to_yaml(value: Any) -> str:
    if isinstance(value, float):
        return _printed(value) + "\n"
    said: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True)
    return said.removesuffix("...\n")


def _indent(width: int, text: str) -> str:
    return " " * width + text.replace("\n", "\n" + " " * width)


def _printf(shape: str, *given: Any) -> str:
    parts = re.split(r"(%[svd])", shape)
    if any("%" in part for part in parts[::2]) or len(parts) // 2 != len(given):
        raise NotFilled(shape)
    for at, (verb, value) in enumerate(zip(parts[1::2], given, strict=True)):
        wrong = (verb == "%s" and not isinstance(value, str)) or (
            verb == "%d" and (isinstance(value, bool) or not isinstance(value, int))
        )
        if wrong:
            raise NotFilled(shape)
        parts[2 * at + 1] = _printed(value)
    return "".join(parts)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise NotFilled("a value that is no text")
    return value


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "env": _Unknown,
    "default": _default,
    "get": _get,
    "getOrNil": _get_or_nil,
    "required": _required,
    "eq": _same,
    "ne": lambda first, other: not _same(first, other),
    "not": lambda value: not _true(value),
    "and": lambda *given: next((one for one in given if not _true(one)), given[-1]),
    "or": lambda *given: next((one for one in given if _true(one)), given[-1]),
    "ternary": lambda yes, no, which: (
        yes if which is True else no if which is False else _text(which)
    ),
    "hasKey": lambda node, key: isinstance(node, Mapping) and key in node,
    "quote": _quote,
    "squote": lambda value: f"'{_printed(value)}'",
    "toString": _printed,
    "toYaml": _to_yaml,
    "indent": _indent,
    "nindent": lambda width, text: "\n" + _indent(width, text),
    "trim": lambda text: _text(text).strip(),
    "lower": lambda text: _text(text).lower(),
    "upper": lambda text: _text(text).upper(),
    "trimPrefix": lambda what, text: _text(text).removeprefix(what),
    "trimSuffix": lambda what, text: _text(text).removesuffix(what),
    "replace": lambda old, new, text: _text(text).replace(old, new),
    "printf": _printf,
}
