"""What a family's rules find on small clusters that stand at the edges of what the rules ask: just below, at and just above
a threshold, with a field missing, with one thing more than is told.

Each module has the name of its family, and its scenes are sentences. `python -m tests.support.decide.scenes.found` writes
what is found, for a person to read the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from decide.core.taxonomy import FAMILIES
from tests.support.decide.clusters import Cluster

#: Arranges a cluster around an application; returns what the bundle has besides: ``subject``, ``alert``, its own fields.
Arrange = Callable[[Cluster, str], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Scene:
    """One small cluster. ``varied``: it is also looked at with one thing changed, a few times."""

    arrange: Arrange
    varied: bool


SCENES: dict[str, dict[str, Scene]] = {}


def scene(family: str, sentence: str, *, varied: bool = True) -> Callable[[Arrange], Arrange]:
    """Registers a scene of a family's rules under what it shows."""

    def register(call: Arrange) -> Arrange:
        scenes = SCENES.setdefault(family, {})
        assert sentence not in scenes, sentence
        scenes[sentence] = Scene(call, varied)
        return call

    return register


def scenes_of(family: str) -> dict[str, Scene]:
    """The family's scenes by their sentences."""
    import_module(f"{__name__}.{family}")
    return SCENES[family]


def families() -> list[str]:
    """Families with scenes."""
    return sorted(found.name for found in iter_modules(__path__) if found.name in FAMILIES)
