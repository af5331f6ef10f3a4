"""Scalars as text: how a plain word is read under YAML 1.1 and 1.2, and how a value is written so that both agree.

Sources: YAML 1.1 type repository (bool, int, float, timestamp), YAML 1.2.2 §10.3.2 (core schema).
PyYAML reads 1.1; Kubernetes' Go readers take parts of both, so a word on which the two differ is never written plain.
"""

from __future__ import annotations

import math
import re
from typing import Literal, TypeGuard

from yaml import CSafeLoader, ScalarNode
from yaml.constructor import SafeConstructor

Scalar = str | int | float | bool | None
Kind = Literal["str", "int", "float", "bool", "null", "other"]

TAG = "tag:yaml.org,2002:"
_KIND_OF_TAG: dict[str, Kind] = {
    TAG + "str": "str",
    TAG + "int": "int",
    TAG + "float": "float",
    TAG + "bool": "bool",
    TAG + "null": "null",
}
_CORE: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    (
        "float",
        re.compile(
            r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|"
            r"\.(nan|NaN|NAN)"
        ),
    ),
)
#: Single letters that YAML 1.1 calls bool; PyYAML leaves them strings, other readers do not.
_LETTERS = frozenset({"y", "Y", "n", "N"})
#: Characters that no plain or single-quoted text holds.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_PLAIN_START = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=<]|--?(?=[^\s-])")
_constructor = SafeConstructor()


def is_scalar(value: object) -> TypeGuard[Scalar]:
    """Is this a value that one YAML scalar holds?"""
    return value is None or isinstance(value, str | int | float | bool)


def kind_of(value: Scalar) -> Kind:
    """The kind of a Python value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    return "int" if isinstance(value, int) else "float" if isinstance(value, float) else "str"


def read_11(plain: str) -> Kind:
    """What YAML 1.1 (PyYAML's resolver) takes an unquoted word for."""
    if plain in _LETTERS:
        return "bool"
    resolvers = CSafeLoader.yaml_implicit_resolvers
    for tag, pattern in resolvers.get(plain[:1], []) + resolvers.get(None, []):
        if pattern.match(plain):
            return _KIND_OF_TAG.get(tag, "other")
    return "str"


def read_12(plain: str) -> Kind:
    """What YAML 1.2's core schema takes an unquoted word for."""
    return next((kind for kind, pattern in _CORE if pattern.fullmatch(plain)), "str")


def value_11(node: ScalarNode) -> Scalar:
    """The Python value of a node as PyYAML constructs it; timestamps and other types stay text."""
    kind = _KIND_OF_TAG.get(node.tag, "other")
    try:
        if kind == "int":
            return int(_constructor.construct_yaml_int(node))
        if kind == "float":
            return float(_constructor.construct_yaml_float(node))
        if kind == "bool":
            return bool(_constructor.construct_yaml_bool(node))
    except ValueError:
        return str(node.value)
    return None if kind == "null" else str(node.value)


def value_12(node: ScalarNode) -> Scalar:
    """The Python value of a node under YAML 1.2; quoted and tagged nodes read the same in both."""
    text = str(node.value)
    tagged = _KIND_OF_TAG.get(node.tag) != read_11(text)
    if node.style or tagged:
        return value_11(node)
    kind = read_12(text)
    if kind == "int":
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if kind == "float":
        return float(text.replace(".inf", "inf").replace(".nan", "nan").replace(".Inf", "inf"))
    if kind == "bool":
        return text.lower() == "true"
    return None if kind == "null" else text


def same(left: object, right: object) -> bool:
    """Equal in value and in kind: 1 is neither ``True`` nor ``1.0`` nor ``"1"``."""
    return type(left) is type(right) and left == right


def plain_text(value: Scalar) -> str:
    """The unquoted word for a value that is not text, the same under both versions."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return str(value)


def _float_text(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = repr(value)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    sign = exponent[0] if exponent[0] in "+-" else "+"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}{exponent.lstrip('+-')}"


def _plain_is_safe(text: str, *, flow: bool, tagged: bool) -> bool:
    if not _PLAIN_START.match(text) or text != text.strip() or CONTROL.search(text):
        return False
    if ": " in text or " #" in text or text.endswith(":") or text in ("---", "..."):
        return False
    if flow and re.search(r"[,\[\]{}]|:\S*$", text):
        return False
    return tagged or (read_11(text) == "str" and read_12(text) == "str")


def _double_quoted(text: str) -> str:
    named = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}

    def escape(char: str) -> str:
        if char in named:
            return named[char]
        if not CONTROL.match(char):
            return char
        return f"\\u{ord(char):04x}"

    return '"' + "".join(escape(char) for char in text) + '"'


def write(
    value: Scalar, *, style: str | None = None, flow: bool = False, tagged: bool = False
) -> str:
    """One scalar as YAML text. ``style`` is the quote to keep: ``None`` (plain), ``'`` or ``"``.

    Text that would not read back as text when plain is quoted, unless a ``!!str`` tag in front makes it text
    (``tagged``); other kinds are always plain.
    """
    if not isinstance(value, str):
        return plain_text(value)
    if style == "'" and not CONTROL.search(value):
        return "'" + value.replace("'", "''") + "'"
    if style is None and _plain_is_safe(value, flow=flow, tagged=tagged):
        return value
    return _double_quoted(value)
