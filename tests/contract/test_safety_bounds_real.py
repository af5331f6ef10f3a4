"""What safety computes of quotas and budgets, against what a real API server's admission and controllers say."""

from __future__ import annotations

import time
from typing import Any

import pytest

from safety.core import workloads
from safety.core.budgets import room
from safety.core.quota_scopes import in_scope
from tests.support.kubernetes import (  # noqa: F401 -- fixtures
    ClusterUnderTest,
    control_plane_with_controllers,
    deployment,
    pod,
    real_cluster,
)

LIMITS = {"limits": {"cpu": "100m", "memory": "64Mi"}}
FAR = {
    "requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "zone", "namespaces": ["other"], "labelSelector": {}}
    ]
}
NEAR = {
    "preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {}}}
    ]
}
PODS: dict[str, dict[str, Any]] = {
    "plain": {"resources": LIMITS},
    "best-effort": {},
    "a deadline": {"resources": LIMITS, "activeDeadlineSeconds": 60},
    "best-effort with a deadline": {"activeDeadlineSeconds": 60},
    "a class": {"resources": LIMITS, "priorityClassName": "kfix-high"},
    "affinity elsewhere": {"resources": LIMITS, "affinity": {"podAffinity": FAR}},
    "affinity here": {"resources": LIMITS, "affinity": {"podAntiAffinity": NEAR}},
}
QUOTAS: dict[str, dict[str, Any]] = {
    "no scope": {},
    "Terminating": {"scopes": ["Terminating"]},
    "NotTerminating": {"scopes": ["NotTerminating"]},
    "BestEffort": {"scopes": ["BestEffort"]},
    "NotBestEffort": {"scopes": ["NotBestEffort"]},
    "two scopes": {"scopes": ["NotTerminating", "NotBestEffort"]},
    "a class": {"scopes": ["PriorityClass"]},
    "this class": {
        "scopeSelector": {
            "matchExpressions": [
                {"scopeName": "PriorityClass", "operator": "In", "values": ["kfix-high"]}
            ]
        }
    },
    "other classes": {
        "scopeSelector": {
            "matchExpressions": [
                {"scopeName": "PriorityClass", "operator": "NotIn", "values": ["kfix-high"]}
            ]
        }
    },
    "no class": {
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "PriorityClass", "operator": "DoesNotExist"}]
        }
    },
    "affinity": {
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "CrossNamespacePodAffinity", "operator": "Exists"}]
        }
    },
    "both": {
        "scopes": ["NotTerminating"],
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]
        },
    },
}


def quota(cluster: ClusterUnderTest, namespace: str, hard: dict[str, str], **spec: Any) -> None:
    """A quota whose status the controller has computed."""
    cluster.create(
        "/api/v1/resourcequotas",
        namespace,
        {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}},
    )
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = cluster.admin("GET", f"/api/v1/namespaces/{namespace}/resourcequotas/q")[1]
        if set((found.get("status") or {}).get("used") or {}) == set(hard):
            return
        time.sleep(0.05)
    raise AssertionError("the quota was not computed")


def admitted(cluster: ClusterUnderTest, namespace: str, manifest: dict[str, Any]) -> bool:
    code, answer = cluster.admin(
        "POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", manifest
    )
    assert code in (201, 403), answer
    assert code == 201 or "exceeded quota: q" in answer["message"], answer
    return code == 201


@pytest.mark.kube
def test_a_quotas_scope_is_what_admission_takes_it_for(real_cluster: ClusterUnderTest) -> None:  # noqa: F811
    """A quota of no pods at all refuses exactly those in its scope."""
    high = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "kfix-high"},
        "value": 7,
    }
    assert real_cluster.admin("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", high)[0] in (
        201,
        409,
    )
    until = time.monotonic() + 10
    scratch = real_cluster.namespace()
    while not _knows_the_class(real_cluster, scratch):
        assert time.monotonic() < until
        time.sleep(0.1)
    wrong = []
    for name, spec in QUOTAS.items():
        namespace = real_cluster.namespace()
        quota(real_cluster, namespace, {"pods": "0"}, **spec)
        for kind, fields in PODS.items():
            manifest = pod("x", **dict(fields))
            counted = in_scope(spec, manifest["spec"], {})
            if admitted(real_cluster, namespace, manifest) is counted:
                wrong.append((name, kind, counted))
    assert wrong == []


def _knows_the_class(cluster: ClusterUnderTest, namespace: str) -> bool:
    manifest = pod("x", priorityClassName="kfix-high")
    return (
        cluster.admin("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", manifest)[0] == 201
    )


AMOUNTS: dict[str, dict[str, Any]] = {
    "two containers": {"containers": ["1", "500m"]},
    "a large init container": {"containers": ["1"], "initContainers": [("3", "")]},
    "a sidecar": {"containers": ["1"], "initContainers": [("2", "Always")]},
    "a sidecar, then an init container": {
        "containers": ["1"],
        "initContainers": [("2", "Always"), ("3", "")],
    },
    "an init container, then a sidecar": {
        "containers": ["1"],
        "initContainers": [("3", ""), ("1", "Always")],
    },
}


@pytest.mark.kube
def test_a_pod_amounts_to_what_admission_counts(real_cluster: ClusterUnderTest) -> None:  # noqa: F811
    """The same sum fits into a quota of exactly that much, and not into one of a milli-core less."""
    for name, made in AMOUNTS.items():
        spec = {
            kind: [_container(n, one) for n, one in enumerate(found)]
            for kind, found in made.items()
        }
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}
        millis = int(workloads.per_pod(manifest, "requests")["cpu"] * 1000)
        for cpu, fits in ((millis, True), (millis - 1, False)):
            namespace = real_cluster.namespace()
            quota(real_cluster, namespace, {"requests.cpu": f"{cpu}m"})
            assert admitted(real_cluster, namespace, manifest) is fits, (name, cpu)


@pytest.mark.kube
def test_a_budgets_room_is_what_the_disruption_controller_computes(
    real_cluster: ClusterUnderTest,  # noqa: F811
) -> None:
    """``desiredHealthy`` of the real controller is what ``room`` leaves of the replicas."""
    bounds: list[dict[str, Any]] = [
        {"minAvailable": 2},
        {"minAvailable": "50%"},
        {"minAvailable": "34%"},
        {"minAvailable": "100%"},
        {"maxUnavailable": 1},
        {"maxUnavailable": "25%"},
        {"maxUnavailable": "1%"},
        {"maxUnavailable": 0},
        {"minAvailable": 9},
        {"maxUnavailable": 9},
    ]
    for replicas in (3, 4):
        namespace = real_cluster.namespace()
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        assert real_cluster.admin("POST", path, account)[0] in (201, 409)  # pods need one
        for number, bound in enumerate(
            bounds
        ):  # one each: the controller counts a pod for one budget
            name = f"b{number}"
            made = deployment(name, replicas=replicas)
            real_cluster.create("/apis/apps/v1/deployments", namespace, made)
            selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": [name]}]}
            body = {"metadata": {"name": name}, "spec": {"selector": selector, **bound}}
            real_cluster.create("/apis/policy/v1/poddisruptionbudgets", namespace, body)
        for number, bound in enumerate(bounds):
            status = _computed(real_cluster, namespace, f"b{number}", replicas)
            wanted = status["desiredHealthy"]
            assert max(0, replicas - room(bound, replicas)) == wanted, (replicas, bound, status)


def _computed(cluster: ClusterUnderTest, namespace: str, name: str, pods: int) -> dict[str, Any]:
    """A budget's status once the controller has seen all pods."""
    path = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/{name}"
    until = time.monotonic() + 20
    while time.monotonic() < until:
        status = cluster.admin("GET", path)[1].get("status") or {}
        if status.get("expectedPods") == pods:
            return dict(status)
        time.sleep(0.1)
    raise AssertionError(f"the budget {name} was not computed: {status}")


def _container(number: int, said: Any) -> dict[str, Any]:
    cpu, policy = said if isinstance(said, tuple) else (said, "")
    found = {
        "name": f"c{number}{policy.lower()}",
        "image": "r.invalid/app:1",
        "resources": {"requests": {"cpu": cpu}},
    }
    if isinstance(said, tuple):
        found["name"] = f"i{number}"
    return found | ({"restartPolicy": policy} if policy else {})
