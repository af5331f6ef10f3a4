"""An alert of another sender is not looked up where it is unknown; logs and metrics are asked for all the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from enrich.adapters.datadog import DatadogEvidence
from enrich.adapters.sharing import SharedObservability
from enrich.adapters.unconfigured import NoClusterReader, NoObservability, NoRepository
from enrich.core.bundle import Rules
from enrich.core.unanswered import decisive
from enrich.ports import ClusterSources, Sources
from enrich.service.gathering import gather
from kfix.incident.cluster_names import Fleet, Own
from schemas import errors
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.context import LogExcerpt, Monitor, Series
from tests.support.enrich import NoMemory

AT = datetime(2026, 11, 24, tzinfo=UTC)
ALERT = Alert(
    source="alertmanager",
    notification_id="77",
    state="firing",
    rule=FiredRule(id="9001"),
    labels={"namespace": "shop", "deployment": "api"},
)


class Watching(NoObservability):
    """Knows the alerts of one source; ``asked`` keeps what it was asked."""

    name = "watching"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def sent(self, alert: Alert) -> bool:
        return alert.source == self.name

    async def complete(self, alert: Alert) -> Alert:
        self.asked.append("event")
        return alert

    async def monitor(self, rule_id: str) -> Monitor:
        self.asked.append("monitor")
        return Monitor(rule_id=rule_id)

    async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
        self.asked.append("logs")
        return []

    async def metrics(self, names: Mapping[str, str], until: datetime) -> list[Series]:
        self.asked.append("metrics")
        return []


@pytest.mark.parametrize(
    ("source", "asked"),
    [("alertmanager", ["logs", "metrics"]), ("watching", ["monitor", "logs", "metrics"])],
)
async def test_only_its_own_alerts_are_looked_up(source: str, asked: list[str]) -> None:
    watching = Watching()
    shared = SharedObservability(watching, at_once=4, keep_s=1.0)
    raw = RawAlert(
        event_id="1",
        occurred_at=AT,
        body_sha256="",
        body=b"",
        alert=ALERT.model_copy(update={"source": source}),
    )
    sources = Sources(
        shared, {"eu-1": ClusterSources(NoClusterReader(), NoRepository())}, NoMemory()
    )
    bundle = await gather(raw, sources, Rules(fleet=Fleet.of(Own("eu-1"))), 5.0)
    assert watching.asked == asked
    named = {s.name for s in bundle.sources}
    assert {"watching.logs", "watching.metrics"} <= named
    assert ("watching.monitor" in named) == (source == "watching")


def evidence() -> DatadogEvidence:
    """Datadog of which nothing is asked over the network."""
    return DatadogEvidence(
        cast(Any, None),
        app_url="https://app.example",
        lookback=timedelta(hours=1),
        log_events=1,
        monitor_events=1,
    )


@pytest.mark.parametrize(
    ("source", "pages"),
    [
        ("datadog", {"monitor", "event", "logs"}),
        ("", {"monitor", "event", "logs"}),
        ("alertmanager", {"logs"}),
    ],
)
def test_datadog_links_to_its_own_monitors_and_events_alone(source: str, pages: set[str]) -> None:
    alert = ALERT.model_copy(update={"source": source})
    assert evidence().sent(alert) == (source != "alertmanager")
    assert set(evidence().links(alert, {"kube_namespace": "shop"})) == pages


async def test_a_rule_whose_id_is_no_monitors_is_not_found() -> None:
    with pytest.raises(errors.NotFound):
        await evidence().monitor("KubePodCrashLooping")


@pytest.mark.parametrize("name", ["datadog.event", "watching.monitor", "kubernetes.objects"])
def test_what_tells_subject_and_state_is_decisive_whoever_watches(name: str) -> None:
    assert decisive(name)
    assert not decisive(name.split(".", maxsplit=1)[0] + ".logs")
