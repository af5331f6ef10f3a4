"""Datadog's words to ``RawAlert``: the native payload, our template, and what people write by hand.

Variables and their values: https://docs.datadoghq.com/integrations/webhooks/. Substitution is textual, so every value
may be a string, a number, an object or missing; ``""``, ``"null"`` and an unexpanded ``"$NAME"`` all mean missing.

What no other source says is in ``Alert.details``: ``status`` (``$ALERT_STATUS``), ``metric_namespace``, and what
``ingest.sources.datadog.products`` reads of incidents, signals and tests. The rest as it came is the record's ``body``.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Literal

from ingest.core.identity import digest, sha256_hex
from ingest.core.outcomes import Malformed
from ingest.core.reading import Document
from ingest.core.source import SaidAlert
from ingest.sources.datadog import products
from ingest.sources.datadog.shapes import levelled
from kfix.incident.merge_request_words import clean
from schemas.alerts import Alert, FiredRule, RawAlert, State

#: How the source is named in records, and to people.
NAME, TITLE = "datadog", "Datadog"
#: Names under which a field is found, the best first.
_NAMES: dict[str, tuple[str, ...]] = {
    "title": (
        "title",
        "event_title",
        "alert_title",
        *products.TITLES,
        "alert_name",
        "monitor_name",
        "summary",
    ),
    "body": ("body", "message", "event_msg", "text_only_msg", "text", *products.TEXTS),
    "alert_type": ("alert_type",),
    "priority": ("alert_priority", "priority"),
    "status": ("alert_status", "status"),
    "query": ("alert_query", "query"),
    "metric": ("alert_metric", "metric"),
    "cycle_key": ("alert_cycle_key", "cycle_key", *products.IDS),
    "aggregation_key": ("aggreg_key", "aggregation_key"),
    "hostname": ("hostname", "host"),
    "metric_namespace": ("metric_namespace",),
    "link": ("link", "url", "incident_url", "alert_url", "source_url"),
    "snapshot": ("snapshot",),
    "logs_sample": ("logs_sample", "logs"),
}
#: Fields of people's templates that are called as the tags that they hold.
_TAG_FIELDS = (
    "service",
    "env",
    "kube_namespace",
    "kube_cluster_name",
    "kube_deployment",
    "kube_stateful_set",
    "kube_daemon_set",
    "kube_cronjob",
    "kube_job",
    "pod_name",
    "container_id",
    "container_name",
)
_LIMITS = {"body": 32_768, "logs_sample": 32_768, "query": 4_096, "link": 2_048, "snapshot": 2_048}
_LIMIT = 1_024
_MAX_TAGS = 256
_MAX_ANOMALIES = 100
_NO_VALUE = re.compile(r"(?:null|none|\$[A-Z][A-Z0-9_]*(?:\[[^\]]*\])?)?", re.IGNORECASE)
_STATES: dict[str, State] = {
    "triggered": "firing",
    "trigger": "firing",
    "alert": "firing",
    "retriggered": "renotified",
    "renotify": "renotified",
    "warn": "warning",
    "rewarn": "warning",
    "nodata": "no_data",
    "renodata": "no_data",
    "recovered": "resolved",
    "resolved": "resolved",
    "ok": "resolved",
}
_BY_TYPE: dict[str, State] = {"error": "firing", "warning": "warning", "success": "resolved"}
#: The states' words inside delivery ids: a delivery that is repeated across an upgrade is still the same one.
_WORD_OF: dict[State, str] = {
    "firing": "triggered",
    "renotified": "renotify",
    "warning": "warn",
    "resolved": "recovered",
}
#: ``[P2] [Re-Triggered on {kube_namespace:shop,pod_name:x}] Title``
_TITLE = re.compile(
    r"^\s*(?:\[TEST\]\s*)?(?:\[P[1-5]\]\s*)?(?:\[TEST\]\s*)?\[(?P<word>[A-Za-z][A-Za-z -]{1,14}?)(?: on \{(?P<scope>[^}]{0,1024})\})?\]"
)
#: ``https://app.datadoghq.com/monitors/12345?group=…``, and as older links have it, ``/monitors#12345``.
_MONITOR_PAGE = re.compile(r"^https?://[^/?#]+/monitors[/#](\d{1,19})(?!\d)")
_SEEN_RULE = re.compile(r'"(?:monitor_id|alert_id)"\s*:\s*"?(\d{1,19})\b')
_SEEN_TITLE = re.compile(r'"(?:title|event_title|alert_title)"\s*:\s*"([^"\\\n]{1,300})')
#: What Datadog puts before the title of a notification that somebody tries ("Test Notifications").
_TEST = re.compile(r"^\s*(?:\[P[1-5]\]\s*)?\[TEST\]", re.IGNORECASE)
_TIMES = ("date", "last_updated", "timestamp", "alert_time")
_LARGEST_ID = 2**63 - 1
_MILLISECONDS_FROM = 100_000_000_000


def raw_alert(
    document: Document, *, body: bytes, content_type: str, received_at: datetime
) -> RawAlert | Malformed:
    """The record of a delivery, or why there is none: it says neither what happened nor which monitor."""
    template = template_of(document)
    document = levelled(document)
    alert = alert_of(document)
    if not (alert.title or alert.notification_id or alert.rule.id):
        return Malformed("nothing_to_go_on", "no title, no event id, no monitor id")
    delivery = delivery_id(document, alert, body)
    return RawAlert(
        event_id=f"dd-{delivery}",
        source=NAME,
        trace_id=delivery,
        occurred_at=received_at,
        body_sha256=sha256_hex(body),
        body=body,
        content_type=clean(content_type, 100),
        template=template,
        alert=alert,
    )


def glimpse(body: bytes) -> dict[str, str]:
    """The monitor and the title that a body which cannot be read seems to say; for people, never to act on."""
    text = body.decode("utf-8", "replace")
    rule, title = _SEEN_RULE.search(text), _SEEN_TITLE.search(text)
    found = {"rule_id": rule[1] if rule else "", "title": clean(title[1], 200) if title else ""}
    return {name: said for name, said in found.items() if not _NO_VALUE.fullmatch(said)}


class DatadogPayload:
    """``ingest.core.source.AlertReader``. Datadog's templates are anybody's to write: what nobody else knows is its."""

    def recognises(self, document: Document) -> bool:
        """Always: Datadog takes what no other source knows."""
        return True

    def said(self, document: Document, body: bytes) -> SaidAlert:
        """The alert of the payload, with the delivery's id."""
        document = levelled(document)
        alert = alert_of(document)
        return SaidAlert(alert, delivery_id(document, alert, body))


def delivery_id(document: Document, alert: Alert, body: bytes) -> str:
    """The same for an exact repetition: event id, transition and last update, else the bytes. 32 hex digits."""
    if not alert.notification_id:
        return digest("body", sha256_hex(body))
    updated = _word(document, "last_updated") or _word(document, "date")
    return digest("event", alert.notification_id, _WORD_OF.get(alert.state, alert.state), updated)


def template_of(document: Document) -> Literal["native", "kfix", "custom"]:
    """Which template wrote the payload."""
    if "kfix_template" in document:
        return "kfix"
    keys = document.keys()
    native = {"id", "title", "event_type", "last_updated"} <= keys
    return "native" if native and not {"alert_id", "alert_transition"} & keys else "custom"


def alert_of(document: Document) -> Alert:
    """What the payload says, in our words."""
    words = {
        name: next((word for key in keys if (word := _word(document, key, name))), "")
        for name, keys in _NAMES.items()
    }
    announced = _TITLE.match(words["title"])
    scope = _word(document, "alert_scope", "scope") or _word(document, "scope")
    if not scope and announced is not None:
        scope = clean(announced["scope"] or "", _LIMIT)
    tags = _tags(document.get("tags"))
    for key, value in (*_tags(scope).items(), *_own_tags(document)):
        tags.setdefault(key, value)
    rule = FiredRule(
        id=_id(document, "monitor_id") or _id(document, "alert_id") or _linked(words["link"]),
        query=words["query"],
        metric=words["metric"],
        group=scope,
    )
    return Alert(
        source=NAME,
        source_name=TITLE,
        notification_id=_word(document, "id") or _word(document, "event_id"),
        account=_org(document),
        state=_state(document, words["alert_type"], announced),
        is_test=_TEST.match(words["title"]) is not None,
        title=words["title"],
        body=words["body"],
        severity=words["alert_type"] or products.severity(document),
        priority=words["priority"],
        rule=rule,
        fingerprint=words["cycle_key"],
        group_key=words["aggregation_key"],
        host=words["hostname"],
        labels=tags,
        links=_said(alert=words["link"], snapshot=words["snapshot"]),
        logs_sample=words["logs_sample"],
        details={
            **_said(status=words["status"], metric_namespace=words["metric_namespace"]),
            **products.details(document),
        },
        happened_at=next((at for name in _TIMES if (at := _time(document.get(name)))), None),
        anomalies=_anomalies(document.get("anomalies")),
    )


def _word(document: Document, key: str, field: str = "") -> str:
    value = document.get(key)
    if value is None or isinstance(value, bool):
        return ""
    text = value if isinstance(value, str) else _as_json(value)
    text = clean(text, _LIMITS.get(field, _LIMIT))
    return "" if _NO_VALUE.fullmatch(text) else text


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _said(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _id(document: Document, key: str) -> str:
    text = _word(document, key)
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return ""
    return str(number) if 0 < (number := int(text)) <= _LARGEST_ID else ""


def _linked(link: str) -> str:
    """The monitor that the notification's link leads to."""
    found = _MONITOR_PAGE.search(link)
    return _id({"id": found[1]}, "id") if found else ""


def _state(document: Document, alert_type: str, announced: re.Match[str] | None) -> State:
    candidates = (
        _word(document, "alert_transition"),
        _word(document, "transition"),
        _word(document, "event_type"),
        announced["word"] if announced else "",
        _word(document, "status"),
        _word(document, "alert_status"),
        _word(document, "state"),
    )
    for candidate in candidates:
        known = _STATES.get(re.sub(r"[^a-z]", "", candidate.lower()))
        if known is not None:
            return known
    return _BY_TYPE.get(alert_type.lower()) or products.state(document) or "unknown"


def _own_tags(document: Document) -> list[tuple[str, str]]:
    """Tags that a template of somebody's own has as fields (``"service": "$TAGS[service]"``), and those of products."""
    fields = {key: word for key in _TAG_FIELDS if (word := _word(document, key))}
    return [*_tags(fields).items(), *_tags(products.tags(document)).items()]


def _tags(value: object) -> dict[str, str]:
    """``key:value`` pairs from a list, a comma-separated text, a JSON list as text, or an object.

    A key that comes with several values keeps all of them, joined by commas: such an alert names no single one.
    """
    if isinstance(value, dict):
        parts = [f"{key}:{item}" for key, item in value.items() if isinstance(item, str | int)]
    elif isinstance(value, list):
        parts = [item for item in value if isinstance(item, str)]
    elif isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            text = text.strip("[]").replace('"', "")
        parts = text.split(",")
    else:
        return {}
    tags: dict[str, str] = {}
    for part in parts[:_MAX_TAGS]:
        text = clean(part, _LIMIT)
        if _NO_VALUE.fullmatch(text):
            continue
        key, _, tag = text.partition(":")
        key = key.strip().lower()
        if key and not _NO_VALUE.fullmatch(tag.strip() or "-"):
            known = tags.get(key)
            if known is None:
                tags[key] = tag.strip()
            elif tag.strip() not in known.split(","):
                tags[key] = f"{known},{tag.strip()}"[:_LIMIT]
    return tags


def _org(document: Document) -> str:
    org = document.get("org")
    return _word(org, "id") if isinstance(org, dict) else _word(document, "org_id")


def _time(value: object) -> datetime | None:
    """Epoch milliseconds or seconds, as a number or text, or ISO 8601."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
        return datetime.fromtimestamp(number / (1000 if number > _MILLISECONDS_FROM else 1), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        at = datetime.fromisoformat(str(value).strip().replace(" UTC", "+00:00"))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _anomalies(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        clean(item if isinstance(item, str) else _as_json(item), 4_096)
        for item in value[:_MAX_ANOMALIES]
    )
