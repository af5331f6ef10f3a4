"""New text for values that were not there: block lines in the style of their surroundings, or flow on one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from manifests import scalars
from manifests.refused import Refused
from manifests.scalars import is_scalar

Value = scalars.Scalar | Mapping[str, "Value"] | Sequence["Value"]


def key_text(key: str, *, flow: bool = False, quote: str | None = None) -> str:
    """A mapping key as text."""
    return scalars.write(key, style=quote, flow=flow)


def entry_lines(key: str, value: Value, *, column: int, dash: int) -> list[str]:
    """``key: value`` as block lines. ``dash`` is how far a list's dash stands to the right of its key."""
    head = " " * column + key_text(key) + ":"
    return _after_head(head, value, column=column, dash=dash)


def item_lines(value: Value, *, column: int, gap: str, dash: int) -> list[str]:
    """``- value`` as block lines; ``gap`` is what stands between the dash and the value."""
    head = " " * column + "-"
    inner = column + 1 + len(gap)
    if not isinstance(value, Mapping) or not value:
        if not is_scalar(value) and value:
            raise Refused("UNSUPPORTED", "a list inside a list")
        return _after_head(head, value, column=inner, dash=dash, gap=gap)
    lines: list[str] = []
    for key, inside in value.items():
        lines += entry_lines(key, inside, column=inner, dash=dash)
    return [head + gap + lines[0][inner:], *lines[1:]]


def _after_head(head: str, value: Value, *, column: int, dash: int, gap: str = " ") -> list[str]:
    if is_scalar(value):
        return [head if value is None else head + gap + scalars.write(value)]
    if not value:
        return [head + gap + ("{}" if isinstance(value, Mapping) else "[]")]
    return [head, *block_lines(value, column=column, dash=dash)]


def block_lines(value: Value, *, column: int, dash: int) -> list[str]:
    """The lines under a key in ``column``: a mapping two to the right, a list ``dash`` to the right."""
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, inside in value.items():
            lines += entry_lines(key, inside, column=column + 2, dash=dash)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            lines += item_lines(item, column=column + dash, gap=" ", dash=dash)
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
