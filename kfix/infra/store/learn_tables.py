"""Tables of learn: merge requests with what they proposed, watches over merged ones, alerts, outcomes, feedback."""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, Float, Integer, String, Table, Text

from kfix.infra.store import metadata

#: ``proposal`` and ``merge_request`` are ``None`` while only GitLab has spoken of the incident.
followed_merge_requests = Table(
    "followed_merge_requests",
    metadata,
    Column("incident_id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False, default=""),
    Column("trace_id", String(128), nullable=False, default=""),
    #: ``open``, ``merged`` or ``closed``.
    Column("state", String(16), nullable=False, index=True),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("opened_at", DateTime(timezone=True)),
    #: When GitLab was last asked whether nobody decided on it indeed.
    Column("asked_at", DateTime(timezone=True)),
    Column("merge_request", JSON),
    Column("proposal", JSON),
    #: ``learn.ports.rule_key`` of the alert; empty where its rule is not known.
    Column("rule_key", String(64), nullable=False, default="", server_default="", index=True),
)

post_deploy_checks = Table(
    "post_deploy_checks",
    metadata,
    Column("incident_id", String(64), primary_key=True),
    Column("merged_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False, index=True),
    Column("leased_until", DateTime(timezone=True)),
    #: Looks that were begun: who saves one says which, and one that took too long saves nothing.
    Column("tries", Integer, nullable=False, default=0),
    Column("done_at", DateTime(timezone=True)),
    #: ``learn.core.watch.Watch`` after the last look; ``None`` before the first.
    Column("watch", JSON),
    #: The outcome that the watch came to, before the broker has it: told again as it is until then.
    Column("verdict", JSON),
    #: That the change is live, and that it is late, has come back from the broker.
    Column("live_told_at", DateTime(timezone=True)),
    Column("late_told_at", DateTime(timezone=True)),
)

#: Alerts as ``plans.validated`` tells of them: a row for each, of incidents with and without a merge request.
heard_alerts = Table(
    "heard_alerts",
    metadata,
    Column("event_id", String(128), primary_key=True),
    Column("incident_id", String(64), nullable=False, index=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("rule_key", String(64), nullable=False, index=True),
    #: ``firing`` or ``recovered``.
    Column("word", String(16), nullable=False),
    Column("alerted_at", DateTime(timezone=True), nullable=False, index=True),
)

incident_outcomes = Table(
    "incident_outcomes",
    metadata,
    Column("incident_id", String(64), primary_key=True),
    Column("plan_id", String(128), primary_key=True),
    Column("result", String(16), nullable=False),
    Column("failure_class", String(128), nullable=False, index=True),
    Column("fix_kind", String(64), nullable=False),
    Column("workload_kind", String(64), nullable=False),
    Column("object_key", String(512), nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("outcome", JSON, nullable=False),
)

incident_feedback = Table(
    "incident_feedback",
    metadata,
    Column("event_id", String(128), primary_key=True),
    Column("incident_id", String(64), nullable=False, index=True),
    Column("author", String(256), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("score", Float),
    Column("about", String(16), nullable=False, default=""),
    Column("role", String(16), nullable=False, default=""),
    #: How it came: ``comment``, ``link``, ``form`` or ``api``.
    Column("way", String(16), nullable=False, default=""),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
)
