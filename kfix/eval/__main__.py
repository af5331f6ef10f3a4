"""The command line of the eval."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

from kfix.eval import scoring
from kfix.eval.running import diagnose_all, diagnose_at
from kfix.eval.scoring import Judged, Truth


def main(arguments: list[str] | None = None) -> int:
    """Prints the score; 0 when every case was answered, 1 when one was not, 2 without cases."""
    options = _options(arguments)
    if not options.cases.is_dir():
        sys.stderr.write(f"no folder of cases: {options.cases}\n")
        return 2
    results = diagnose_all(options.cases)
    earlier = diagnose_at(options.against, options.cases) if options.against else None
    if options.results:
        options.results.mkdir(parents=True, exist_ok=True)
        for name, result in results.items():
            (options.results / f"{name}.json").write_bytes(orjson.dumps(result))
    truths = _truths(options.expected)  # only now: nothing above could have seen an answer
    judged = _judge(truths, results)
    if not judged:
        sys.stderr.write("no case has an answer\n")
        return 2
    _report(judged)
    if earlier is not None:
        _compare(_judge(truths, earlier), judged, options.against)
    return int(any("error" in results.get(one.truth.case, {"error": ""}) for one in judged))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kfix.eval", description=__doc__)
    parser.add_argument("--cases", type=Path, default=Path("tests/corpus/cases"))
    parser.add_argument("--expected", type=Path, default=Path("tests/corpus/expected"))
    parser.add_argument(
        "--against", default="", help="a git revision to compare with, case by case"
    )
    parser.add_argument("--results", type=Path, help="write each answer into this folder")
    return parser.parse_args(arguments)


def _mapping() -> Mapping[str, list[str]]:
    text = resources.files("kfix.eval").joinpath("mapping.json").read_bytes()
    classes: dict[str, list[str]] = orjson.loads(text)["classes"]
    return classes


def _truths(folder: Path) -> list[Truth]:
    out = []
    for path in sorted(folder.glob("*.json")):
        raw: dict[str, Any] = orjson.loads(path.read_bytes())
        out.append(
            Truth(
                case=path.stem,
                family=str(raw.get("category") or "all"),
                label=str(raw.get("root_cause") or ""),
                object=str(raw.get("fault_object") or ""),
                status=str(raw.get("status") or ""),
            )
        )
    return out


def _judge(truths: list[Truth], results: Mapping[str, dict[str, Any]]) -> list[Judged]:
    mapping = _mapping()
    return [scoring.judge(t, results.get(t.case), mapping) for t in truths if t.case in results]


def _report(judged: list[Judged]) -> None:
    out = sys.stdout
    keys = [f"{what}@{depth}" for depth in (1, 3) for what in ("object", "class", "both")]
    out.write(f"{'':16} {'cases':>5}  " + "  ".join(f"{k:>8}" for k in keys) + "\n")
    for row in scoring.rows(judged):
        cells = "  ".join(f"{row.rates[k]:8.3f}" for k in keys)
        out.write(f"{row.name:16} {row.cases:5}  {cells}\n")
    out.write("\nconfidence  cases  mean   right\n")
    for name, cases, mean, right in scoring.reliability(judged):
        out.write(f"{name:10}  {cases:5}  {mean:.3f}  {right:.3f}\n")
    statuses = {s: sum(one.status == s for one in judged) for s in sorted({one.status for one in judged})}  # fmt: skip
    times = sorted(one.milliseconds for one in judged)
    out.write(f"\nstatus: {statuses}\nfalse fixes: {scoring.false_fixes(judged) or 'none'}\n")
    out.write(f"ms of the rules a case: median {statistics.median(times):.1f}, max {times[-1]:.0f}\n")  # fmt: skip
    for one in judged:
        if not one.at("both", 1):
            out.write(f"wrong: {one.truth.case}: {one.truth.label} at {one.truth.object}, said {one.predicted}\n")  # fmt: skip


def _compare(before: list[Judged], after: list[Judged], revision: str) -> None:
    moved = scoring.changed(before, after)
    sys.stdout.write(f"\nagainst {revision}: {len(moved)} first answers changed\n")
    for case, was, _ in moved:
        sys.stdout.write(f"  {'broken' if was else 'mended'}: {case}\n")


if __name__ == "__main__":
    sys.exit(main())
