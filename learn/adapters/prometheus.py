"""After a merge, from Prometheus: the signals by the same queries and arithmetic as before it, the alert's rule and its measure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from kfix.incident.alert_measures import is_beyond, value_of
from kfix.incident.measurements import measure
from kfix.incident.metric_queries import WORKLOAD_TAGS
from kfix.incident.prometheus.queries import RATE_S, PromQuestion, SeriesOf, questions
from kfix.incident.prometheus.rules import AlertingRule, rule_of
from kfix.incident.prometheus.series import answered
from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.prometheus import Prometheus
from learn.core.judgement import AlertReading, AlertState
from schemas import errors
from schemas.alerts import Alert, FiredRule
from schemas.context import Series
from schemas.merge_requests import Proposal

_ALONE = SeriesOf()


@guarded("Prometheus")
class PrometheusSignals:
    """``learn.ports.Signals`` on Prometheus' metrics."""

    name = "prometheus"

    def __init__(self, client: Prometheus, whose: SeriesOf = _ALONE) -> None:
        self._client = client
        self._whose = whose

    async def measure(
        self, proposal: Proposal, since: datetime, until: datetime
    ) -> dict[str, float]:
        """Asks the metrics of the table that the proposal can ask for. Raises from ``schemas.errors``.

        A rate at ``since`` is that of the minutes before it: rates are read from when they tell of what came after.
        """
        tags = _tags(proposal)
        names = {"kube_cluster_name": proposal.context.cluster, **tags}
        asked = questions({**names, "service": proposal.context.service}, self._whose)
        found = await asyncio.gather(*(self._read(q, tags, since, until) for q in asked))
        series = [one for part in found for one in part]
        return measure(series, since.timestamp(), until.timestamp())

    async def _read(
        self, question: PromQuestion, tags: dict[str, str], since: datetime, until: datetime
    ) -> list[Series]:
        begin = since + timedelta(seconds=RATE_S) if question.is_rate else since
        if begin >= until:
            return []
        found = await self._client.query_range(question.promql, begin, until)
        return [answered(question, s.labels, s.timestamps, s.values, tags) for s in found]


def _tags(proposal: Proposal) -> dict[str, str]:
    context, about = proposal.context, proposal.analysis.object
    found = {"kube_namespace": context.namespace}
    if about is not None and about.kind in WORKLOAD_TAGS:
        found[WORKLOAD_TAGS[about.kind]] = about.name
    return {name: value for name, value in found.items() if value}


_STATES: Mapping[str, AlertState] = {"alert": "alerting", "warn": "warning", "ok": "ok"}
#: Series of a rule's own measure, once it is narrowed to the alert's group.
_OWN_SERIES = 20
#: Before and after the alert's time, in which its rule must have fired here to be believed that it does not any more.
_FIRED_BEFORE, _FIRED_AFTER = timedelta(hours=6), timedelta(minutes=2)


@guarded("Prometheus")
class PrometheusAlerts:
    """``learn.ports.AlertStates`` on Prometheus' alerting rules."""

    sources = ("alertmanager",)

    def __init__(self, client: Prometheus, whose: SeriesOf = _ALONE) -> None:
        self._client = client
        self._whose = whose

    async def reading(self, proposal: Proposal, since: datetime, until: datetime) -> AlertReading:
        """The state of the rule's alert, and its measure. A rule that is not here, or not any more, tells nothing."""
        found = await self._rule(proposal)
        if found is None:
            return AlertReading()
        rule, alert = found
        times = await self._fired(rule, alert, proposal.context.alerted_at, until)
        known = proposal.context.alerted_at + _FIRED_AFTER
        fired = any(at <= known.timestamp() for at in times)
        own = rule.states(alert.model_copy(update={"happened_at": since}), fired=fired)
        state: AlertState = _STATES.get(own.get(alert.rule.group, "").lower(), "silent")
        watched = proposal.context.watched
        now = await self._measured(rule, alert, proposal, since, until)
        return AlertReading(
            state=state,
            since=datetime.fromtimestamp(max(times), UTC) if state == "ok" and times else None,
            now=now,
            beyond=is_beyond(watched, now) if now is not None else None,
            from_below=watched.side.startswith("<"),
        )

    async def measure(self, proposal: Proposal, since: datetime, until: datetime) -> float | None:
        """The mean over time of what the rule's expression compares, of the alert's group. Raises from ``schemas.errors``."""
        found = await self._rule(proposal)
        return await self._measured(*found, proposal, since, until) if found is not None else None

    async def _rule(self, proposal: Proposal) -> tuple[AlertingRule, Alert] | None:
        context = proposal.context
        if not context.watched.rule_id or not self._whose.has(context.cluster):
            return None
        alert = Alert(
            source=context.watched.source,
            rule=FiredRule(id=context.watched.rule_id, group=context.watched.group),
            labels=context.tags,
            happened_at=context.alerted_at,
        )
        try:
            return rule_of(alert, await self._client.alerting_rules()), alert
        except errors.NotFound:
            return None

    async def _fired(
        self, rule: AlertingRule, alert: Alert, at: datetime, until: datetime
    ) -> list[float]:
        found = await self._client.query_range(rule.episodes(alert), at - _FIRED_BEFORE, until)
        return [moment for one in found for moment in one.timestamps]

    async def _measured(
        self,
        rule: AlertingRule,
        alert: Alert,
        proposal: Proposal,
        since: datetime,
        until: datetime,
    ) -> float | None:
        watched = proposal.context.watched
        if not watched.measure or since >= until:
            return None
        try:
            found = await self._client.query_range(
                rule.narrowed(alert), since, until, series=_OWN_SERIES
            )
        except errors.Rejected:
            return None
        series = [
            Series(metric=rule.name, timestamps=one.timestamps, values=one.values) for one in found
        ]
        return value_of(series, watched, "avg", since.timestamp(), until.timestamp())
