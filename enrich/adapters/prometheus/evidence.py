"""Prometheus as enrich sees it: the alert's rule, the rule's own measure, and a workload's metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from enrich.adapters.sharing import Shared
from enrich.ports import Observability
from kfix.incident.metric_queries import WORKLOAD_TAGS
from kfix.incident.prometheus.labels import neutral
from kfix.incident.prometheus.queries import SeriesOf, questions
from kfix.incident.prometheus.rules import AlertingRule, monitor_of, rule_of
from kfix.incident.prometheus.series import answered
from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.prometheus import Prometheus
from schemas import errors
from schemas.alerts import Alert
from schemas.context import LogExcerpt, Monitor, Series

_NAME = "Prometheus"
_ALONE = SeriesOf()
Rules = list[Mapping[str, Any]]
#: Series of a rule's own measure, once it is narrowed to the alert's group.
_OWN_SERIES = 20
#: How far back it is looked when the alert's group fired.
_HISTORY = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class PrometheusReads:
    """One Prometheus and how it is asked. ``app_url``: base of its pages; ``lookback``: before an alert."""

    client: Prometheus
    app_url: str
    lookback: timedelta
    whose: SeriesOf = _ALONE


class PrometheusWatcher:
    """``enrich.adapters.watchers.Watcher``: alerts share the rules that were read, for ``keep_s`` seconds."""

    def __init__(self, reads: PrometheusReads, *, keep_s: float) -> None:
        self._reads = reads
        self._rules: Shared[str, Rules] = Shared(self._read, keep_s=keep_s)

    async def _read(self, _: str) -> Rules:
        return await self._reads.client.alerting_rules()

    def sent(self, alert: Alert) -> bool:
        """Alertmanager's alerts are of Prometheus' rules."""
        return alert.source == "alertmanager"

    def about(self, alert: Alert, at: datetime) -> Observability:
        """What it knows of an alert that came ``at``: its rules as they were then or later."""
        since = at.timestamp()
        return PrometheusEvidence(self._reads, alert, lambda: self._rules.get("", since))


@guarded(_NAME)
class PrometheusEvidence:
    """``enrich.ports.Observability`` for one alert: names of rules are not unique, and its labels tell which one it is."""

    name = "prometheus"
    keeps_logs = False

    def __init__(
        self, reads: PrometheusReads, alert: Alert, rules: Callable[[], Awaitable[Rules]]
    ) -> None:
        self._reads = reads
        self._alert = alert
        self._rules = rules

    def sent(self, alert: Alert) -> bool:
        """Alertmanager's alerts are of Prometheus' rules."""
        return alert.source == "alertmanager"

    async def complete(self, alert: Alert) -> Alert:
        """As it is: Alertmanager says everything at once."""
        return alert

    async def monitor(self, rule_id: str) -> Monitor:
        """The alert's rule, its groups' states and when this one fired. Raises errors.NotFound for a rule that is not here."""
        rule = await self._rule()
        until = self._alert.happened_at
        fired = [] if until is None else await self._fired(rule, until)
        return monitor_of(rule, self._alert, fired, self._reads.app_url)

    async def behind(self, monitor: Monitor) -> list[Monitor]:
        """None: a rule's expression watches series itself."""
        return []

    async def _rule(self) -> AlertingRule:
        """The alert's rule; an alert about a cluster whose series are not here has none."""
        if not self._reads.whose.has(self._alert.labels.get("kube_cluster_name", "")):
            raise errors.NotFound("Prometheus has no series of the alert's cluster")
        return rule_of(self._alert, await self._rules())

    async def _fired(self, rule: AlertingRule, until: datetime) -> list[tuple[float, ...]]:
        found = await self._reads.client.query_range(
            rule.episodes(self._alert), until - _HISTORY, _later(until)
        )
        return [one.timestamps for one in found]

    async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
        """None: Prometheus keeps no logs."""
        return []

    async def metrics(self, names: Mapping[str, str], until: datetime) -> list[Series]:
        """The rule's own measure, and one query for each metric of the table that the names can ask for."""
        since, end = until - self._reads.lookback, _later(until)
        asked = questions(names, self._reads.whose)
        tags = {
            name: names[name]
            for name in ("kube_namespace", *WORKLOAD_TAGS.values())
            if names.get(name)
        }
        answers = (self._reads.client.query_range(q.promql, since, end) for q in asked)
        own, found = await asyncio.gather(self._own(since, end), asyncio.gather(*answers))
        ours = (
            answered(question, one.labels, one.timestamps, one.values, tags)
            for question, series in zip(asked, found, strict=True)
            for one in series
        )
        return [*own, *ours]

    async def _own(self, since: datetime, end: datetime) -> list[Series]:
        """What the alert's rule compares, by the rules that Prometheus has; nothing where it has no such rule."""
        if not self.sent(self._alert):
            return []
        try:
            rule = await self._rule()
            found = await self._reads.client.query_range(
                rule.narrowed(self._alert), since, end, series=_OWN_SERIES
            )
        except (errors.NotFound, errors.Rejected):
            return []
        return [
            Series(
                metric=rule.name,
                tags=neutral(one.labels),
                query=rule.measure,
                timestamps=one.timestamps,
                values=one.values,
            )
            for one in found
        ]

    def links(self, alert: Alert, names: Mapping[str, str]) -> dict[str, str]:
        """Its page of alerts, below the configured address."""
        return {"alerts": f"{self._reads.app_url}/alerts"} if self._reads.app_url else {}


def _later(until: datetime) -> datetime:
    """A little after the alert: a scrape, an evaluation."""
    return until + timedelta(minutes=2)
