"""One round of questions: side by side, each with its deadline; what fails is named and blocks nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from enrich.adapters.unconfigured import NoClusterReader, NoObservability, NoRepository
from enrich.core.bounds import size
from enrich.core.bundle import Recalled, Rules
from enrich.ports import ClusterSources, Listing, Sources
from enrich.service.gathering import gather
from kfix.incident.cluster_names import Fleet, Own
from schemas import errors
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.base import Json, ObjectRef
from schemas.context import (
    Change,
    ContextBundle,
    DeclaredObject,
    LogExcerpt,
    Monitor,
    Series,
    SimilarIncident,
)
from tests.support.enrich import NoMemory

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
OURS = Fleet.of(Own("east-1"))
TAGS = {"kube_namespace": "shop", "kube_deployment": "api"}
OWNER = [{"kind": "Deployment", "name": "api", "controller": True}]
OBJECTS: dict[str, list[Json]] = {
    "deployments": [{"kind": "Deployment", "metadata": {"name": "api", "namespace": "shop"}}],
    "pods": [
        {
            "kind": "Pod",
            "metadata": {"name": "api-0", "namespace": "shop", "ownerReferences": OWNER},
        },
        {"kind": "Pod", "metadata": {"name": "other", "namespace": "shop"}},
    ],
}


class Datadog:
    """An observability that knows one monitor; ``asked`` keeps what it was asked."""

    def __init__(self, **said: Any) -> None:
        self.asked: list[str] = []
        self.said = said

    name = "datadog"
    keeps_logs = True

    def sent(self, alert: Alert) -> bool:
        return True

    async def complete(self, alert: Alert) -> Alert:
        self.asked.append("complete")
        return alert.model_copy(
            update={
                "rule": FiredRule(id="7"),
                "labels": TAGS,
                "state": self.said.get("state", "firing"),
            }
        )

    async def monitor(self, rule_id: str) -> Monitor:
        self.asked.append("monitor")
        return Monitor(rule_id=rule_id, name="CPU", tags=("team:pay",))

    async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
        self.asked.append("logs")
        return [
            LogExcerpt(source="datadog", pod=pod, lines=("from datadog",))
            for pod in ("api-0", "old")
        ]

    async def metrics(self, names: Mapping[str, str], until: datetime) -> list[Series]:
        self.asked.append("metrics")
        if self.said.get("slow"):
            await asyncio.sleep(60)
        if self.said.get("down"):
            raise errors.Unavailable("503 from api, password=hunter22")
        return [Series(metric="cpu")]

    def links(self, alert: Alert, names: Mapping[str, str]) -> dict[str, str]:
        return {"monitor": f"https://app.example/monitors/{alert.rule.id}"}


class Cluster:
    """A cluster with one workload."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.pods: list[str] = []
        self.refused = refused

    async def objects(self, namespace: str) -> Listing:
        return Listing(OBJECTS if namespace == "shop" else {}, self.refused)

    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        self.pods = [pod["metadata"]["name"] for pod in pods]
        return [
            LogExcerpt(pod=name, container="app", lines=("from kubelet",)) for name in self.pods
        ]


class Repository:
    """A repository that declares everything; ``asked`` keeps for whom and where."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def declared(
        self, subject: ObjectRef, environment: str, reads: Sequence[ObjectRef] = ()
    ) -> tuple[list[DeclaredObject], list[Change]]:
        self.asked.append((subject.key, environment))
        return [DeclaredObject(path="api.yaml", object={})], [Change(kind="commit", summary="c")]


class Memory:
    """A memory with one lesson, in which somebody wrote a secret."""

    async def recall(self, signature: str) -> Recalled:
        similar = SimilarIncident(incident_id="inc-1", similarity=0.9, lesson="api_key=abcdef123")
        return Recalled(similar=(similar,), lessons=("use password=hunter22",))


def sources(**found: Any) -> Sources:
    """``cluster`` and ``repository`` are those of the one cluster."""
    about = ClusterSources(found.pop("cluster", Cluster()), found.pop("repository", Repository()))
    default = {"observability": Datadog(), "memory": Memory()}
    return Sources(**{**default, "clusters": {"east-1": about}, **found})


def raw(**alert: Any) -> RawAlert:
    known = {"notification_id": "1", "title": "t", **alert}
    return RawAlert(
        event_id="dd-1",
        trace_id="tr-1",
        occurred_at=NOW,
        body_sha256="0" * 64,
        body=b"",
        alert=Alert(**known),
    )


async def gathered(
    asked: Sources, deadline_s: float = 5.0, rules: Rules | None = None, **alert: Any
) -> ContextBundle:
    return await gather(raw(**alert), asked, rules or Rules(fleet=OURS), deadline_s)


def states(bundle: ContextBundle) -> dict[str, tuple[str, str]]:
    return {source.name: (source.state, source.reason) for source in bundle.sources}


async def test_everything_that_answers_is_in_the_bundle() -> None:
    asked = sources()
    bundle = await gathered(asked)
    assert {state for state, _ in states(bundle).values()} == {"ok"}
    assert bundle.k8s_context.subject is not None
    assert bundle.k8s_context.subject.key == "Deployment/shop/api"
    assert (bundle.trace_id, bundle.alerted_at, bundle.team) == ("tr-1", NOW, "pay")
    assert bundle.monitor is not None
    assert [c.kind for c in bundle.changes] == ["commit"]
    assert bundle.links == {"monitor": "https://app.example/monitors/7"}
    assert asked.clusters["east-1"].repository.asked == [("Deployment/shop/api", "unknown")]  # type: ignore[attr-defined]


async def test_only_the_subjects_pods_are_read_and_their_own_logs_win() -> None:
    asked = sources()
    bundle = await gathered(asked)
    assert asked.clusters["east-1"].cluster.pods == ["api-0"]  # type: ignore[attr-defined]
    assert [(log.pod, log.lines[0]) for log in bundle.logs] == [
        ("api-0", "from kubelet"),
        ("old", "from datadog"),
    ]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [({"slow": True}, "no answer within 0.05 s"), ({"down": True}, "unavailable: 503 from api")],
)
async def test_a_source_in_trouble_is_named_and_blocks_no_other(
    trouble: dict[str, bool], reason: str
) -> None:
    bundle = await gathered(sources(observability=Datadog(**trouble)), deadline_s=0.05)
    state, said = states(bundle)["datadog.metrics"]
    assert (state, said.startswith(reason)) == ("missing", True)
    assert bundle.metrics == ()
    assert bundle.logs


async def test_kinds_that_could_not_be_read_are_named_and_the_rest_is_kept() -> None:
    bundle = await gathered(sources(cluster=Cluster(("certificates (unauthorized)",))))
    state, reason = states(bundle)["kubernetes.objects"]
    assert (state, "certificates (unauthorized)" in reason) == ("degraded", True)
    assert bundle.k8s_context.objects["pods"]


async def test_without_any_source_the_alert_alone_makes_a_bundle() -> None:
    nothing = Sources(
        NoObservability(), {"east-1": ClusterSources(NoClusterReader(), NoRepository())}, NoMemory()
    )
    bundle = await gathered(nothing, labels=TAGS)
    assert bundle.k8s_context.subject == ObjectRef(kind="Deployment", namespace="shop", name="api")
    missing = {name for name, (state, _) in states(bundle).items() if state == "missing"}
    assert missing == {
        "observability.event",
        "kubernetes.objects",
        "kubernetes.logs",
        "observability.logs",
        "observability.metrics",
        "gitlab",
    }


async def test_an_alert_that_says_everything_costs_no_event() -> None:
    datadog = Datadog()
    await gathered(
        sources(observability=datadog), rule=FiredRule(id="7"), labels=TAGS, state="firing"
    )
    assert "complete" not in datadog.asked


@pytest.mark.parametrize("told", ["by the payload", "by its event"])
async def test_a_recovery_asks_nobody_for_evidence(told: str) -> None:
    datadog = Datadog(state="resolved")
    more = (
        {"state": "resolved", "rule": FiredRule(id="7"), "labels": TAGS}
        if told == "by the payload"
        else {}
    )
    bundle = await gathered(sources(observability=datadog), **more)
    assert bundle.alert.state == "resolved"
    assert set(datadog.asked) <= {"complete"}
    assert bundle.k8s_context.objects == {}


async def test_what_the_memory_and_failures_say_is_masked_too() -> None:
    bundle = await gathered(sources(observability=Datadog(down=True)))
    text = bundle.model_dump_json()
    assert "hunter22" not in text
    assert "abcdef123" not in text
    assert bundle.lessons_learned == ("use password=[masked:password]",)


async def test_the_bound_holds_for_all_that_is_added_last() -> None:
    class Rich(Memory):
        async def recall(self, signature: str) -> Recalled:
            return Recalled(lessons=tuple(f"lesson {n} " * 20 for n in range(500)))

    bundle = await gathered(sources(memory=Rich()), rules=Rules(fleet=OURS, max_bytes=20_000))
    assert size(bundle) <= 20_000
    assert "memory" in states(bundle)["bundle"][1]
