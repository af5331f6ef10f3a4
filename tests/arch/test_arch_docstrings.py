"""Every public class, function and method of the product says what it means."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "schemas", "manifests", "kfix", "ingest", "enrich", "decide", "safety", "publish", "learn", "console",
    "sandbox", "tools",
)  # fmt: skip


def silent(node: ast.AST, before: str = "") -> Iterator[str]:
    """Public definitions without a docstring, by dotted name; an overload's is that of the function itself."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if child.name.startswith("_") or _overload(child):
            continue
        if not (ast.get_docstring(child) or "").strip():
            yield before + child.name
        if isinstance(child, ast.ClassDef):
            yield from silent(child, f"{before}{child.name}.")


def _overload(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any(ast.unparse(one).rpartition(".")[2] == "overload" for one in node.decorator_list)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_definition_has_a_docstring(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in silent(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


def test_a_public_one_without_is_noticed_and_a_private_one_and_an_overload_are_not() -> None:
    source = '''
class Told:
    """A class."""
    def said(self): "It does."
    async def unsaid(self): ...
    def _own(self): ...
    @overload
    def twice(self, a: int): ...
    def twice(self, a): "Both."
class Silent: ...
def empty(): "  "
def _private(): ...
'''
    assert list(silent(ast.parse(source))) == ["Told.unsaid", "Silent", "empty"]
