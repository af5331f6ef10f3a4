"""`alerts.raw`: a webhook delivery as it came, and what could be read from it. Written by ingest, read by enrich."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Instant, Model, Record

#: Datadog's $ALERT_TRANSITION, folded: Renotify and Re-Triggered are ``renotify``; Re-Warn is ``warn``.
Transition = Literal["triggered", "renotify", "warn", "no_data", "recovered", "unknown"]


class Alert(Model):
    """What the payload says, as hints: monitor and event are read again by id before anything is decided.

    Empty string or ``None`` means: not said (absent, empty, ``null`` or an unexpanded ``$VARIABLE``).
    """

    event_id: str = ""
    monitor_id: int | None = None
    transition: Transition = "unknown"
    title: str = ""
    body: str = ""
    alert_type: str = ""
    priority: str = ""
    status: str = ""
    query: str = ""
    metric: str = ""
    scope: str = ""
    cycle_key: str = ""
    aggregation_key: str = ""
    hostname: str = ""
    link: str = ""
    snapshot: str = ""
    logs_sample: str = ""
    org_id: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    happened_at: Instant | None = None
    #: Anomalies a payload may carry as text, kept as one JSON text each.
    anomalies: tuple[str, ...] = ()


class RawAlert(Record):
    """One delivery. ``event_id`` is the delivery id: an exact retry of the sender has the same one."""

    source: Literal["datadog"] = "datadog"
    #: sha256 of ``body``, hex.
    body_sha256: str
    body: bytes
    content_type: str = "application/json"
    #: ``native`` (Datadog's default payload), ``kfix`` (our template), ``custom`` (anything else that parses).
    template: Literal["native", "kfix", "custom"] = "custom"
    alert: Alert
