"""The one library of objects reads as Kubernetes does: where copies of it disagreed, its documentation decides."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.objects import kinds, meta, pods, resources, scheduling, selectors, shapes, workloads
from manifests.objects.times import instant

# --- selectors

VALUES = st.sampled_from(["", "a", "b"])
KEYS = st.sampled_from(["app", "tier", "x.io/zone"])
LABELS = st.dictionaries(KEYS, VALUES, max_size=3)


def expressions(values: st.SearchStrategy[str] = VALUES) -> st.SearchStrategy[dict[str, Any]]:
    some, none = st.lists(values, min_size=1, max_size=2), st.just([])
    return st.one_of(
        st.fixed_dictionaries(
            {"key": KEYS, "operator": st.sampled_from(["In", "NotIn"]), "values": some}
        ),
        st.fixed_dictionaries(
            {"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"]), "values": none}
        ),
    )


SELECTORS = st.fixed_dictionaries(
    {}, optional={"matchLabels": LABELS, "matchExpressions": st.lists(expressions(), max_size=3)}
)
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(SELECTORS, LABELS)
def test_evidence_and_checks_read_a_sound_selector_alike(selector: Any, labels: Any) -> None:
    assert selectors.selects(selector, labels) is selectors.matches(selector, labels)


@given(SELECTORS, LABELS)
def test_a_selector_written_as_a_query_selects_the_same(selector: Any, labels: Any) -> None:
    query = selectors.written(selector)
    assert bool(query) is selectors.stated(selector)
    assert selectors.asked(query, labels) is selectors.matches(selector, labels)


@given(SELECTORS, LABELS)
def test_an_expression_more_never_selects_more(selector: Any, labels: Any) -> None:
    narrower = {
        **selector,
        "matchExpressions": [
            *selector.get("matchExpressions", ()),
            {"key": "tier", "operator": "NotIn", "values": ["a"]},
        ],
    }
    if selectors.selects(narrower, labels):
        assert selectors.selects(selector, labels)
        assert labels.get("tier") != "a"


@given(ODD, ODD)
def test_evidence_of_any_shape_is_read_without_a_failure(selector: Any, labels: Any) -> None:
    assert selectors.selects(selector, labels) in (True, False)
    assert selectors.selects({"matchLabels": selector, "matchExpressions": labels}, labels) in (
        True,
        False,
    )
    assert selectors.equal(selector, labels) in (True, False)
    assert isinstance(selectors.written(selector), str)


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        (None, {"app": "a"}, False),
        ({}, {}, True),
        ({"matchLabels": None, "matchExpressions": None}, {}, True),
        # A label that is not there has no value, not even null or the empty text.
        ({"matchLabels": {"app": None}}, {}, False),
        ({"matchLabels": {"app": ""}}, {}, False),
        # Null is read as the empty text, in a label as in a selector.
        ({"matchLabels": {"app": ""}}, {"app": None}, True),
        ({"matchLabels": {"app": None}}, {"app": ""}, True),
        ({"matchLabels": {"version": "2"}}, {"version": 2}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": None}, True),
    ],
)
def test_null_and_missing_labels_are_told_apart(selector: Any, labels: Any, selected: bool) -> None:
    assert selectors.selects(selector, labels) is selected


@pytest.mark.parametrize(
    "expression",
    [
        {"key": "a", "operator": "Gt", "values": ["1"]},
        {"key": "a", "operator": "nope"},
        {"key": "a"},
        {"key": "a", "operator": "In"},
        {"key": "a", "operator": "NotIn", "values": []},
        {"key": "a", "operator": "Exists", "values": ["x"]},
        {"key": "a", "operator": "In", "values": "x"},
    ],
)
def test_what_the_api_server_refuses_selects_nothing_and_fails_a_check(expression: Any) -> None:
    # The first requirement does not hold: the bad one is found all the same.
    selector = {"matchLabels": {"b": "c"}, "matchExpressions": [expression]}
    for labels in ({"a": "x", "b": "c"}, {}):
        assert selectors.selects(selector, labels) is False
        with pytest.raises(selectors.BadSelector):
            selectors.matches(selector, labels)


@pytest.mark.parametrize(
    ("query", "labels", "selected"),
    [
        ("", {}, True),
        ("app", {"app": None}, True),
        ("!app", {"app": ""}, False),
        ("app=", {"app": None}, True),
        ("app=", {}, False),
        ("app!=a", {}, True),
        ("app==a, tier in (x,y)", {"app": "a", "tier": "y"}, True),
        ("tier notin (x)", {}, True),
    ],
)
def test_a_query_is_read_as_the_api_reads_it(query: str, labels: Any, selected: bool) -> None:
    assert selectors.asked(query, labels) is selected


@pytest.mark.parametrize("query", ["a in", "=a", "a b", "a in (x", "!!a"])
def test_what_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(selectors.BadSelector):
        selectors.parse(query)


@pytest.mark.parametrize(
    ("operator", "have", "values", "met"),
    [
        ("Gt", "5", ["4"], True),
        ("Gt", "4", ["4"], False),
        ("Lt", "-1", ["0"], True),
        ("Gt", "five", ["4"], False),
        ("Gt", "5", [], False),
        ("Gt", "5", ["1", "2"], False),
        ("Gt", "1_0", ["4"], False),
    ],
)
def test_the_schedulers_operators_compare_whole_numbers(
    operator: str, have: str, values: list[str], met: bool
) -> None:
    entry = {"key": "cores", "operator": operator, "values": values}
    assert selectors.requirement({"cores": have}, entry) is met
    assert selectors.requirement({}, entry) is False


# --- kinds


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("ServiceEntry", "serviceentries"),
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("Endpoints", "endpoints"),
        ("Gateway", "gateways"),
        ("Proxy", "proxies"),
        ("Index", "indexes"),
        ("Batch", "batches"),
        ("PodMetrics", "podmetrics"),
        ("Widget", "widgets"),
    ],
)
def test_plurals_are_those_of_the_apis_paths(kind: str, plural: str) -> None:
    assert kinds.plural_of(kind) == plural == kinds.plural_of(kind.lower())


def test_a_kind_a_plural_and_a_short_name_lead_to_each_other() -> None:
    for kind in kinds.KINDS:
        assert kinds.plural_of(kind.kind) == kind.plural
        assert kinds.kind_of(kind.plural) == kind.kind
        assert kinds.known(kind.kind, kind.api_version) == kind
        for word in (kind.kind, kind.plural, *kind.short, f"{kind.plural}.v1"):
            assert kinds.plural_named(word) == kind.plural
    assert len({(k.plural, k.group) for k in kinds.KINDS}) == len(kinds.KINDS)
    assert len({k.plural for k in kinds.KINDS}) == len({k.kind for k in kinds.KINDS})
    assert [kinds.plural_named(word) for word in ("all", "dump", "my-app", "app")] == [""] * 4


def test_a_kind_of_another_group_is_another_kind() -> None:
    assert kinds.known("Service", "serving.knative.dev/v1") is None
    assert kinds.known("Deployment", "apps/v1beta2") == kinds.known("Deployment")
    assert (kinds.version_of("HorizontalPodAutoscaler"), kinds.version_of("Widget")) == (
        "autoscaling/v2",
        "",
    )
    assert not kinds.is_namespaced("ClusterIssuer")
    assert kinds.is_namespaced("Widget")


# --- metadata, times, shapes


def test_owners_come_with_the_controller_first() -> None:
    owners: list[Any] = [
        {"kind": "Foo", "name": "x"},
        "odd",
        {"kind": "ReplicaSet", "name": "web-1", "controller": True},
    ]
    item = {"metadata": {"ownerReferences": owners}}
    assert meta.owners_of(item) == [("ReplicaSet", "web-1"), ("Foo", "x")]
    assert (meta.controller_of(item) or {})["name"] == "web-1"
    assert meta.controller_of({"metadata": {"ownerReferences": [{"kind": "Foo"}]}}) is None


@given(ODD)
def test_metadata_of_any_shape_is_read_without_a_failure(odd: Any) -> None:
    for item in (odd, {"metadata": odd}, {"metadata": {"labels": odd, "ownerReferences": odd}}):
        meta.name_of(item), meta.namespace_of(item), meta.owners_of(item), meta.created_at(item)
        assert meta.labels_of(item) == shapes.mapping(item, "metadata", "labels")
    assert isinstance(meta.condition({"status": {"conditions": odd}}, "Ready"), dict)


def test_a_name_that_is_null_is_empty() -> None:
    item = {"metadata": {"name": None, "namespace": None}}
    assert (meta.name_of(item), meta.namespace_of(item)) == ("", "")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.678901Z", datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        ("2026-01-02T03:04:05.678901999Z", datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        ("2026-01-02T04:04:05+01:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        # Without a zone it is no time of an object, and could not be compared with one.
        ("2026-01-02T03:04:05", None),
        ("2026-01-02", None),
        ("20260102T030405Z", None),
        ("2026-13-02T03:04:05Z", None),
        (datetime(2026, 1, 2), None),
        (None, None),
        (7, None),
    ],
)
def test_times_are_rfc_3339_with_a_zone(text: object, time: datetime | None) -> None:
    assert instant(text) == time


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))
def test_a_time_is_read_as_it_was_written(time: datetime) -> None:
    assert instant(time.isoformat().replace("+00:00", "Z")) == time


def test_checks_tell_unreadable_from_absent() -> None:
    assert shapes.strict_mapping({"spec": None}, "spec", "template") == {}
    assert shapes.strict_mappings({}, "spec") == []
    assert shapes.strict_number({"spec": {"replicas": None}}, "spec", "replicas", default=3) == 3
    for call in (
        lambda: shapes.strict_mapping({"spec": "x"}, "spec"),
        lambda: shapes.strict_mapping({"spec": "x"}, "spec", "template"),
        lambda: shapes.strict_mappings({"spec": [1]}, "spec"),
        lambda: shapes.strict_number({"spec": {"replicas": "3"}}, "spec", "replicas", default=1),
        lambda: shapes.strict_number({"spec": {"replicas": True}}, "spec", "replicas", default=1),
    ):
        with pytest.raises(shapes.Misshapen, match="spec"):
            call()


# --- pods and workloads


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", "spec"),
        ("Deployment", "spec.template.spec"),
        ("Rollout", "spec.template.spec"),
        ("CronJob", "spec.jobTemplate.spec.template.spec"),
    ],
)
def test_each_kind_keeps_its_pod_spec_in_its_place(kind: str, path: str) -> None:
    item: dict[str, Any] = {"kind": kind}
    node = item
    for key in path.split("."):
        node = node.setdefault(key, {})
    node["containers"] = [{"name": "app"}]
    assert pods.template_path(kind) == path
    assert pods.pod_spec(item) == pods.strict_pod_spec(item) == {"containers": [{"name": "app"}]}


def test_containers_of_every_sort_are_found_in_the_order_of_their_start() -> None:
    spec = {
        "containers": [{"name": "app"}, "odd"],
        "initContainers": [{"name": "wait"}, {"name": "mesh", "restartPolicy": "Always"}],
        "ephemeralContainers": [{"name": "debug"}],
    }
    assert [c["name"] for c in pods.containers_in(spec)] == ["wait", "mesh", "app"]
    assert [c["name"] for c in pods.containers_in(spec, "ephemeralContainers")] == ["debug"]
    assert [pods.is_sidecar(c) for c in pods.containers_in(spec)] == [False, True, False]
    with pytest.raises(shapes.Misshapen):
        pods.strict_containers(spec)


@given(ODD)
def test_pods_of_any_shape_are_read_without_a_failure(odd: Any) -> None:
    for item in ({"spec": odd, "status": odd}, {"spec": {"containers": odd}, "metadata": odd}):
        pod = pods.Pod(item)
        assert pod.ready in (True, False)
        assert isinstance(pod.containers(), list)
        found = workloads.Workload("Deployment", item)
        assert isinstance(found.desired, int)
        assert found.available in (True, False)


@pytest.mark.parametrize(
    ("value", "whole", "up", "down"),
    [(2, 10, 2, 2), ("25%", 10, 3, 2), ("0%", 10, 0, 0), ("100%", 3, 3, 3), ("29%", 100, 29, 29)],
)
def test_percentages_round_as_told(value: Any, whole: int, up: int, down: int) -> None:
    assert workloads.rounded(value, whole, math.ceil) == up
    assert workloads.rounded(value, whole, math.floor) == down


@pytest.mark.parametrize("value", ["3", "-5%", "+5%", "x%", "", True, None, 2.5])
def test_what_is_neither_a_number_nor_a_percentage_is_refused(value: Any) -> None:
    with pytest.raises(shapes.Misshapen):
        workloads.rounded(value, 10, math.ceil)


# --- resources

AMOUNT = st.sampled_from(["0", "100m", "1", "2"])
SAID = st.dictionaries(st.sampled_from(["cpu", "memory", "example.com/gpu"]), AMOUNT, max_size=2)
HOLDER = st.fixed_dictionaries({"requests": SAID, "limits": SAID}).map(lambda r: {"resources": r})


@st.composite
def pod_specs(draw: st.DrawFn) -> dict[str, Any]:
    sidecar = st.sampled_from([{}, {"restartPolicy": "Always"}])
    init = [draw(HOLDER) | draw(sidecar) for _ in range(draw(st.integers(0, 3)))]
    return {"initContainers": init, "containers": draw(st.lists(HOLDER, min_size=1, max_size=3))}


def moments(spec: dict[str, Any], sort: resources.Sort, name: str) -> Decimal:
    """The largest sum over every moment of the pod's life, as KEP-753 tells it, one by one."""
    sidecars, found = Decimal(0), Decimal(0)
    for container in spec["initContainers"]:
        own = resources.amounts(container, sort).get(name, Decimal(0))
        found = max(found, sidecars + own)
        sidecars += own if pods.is_sidecar(container) else Decimal(0)
    running = sum(resources.amounts(c, sort).get(name, Decimal(0)) for c in spec["containers"])
    return max(found, sidecars + running)


@given(pod_specs(), st.sampled_from(resources.SORTS))
def test_a_pod_needs_what_its_greatest_moment_needs(spec: Any, sort: resources.Sort) -> None:
    found = resources.per_pod(spec, sort)
    for name in ("cpu", "memory", "example.com/gpu"):
        assert found.get(name, Decimal(0)) == moments(spec, sort, name)


def one(**said: Any) -> dict[str, Any]:
    return {"containers": [{"name": "app", "resources": said}]}


def test_overhead_is_on_every_request_and_on_limits_that_are_there() -> None:
    spec = one(limits={"cpu": "1"}) | {"overhead": {"cpu": "1", "memory": "2"}}
    assert resources.per_pod(spec, "requests") == {"cpu": 2, "memory": 2}
    assert resources.per_pod(spec, "limits") == {"cpu": 2}


def test_a_pods_own_request_is_what_its_containers_ask_for_where_it_has_only_a_limit() -> None:
    spec = one(requests={"cpu": "100m"}) | {"resources": {"limits": {"cpu": "2", "memory": "1"}}}
    assert resources.per_pod(spec, "requests") == {"cpu": Decimal("0.1"), "memory": 1}
    assert resources.per_pod(spec, "limits") == {"cpu": 2, "memory": 1}


def test_a_pods_own_figures_stand_for_those_of_its_containers_and_know_no_other_resources() -> None:
    own = {"requests": {"cpu": "1", "example.com/gpu": "4"}}
    spec = one(requests={"cpu": "3", "example.com/gpu": "1"}) | {"resources": own}
    assert resources.per_pod(spec, "requests") == {"cpu": 1, "example.com/gpu": 1}


@pytest.mark.parametrize(
    ("spec", "best_effort"),
    [
        (one(), True),
        (one(requests={"cpu": "0"}), True),
        (one(requests={"example.com/gpu": "1"}), True),
        (one(limits={"memory": "1"}), False),
        (one() | {"resources": {"limits": {"cpu": "1"}}}, False),
        (one() | {"resources": {"limits": None}}, True),
        (one() | {"initContainers": one(requests={"cpu": "1"})["containers"]}, False),
    ],
)
def test_best_effort_is_a_pod_that_says_nothing_of_cpu_and_memory(
    spec: Any, best_effort: bool
) -> None:
    assert resources.is_best_effort(spec) is best_effort


# --- scheduling

TAINT = {"key": "pool", "value": "gpu", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"key": "pool", "value": "gpu"}, True),
        ({"key": "pool", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"}, True),
        ({"key": "pool", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "pool", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "pool", "value": "cpu"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "pool", "operator": "nope", "value": "gpu"}, False),
    ],
)
def test_a_toleration_tolerates_as_the_scheduler_says(toleration: Any, tolerated: bool) -> None:
    assert scheduling.tolerates(toleration, TAINT) is tolerated
    node = {"spec": {"taints": [TAINT, {"key": "x", "effect": "PreferNoSchedule"}]}}
    kept_off = scheduling.untolerated({"tolerations": [toleration]}, node)
    assert kept_off == ([] if tolerated else [TAINT])


def required(*terms: Any) -> dict[str, Any]:
    rule = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return {"affinity": {"nodeAffinity": rule}}


def test_the_terms_of_an_affinity_are_alternatives_and_an_empty_one_takes_no_node() -> None:
    node = {"metadata": {"name": "n1", "labels": {"zone": "a"}}}
    zone = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    other = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}
    named = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    assert scheduling.affinity_takes({}, node)
    assert scheduling.affinity_takes(required(other, zone), node)
    assert scheduling.affinity_takes(required({**zone, **named}), node)
    assert not scheduling.affinity_takes(required({**other, **named}), node)
    assert not scheduling.affinity_takes(required({}), node)
    assert not scheduling.affinity_takes(required(), node)
    assert scheduling.selector_takes({"nodeSelector": {"zone": "a"}}, node)
    assert not scheduling.selector_takes({"nodeSelector": {"rack": None}}, node)
