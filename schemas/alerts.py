"""`alerts.raw`: a webhook delivery as it came, and what could be read from it. Written by ingest, read by enrich.

``Alert`` is every source's: what Datadog, Alertmanager and others call their things is translated in the source's folder
(``ingest/sources/<source>``), and nothing behind ingest has to know their words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from schemas.base import Instant, Model, Record

#: What the alert says of the trouble. ``firing``: it is there; ``renotified``: still there, said once more; ``warning``: the
#: lower threshold is crossed; ``no_data``: the rule got nothing to judge; ``resolved``: over; ``unknown``: not said.
State = Literal["firing", "renotified", "warning", "no_data", "resolved", "unknown"]


class FiredRule(Model):
    """The rule that fired, as the alert names it: Datadog's monitor, Prometheus' alerting rule."""

    #: Unique within the alert's ``account``.
    id: str = ""
    query: str = ""
    metric: str = ""
    #: The part of what the rule watches that fired, as tags: ``kube_deployment:api,kube_namespace:shop``. ``*``: all of it.
    group: str = ""


class Alert(Model):
    """What the payload says, as hints: rule and notification are read again by id, where that can be done, before anything
    is decided.

    Empty string, empty mapping or ``None`` means: not said.
    """

    #: The source, as its folder is named; ``source_name`` is what people call it.
    source: str = ""
    source_name: str = ""
    #: The source's id of this very notification: each has its own.
    notification_id: str = ""
    #: Whose ids these are, where a source has several owners of them: an organisation, a server.
    account: str = ""
    state: State = "unknown"
    #: Somebody tries the rule's notification: nothing is the matter.
    is_test: bool = False
    title: str = ""
    body: str = ""
    #: How bad the source calls it, and how urgent, in its own words.
    severity: str = ""
    priority: str = ""
    rule: FiredRule = Field(default_factory=FiredRule)
    #: The source's identity of the alert's episode: the same for trigger, renotification and recovery.
    fingerprint: str = ""
    #: The source's key of notifications that belong together, for alerts without a rule.
    group_key: str = ""
    host: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    #: Pages as the payload names them, by meaning: ``alert``, ``rule``, ``snapshot``, ``logs``. Untrusted.
    links: dict[str, str] = Field(default_factory=dict)
    logs_sample: str = ""
    #: When this notification's change happened; when the episode began and ended, where that is said.
    happened_at: Instant | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    #: Anomalies a payload may carry as text, kept as one JSON text each.
    anomalies: tuple[str, ...] = ()
    #: What only this source says, under keys that its folder documents.
    details: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _of_version_one(cls, value: Any) -> Any:
        """Records that were written while Datadog was the only source are read for good."""
        if not isinstance(value, Mapping) or not _VERSION_ONE & value.keys():
            return value
        return from_version_one(value)


class RawAlert(Record):
    """One alert of a delivery. ``event_id`` is the alert's delivery id: an exact retry of the sender has the same one."""

    #: As ``Alert.source``.
    source: str = "datadog"
    #: sha256 of ``body``, hex.
    body_sha256: str
    body: bytes
    content_type: str = "application/json"
    #: ``native`` (the source's own payload), ``kfix`` (our template), ``custom`` (anything else that parses).
    template: Literal["native", "kfix", "custom"] = "custom"
    alert: Alert


#: Fields that only records of the first version have.
_VERSION_ONE = frozenset(
    {
        "event_id",
        "monitor_id",
        "transition",
        "alert_type",
        "status",
        "query",
        "metric",
        "scope",
        "cycle_key",
        "aggregation_key",
        "hostname",
        "link",
        "snapshot",
        "org_id",
        "tags",
    }
)
_SAME_TODAY = (
    "title",
    "body",
    "priority",
    "logs_sample",
    "happened_at",
    "anomalies",
)
_STATES: dict[str, State] = {
    "triggered": "firing",
    "renotify": "renotified",
    "warn": "warning",
    "no_data": "no_data",
    "recovered": "resolved",
}


def from_version_one(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an ``Alert`` from those of the first version, whose words were Datadog's."""

    def said(name: str) -> str:
        found = value.get(name)
        return "" if found is None else str(found)

    links = {"alert": said("link"), "snapshot": said("snapshot")}
    details = {"status": said("status")}
    return {
        "source": "datadog",
        "source_name": "Datadog",
        "notification_id": said("event_id"),
        "account": said("org_id"),
        "state": _STATES.get(said("transition"), "unknown"),
        "severity": said("alert_type"),
        "rule": {
            "id": said("monitor_id"),
            "query": said("query"),
            "metric": said("metric"),
            "group": said("scope"),
        },
        "fingerprint": said("cycle_key"),
        "group_key": said("aggregation_key"),
        "host": said("hostname"),
        "labels": value.get("tags") or {},
        "links": {name: link for name, link in links.items() if link},
        "details": {name: text for name, text in details.items() if text},
        **{name: value[name] for name in _SAME_TODAY if name in value},
    }
