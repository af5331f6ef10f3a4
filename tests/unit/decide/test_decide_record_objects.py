"""What travels with a decision for the checks: the changed objects, what bounds them, and as little else as that takes."""

from __future__ import annotations

from typing import Any

from decide.core.record import objects_for_checks
from schemas.base import ObjectRef

API = ObjectRef(kind="Deployment", namespace="shop", name="api")
SCALER = ObjectRef(kind="HorizontalPodAutoscaler", namespace="shop", name="api")


def item(kind: str, name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "uid": "u"}, **more}


def workload(name: str, namespace: str = "shop") -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c"}]}}
    return item("Deployment", name, namespace, spec={"replicas": 2, "template": template})


def objects(**more: list[Any]) -> dict[str, list[Any]]:
    target = {"kind": "Deployment", "name": "api"}
    return {
        "deployments": [workload("api"), workload("web"), workload("far", "else")],
        "horizontalpodautoscalers": [
            item("HorizontalPodAutoscaler", "api", spec={"scaleTargetRef": target})
        ],
        "configmaps": [item("ConfigMap", "c")],
        **more,
    }


def test_only_the_changed_object_travels_whole() -> None:
    kept = objects_for_checks(objects(), [API], {"shop"})
    assert kept["deployments"] == [workload("api")]
    assert "configmaps" not in kept


def test_what_a_changed_autoscaler_scales_travels_with_it() -> None:
    kept = objects_for_checks(objects(), [SCALER], {"shop"})
    assert kept["deployments"] == [workload("api")]


def test_with_a_budget_the_neighbours_are_counted_without_their_containers() -> None:
    kept = objects_for_checks(
        objects(poddisruptionbudgets=[item("PodDisruptionBudget", "b")]), [API], {"shop"}
    )
    whole, counted = kept["deployments"]
    assert whole == workload("api")
    assert counted == {
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}}}},
    }


def test_of_priority_classes_the_default_is_what_counts() -> None:
    known = [{"metadata": {"name": "usual"}, "globalDefault": True, "value": 7, "description": "x"}]
    kept = objects_for_checks(objects(priorityclasses=known), [API], {"shop"})
    assert kept["priorityclasses"] == [{"metadata": {"name": "usual"}, "globalDefault": True}]
