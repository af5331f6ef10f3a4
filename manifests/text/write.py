"""New text for values that were not there: block lines in the style of their surroundings, or flow on one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from manifests.text import scalars
from manifests.text.scalars import is_scalar
from manifests.text.style import Habits

Value = scalars.Scalar | Mapping[str, "Value"] | Sequence["Value"]


def key_text(key: str, *, flow: bool = False, quote: str | None = None) -> str:
    """A mapping key as text."""
    return scalars.write(key, style=quote, flow=flow)


def entry_lines(key: str, value: Value, *, column: int, habits: Habits) -> list[str]:
    """``key: value`` as block lines."""
    head = " " * column + key_text(key) + ":"
    return _after_head(head, value, column=column, habits=habits)


def item_lines(value: Value, *, column: int, gap: str, habits: Habits) -> list[str]:
    """``- value`` as block lines; ``gap`` is what stands between the dash and the value."""
    head = " " * column + "-"
    inner = column + 1 + len(gap)
    if is_scalar(value) or not value:
        return _after_head(head, value, column=inner, habits=habits, gap=gap)
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, inside in value.items():
            lines += entry_lines(key, inside, column=inner, habits=habits)
    elif isinstance(value, Sequence):
        for item in value:
            lines += item_lines(item, column=inner, gap=" ", habits=habits)
    return [head + gap + lines[0][inner:], *lines[1:]]


def _after_head(
    head: str, value: Value, *, column: int, habits: Habits, gap: str = " "
) -> list[str]:
    if is_scalar(value):
        return [head if value is None else head + gap + scalars.write(value)]
    if not value:
        return [head + gap + ("{}" if isinstance(value, Mapping) else "[]")]
    return [head, *block_lines(value, column=column, habits=habits)]


def block_lines(value: Value, *, column: int, habits: Habits) -> list[str]:
    """The lines under a key in ``column``: a mapping and a list as far to the right as is the habit."""
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, inside in value.items():
            lines += entry_lines(key, inside, column=column + habits.step, habits=habits)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            lines += item_lines(item, column=column + habits.dash, gap=" ", habits=habits)
    return lines


def flow_text(value: Value, *, json: bool) -> str:
    """A value on one line; with ``json`` texts and keys are double-quoted."""
    quote = '"' if json else None
    if is_scalar(value):
        return scalars.write(value, style=quote, flow=True)
    if isinstance(value, Mapping):
        pairs = (
            f"{key_text(k, flow=True, quote=quote)}: {flow_text(v, json=json)}"
            for k, v in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    assert isinstance(value, Sequence)
    return "[" + ", ".join(flow_text(item, json=json) for item in value) + "]"
