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
    Column("incident_id", String(64), nullable=False, index=True),
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

#: Fixes that were proposed, and how they ended: one row for an incident's (or attempt's) plan, the word told last.
fix_trials = Table(
    "fix_trials",
    metadata,
    Column("incident_id", String(80), primary_key=True),
    Column("plan_id", String(128), primary_key=True),
    Column("failure_class", String(128), nullable=False, index=True),
    Column("workload_kind", String(64), nullable=False),
    Column("fix_kind", String(64), nullable=False),
    Column("cluster", String(255), nullable=False),
    Column("environment", String(32), nullable=False),
    #: ``Kind/namespace/name`` of what the plan changes first.
    Column("object_key", String(600), nullable=False, index=True),
    Column("changes_hash", String(32), nullable=False),
    #: Digests of the values before, by object and field, as JSON.
    Column("spec", Text, nullable=False),
    #: What the rules alone said of it, in thousandths, and when it was proposed; empty where only its end is known.
    Column("predicted", Integer),
    Column("proposed_at", DateTime(timezone=True)),
    #: Empty while it waits.
    Column("result", String(16), nullable=False, index=True),
    Column("ended_at", DateTime(timezone=True)),
    Column("told_at", DateTime(timezone=True)),
    Column("event_id", String(128), nullable=False),
    Column("judged_by", String(255), nullable=False),
    #: A person says that the diagnosis was wrong.
    Column("doubted", Boolean, nullable=False),
)

#: A person allows a kind of fix on an object again. Each word is kept.
fix_lifts = Table(
    "fix_lifts",
    metadata,
    Column("lift_id", String(64), primary_key=True),
    Column("cluster", String(255), nullable=False),
    Column("object_key", String(600), nullable=False, index=True),
    Column("fix_kind", String(64), nullable=False),
    Column("lifted_at", DateTime(timezone=True), nullable=False),
    Column("lifted_by", String(255), nullable=False),
    Column("reason", Text, nullable=False),
)
