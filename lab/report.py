"""The lab's score: by family, by class, and apart for cases that real and that rendered evidence decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from kfix import diagnosing
from kfix.eval import scoring
from kfix.eval.scoring import Judged, Truth

_KEYS = tuple(f"{what}@{depth}" for depth in (1, 3) for what in ("object", "class", "both"))


def diagnose(cases: Path) -> dict[str, dict[str, Any]]:
    """The rules' answer to each case, by name; a crash is a wrong answer."""
    results: dict[str, dict[str, Any]] = {}
    for path in sorted(cases.iterdir()):
        try:
            results[path.name] = diagnosing.diagnose_case(diagnosing.case_of(path))
        except Exception as error:  # noqa: BLE001
            results[path.name] = diagnosing.failure(path.name, error)
        results[path.name]["milliseconds"] = results[path.name].get("rules_ms", 0.0)
    return results


def judged(out: Path) -> list[tuple[Judged, dict[str, Any]]]:
    """Each case's verdict with its answer. Answers are read after every diagnosis is made."""
    results = diagnose(out / "cases")
    mapping = json.loads((Path(__file__).parent.parent / "kfix/eval/mapping.json").read_text())["classes"]  # fmt: skip
    verdicts = []
    for path in sorted((out / "expected").glob("*.json")):
        answer: dict[str, Any] = orjson.loads(path.read_bytes())
        truth = Truth(path.stem, answer["category"], answer["root_cause"], answer["fault_object"], answer["status"])  # fmt: skip
        verdicts.append((scoring.judge(truth, results.get(path.stem), mapping), answer))
    return verdicts


def report(out: Path, *, wrong: int = 40) -> str:
    """The tables as text."""
    verdicts = judged(out)
    lines = [f"{'':22} {'cases':>5}  " + "  ".join(f"{k:>8}" for k in _KEYS)]
    lines += _table(verdicts, lambda one, answer: one.truth.family)
    lines += ["", *_table(verdicts, lambda one, answer: f"{answer['evidence']} evidence")[:-1]]
    bad = [(one, answer) for one, answer in verdicts if not one.at("both", 1)]
    false = scoring.false_fixes(one for one, _ in verdicts)
    times = sorted(one.milliseconds for one, _ in verdicts)
    lines += ["", f"false fixes on healthy cases: {false or 'none'}"]
    lines += [f"ms of the rules a case: median {times[len(times) // 2]:.1f}, max {times[-1]:.0f}"]
    for one, answer in bad[:wrong]:
        lines.append(f"wrong: {one.truth.case} {answer['failure_class']} at {answer['fault_object']}; said {one.predicted[:2]} {one.confidence:.2f} {one.status}; {'; '.join(answer['notes'])}")  # fmt: skip
    return "\n".join(lines) + "\n"


def _table(
    verdicts: Iterable[tuple[Judged, dict[str, Any]]],
    name: Callable[[Judged, dict[str, Any]], str],
) -> list[str]:
    named = []
    for one, answer in verdicts:
        named.append(replace(one, truth=replace(one.truth, family=name(one, answer))))
    return [
        f"{row.name:22} {row.cases:5}  " + "  ".join(f"{row.rates[k]:8.3f}" for k in _KEYS)
        for row in scoring.rows(named)
    ]
