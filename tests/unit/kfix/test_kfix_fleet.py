"""Several clusters behind one instance: the alert's own words choose one, and in doubt none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.incident import cluster_names
from kfix.incident.cluster_names import Fleet, Own, are_confused, claim
from schemas.context import Monitor
from schemas.places import ClusterClaim

ARN = "arn:aws:eks:{}:123456789012:cluster/{}"
EU = Own("prod-eu", aliases=("eks-prod-eu", ARN.format("eu-west-1", "prod")), uid="aaaa")
US = Own("prod-us", aliases=(ARN.format("us-east-1", "prod"),), uid="BBBB")
QA = Own("qa", environment="staging")
FLEET = Fleet.of(EU, US, QA)


def told(
    tags: dict[str, str], scope: str = "", query: str = "", fleet: Fleet = FLEET
) -> tuple[str, str]:
    watched = Monitor(rule_id="1", query=query) if query else None
    found = claim(tags, scope, watched, fleet)
    return found.verdict, fleet.chosen(found).name if cluster_names.is_ours(found) else ""


@pytest.mark.parametrize(
    ("tags", "scope", "query", "name"),
    [
        ({"kube_cluster_name": "prod-us"}, "", "", "prod-us"),
        ({"kube_cluster_name": "PROD-EU"}, "", "", "prod-eu"),
        ({"eks_cluster_name": "eks-prod-eu"}, "", "", "prod-eu"),
        ({"eks_cluster_name": "eks-prod-eu", "cluster": "prod-eu"}, "", "", "prod-eu"),
        ({"cluster": ARN.format("us-east-1", "prod")}, "", "", "prod-us"),
        ({"cluster": "prod", "eks_cluster": ARN.format("us-east-1", "prod")}, "", "", "prod-us"),
        ({}, "kube_cluster_name:qa,kube_namespace:shop", "", "qa"),
        ({}, "", "avg(last_5m):avg:cpu{kube_cluster_name:qa} > 1", "qa"),
        ({"kube_cluster_name": "qa"}, "", "cpu{kube_cluster_name IN (qa, prod-eu)}", "qa"),
        ({"orch_cluster_id": "bbbb"}, "", "", "prod-us"),
        ({"orch_cluster_id": "AAAA", "kube_cluster_name": "prod-eu"}, "", "", "prod-eu"),
        ({"orch_cluster_id": "cccc", "kube_cluster_name": "qa"}, "", "", "qa"),
    ],
)
def test_the_cluster_that_alone_is_named_is_chosen(
    tags: dict[str, str], scope: str, query: str, name: str
) -> None:
    assert told(tags, scope, query) == ("ours", name)


@pytest.mark.parametrize(
    ("tags", "query"),
    [
        ({}, ""),
        ({"kube_namespace": "shop", "service": "api"}, "cpu{*} by {kube_namespace}"),
        ({"kube_cluster_name": "prod-eu,prod-us"}, ""),
        ({"kube_cluster_name": "prod-eu", "cluster": "qa"}, ""),
        ({}, "cpu{kube_cluster_name IN (prod-eu, qa)}"),
        ({"kube_cluster_name": "prod-eu"}, "cpu{kube_cluster_name:qa}"),
        # Two ARNs end so.
        ({"kube_cluster_name": "prod"}, ""),
        ({"kube_cluster_name": "prod-eu", "orch_cluster_id": "bbbb"}, ""),
        ({"kube_cluster_name": "qa", "orch_cluster_id": "bbbb"}, ""),
        ({"orch_cluster_id": "aaaa,bbbb"}, ""),
    ],
)
def test_where_none_or_several_are_named_none_is_chosen_and_people_hear_which_there_are(
    tags: dict[str, str], query: str
) -> None:
    watched = Monitor(rule_id="1", query=query) if query else None
    found = claim(tags, "", watched, FLEET)
    assert (found.verdict, found.own) == ("unclaimed", "prod-eu, prod-us, qa")
    assert not cluster_names.is_ours(found)


@pytest.mark.parametrize(
    ("tags", "query"),
    [
        ({"kube_cluster_name": "other-ap"}, ""),
        ({"kube_cluster_name": "prod-eu,other-ap"}, ""),
        ({"kube_cluster_name": "prod-eu"}, "cpu{kube_cluster_name:other-ap}"),
        ({"cluster": ARN.format("ap-south-1", "prod")}, ""),
        ({"kube_cluster_name": "prod-eu", "orch_cluster_id": "cccc"}, ""),
        ({"orch_cluster_id": "cccc"}, ""),
    ],
)
def test_a_name_that_is_none_of_ours_is_somebody_elses(tags: dict[str, str], query: str) -> None:
    assert told(tags, "", query) == ("foreign", "")


@pytest.mark.parametrize("clusters", [(QA,), (QA, US)])
def test_a_name_that_means_no_kubernetes_cluster_neither_chooses_nor_contradicts(
    clusters: tuple[Own, ...],
) -> None:
    fleet = Fleet(clusters, ignored=("ES-logs", "kafka"))
    assert told({"kube_cluster_name": "qa", "cluster": "es-logs,kafka"}, fleet=fleet)[1] == "qa"
    query = "errors{cluster_name:es-logs}"
    assert told({"kube_cluster_name": "qa"}, "cluster:kafka", query, fleet)[1] == "qa"
    assert told({"kube_cluster_name": "qa", "cluster": "redis"}, fleet=fleet)[0] == "foreign"
    found = claim({"cluster": "es-logs"}, "", None, fleet)
    assert (found.verdict, found.named) == ("unclaimed" if fleet.is_several else "unnamed", ())
    assert fleet.told_apart({"cluster": "es-logs"}, "") == ""


def test_one_cluster_alone_needs_no_name_in_the_alert() -> None:
    assert told({}, fleet=Fleet.of(QA)) == ("unnamed", "qa")
    assert told({"kube_cluster_name": "prod-eu"}, fleet=Fleet.of(QA)) == ("foreign", "")


@pytest.mark.parametrize(
    ("before", "cluster", "verdict", "name"),
    [
        (ClusterClaim(verdict="ours", named=("prod-us",), own="prod-us"), "prod-us", "ours", US),
        (ClusterClaim(verdict="ours", own="eks-prod-eu"), "eks-prod-eu", "ours", EU),
        (ClusterClaim(verdict="unnamed", own="qa"), "qa", "unnamed", QA),
        (ClusterClaim(), "prod-us", "ours", US),
        (ClusterClaim(), "", "unclaimed", None),
        (ClusterClaim(verdict="unnamed"), "", "unclaimed", None),
        (ClusterClaim(verdict="ours", own="prod-us"), "prod-eu", "foreign", None),
        (ClusterClaim(verdict="ours", own="gone"), "gone", "foreign", None),
        (ClusterClaim(), "prod", "foreign", None),
        (ClusterClaim(verdict="foreign", named=("x",), own="prod-us"), "prod-us", "foreign", None),
    ],
)
def test_a_record_is_judged_again_by_its_own_cluster(
    before: ClusterClaim, cluster: str, verdict: str, name: Own | None
) -> None:
    found = cluster_names.again(before, cluster, FLEET)
    assert found.verdict == verdict
    if name is not None:
        assert FLEET.chosen(found) == name


def test_an_api_server_with_the_uid_of_another_of_ours_is_not_the_one_that_was_chosen() -> None:
    qa = claim({"kube_cluster_name": "qa"}, "", None, FLEET)
    assert cluster_names.another(qa, FLEET, "dddd").verdict == "ours"
    assert cluster_names.another(qa, FLEET, "aaaa").verdict == "foreign"
    eu = claim({"kube_cluster_name": "prod-eu"}, "", None, FLEET)
    assert cluster_names.another(eu, FLEET, "aaaa").verdict == "ours"
    assert cluster_names.another(eu, FLEET, "bbbb").verdict == "foreign"


def test_episodes_are_told_apart_by_the_clusters_name_and_only_where_there_are_several() -> None:
    def apart(**tags: str) -> str:
        return FLEET.told_apart(tags, "")

    assert apart(kube_cluster_name="prod-us") == apart(orch_cluster_id="bbbb") == "prod-us"
    assert apart(eks_cluster_name="eks-prod-eu") == FLEET.told_apart({}, "cluster:prod-eu")
    assert apart(kube_cluster_name="prod-us,qa") == "prod-us,qa"
    assert apart(service="api") == apart(kube_cluster_name="other-ap") == ""
    assert Fleet.of(EU).told_apart({"kube_cluster_name": "prod-eu"}, "") == ""


@pytest.mark.parametrize(
    ("one", "other", "confused"),
    [
        (Own("a"), Own("b"), False),
        (Own("a"), Own(" A "), True),
        (Own("a", aliases=("x",)), Own("b", aliases=("X",)), True),
        (Own("a"), Own("b", aliases=("a",)), True),
        (Own("a"), Own("b", aliases=(ARN.format("eu-west-1", "a"),)), True),
        (EU, US, False),
        (Own("a", aliases=EU.aliases), EU, True),
    ],
)
def test_two_clusters_are_confused_where_a_name_means_both(
    one: Own, other: Own, confused: bool
) -> None:
    assert are_confused(one, other) is are_confused(other, one) is confused


_NAMES = ("a", "A", " b", "c", "x", ARN.format("eu-west-1", "a"), ARN.format("us-east-1", "c"))
_KEYS = ("kube_cluster_name", "cluster", "eks_cluster_name", "orch_cluster_id", "service")
_TAGS = st.dictionaries(
    st.sampled_from(_KEYS),
    st.lists(st.sampled_from((*_NAMES, "ua", "UB", "ux")), min_size=1, max_size=2).map(",".join),
    max_size=4,
)
_QUERIES = st.sampled_from(("", "cpu{*}", *(f'cpu{{cluster:"{n.strip()}"}}' for n in _NAMES)))


@given(_TAGS, _QUERIES, st.booleans())
def test_what_is_chosen_is_named_and_nothing_that_is_said_contradicts_it(
    tags: dict[str, str], query: str, uids: bool
) -> None:
    fleet = Fleet.of(
        Own("a", uid="ua" if uids else ""), Own("b", uid="ub" if uids else ""), Own("c")
    )
    watched = Monitor(rule_id="1", query=query)
    found = claim(tags, "", watched, fleet)
    turned = {k: v.upper() for k, v in reversed(tags.items())}
    assert claim(turned, "", watched, fleet).verdict == found.verdict
    if not cluster_names.is_ours(found):
        return
    own = fleet.chosen(found)
    names = [v for k in _KEYS[:3] for v in tags.get(k, "").split(",") if v]
    ids = [v.lower() for v in tags.get("orch_cluster_id", "").split(",") if v]
    assert own.name in {"a", "b", "c"}
    assert all(own.is_named(name) for name in names)
    assert not own.uid or set(ids) <= {own.uid}
    assert names or query not in ("", "cpu{*}") or own.uid in ids
