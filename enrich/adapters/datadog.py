"""Datadog as enrich sees it: the alert's event, its monitor, logs and metrics around it."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from enrich.adapters.datadog_rules import called_by, rule_of, told, watched_by
from enrich.core.names import pairs_of
from enrich.core.summing_up import MOST, members, objective, sums_up
from enrich.core.unanswered import NOT_INDEXED
from kfix.incident.metric_queries import WORKLOAD_TAGS, of_one_environment, queries_for
from kfix.infra.clients.boundary import guarded, same
from kfix.infra.clients.datadog import Datadog, LogEvent
from kfix.infra.clients.datadog_operations import Operations
from manifests.objects.shapes import items
from schemas import errors
from schemas.alerts import Alert, FiredRule, State
from schemas.base import Json, ObjectRef
from schemas.context import LogExcerpt, Monitor, Series, Traffic

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
#: How the title of a notification begins that somebody tries.
_TRIED = "[TEST]"
_STATES: dict[str, State] = {
    "triggered": "firing",
    "alert": "firing",
    "re-triggered": "renotified",
    "renotify": "renotified",
    "recovered": "resolved",
    "alert recovery": "resolved",
    "ok": "resolved",
    "warn": "warning",
    "re-warn": "warning",
    "no data": "no_data",
    "re-no data": "no_data",
}


@guarded("Datadog")
class DatadogEvidence:
    """``enrich.ports.Observability`` on Datadog's API. An alert without a source's name may be Datadog's."""

    name = "datadog"
    keeps_logs = True

    def __init__(
        self,
        client: Datadog,
        *,
        app_url: str,
        lookback: timedelta,
        log_events: int,
        monitor_events: int,
        operations: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._operations = Operations(client, operations)
        self._app_url = app_url
        self._lookback = lookback
        self._log_events = log_events
        self._monitor_events = monitor_events

    def sent(self, alert: Alert) -> bool:
        """An alert of Datadog, or of an older release that named no source."""
        return alert.source in ("", self.name)

    async def complete(self, alert: Alert) -> Alert:
        """The alert with what Datadog's event says; as it is where no event is named. Raises from ``schemas.errors``."""
        if not alert.notification_id:
            return alert
        event = await self._client.event(alert.notification_id)
        if event is None:
            raise errors.NotFound(
                f"Datadog has no event {alert.notification_id} yet", reason=NOT_INDEXED
            )
        return completed(alert, event)

    async def monitor(self, rule_id: str) -> Monitor:
        """The monitor by its number. Raises errors.NotFound for an id that is no number, else from ``schemas.errors``."""
        monitor_id = _integer(rule_id)
        if monitor_id is None:
            raise errors.NotFound(f"{rule_id[:40]!r} is no id of a monitor")
        try:
            found = await self._client.monitor(monitor_id)
        except errors.NotFound as failure:
            raise errors.NotFound(
                f"Datadog has no monitor {monitor_id} yet", reason=NOT_INDEXED
            ) from failure
        history = await self._client.events(
            f"@monitor.id:{monitor_id}", since="now-7d", limit=self._monitor_events
        )
        for event in history:
            of = event.get("monitor_id") or (event.get("monitor") or {}).get("id")
            same("Datadog", {"monitor": monitor_id}, {"monitor": _integer(of)})
        return rule_of(found, self._page(monitor_id), tuple(told(event) for event in history))

    async def behind(self, monitor: Monitor) -> list[Monitor]:
        """A composite's members, an objective's monitors or metrics, a test's address; of members that sum up others
        those. What was deleted since is left out. Raises from ``schemas.errors``."""
        found = await self._behind(monitor)
        deeper = await asyncio.gather(
            *(self._behind(one) for one in found if sums_up(one) and one.rule_id != monitor.rule_id)
        )
        own = [one for one in found if not sums_up(one)]
        return [*own, *(one for each in deeper for one in each)][: 2 * MOST]

    async def _behind(self, monitor: Monitor) -> list[Monitor]:
        if monitor.type == "composite":
            return await self._members(members(monitor.query))
        slo = objective(monitor.query)
        if slo:
            found = await self._client.objective(slo)
            numbers = [str(n) for n in items(found, "monitor_ids")[:MOST]]
            return await self._members(numbers) if numbers else [watched_by(found)]
        if monitor.test_id:
            return [called_by(await self._client.test(monitor.test_id), monitor)]
        return []

    async def _members(self, rule_ids: Sequence[str]) -> list[Monitor]:
        numbers = [number for number in map(_integer, rule_ids) if number is not None]
        found = await asyncio.gather(*(self._member(number) for number in numbers))
        return [one for one in found if one is not None]

    async def _member(self, number: int) -> Monitor | None:
        try:
            return rule_of(await self._client.monitor(number), self._page(number))
        except errors.NotFound:
            return None

    def _page(self, monitor_id: int) -> str:
        return f"{self._app_url}/monitors/{monitor_id}" if self._app_url else ""

    async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
        """A search by the tag names that Datadog indexes; empty without one. Raises from ``schemas.errors``."""
        search = " ".join(f'{name}:"{value}"' for name, value in _searchable(names))
        if not search:
            return []
        found = await self._client.logs(
            search, until - self._lookback, _later(until), self._log_events
        )
        return _excerpts(found)

    async def metrics(self, names: Mapping[str, str], until: datetime) -> list[Series]:
        """One query for each metric of the table that the tag names can ask for. Raises from ``schemas.errors``."""
        asked = queries_for(
            cluster=names.get("kube_cluster_name", ""),
            namespace=names.get("kube_namespace", ""),
            workload=next(
                (
                    ObjectRef(kind=kind, name=names[tag])
                    for kind, tag in WORKLOAD_TAGS.items()
                    if names.get(tag)
                ),
                None,
            ),
            traffic=await self._traffic(names),
        )
        if not asked:
            return []
        since = until - self._lookback
        return of_one_environment(await self._client.metrics(asked, since, _later(until)))

    async def _traffic(self, names: Mapping[str, str]) -> Traffic:
        service, env = names.get("service", ""), names.get("env", "")
        said = [one for one in names.get("operation_name", "").split(",") if one]
        found = await self._operations.of(service, env, said)
        return Traffic(service=service, env=env, operations=found)

    def links(self, alert: Alert, names: Mapping[str, str]) -> dict[str, str]:
        """Pages below the configured address; none without one."""
        if not self._app_url:
            return {}
        found = {}
        if self.sent(alert) and alert.rule.id.isdecimal():
            found["monitor"] = f"{self._app_url}/monitors/{alert.rule.id}"
        if self.sent(alert) and alert.notification_id.isdecimal():
            event = urlencode({"id": alert.notification_id})
            found["event"] = f"{self._app_url}/event/event?{event}"
        search = " ".join(f"{name}:{value}" for name, value in _searchable(names))
        if search:
            found["logs"] = f"{self._app_url}/logs?{urlencode({'query': search})}"
        return found


def completed(alert: Alert, event: Mapping[str, Json]) -> Alert:
    """The alert with what it did not say itself taken from its event (v2 attributes)."""
    monitor = event.get("monitor") or {}
    tags = pairs_of(str(tag) for tag in event.get("tags") or ())
    said = str((monitor.get("transition") or {}).get("trans_name", "")).strip().lower()
    happened = event.get("timestamp")
    updates: dict[str, Any] = {
        "rule": _rule(alert.rule, event, monitor),
        "fingerprint": alert.fingerprint or str(event.get("aggregation_key") or ""),
        "labels": {**tags, **alert.labels},
        "host": alert.host or str(event.get("hostname") or ""),
        "is_test": alert.is_test or str(event.get("title") or "").startswith(_TRIED),
    }
    if alert.state == "unknown":
        updates["state"] = _STATES.get(said, "unknown")
    if alert.happened_at is None and isinstance(happened, int | float):
        updates["happened_at"] = datetime.fromtimestamp(happened / 1000, UTC)
    return alert.model_copy(update=updates)


def _rule(said: FiredRule, event: Mapping[str, Json], monitor: Mapping[str, Json]) -> FiredRule:
    """The alert's rule with what it did not say itself."""
    groups = [str(g) for g in event.get("monitor_groups") or () if g]
    number = _integer(event.get("monitor_id") or monitor.get("id"))
    known = {
        "id": said.id or ("" if number is None else str(number)),
        "group": said.group or (groups[0] if groups else ""),
        "query": said.query or str(monitor.get("query") or ""),
    }
    return said.model_copy(update=known)


def _integer(value: Json) -> int | None:
    return int(value) if str(value).isdecimal() else None


#: Tags of logs that say who wrote them, the narrowest first.
_WRITERS = (*WORKLOAD_TAGS.values(), "pod_name")


def _searchable(names: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """The names that logs are found by, as plain tag values: the workload's, else the service's.

    A workload's logs may have another ``service`` for each of its containers, and a service's none of a namespace: they are
    not asked for together.
    """
    named = {tag: value for tag, value in names.items() if _PLAIN.fullmatch(value)}
    writer = next((tag for tag in _WRITERS if tag in named), "")
    tags = (
        ("kube_cluster_name", "kube_namespace", writer)
        if writer or "service" not in named
        else ("service", "env")
    )
    if "kube_namespace" not in named and tags[-1] == "":
        return ()
    return [(tag, named[tag]) for tag in tags if tag in named]


def _later(until: datetime) -> datetime:
    """A little after the alert: what belongs to it is often reported late."""
    return until + timedelta(minutes=2)


def _excerpts(found: Iterable[LogEvent]) -> list[LogExcerpt]:
    grouped: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for event in found:
        tags = dict(tag.split(":", 1) for tag in event.tags if ":" in tag)
        grouped[tags.get("kube_namespace", ""), tags.get("pod_name", ""), event.service].append(
            event.message
        )
    return [
        LogExcerpt(
            source="datadog", namespace=namespace, pod=pod, service=service, lines=tuple(lines)
        )
        for (namespace, pod, service), lines in grouped.items()
    ]
