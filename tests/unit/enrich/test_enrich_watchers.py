"""Several systems watch: an alert's own one answers for it, and somebody else's alert is looked at by the first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from enrich.adapters.unconfigured import NoClusterReader, NoObservability, NoRepository
from enrich.adapters.watchers import Watchers
from enrich.core.bundle import Rules
from enrich.ports import ClusterSources, Observability, Sources
from enrich.service.gathering import gather
from kfix.incident.cluster_names import Fleet, Own
from schemas.alerts import Alert, RawAlert
from tests.support.enrich import NoMemory

AT = datetime(2026, 11, 24, tzinfo=UTC)
NOBODY = ClusterSources(NoClusterReader(), NoRepository())


class Named(NoObservability):
    def __init__(self, name: str, *sources: str) -> None:
        self.name = name
        self.sources = sources
        self.since: datetime | None = None

    def sent(self, alert: Alert) -> bool:
        return alert.source in self.sources

    def about(self, alert: Alert, at: datetime) -> Observability:
        self.since = at
        return self


@pytest.mark.parametrize(
    ("source", "name"),
    [("one", "first"), ("", "first"), ("two", "second"), ("three", "second"), ("four", "first")],
)
def test_the_alerts_own_one_answers(source: str, name: str) -> None:
    known = [Named("first", "one", ""), Named("second", "two", "three")]
    chosen = Watchers(known).about(Alert(source=source), AT)
    assert chosen.name == name
    assert [one.since for one in known if one.name == name] == [AT]


@pytest.mark.parametrize("keeps", [True, False])
async def test_who_keeps_no_logs_is_asked_for_none_and_lacks_none(keeps: bool) -> None:
    watching = Named("only", "one")
    watching.keeps_logs = keeps
    raw = RawAlert(
        event_id="1",
        occurred_at=AT,
        body_sha256="",
        body=b"",
        alert=Alert(source="one", state="firing", labels={"namespace": "shop", "cluster": "eu-1"}),
    )
    sources = Sources(watching, {"eu-1": NOBODY}, NoMemory())
    bundle = await gather(raw, sources, Rules(fleet=Fleet.of(Own("eu-1"))), 5.0)
    told = {status.name for status in bundle.sources}
    assert "only.metrics" in told
    assert ("only.logs" in told) is keeps


def test_one_alone_answers_for_everybody() -> None:
    assert Watchers([Named("only", "one")]).about(Alert(source="two"), AT).name == "only"
