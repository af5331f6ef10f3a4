"""Prints what simulated years came to: ``python -m tools.year [--seeds 1,2,3,4,5] [--incidents 5000]``."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor

from tools.year.living import lived
from tools.year.report import table


def main() -> None:
    """Lives the years one after another and prints their tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.year", description=__doc__)
    parser.add_argument("--seeds", default="1,2,3,4,5", help="comma separated")
    parser.add_argument("--incidents", type=int, default=5000)
    asked = parser.parse_args()
    seeds = [int(one) for one in asked.seeds.split(",")]
    with ProcessPoolExecutor() as processes:
        years = list(processes.map(lived, seeds, [asked.incidents] * len(seeds)))
    for year in years:
        sys.stderr.write(
            f"seed {year.seed}: {year.handed_over} handed over, a fix tried in vain on one spec at most "
            f"{year.most_in_vain} times\n"
        )
    sys.stdout.write(table(years) + "\n")


if __name__ == "__main__":
    main()
