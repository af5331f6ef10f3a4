"""The span editor: one edit of a manifest, against parsing the same text once; and what a bomb costs to refuse."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import yaml

from manifests import Refused, patch
from manifests.edits import Replace

TITLE = "editor: one edit, against one parse of the same text"
ROUNDS = 15
BOMB = "x: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


def run() -> dict[str, float]:
    """Milliseconds and ratios for manifests of 100, 1,000 and 8,000 lines."""
    figures = {}
    for lines in (100, 1_000, 8_000):
        text = "".join(f"k{n}:\n  v: {n}\n" for n in range(lines // 2))
        edit = _ms(lambda text=text: patch(text, [Replace(0, ("k7", "v"), 7, 8)]))  # type: ignore[misc]
        parse = _ms(lambda text=text: yaml.load(text, Loader=yaml.CSafeLoader))  # type: ignore[misc]
        figures |= {f"edit_{lines}_ms": edit, f"edit_{lines}_to_parse": edit / parse}
    figures["bomb_refused_ms"] = _ms(_bomb)
    for name, value in figures.items():
        print(f"{name:22} {value:8.2f}")
    return figures


def _bomb() -> None:
    try:
        patch(BOMB, [Replace(0, ("x",), 1, 2)])
    except Refused:
        return
    raise AssertionError("a bomb was edited")


def _ms(call: Callable[[], object]) -> float:
    costs = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call()
        costs.append((time.perf_counter() - started) * 1000)
    return statistics.median(costs)
