"""Table of the embedded vector memory."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, String, Table

from kfix.infra.store import metadata

#: ``vector``: ``dimension`` float32 values, little-endian. ``version`` grows with every write, so a reader knows what is new.
memory_vectors = Table(
    "memory_vectors",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("model", String(64), primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("ix_memory_vectors_model_version", "model", "version"),
)
