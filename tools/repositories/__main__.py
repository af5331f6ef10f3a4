"""`python -m tools.repositories [count] [first seed] [--docs]`: asks for an edit in each repository and judges it."""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import get_args

from kfix.offline.renderers import here
from tools.repositories.asking import Asked, ask
from tools.repositories.judge import Real, Verdict

DOCS = Path("docs/locating.md")
BEGIN, END = "<!-- made repositories: begin -->\n", "<!-- made repositories: end -->\n"
_VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def table(found: list[Asked], first: int) -> str:
    """Shares by layout and installer, for docs/locating.md."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        counts[f"{one.made.layout} | {one.made.installer}"][one.verdict] += 1
        counts["all |"][one.verdict] += 1
    last = first + len(found) - 1
    lines = [
        f"{len(found):,} repositories (seeds {first} to {last}), one question each:\n",
        f"| layout | installed by | asked | {' | '.join(_VERDICTS)} | right of what is safe |",
        f"| --- | --- |{' --- |' * (len(_VERDICTS) + 2)}",
    ]
    for kind in [*sorted(counts.keys() - {"all |"}), "all |"]:
        row = counts[kind]
        safe = row["right"] + row["refused though safe"] + row["only on top"] + row["WRONG"]
        share = f"{100 * row['right'] / safe:.0f} %" if safe else ""
        cells = " | ".join(str(row[verdict]) for verdict in _VERDICTS)
        lines.append(f"| {kind} | {row.total()} | {cells} | {share} |")
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> int:
    """Exit code 1 where an edit is wrong."""
    reader = argparse.ArgumentParser(prog="python -m tools.repositories", description=__doc__)
    reader.add_argument("count", nargs="?", type=int, default=200)
    reader.add_argument("first", nargs="?", type=int, default=0)
    reader.add_argument("--docs", action="store_true", help=f"write the table into {DOCS}")
    reader.add_argument("--show", action="store_true", help="name what is not right")
    asked = reader.parse_args(words)
    programs = here()
    if not (programs.kustomize and programs.helm):
        print("kustomize and helm are needed, see docs/testing.md", file=sys.stderr)
        return 2
    # Whoever ends it early is told what was asked so far, with `kill` too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    real, found = Real(programs.kustomize, programs.helm), []
    for seed in range(asked.first, asked.first + asked.count):
        try:
            one = ask(seed, programs, real)
        except KeyboardInterrupt:
            break
        found.append(one)
        if one.verdict == "WRONG" or (
            asked.show and one.verdict not in ("right", "refused rightly")
        ):
            print(f"seed {seed}: {one.verdict}: {one.made.layout} | {one.made.installer} {one.made.traits}"
                  f" {one.made.env} {one.made.asked.name}: {one.why} {one.refused}", flush=True)  # fmt: skip
    text = table(found, asked.first)
    print(text)
    if asked.docs:
        _write(text)
    return 1 if any(one.verdict == "WRONG" for one in found) else 0


def _write(text: str) -> None:
    page = DOCS.read_text()
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    DOCS.write_text(f"{head}{BEGIN}{text}{END}{tail}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
