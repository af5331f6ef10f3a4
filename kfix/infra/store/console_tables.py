"""Tables of the console's projection: each record of each topic, once, and what they come to for each incident."""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, Index, String, Table, Text

from kfix.infra.store import metadata

#: ``incident_id`` is the incident's own, whichever attempt at it the record is about; it is empty for records from before
#: the diagnosis; ``trace_id`` ties those to the ones after it.
#: ``summary`` is what the list shows of the record.
incident_records = Table(
    "incident_records",
    metadata,
    Column("topic", String(64), primary_key=True),
    Column("event_id", String(128), primary_key=True),
    Column("incident_id", String(64), nullable=False),
    Column("trace_id", String(128), nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
    Column("summary", JSON, nullable=False),
    Column("payload", Text, nullable=False),
    Index("ix_incident_records_incident", "incident_id", "occurred_at"),
    Index("ix_incident_records_trace", "trace_id"),
)

#: The line of the list for each incident, made anew with each of its records from what is kept of all of them.
incident_lines = Table(
    "incident_lines",
    metadata,
    Column("incident_id", String(64), primary_key=True),
    Column("state", String(24), nullable=False),
    Column("since", DateTime(timezone=True)),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("facts", JSON, nullable=False),
    Index("ix_incident_lines_last_at", "last_at"),
    Index("ix_incident_lines_state", "state"),
)
