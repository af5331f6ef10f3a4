"""How a process ends when going on could lose a record, and where a test may kill it. Each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[5]
LEAVE = """
import sys
from kfix.engine.runtime import process
try:
    process.{how}("the reason")
finally:
    sys.stdout.write("unwound")
"""
PASSES = """
import sys
from kfix.engine.runtime import failpoints
sys.stdout.write(f"armed {bool(failpoints.ARMED)}\\n")
for point, stage in (("after_ack", "decide"), ("before_ack", "enrich"), ("before_ack", "decide")) * 3:
    sys.stdout.write(f"{point}@{stage}\\n")
    sys.stdout.flush()
    failpoints.reached(point, stage)
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("how", "status"), [("leave", 70), ("stand_down", 75)])
def test_a_process_leaves_at_once_with_a_status_that_says_which_way(how: str, status: int) -> None:
    ended = run(LEAVE.format(how=how))
    assert ended.returncode == status, ended.stderr
    assert "unwound" not in ended.stdout
    assert "the reason" in ended.stdout + ended.stderr


def test_a_process_is_killed_where_a_test_asks_and_nowhere_else() -> None:
    asked = ["before_ack@decide", "before_ack@decide:2", "before_ack@enrich:9", "", "before_ack"]
    with ThreadPoolExecutor(2) as side_by_side:
        ended = list(side_by_side.map(lambda place: run(PASSES, KFIX_TEST_CRASH=place), asked))
    assert [one.returncode for one in ended] == [-9, -9, 0, 0, 0]
    assert [len(one.stdout.splitlines()) for one in ended] == [4, 7, 10, 10, 10]
    assert [one.stdout.splitlines()[0] for one in ended] == [
        "armed True",
        "armed True",
        "armed True",
        "armed False",
        "armed False",
    ]
