"""What an alerting rule's expression compares: ``measure > number``. Pure.

Grammar: https://prometheus.io/docs/prometheus/latest/querying/operators/. Comparisons bind weaker than arithmetic and stronger
than ``and``, ``or`` and ``unless``: where one of those stands outside of all brackets, no single measure is compared.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?P<comment>\#[^\n]*)"""
    r"""|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<side>[=!<>]=|[<>])|(?P<word>[A-Za-z_:][\w:]*)|(?P<rest>.)""",
    re.DOTALL,
)
_SETS = frozenset({"and", "or", "unless"})
_NUMBER = re.compile(r"[\d.eE+\-*/()\s]{1,80}")
_LONGEST = 10_000
_SUMS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
#: What PromQL has and no other query language that K-Fix meets: matchers, ranges, grouping by brackets; or nothing but names
#: and a comparison.
_PROMQL = re.compile(
    r"""=~|!~|[{,]\s*\w+\s*!?=\s*["']|\[\d+[smhdwy][\d:smhdwy]*\]|(?<!\.)\b(?:by|without|on|ignoring)\s*\("""
    r"""|^[^{}"']*(?:[<>]=?|[=!]=)\s*[-+\d.eE()/*\s]+$"""
)
_EQUAL = re.compile(
    r"""[{,]\s*(?P<label>\w+)\s*=\s*(?:"(?P<double>[^"\\]*)"|'(?P<single>[^'\\]*)')"""
)


def is_promql(text: str) -> bool:
    """Is a rule's query PromQL? Colons in it are parts of names there, and no tags."""
    return _PROMQL.search(text[:_LONGEST]) is not None


def asked_labels(text: str) -> Iterator[tuple[str, str]]:
    """(label, value) of the matchers that ask for one value."""
    for match in _EQUAL.finditer(text[:_LONGEST]):
        value = match["double"] or match["single"]
        if value:
            yield match["label"], value


@dataclass(frozen=True, slots=True)
class RuleComparison:
    """A measure, the side of the number on which it is trouble (``>``, ``<``, ``==``, …), and the number."""

    measure: str
    side: str
    limit: float


def compared(expression: str) -> RuleComparison | None:
    """The one comparison with a number that an expression is; ``None`` for every other expression."""
    text = bare(expression)
    found: list[re.Match[str]] = []
    for token in _outside(text):
        if token["word"] in _SETS:
            return None
        if token["side"]:
            found.append(token)
    if len(found) != 1:
        return None
    (at,) = found
    measure, limit = text[: at.start()].strip(), _number(text[at.end() :])
    return RuleComparison(measure, at["side"], limit) if measure and limit is not None else None


def bare(expression: str) -> str:
    """Without comments, and without brackets around all of it."""
    if len(expression) > _LONGEST:
        return expression.strip()
    text = "".join(t[0] for t in _TOKEN.finditer(expression) if not t["comment"]).strip()
    while text.startswith("(") and text.endswith(")") and _one_bracket(text):
        text = text[1:-1].strip()
    return text


def _one_bracket(text: str) -> bool:
    """Does the first bracket end at the last character?"""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += bool(token["open"]) - bool(token["close"])
        if depth == 0:
            return token.end() == len(text)
    return False


def _outside(text: str) -> Iterator[re.Match[str]]:
    """The tokens outside of all brackets and texts."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += bool(token["open"]) - bool(token["close"])
        if depth == 0 and not token["close"]:
            yield token


def _number(text: str) -> float | None:
    """A number, or arithmetic on numbers alone (``(25 / 100)``)."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, OverflowError):
        return None


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _SUMS:
        return _SUMS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("no arithmetic on numbers")
