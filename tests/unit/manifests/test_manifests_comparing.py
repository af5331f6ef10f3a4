"""One comparison of objects: what the API fills in and how a value is written make no difference."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.objects import changes, paths
from manifests.objects.defaults import defaulted
from manifests.text.comparing import fitted, same, same_at
from schemas.plans import FieldChange

CONTAINER = "spec.template.spec.containers[name=web]"


def deployment(**container: Any) -> dict[str, Any]:
    inside = {"name": "web", "image": "r.invalid/web:1", **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [inside]}}},
    }


def running(item: dict[str, Any]) -> dict[str, Any]:
    """As an API server answers it."""
    whole = defaulted(item)
    whole["metadata"] |= {"uid": "u", "generation": 3, "resourceVersion": "9"}
    return {**whole, "status": {"readyReplicas": 1}}


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"resources": {"limits": {"cpu": "1000m"}}}, {"resources": {"limits": {"cpu": 1}}}),
        (
            {"resources": {"limits": {"memory": "1024Mi"}}},
            {"resources": {"limits": {"memory": "1Gi"}}},
        ),
        (
            {"readinessProbe": {"httpGet": {"port": 80}}},
            {
                "readinessProbe": {
                    "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                    "periodSeconds": 10,
                    "timeoutSeconds": 1,
                    "successThreshold": 1,
                    "failureThreshold": 3,
                }
            },
        ),
        ({"ports": [{"containerPort": 80}]}, {"ports": [{"containerPort": 80, "protocol": "TCP"}]}),
        ({"env": [{"name": "N", "value": "5"}]}, {"env": [{"name": "N", "value": 5}]}),
        ({}, {"resources": {}, "imagePullPolicy": "IfNotPresent"}),
    ],
)
def test_declared_and_live_are_the_same(declared: Any, live: Any) -> None:
    assert same(deployment(**declared), running(deployment(**live)))


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"resources": {"limits": {"cpu": "1000m"}}}, {"resources": {"limits": {"cpu": "100m"}}}),
        (
            {"readinessProbe": {"httpGet": {"port": 80}}},
            {"readinessProbe": {"httpGet": {"port": "80"}}},
        ),
        ({}, {"imagePullPolicy": "Always"}),
        ({}, {"livenessProbe": {"tcpSocket": {"port": 80}}}),
    ],
)
def test_what_differs_is_told(declared: Any, live: Any) -> None:
    assert not same(deployment(**declared), running(deployment(**live)))


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Service", {"ports": [{"port": 80}]}),
        ("HorizontalPodAutoscaler", {"maxReplicas": 3}),
        ("Job", {"template": {"spec": {"containers": [], "restartPolicy": "Never"}}}),
        ("CronJob", {"jobTemplate": {"spec": {"template": {"spec": {"containers": []}}}}}),
        ("StatefulSet", {"volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": {}}]}),
        ("DaemonSet", {"template": {"spec": {"containers": []}}}),
        ("NetworkPolicy", {"podSelector": {}, "egress": [{"ports": [{"port": 53}]}]}),
        ("PodDisruptionBudget", {"minAvailable": 1}),
    ],
)
def test_defaults_are_filled_in_once(kind: str, spec: Any) -> None:
    item = {"kind": kind, "metadata": {"name": "x"}, "spec": spec}
    once = defaulted(item)
    assert defaulted(once) == once
    assert same(item, once)


def test_an_unknown_kind_gets_no_defaults() -> None:
    item = {"kind": "Widget", "metadata": {"name": "x"}, "spec": {"replicas": None}}
    assert defaulted(item) == item


def change(op: str, path: str, before: Any = None, after: Any = None) -> FieldChange:
    return FieldChange.model_validate({"op": op, "path": path, "before": before, "after": after})


@pytest.mark.parametrize(
    ("made", "path", "value"),
    [
        (
            change("add", f"{CONTAINER}.resources", after={"limits": {"cpu": "1"}}),
            f"{CONTAINER}.resources.limits.cpu",
            "1",
        ),
        (
            change("add", "spec.strategy", after={"type": "Recreate"}),
            "spec.strategy",
            {"type": "Recreate"},
        ),
        (change("replace", "spec.replicas", 1, 3), "spec.replicas", 3),
        (
            change("replace", "spec.strategy.rollingUpdate.maxSurge", "25%", 0),
            "spec.strategy.rollingUpdate.maxSurge",
            0,
        ),
        (
            change("replace", f"{CONTAINER}.image", "r.invalid/web:1", "r.invalid/web:2"),
            f"{CONTAINER}.image",
            "r.invalid/web:2",
        ),
    ],
)
def test_a_plan_fits_the_declared_and_the_live_object(
    made: FieldChange, path: str, value: Any
) -> None:
    for item in (deployment(), running(deployment())):
        after = changes.apply(fitted([made], item), item)
        assert same_at(after, changes.apply([], after), paths.parse(path))
        assert paths.get(after, path) == value


@pytest.mark.parametrize(
    "made",
    [
        change("replace", "spec.replicas", 2, 3),
        change("add", "spec.replicas", None, 3),
        change("replace", f"{CONTAINER}.image", "r.invalid/web:0", "r.invalid/web:2"),
        change(
            "add",
            "spec.strategy",
            after={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        ),
    ],
)
def test_a_plan_for_an_object_that_was_changed_since_is_stale(made: FieldChange) -> None:
    item = running(deployment())
    item["spec"] |= {"replicas": 4, "strategy": {"type": "Recreate"}}
    with pytest.raises(changes.Stale):
        changes.apply(fitted([made], item), item)


def test_what_is_gone_already_is_not_taken_away_again() -> None:
    gone = change("remove", f"{CONTAINER}.livenessProbe", before={"tcpSocket": {"port": 1}})
    assert fitted([gone], deployment()) == []
    there = running(deployment(livenessProbe={"tcpSocket": {"port": 1}}))
    after = changes.apply(fitted([gone], there), there)
    assert "livenessProbe" not in paths.get(after, CONTAINER)
