"""Tables of the store's own keeping: who sweeps it, and what was forgotten."""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, Integer, String, Table, Text

from kfix.infra.store import metadata

#: One row for a sweep: who has it, and when it last ended.
retention_sweeps = Table(
    "retention_sweeps",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False, server_default=""),
    Column("leased_until", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
)

#: What was forgotten: by whom, when, why, and how many rows of each table. Never what it was.
erasures = Table(
    "erasures",
    metadata,
    Column("erasure_id", String(64), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    #: Who asked for it, as they say.
    Column("who", String(256), nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    #: ``incidents`` or ``person``.
    Column("kind", String(16), nullable=False),
    Column("incidents", Integer, nullable=False),
    #: Rows by table, and vectors.
    Column("counts", JSON, nullable=False),
)
