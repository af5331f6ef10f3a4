"""Table of the embedded vector memory."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from kfix.infra.store import metadata

#: ``vector``: ``dimension`` float32 values, little-endian. ``version`` grows with every write, so a reader knows what is new.
#: ``text``: what the vector was made of, masked; empty in rows older than the column.
memory_vectors = Table(
    "memory_vectors",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("model", String(64), primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("text", Text, nullable=False, server_default=""),
    Index("ix_memory_vectors_model_version", "model", "version"),
)
