"""What a year came to: shares, regret and intervals, as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.year.living import FirstPlan, LivedYear
from tools.year.world import CLASSES

_Z = 1.96


@dataclass(frozen=True, slots=True)
class YearSums:
    """Sums over first plans. Shares and rates from 0 to 1; regrets are fixes lost per 100 incidents."""

    incidents: int
    best_first: float
    best_first_static: float
    holds: float
    holds_static: float
    holds_best: float
    regret: float
    regret_static: float
    #: How much oftener the first plan holds than the rules' first, with its 95 % interval over incidents.
    gain: float
    gain_low: float
    gain_high: float


def sums(found: Iterable[FirstPlan]) -> YearSums:
    """The sums of at least one."""
    firsts = list(found)
    n = len(firsts)

    def mean(values: Iterable[float]) -> float:
        return sum(values) / n

    gains = [one.chosen - one.static for one in firsts]
    gain = mean(gains)
    spread = math.sqrt(mean((one - gain) ** 2 for one in gains) / n)
    return YearSums(
        n,
        mean(one.chosen == one.best for one in firsts),
        mean(one.static == one.best for one in firsts),
        mean(one.chosen for one in firsts),
        mean(one.static for one in firsts),
        mean(one.best for one in firsts),
        100 * mean(one.best - one.chosen for one in firsts),
        100 * mean(one.best - one.static for one in firsts),
        gain,
        gain - _Z * spread,
        gain + _Z * spread,
    )


def quarter(year: LivedYear, number: int) -> list[FirstPlan]:
    """The first plans of one quarter, 0 to 3."""
    return [one for one in year.firsts if int(one.at * 4) == number]


def of_class(years: Iterable[LivedYear], failure_class: str) -> list[FirstPlan]:
    """The first plans of one class."""
    return [one for year in years for one in year.firsts if one.failure_class == failure_class]


def table(years: Sequence[LivedYear]) -> str:
    """Two tables: each seed's quarters, and each class over all seeds."""
    rows = [
        "| seed | quarter | best fix first | static | first fix holds | static | oracle | regret | static |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for year in years:
        parts = [(f"{n + 1}", quarter(year, n)) for n in range(4)]
        for name, firsts in [*parts, ("year", list(year.firsts))]:
            rows.append(f"| {year.seed} | {name} | {_cells(sums(firsts))} |")
    rows += [
        "",
        "| class | incidents | best fix first | static | regret | static | first fix holds oftener than static by |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in CLASSES:
        one = sums(of_class(years, name))
        rows.append(
            f"| `{name}` | {one.incidents} | {one.best_first:.2f} | {one.best_first_static:.2f} "
            f"| {one.regret:.1f} | {one.regret_static:.1f} "
            f"| {one.gain:+.3f} ({one.gain_low:+.3f} to {one.gain_high:+.3f}) |"
        )
    return "\n".join(rows)


def _cells(one: YearSums) -> str:
    return (
        f"{one.best_first:.2f} | {one.best_first_static:.2f} | {one.holds:.3f} | {one.holds_static:.3f} "
        f"| {one.holds_best:.3f} | {one.regret:.1f} | {one.regret_static:.1f}"
    )
