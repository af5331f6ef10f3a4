"""Tables of publish: which incident has which merge request, what it proposed, which messages went out, how fixes ended."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, String, Table, Text

from kfix.store import metadata

#: One row for an incident: the branch is a function of it, and GitLab allows one open merge request for a branch.
merge_requests = Table(
    "merge_requests",
    metadata,
    Column("incident_id", String(80), primary_key=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("project", String(255), nullable=False, index=True),
    Column("iid", Integer, nullable=False),
    Column("url", Text, nullable=False, default=""),
    Column("branch", String(255), nullable=False),
    Column("target_branch", String(255), nullable=False, default=""),
    Column("title", Text, nullable=False, default=""),
    Column("sha", String(64), nullable=False, default=""),
    Column("state", String(16), nullable=False),
    Column("changes_hash", String(32), nullable=False, default=""),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("noted_at", DateTime(timezone=True)),
    #: Until then people do not want to hear of it: ``/kfix snooze``.
    Column("snoozed_until", DateTime(timezone=True)),
)

#: Who changes an object: one incident at a time. A claim counts while its incident's merge request is open, or may still
#: be opened.
change_claims = Table(
    "change_claims",
    metadata,
    #: ``cluster Kind/namespace/name``.
    Column("target", String(640), primary_key=True),
    Column("incident_id", String(80), nullable=False, index=True),
    Column("changes_hash", String(32), nullable=False),
    Column("claimed_at", DateTime(timezone=True), nullable=False),
)

#: The record behind a merge request and the plan that is on its branch: what comments ask about.
proposals = Table(
    "proposals",
    metadata,
    Column("incident_id", String(80), primary_key=True),
    Column("plan_id", String(128), nullable=False),
    Column("record", JSON, nullable=False),
)

#: How fixes ended, as ``outcomes`` tells: one row for an incident's plan, the newest word.
fix_outcomes = Table(
    "fix_outcomes",
    metadata,
    Column("incident_id", String(80), primary_key=True),
    Column("plan_id", String(128), primary_key=True),
    Column("failure_class", String(128), nullable=False, index=True),
    Column("workload_kind", String(64), nullable=False),
    Column("fix_kind", String(64), nullable=False),
    Column("result", String(16), nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
)

#: One row for a message: (incident, kind, channel) is told once.
notifications = Table(
    "notifications",
    metadata,
    Column("incident_id", String(80), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("sent", Boolean, nullable=False),
    Column("target", String(255), nullable=False, default=""),
    Column("message_id", String(64), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("at", DateTime(timezone=True), nullable=False),
)
