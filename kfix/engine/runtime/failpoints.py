"""Places where a test may kill the process, to prove that nothing is lost there. Inert unless a test asks.

``KFIX_TEST_CRASH=<point>@<stage>:<n>`` kills the process with SIGKILL at a stage's n-th pass of a point.
"""

from __future__ import annotations

import os
import signal
from typing import Literal

Point = Literal[
    "after_consume", "after_compute", "before_produce", "after_produce", "before_ack", "after_ack"
]


def _armed() -> tuple[str, str, int] | None:
    place, _, count = os.environ.get("KFIX_TEST_CRASH", "").partition(":")
    point, _, stage = place.partition("@")
    return (point, stage, int(count or "1")) if stage else None


ARMED = _armed()
_passes = 0


def reached(point: Point, stage: str) -> None:
    """Kills the process when the test asked for it here. Callers check ``ARMED`` first, to cost nothing."""
    global _passes  # noqa: PLW0603 - one counter a process, test only
    if ARMED is None or ARMED[:2] != (point, stage):
        return
    _passes += 1
    if _passes >= ARMED[2]:
        os.kill(os.getpid(), signal.SIGKILL)
