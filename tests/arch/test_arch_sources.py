"""Who the sender is, is its folder's matter: what all alerts go through names no sender."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sources import NAMES

ROOT = Path(__file__).resolve().parents[2]
#: Cores, use cases, ports and handlers of every stage, and ingest's door.
ALIKE = (
    "ingest/core",
    "ingest/adapters",
    "ingest/agent.py",
    "ingest/ports.py",
    "ingest/wiring.py",
    "enrich/core",
    "enrich/service",
    "enrich/ports.py",
    "enrich/agent.py",
    "enrich/adapters/sharing.py",
    "enrich/adapters/unconfigured.py",
    "decide/agent.py",
    "decide/core",
    "publish/core",
    "publish/service",
    "learn/core",
    "learn/service",
    "console/core",
    "kfix/engine",
    "kfix/offline",
    "schemas/identity.py",
    "schemas/context.py",
)


def files() -> list[Path]:
    found = [ROOT / name for name in ALIKE]
    assert all(path.exists() for path in found)
    inside = (p for path in found for p in (path.rglob("*.py") if path.is_dir() else (path,)))
    # A class cites the pages that its signals are from.
    return [p for p in inside if p.name != "classes.py"]


def words(path: Path) -> Iterator[str]:
    """Names and texts of the code; comments and docstrings are for people."""
    tree = ast.parse(path.read_text())
    docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value
        elif isinstance(node, ast.Name | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.id if isinstance(node, ast.Name) else node.name
        elif isinstance(node, ast.Attribute | ast.ImportFrom):
            yield (node.attr if isinstance(node, ast.Attribute) else node.module) or ""
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""


def test_what_all_alerts_go_through_names_no_source_of_alerts() -> None:
    sources = {"datadog", "alertmanager", *NAMES} - {"gitlab"}  # a forge as well: publish's matter
    found = {
        f"{path.relative_to(ROOT)}: {word}"
        for path in files()
        for word in words(path)
        for source in sources
        if source in word.lower()
    }
    assert found == set()
    assert len(files()) > 150


@pytest.mark.parametrize(
    "text", ["x = 'Datadog'", "def datadog(): ...", "a.datadog", "f(datadog=1)"]
)
def test_a_name_of_a_source_is_seen(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.py").write_text(f'"""Datadog."""\n# Datadog\n{text}\n')
    assert [word for word in words(tmp_path / "a.py") if "datadog" in word.lower()]
