"""``python -m tools.lab.rollouts TABLE [COUNT] [SEED]``: measures and writes the table, a row a line."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tools.lab.rollouts.cases import made
from tools.lab.rollouts.measuring import play


def main() -> None:
    """Measures all cases of a seed."""
    given = sys.argv[1:]
    out, count, seed = given + ["rollouts.jsonl", "340", "11"][len(given) :]
    with tempfile.TemporaryDirectory(prefix="rollouts-") as folder:
        rows = play(made(int(seed), int(count)), Path(folder))
    lines = [json.dumps(row, separators=(",", ":")) for row in rows]
    Path(out).write_text("\n".join(lines) + "\n")


main()
