"""What the rules of deletions, rollouts, budgets and controllers find, at which score, and where they stay silent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from decide.core.families.lifecycle.rules import find, never_allows
from decide.core.view import ClusterView
from tests.support.decide.clusters import AT, Cluster, Obj
from tests.support.decide.rules_say import everywhere, found, heads, shop, whole

_MINE = "example.org/cleanup"
_PROTECTION = "kubernetes.io/pvc-protection"


def _deleting(obj: Obj, minutes: float, *finalizers: str) -> Obj:
    obj["metadata"] |= {
        "deletionTimestamp": (AT - timedelta(minutes=minutes)).isoformat(),
        "finalizers": list(finalizers),
    }
    return obj


def _claim(c: Cluster, minutes: float, *finalizers: str) -> Obj:
    return _deleting(c.add("persistentvolumeclaims", "data"), minutes, *finalizers)


def test_an_object_that_waits_for_a_finalizer_is_told_with_how_long_and_for_whom() -> None:
    c = shop("web")
    _claim(c, 90, _MINE, _PROTECTION)
    ref = "PersistentVolumeClaim/shop/data"
    text = f"lifecycle.finalizer.waits holders=[{_MINE}, {_PROTECTION}], object={ref}, waited=decide.span.hours hours=1, minutes=30"
    assert whole(find, c) == [
        f"0.85 finalizer_stuck of {ref}",
        f"told: {text}",
        f"object {ref}: {text}",
        "facts: Facts",
    ]


@pytest.mark.parametrize(
    ("minutes", "finalizers", "score"),
    [
        (9.99, [_MINE], 0.62),
        (10, [_MINE], 0.85),
        (10, [_PROTECTION], 0.6),
        (9.99, [_PROTECTION], None),
        (9.99, [_PROTECTION, _MINE], 0.62),
        (60, ["foregroundDeletion"], 0.6),
        (60, ["orphan"], 0.6),
        (60, ["kubernetes"], 0.6),
        (5, ["foregroundDeletion", "orphan", "kubernetes"], None),
        (60, ["custom"], 0.85),
        (60, [], None),
    ],
)
def test_a_deletion_counts_by_how_long_it_takes_and_whose_the_finalizers_are(
    minutes: float, finalizers: list[str], score: float | None
) -> None:
    c = shop("web")
    _claim(c, minutes, *finalizers)
    assert [one.score for one in found(find, c)] == ([score] if score else [])


def test_a_deletion_that_says_no_readable_time_is_left_alone() -> None:
    c = shop("web")
    _claim(c, 60, _MINE)["metadata"]["deletionTimestamp"] = "soon"
    assert heads(find, c) == []


def test_an_object_that_nobody_deletes_may_have_finalizers() -> None:
    c = shop("web")
    c.add("persistentvolumeclaims", "data")["metadata"]["finalizers"] = [_MINE]
    assert heads(find, c) == []


@pytest.mark.parametrize(
    ("plural", "kind"),
    [
        ("persistentvolumeclaims", "PersistentVolumeClaim"),
        ("pods", "Pod"),
        ("services", "Service"),
        ("deployments", "Deployment"),
        ("statefulsets", "StatefulSet"),
        ("jobs", "Job"),
        ("ingresses", "Ingress"),
        ("configmaps", "ConfigMap"),
        ("secrets", "Secret"),
    ],
)
def test_every_usual_kind_can_be_stuck(plural: str, kind: str) -> None:
    c = shop("web")
    _deleting(c.add(plural, "gone"), 60, _MINE)
    assert f"0.85 finalizer_stuck of {kind}/shop/gone" in heads(find, c)
    assert {one.object.api_version for one in found(find, c) if one.object.name == "gone"} == {"v1"}


def _namespace(c: Cluster, name: str) -> Obj:
    made = c.add("namespaces", name, spec={"finalizers": ["kubernetes"]})
    made["metadata"] = {
        "name": name,
        "deletionTimestamp": (AT - timedelta(hours=1)).isoformat(),
    }
    return made


def test_the_namespace_itself_tells_what_keeps_it() -> None:
    c = shop("web")
    namespace = _namespace(c, "shop")
    namespace["status"] = {
        "conditions": [
            {"type": "NamespaceContentRemaining", "status": "True", "message": "jobs remain"},
            {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "x in 2"},
            {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "no"},
            {"type": "NamespaceDeletionDiscoveryFailure", "status": "True"},
        ]
    }
    condition = "object Namespace/shop: lifecycle.finalizer.condition condition"
    lines = whole(find, c)
    assert lines[0] == "0.93 finalizer_stuck of Namespace/shop"
    assert lines[3:5] == [
        f"{condition}=NamespaceFinalizersRemaining, message=x in 2",
        f"{condition}=NamespaceContentRemaining, message=jobs remain",
    ]
    assert lines[5] == "facts: Facts"


@pytest.mark.parametrize(
    "kind",
    [
        "NamespaceFinalizersRemaining",
        "NamespaceContentRemaining",
        "NamespaceDeletionContentFailure",
        "NamespaceDeletionDiscoveryFailure",
    ],
)
def test_every_condition_that_keeps_a_namespace_makes_it_surer(kind: str) -> None:
    c = shop("web")
    conditions = [{"type": kind, "status": "True"}]
    _namespace(c, "shop")["status"] = {"conditions": conditions}
    assert heads(find, c) == ["0.93 finalizer_stuck of Namespace/shop"]
    conditions[0]["status"] = "False"
    assert heads(find, c) == ["0.6 finalizer_stuck of Namespace/shop"]


def test_what_is_deleted_elsewhere_is_not_the_alert_s_and_volumes_are_everybody_s() -> None:
    c = shop("web")
    _namespace(c, "other")
    c.add("persistentvolumes", "kept", spec={})["metadata"].pop("namespace")
    volume = _deleting(c.add("persistentvolumes", "disk"), 60, _MINE)
    del volume["metadata"]["namespace"]
    _claim(c, 60, _MINE)["metadata"]["namespace"] = "other"
    assert heads(find, c) == ["0.85 finalizer_stuck of PersistentVolume/disk"]
    own = _namespace(c, "shop")
    assert len(heads(find, c)) == 2, "after the other namespace"
    c.objects["namespaces"].remove(own)
    assert heads(find, everywhere(c.bundle())) == [
        "0.6 finalizer_stuck of Namespace/other",
        "0.85 finalizer_stuck of PersistentVolumeClaim/other/data",
        "0.85 finalizer_stuck of PersistentVolume/disk",
    ]


def _paused(c: Cluster, updated: int | None = None, seen: int | None = 3) -> Obj:
    web = c.get("deployments", "web")
    web["spec"] |= {"paused": True, "replicas": 2}
    web["status"] |= {"observedGeneration": seen, "updatedReplicas": updated}
    return web


@pytest.mark.parametrize(
    ("declared", "updated", "seen", "score"),
    [
        (None, 2, 3, 0.62),
        (None, 1, 3, 0.86),
        (None, 3, 3, 0.62),
        (None, None, 3, 0.86),  # zero is left out
        (None, None, None, 0.62),
        (False, 2, 3, 0.86),
        (False, 1, 3, 0.86),
        (True, 2, 3, 0.3),
        (True, 1, 3, 0.66),
    ],
)
def test_a_pause_counts_by_what_is_declared_and_what_waits_for_it(
    declared: bool | None, updated: int | None, seen: int | None, score: float
) -> None:
    c = shop("web", "cart")
    _paused(c, updated, seen)
    if declared is not None:
        metadata = {"name": "web", "namespace": "shop"}
        c.declared.append(
            {"kind": "Deployment", "metadata": metadata, "spec": {"paused": declared}}
        )
    assert heads(find, c) == [f"{score:g} rollout_stuck of Deployment/shop/web"]


def test_a_pause_is_told_as_the_field_that_says_it() -> None:
    c = shop("web")
    _paused(c, 2)
    assert whole(find, c)[1:] == [
        "told: lifecycle.paused.told",
        "object Deployment/shop/web: lifecycle.paused.told",
        "facts: StuckRollout paused=True, workload=Deployment web",
    ]


@pytest.mark.parametrize("paused", [False, None, "true"])
def test_only_true_pauses(paused: object) -> None:
    c = shop("web")
    _paused(c, 1)["spec"]["paused"] = paused
    assert heads(find, c) == []


def _progress(c: Cluster, reason: str, **said: str) -> None:
    c.get("deployments", "web")["status"]["conditions"].append(
        {"type": "Progressing", "status": "False", "reason": reason, **said}
    )


def test_a_rollout_out_of_time_is_told_while_it_is_not_available() -> None:
    c = shop("web")
    _progress(c, "ProgressDeadlineExceeded", message="timed out progressing")
    assert heads(find, c) == []
    c.down("web")
    _progress(c, "ProgressDeadlineExceeded", message="timed out progressing")
    assert whole(find, c) == [
        "0.45 rollout_stuck of Deployment/shop/web",
        "told: timed out progressing",
        "object Deployment/shop/web: timed out progressing",
        "facts: StuckRollout paused=False, workload=Deployment web",
    ]


def test_a_rollout_under_way_is_not_stuck_and_a_silent_one_is_told_by_its_reason() -> None:
    c = shop("web")
    c.down("web")
    _progress(c, "ReplicaSetUpdated", message="is progressing")
    assert heads(find, c) == []
    c.down("web")
    _progress(c, "ProgressDeadlineExceeded")
    assert whole(find, c)[1] == "told: ProgressDeadlineExceeded"


def test_only_deployments_are_paused() -> None:
    c = shop("web")
    c.add("statefulsets", "db", spec={"paused": True, "replicas": 1}, status={"readyReplicas": 1})
    assert heads(find, c) == []


def _budget(c: Cluster, allowed: int | None = 0, name: str = "keep", **spec: Any) -> Obj:
    made = c.add(
        "poddisruptionbudgets",
        name,
        spec={"selector": {"matchLabels": {"app": "web"}}, **spec},
    )
    made["status"] = {} if allowed is None else {"disruptionsAllowed": allowed}
    return made


_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def _try_eviction(c: Cluster, app: str = "web", message: str = _REFUSED) -> None:
    c.event("Pod", c.pod(app)["metadata"]["name"], "EvictionFailed", message)


def _drain(c: Cluster, node: str = "n1") -> Obj:
    found_ = c.get("nodes", node)
    found_["spec"]["unschedulable"] = True
    return found_


@pytest.mark.parametrize(
    ("tried", "draining", "never", "down", "score"),
    [
        (True, False, True, False, 0.9),
        (True, False, False, False, 0.74),
        (True, True, True, False, 0.9),
        (True, True, False, False, 0.74),
        (False, True, True, False, 0.8),
        (False, True, False, False, 0.62),
        (False, False, True, False, 0.4),
        (False, False, False, False, None),
        (True, False, True, True, 0.7),
        (False, True, False, True, 0.42),
    ],
)
def test_a_budget_counts_by_who_tries_to_move_pods_and_whether_it_ever_lets_them(
    tried: bool, draining: bool, never: bool, down: bool, score: float | None
) -> None:
    c = shop("web", "cart")
    _budget(c, **({"maxUnavailable": 0} if never else {"minAvailable": 0}))
    if tried:
        _try_eviction(c)
    if draining:
        _drain(c)
    if down:
        c.stopped("web")
    expected = [f"{score:g} disruption_budget_blocks of Deployment/shop/web"] if score else []
    assert heads(find, c) == expected


def test_a_budget_is_told_with_the_newest_refusal() -> None:
    c = shop("web")
    _budget(c, minAvailable=0)
    for number in (1, 2, 3):
        _try_eviction(c, message=f"{number} {_REFUSED}")
    text = "lifecycle.budget.none_now budget=keep, workload=Deployment/shop/web"
    assert whole(find, c) == [
        "0.74 disruption_budget_blocks of Deployment/shop/web",
        f"told: {text}",
        f"object: {text}",
        f"event: 3 {_REFUSED}",
        "facts: HeldByBudget budget=object keep, never=False, workload=Deployment web",
    ]


def test_a_budget_that_never_allows_is_told_as_such() -> None:
    c = shop("web")
    _budget(c, minAvailable=1)
    text = "lifecycle.budget.never budget=keep, workload=Deployment/shop/web"
    lines = whole(find, c)
    assert lines[1:3] == [f"told: {text}", f"object: {text}"]
    assert lines[3] == "facts: HeldByBudget budget=object keep, never=True, workload=Deployment web"


@pytest.mark.parametrize(("allowed", "blocks"), [(0, True), (1, False), (None, False)])
def test_a_budget_blocks_only_where_it_allows_nothing_now(
    allowed: int | None, blocks: bool
) -> None:
    c = shop("web")
    _budget(c, 1, "generous", maxUnavailable=0)
    _budget(c, allowed, maxUnavailable=0)
    assert len(heads(find, c)) == blocks


def test_a_budget_holds_the_workloads_of_its_namespace_that_it_selects() -> None:
    c = shop("web", "cart")
    budget = _budget(c, maxUnavailable=0)
    budget["spec"]["selector"] = {"matchLabels": {"app": "cart"}}
    assert heads(find, c) == ["0.4 disruption_budget_blocks of Deployment/shop/cart"]
    budget["metadata"]["namespace"] = "other"
    assert heads(find, c) == []
    c.objects["pods"].append({"metadata": {"name": "p", "namespace": "other"}})
    assert heads(find, everywhere(c.bundle())) == []


@pytest.mark.parametrize(
    ("kind", "name", "message", "counts"),
    [
        ("Node", "n1", _REFUSED, True),
        ("Node", "n2", _REFUSED, False),
        ("Node", "n1", "Node n1 status is now: NodeNotSchedulable", False),
        ("ReplicaSet", "n1", _REFUSED, False),
    ],
)
def test_a_refusal_that_is_told_at_a_node_counts_for_the_pods_of_that_node(
    kind: str, name: str, message: str, counts: bool
) -> None:
    c = shop("web", "cart")
    _budget(c, minAvailable=0)
    c.event(kind, name, "FailedDrain", message)
    assert len(heads(find, c)) == counts


def test_an_eviction_of_somebody_else_s_pods_or_for_another_reason_is_no_try() -> None:
    c = shop("web", "cart")
    _budget(c, minAvailable=0)
    _try_eviction(c, "cart")
    _try_eviction(c, message="Evicted by the updater")
    assert heads(find, c) == []


def test_a_node_of_the_control_plane_is_closed_on_purpose_and_another_node_is_not_ours() -> None:
    c = shop("web")
    _budget(c, minAvailable=0)
    _drain(c, "n2")
    node = _drain(c)
    node["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = ""
    assert heads(find, c) == []
    del node["metadata"]["labels"]["node-role.kubernetes.io/control-plane"]
    assert heads(find, c) == ["0.62 disruption_budget_blocks of Deployment/shop/web"]


@pytest.mark.parametrize(
    ("spec", "desired", "never"),
    [
        ({"maxUnavailable": 0}, 3, True),
        ({"maxUnavailable": "0%"}, 3, True),
        ({"maxUnavailable": "0"}, 3, True),
        ({"maxUnavailable": 1}, 3, False),
        ({"maxUnavailable": "10%"}, 3, False),
        ({"maxUnavailable": 1, "minAvailable": "100%"}, 3, False),
        ({"minAvailable": "100%"}, 3, True),
        ({"minAvailable": "99%"}, 3, False),
        ({"minAvailable": 2}, 3, False),
        ({"minAvailable": 3}, 3, True),
        ({"minAvailable": 4}, 3, True),
        ({"minAvailable": 1}, 1, True),
        ({"minAvailable": 0}, 0, False),
        ({"minAvailable": 1}, 0, False),
        ({"minAvailable": "3"}, 3, False),
        ({}, 3, False),
    ],
)
def test_a_budget_never_allows_anything_that_wants_all_pods_or_lets_none_go(
    spec: Obj, desired: int, never: bool
) -> None:
    c = shop("web")
    c.get("deployments", "web")["spec"]["replicas"] = desired
    (workload,) = ClusterView(c.bundle()).workloads
    assert never_allows({"spec": spec}, workload) is never


def _changed(c: Cluster, app: str, generation: int, seen: object) -> None:
    deployment = c.get("deployments", app)
    deployment["metadata"]["generation"] = generation
    deployment["status"]["observedGeneration"] = seen


@pytest.mark.parametrize(
    ("generation", "seen", "ignored"),
    [(4, 3, True), (3, 3, False), (2, 3, False), (4, None, False), (4, "3", False)],
)
def test_a_change_that_no_controller_has_seen_is_told(
    generation: int, seen: object, ignored: bool
) -> None:
    c = shop("web", "cart")
    _changed(c, "web", generation, seen)
    expected = ["0.7 controller_manager_unavailable of Deployment/shop/web"]
    assert heads(find, c) == (expected if ignored else [])


def test_several_ignored_changes_are_surer_and_three_of_them_are_named() -> None:
    c = shop("a", "b", "d", "e")
    for app in ("a", "b"):
        _changed(c, app, 2, 1)
    assert heads(find, c) == ["0.85 controller_manager_unavailable of Deployment/shop/a"]
    for app in ("d", "e"):
        _changed(c, app, 2, 1)
    text = (
        "lifecycle.controllers workloads=[Deployment/shop/a, Deployment/shop/b, Deployment/shop/d]"
    )
    assert whole(find, c) == [
        "0.85 controller_manager_unavailable of Deployment/shop/a",
        f"told: {text}",
        f"object Deployment/shop/a: {text}",
        "facts: Facts",
    ]


def test_controllers_that_do_not_act_are_told_at_the_control_plane_where_it_is_known() -> None:
    c = shop("web", "cart")
    _changed(c, "cart", 2, 1)
    c.get("nodes", "n2")["metadata"]["labels"]["node-role.kubernetes.io/master"] = ""
    assert whole(find, c)[0] == "0.7 controller_manager_unavailable of Node/n2"
    assert whole(find, c)[2].startswith("object Deployment/shop/cart: ")


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_the_other_controllers_are_asked_too(kind: str) -> None:
    c = shop("web")
    status = {"observedGeneration": 1, "readyReplicas": 1, "desiredNumberScheduled": 0}
    made = c.add(f"{kind.lower()}s", "db", kind=kind, spec={"replicas": 1}, status=status)
    made["metadata"]["generation"] = 2
    assert heads(find, c) == [f"0.7 controller_manager_unavailable of {kind}/shop/db"]


def _untouched(c: Cluster) -> Obj:
    """A Deployment that wants pods, and on which nobody has acted."""
    return c.add("deployments", "new", kind="Deployment", spec={"replicas": 2})


def test_a_deployment_on_which_nobody_ever_acted_is_told() -> None:
    c = shop("web")
    _untouched(c)
    assert heads(find, c) == ["0.7 controller_manager_unavailable of Deployment/shop/new"]


def _acted(kind: str, c: Cluster, new: Obj) -> None:
    if kind == "no pods wanted":
        new["spec"]["replicas"] = 0
    elif kind == "a ReplicaSet":
        c.add("replicasets", "new-x", spec={})["metadata"]["ownerReferences"] = [
            {"kind": "Deployment", "name": "new", "controller": True}
        ]
    elif kind == "an event":
        c.event("Deployment", "new", "ScalingReplicaSet", "scaled")
    elif kind == "a status":
        new["status"] = {"replicas": 0}
    elif kind == "a revision":
        new["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    elif kind == "ReplicaSets not collected":
        del c.objects["replicasets"]


@pytest.mark.parametrize(
    "kind",
    [
        "no pods wanted",
        "a ReplicaSet",
        "an event",
        "a status",
        "a revision",
        "ReplicaSets not collected",
    ],
)
def test_a_deployment_with_any_trace_of_a_controller_is_not_told(kind: str) -> None:
    c = shop("web")
    _acted(kind, c, _untouched(c))
    assert heads(find, c) == []


def test_another_annotation_is_no_trace_of_a_controller() -> None:
    c = shop("web")
    _untouched(c)["metadata"]["annotations"] = {"team": "a"}
    assert len(heads(find, c)) == 1


def test_pods_without_a_replicaset_are_a_trace_too() -> None:
    c = shop("web")
    new = _untouched(c)
    new["spec"]["selector"] = {"matchLabels": {"app": "new"}}
    c.add("pods", "new-1", status={"phase": "Running"})["metadata"]["labels"] = {"app": "new"}
    assert heads(find, c) == []


def test_a_statefulset_without_pods_is_not_told_as_untouched() -> None:
    c = shop("web")
    c.add("statefulsets", "db", kind="StatefulSet", spec={"replicas": 2})
    assert heads(find, c) == []


def test_changes_that_nobody_saw_are_told_rather_than_deployments_nobody_acted_on() -> None:
    c = shop("web")
    _untouched(c)
    _changed(c, "web", 2, 1)
    assert heads(find, c) == ["0.7 controller_manager_unavailable of Deployment/shop/web"]
