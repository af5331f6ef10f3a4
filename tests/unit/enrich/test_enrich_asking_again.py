"""An alert whose evidence could not be asked for is put back in line, and goes on when that is used up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from enrich.adapters.unconfigured import NoClusterReader, NoObservability, NoRepository
from enrich.agent import enrich
from enrich.core.bundle import Recalled, Rules
from enrich.core.unanswered import NOT_INDEXED
from enrich.ports import (
    ClusterReader,
    ClusterSources,
    EarlierIncidents,
    EnrichPorts,
    Listing,
    Sources,
)
from kfix.incident.cluster_names import Fleet, Own
from schemas import errors
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.base import Json
from schemas.context import ContextBundle, LogExcerpt, Monitor
from tests.support.enrich import NoMemory

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


class Silent:
    """A cluster that fails as told."""

    def __init__(self, failure: Exception | None, logs: Exception | None = None) -> None:
        self.failure, self.log_failure = failure, logs

    async def objects(self, namespace: str, *, since: datetime | None = None) -> Listing:
        if self.failure is not None:
            raise self.failure
        return Listing({"pods": []})

    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        if self.log_failure is not None:
            raise self.log_failure
        return []


class Forgetful:
    """A memory that is away."""

    async def recall(self, signature: str) -> Recalled:
        raise errors.Unavailable("away")


def ports(cluster: ClusterReader, memory: EarlierIncidents | None = None) -> EnrichPorts:
    asked = Sources(
        NoObservability(),
        {"east-1": ClusterSources(cluster, NoRepository())},
        memory or NoMemory(),
    )
    return EnrichPorts(asked, Rules(fleet=Fleet.of(Own("east-1"))), 5.0, ask_again=4)


def raw(**said: Any) -> RawAlert:
    known = {"title": "t", "state": "firing", "labels": {"kube_namespace": "shop"}, **said}
    alert = Alert(**known)
    return RawAlert(event_id="dd-1", occurred_at=AT, body_sha256="0" * 64, body=b"", alert=alert)


@pytest.mark.parametrize(
    "failure",
    [
        errors.Unavailable("503"),
        errors.RateLimited("429", retry_after_s=300),
        errors.TimedOut("slow"),
        TimeoutError(),
    ],
)
async def test_a_silent_cluster_is_asked_again_four_times(failure: Exception) -> None:
    with pytest.raises(errors.Unanswered) as raised:
        await enrich(raw(), ports(Silent(failure)))
    assert raised.value.rounds == 4
    assert "kubernetes.objects" in str(raised.value)
    goes_on = raised.value.otherwise
    assert isinstance(goes_on, ContextBundle)
    (status,) = [s for s in goes_on.sources if s.name == "kubernetes.objects"]
    assert (status.state, status.why) == ("missing", "unanswered")


async def test_what_only_adds_to_the_evidence_is_asked_again_once() -> None:
    with pytest.raises(errors.Unanswered) as raised:
        await enrich(raw(), ports(Silent(None, logs=errors.Unavailable("503"))))
    assert raised.value.rounds == 1


@pytest.mark.parametrize(
    ("cluster", "why"),
    [(Silent(errors.Unauthorized("403")), "refused"), (NoClusterReader(), "absent")],
)
async def test_what_a_person_must_mend_or_does_not_exist_is_not_asked_again(
    cluster: ClusterReader, why: str
) -> None:
    bundle = await enrich(raw(), ports(cluster))
    assert bundle is not None
    assert {s.why for s in bundle.sources if s.name == "kubernetes.objects"} == {why}


class Behind(NoObservability):
    """A Datadog that has not indexed the event, or the monitor, yet."""

    async def complete(self, alert: Alert) -> Alert:
        raise errors.NotFound("Datadog has no event 1 yet", reason=NOT_INDEXED)

    async def monitor(self, rule_id: str) -> Monitor:
        raise errors.NotFound("Datadog has no monitor 1 yet", reason=NOT_INDEXED)


@pytest.mark.parametrize(
    ("said", "name", "rounds"),
    [
        ({"notification_id": "1", "state": "unknown"}, "observability.event", 4),
        ({"rule": FiredRule(id="1")}, "observability.monitor", 2),
    ],
)
async def test_what_is_not_indexed_yet_is_asked_for_again_and_then_said_as_missing(
    said: dict[str, Any], name: str, rounds: int
) -> None:
    there = {"east-1": ClusterSources(Silent(None), NoRepository())}
    asked = Sources(Behind(), there, NoMemory())
    rules = Rules(fleet=Fleet.of(Own("east-1")))
    with pytest.raises(errors.Unanswered) as raised:
        await enrich(raw(**said), EnrichPorts(asked, rules, 5.0, 4))
    assert raised.value.rounds == rounds
    goes_on = raised.value.otherwise
    assert isinstance(goes_on, ContextBundle)
    assert {s.name: s.state for s in goes_on.sources}[name] == "missing"


async def test_an_absent_memory_holds_up_nobody() -> None:
    assert await enrich(raw(), ports(Silent(None), Forgetful())) is not None
