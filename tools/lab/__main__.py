"""``python -m tools.lab --seed N --count N --out DIR``: makes the cases and scores the rules on them."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from tools.lab.cases import scenes
from tools.lab.cluster import cluster
from tools.lab.report import report
from tools.realparts.programs import Unbuildable

#: Cases on one control plane; the next batch gets a fresh one with other nodes.
BATCH = 75
#: Share of cases that may fail to show their fault in time: they are named and left out.
_UNSETTLED = 0.02


def main(arguments: list[str] | None = None) -> int:
    """0 when the cases were made and scored, 1 when many did not settle, 2 when there is no control plane."""
    options = _options(arguments)
    shutil.rmtree(options.out, ignore_errors=True)
    try:
        failures, seconds = generate(
            options.seed, options.count, options.out, tuple(options.only), repair=options.repair
        )
    except Unbuildable as reason:
        sys.stderr.write(f"{reason}\n")
        return 2
    sys.stdout.write(
        f"{options.count - len(failures)} cases in {seconds:.0f} s, seed {options.seed}: {options.out}\n"
    )
    for failure in failures:
        sys.stdout.write(f"did not settle: {failure}\n")
    sys.stdout.write(report(options.out, wrong=options.wrong))
    return int(len(failures) > options.count * _UNSETTLED)


def generate(
    seed: int, count: int, out: Path, only: tuple[str, ...] = (), *, repair: bool = False
) -> tuple[list[str], float]:
    """Makes cases below ``out``; returns those that did not settle, and the seconds it took."""
    started = time.monotonic()
    failures: list[str] = []
    for first in range(0, count, BATCH):
        with cluster(seed * 1000 + first) as made:
            numbers = range(first, min(count, first + BATCH))
            made.play(list(scenes(seed, numbers, made.fleet, only)), out, repair=repair)
            failures += made.failures + made.kubelets.troubles
    return failures, time.monotonic() - started


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.lab", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("build/lab"))
    parser.add_argument("--only", action="append", default=[], help="a fault or a family; several")
    parser.add_argument("--repair", action="store_true", help="apply each proposed change and see")
    parser.add_argument("--wrong", type=int, default=40, help="how many wrong answers to print")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
