"""Prometheus' own PromQL engine for tests, over samples that a test gives: built once from its Go module
(``tools/realparts/promql/build``)."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.realparts.programs import built

BUILD = Path(__file__).parent / "promql" / "build"
_WITHIN_S = 60.0
Samples = Sequence[tuple[float, float]]
Result = dict[frozenset[tuple[str, str]], float | None]


@functools.cache
def program() -> Path:
    """The engine's program, built where needed. Raises Unbuildable."""
    return built("Prometheus' engine", BUILD) / "promql"


def evaluated(
    series: Sequence[tuple[Mapping[str, str], Samples]], queries: Sequence[tuple[str, float]]
) -> list[Result | str]:
    """The answer to each query at its time (unix seconds): values by labels, or why it was refused.

    Raises RuntimeError where the program fails.
    """
    asked = {
        "series": [{"labels": dict(labels), "points": list(points)} for labels, points in series],
        "queries": [{"query": query, "at": at} for query, at in queries],
    }
    done = subprocess.run(
        [program()],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"Prometheus' engine: {done.stderr[-500:]}")
    return [_told(json.loads(line)) for line in done.stdout.splitlines()]


def _told(said: Mapping[str, object]) -> Result | str:
    found = said["result"]
    if said["error"] or not isinstance(found, list):
        return str(said["error"])
    return {frozenset(labels.items()): value for labels, value in found}
