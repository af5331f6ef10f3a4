"""What an alert names: by its tags in all their spellings, its group, its query, its monitor, and what that sums up."""

from __future__ import annotations

import pytest

from enrich.core.names import (
    Named,
    address_of,
    is_firing,
    named,
    namespaces_named,
    pairs_of,
    readings,
)
from enrich.core.summing_up import members, objective, sums_up
from schemas.alerts import FiredRule
from schemas.base import ObjectRef
from schemas.context import Monitor


@pytest.mark.parametrize(
    ("tags", "field", "value"),
    [
        ({"k8s.namespace.name": "shop"}, "namespace", "shop"),
        ({"k8s_pod_name": "a"}, "pod", "a"),
        ({"service.name": "web"}, "services", ("web",)),
        ({"service": "web", "base_service": "api"}, "services", ("web",)),
        ({"service": "web,api"}, "services", ()),
        ({"client_service": "a", "server_service": "b"}, "services", ("a", "b")),
        ({"service": "c", "client_service": "a"}, "services", ("c",)),
        ({"kube_service": "web"}, "kube_service", "web"),
        ({"kube_service": "web"}, "service", "web"),
        ({"container_id": "containerd://abc"}, "container_id", "abc"),
        ({"@http.url_details.host": "shop.test"}, "addresses", (("shop.test", "/"),)),
        ({"url": "https://u:p@shop.test:8443/pay?x=1"}, "addresses", (("shop.test", "/pay"),)),
        ({"image_name": "r/web", "image_tag": "1"}, "image", ("r/web", "1")),
        ({"kube_node": "n", "host": "h"}, "node", "n"),
        ({}, "node", "sender"),
    ],
)
def test_each_tag_is_read(tags: dict[str, str], field: str, value: object) -> None:
    assert getattr(named(tags, host="sender"), field) == value


def test_namespaces_are_read_in_every_spelling() -> None:
    assert namespaces_named({"k8s.namespace.name": "a", "kube_namespace": "b,c"}) == ("b", "c", "a")


@pytest.mark.parametrize("text", ["", "https://", "{{ URL }}/x", "http://[::1", "a b", "//"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert address_of(text) is None


def services(whos: tuple[Named, ...]) -> list[tuple[str, ...]]:
    return [who.services for who in whos]


def test_the_group_counts_before_the_query_and_both_behind_the_tags() -> None:
    rule = FiredRule(group="service:group", query="avg:x{service:query}")
    assert services(readings({}, rule, None)) == [("group",)]
    assert services(readings({"service": "tag"}, rule, None)) == [("tag",)]
    assert services(readings({}, FiredRule(query=rule.query), None)) == [("query",)]


def test_of_several_values_of_a_tag_the_one_that_fired_is_meant() -> None:
    both = {"service": "owner,api", "pod_name": "a-1,a-2"}
    assert services(readings(both, FiredRule(group="service:api"), None)) == [("api",)]
    assert services(readings(both, FiredRule(query="avg:x{service:api}"), None)) == [("api",)]
    assert services(readings(both, FiredRule(group="service:other"), None)) == [()]
    assert services(
        readings(both, FiredRule(query="avg:x{service:owner OR service:api}"), None)
    ) == [()]


def test_what_kubernetes_takes_for_no_namespace_is_none() -> None:
    for other in ("AWS/ApplicationELB", "Shop", "a.b", "-a", "a" * 64):
        assert named({"namespace": other}).namespace == "", other
        assert namespaces_named({"namespace": f"{other},shop"}) == ("shop",), other
    assert named({"namespace": "AWS/RDS", "k8s_namespace": "shop"}).namespace == "shop"


def test_a_host_that_is_called_as_a_pod_may_be_it() -> None:
    node, pod = readings({"host": "api-6d4cf56db6-x2x8k"}, FiredRule(), None)
    assert (node.node, node.pod) == ("api-6d4cf56db6-x2x8k", "")
    assert (pod.node, pod.pod) == ("api-6d4cf56db6-x2x8k", "api-6d4cf56db6-x2x8k")
    for other in ("node-b", "worker-0", "ip-10-0-0-7.ec2.internal", "gke-eu-pool-1a2b3c4d-x7k2"):
        assert len(readings({"host": other}, FiredRule(), None)) == 1, other
    (named_too,) = readings({"host": "api-6d4cf56db6-x2x8k", "service": "b"}, FiredRule(), None)
    assert named_too.pod == ""


def test_groups_of_a_monitor_in_alert_count_where_the_alerts_is_not_said() -> None:
    states = {"service:a": "Alert", "service:b": "OK", "service:c": "Warn"}
    monitor = Monitor(query="avg:x{*} by {service}", group_states=states)
    assert services(readings({}, FiredRule(), monitor)) == [("a",), ("c",)]
    assert services(readings({}, FiredRule(group="service:b"), monitor)) == [("b",)]


def test_what_a_query_leaves_out_or_asks_for_twice_names_nobody() -> None:
    for query in ("avg:x{!service:a}", "avg:x{service:a} / avg:x{service:b}", "avg:x{service:a*}"):
        (who,) = readings({}, FiredRule(query=query), None)
        assert who.nobody, query


def test_of_the_rules_behind_one_those_that_fire_count() -> None:
    composite = Monitor(type="composite", query="1 && 2")
    well = Monitor(query="avg:x{service:well}", overall_state="OK")
    ill = Monitor(query="avg:x{service:ill}", overall_state="Alert")
    assert services(readings({}, FiredRule(), composite, [well, ill])) == [("ill",)]
    assert services(readings({}, FiredRule(), composite, [well])) == [("well",)]
    own = readings({"service": "own"}, FiredRule(), composite, [ill])
    assert services(own) == [("own",)]


def test_a_workload_of_a_process_query_is_named() -> None:
    query = "processes('nginx').over('kube_deployment:web','kube_namespace:shop').rollup('count')"
    (who,) = readings({}, FiredRule(query=query), None)
    assert who.workload == ObjectRef(kind="Deployment", namespace="shop", name="web")


def test_rules_that_sum_up_others_say_which() -> None:
    assert members("(12 && 34) || !56 && 12") == ("12", "34")
    assert objective('burn_rate("ab12").over("7d").long_window("1h") > 14.4') == "ab12"
    assert objective("error_budget('x-1').over('7d') > 75") == "x-1"
    assert not objective("avg(last_5m):avg:x{*} > 1")
    assert sums_up(Monitor(type="composite"))
    assert not sums_up(Monitor(type="query alert"))
    assert is_firing(Monitor(group_states={"a": "No Data"}))
    assert not is_firing(Monitor(overall_state="OK", group_states={"a": "OK"}))


def test_a_name_with_several_values_names_no_single_thing() -> None:
    pairs = pairs_of(["service:a", "service:b", "service:a", "env:prod", "monitor", "url:http://x"])
    assert pairs == {"service": "a,b", "env": "prod", "url": "http://x"}
    assert named(pairs).services == ()
