"""Tables of publish: which incident has which merge request, what was said of it, what it proposed, which messages went
out, how fixes ended.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, String, Table, Text

from kfix.infra.store import metadata

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
    #: GitLab's time of the last change up to which all that was said of it is in ``mr.events``.
    Column("read_through", DateTime(timezone=True)),
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

#: What GitLab said of a merge request, each word once. The row above follows from them by their times, whatever order
#: they came in. ``told``: the pipeline has it, from a webhook or from reading again.
merge_request_words = Table(
    "merge_request_words",
    metadata,
    Column("event_id", String(128), primary_key=True),
    Column("incident_id", String(80), nullable=False, index=True),
    Column("action", String(16), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("told", Boolean, nullable=False),
)

#: When an incident's alert was last on and last over, and which of the two its merge request says.
alert_standings = Table(
    "alert_standings",
    metadata,
    Column("incident_id", String(80), primary_key=True),
    Column("alerted_at", DateTime(timezone=True)),
    Column("recovered_at", DateTime(timezone=True)),
    Column("marked", String(16), nullable=False, default=""),
)

#: How far the merge requests of a project have been read again. ``position`` is GitLab's time of the last change that
#: the pipeline has; what was said before ``began_at`` is not told again.
rereads = Table(
    "rereads",
    metadata,
    Column("project", String(255), primary_key=True),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("position", DateTime(timezone=True)),
    Column("read_at", DateTime(timezone=True)),
    Column("leased_until", DateTime(timezone=True)),
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

#: What came of taking a merged change back that did not hold: one row for an attempt, and the first word stays.
reverts = Table(
    "reverts",
    metadata,
    #: The attempt whose change is taken back; its merge request has a row of its own under ``…-revert``.
    Column("incident_id", String(80), primary_key=True),
    #: Empty: a merge request was opened. Else a key of the words of publish that says why there is none.
    Column("why", String(32), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("at", DateTime(timezone=True), nullable=False),
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
