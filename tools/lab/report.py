"""The lab's score: the eval's own tables, and apart for cases that real and that rendered evidence decides."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from tools.evaluation import report as tables
from tools.evaluation import score
from tools.evaluation.answers import mapping, truths
from tools.evaluation.run import apart
from tools.evaluation.score import Judged

_KEYS = tuple(f"{what}@{depth}" for depth in (1, 3) for what in ("object", "class", "both"))


def judged(out: Path) -> list[tuple[Judged, dict[str, Any]]]:
    """Each case's verdict with its answer. Diagnosing ran in a process that was given the cases alone."""
    results = apart(out / "cases")
    verdicts = score.judge_all(truths(out / "expected"), results, mapping())
    return [(one, _read(out / "expected" / f"{one.truth.case}.json")) for one in verdicts]


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    return found


def report(out: Path, *, wrong: int = 40) -> str:
    """The tables as text, and what each wrong case was made of."""
    verdicts = judged(out)
    plain = [one for one, _ in verdicts]
    (out / "score.json").write_bytes(orjson.dumps(score.counts(plain), option=orjson.OPT_INDENT_2))
    lines = [line for line in tables.score(plain).splitlines() if not line.startswith("wrong: ")]
    by_origin = [
        replace(one, truth=replace(one.truth, family=f"{answer['evidence']} evidence"))
        for one, answer in verdicts
    ]
    lines += ["", *(_row(row) for row in score.rows(by_origin) if row.name != "overall")]
    lines += _repairs(out)
    for one, answer in [v for v in verdicts if not v[0].at("both", 1)][:wrong]:
        lines.append(
            f"wrong: {one.truth.case} {answer['failure_class']} at {answer['fault_object']}; said {one.predicted[:2]} {one.confidence:.2f} {one.status}; {'; '.join(answer['notes'])}"
        )
    return "\n".join(lines) + "\n"


def _row(row: score.Row) -> str:
    cells = "  ".join(f"{row.rates[k]:8.3f}" for k in _KEYS)
    return f"{row.name:16} {row.cases:5}  {cells}"


def _proven(found: list[dict[str, Any]]) -> list[str]:
    """How the check ``repairs`` fared: of the plans with each verdict, how many repaired, where that shows at all."""
    lines = []
    for verdict in ("pass", "unknown"):
        shown = [
            one["outcome"]
            for one in found
            if one.get("repairs") == verdict
            and one["outcome"] in ("repaired", "not repaired", "refused")
        ]
        good = shown.count("repaired")
        if shown:
            lines.append(
                f"repairs {verdict}: {good} of {len(shown)} repaired ({good / len(shown):.3f})"
            )
    return lines


def _repairs(out: Path) -> list[str]:
    """What became of the proposed changes, where they were applied."""
    found = {path.stem: _read(path) for path in sorted((out / "repairs").glob("*.json"))}
    if not found:
        return []
    tally = Counter(one["outcome"] for one in found.values())
    lines = ["", f"proposed changes applied to the cluster: {dict(sorted(tally.items()))}"]
    lines += _proven(list(found.values()))
    for case, one in found.items():
        if one["outcome"] in ("not repaired", "refused", "crashed"):
            about = _read(out / "expected" / f"{case}.json")
            lines.append(
                f"{one['outcome']}: {case} {about['failure_class']}: {one['change'][:200]} {one.get('detail', '')[:200]}"
            )
    return lines
