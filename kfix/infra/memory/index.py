"""The port of the vector memory. ``tests/contract/test_memory_index.py`` holds every store to it.

Each model has a space of its own in a store, so that vectors of two models never meet. A space has one dimension.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sqlalchemy import Engine

from kfix.infra.memory.embedding import Vector
from schemas import errors

#: What a vector database can hold and filter by: flat, no nulls.
Metadata = Mapping[str, str | float | bool]
#: Fields of ``Metadata`` that stores which need it index for filters.
FILTERED = ("failure_class", "cluster", "namespace", "environment")


@dataclass(frozen=True, slots=True)
class VectorHit:
    """A remembered thing and its cosine similarity (-1 to 1) to what was asked."""

    id: str
    similarity: float
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is kept beside a vector. ``text`` is what the vector was made of, empty where a store never got it."""

    id: str
    text: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class MemoryPage:
    """Some of a space, and where the next page begins: ``after`` is empty at the end."""

    items: tuple[Remembered, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Space:
    """The vectors of one model: numbers in each, and how many there are."""

    model: str
    dimension: int
    count: int


class VectorIndex(Protocol):
    """Vectors by id and model. Nearness is the cosine; vectors of one model are only ever compared with each other.

    All raise errors.Retryable when the service may recover and errors.Permanent when it never will. A vector without
    direction (zeros, no numbers) and one of another dimension than its model's space are errors.Rejected.
    """

    async def upsert(
        self, *, id: str, model: str, vector: Vector, metadata: Metadata, text: str = ""
    ) -> None:
        """Stores a vector and the text it was made of under id and model, in place of an earlier one."""
        ...

    async def search(
        self, vector: Vector, *, model: str, limit: int, threshold: float, where: Metadata
    ) -> list[VectorHit]:
        """The nearest, best first, at least ``threshold`` near, whose metadata equal ``where``."""
        ...

    async def page(self, *, model: str, limit: int, after: str = "") -> MemoryPage:
        """Up to ``limit`` (1 to 100) of a model's, in an order of the store's own; ``after`` is an earlier page's."""
        ...

    async def known(self, ids: Sequence[str], *, model: str) -> set[str]:
        """Which of these ids (at most 100) the model's space has."""
        ...

    async def forget(self, ids: Sequence[str], *, model: str) -> None:
        """Deletes these ids (at most 100) of a model for good; those that are not there are no failure."""
        ...

    async def spaces(self) -> tuple[Space, ...]:
        """Every model that has vectors here, by name."""
        ...

    async def close(self) -> None:
        """Closes what it opened itself; a second time is allowed."""
        ...


class OpenIndex(Protocol):
    """``opened`` of a module of ``kfix.infra.memory.indexes``. It asks nobody: an index connects with its first call."""

    def __call__(self, engine: Engine, *, timeout_s: float) -> VectorIndex:
        """The index as its settings say. ``engine``: the relational store's, the caller's to close; ``timeout_s``: seconds for one call."""
        ...


def unit(vector: Vector) -> Vector:
    """The vector with length 1. Raises errors.Rejected (``no_direction``) for zeros and for what is no number."""
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm) or norm == 0.0:
        raise errors.Rejected("a vector without direction", reason="no_direction")
    return np.asarray(vector / np.float32(norm), dtype=np.float32)


def same_dimension(vector: Vector, dimension: int, model: str) -> None:
    """Raises errors.Rejected (``dimension``) for a vector that cannot be in the model's space."""
    if len(vector) != dimension:
        raise errors.Rejected(
            f"the memory holds vectors of {dimension} numbers for {model}, this one has {len(vector)}",
            reason="dimension",
        )


def space_name(model: str) -> str:
    """A name for the model's space: small letters, digits and ``_``, at most 41; two models never share one."""
    told = re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")[:28]
    return f"{told}_{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def batches(ids: Sequence[str], size: int = 100) -> Iterator[Sequence[str]]:
    """The ids in portions that a call takes."""
    return (ids[at : at + size] for at in range(0, len(ids), size))
