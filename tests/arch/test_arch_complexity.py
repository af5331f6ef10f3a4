"""No function has more ways through it than a reader can hold: cyclomatic complexity, as radon counts it, is at most 20."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from radon.complexity import cc_visit

ROOT = Path(__file__).resolve().parents[2]
AT_MOST = 20


def packages() -> list[str]:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return list(found["root_packages"])


@cache
def above() -> frozenset[str]:
    """``file:function`` of all that are above, closures counted with the function that they are in."""
    found = set[str]()
    for package in packages():
        for file in sorted((ROOT / package).rglob("*.py")):
            for block in cc_visit(file.read_text("utf-8")):
                if block.complexity > AT_MOST and hasattr(block, "is_method"):
                    found.add(f"{file.relative_to(ROOT)}:{block.name}")
    return frozenset(found)


def test_no_function_is_above() -> None:
    assert above() == set()
