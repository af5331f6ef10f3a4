"""A merged fix that did not hold: its alert's evidence is gathered once more, under the alert's identities of then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from enrich.adapters.archive import SqlAlertArchive
from enrich.adapters.unconfigured import NoObservability, NoRepository
from enrich.agent import enrich, look_again
from enrich.core.bundle import Rules
from enrich.core.retrying import ALERT
from enrich.ports import ClusterSources, EnrichPorts, Listing, Sources
from kfix.incident.cluster_names import Fleet, Own
from kfix.infra.store import metadata
from kfix.infra.store.engine import open_engine
from schemas import errors
from schemas.alerts import Alert, RawAlert
from schemas.base import Json, ObjectRef
from schemas.context import ContextBundle, LogExcerpt
from schemas.merge_requests import MergeRequestRef
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan, FieldChange, KubernetesChange
from tests.support.enrich import NoMemory

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATER = AT + timedelta(minutes=40)
CART = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="cart")
LIMIT = "spec.template.spec.containers[name=app].resources.limits.memory"
SECRET = "hunter2hunter2"


class Living:
    """A cluster that has changed each time it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: Exception | None = None

    async def objects(self, namespace: str, *, since: datetime | None = None) -> Listing:
        if self.failure is not None:
            raise self.failure
        self.asked += 1
        about = {"name": f"cart-{self.asked}", "namespace": "shop"}
        pod: Json = {"kind": "Pod", "metadata": about}
        return Listing({"pods": [pod]})

    async def logs(self, pods: Any) -> list[LogExcerpt]:
        return []


@pytest.fixture
def cluster() -> Living:
    return Living()


@pytest.fixture
def ports(cluster: Living, tmp_path: Path) -> Iterator[EnrichPorts]:
    engine = open_engine(f"sqlite:///{tmp_path}/kfix.db")
    metadata.create_all(engine)
    asked = Sources(
        NoObservability(),
        {"east-1": ClusterSources(cluster, NoRepository())},
        NoMemory(),
    )
    yield EnrichPorts(
        asked,
        Rules(fleet=Fleet.of(Own("east-1"))),
        5.0,
        ask_again=4,
        archive=SqlAlertArchive(engine, timedelta(days=30)),
        now=lambda: LATER,
    )
    engine.dispose()


def raw(**said: Any) -> RawAlert:
    known = {
        "title": f"cart dies password={SECRET}",
        "state": "firing",
        "labels": {"kube_namespace": "shop"},
        **said,
    }
    return RawAlert(
        event_id="dd-1",
        trace_id="trace-1",
        occurred_at=AT,
        body_sha256="0" * 64,
        body=b"",
        alert=Alert(**known),
    )


def plan() -> ActionPlan:
    there = FieldChange(path=LIMIT, before="256Mi", after="384Mi")
    back = FieldChange(path=LIMIT, before="384Mi", after="256Mi")
    return ActionPlan(
        plan_id="plan-1",
        title="Raise memory",
        fix_kind="set_memory",
        confidence=0.9,
        justification="because",
        kubernetes_changes=(KubernetesChange(object=CART, fields=(there,)),),
        rollback_changes=(KubernetesChange(object=CART, fields=(back,)),),
    )


def outcome(**more: Any) -> Outcome:
    made: dict[str, Any] = {
        "event_id": "out-1",
        "trace_id": "trace-1",
        "occurred_at": LATER,
        "incident_id": "inc-1",
        "fingerprint": "fp-1",
        "result": "failure",
        "failure_class": "oom_killed",
        "object": CART,
        "plan": plan(),
        "merge_request": MergeRequestRef(project="shop/deployments", iid=5, url="https://x/5"),
        "explanation": "2 of 3 pods are ready",
        "merged_at": AT + timedelta(minutes=10),
        "checked_at": LATER,
        **more,
    }
    return Outcome(**made)


async def gathered(told: Outcome, ports: EnrichPorts) -> ContextBundle:
    found = await look_again(told, ports)
    assert found is not None
    return found


async def test_the_evidence_is_of_now_and_the_identities_are_the_alert_s(
    ports: EnrichPorts,
) -> None:
    first = await enrich(raw(), ports)
    assert first is not None
    again = await gathered(outcome(), ports)
    assert again.event_id != first.event_id
    assert again.trace_id == "trace-1"
    assert (again.cycle, again.trouble) == (first.cycle, first.trouble)
    assert (again.alerted_at, again.occurred_at) == (AT, LATER)
    assert again.k8s_context.objects["pods"] != first.k8s_context.objects["pods"]
    assert again.retry_of == "inc-1"
    failed = again.failed_attempt
    assert failed is not None
    assert (failed.iid, failed.fix_kind, failed.changes_hash) == (
        5,
        "set_memory",
        plan().changes_hash,
    )
    assert [(c.before, c.after) for c in failed.changes] == [("256Mi", "384Mi")]
    assert failed.explanation == "2 of 3 pods are ready"
    assert [(p.incident_id, p.result) for p in again.failed_patterns] == [("inc-1", "failure")]


async def test_what_is_kept_is_masked(ports: EnrichPorts, tmp_path: Path) -> None:
    await enrich(raw(), ports)
    found = await ports.archive.find("trace-1")
    assert found is not None
    assert SECRET not in found.alert.model_dump_json()
    assert SECRET.encode() not in (tmp_path / "kfix.db").read_bytes()


async def test_a_redelivery_has_the_same_id_and_a_later_word_on_the_attempt_asks_for_nothing(
    ports: EnrichPorts, cluster: Living
) -> None:
    await enrich(raw(), ports)
    first = await gathered(outcome(), ports)
    assert (await gathered(outcome(), ports)).event_id == first.event_id
    asked = cluster.asked
    assert await look_again(outcome(event_id="out-with-feedback"), ports) is None
    assert cluster.asked == asked
    other = await gathered(outcome(event_id="out-2", incident_id="inc-1-try2"), ports)
    assert other.event_id != first.event_id


@pytest.mark.parametrize(
    "more",
    [
        {"result": "success"},
        {"result": "partial"},
        {"result": "rejected", "merged_at": None, "checked_at": None},
        {"came_back_at": LATER},
        {"incident_id": "inc-1-revert"},
    ],
)
async def test_only_a_fix_that_failed_when_it_was_watched_is_gathered_for(
    ports: EnrichPorts, cluster: Living, more: dict[str, Any]
) -> None:
    assert await look_again(outcome(**more), ports) is None
    assert cluster.asked == 0


async def test_an_alert_that_is_not_kept_any_more_is_told_as_such(
    ports: EnrichPorts, cluster: Living
) -> None:
    gone = await gathered(outcome(), ports)
    assert cluster.asked == 0
    assert [(s.name, s.state) for s in gone.sources] == [(ALERT, "missing")]
    assert (gone.retry_of, gone.trace_id) == ("inc-1", "trace-1")
    assert gone.failed_attempt is not None


async def test_a_cluster_that_is_away_is_asked_again_and_the_retry_is_still_this_outcome_s(
    ports: EnrichPorts, cluster: Living
) -> None:
    await enrich(raw(), ports)
    cluster.failure = errors.Unavailable("503")
    with pytest.raises(errors.Unanswered) as raised:
        await look_again(outcome(), ports)
    goes_on = raised.value.otherwise
    assert isinstance(goes_on, ContextBundle)
    assert goes_on.retry_of == "inc-1"
    cluster.failure = None
    assert (await gathered(outcome(), ports)).event_id == goes_on.event_id


@pytest.mark.parametrize("said", [{"state": "resolved"}, {"is_test": True}])
async def test_a_recovery_and_a_test_are_not_kept(ports: EnrichPorts, said: dict[str, Any]) -> None:
    await enrich(raw(**said), replace(ports, now=lambda: AT))
    assert await ports.archive.find("trace-1") is None
