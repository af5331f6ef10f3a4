"""The rules alone: how long one diagnosis with its plans takes, against decoding the same bundle.

On the corpus of this repository, and on one made-up namespace grown to 5,000 pods.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from decide.core import diagnose
from enrich.adapters.capture import read_capture
from kfix.diagnosing import bundle_of, case_of
from schemas.context import ContextBundle

TITLE = "rules: one diagnosis with plans, against decoding its bundle"
CASES = Path("tests/corpus/cases")
ROUNDS = 20
GROWN = 5_000


def run() -> dict[str, float]:
    """Milliseconds and ratios."""
    bundles = [_bundle(path) for path in sorted(CASES.iterdir())]
    raw = [bundle.model_dump_json().encode() for bundle in bundles]
    decoded = [_ms(lambda b=b: ContextBundle.model_validate_json(b)) for b in raw for _ in range(ROUNDS)]  # type: ignore[misc]  # fmt: skip
    thought = [_ms(lambda b=b: diagnose(b)) for b in bundles for _ in range(ROUNDS)]  # type: ignore[misc]  # fmt: skip
    large = _grown(bundles[0])
    grown = [_ms(lambda: diagnose(large)) for _ in range(5)]
    figures = {
        "median_ms": statistics.median(thought),
        "p99_ms": statistics.quantiles(thought, n=100)[98],
        "decode_median_ms": statistics.median(decoded),
        "ratio_to_decoding": statistics.median(thought) / statistics.median(decoded),
        "pods_5000_ms": statistics.median(grown),
    }
    for name, value in figures.items():
        print(f"{name:20} {value:8.2f}")
    return figures


def _ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _bundle(path: Path) -> ContextBundle:
    case = case_of(path)
    return bundle_of(case, read_capture(case.dump, case.repository, case.folder))


def _grown(bundle: ContextBundle) -> ContextBundle:
    """Healthy pods of another namespace beside the incident: a large cluster."""
    objects = {kind: list(found) for kind, found in bundle.k8s_context.objects.items()}
    model = next(p for p in objects["pods"] if p["status"]["phase"] == "Running")
    for number in range(GROWN):
        pod = copy.deepcopy(model)
        pod["metadata"] |= {"name": f"other-{number}", "namespace": "elsewhere"}
        objects["pods"].append(pod)
    context = bundle.k8s_context.model_copy(update={"objects": objects})
    return bundle.model_copy(update={"k8s_context": context})
