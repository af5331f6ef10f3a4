"""How drafts change fields, and what they read of containers, declared objects and drift."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core.drafting import containers as read
from decide.core.drafting import drafts, drift
from decide.core.facts import Facts
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import changes
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import FieldChange
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import pod_spec, shop, workload_of

_REF = ObjectRef(api_version="v1", kind="ConfigMap", namespace="shop", name="settings")


def change(obj: dict[str, Any], path: str, after: Any) -> str:
    """What the change does, in short; empty for none."""
    found = drafts.field_change(obj, path, after)
    return "" if found is None else f"{found.op} {found.path}: {found.before} → {found.after}"


_SPEC: dict[str, Any] = {
    "spec": {
        "replicas": 3,
        "none": None,
        "list": [{"name": "a", "image": "i"}, {"name": "b"}],
        "labels": {"k8s.io/x": "1"},
        "text": "t",
    }
}


@pytest.mark.parametrize(
    ("path", "after", "expected"),
    [
        ("spec.replicas", 4, "replace spec.replicas: 3 → 4"),
        ("spec.replicas", 3, ""),
        ("spec.replicas", "3", ""),
        ("spec.replicas", 0, "replace spec.replicas: 3 → 0"),
        ("spec.replicas", None, "remove spec.replicas: 3 → None"),
        ("spec.gone", None, ""),
        ("spec.gone.deeper", None, ""),
        ("spec.none", 1, "replace spec.none: None → 1"),
        ("spec.paused", True, "add spec.paused: None → True"),
        ("status", {"x": 1}, "add status: None → {'x': 1}"),
        # the topmost mapping that is missing is added whole
        ("spec.a.b.c", 1, "add spec.a: None → {'b': {'c': 1}}"),
        ("a.b", 1, "add a: None → {'b': 1}"),
        ("spec.labels['k8s.io/y']", "2", "add spec.labels['k8s.io/y']: None → 2"),
        ("spec.labels['k8s.io/x']", "2", "replace spec.labels['k8s.io/x']: 1 → 2"),
        # items of lists: by name, and one behind the last
        ("spec.list[name=a].image", "j", "replace spec.list[name=a].image: i → j"),
        ("spec.list[name=b].image", "j", "add spec.list[name=b].image: None → j"),
        (
            "spec.list[name=c].image",
            "j",
            "add spec.list[name=c]: None → {'name': 'c', 'image': 'j'}",
        ),
        ("spec.list[2]", {"name": "c"}, "add spec.list[2]: None → {'name': 'c'}"),
        ("spec.list[0].image", "j", "replace spec.list[0].image: i → j"),
        # what holds no such item, and lists that are not there
        ("spec.text.a", 1, ""),
        ("spec.text[0]", 1, ""),
        ("spec.replicas.a", 1, ""),
        ("spec.labels[0]", 1, ""),
        ("spec.list.a", 1, ""),
        ("spec.gone[0]", 1, ""),
        ("spec.gone[name=a].image", 1, ""),
    ],
)
def test_the_change_that_makes_a_field_so(path: str, after: Any, expected: str) -> None:
    assert change(copy.deepcopy(_SPEC), path, after) == expected


@pytest.mark.parametrize("held", ["text", 3, [1], None])
def test_what_is_no_mapping_takes_no_field(held: Any) -> None:
    assert change({"spec": held}, "spec.a", 1) == ""


def _patched(
    live: dict[str, Any],
    *wanted: tuple[str, Any],
    declared: dict[str, Any] | None = None,
) -> list[str]:
    cluster = shop()
    if declared is not None:
        meta = {"name": "settings", "namespace": "shop"}
        cluster.declared.append({"kind": "ConfigMap", "metadata": meta, **declared})
    view = ClusterView(cluster.bundle())
    found = drafts.patch(view, _REF, live, wanted)
    assert all(one.object == _REF for one in found)
    assert len(found) <= 1
    return [f"{f.op} {f.path}: {f.before} → {f.after}" for one in found for f in one.fields]


def test_a_patch_takes_every_field_that_changes_and_no_other() -> None:
    live = {"data": {"a": "1", "b": "2"}}
    assert _patched(live, ("data.a", "3"), ("data.b", "2"), ("data.c", "4")) == [
        "replace data.a: 1 → 3",
        "add data.c: None → 4",
    ]
    assert _patched(live, ("data.a", "1")) == []


def test_a_name_that_no_path_can_hold_spoils_the_patch() -> None:
    live = {"data": {"a": "1"}}
    assert _patched(live, ("data.a", "3"), ("data[name=", "3")) == []


def test_two_values_below_one_new_mapping_are_one_addition() -> None:
    wanted = (("spec.a.b.c", 1), ("spec.a.b.d", 2), ("spec.a.e", 3), ("spec.f.g", 4))
    assert _patched({"spec": {}}, *wanted) == [
        "add spec.a: None → {'b': {'c': 1, 'd': 2}, 'e': 3}",
        "add spec.f: None → {'g': 4}",
    ]


def test_an_addition_joins_no_value_that_is_whole_and_no_other_field() -> None:
    wanted = (("spec.a", 1), ("spec.b.c", 2), ("spec.b.d", 3), ("spec.e", 5))
    assert _patched({"spec": {"e": 4}}, *wanted) == [
        "add spec.a: None → 1",
        "add spec.b: None → {'c': 2, 'd': 3}",
        "replace spec.e: 4 → 5",
    ]


def test_joining_an_addition_leaves_what_was_asked_for_as_it_was() -> None:
    asked = {"c": 1}
    assert _patched({"spec": {}}, ("spec.a.b", asked), ("spec.a.b.d", 2)) == [
        "add spec.a: None → {'b': {'c': 1, 'd': 2}}",
    ]
    assert asked == {"c": 1}


def test_preconditions_are_those_of_the_declared_object() -> None:
    live, declared = {"data": {"a": "1"}}, {"data": {"a": "2"}}
    assert _patched(live, ("data.a", "3"), declared=declared) == [
        "replace data.a: 2 → 3",
    ]
    assert _patched(live, ("data.a", "2"), declared=declared) == []


def test_what_stands_in_the_cluster_alone_is_not_changed_in_the_repository() -> None:
    live = {"spec": {"a": {"b": 1}}, "data": {"x": 1}}
    declared = {"spec": {"c": 1}}
    assert _patched(live, ("spec.a.b", 2), declared=declared) == []
    assert _patched(live, ("data.x", 2), declared=declared) == [
        "add data: None → {'x': 2}",
    ]
    assert _patched(live, ("spec.new.b", 2), declared=declared) == [
        "add spec.new: None → {'b': 2}",
    ]
    assert _patched(live, ("spec.a.b", 2), ("spec.c", 2), declared=declared) == [
        "replace spec.c: 1 → 2",
    ]
    assert _patched(live, ("spec.d", 2), declared=declared) == [
        "add spec.d: None → 2",
    ]


def test_paths_of_a_workload_begin_at_its_pod_spec() -> None:
    inner = {"dnsPolicy": "None"}
    for kind, spec, start in (
        ("Deployment", {"template": {"spec": inner}}, "spec.template.spec"),
        (
            "CronJob",
            {"jobTemplate": {"spec": {"template": {"spec": inner}}}},
            "spec.jobTemplate.spec.template.spec",
        ),
        ("Pod", inner, "spec"),
    ):
        workload = Workload(kind, {"metadata": {"name": "web"}, "spec": {"replicas": 1, **spec}})
        view = ClusterView(shop().bundle())
        wanted = [(":dnsPolicy", "Default:x"), ("spec.replicas", 2)]
        (found,) = drafts.patch_workload(view, workload, wanted)
        assert found.fields == (
            FieldChange(op="replace", path=f"{start}.dnsPolicy", before="None", after="Default:x"),
            FieldChange(op="replace", path="spec.replicas", before=1, after=2),
        )


def test_a_containers_path_says_whether_it_is_an_init_container() -> None:
    cluster = shop()
    pod_spec(cluster)["initContainers"] = [{"name": "first"}]
    view = ClusterView(cluster.bundle())
    workload = workload_of(view, "web")
    assert drafts.container_path(workload, "first", "x") == ":initContainers[name=first].x"
    assert drafts.container_path(workload, "main", "x") == ":containers[name=main].x"


def test_an_exchange_adds_before_it_takes_away() -> None:
    old, new = {"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4, "d.e": 5}
    assert drafts.exchange("p", old, new) == [("p.c", 4), ("p['d.e']", 5), ("p.a", None)]
    for odd in ("a.b", "a[b", "a]b", "a'b", 'a"b'):
        assert drafts.exchange("p", {odd: 1}, {}) == [(f"p['{odd}']", None)]


def test_leaves_are_the_smallest_changes() -> None:
    now = {"a": {"b": 1, "c": 2}, "l": [1], "same": {"x": 1}, "z": 1}
    then = {"a": {"b": 1, "c": 3, "k8s.io/d": 4}, "l": [2], "same": {"x": 1}, "m": {"n": 1}}
    assert drafts.leaves("p", now, then) == [
        ("p.a.c", 3),
        ("p.a['k8s.io/d']", 4),
        ("p.l", [2]),
        ("p.m", {"n": 1}),
        ("p.z", None),
    ]
    assert drafts.leaves("p", 1, 1) == []
    assert drafts.leaves("p", {"a": 1}, 5) == [
        ("p", 5),
    ]
    assert drafts.leaves("p", None, {"a": 1}) == [
        ("p", {"a": 1}),
    ]


_VALUES = st.recursive(
    st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.text("xyz.", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=6,
)
_TREES = st.dictionaries(st.text("xyz", min_size=1, max_size=2), _VALUES, min_size=1, max_size=3)


@given(_TREES, _TREES)
def test_applying_the_leaves_makes_one_object_of_the_other(
    now: dict[str, Any], then: dict[str, Any]
) -> None:
    obj = {"spec": copy.deepcopy(now)}
    for path, after in drafts.leaves("spec", now, then):
        made = drafts.field_change(obj, path, after)
        if made is not None:
            obj = changes.apply([made], obj)
    numbers = _as_text(obj["spec"]), _as_text(then)
    assert numbers[0] == numbers[1]


def _as_text(value: Any) -> Any:
    """A number and its text are one value to a change."""
    return {k: _as_text(v) for k, v in value.items()} if isinstance(value, dict) else str(value)


def test_sentences_come_one_after_the_other_or_alone() -> None:
    first, second = say("drafting.risk.cost"), say("drafting.risk.restart")
    assert drafts.after(first, second) == say("drafting.after", first=first, second=second)
    assert drafts.after(first, "") is first
    assert drafts.because("seen") == say("drafting.because", detail="seen")


def test_a_phrase_is_spoken_in_the_language_that_is_asked_for() -> None:
    assert drafts.spoken(("Hello", "Bonjour"), "en") == "Hello"
    assert drafts.spoken(("Hello", "Bonjour"), "fr") == "Bonjour"
    cost = say("drafting.risk.cost")
    assert drafts.spoken(cost, "en") == cost
    assert drafts.spoken(cost, "fr") != cost


def _of(cluster: Cluster) -> tuple[ClusterView, Workload]:
    view = ClusterView(cluster.bundle())
    return view, workload_of(view, "web")


def test_a_container_is_found_by_name_or_is_the_first_that_runs() -> None:
    cluster = shop()
    spec = pod_spec(cluster)
    spec["initContainers"] = [{"name": "first"}]
    spec["containers"].append({"name": "side"})
    for asked, found in (
        ("side", "side"),
        ("first", "first"),
        ("gone", "main"),
        ("", "main"),
    ):
        container = read.container_of(_of(cluster)[1], asked)
        assert container is not None
        assert container.name == found
    spec["containers"] = []
    assert read.container_of(_of(cluster)[1], "gone") is None


def test_amounts_are_read_or_not_there() -> None:
    cluster = shop()
    pod_spec(cluster)["containers"][0]["resources"] = {
        "requests": {"cpu": "250m", "memory": "much"},
        "limits": {"memory": "1Ki"},
    }
    container = _of(cluster)[1].containers()[0]
    assert read.stated(container, "requests", "cpu") == 0.25
    assert read.stated(container, "limits", "memory") == 1024.0
    assert read.stated(container, "requests", "memory") is None
    assert read.stated(container, "limits", "cpu") is None


def test_amounts_are_written_as_manifests_write_them() -> None:
    for resource, value, text in (
        ("cpu", "0.25", "250m"),
        ("requests.cpu", "0.25", "250m"),
        ("memory", 2**20, str(2**20)),
        ("memory", 2**20 + 1, "2Mi"),
        ("memory", 2**30, "1Gi"),
        ("pods", 5, "5"),
    ):
        assert read.written(resource, read.Decimal(value)) == text


def test_a_resource_has_a_word_or_its_own_name() -> None:
    assert read.resource_word("cpu") == say("drafting.resource.cpu")
    assert read.resource_word("memory") == say("drafting.resource.memory")
    assert read.resource_word("ephemeral-storage") == "ephemeral-storage"


def _fitting(cluster: Cluster, which: str, resource: str) -> str | None:
    view, workload = _of(cluster)
    return read.fitting(view, workload, workload.containers()[0], which, resource)


def _bare(*neighbours: dict[str, Any], **resources: dict[str, str]) -> Cluster:
    cluster = shop("web", *(f"other{n}" for n in range(len(neighbours))))
    for n, one in enumerate(neighbours):
        pod_spec(cluster, f"other{n}")["containers"][0]["resources"] = one
    pod_spec(cluster)["containers"][0]["resources"] = resources
    return cluster


def test_a_value_that_is_missing_comes_from_use_before_everything_else() -> None:
    cluster = _bare(limits={"cpu": "9", "memory": "9Gi"}, requests={"cpu": "9", "memory": "9Gi"})
    cluster.series("kubernetes.cpu.usage.total", [0.2e9] * 30, kube_deployment="web")
    cluster.series("kubernetes.memory.usage", [100.0 * 2**20] * 30, kube_deployment="web")
    assert _fitting(cluster, "requests", "cpu") == "230m"
    assert _fitting(cluster, "limits", "cpu") == "460m"
    assert _fitting(cluster, "requests", "memory") == "128Mi"
    assert _fitting(cluster, "limits", "memory") == "128Mi"
    main = pod_spec(cluster)["containers"][0]
    main["env"] = [{"name": "JAVA_TOOL_OPTIONS", "value": "-Xmx300m"}]
    assert _fitting(cluster, "limits", "memory") == "400Mi"


def test_use_of_another_resource_or_for_too_short_a_time_tells_nothing() -> None:
    cluster = _bare(requests={"cpu": "1", "ephemeral-storage": "3Gi"})
    cluster.series("kubernetes.cpu.usage.total", [0.2e9] * 19, kube_deployment="web")
    assert _fitting(cluster, "limits", "cpu") == "1"
    assert _fitting(cluster, "limits", "ephemeral-storage") == "3Gi"


def test_a_value_comes_from_the_containers_other_one() -> None:
    assert _fitting(_bare(limits={"memory": "1Gi"}), "requests", "memory") == "1Gi"
    assert _fitting(_bare(requests={"memory": "1Gi"}), "limits", "memory") == "1Gi"
    assert _fitting(_bare(requests={"memory": "1Gi"}), "limits", "cpu") is None


def test_a_value_comes_from_the_limit_ranges_defaults_for_containers() -> None:
    cluster = _bare({"requests": {"cpu": "9"}}, {"requests": {"cpu": "9"}})
    entries = [
        {"type": "Pod", "default": {"cpu": "7"}, "defaultRequest": {"cpu": "7"}},
        {"type": "Container", "default": {"memory": "1Gi"}},
        {"type": "Container", "default": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}},
    ]
    cluster.add("limitranges", "bounds", spec={"limits": entries})
    assert _fitting(cluster, "limits", "cpu") == "2"
    assert _fitting(cluster, "requests", "cpu") == "1"
    assert _fitting(cluster, "requests", "memory") is None
    cluster.objects["limitranges"][0]["metadata"]["namespace"] = "bank"
    assert _fitting(cluster, "requests", "cpu") == "9"


def test_a_value_comes_from_the_middle_of_what_two_neighbours_or_more_state() -> None:
    asks = [{"requests": {"cpu": amount}} for amount in ("100m", "900m", "200m")]
    assert _fitting(_bare(*asks), "requests", "cpu") == "200m"
    assert _fitting(_bare(*asks[:2]), "requests", "cpu") == "500m"
    assert _fitting(_bare(*asks[:1]), "requests", "cpu") is None
    assert _fitting(_bare(*asks), "limits", "cpu") is None
    cluster = _bare(*asks)
    for plural in ("deployments", "replicasets", "pods"):
        for one in cluster.objects[plural]:
            if one["metadata"]["name"].startswith("other"):
                one["metadata"]["namespace"] = "bank"
    cluster.namespace = ""  # the alert names none
    assert _fitting(cluster, "requests", "cpu") is None


def _drifts(
    live: dict[str, Any],
    declared: dict[str, Any] | None,
    of: str = "node_selector_mismatch",
    known: bool = True,
    **how: Any,
) -> bool:
    cluster = shop()
    if declared is not None:
        twin = copy.deepcopy(cluster.get("deployments", "web"))
        twin["spec"]["template"]["spec"] |= declared
        cluster.declared.append(twin)
    pod_spec(cluster).update(live)
    view, workload = _of(cluster)
    facts = Facts(workload=workload if known else None)
    finding = Finding(failure_class=of, object=workload.ref, score=0.9, facts=facts)
    return drift.drifted(finding, view, **how)


def test_a_declared_workload_that_states_otherwise_has_drifted() -> None:
    live = {"nodeSelector": {"disk": "x"}}
    assert _drifts(live, {"nodeSelector": {"disk": "ssd"}})
    assert _drifts(live, {})
    assert not _drifts(live, live)
    assert not _drifts(live, {**live, "affinity": {"nodeAffinity": {}}})
    assert not _drifts(live, None)
    assert not _drifts(live, {}, known=False)


def test_one_of_several_places_is_enough() -> None:
    taint = "taint_not_tolerated"
    live = {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "x"}]}
    assert _drifts(live, {"nodeSelector": {"a": "b"}}, of=taint)
    assert not _drifts(live, copy.deepcopy(live), of=taint)


def test_what_the_api_server_fills_in_is_no_drift() -> None:
    for of, place, filled in (
        ("missing_service_account", "serviceAccountName", "default"),
        ("scheduler_unknown", "schedulerName", "default-scheduler"),
    ):
        assert not _drifts({place: filled}, {}, of=of)
        assert not _drifts({}, {place: filled}, of=of)
        assert _drifts({place: "mine"}, {}, of=of)


def test_a_class_may_compare_by_itself() -> None:
    asked: list[tuple[str, str]] = []

    def differs(finding: Finding, workload: Workload, twin: Workload) -> bool:
        asked.append((workload.name, str(twin.spec.get("dnsPolicy"))))
        return finding.score == 0.9

    assert _drifts({}, {"dnsPolicy": "None"}, differs=differs)
    assert asked == [("web", "None")]


def test_a_twin_is_the_container_of_the_same_name_an_init_container_too() -> None:
    cluster = shop()
    pod_spec(cluster)["initContainers"] = [{"name": "first"}]
    workload = _of(cluster)[1]
    for name in ("first", "main"):
        found = drift.twin_of(name, workload)
        assert found is not None
        assert found.name == name
    assert drift.twin_of("gone", workload) is None
