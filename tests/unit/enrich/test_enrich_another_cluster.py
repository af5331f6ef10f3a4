"""An alert about a cluster that is not ours: nothing is read there, and the bundle says whose it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from enrich.core.bundle import Recalled, Rules
from enrich.ports import ClusterSources, Listing, Sources
from enrich.service.gathering import gather
from kfix.incident.cluster_names import Fleet, Own
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.base import Json, ObjectRef
from schemas.context import Change, ContextBundle, DeclaredObject, LogExcerpt, Monitor, Series

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
OWN = Own("prod-eu", environment="production", uid="6f1b")
PLACE = {"kube_namespace": "shop", "kube_deployment": "api"}


class Asked:
    """All sources in one; ``asked`` keeps every question that was put."""

    def __init__(self, uid: str = "6f1b", query: str = "", behind: tuple[str, ...] = ()) -> None:
        self.asked: list[str] = []
        self.uid = uid
        self.query = query
        self.queries_behind = behind

    name = "datadog"
    keeps_logs = True

    def sent(self, alert: Alert) -> bool:
        return True

    async def complete(self, alert: Alert) -> Alert:
        return alert

    async def monitor(self, rule_id: str) -> Monitor:
        kind = "composite" if self.queries_behind else "query alert"
        return Monitor(rule_id=rule_id, query=self.query, type=kind)

    async def behind(self, monitor: Monitor) -> list[Monitor]:
        return [Monitor(rule_id="8", query=query) for query in self.queries_behind]

    def links(self, alert: Alert, names: Mapping[str, str]) -> dict[str, str]:
        return {"monitor": "https://app.example/monitors/7"}

    async def metrics(self, names: Mapping[str, str], until: datetime) -> list[Series]:
        self.asked.append("metrics")
        return []

    async def objects(self, namespace: str, *, since: datetime | None = None) -> Listing:
        self.asked.append("objects")
        system = {"kind": "Namespace", "metadata": {"name": "kube-system", "uid": self.uid}}
        return Listing({"namespaces": [system], "deployments": [], "pods": []})

    async def declared(
        self, subject: ObjectRef, environment: str, reads: Sequence[ObjectRef] = ()
    ) -> tuple[list[DeclaredObject], list[Change]]:
        self.asked.append("declared")
        return [], []

    async def recall(self, signature: str) -> Recalled:
        self.asked.append("recall")
        return Recalled()


class Datadog(Asked):
    async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
        self.asked.append("logs")
        return []


class Kubernetes(Asked):
    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        self.asked.append("pod logs")
        return []


async def gathered(
    tags: dict[str, str], own: Own = OWN, *others: Own, **world: Any
) -> tuple[ContextBundle, list[str]]:
    datadog, cluster = Datadog(**world), Kubernetes(**world)
    raw = RawAlert(
        event_id="dd-1",
        occurred_at=NOW,
        body_sha256="0" * 64,
        body=b"",
        alert=Alert(
            notification_id="1",
            title="t",
            state="firing",
            labels={**PLACE, **tags},
            rule=FiredRule(id="7"),
        ),
    )
    asked = Sources(datadog, {own.name: ClusterSources(cluster, datadog)}, datadog)
    bundle = await gather(raw, asked, Rules(fleet=Fleet.of(own, *others)), 5.0)
    return bundle, [*datadog.asked, *cluster.asked]


@pytest.mark.parametrize(
    ("tags", "query"),
    [
        ({"kube_cluster_name": "other-us"}, ""),
        ({"eks_cluster_name": "other-us"}, ""),
        ({"kube_cluster_name": "prod-eu,other-us"}, ""),
        ({}, "avg:cpu{kube_cluster_name:other-us}"),
    ],
)
async def test_another_cluster_is_not_read(tags: dict[str, str], query: str) -> None:
    bundle, asked = await gathered(tags, query=query)
    assert asked == []
    assert bundle.claim.verdict == "foreign"
    assert "other-us" in bundle.claim.named
    assert "other-us" in bundle.k8s_context.cluster
    assert bundle.k8s_context.objects == {}
    assert bundle.links == {"monitor": "https://app.example/monitors/7"}
    (status,) = [s for s in bundle.sources if s.name == "cluster"]
    assert (status.state, "other-us" in status.reason, status.why) == ("degraded", True, "")
    assert all(s.source != "cluster" for s in bundle.proof.statements), "our cluster says nothing"


async def test_ours_by_any_of_its_names_is_read_and_has_one_name_afterwards() -> None:
    own = Own("prod-eu", aliases=("eks-1",))
    bundle, asked = await gathered({"eks_cluster_name": "EKS-1"}, own)
    assert "objects" in asked
    assert (bundle.claim.verdict, bundle.k8s_context.cluster) == ("ours", "prod-eu")


async def test_an_alert_that_names_no_cluster_is_read_where_there_is_one_and_says_so() -> None:
    bundle, asked = await gathered({})
    assert "objects" in asked
    assert (bundle.claim.verdict, bundle.k8s_context.cluster) == ("unnamed", "prod-eu")


async def test_without_a_name_of_our_own_nothing_is_read() -> None:
    for tags in ({}, {"kube_cluster_name": "prod-eu"}):
        bundle, asked = await gathered(tags, Own())
        assert asked == []
        assert bundle.claim.verdict == "unclaimed"


async def test_an_api_server_with_another_identity_is_not_believed() -> None:
    bundle, asked = await gathered({"kube_cluster_name": "prod-eu"}, uid="9999")
    assert asked == ["objects"]
    assert bundle.claim.verdict == "foreign"
    assert bundle.k8s_context.objects == {}


@pytest.mark.parametrize(
    ("tags", "behind", "verdict"),
    [
        ({}, ("cpu{kube_cluster_name:prod-eu}", "up{*}"), "ours"),
        ({}, ("cpu{kube_cluster_name:other-us}",), "foreign"),
        ({}, ("cpu{kube_cluster_name:prod-eu}", "cpu{kube_cluster_name:other-us}"), "foreign"),
        ({"cluster": "prod-eu"}, ("cpu{kube_cluster_name IN (prod-eu, other-us)}",), "ours"),
        ({"cluster": "prod-eu"}, ("cpu{kube_cluster_name:other-us}",), "foreign"),
    ],
)
@pytest.mark.parametrize("others", [(), (Own("qa"),)])
async def test_the_rules_that_a_composite_sums_up_say_whose_cluster_it_is(
    tags: dict[str, str], behind: tuple[str, ...], verdict: str, others: tuple[Own, ...]
) -> None:
    bundle, asked = await gathered(tags, OWN, *others, query="8 && 9", behind=behind)
    assert (bundle.claim.verdict, "objects" in asked) == (verdict, verdict == "ours")
    assert bundle.claim.own == ("prod-eu" if verdict == "ours" or not others else "prod-eu, qa")


async def test_a_composite_over_several_of_our_clusters_is_about_none_of_them() -> None:
    behind = ("cpu{kube_cluster_name:prod-eu}", "cpu{kube_cluster_name:qa}")
    bundle, asked = await gathered({}, OWN, Own("qa"), query="8 && 9", behind=behind)
    assert (bundle.claim.verdict, bundle.claim.own, asked) == ("unclaimed", "prod-eu, qa", [])
