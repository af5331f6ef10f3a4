"""How tests open each vector store: a module each, found by scanning. ``tests/contract/test_memory_index.py`` runs on all.

A module has ``opened`` (an asynchronous context manager of a fresh, empty index for vectors of three numbers; it is
handed pytest's request and a folder of its own) and, where it needs a real server, ``MARKS``. A store that is asked over
a network has as well ``silent`` and ``away`` (the same with half a second of time-out, of a store that does not answer,
and of one that is not there), and ``strangers`` where it wants a key: an index with another one.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import pytest


def stores(opening: str = "opened") -> list[object]:
    """A parameter of pytest for each module that has this way to open it."""
    made: list[object] = []
    for found in iter_modules(__path__):
        module = import_module(f"{__name__}.{found.name}")
        if hasattr(module, opening):
            marks = getattr(module, "MARKS", ())
            made.append(pytest.param(getattr(module, opening), id=found.name, marks=marks))
    return made
