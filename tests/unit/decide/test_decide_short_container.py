"""More CPU goes to the container that is short of it; of several that may be the one, to none."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from decide.core import diagnose
from tests.support.decide.clusters import Cluster

LIMITS = {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m"}}


def throttled(container: str = "", *, side: dict[str, Any] | None = None) -> list[str]:
    """Paths that plans about CPU change; ``side``: resources of a second container."""
    cluster = Cluster(seed=51)
    app = cluster.app(resources=LIMITS)
    second = {"name": "side", "image": "registry.example/side:1", "resources": side or {}}
    for spec in (
        cluster.get("deployments", app)["spec"]["template"]["spec"],
        cluster.pod(app)["spec"],
        cluster.objects["replicasets"][0]["spec"]["template"]["spec"],
    ):
        spec["containers"] = [*spec["containers"], copy.deepcopy(second)]
    named = {"kube_container_name": container} if container else {}
    tags = {"kube_deployment": app, **named}
    cluster.series("kubernetes.cpu.cfs.throttled.periods", [0.0] * 30 + [50.0] * 30, **tags)
    cluster.series("kubernetes.cpu.usage", [0.05] * 30 + [0.2] * 30, **tags)
    plans = diagnose(cluster.bundle(app)).plans
    return sorted(
        {
            field.path.partition("[name=")[2].partition("]")[0]
            for plan in plans
            if plan.fix_kind == "set_cpu"
            for change in plan.kubernetes_changes
            for field in change.fields
        }
    )


@pytest.mark.parametrize("container", ["main", "side"])
def test_the_container_whose_own_series_is_throttled_gets_more(container: str) -> None:
    assert throttled(container, side=LIMITS) == [container]


def test_of_two_with_limits_none_is_guessed_from_the_whole_pods_measure() -> None:
    assert throttled(side=LIMITS) == []


def test_only_a_container_with_a_limit_can_be_throttled() -> None:
    assert throttled(side={"requests": {"cpu": "10m"}}) == ["main"]
