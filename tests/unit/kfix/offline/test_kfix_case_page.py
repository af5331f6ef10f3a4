"""The page about case folders says what is read: its example is read whole, its names are those of the reader."""

from __future__ import annotations

import json
import re
from pathlib import Path

from enrich.adapters.capture import read_capture
from kfix.incident.metrics import metric_of
from kfix.offline.diagnose import case_of

ROOT = Path(__file__).parents[4]


def _page() -> str:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    return text.partition("## A case\n")[2].partition("\n## ")[0]


def test_the_example_of_metrics_is_read_whole(tmp_path: Path) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", _page(), re.S)
    (tmp_path / "metrics.json").write_text(example)
    capture = read_capture(None, None, tmp_path)
    (series,) = capture.metrics
    (told,) = json.loads(example)["series"]
    assert [list(pair) for pair in zip(series.timestamps, series.values, strict=True)] == told[
        "points"
    ]
    assert (series.metric, series.unit, series.tags) == (told["metric"], told["unit"], told["tags"])
    assert not capture.troubles


def test_the_metrics_that_are_named_are_known() -> None:
    from schemas.context import Series

    named = re.findall(r"`((?:kubernetes|trace)\.[a-z_.]+)`", _page())
    assert len(named) >= 3
    assert all(metric_of(Series(metric=name)) is not None for name in named)


def test_the_parts_that_are_named_are_those_that_are_read(tmp_path: Path) -> None:
    rows = re.findall(r"^\| (`.*?) \|", _page(), re.M)
    parts = [part for row in rows for part in re.findall(r"`([^`]+)`", row)]
    assert parts == [
        "alert.json", "cluster/", "repo/", "manifests/", "metrics.json", "extra.json", "registry.json",
    ]  # fmt: skip
    for name in ("repo", "manifests"):
        case = tmp_path / name
        (case / name).mkdir(parents=True)
        (case / "cluster").mkdir()
        (case / "alert.json").write_text("{}")
        found = case_of(case)
        assert (found.alert, found.dump, found.repository) == (
            case / "alert.json", case / "cluster", case / name,
        )  # fmt: skip
    for name, broken in (("metrics.json", "{"), ("extra.json", "{"), ("registry.json", "[]")):
        (case / name).write_text(broken)
    assert set(read_capture(None, None, case).troubles) == {"metrics.json", "extra.json", "registry.json"}  # fmt: skip


def test_readme_leads_there() -> None:
    assert "(docs/operations.md#a-case)" in (ROOT / "README.md").read_text("utf-8")
