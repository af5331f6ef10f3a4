"""What is drafted for claims that no volume fits."""

from __future__ import annotations

from typing import Any

from decide.core.families.storage import plans
from decide.core.families.storage.facts import UnboundClaim
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import drafted, pod_spec, shop

_SPEC = {
    "accessModes": ["ReadWriteMany"],
    "resources": {"requests": {"storage": "10Gi"}},
    "storageClassName": "fast",
    "volumeMode": "Filesystem",
    "selector": {"matchLabels": {"disk": "old"}},
    "volumeName": "",
    "dataSource": {"name": "x"},
}
_VOLUME = {
    "metadata": {"name": "pv-1", "labels": {"disk": "new", "zone": "a"}},
    "spec": {
        "capacity": {"storage": "8Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "slow",
    },
}


def _cluster(name: str = "data") -> Cluster:
    cluster = shop()
    cluster.add("persistentvolumeclaims", name, kind="PersistentVolumeClaim", spec=dict(_SPEC))
    pod_spec(cluster)["volumes"] = [
        {"name": "logs", "persistentVolumeClaim": {"claimName": "logs"}},
        {"name": "store", "persistentVolumeClaim": {"claimName": name}},
    ]
    return cluster


def _claim(
    of: str,
    cluster: Cluster | None = None,
    volume: dict[str, Any] | None = None,
    known: bool = True,
) -> list[str]:
    cluster = cluster or _cluster()
    claim = cluster.objects["persistentvolumeclaims"][0] if known else None
    return drafted(
        plans.claim,
        cluster,
        lambda w, _: UnboundClaim(workload=w, claim=claim, volume=volume),
        of=of,
    )


def test_a_claim_asks_for_the_capacity_that_a_volume_has_or_a_second_one_does() -> None:
    assert _claim("pvc_capacity_mismatch", volume=_VOLUME) == [
        "set_volume 0.7 storage.claim.title claim=data field=storage",
        "  why storage.why basis=(storage.basis.has volume=pv-1 what=8Gi) detail=seen",
        "  risk storage.claim.immutable",
        '  v1 PersistentVolumeClaim/shop/data spec.resources.requests.storage: "10Gi" → "8Gi"',
        "set_volume 0.78 storage.another.title claim=data-2",
        "  why storage.why basis=(storage.basis.has volume=pv-1 what=8Gi) detail=seen",
        "  risk storage.another.old_stays",
        '  create v1 PersistentVolumeClaim/shop/data-2 beside Deployment/shop/web: {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-2", "namespace": "shop"}, "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "8Gi"}}, "storageClassName": "fast", "volumeMode": "Filesystem", "selector": {"matchLabels": {"disk": "old"}}}}',
        '  apps/v1 Deployment/shop/web :volumes[name=store].persistentVolumeClaim.claimName: "data" → "data-2"',
    ]


def test_a_claim_asks_for_the_access_modes_of_the_volume() -> None:
    assert _claim("pvc_access_mode_mismatch", volume=_VOLUME) == [
        "set_volume 0.7 storage.claim.title claim=data field=accessModes",
        "  why storage.why basis=(storage.basis.modes modes=[ReadWriteOnce] volume=pv-1) detail=seen",
        "  risk storage.claim.immutable",
        '  v1 PersistentVolumeClaim/shop/data spec.accessModes: ["ReadWriteMany"] → ["ReadWriteOnce"]',
        "set_volume 0.78 storage.another.title claim=data-2",
        "  why storage.why basis=(storage.basis.modes modes=[ReadWriteOnce] volume=pv-1) detail=seen",
        "  risk storage.another.old_stays",
        '  create v1 PersistentVolumeClaim/shop/data-2 beside Deployment/shop/web: {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-2", "namespace": "shop"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "fast", "volumeMode": "Filesystem", "selector": {"matchLabels": {"disk": "old"}}}}',
        '  apps/v1 Deployment/shop/web :volumes[name=store].persistentVolumeClaim.claimName: "data" → "data-2"',
    ]


def test_a_volume_that_lets_nobody_write_is_a_risk_and_a_weaker_plan() -> None:
    volume = _VOLUME | {"spec": {"accessModes": ["ReadOnlyMany"]}}
    assert _claim("pvc_access_mode_mismatch", volume=volume) == [
        "set_volume 0.6 storage.claim.title claim=data field=accessModes",
        "  why storage.why basis=(storage.basis.modes modes=[ReadOnlyMany] volume=pv-1) detail=seen",
        "  risk storage.reads_only",
        "  risk storage.claim.immutable",
        '  v1 PersistentVolumeClaim/shop/data spec.accessModes: ["ReadWriteMany"] → ["ReadOnlyMany"]',
        "set_volume 0.68 storage.another.title claim=data-2",
        "  why storage.why basis=(storage.basis.modes modes=[ReadOnlyMany] volume=pv-1) detail=seen",
        "  risk storage.reads_only",
        "  risk storage.another.old_stays",
        '  create v1 PersistentVolumeClaim/shop/data-2 beside Deployment/shop/web: {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-2", "namespace": "shop"}, "spec": {"accessModes": ["ReadOnlyMany"], "resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "fast", "volumeMode": "Filesystem", "selector": {"matchLabels": {"disk": "old"}}}}',
        '  apps/v1 Deployment/shop/web :volumes[name=store].persistentVolumeClaim.claimName: "data" → "data-2"',
    ]


def test_one_mode_that_writes_is_enough() -> None:
    volume = _VOLUME | {"spec": {"accessModes": ["ReadOnlyMany", "ReadWriteOnce"]}}
    assert not [x for x in _claim("pvc_access_mode_mismatch", volume=volume) if "reads_only" in x]


def test_a_claim_selects_the_labels_of_the_volume() -> None:
    assert _claim("pvc_selector_mismatch", volume=_VOLUME) == [
        "set_volume 0.7 storage.claim.title claim=data field=selector",
        "  why storage.why basis=(storage.basis.has volume=pv-1 what=disk=new,zone=a) detail=seen",
        "  risk storage.claim.immutable",
        '  v1 PersistentVolumeClaim/shop/data spec.selector: {"matchLabels": {"disk": "old"}} → {"matchLabels": {"disk": "new", "zone": "a"}}',
        "set_volume 0.78 storage.another.title claim=data-2",
        "  why storage.why basis=(storage.basis.has volume=pv-1 what=disk=new,zone=a) detail=seen",
        "  risk storage.another.old_stays",
        '  create v1 PersistentVolumeClaim/shop/data-2 beside Deployment/shop/web: {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-2", "namespace": "shop"}, "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "fast", "volumeMode": "Filesystem", "selector": {"matchLabels": {"disk": "new", "zone": "a"}}}}',
        '  apps/v1 Deployment/shop/web :volumes[name=store].persistentVolumeClaim.claimName: "data" → "data-2"',
    ]


def test_a_claim_selects_nothing_where_the_volume_has_no_labels() -> None:
    volume = _VOLUME | {"metadata": {"name": "pv-1"}}
    assert _claim("pvc_selector_mismatch", volume=volume) == [
        "set_volume 0.7 storage.claim.title claim=data field=selector",
        "  why storage.why basis=(storage.basis.no_labels volume=pv-1) detail=seen",
        "  risk storage.claim.immutable",
        '  v1 PersistentVolumeClaim/shop/data spec.selector: - {"matchLabels": {"disk": "old"}}',
        "set_volume 0.78 storage.another.title claim=data-2",
        "  why storage.why basis=(storage.basis.no_labels volume=pv-1) detail=seen",
        "  risk storage.another.old_stays",
        '  create v1 PersistentVolumeClaim/shop/data-2 beside Deployment/shop/web: {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-2", "namespace": "shop"}, "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "fast", "volumeMode": "Filesystem"}}',
        '  apps/v1 Deployment/shop/web :volumes[name=store].persistentVolumeClaim.claimName: "data" → "data-2"',
    ]


def test_a_claim_has_the_class_of_the_volume() -> None:
    assert _claim("pvc_storage_class_mismatch", volume=_VOLUME) == [
        "set_volume 0.7 storage.claim.title claim=data field=storageClassName",
        "  why storage.why basis=(storage.basis.class_of storage_class=slow volume=pv-1) detail=seen",
        "  risk storage.claim.immutable",
        '  v1 PersistentVolumeClaim/shop/data spec.storageClassName: "fast" → "slow"',
        "set_volume 0.78 storage.another.title claim=data-2",
        "  why storage.why basis=(storage.basis.class_of storage_class=slow volume=pv-1) detail=seen",
        "  risk storage.another.old_stays",
        '  create v1 PersistentVolumeClaim/shop/data-2 beside Deployment/shop/web: {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-2", "namespace": "shop"}, "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "slow", "volumeMode": "Filesystem", "selector": {"matchLabels": {"disk": "old"}}}}',
        '  apps/v1 Deployment/shop/web :volumes[name=store].persistentVolumeClaim.claimName: "data" → "data-2"',
    ]


def test_a_claim_has_the_clusters_default_class_where_no_volume_is_near() -> None:
    cluster = _cluster()
    key = "storageclass.kubernetes.io/is-default-class"
    for name, default in (("one", "false"), ("two", "true"), ("three", "true")):
        cluster.objects["storageclasses"].append(
            {"metadata": {"name": name, "annotations": {key: default}}}
        )
    assert _claim("pvc_storage_class_mismatch", cluster) == [
        "set_volume 0.7 storage.claim.title claim=data field=storageClassName",
        "  why storage.why basis=(storage.basis.cluster_class storage_class=two) detail=seen",
        "  risk storage.claim.immutable",
        '  v1 PersistentVolumeClaim/shop/data spec.storageClassName: "fast" → "two"',
        "set_volume 0.78 storage.another.title claim=data-2",
        "  why storage.why basis=(storage.basis.cluster_class storage_class=two) detail=seen",
        "  risk storage.another.old_stays",
        '  create v1 PersistentVolumeClaim/shop/data-2 beside Deployment/shop/web: {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-2", "namespace": "shop"}, "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "two", "volumeMode": "Filesystem", "selector": {"matchLabels": {"disk": "old"}}}}',
        '  apps/v1 Deployment/shop/web :volumes[name=store].persistentVolumeClaim.claimName: "data" → "data-2"',
    ]


def test_a_claim_has_the_only_class_that_there_is() -> None:
    cluster = _cluster()
    cluster.objects["storageclasses"] = [{"metadata": {"name": "one"}}]
    assert [x for x in _claim("pvc_storage_class_mismatch", cluster) if "→" in x] == [
        '  v1 PersistentVolumeClaim/shop/data spec.storageClassName: "fast" → "one"',
        '  apps/v1 Deployment/shop/web :volumes[name=store].persistentVolumeClaim.claimName: "data" → "data-2"',
    ]
    cluster.objects["storageclasses"].append({"metadata": {"name": "two"}})
    assert _claim("pvc_storage_class_mismatch", cluster) == []
    cluster.objects["storageclasses"].clear()
    assert _claim("pvc_storage_class_mismatch", cluster) == []


def test_nothing_is_drafted_where_claim_or_volume_is_unknown_or_the_class_is_another() -> None:
    assert _claim("pvc_capacity_mismatch", volume=_VOLUME, known=False) == []
    assert _claim("pvc_capacity_mismatch") == []
    assert _claim("pvc_pending", volume=_VOLUME) == []


def test_nothing_is_drafted_where_the_claim_has_it_already() -> None:
    volume = _VOLUME | {"spec": {"capacity": {"storage": "10Gi"}}}
    assert _claim("pvc_capacity_mismatch", volume=volume) == []


def test_nothing_is_drafted_where_no_volume_of_the_pod_mounts_the_claim() -> None:
    cluster = _cluster()
    pod_spec(cluster)["volumes"].pop()
    assert _claim("pvc_capacity_mismatch", cluster, volume=_VOLUME) == []


def test_nothing_is_drafted_for_a_stateful_set_whose_claims_come_from_a_template() -> None:
    cluster = _cluster()
    found = cluster.objects["deployments"].pop() | {"kind": "StatefulSet"}
    cluster.objects["statefulsets"] = [found]
    assert _claim("pvc_capacity_mismatch", cluster, volume=_VOLUME) == []


def test_a_second_claim_has_a_name_of_at_most_sixty_two_characters() -> None:
    for length in (60, 61):
        found = _claim("pvc_capacity_mismatch", _cluster("d" * length), volume=_VOLUME)
        assert [x for x in found if x.startswith("set_")][1].endswith(f"claim={'d' * 60}-2")


def test_the_second_claim_is_made_of_what_the_repository_declares() -> None:
    cluster = _cluster()
    declared = {"resources": {"requests": {"storage": "12Gi"}}, "accessModes": ["ReadWriteOnce"]}
    cluster.declared.append(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "shop"},
            "spec": declared,
        }
    )
    assert _claim("pvc_capacity_mismatch", cluster, volume=_VOLUME) == [
        "set_volume 0.7 storage.claim.title claim=data field=storage",
        "  why storage.why basis=(storage.basis.has volume=pv-1 what=8Gi) detail=seen",
        "  risk storage.claim.immutable",
        '  v1 PersistentVolumeClaim/shop/data spec.resources.requests.storage: "12Gi" → "8Gi"',
        "set_volume 0.78 storage.another.title claim=data-2",
        "  why storage.why basis=(storage.basis.has volume=pv-1 what=8Gi) detail=seen",
        "  risk storage.another.old_stays",
        '  create v1 PersistentVolumeClaim/shop/data-2 beside Deployment/shop/web: {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-2", "namespace": "shop"}, "spec": {"resources": {"requests": {"storage": "8Gi"}}, "accessModes": ["ReadWriteOnce"]}}',
        '  apps/v1 Deployment/shop/web :volumes[name=store].persistentVolumeClaim.claimName: "data" → "data-2"',
    ]
