"""Tables of decide: which alert belongs to which incident, and the book of second opinions."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, String, Table, Text

from kfix.infra.store import metadata

#: ``recovered_at``: all of its alert cycles have recovered. ``proposed``: a plan was put forward, so only an outcome
#: (or expiry) ends it.
incidents = Table(
    "incidents",
    metadata,
    Column("incident_id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("last_alert_at", DateTime(timezone=True), nullable=False),
    Column("recovered_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("proposed", Boolean, nullable=False, default=False),
)

#: The newest incident of a fingerprint; its row is the lock under which incidents of that fingerprint are opened.
fingerprints = Table(
    "fingerprints",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("incident_id", String(64)),
)

alert_cycles = Table(
    "alert_cycles",
    metadata,
    Column("cycle", String(64), primary_key=True),
    Column("incident_id", String(64), index=True),
    Column("alerted_at", DateTime(timezone=True)),
    Column("recovered_at", DateTime(timezone=True)),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", String(128), primary_key=True),
    Column("incident_id", String(64), nullable=False),
    Column("role", String(16), nullable=False),
)

#: Merged fixes that did not hold, by the attempt that each was; what the later attempts at the incident know.
failed_attempts = Table(
    "failed_attempts",
    metadata,
    Column("incident_id", String(64), primary_key=True),
    #: The incident's own id, which is its first attempt's.
    Column("root", String(64), nullable=False, index=True),
    #: ``schemas.context.FailedAttempt`` as JSON.
    Column("attempt", JSON, nullable=False),
)

#: Calls to a model: what the budget counts, and the answers by content of the question.
opinions = Table(
    "opinions",
    metadata,
    Column("call_id", String(64), primary_key=True),
    #: Hash of the rendered question.
    Column("question", String(64), nullable=False, index=True),
    Column("model", String(128), nullable=False),
    #: Fingerprint of the rules' verdict.
    Column("incident", String(64), nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False, index=True),
    #: Reserved before the call, what it cost after it.
    Column("tokens", Integer, nullable=False),
    #: The typed answer as JSON, when there was one.
    Column("answer", Text),
)
