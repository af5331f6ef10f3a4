"""Engines of one process share nothing: the runtime's modules hold no value that changes."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator, MutableMapping, MutableSequence, MutableSet
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kfix.engine import runtime

#: Counts passes for tests that kill a process at one of them; inert unless a test asks.
_ONE_A_PROCESS = {"_passes"}
_MODULES = sorted(module.name for module in pkgutil.iter_modules(runtime.__path__))


def mutable_values(names: dict[str, Any]) -> set[str]:
    """Names of a module's values that can change in place."""
    kinds = (MutableMapping, MutableSequence, MutableSet)
    return {n for n, v in names.items() if isinstance(v, kinds) and not n.startswith("__")}


def rebound(source: str) -> set[str]:
    """Names that a module's functions bind anew for the whole module."""
    return {
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Global)
        for name in node.names
    }


def _modules() -> Iterator[tuple[str, ModuleType]]:
    for name in _MODULES:
        yield name, importlib.import_module(f"{runtime.__name__}.{name}")


def test_no_module_of_the_runtime_holds_a_value_that_changes() -> None:
    found = {name: mutable_values(vars(module)) for name, module in _modules()}
    assert len(found) > 10
    assert {name: names for name, names in found.items() if names} == {}


def test_no_function_of_the_runtime_binds_a_modules_name_anew() -> None:
    found: set[str] = set()
    for _, module in _modules():
        assert module.__file__ is not None
        found |= rebound(Path(module.__file__).read_text("utf-8"))
    assert found == _ONE_A_PROCESS


@pytest.mark.parametrize("text", ["S = {}", "S: dict[int, int] = {}", "S = []", "S = set()"])
def test_a_shared_container_would_be_found(text: str) -> None:
    names: dict[str, Any] = {}
    exec(text, names)
    assert mutable_values(names) == {"S"}
