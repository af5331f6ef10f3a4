"""Tables of the console's projection: each record of each topic, once, and what they come to for each incident."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, DateTime, Float, Index, Integer, String, Table, Text

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

#: One row for an attempt at an incident: what became of it, put together from ``facts``. A function of the attempt's
#: records in ``incident_records``: rows that are missing are made from those.
trust_facts = Table(
    "trust_facts",
    metadata,
    Column("incident_id", String(80), primary_key=True),
    Column("root_id", String(80), nullable=False, index=True),
    Column("began_at", DateTime(timezone=True), nullable=False, index=True),
    Column("status", String(24), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("failure_class", String(128), nullable=False),
    Column("workload_kind", String(64), nullable=False),
    Column("fix_kind", String(64), nullable=False),
    Column("object_key", String(640), nullable=False),
    Column("cluster", String(255), nullable=False),
    Column("environment", String(32), nullable=False),
    Column("monitor", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True)),
    Column("merged_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("recovered_at", DateTime(timezone=True)),
    Column("reverted_at", DateTime(timezone=True)),
    Column("came_back_at", DateTime(timezone=True)),
    Column("result", String(16), nullable=False),
    Column("judgement", String(16), nullable=False),
    Column("wrong_cause", Boolean, nullable=False),
    #: What all of it comes to, so that a hundred thousand are counted at once; seconds from the alert.
    Column("state", String(16), nullable=False),
    Column("to_merge_request_s", Float),
    Column("to_merge_s", Float),
    Column("to_recovery_s", Float),
    Column("facts", JSON, nullable=False),
)

#: What models were asked for a decision, once for a record of ``plans.candidate``.
model_uses = Table(
    "model_uses",
    metadata,
    Column("event_id", String(128), primary_key=True),
    Column("incident_id", String(80), nullable=False, index=True),
    #: ``provider/model``.
    Column("model", String(200), nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False, index=True),
    Column("calls", Integer, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
)
