"""Amounts that are no quantities, in objects that others wrote: rules and plans pass them over."""

from __future__ import annotations

import pytest

from decide.core.families.registry import BUILDERS, RULES
from decide.core.view import ClusterView
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


@pytest.mark.parametrize("odd", [["2"], {"of": "2"}, None, True, "much"])
def test_a_quota_whose_amount_is_no_quantity_is_passed_over(odd: object) -> None:
    cluster = Cluster(4)
    cluster.app()
    cluster.objects["resourcequotas"].append(
        {
            "kind": "ResourceQuota",
            "metadata": {"name": "odd", "namespace": cluster.namespace},
            "status": {"hard": {"pods": odd, "services": "9"}, "used": {"services": odd}},
        }
    )
    view = ClusterView(cluster.bundle())
    for rule in RULES:
        assert [f for f in rule(view) if f.object.name == "odd"] == []


@pytest.mark.parametrize("odd", ["much", ["4"], {"cores": 4}])
def test_a_node_whose_room_is_no_quantity_has_none(odd: object) -> None:
    cluster = Cluster(4)
    cluster.app()
    FAULTS["insufficient_cpu"](cluster, cluster.app())
    cluster.objects["nodes"][0]["status"]["allocatable"]["cpu"] = odd
    view = ClusterView(cluster.bundle())
    found = [f for rule in RULES for f in rule(view) if f.failure_class == "insufficient_cpu"]
    assert found
    for finding in found:
        plans = BUILDERS["insufficient_cpu"](finding, view)
        assert all(plan.fix_kind in ("set_cpu", "rollback_revision") for plan in plans)


@pytest.mark.parametrize("odd", ["much", ["4"], {"size": 4}])
def test_a_claim_whose_size_is_no_quantity_is_not_grown(odd: object) -> None:
    cluster = Cluster(4)
    cluster.app()
    app = cluster.app()
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    cluster.pod(app)["spec"]["volumes"] = volumes
    cluster.get("deployments", app)["spec"]["template"]["spec"]["volumes"] = volumes
    cluster.objects["storageclasses"].append(
        {"metadata": {"name": "fast"}, "allowVolumeExpansion": True}
    )
    cluster.add(
        "persistentvolumeclaims",
        "data",
        kind="PersistentVolumeClaim",
        spec={"storageClassName": "fast", "resources": {"requests": {"storage": odd}}},
        status={"phase": "Bound"},
    )
    FAULTS["database_disk_full"](cluster, app)
    view = ClusterView(cluster.bundle())
    found = [f for rule in RULES for f in rule(view) if f.failure_class == "database_disk_full"]
    assert found
    assert all(BUILDERS["database_disk_full"](finding, view) == [] for finding in found)
