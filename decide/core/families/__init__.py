"""What can be wrong: one folder a family, with everything that is known of its classes.

``classes`` (the records), ``rules`` (what finds them), ``plans`` (what repairs them), ``family`` (which rules and plans
belong to it). A folder that stands here is part of the product: nothing else names it.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def modules(name: str) -> tuple[ModuleType, ...]:
    """The module of this name of every family, in the order of the families' names."""
    folders = sorted(found.name for found in iter_modules(__path__) if found.ispkg)
    return tuple(import_module(f"{__name__}.{folder}.{name}") for folder in folders)
