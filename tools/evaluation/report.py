"""What the eval prints. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from tools.evaluation import score as scoring
from tools.evaluation.score import Judged

_KEYS = [f"{what}@{depth}" for depth in (1, 3) for what in ("object", "class", "both")]


def score(judged: Sequence[Judged], title: str = "") -> str:
    """Accuracy by family, calibration, fixes, time, and each wrong first answer."""
    lines = [title] if title else []
    lines.append(f"{'':16} {'cases':>5}  " + "  ".join(f"{k:>8}" for k in _KEYS))
    for row in scoring.rows(judged):
        cells = "  ".join(f"{row.rates[k]:8.3f}" for k in _KEYS)
        lines.append(f"{row.name:16} {row.cases:5}  {cells}")
    lines += ["", *reliability(judged), "", *_fixes(judged)]
    times = sorted(one.milliseconds for one in judged)
    lines.append(
        f"ms of the rules a case: median {statistics.median(times):.1f}, max {times[-1]:.0f}"
    )
    lines += [
        f"wrong: {one.truth.case}: {one.truth.label} at {one.truth.object}, said {one.predicted} ({one.confidence:.2f})"
        for one in judged
        if not one.at("both", 1)
    ]
    return "\n".join(lines) + "\n"


def reliability(judged: Sequence[Judged]) -> list[str]:
    """The table of confidence against what was right, and its error."""
    lines = ["confidence  cases  mean   right"]
    for name, cases, mean, right in scoring.reliability(judged):
        lines.append(f"{name:10}  {cases:5}  {mean:.3f}  {right:.3f}")
    return [*lines, f"expected calibration error: {scoring.error(judged):.3f}"]


def _fixes(judged: Sequence[Judged]) -> list[str]:
    statuses = Counter(one.status for one in judged)
    fixes = Counter(one.fix for one in judged if one.fix != "none")
    cleared = scoring.false_all_clears(judged)
    sure = {one.truth.case: f"{one.truth.case} ({one.confidence:.2f})" for one in judged}
    false = [sure[case] for case in scoring.false_fixes(judged)]
    known = fixes["right"] + fixes["wrong"]
    share = f"{fixes['right'] / known:.3f}" if known else "–"
    return [
        f"status: {dict(sorted(statuses.items()))}",
        f"repaired: {share} ({fixes['right']} of {known} changes whose outcome is known; {fixes['unknown']} on a right diagnosis with no fix on record)",
        f"false fixes: {_listed(false)}",
        f"false all-clears: {_listed([sure[case] for case in cleared])}",
    ]


def _listed(cases: Sequence[str]) -> str:
    return f"{len(cases)}: {', '.join(cases)}" if cases else "none"


def differences(before: Sequence[Judged], after: Sequence[Judged]) -> str:
    """Cases that are answered otherwise, with both answers."""
    moved = scoring.moved(before, after)
    lines = ["", f"{len(moved)} answers are others than without shuffling or loss"]
    for was, now in moved:
        lines.append(f"  {was.truth.case}: {_answer(was)} → {_answer(now)}")
    return "\n".join(lines) + "\n"


def comparison(before: Sequence[Judged], after: Sequence[Judged], revision: str) -> str:
    """Case by case: what a change broke and mended, and which other answers moved."""
    changed = scoring.changed(before, after)
    moved = scoring.moved(before, after)
    lines = [
        "",
        f"against {revision}: {len(changed)} first answers changed, {len(moved)} answers in all",
    ]
    lines += [f"  {'broken' if was else 'mended'}: {case}" for case, was, _ in changed]
    known = {case for case, _, _ in changed}
    lines += [
        f"  other: {was.truth.case}: {_answer(was)} → {_answer(now)}"
        for was, now in moved
        if was.truth.case not in known
    ]
    return "\n".join(lines) + "\n"


def _answer(one: Judged) -> str:
    first = " at ".join(one.predicted[0]) if one.predicted else "nothing"
    return f"{first} ({one.confidence:.2f}, {one.status}{' ' + one.reason if one.reason else ''})"
