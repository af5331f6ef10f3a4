"""Playbooks alone: how long they take to load, and to look at one case; the shipped ones, and fifty more of a house."""

from __future__ import annotations

import re
import statistics
import time
from pathlib import Path

from decide.adapters.playbooks import shipped
from decide.core.playbooks import Playbooks, PlaybookSource, compile_all, find
from decide.core.view import ClusterView
from enrich.adapters.capture import read_capture
from kfix.offline.diagnose import bundle_of, case_of
from schemas.context import ContextBundle

TITLE = "playbooks: loading, and looking at one case"
CASES = Path("tests/corpus/cases")
ROUNDS = 20
#: Playbooks of a house that has many: the page's example, which looks at every Deployment.
MANY = 50


def run() -> dict[str, float]:
    """Milliseconds."""
    started = time.perf_counter()
    own = compile_all(shipped())
    loading = (time.perf_counter() - started) * 1000
    page = Path("docs/playbooks.md").read_text("utf-8")
    example = re.findall(r"^```yaml file=maintenance.yaml\n(.*?)^```$", page, re.M | re.S)[0]
    many = compile_all(
        PlaybookSource(f"{n}.yaml", example.replace("maintenance_left_on", f"house_rule_{n}"))
        for n in range(MANY)
    )
    bundles = [_bundle(path) for path in sorted(CASES.iterdir())]
    few = [_ms(bundle, own) for bundle in bundles for _ in range(ROUNDS)]
    lots = [_ms(bundle, many) for bundle in bundles for _ in range(ROUNDS)]
    figures = {
        "load_ms": loading,
        "shipped_median_ms": statistics.median(few),
        "shipped_p99_ms": statistics.quantiles(few, n=100)[98],
        "fifty_median_ms": statistics.median(lots),
    }
    for name, value in figures.items():
        print(f"{name:20} {value:8.3f}")
    return figures


def _bundle(path: Path) -> ContextBundle:
    case = case_of(path)
    return bundle_of(case, read_capture(case.dump, case.repository, case.folder))


def _ms(bundle: ContextBundle, playbooks: Playbooks) -> float:
    """A look at a view whose rules have been there before, as in a diagnosis."""
    view = ClusterView(bundle)
    assert view.workloads is not None
    assert view.services_of is not None
    started = time.perf_counter()
    for _ in find(view, playbooks):
        pass
    return (time.perf_counter() - started) * 1000
