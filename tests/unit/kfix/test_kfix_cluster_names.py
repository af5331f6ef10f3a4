"""Whose cluster an alert is about: one name that is not ours is enough to leave it alone."""

from __future__ import annotations

import pytest

from kfix.incident import cluster_names
from kfix.incident.cluster_names import Fleet, Own, claim
from kfix.infra.clusters import fleet
from schemas.context import Monitor
from schemas.places import ClusterClaim

OWN = Own("prod-eu", aliases=("eks-prod-eu", "prod_eu"))
KEYS = [
    "kube_cluster_name",
    "cluster_name",
    "cluster",
    "cluster-name",
    "eks_cluster_name",
    "eks_eks-cluster-name",
    "aks_cluster_name",
    "gke_cluster_name",
    "k8s.cluster.name",
    "kubernetes_cluster",
    "kubeClusterName",
    "kubeclustername",
]


def monitor(query: str = "", *tags: str, groups: tuple[str, ...] = ()) -> Monitor:
    states = dict.fromkeys(groups, "Alert")
    return Monitor(rule_id="1", query=query, tags=tags, group_states=states)


def verdict(
    tags: dict[str, str], scope: str = "", watched: Monitor | None = None, own: Own = OWN
) -> str:
    return claim(tags, scope, watched, Fleet.of(own)).verdict


@pytest.mark.parametrize("key", KEYS)
def test_every_tag_that_names_a_cluster_is_read(key: str) -> None:
    assert verdict({key: "prod-eu"}) == "ours"
    assert verdict({key: "other-us"}) == "foreign"
    assert verdict({}, f"host:x,{key}:other-us") == "foreign"
    assert verdict({}, "", monitor(f"avg(last_5m):avg:cpu{{{key}:other-us}} > 1")) == "foreign"


@pytest.mark.parametrize(
    "name",
    ["prod-eu", " PROD-EU ", "eks-prod-eu", "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu"],
)
def test_our_names_are_ours_however_they_are_written(name: str) -> None:
    assert verdict({"kube_cluster_name": name}) == "ours"


@pytest.mark.parametrize(
    ("tags", "scope", "watched"),
    [
        ({"kube_cluster_name": "prod-eu,other-us"}, "", None),
        ({"kube_cluster_name": "prod-eu", "cluster": "other-us"}, "", None),
        ({"kube_cluster_name": "prod-eu"}, "kube_cluster_name:other-us", None),
        ({"kube_cluster_name": "prod-eu"}, "", monitor("x{kube_cluster_name:other-us}")),
        ({}, "", monitor("x{kube_cluster_name IN (prod-eu, other-us)}")),
        ({}, "", monitor("x", "cluster:other-us")),
        ({}, "", monitor("x by {c}", groups=("kube_cluster_name:other-us,host:a",))),
        ({"orch_cluster_id": "b"}, "", None),
    ],
)
def test_names_that_disagree_are_somebody_elses(
    tags: dict[str, str], scope: str, watched: Monitor | None
) -> None:
    assert verdict(tags, scope, watched, Own("prod-eu", uid="a")) == "foreign"


@pytest.mark.parametrize(
    ("tags", "watched"),
    [
        ({"kube_cluster_name": "prod-eu"}, monitor("x{kube_cluster_name IN (prod-eu, other-us)}")),
        (
            {"kube_cluster_name": "prod-eu"},
            monitor("x by {c}", groups=("kube_cluster_name:prod-eu", "kube_cluster_name:other-us")),
        ),
        ({}, monitor("x{kube_cluster_name:prod-eu}")),
        ({}, monitor("x{kube_cluster_name:prod-eu,!kube_cluster_name:other-us}")),
    ],
)
def test_a_monitor_may_watch_others_beside_ours(tags: dict[str, str], watched: Monitor) -> None:
    assert verdict(tags, "", watched) == "ours"


@pytest.mark.parametrize(
    "query",
    [
        "-(kube_cluster_name:prod-eu)",
        "NOT (kube_cluster_name:prod-eu OR (env:qa))",
        "x{!(kube_cluster_name:prod-eu)} > 1",
    ],
)
def test_a_cluster_that_a_query_leaves_out_in_brackets_is_not_named(query: str) -> None:
    assert verdict({}, "", monitor(query)) == "unnamed"


def test_a_difference_of_two_clusters_metrics_names_both() -> None:
    query = "avg:x{cluster_name:prod-eu} - (avg:x{cluster_name:other-us}) > 1"
    assert verdict({}, "", monitor(query)) == "foreign"


def test_the_same_name_in_another_region_is_another_cluster() -> None:
    arn = "arn:aws:eks:{}:123456789012:cluster/prod-eu"
    own = Own(arn.format("eu-west-1"))
    assert verdict({"kube_cluster_name": arn.format("EU-west-1")}, own=own) == "ours"
    assert verdict({"kube_cluster_name": "prod-eu"}, own=own) == "ours"
    told = claim({"kube_cluster_name": arn.format("us-east-1")}, "", None, Fleet.of(own))
    assert told.verdict == "foreign"


@pytest.mark.parametrize("value", ["*", "prod*", "$cluster.value"])
def test_a_pattern_or_a_variable_names_no_cluster(value: str) -> None:
    assert verdict({}, "", monitor(f"x{{kube_cluster_name:{value}}}")) == "unnamed"


def test_without_a_name_of_our_own_nothing_is_claimed() -> None:
    assert verdict({}, own=Own()) == "unclaimed"
    assert verdict({"kube_cluster_name": "prod-eu"}, own=Own()) == "unclaimed"
    assert not cluster_names.is_ours(claim({}, "", None, Fleet()))


def test_the_api_servers_own_identity_is_compared_where_it_is_configured() -> None:
    own = Own("prod-eu", uid="6f1b")
    named = claim({"kube_cluster_name": "prod-eu"}, "", None, Fleet.of(own))
    assert cluster_names.another(named, Fleet.of(own), "6F1B").verdict == "ours"
    assert cluster_names.another(named, Fleet.of(own), "").verdict == "ours"
    other = cluster_names.another(named, Fleet.of(own), "9999")
    assert (other.verdict, "9999" in other.reason) == ("foreign", True)


@pytest.mark.parametrize(
    ("told", "cluster", "own", "expected"),
    [
        (ClusterClaim(), "prod-eu", OWN, "ours"),
        (ClusterClaim(), "", OWN, "unnamed"),
        (ClusterClaim(), "other-us", OWN, "foreign"),
        (ClusterClaim(verdict="ours", named=("prod-eu",)), "other-us", OWN, "foreign"),
        (ClusterClaim(verdict="ours", named=("prod-eu",)), "prod-eu", Own(), "unclaimed"),
        (ClusterClaim(verdict="foreign", named=("other-us",)), "prod-eu", OWN, "foreign"),
    ],
)
def test_who_acts_on_a_record_judges_it_again(
    told: ClusterClaim, cluster: str, own: Own, expected: str
) -> None:
    assert cluster_names.again(told, cluster, Fleet.of(own)).verdict == expected


def test_todays_setting_still_names_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFIX_KUBERNETES_CLUSTER", "old-name")
    (own,) = fleet().clusters
    assert own.names == {"old-name"}
    monkeypatch.setenv("KFIX_CLUSTER_NAME", "new-name")
    monkeypatch.setenv("KFIX_CLUSTER_ALIASES", '["other"]')
    (own,) = fleet().clusters
    assert (own.name, own.names) == (
        "new-name",
        {"new-name", "other", "old-name"},
    )


@pytest.mark.parametrize("tag", ["kube_cluster_name:" + "x" * 5000, "cluster:\n\u202e`@all`"])
def test_what_is_kept_of_a_name_is_bounded(tag: str) -> None:
    key, _, value = tag.partition(":")
    (named,) = claim({key: value}, "", None, Fleet.of(OWN)).named
    assert len(named) <= 120
