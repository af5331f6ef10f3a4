"""How tests open each vector store: a module each, found by scanning. ``tests/contract/test_memory_index.py`` runs on all.

A module has ``opened`` (an asynchronous context manager of a fresh, empty index for vectors of three numbers; it is
handed pytest's request and a folder of its own) and, where it needs a real server, ``MARKS``.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import pytest


def stores() -> Iterator[object]:
    """A parameter of pytest for each module."""
    for found in iter_modules(__path__):
        module = import_module(f"{__name__}.{found.name}")
        yield pytest.param(module.opened, id=found.name, marks=getattr(module, "MARKS", ()))
