"""After a merge, from Datadog: the signals by the same queries and arithmetic as before it, the alert's monitor and its measure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from kfix.incident.alert_measures import (
    MonitorQuery,
    is_beyond,
    monitor_query,
    of_group,
    value_of,
)
from kfix.incident.measurements import measure
from kfix.incident.metric_queries import cluster_tag, of_one_environment, queries_for
from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.datadog import Datadog
from learn.core.judgement import AlertReading, AlertState
from manifests.objects.shapes import mapping, number, text
from schemas import errors
from schemas.base import Json
from schemas.merge_requests import Proposal


@guarded("Datadog")
class DatadogSignals:
    """``learn.ports.Signals`` on Datadog's metrics."""

    name = "datadog"

    def __init__(self, client: Datadog) -> None:
        self._client = client

    async def measure(
        self, proposal: Proposal, since: datetime, until: datetime
    ) -> dict[str, float]:
        """Asks the metrics of the table that the proposal's tags can ask for. Raises from ``schemas.errors``."""
        context = proposal.context
        asked = queries_for(
            cluster=cluster_tag(context.tags, context.cluster),
            namespace=context.namespace,
            workload=proposal.analysis.object,
            traffic=context.traffic,
        )
        if not asked or int(until.timestamp()) <= int(since.timestamp()):
            return {}  # Datadog counts whole seconds and refuses a window without one
        series = await self._client.metrics(asked, since, until)
        return measure(of_one_environment(series), since.timestamp(), until.timestamp())


#: A monitor's or a group's state, as the API writes it. ``No Data``, ``Ignored``, ``Skipped`` and ``Unknown`` say nothing.
_STATES: Mapping[str, AlertState] = {"ok": "ok", "alert": "alerting", "warn": "warning"}
#: Where the group's last change to that state is.
_CHANGED: Mapping[str, str] = {"ok": "last_resolved_ts", "alerting": "last_triggered_ts"}


@guarded("Datadog")
class DatadogAlerts:
    """``learn.ports.AlertStates`` on Datadog's monitors."""

    sources = ("datadog", "")

    def __init__(self, client: Datadog) -> None:
        self._client = client

    async def reading(self, proposal: Proposal, since: datetime, until: datetime) -> AlertReading:
        """The state of the monitor's group, and its measure. A monitor that was deleted tells nothing any more."""
        watched = proposal.context.watched
        number_ = watched.rule_id or str(proposal.context.monitor_id or "")
        if not number_.isdecimal():
            return AlertReading()
        try:
            found = await self._client.monitor(int(number_))
        except errors.NotFound:
            return AlertReading()
        state, at = _standing(found, watched.group)
        now = await self.measure(proposal, since, until)
        return AlertReading(
            state=state,
            since=at,
            now=now,
            beyond=is_beyond(watched, now) if now is not None else None,
            from_below=watched.side.startswith("<"),
        )

    async def measure(self, proposal: Proposal, since: datetime, until: datetime) -> float | None:
        """What the monitor's query compares, of the alert's group, over its own window where there is as much time.

        A sum over less time than the monitor's window counts as if it had gone on so. Raises from ``schemas.errors``.
        """
        watched = proposal.context.watched
        query = monitor_query(watched.query)
        begin, end = int(since.timestamp()), int(until.timestamp())
        if query is None or end <= begin:
            return None
        begin = max(begin, end - query.window_s)
        series = await self._client.metrics(
            [query.query], datetime.fromtimestamp(begin, UTC), until
        )
        found = value_of(of_group(series, watched.group), watched, query.over, begin, end)
        return None if found is None else found * _scale(query, end - begin)


def _scale(query: MonitorQuery, seconds: int) -> float:
    return query.window_s / seconds if query.over == "sum" else 1.0


def _standing(found: Mapping[str, Json], group: str) -> tuple[AlertState, datetime | None]:
    """The state of a monitor's group and since when; of all of it where no group is named, or where all is well."""
    overall = _STATES.get(text(found, "overall_state").lower(), "silent")
    wanted = _parts(group)
    if not wanted:
        return overall, _since(_only(mapping(found, "state", "groups")), overall)
    for name, told in mapping(found, "state", "groups").items():
        if _parts(str(name)) == wanted:
            state = _STATES.get(text(told, "status").lower(), "silent")
            return state, _since(told, state)
    return ("ok", None) if overall == "ok" else ("silent", None)


def _only(groups: Mapping[str, Json]) -> Json:
    return next(iter(groups.values())) if len(groups) == 1 else {}


def _since(group: Json, state: AlertState) -> datetime | None:
    second = number(mapping(group).get(_CHANGED.get(state, "")))
    return datetime.fromtimestamp(second, UTC) if second > 0 else None


def _parts(group: str) -> set[str]:
    return {part.strip().lower() for part in group.split(",") if part.strip(" *")}
