"""A monitor changes its state: the event, and the webhooks that its message names, sent as Datadog sends them.

Source: docs.datadoghq.com/integrations/webhooks. Substitution is textual: inside quotes a value is escaped
for JSON, elsewhere it is put in as it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import httpx

from sandbox.datadog.state import AlertType, Datadog, Event, GroupState, Monitor, State, Webhook

Transition = Literal[
    "Triggered", "Re-Triggered", "Recovered", "No Data", "Re-No Data", "Warn", "Re-Warn", "Renotify"
]

#: What Datadog sends when the tile's payload is empty: no tags, no monitor id, no transition.
DEFAULT_PAYLOAD = """{
    "body": "$EVENT_MSG",
    "last_updated": "$LAST_UPDATED",
    "event_type": "$EVENT_TYPE",
    "title": "$EVENT_TITLE",
    "date": "$DATE",
    "org": {
        "id": "$ORG_ID",
        "name": "$ORG_NAME"
    },
    "id": "$ID"
}"""
_VARIABLE = re.compile(r"\$([A-Z][A-Z0-9_]*)(?:\[([^\]]+)\])?")
_HANDLE = re.compile(r"@webhook-([\w.-]+)")
_STATE: dict[str, State] = {
    "Triggered": "Alert",
    "Re-Triggered": "Alert",
    "Renotify": "Alert",
    "Recovered": "OK",
    "No Data": "No Data",
    "Re-No Data": "No Data",
    "Warn": "Warn",
    "Re-Warn": "Warn",
}
_ALERT_TYPE: dict[State, AlertType] = {
    "Alert": "error",
    "OK": "success",
    "Warn": "warning",
    "No Data": "error",
}
_EVENT_TYPE = {"metric alert": "metric_alert_monitor", "log alert": "log_alert"}
_ATTEMPTS = 6  # one and five again, as Datadog does
_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook request's end. ``status`` 0: no answer at all."""

    webhook: str
    status: int
    attempts: int
    body: str


def change_state(
    datadog: Datadog,
    monitor: Monitor,
    group: str,
    transition: Transition,
    *,
    tags: tuple[str, ...] = (),
    value: float | None = None,
    host: str = "",
) -> Event:
    """Moves one group of a monitor and records the event, without telling anyone."""
    now = datadog.clock()
    state = monitor.groups.setdefault(group, GroupState())
    if state.status != _STATE[transition]:
        state.before, state.changed = state.status, now
    state.status, state.last_notified = _STATE[transition], int(now)
    if transition in ("Triggered", "Warn", "No Data") or not state.last_triggered:
        state.last_triggered = int(now)
    if transition == "Recovered":
        state.last_resolved = int(now)
    event = Event(
        id=datadog.next_event_id(),
        title=f"[{transition} on {{{group}}}] {monitor.name}",
        text=_text(datadog, monitor, group, state.status, value),
        happened_at=now,
        tags=tuple(dict.fromkeys([*group_tags(group), *monitor.tags, *tags, "monitor"])),
        alert_type=_ALERT_TYPE[state.status],
        monitor_id=monitor.id,
        group=group,
        cycle_key=_cycle_key(monitor, group, state),
        transition=transition,
        host=host,
    )
    datadog.events.append(event)
    return event


def group_tags(group: str) -> list[str]:
    """``a:1,b:2`` as tags; none for a simple monitor."""
    return [] if group == "*" else [tag.strip() for tag in group.split(",") if tag.strip()]


def _cycle_key(monitor: Monitor, group: str, state: GroupState) -> str:
    """The same for the alert, its renotifications and its recovery."""
    identity = f"{monitor.id}|{group}|{state.last_triggered}"
    return str(int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big"))


def _text(
    datadog: Datadog, monitor: Monitor, group: str, status: State, value: float | None
) -> str:
    link = monitor_url(datadog, monitor, group)
    measured = "" if value is None else f"The monitor was last measured at {value:.4g}.\n"
    return (
        f"%%%\n{monitor.message}\n\n{monitor.query}\n\n{measured}"
        f"- - -\n\n[[Monitor Status]({link})] · [[Edit Monitor]({datadog.app_url}/monitors/{monitor.id}/edit)]"
        f"\n\nStatus: {status}\n%%%"
    )


def monitor_url(datadog: Datadog, monitor: Monitor, group: str) -> str:
    """The monitor's status page in the web application."""
    return f"{datadog.app_url}/monitors/{monitor.id}?group={quote(group)}"


def variables_of(datadog: Datadog, event: Event) -> dict[str, str]:
    """Every ``$VARIABLE`` of the webhooks integration for one event, custom ones included."""
    monitor = datadog.monitors.get(event.monitor_id or 0)
    state = monitor.groups.get(event.group) if monitor else None
    known = {
        "ID": str(event.id),
        "DATE": str(int(event.happened_at * 1000)),
        "LAST_UPDATED": str(int(event.happened_at * 1000)),
        "EVENT_TITLE": event.title,
        "EVENT_MSG": event.text,
        "TEXT_ONLY_MSG": event.text.replace("%%%", "").strip(),
        "EVENT_TYPE": _EVENT_TYPE.get(monitor.type, "query_alert_monitor") if monitor else "event",
        "ALERT_TYPE": event.alert_type,
        "ALERT_TRANSITION": event.transition,
        "ALERT_CYCLE_KEY": event.cycle_key,
        "AGGREG_KEY": event.cycle_key,
        "ALERT_SCOPE": "" if event.group == "*" else event.group,
        "TAGS": ",".join(event.tags),
        "HOSTNAME": event.host,
        "ORG_ID": datadog.org_id,
        "ORG_NAME": datadog.org_name,
        "PRIORITY": event.priority,
        "USER": "",
        "USERNAME": "",
        "EMAIL": "",
        "SNAPSHOT": "null",
        "LOGS_SAMPLE": "null",
    }
    if monitor:
        known |= {
            "ALERT_ID": str(monitor.id),
            "ALERT_TITLE": monitor.name,
            "ALERT_QUERY": monitor.query,
            "ALERT_METRIC": _metric_of(monitor.query),
            "METRIC_NAMESPACE": _metric_of(monitor.query).partition(".")[0],
            "ALERT_STATUS": "" if monitor.type == "log alert" or state is None else state.status,
            "ALERT_PRIORITY": f"P{monitor.priority}" if monitor.priority else "",
            "LINK": monitor_url(datadog, monitor, event.group),
        }
    return known | {name: custom.value for name, custom in datadog.variables.items()}


def _metric_of(query: str) -> str:
    match = re.search(r"(?:avg|sum|min|max):([\w.]+)\{", query)
    return match[1] if match else ""


def render(template: str, variables: Mapping[str, str]) -> str:
    """Puts the values in. ``$TAGS[key]`` gives one tag's value; unknown names stay as they are."""
    out, at, quoted = "", 0, False
    for match in _VARIABLE.finditer(template):
        between = template[at : match.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', between)) % 2 == 1
        value = _value(match, variables)
        out += between + (json.dumps(value, ensure_ascii=False)[1:-1] if quoted else value)
        at = match.end()
    return out + template[at:]


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, key = match[1], match[2]
    if name not in variables:
        return match[0]
    if key is None:
        return variables[name]
    pairs = (tag.partition(":") for tag in variables[name].split(","))
    return next((value for tag, _, value in pairs if tag == key), "")


async def send_webhooks(
    datadog: Datadog, event: Event, *, backoff_s: float = 1.0
) -> list[Delivery]:
    """Calls every webhook that the event's monitor names. Never raises for what a receiver does."""
    monitor = datadog.monitors.get(event.monitor_id or 0)
    names = _HANDLE.findall(monitor.message) if monitor else []
    hooks = [datadog.webhooks[name] for name in dict.fromkeys(names) if name in datadog.webhooks]
    async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
        deliveries = [_deliver(client, hook, datadog, event, backoff_s) for hook in hooks]
        return list(await asyncio.gather(*deliveries))


async def _deliver(
    client: httpx.AsyncClient, hook: Webhook, datadog: Datadog, event: Event, backoff_s: float
) -> Delivery:
    variables = variables_of(datadog, event)
    body = render(hook.payload or DEFAULT_PAYLOAD, variables)
    headers = {"Content-Type": "application/json", "User-Agent": "Datadog/Webhooks"}
    if hook.encode_as == "form":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    for name, value in json.loads(hook.custom_headers or "{}").items():
        headers[name] = render(str(value), variables)
    content = body if hook.encode_as == "json" else f"payload={quote(body)}"
    status = 0
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            answer = await client.post(
                render(hook.url, variables), content=content.encode(), headers=headers
            )
            status = answer.status_code
        except httpx.TransportError:
            status = 0
        if 0 < status < 500:
            return Delivery(hook.name, status, attempt, body)
        await asyncio.sleep(backoff_s * attempt)
    return Delivery(hook.name, status, _ATTEMPTS, body)


async def notify(
    datadog: Datadog,
    monitor_id: int,
    group: str,
    transition: Transition,
    *,
    tags: tuple[str, ...] = (),
    value: float | None = None,
    backoff_s: float = 1.0,
) -> tuple[Event, list[Delivery]]:
    """A monitor's group changes its state and everyone it names is told. Raises KeyError for an unknown monitor."""
    monitor = datadog.monitors[monitor_id]
    event = change_state(datadog, monitor, group, transition, tags=tags, value=value)
    return event, await send_webhooks(datadog, event, backoff_s=backoff_s)
