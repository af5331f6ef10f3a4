"""Benchmarks are found by their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.bench.__main__ import RESULTS, main


def test_a_benchmark_is_run_by_its_name_and_keeps_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["index"]) == 0
    figures = json.loads(RESULTS.read_text())["index"]
    assert set(figures) == {
        "index_cold_ms",
        "index_again_ms",
        "locate_ms",
        "proposed_and_proven_ms",
    }


def test_a_benchmark_that_is_not_there_is_refused() -> None:
    assert main(["nothing"]) == 2
