"""Tables of enrich: which alert's evidence was gathered, so that its repetitions end before anything is asked, and the
alerts themselves, for when the fix does not hold.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, String, Table

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

#: Alerts that were gathered for, masked, by delivery; dropped some time after ``kept_at``.
kept_alerts = Table(
    "kept_alerts",
    metadata,
    Column("delivery_id", String(128), primary_key=True),
    Column("cycle", String(64), nullable=False),
    Column("trouble", String(64), nullable=False),
    Column("alerted_at", DateTime(timezone=True), nullable=False),
    #: ``schemas.alerts.Alert`` as JSON.
    Column("alert", JSON, nullable=False),
    Column("kept_at", DateTime(timezone=True), nullable=False, index=True),
)

#: Attempts whose evidence is gathered anew, and the outcome that was the first to tell that they failed.
retries = Table(
    "retries",
    metadata,
    Column("incident_id", String(80), primary_key=True),
    Column("outcome_id", String(128), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
