"""The command line of the eval."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson

from schemas.base import Json
from tools.evaluation import ablation, report
from tools.evaluation.answers import mapping, truths
from tools.evaluation.calibrate import calibrate
from tools.evaluation.run import Answers, apart, diagnose_at
from tools.evaluation.score import Judged, counts, judge_all


def main(arguments: list[str] | None = None) -> int:
    """Prints the score; 0 when every case was answered, 1 when one was not, 2 without cases."""
    options = _options(arguments)
    if options.what == "calibrate":
        named = list(zip(options.name, options.cases, options.expected, strict=False))
        said = calibrate(named, options.outcomes, keep=options.write)
        sys.stdout.write(said)
        return 0
    pairs = list(zip(options.cases, options.expected, strict=False))
    if len(options.cases) != len(options.expected) or not all(c.is_dir() for c, _ in pairs):
        sys.stderr.write(f"no folders of cases with answers: {options.cases} {options.expected}\n")
        return 2
    if options.what == "ablation":
        names = [*options.name, *(cases.name for cases, _ in pairs[len(options.name) :])]
        sys.stdout.write(
            ablation.table(
                [ablation.measured(n, *pair) for n, pair in zip(names, pairs, strict=True)]
            )
        )
        return 0
    return max(_score(cases, expected, options) for cases, expected in pairs)


def _score(cases: Path, expected: Path, options: argparse.Namespace) -> int:
    plain: Answers = apart(cases)
    results, earlier = _variant(plain, cases, options), None
    if options.against:
        earlier = diagnose_at(options.against, cases)
    if options.results:
        _write(options.results, results)
    known = truths(expected)  # only now: nothing above could have seen an answer
    judged = judge_all(known, results, mapping())
    if not judged:
        sys.stderr.write(f"no case of {cases} has an answer\n")
        return 2
    _keep(options.store, str(cases), counts(judged))
    sys.stdout.write(report.score(judged, title=str(cases) if len(options.cases) > 1 else ""))
    if results is not plain:
        sys.stdout.write(report.differences(judge_all(known, plain, mapping()), judged))
    if earlier is not None:
        sys.stdout.write(
            report.comparison(judge_all(known, earlier, mapping()), judged, options.against)
        )
    return int(any(_unanswered(one, results) for one in judged))


def _variant(plain: Answers, cases: Path, options: argparse.Namespace) -> Answers:
    """The answers to be scored: under other names, without some sources, or the plain ones."""
    words = ["--shuffle", str(options.shuffle)] if options.shuffle is not None else []
    if options.without:
        found: list[Answers] = apart(cases, *words, "--without", options.without)
        return found[1]
    if words:
        renamed: Answers = apart(cases, *words)
        return renamed
    return plain


def _unanswered(one: Judged, results: Answers) -> bool:
    return "error" in results.get(one.truth.case, {"error": ""})


def _keep(path: Path, cases: str, counted: dict[str, Json]) -> None:
    """Adds the counts of a folder to what is stored; what cannot be read is begun anew."""
    try:
        known: dict[str, Json] = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        known = {}
    path.parent.mkdir(parents=True, exist_ok=True)
    known[cases] = counted
    path.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


def _write(folder: Path, results: Answers) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, result in results.items():
        (folder / f"{name}.json").write_bytes(orjson.dumps(result))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.evaluation", description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=("score", "ablation", "calibrate"), default="score"
    )
    parser.add_argument("--cases", type=Path, action="append", help="a folder of cases; repeatable")
    parser.add_argument("--expected", type=Path, action="append", help="its answers, in that order")
    parser.add_argument("--against", default="", help="a git revision to compare with")
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="rename everything first")
    parser.add_argument("--without", default="", metavar="A,B", help="take sources away first")
    parser.add_argument("--name", action="append", default=[], help="what the cases are called")
    parser.add_argument(
        "--outcomes", type=Path, action="append", default=[], help="calibrate: judged by others"
    )
    parser.add_argument("--write", action="store_true", help="calibrate: keep the fit")
    parser.add_argument("--results", type=Path, help="write each answer into this folder")
    parser.add_argument(
        "--store", type=Path, default=Path("build/evaluation.json"), help="keep the counts here"
    )
    options = parser.parse_args(arguments)
    options.cases = options.cases or [Path("tests/corpus/cases")]
    options.expected = options.expected or [Path("tests/corpus/expected")]
    return options


if __name__ == "__main__":
    sys.exit(main())
