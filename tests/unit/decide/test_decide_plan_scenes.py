"""Plans that need something beside the fault: a name that is nearly right, room to grow, a bound."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from decide.core import diagnose
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


def ground(seed: int = 91) -> tuple[Cluster, str]:
    cluster = Cluster(seed)
    for _ in range(3):
        cluster.app()
    return cluster, cluster.app()


def wanted(cluster: Cluster) -> list[dict[str, Any]]:
    """What each plan sets, by path."""
    return [
        {f.path: f.after for change in plan.kubernetes_changes for f in change.fields}
        for plan in diagnose(cluster.bundle()).plans
    ]


@pytest.mark.parametrize(("there", "meant"), [("settings-v1", True), ("zq", False)])
@pytest.mark.parametrize("plural", ["configmaps", "secrets"])
def test_a_reference_is_turned_to_what_is_alike_in_name_and_to_nothing_else(
    plural: str, there: str, meant: bool
) -> None:
    cluster, app = ground()
    kind, source = (
        ("configmap", "configMapRef") if plural == "configmaps" else ("secret", "secretRef")
    )
    cluster.container(app)["envFrom"] = [{source: {"name": "settings-v2"}}]
    cluster.add(plural, there)
    cluster.add(plural, "something-far-away")
    cluster.waiting(app, "CreateContainerConfigError", f'{kind} "settings-v2" not found')
    after = [value for plan in wanted(cluster) for value in plan.values()]
    assert (there in str(after)) is meant
    assert "something-far-away" not in str(after)


@pytest.mark.parametrize(
    ("expands", "phase", "grows"),
    [
        (True, "Bound", True),
        (False, "Bound", False),
        (None, "Bound", False),
        (True, "Pending", False),
    ],
)
def test_a_full_databases_claim_grows_by_half_where_its_class_lets_bound_claims_grow(
    expands: bool | None, phase: str, grows: bool
) -> None:
    cluster, app = ground()
    volume = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    for spec in (
        cluster.pod(app)["spec"],
        cluster.get("deployments", app)["spec"]["template"]["spec"],
    ):
        spec["volumes"] = copy.deepcopy(volume)
    cluster.objects["storageclasses"].append(
        {
            "metadata": {"name": "fast"},
            **({} if expands is None else {"allowVolumeExpansion": expands}),
        }
    )
    cluster.add(
        "persistentvolumeclaims",
        "data",
        kind="PersistentVolumeClaim",
        spec={"storageClassName": "fast", "resources": {"requests": {"storage": "10Gi"}}},
        status={"phase": phase},
    )
    FAULTS["database_disk_full"](cluster, app)
    grown = [plan for plan in wanted(cluster) if "spec.resources.requests.storage" in plan]
    assert [plan["spec.resources.requests.storage"] for plan in grown] == (
        ["15Gi"] if grows else []
    )


@pytest.mark.parametrize(
    ("option", "limit", "after"),
    [
        ("-Xmx100m", "1Gi", "-Xmx150m"),
        ("-Xmx1g", "4Gi", "-Xmx1536m"),
        ("-Xmx100m", "160Mi", "-Xmx120m"),  # three quarters of the limit
        ("--max-old-space-size=100", "1Gi", "--max-old-space-size=150"),
    ],
)
def test_a_heap_grows_by_half_as_far_as_the_limit_has_room(
    option: str, limit: str, after: str
) -> None:
    cluster, app = ground()
    key = "heap_exhausted/node" if option.startswith("--") else "heap_exhausted"
    FAULTS[key](cluster, app)
    container = cluster.container(app)
    container["resources"]["limits"]["memory"] = limit
    for entry in container.setdefault("env", []):
        entry["value"] = option
    if not container["env"]:
        container["env"] = [{"name": "JAVA_TOOL_OPTIONS", "value": option}]
    values = [value for plan in wanted(cluster) for value in plan.values()]
    assert after in values, values


def test_a_heap_that_fills_its_limit_gets_more_memory_and_not_more_heap() -> None:
    cluster, app = ground()
    FAULTS["heap_exhausted"](cluster, app)
    container = cluster.container(app)
    container["resources"]["limits"]["memory"] = "128Mi"
    container["env"] = [{"name": "JAVA_TOOL_OPTIONS", "value": "-Xmx96m"}]
    for plan in wanted(cluster):
        assert not any("Xmx" in str(value) for value in plan.values())


@pytest.mark.parametrize(
    ("side", "bound", "value", "moves"),
    [
        ("maximum", "128Mi", "128Mi", False),
        ("maximum", "128Mi", "129Mi", True),
        ("minimum", "128Mi", "128Mi", False),
        ("minimum", "128Mi", "127Mi", True),
    ],
)
def test_only_what_is_beyond_a_limit_range_moves_to_its_bound(
    side: str, bound: str, value: str, moves: bool
) -> None:
    cluster, app = ground()
    cluster.container(app)["resources"] = {
        "requests": {"memory": value},
        "limits": {"memory": value},
    }
    said = "limit" if side == "maximum" else "request"
    cluster.refused(app, f"{side} memory usage per Container is {bound}, but {said} is {value}")
    found = wanted(cluster)
    moved = [v for plan in found for path, v in plan.items() if path.endswith("memory")]
    assert (bound in moved) is moves, found
