"""The shapes in which Datadog's API shows monitors, events, logs and downtimes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from sandbox.datadog.metrics import Answer, Window
from sandbox.datadog.search import Document
from sandbox.datadog.state import (
    Datadog,
    Downtime,
    Event,
    GroupState,
    LogLine,
    Monitor,
    Objective,
    SyntheticsTest,
    Webhook,
)
from schemas.base import Json


def instant(seconds: float) -> str:
    """ISO 8601 with milliseconds and offset, as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def monitor(
    m: Monitor, now: float, *, group_states: str = "", downtimes: Sequence[Downtime] = ()
) -> Json:
    """v1 monitor; ``group_states`` as in the request (``all``, ``alert,warn``); empty hides them."""
    wanted = {s.strip() for s in group_states.split(",") if s.strip()}
    groups = {
        name: _group(name, g, now)
        for name, g in m.groups.items()
        if "all" in wanted or g.at(now).lower() in wanted
    }
    return {
        "id": m.id,
        "name": m.name,
        "type": m.type,
        "query": m.query,
        "message": m.message,
        "tags": list(m.tags),
        "priority": m.priority,
        "multi": "*" not in m.groups,
        "overall_state": m.overall_state(now),
        "created": instant(m.created),
        "modified": instant(m.created),
        "deleted": None,
        "creator": {"email": "sre@sandbox.test", "handle": "sre@sandbox.test", "name": "SRE"},
        "restricted_roles": None,
        "options": {
            "thresholds": dict(m.thresholds),
            "notify_no_data": False,
            "renotify_interval": 0,
            "include_tags": True,
            "silenced": dict(m.silenced),
            **({"synthetics_check_id": m.synthetics_check_id} if m.synthetics_check_id else {}),
        },
        **({"matching_downtimes": [_matching(d) for d in downtimes]} if downtimes else {}),
        **({"state": {"groups": groups}} if wanted else {}),
    }


def _matching(d: Downtime) -> Json:
    number = int(hashlib.sha256(d.id.encode()).hexdigest()[:8], 16)
    end = None if d.end is None else int(d.end)
    return {"id": number, "scope": d.scope.split(","), "start": int(d.start), "end": end}


def objective(o: Objective) -> Json:
    """v1 service level objective."""
    found: dict[str, Json] = {
        "id": o.id,
        "name": o.name,
        "type": "monitor" if o.monitor_ids else "metric",
        "tags": list(o.tags),
        "thresholds": [{"timeframe": "7d", "target": 99.9}],
        "created_at": 1_760_000_000,
        "modified_at": 1_760_000_000,
    }
    if o.monitor_ids:
        return {**found, "monitor_ids": list(o.monitor_ids)}
    return {**found, "query": {"numerator": o.numerator, "denominator": o.denominator}}


def synthetics_test(t: SyntheticsTest) -> Json:
    """v1 Synthetics test, without steps."""
    return {
        "public_id": t.public_id,
        "name": t.name,
        "type": t.type,
        **({"subtype": "http"} if t.type == "api" else {}),
        "monitor_id": t.monitor_id,
        "status": "live",
        "message": "",
        "tags": list(t.tags),
        "locations": ["aws:eu-central-1"],
        "config": {"assertions": [], "request": {"method": "GET", "url": t.url}},
        "options": {"tick_every": 60},
    }


def _group(name: str, g: GroupState, now: float) -> Json:
    return {
        "name": name,
        "status": g.at(now),
        "last_triggered_ts": g.last_triggered,
        "last_resolved_ts": g.last_resolved,
        "last_notified_ts": g.last_notified,
        "last_nodata_ts": 0,
    }


def monitor_found(m: Monitor, now: float) -> Json:
    """One result of the monitor search."""
    last = max((g.last_triggered for g in m.groups.values()), default=0)
    return {
        "id": m.id,
        "name": m.name,
        "type": m.type,
        "query": m.query,
        "status": m.overall_state(now),
        "tags": list(m.tags),
        "scopes": [g for g in m.groups if g != "*"],
        "metrics": [],
        "classification": "metric",
        "last_triggered_ts": last or None,
        "org_id": 100042,
        "notifications": [],
        "creator": {"handle": "sre@sandbox.test", "name": "SRE"},
    }


def monitor_facets(m: Monitor, now: float) -> Document:
    """What a monitor search looks at."""
    facets: dict[str, list[str]] = {
        "id": [str(m.id)],
        "type": [m.type],
        "status": [m.overall_state(now)],
        "tag": list(m.tags),
        "title": [m.name],
        "scope": [tag for group in m.groups for tag in group.split(",")],
    }
    return Document(f"{m.name} {m.query} {m.message}", facets)


def event_v1(e: Event) -> Json:
    """v1 event."""
    return {
        "id": e.id,
        "id_str": str(e.id),
        "title": e.title,
        "text": e.text,
        "date_happened": int(e.happened_at),
        "alert_type": e.alert_type,
        "priority": e.priority,
        "source_type_name": "Monitor Alert" if e.source == "alert" else e.source,
        "host": e.host,
        "device_name": "",
        "tags": list(e.tags),
        "url": f"/event/event?id={e.id}",
        "payload": "{}",
    }


def event_v2(datadog: Datadog, e: Event) -> Json:
    """v2 event, with the monitor inside when one raised it."""
    inner: dict[str, Json] = {
        "title": e.title,
        "tags": list(e.tags),
        "timestamp": int(e.happened_at * 1000),
        "aggregation_key": e.cycle_key,
        "event_object": e.cycle_key,
        "hostname": e.host,
        "service": next((t[8:] for t in e.tags if t.startswith("service:")), "undefined"),
        "source_type_name": e.source,
        "sourcecategory": "monitor_alert" if e.monitor_id else e.source,
        "priority": e.priority,
        "status": {"success": "ok", "warning": "warn"}.get(e.alert_type, e.alert_type),
        "evt": {"id": str(e.id), "type": e.source, "name": e.title, "source_id": 36},
    }
    m = datadog.monitors.get(e.monitor_id or 0)
    if m is not None:
        inner["monitor_id"] = m.id
        inner["monitor_groups"] = [] if e.group == "*" else [e.group]
        inner["monitor"] = {
            "id": m.id,
            "name": m.name,
            "type": m.type,
            "query": m.query,
            "message": m.message,
            "tags": list(m.tags),
            "templated_name": m.name,
            "created_at": int(m.created * 1000),
            "modified": int(m.created * 1000),
            "groups": [e.group],
            "transition": {"trans_name": e.transition},
        }
    return {
        "id": f"AQ{e.id}",
        "type": "event",
        "attributes": {
            "attributes": inner,
            "message": e.text,
            "tags": list(e.tags),
            "timestamp": instant(e.happened_at),
        },
    }


def event_facets(e: Event) -> Document:
    """What an event search looks at."""
    facets = _tag_facets(e.tags)
    facets["source"] = [e.source]
    facets["status"] = [{"success": "ok", "warning": "warn"}.get(e.alert_type, e.alert_type)]
    facets["@evt.id"] = [str(e.id)]
    facets["@monitor.id"] = facets["@monitor_id"] = [str(e.monitor_id or "")]
    facets["monitor_id"] = facets["@monitor_id"]
    facets["@monitor.groups"] = [e.group]
    facets["@aggregation_key"] = facets["@aggreg_key"] = [e.cycle_key]
    return Document(f"{e.title} {e.text}", facets)


def log(line: LogLine, number: int) -> Json:
    """v2 log event."""
    return {
        "id": f"AwAAAZ{number:012d}",
        "type": "log",
        "attributes": {
            "message": line.message,
            "service": line.service,
            "status": line.status,
            "host": line.host,
            "tags": list(line.tags),
            "timestamp": instant(line.at),
            "attributes": dict(line.attributes),
        },
    }


def log_facets(line: LogLine) -> Document:
    """What a log search looks at."""
    facets = _tag_facets(line.tags)
    facets["service"] = [line.service]
    facets["status"] = [line.status]
    facets["host"] = [line.host]
    facets |= {f"@{key}": [value] for key, value in line.attributes.items()}
    return Document(line.message, facets)


def _tag_facets(tags: tuple[str, ...]) -> dict[str, list[str]]:
    facets: dict[str, list[str]] = {}
    for tag in tags:
        key, _, value = tag.partition(":")
        facets.setdefault(key, []).append(value)
    return facets


def webhook(hook: Webhook) -> Json:
    """A webhook of the integration."""
    return {
        "name": hook.name,
        "url": hook.url,
        "payload": hook.payload,
        "custom_headers": hook.custom_headers,
        "encode_as": hook.encode_as,
    }


def unit(name: str) -> Json:
    """A pair of units, numerator and denominator; ``None`` when the metric has none."""
    families = {
        "byte": ("bytes", "byte", "B", 1.0),
        "nanocore": ("cpu", "nanocore", "ncore", 1e-9),
        "core": ("cpu", "core", "core", 1.0),
        "second": ("time", "second", "s", 1.0),
    }
    if name not in families:
        return None
    family, singular, short, scale = families[name]
    return [
        {
            "family": family,
            "name": singular,
            "plural": f"{singular}s",
            "short_name": short,
            "scale_factor": scale,
        },
        None,
    ]


def series_v1(answer: Answer, window: Window, index: int) -> Json:
    """One series of ``/api/v1/query``: points in milliseconds, a gap between two is ``null``."""
    known = [n for n, value in enumerate(answer.values) if value is not None]
    points: list[Json] = [
        [at * 1000, value]
        for n, (at, value) in enumerate(zip(window.times, answer.values, strict=True))
        if known[0] <= n <= known[-1]
    ]
    return {
        "metric": answer.metric,
        "display_name": answer.metric,
        "aggr": answer.aggregate,
        "scope": answer.scope,
        "tag_set": [f"{key}:{value}" for key, value in answer.group],
        "expression": answer.expression,
        "interval": int(window.step),
        "length": len(points),
        "start": int(window.start * 1000),
        "end": int(window.end * 1000),
        "query_index": index,
        "pointlist": points,
        **({"unit": told} if (told := unit(answer.unit)) is not None else {}),
    }


def downtime(d: Downtime, now: float) -> Json:
    """v2 downtime."""
    ended = d.end is not None and d.end <= now
    status = "ended" if ended else "active" if d.start <= now else "scheduled"
    identifier: Json = (
        {"monitor_id": d.monitor_id} if d.monitor_id is not None else {"monitor_tags": ["*"]}
    )
    return {
        "id": d.id,
        "type": "downtime",
        "attributes": {
            "scope": d.scope,
            "message": d.message,
            "status": status,
            "monitor_identifier": identifier,
            "schedule": {
                "start": instant(d.start),
                "end": None if d.end is None else instant(d.end),
            },
            "created": instant(d.start),
            "modified": instant(d.start),
            "canceled": None,
            "display_timezone": "UTC",
            "mute_first_recovery_notification": False,
            "notify_end_states": ["alert", "warn"],
            "notify_end_types": ["expired"],
        },
    }
