"""Table of enrich: which alert's evidence was gathered, so that its repetitions end before anything is asked."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, String, Table

from kfix.infra.store import metadata

#: One row for an alert's episode and severity: the delivery that stands for its repetitions. One with an empty severity
#: for the episode's last recovery.
gathered_alerts = Table(
    "gathered_alerts",
    metadata,
    Column("cycle", String(64), primary_key=True),
    Column("severity", String(64), primary_key=True),
    Column("delivery_id", String(128), nullable=False),
    #: When the alert happened, as its sender says.
    Column("at", DateTime(timezone=True), nullable=False),
)
