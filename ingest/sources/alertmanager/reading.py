"""Alertmanager's webhook, version 4, to alerts: one record for each alert of a delivery.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. Labels get the names that all sources share
(``kfix.incident.prometheus.labels``). Keys of ``Alert.details``: ``receiver``, ``group_labels``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.core.identity import digest, sha256_hex
from ingest.core.outcomes import Ignored, Malformed
from ingest.core.reading import Document
from ingest.core.source import Reading, SaidAlert, WebhookDelivery
from kfix.incident.merge_request_words import clean
from kfix.incident.prometheus.labels import group_of, neutral
from schemas.alerts import Alert, FiredRule, RawAlert, State
from schemas.base import Record

NAME, TITLE = "alertmanager", "Alertmanager"
_STATES: dict[str, State] = {"firing": "firing", "resolved": "resolved"}
#: Alerts that always fire, to show that alerts arrive or to hold back others; they tell of no trouble.
_NO_TROUBLE = frozenset({"Watchdog", "InfoInhibitor", "DeadMansSwitch"})
#: Go's zero time: not ended.
_NEVER = "0001-01-01T00:00:00Z"
_LIMIT, _LONG = 1_024, 32_768
_MAX_LABELS = 256
#: Longer than Alertmanager waits before it sends a group, and than its senders try again.
_LONG_AGO = timedelta(minutes=30)


class AlertmanagerPayload:
    """``ingest.core.source.AlertReader``."""

    def recognises(self, document: Document) -> bool:
        """A document of version 4 with a list of alerts and the address that it comes from."""
        listed = isinstance(document.get("alerts"), list)
        return document.get("version") == "4" and listed and "groupKey" in document

    def said(self, document: Document, body: bytes) -> SaidAlert:
        """The first alert that is not over; the first where all are."""
        found = [alert_of(item, document) for item in _items(document)]
        ours = [a for a in found if a.state != "resolved"] or found or [Alert(source=NAME)]
        return SaidAlert(ours[0], digest(NAME, sha256_hex(body)))


def records(delivery: WebhookDelivery) -> Reading:
    """A record for each alert; one that names no rule, and those that were left out, are kept as they came."""
    items = _items(delivery.document)
    if not items:
        return Malformed("nothing_to_go_on", "no alerts")
    found = tuple(record for item in items for record in _record(item, delivery))
    left_out = delivery.document.get("truncatedAlerts")
    if isinstance(left_out, int) and left_out > 0:
        why = f"alerts of the group that were left out: {left_out}; set max_alerts of the receiver to 0"
        found += (Malformed("truncated", why),)
    return found or Ignored("no_trouble")


def alert_of(said: Mapping[str, Any], document: Document) -> Alert:
    """What one alert of a delivery says."""
    raw = _texts(said.get("labels")) or _texts(document.get("commonLabels"))
    notes = {
        **_texts(document.get("commonAnnotations"), _LONG),
        **_texts(said.get("annotations"), _LONG),
    }
    labels = neutral({name: value for name, value in raw.items() if name != "alertname"})
    starts, ends = _time(said.get("startsAt")), _time(said.get("endsAt"))
    state = _STATES.get(str(said.get("status")), "unknown")
    name = raw.get("alertname", "")
    return Alert(
        source=NAME,
        source_name=TITLE,
        account=_text(document.get("externalURL")),
        state=state,
        title=clean(notes.get("summary") or notes.get("message") or name, _LIMIT),
        body=notes.get("description", "") or notes.get("message", ""),
        severity=raw.get("severity", ""),
        rule=FiredRule(id=name, group=group_of(labels)),
        fingerprint=_episode(said, raw),
        group_key=_text(document.get("groupKey")),
        host=labels.get("kube_node", ""),
        labels=labels,
        links=_links(said, document, notes),
        happened_at=ends if state == "resolved" and ends else starts,
        starts_at=starts,
        ends_at=ends,
        details=_details(document),
    )


def _episode(said: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """The alert's fingerprint, which is that of its labels, and when it began to fire."""
    known = _text(said.get("fingerprint")) or digest(
        *(f"{k}={v}" for k, v in sorted(labels.items()))
    )
    return f"{known}/{_text(said.get('startsAt'))}"


def _links(said: Mapping[str, Any], document: Document, notes: Mapping[str, str]) -> dict[str, str]:
    named = {
        "rule": _text(said.get("generatorURL")),
        "alert": _text(document.get("externalURL")),
        "runbook": clean(notes.get("runbook_url", ""), 2 * _LIMIT),
    }
    return {meaning: link for meaning, link in named.items() if link}


def _details(document: Document) -> dict[str, str]:
    grouped = ",".join(f"{k}:{v}" for k, v in _texts(document.get("groupLabels")).items())
    said = {"receiver": _text(document.get("receiver")), "group_labels": grouped[:_LIMIT]}
    return {name: text for name, text in said.items() if text}


def _record(said: object, delivery: WebhookDelivery) -> Iterator[Record | Malformed]:
    if not isinstance(said, dict):
        yield Malformed("bad_value", "an alert that is no object")
        return
    alert = alert_of(said, delivery.document)
    if not alert.rule.id:
        yield Malformed("nothing_to_go_on", "an alert without alertname")
        return
    if alert.rule.id in _NO_TROUBLE:
        return
    changed = alert.happened_at.isoformat() if alert.happened_at else ""
    key = digest(alert.account, alert.rule.id, alert.fingerprint, alert.state, changed)
    alert = _as_of(alert, delivery.received_at)
    yield RawAlert(
        event_id=f"am-{key}",
        trace_id=key,
        occurred_at=delivery.received_at,
        source=NAME,
        body_sha256=sha256_hex(delivery.plain),
        body=delivery.plain,
        content_type=clean(delivery.header("content-type"), 100),
        template="native",
        alert=alert,
    )


def _as_of(alert: Alert, received_at: datetime) -> Alert:
    """An alert that began to fire long before it came is told once more: it is there now, whenever that was."""
    began = alert.starts_at
    if alert.state != "firing" or began is None or received_at - began < _LONG_AGO:
        return alert
    return alert.model_copy(update={"state": "renotified", "happened_at": received_at})


def _items(document: Document) -> list[Any]:
    found = document.get("alerts")
    return found if isinstance(found, list) else []


def _texts(value: object, limit: int = _LIMIT) -> dict[str, str]:
    pairs = list(value.items())[:_MAX_LABELS] if isinstance(value, dict) else []
    return {
        clean(str(key), 200): clean(text, limit) for key, text in pairs if isinstance(text, str)
    }


def _text(value: object) -> str:
    return clean(value, 2 * _LIMIT) if isinstance(value, str) else ""


def _time(value: object) -> datetime | None:
    """RFC 3339, with as many digits of a second as Go writes."""
    text = _text(value)
    if not text or text == _NEVER:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
