"""The signals after a merge, from Datadog: the same queries and the same arithmetic as before it."""

from __future__ import annotations

from datetime import datetime

from kfix.incident.measurements import measure
from kfix.incident.metric_queries import cluster_tag, of_one_environment, queries_for
from kfix.infra.clients.boundary import guarded
from kfix.infra.clients.datadog import Datadog
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
