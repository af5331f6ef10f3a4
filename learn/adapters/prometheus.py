"""The signals after a merge, from Prometheus: the same queries and the same arithmetic as before it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from kfix.incident.measurements import measure
from kfix.incident.metric_queries import WORKLOAD_TAGS
from kfix.incident.prometheus.queries import RATE_S, PromQuestion, SeriesOf, questions
from kfix.incident.prometheus.series import answered
from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.prometheus import Prometheus
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
