"""Table of enrich: which alert's evidence was gathered, so that its repetitions end before anything is asked."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, String, Table

from kfix.store import metadata

#: One row for an alert's episode: the delivery that stands for it, and its recovery.
gathered_alerts = Table(
    "gathered_alerts",
    metadata,
    Column("cycle", String(64), primary_key=True),
    #: The delivery whose bundle answers for its repetitions; empty while only a recovery was seen.
    Column("delivery_id", String(128)),
    Column("severity", String(32), nullable=False, default=""),
    Column("alerted_at", DateTime(timezone=True)),
    Column("recovered_at", DateTime(timezone=True)),
)
