"""Vectors in the relational store: exact, and nothing to set."""

from __future__ import annotations

from sqlalchemy import Engine

from kfix.infra.memory.index import VectorIndex


def opened(engine: Engine, *, timeout_s: float) -> VectorIndex:
    """The index on ``engine``, which has timeouts of its own: ``timeout_s`` (seconds) is not used."""
    from kfix.infra.memory.sql import SqlIndex

    return SqlIndex(engine)
