"""What is drafted where NetworkPolicies close a workload: one rule more, and nothing that protects is taken away."""

from __future__ import annotations

from typing import Any

from decide.core.families.policies import plans
from decide.core.families.policies.facts import ClosedTraffic
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import drafted, shop, workload_of


def _policy(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "closed", "namespace": "shop"}, "spec": spec}


_OWN = {"matchLabels": {"app": "web"}}


def _closed(
    policy: dict[str, Any],
    direction: str = "ingress",
    *,
    peer: str | None = "cart",
    port: int | None = 8080,
    dns: bool = False,
    cluster: Cluster | None = None,
    app: str = "web",
) -> list[str]:
    return drafted(
        plans.network_policy,
        cluster or shop("web", "cart"),
        lambda w, view: ClosedTraffic(
            workload=w,
            policies=(policy, _policy(podSelector=_OWN)),
            direction=direction,
            peer=workload_of(view, peer) if peer else None,
            port=port,
            dns=dns,
        ),
        app=app,
    )


def test_a_caller_may_come_in_by_a_rule_more_or_by_a_policy_of_its_own() -> None:
    policy = _policy(podSelector=_OWN, ingress=[{"from": []}, {"from": []}])
    assert _closed(policy) == [
        "set_network_policy 0.88 policies.may_connect callee=web caller=cart",
        "  why policies.why detail=seen",
        "  risk drafting.risk.wider",
        "  time drafting.time.seconds",
        '  networking.k8s.io/v1 NetworkPolicy/shop/closed spec.ingress[2]: + {"from": [{"podSelector": {"matchLabels": {"app": "cart"}}}], "ports": [{"protocol": "TCP", "port": 8080}]}',
        "set_network_policy 0.78 policies.apart allowed=(policies.may_connect callee=web caller=cart)",
        "  why policies.why detail=seen",
        "  risk drafting.risk.wider",
        "  time drafting.time.seconds",
        '  create networking.k8s.io/v1 NetworkPolicy/shop/web-allow-ingress-cart beside Deployment/shop/web: {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "web-allow-ingress-cart", "namespace": "shop"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "cart"}}}], "ports": [{"protocol": "TCP", "port": 8080}]}]}}',
    ]


def test_a_policy_without_rules_gets_a_list_of_the_one() -> None:
    assert (
        _closed(_policy(podSelector=_OWN, egress=[{"to": []}]), port=None)[4]
        == '  networking.k8s.io/v1 NetworkPolicy/shop/closed spec.ingress: + [{"from": [{"podSelector": {"matchLabels": {"app": "cart"}}}]}]'
    )


def test_a_callee_may_be_reached() -> None:
    assert _closed(_policy(podSelector=_OWN), "egress", port=None) == [
        "set_network_policy 0.88 policies.may_connect callee=cart caller=web",
        "  why policies.why detail=seen",
        "  risk drafting.risk.wider",
        "  time drafting.time.seconds",
        '  networking.k8s.io/v1 NetworkPolicy/shop/closed spec.egress: + [{"to": [{"podSelector": {"matchLabels": {"app": "cart"}}}]}]',
        "set_network_policy 0.78 policies.apart allowed=(policies.may_connect callee=cart caller=web)",
        "  why policies.why detail=seen",
        "  risk drafting.risk.wider",
        "  time drafting.time.seconds",
        '  create networking.k8s.io/v1 NetworkPolicy/shop/web-allow-egress-cart beside Deployment/shop/web: {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "web-allow-egress-cart", "namespace": "shop"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "cart"}}}]}]}}',
    ]


def test_a_policy_for_all_pods_is_left_alone_and_the_workload_gets_one_of_its_own() -> None:
    assert [x for x in _closed(_policy(podSelector={})) if not x.startswith(" ")] == [
        "set_network_policy 0.78 policies.apart allowed=(policies.may_connect callee=web caller=cart)",
    ]


def test_names_may_be_asked_for_whoever_the_peer_is() -> None:
    assert _closed(_policy(podSelector={}), "egress", peer=None, dns=True) == [
        "set_network_policy 0.78 policies.apart allowed=(policies.may_ask_dns workload=web)",
        "  why policies.why detail=seen",
        "  risk drafting.risk.wider",
        "  time drafting.time.seconds",
        '  create networking.k8s.io/v1 NetworkPolicy/shop/web-allow-egress-dns beside Deployment/shop/web: {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "web-allow-egress-dns", "namespace": "shop"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}]}}',
    ]


def test_a_peer_of_another_namespace_is_named_with_it() -> None:
    cluster = shop("web", "cart")
    for plural in ("deployments", "replicasets", "pods"):
        for one in cluster.objects[plural]:
            if one["metadata"]["name"].startswith("cart"):
                one["metadata"]["namespace"] = "bank"
    cluster.namespace = ""  # the alert names none
    assert (
        _closed(_policy(podSelector={}), cluster=cluster)[-1]
        == '  create networking.k8s.io/v1 NetworkPolicy/shop/web-allow-ingress-cart beside Deployment/shop/web: {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "web-allow-ingress-cart", "namespace": "shop"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "cart"}}, "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "bank"}}}], "ports": [{"protocol": "TCP", "port": 8080}]}]}}'
    )


def test_nothing_is_drafted_where_nobody_can_be_named() -> None:
    assert _closed(_policy(podSelector=_OWN), peer=None) == []
    cluster = shop("web", "cart")
    for one in (cluster.get("deployments", "cart")["spec"], cluster.pod("cart")):
        one.pop("selector", None)
        one.get("template", one)["metadata"]["labels"] = {}
    cluster.get("deployments", "cart")["spec"]["template"]["metadata"]["labels"] = {}
    assert _closed(_policy(podSelector=_OWN), cluster=cluster) == []


def test_a_workload_without_labels_gets_no_policy_of_its_own() -> None:
    cluster = shop("web", "cart")
    for one in (cluster.get("deployments", "web")["spec"], cluster.pod("web")):
        one.pop("selector", None)
        one.get("template", one)["metadata"]["labels"] = {}
    found = _closed(_policy(podSelector=_OWN), cluster=cluster)
    assert [x for x in found if not x.startswith(" ")] == [
        "set_network_policy 0.88 policies.may_connect callee=web caller=cart",
    ]


def test_a_peer_without_a_selector_is_known_by_the_labels_of_its_pods() -> None:
    cluster = shop("web", "cart")
    spec = cluster.get("deployments", "cart")["spec"]
    del spec["selector"]
    cluster.pod("cart")["metadata"]["labels"] = {"tier": "front"}
    assert (
        '{"matchLabels": {"tier": "front"}}'
        in _closed(_policy(podSelector={}), cluster=cluster)[-1]
    )


def test_the_name_of_a_policy_is_cut_at_sixty_three_characters_and_ends_with_none_of_its_marks() -> (
    None
):
    for length, end in ((47, "c"), (48, "ingress"), (49, "ingress")):
        name = "w" * length
        cluster = shop(name, "cart")
        last = _closed(_policy(podSelector={}), cluster=cluster, app=name)[-1]
        made = last.partition("NetworkPolicy/shop/")[2].partition(" ")[0]
        assert len(made) <= 63
        assert made.endswith(end), made
