"""Assembling a bundle, which is mostly masking: against writing the same evidence out as JSON, and one plain regex.

Cold: the masker has seen no cluster yet. Warm: it has seen this one, as it has from the second alert on.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from enrich.adapters.capture import Capture, read_capture
from kfix.incident import redaction
from kfix.offline.diagnose import CapturedCase, bundle_of, case_of

TITLE = "enrich: assembling and masking a bundle, against a plain JSON dump and a plain regex"
CASES = Path("tests/corpus/cases")
ROUNDS = 10
#: What a masker of one line would be.
_PLAIN = re.compile(r"(?i)(password|token|secret)\s*[=:]\s*\S+")


def run() -> dict[str, float]:
    """Milliseconds of a case at the median, and ratios."""
    cases = [_captured(path) for path in sorted(CASES.iterdir())]
    cold, warm, dumped, searched = [], [], [], []
    for case, capture in cases:
        texts = list(_texts([capture.objects, [list(log.lines) for log in capture.logs]]))
        for _ in range(ROUNDS):
            redaction.forget()
            cold.append(_ms(lambda: bundle_of(case, capture)))  # noqa: B023
            warm.append(_ms(lambda: bundle_of(case, capture)))  # noqa: B023
            dumped.append(_ms(lambda: json.dumps(capture.objects)))  # noqa: B023
            searched.append(_ms(lambda: [_PLAIN.sub("x", text) for text in texts]))  # noqa: B023
    figures = {
        "cold_ms": statistics.median(cold),
        "warm_ms": statistics.median(warm),
        "json_dump_ms": statistics.median(dumped),
        "plain_regex_ms": statistics.median(searched),
        "warm_to_json_dump": statistics.median(warm) / statistics.median(dumped),
        "warm_to_plain_regex": statistics.median(warm) / statistics.median(searched),
        "cold_to_plain_regex": statistics.median(cold) / statistics.median(searched),
    }
    for name, value in figures.items():
        print(f"{name:22} {value:8.2f}")
    return figures


def _captured(path: Path) -> tuple[CapturedCase, Capture]:
    case = case_of(path)
    return case, read_capture(case.dump, case.repository, case.folder)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
