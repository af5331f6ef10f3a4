"""What is drafted for pods that their own rules keep off the nodes, or that must be near, apart, or alone with a port."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from decide.core.families.scheduling.facts import Unplaced
from decide.core.families.scheduling.plans import placing, spreading
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects.pods import Pod
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import (
    BACK,
    Builder,
    changed_lately,
    drafted,
    pod_spec,
    shop,
    workload_of,
)

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_WISHED = "preferredDuringSchedulingIgnoredDuringExecution"


def _cluster(*labels: dict[str, str], replicas: int = 2, ready: int = 0, **spec: Any) -> Cluster:
    """``web`` with this pod spec and so many replicas; nodes with these labels."""
    cluster = shop("web", "cart")
    cluster.nodes = [f"n{n}" for n in range(len(labels))]
    cluster.objects["nodes"] = [cluster.node(name) for name in cluster.nodes]
    for node, own in zip(cluster.objects["nodes"], labels, strict=True):
        node["metadata"]["labels"] = own
    cluster.get("deployments", "web")["spec"]["replicas"] = replicas
    pod_spec(cluster).update(spec)
    first = cluster.pod("web")
    for n in range(replicas - 1):
        more = copy.deepcopy(first)
        more["metadata"]["name"] += str(n)
        cluster.objects["pods"].append(more)
    pods = [p for p in cluster.objects["pods"] if p["metadata"]["labels"]["app"] == "web"]
    for n, pod in enumerate(pods):
        pod["spec"] = pod_spec(cluster) | ({"nodeName": "n0"} if n < ready else {})
        pod["status"]["conditions"] = [{"type": "Ready", "status": str(n < ready)}]
    return cluster


def _drafts(builder: Builder, cluster: Cluster, message: str = "") -> list[str]:
    return drafted(
        builder,
        cluster,
        lambda w, _: Unplaced(workload=w, pod=w.pods[-1], message=message),
    )


def _changes(builder: Builder, cluster: Cluster) -> list[str]:
    start = "  apps/v1 Deployment/shop/web "
    found = _drafts(builder, cluster)
    return [line.removeprefix(start) for line in found if line.startswith(start)]


def _stateful(cluster: Cluster) -> Cluster:
    found = cluster.objects["deployments"].pop(0)
    cluster.objects["statefulsets"] = [found | {"kind": "StatefulSet"}]
    for pod in cluster.objects["pods"]:
        if pod["metadata"]["labels"]["app"] == "web":
            owner = {"kind": "StatefulSet", "name": "web", "controller": True}
            pod["metadata"]["ownerReferences"] = [owner]
    return cluster


def test_a_selector_gets_the_value_that_most_nodes_have_or_loses_the_key() -> None:
    cluster = _cluster(
        {"disk": "ssd"}, {"disk": "hdd"}, {"disk": "ssd"}, nodeSelector={"disk": "x"}
    )
    changed_lately(cluster)
    assert _drafts(placing.selector, cluster) == [
        "set_scheduling 0.8 scheduling.selector.title label=disk=ssd",
        "  why scheduling.selector.why label=disk=ssd n=2 wanted=disk=x",
        "  risk scheduling.elsewhere",
        '  apps/v1 Deployment/shop/web :nodeSelector.disk: "x" → "ssd"',
        "set_scheduling 0.6 scheduling.selector.drop key=disk",
        "  why scheduling.selector.without key=disk n=3",
        "  risk scheduling.selector.gives_up label=disk=x",
        "  risk scheduling.elsewhere",
        '  apps/v1 Deployment/shop/web :nodeSelector: - {"disk": "x"}',
        *BACK,
    ]


def test_among_equals_the_value_likest_to_the_wanted_one_is_taken_then_the_last() -> None:
    cluster = _cluster({"disk": "ssd"}, {"disk": "zzz"}, nodeSelector={"disk": "sssd"})
    assert _changes(placing.selector, cluster)[0] == ':nodeSelector.disk: "sssd" → "ssd"'
    cluster = _cluster({"disk": "a"}, {"disk": "b"}, nodeSelector={"disk": "x"})
    assert _changes(placing.selector, cluster)[0] == ':nodeSelector.disk: "x" → "b"'


def test_a_key_is_wrong_only_where_nodes_fit_the_others() -> None:
    wanted = {"zone": "a", "disk": "x"}
    cluster = _cluster(
        {"zone": "a", "disk": "ssd"}, {"zone": "b", "disk": "hdd"}, nodeSelector=wanted
    )
    assert _changes(placing.selector, cluster) == [
        ':nodeSelector.disk: "x" → "ssd"',
        ':nodeSelector.disk: - "x"',
    ]
    cluster = _cluster({"zone": "a"}, nodeSelector=wanted)
    assert _changes(placing.selector, cluster) == [
        ':nodeSelector.disk: - "x"',
    ]


def test_keys_with_dots_and_slashes_are_quoted() -> None:
    cluster = _cluster({"k8s.io/disk": "ssd"}, nodeSelector={"k8s.io/disk": "x", "a/b": "c"})
    assert _changes(placing.selector, cluster) == []
    cluster = _cluster({"a/b": "c"}, nodeSelector={"a/b": "d", "x": "y"})
    assert _changes(placing.selector, cluster) == []
    cluster = _cluster({"a/b": "c", "x": "y"}, nodeSelector={"a/b": "d", "x": "y"})
    assert _changes(placing.selector, cluster) == [
        ':nodeSelector[\'a/b\']: "d" → "c"',
        ":nodeSelector['a/b']: - \"d\"",
    ]


def test_nodes_that_would_not_take_the_pod_do_not_count() -> None:
    cluster = _cluster(*[{"disk": "ssd"}] * 6, nodeSelector={"disk": "x"})
    nodes = cluster.objects["nodes"]
    nodes[0]["spec"]["unschedulable"] = True
    nodes[1]["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    nodes[2]["spec"]["taints"] = [{"key": "gpu", "effect": "NoSchedule"}]
    nodes[3]["status"]["allocatable"]["pods"] = "1"
    cluster.pod("cart")["spec"]["nodeName"] = "n3"
    nodes[4]["status"]["allocatable"]["pods"] = "2"
    assert [x for x in _drafts(placing.selector, cluster) if "why" in x] == [
        "  why scheduling.selector.why label=disk=ssd n=2 wanted=disk=x",
        "  why scheduling.selector.without key=disk n=2",
    ]


def _affinity(*terms: dict[str, Any], wishes: list[Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {_REQUIRED: {"nodeSelectorTerms": list(terms)}}
    return {"nodeAffinity": found | ({_WISHED: wishes} if wishes else {})}


def _asks(key: str, *values: str, operator: str = "In") -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def test_required_node_affinity_gets_the_value_that_most_nodes_have_or_becomes_a_wish() -> None:
    cluster = _cluster(
        {"disk": "hdd"},
        {"disk": "ssd"},
        {"disk": "ssd"},
        affinity=_affinity(_asks("disk", "x", "y")),
    )
    assert _drafts(placing.affinity, cluster) == [
        "set_scheduling 0.75 scheduling.affinity.title label=disk=ssd",
        "  why scheduling.affinity.why label=disk=ssd n=2 values=[x, y]",
        "  risk scheduling.elsewhere",
        '  apps/v1 Deployment/shop/web :affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: ["x", "y"] → ["ssd"]',
        "set_scheduling 0.65 scheduling.affinity.prefer",
        "  why scheduling.affinity.wish",
        "  risk scheduling.affinity.gives_up",
        "  risk scheduling.elsewhere",
        '  apps/v1 Deployment/shop/web :affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution: + [{"weight": 100, "preference": {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["x", "y"]}]}}]',
        '  apps/v1 Deployment/shop/web :affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution: - {"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["x", "y"]}]}]}',
    ]


def test_wishes_that_stand_there_already_stay_before_the_new_ones() -> None:
    wish = {"weight": 5, "preference": _asks("zone", "a")}
    cluster = _cluster({}, affinity=_affinity(_asks("a", "b"), _asks("c", "d"), wishes=[wish]))
    assert _changes(placing.affinity, cluster) == [
        ':affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution: [{"weight": 5, "preference": {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}}] → [{"weight": 5, "preference": {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}}, {"weight": 100, "preference": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}}, {"weight": 100, "preference": {"matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}]}}]',
        ':affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution: - {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}, {"matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}]}]}',
    ]


def test_a_value_is_exchanged_only_where_no_node_has_one_that_is_asked_for() -> None:
    for asked, labels in (
        (_asks("disk", "ssd", "x"), {"disk": "ssd"}),
        (_asks("disk", "x", operator="NotIn"), {"disk": "ssd"}),
        (_asks("disk", "x"), {"zone": "ssd"}),
    ):
        cluster = _cluster(labels, affinity=_affinity(asked))
        assert [
            x for x in _changes(placing.affinity, cluster) if ".values" in x.split(":")[1]
        ] == []


def test_each_expression_of_each_term_is_looked_at_and_the_last_value_wins_among_equals() -> None:
    one = {
        "matchExpressions": [
            *_asks("zone", "b")["matchExpressions"],
            *_asks("disk", "x")["matchExpressions"],
        ]
    }
    cluster = _cluster({"disk": "a"}, {"disk": "b"}, affinity=_affinity(_asks("gpu", "y"), one))
    assert (
        _changes(placing.affinity, cluster)[0]
        == ':affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[1].matchExpressions[1].values: ["x"] → ["b"]'
    )


def test_without_required_affinity_nothing_is_drafted() -> None:
    assert _drafts(placing.affinity, _cluster({}, affinity={"nodeAffinity": {_WISHED: []}})) == []


_APART = {"podAntiAffinity": {_REQUIRED: [{"topologyKey": "kubernetes.io/hostname"}]}}


def test_replicas_that_must_be_apart_are_as_many_as_run_or_may_share() -> None:
    assert _drafts(placing.anti_affinity, _cluster({}, replicas=3, ready=2, affinity=_APART)) == [
        "set_replicas 0.78 drafting.replicas n=2 workload=web",
        "  why scheduling.apart.found desired=3 n=2",
        "  risk drafting.risk.gives_up_replicas n=3",
        "  risk drafting.risk.fewer",
        "  apps/v1 Deployment/shop/web spec.replicas: 3 → 2",
        "set_scheduling 0.7 scheduling.apart.prefer",
        "  why scheduling.apart.wish",
        "  risk scheduling.apart.gives_up keys=[kubernetes.io/hostname]",
        "  risk scheduling.apart.share",
        "  risk scheduling.apart.old_pods",
        '  apps/v1 Deployment/shop/web :affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution: + [{"weight": 100, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}]',
        '  apps/v1 Deployment/shop/web :affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution: - [{"topologyKey": "kubernetes.io/hostname"}]',
    ]


@pytest.mark.parametrize("builder", [placing.anti_affinity, spreading.ports_of_nodes])
def test_replicas_stay_where_none_or_all_run_or_where_it_is_no_deployment(builder: Builder) -> None:
    for cluster in (
        _cluster({}, replicas=2, ready=0),
        _cluster({}, replicas=2, ready=2),
        _stateful(_cluster({}, replicas=3, ready=2)),
    ):
        assert _drafts(builder, cluster) == []
    assert len(_drafts(builder, _cluster({}, replicas=2, ready=1))) > 0


def test_pods_whose_host_port_is_taken_are_as_many_as_run() -> None:
    cluster = _cluster({}, replicas=3, ready=2)
    changed_lately(cluster)
    assert _drafts(spreading.ports_of_nodes, cluster) == [
        *BACK,
        "set_replicas 0.7 drafting.replicas n=2 workload=web",
        "  why scheduling.port.why detail=seen n=2",
        "  risk drafting.risk.gives_up_replicas n=3",
        "  risk drafting.risk.fewer",
        "  apps/v1 Deployment/shop/web spec.replicas: 3 → 2",
    ]


def _tainted(*taints: list[dict[str, str]], **spec: Any) -> Cluster:
    cluster = _cluster(*[{"disk": "ssd"} for _ in taints], **spec)
    for node, own in zip(cluster.objects["nodes"], taints, strict=True):
        node["spec"]["taints"] = own
    return cluster


def _taint(key: str, value: str = "", effect: str = "NoSchedule") -> dict[str, str]:
    return {"key": key, "effect": effect} | ({"value": value} if value else {})


def test_the_taint_that_most_fitting_nodes_have_is_tolerated() -> None:
    one, two = _taint("team", "pay"), _taint("gpu")
    cluster = _tainted([two], [one], [one], tolerations=[{"key": "old", "operator": "Exists"}])
    assert _drafts(placing.toleration, cluster) == [
        "set_scheduling 0.6 scheduling.taint.title taint=team=pay:NoSchedule",
        "  why scheduling.taint.why taint=team=pay:NoSchedule",
        "  risk scheduling.taint.reason",
        '  apps/v1 Deployment/shop/web :tolerations: [{"key": "old", "operator": "Exists"}] → [{"key": "old", "operator": "Exists"}, {"key": "team", "operator": "Equal", "value": "pay", "effect": "NoSchedule"}]',
    ]


def test_a_taint_without_a_value_is_tolerated_as_one_that_exists() -> None:
    assert _drafts(placing.toleration, _tainted([_taint("gpu", effect="NoExecute")])) == [
        "set_scheduling 0.6 scheduling.taint.title taint=gpu:NoExecute",
        "  why scheduling.taint.why taint=gpu:NoExecute",
        "  risk scheduling.taint.reason",
        '  apps/v1 Deployment/shop/web :tolerations: + [{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}]',
    ]


def test_among_equals_the_last_taint_is_tolerated() -> None:
    cluster = _tainted([_taint("a", "1")], [_taint("b", "1")])
    assert _changes(placing.toleration, cluster) == [
        ':tolerations: + [{"key": "b", "operator": "Equal", "value": "1", "effect": "NoSchedule"}]',
    ]


def test_nodes_that_the_pod_would_not_fit_are_not_what_it_tolerates_for() -> None:
    cluster = _tainted([_taint("a")], [_taint("b")], [_taint("b")], nodeSelector={"disk": "hdd"})
    cluster.objects["nodes"][0]["metadata"]["labels"] = {"disk": "hdd"}
    assert _changes(placing.toleration, cluster) == [
        ':tolerations: + [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}]',
    ]
    cluster = _tainted([_taint("a")], [_taint("b")], [_taint("b")])
    for node in cluster.objects["nodes"][1:]:
        node["spec"]["unschedulable"] = True
    assert _changes(placing.toleration, cluster) == [
        ':tolerations: + [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}]',
    ]
    cluster = _tainted([_taint("a")], [_taint("b")], affinity=_affinity(_asks("disk", "hdd")))
    cluster.objects["nodes"][0]["metadata"]["labels"] = {"disk": "hdd"}
    assert _changes(placing.toleration, cluster) == [
        ':tolerations: + [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}]',
    ]


def test_without_a_taint_nothing_is_drafted() -> None:
    assert _drafts(placing.toleration, _tainted([])) == []
    tolerant = [{"key": "a", "operator": "Exists"}]
    assert _drafts(placing.toleration, _tainted([_taint("a")], tolerations=tolerant)) == []


def test_a_taint_of_a_sick_node_is_known_by_its_words() -> None:
    cluster = _cluster({})
    view = ClusterView(cluster.bundle())
    workload = workload_of(view, "web")
    for word, sick in (
        ("unhealthy", True),
        ("Maintenance", True),
        ("drain", True),
        ("outage", True),
        ("broken", True),
        ("disk-problem", True),
        ("degraded", True),
        ("evicting", True),
        ("shutdown", True),
        ("gpu", False),
    ):
        message = f"1 node(s) had untolerated taint {{{word}: true}}"
        facts = Unplaced(workload=workload, pod=Pod({}), message=message)
        finding = Finding(
            failure_class="taint_not_tolerated", object=workload.ref, score=0.9, facts=facts
        )
        assert placing.tolerates_sickness(finding) is sick, word


def _spread(*constraints: dict[str, Any]) -> Cluster:
    cluster = _cluster({}, topologySpreadConstraints=list(constraints))
    changed_lately(cluster)
    return cluster


def test_a_hard_spread_becomes_a_wish_or_wider_by_one_pod() -> None:
    soft = {"whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 4}
    hard = {"whenUnsatisfiable": "DoNotSchedule", "maxSkew": 2, "topologyKey": "zone"}
    assert _drafts(spreading.spread, _spread(soft, hard, {"maxSkew": 3})) == [
        "set_scheduling 0.8 scheduling.spread.prefer",
        "  why scheduling.spread.why detail=seen",
        "  risk scheduling.spread.gives_up key=zone n=2",
        "  risk scheduling.spread.crowd",
        '  apps/v1 Deployment/shop/web :topologySpreadConstraints[1].whenUnsatisfiable: "DoNotSchedule" → "ScheduleAnyway"',
        '  apps/v1 Deployment/shop/web :topologySpreadConstraints[2].whenUnsatisfiable: + "ScheduleAnyway"',
        "set_scheduling 0.65 scheduling.spread.wider pods=3",
        "  why scheduling.spread.why detail=seen",
        "  risk scheduling.spread.gives_up key=zone n=2",
        "  risk scheduling.spread.crowd",
        "  apps/v1 Deployment/shop/web :topologySpreadConstraints[1].maxSkew: 2 → 3",
    ]


def test_a_spread_without_a_number_is_one_of_one() -> None:
    assert (
        _changes(spreading.spread, _spread({}))[-1] == ":topologySpreadConstraints[0].maxSkew: + 2"
    )


def test_a_soft_spread_is_just_a_reason_to_go_back() -> None:
    assert _drafts(spreading.spread, _spread({"whenUnsatisfiable": "ScheduleAnyway"})) == BACK


def _near(*labels: dict[str, str], there: str = "cart") -> Cluster:
    terms = [{"labelSelector": {"matchLabels": one}, "topologyKey": "zone"} for one in labels]
    affinity = {"podAffinity": {_REQUIRED: terms}} if labels else {}
    cluster = _cluster({}, affinity=affinity)
    cluster.pod("cart")["metadata"]["labels"]["tier"] = there
    changed_lately(cluster)
    return cluster


def test_pods_are_near_those_of_the_likest_label_or_wish_to_be() -> None:
    assert _drafts(spreading.near_pods, _near({"app": "gone"}, {"app": "carts"})) == [
        "set_scheduling 0.8 scheduling.near.title label=app=cart",
        "  why scheduling.near.have detail=seen label=app=cart",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[1].labelSelector.matchLabels[\'app\']: "carts" → "cart"',
        "set_scheduling 0.75 scheduling.near.prefer",
        "  why scheduling.near.why detail=seen",
        "  risk scheduling.near.gives_up",
        "  risk scheduling.near.far",
        '  apps/v1 Deployment/shop/web :affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution: + [{"weight": 100, "podAffinityTerm": {"labelSelector": {"matchLabels": {"app": "gone"}}, "topologyKey": "zone"}}, {"weight": 100, "podAffinityTerm": {"labelSelector": {"matchLabels": {"app": "carts"}}, "topologyKey": "zone"}}]',
        '  apps/v1 Deployment/shop/web :affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution: - [{"labelSelector": {"matchLabels": {"app": "gone"}}, "topologyKey": "zone"}, {"labelSelector": {"matchLabels": {"app": "carts"}}, "topologyKey": "zone"}]',
    ]


def test_a_label_that_pods_have_or_that_is_alike_to_none_stays() -> None:
    for wanted in ({"app": "cart"}, {"app": "zzzz"}, {"other": "cart"}):
        assert len(_changes(spreading.near_pods, _near(wanted))) == 2


def test_a_label_of_three_quarters_is_alike() -> None:
    for wanted, alike in (("tiez", True), ("tizz", False)):
        found = _changes(spreading.near_pods, _near({"tier": wanted}, there="tier"))
        assert (len(found) == 3) is alike, wanted


def test_one_label_of_a_term_is_turned_and_others_stay() -> None:
    found = _changes(
        spreading.near_pods, _near({"x": "y", "tier": "frontt", "app": "carx"}, there="front")
    )
    assert (
        found[0]
        == ':affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchLabels[\'tier\']: "frontt" → "front"'
    )
    assert len(found) == 3


def test_without_required_affinity_to_pods_there_is_just_the_way_back() -> None:
    assert _drafts(spreading.near_pods, _near()) == BACK
