"""The vector stores, a module each: what stands here can be chosen (``KFIX_MEMORY_INDEX``), nothing else names it.

A module has ``opened`` (``kfix.infra.memory.index.OpenIndex``) and, where it needs settings, ``SETTINGS``: their model.
What it imports is imported when it is opened.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

#: The modules' names, sorted.
INDEXES: tuple[str, ...] = tuple(sorted(found.name for found in iter_modules(__path__)))


def module_of(name: str) -> ModuleType:
    """The module of an index. Raises ModuleNotFoundError for a name that is not in ``INDEXES``."""
    return import_module(f"{__name__}.{name}")
