"""Faults of which only a symptom, a number or a refusal tells; and situations in which nothing is to be changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from schemas.context import ContextBundle, Monitor
from tests.support.decide.clusters import AT, Cluster
from tests.support.decide.faults import fault

#: Makes a cluster in which nothing is to be changed, or nothing can be told; returns what the bundle has besides.
Calm = Callable[[Cluster, str], dict[str, Any]]
CALM: dict[str, Calm] = {}
_MIB = 2.0**20


def _quota(what: str, resource: str) -> None:
    @fault(f"quota_{what}_exceeded")
    def _(c: Cluster, app: str) -> str:
        name = c.word()
        limits = {"hard": {resource: "2"}}
        c.add(
            "resourcequotas",
            name,
            kind="ResourceQuota",
            spec=limits,
            status={**limits, "used": {resource: "2"}},
        )
        c.refused(
            app,
            f"exceeded quota: {name}, requested: {resource}=1, used: {resource}=2, limited: {resource}=2",
        )
        return name


_quota("cpu", "requests.cpu")
_quota("memory", "requests.memory")
_quota("pods", "pods")
_quota("storage", "requests.storage")


@fault("pods_not_created")
def _(c: Cluster, app: str) -> None:
    c.refused(app, "the platform's own rule says no")


@fault("database_connections_exhausted")
def _(c: Cluster, app: str) -> str:
    database = c.app(image="registry.example/mysql:8", port=3306)
    for caller in (app, c.app(), c.app()):
        c.calls(caller, database)
        c.crashed(caller, 1, "java.sql.SQLNonTransientConnectionException: Too many connections")
    return database


@fault("dependency_unavailable")
def _(c: Cluster, app: str) -> str:
    database = c.app(image="registry.example/postgres:16", port=5432)
    c.stopped(database)
    c.calls(app, database)
    c.crashed(
        app,
        1,
        f'psycopg.OperationalError: connection to server at "{database}" (10.1.1.1), port 5432 failed: Connection refused',
    )
    return database


@fault("cpu_saturation")
def _(c: Cluster, app: str) -> None:
    c.series("service.cpu", [0.02] * 30 + [0.19] * 30, service=app)
    c.series("service.p95latency", [10.0] * 30 + [90.0] * 30, service=app)


@fault("readiness_probe_timing")
def _(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    c.container(app)["readinessProbe"] = {
        "httpGet": {"port": port, "path": "/"},
        "timeoutSeconds": 1,
    }
    said = f'Get "http://10.1.1.1:{port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    c.event(
        "Pod", c.pod(app)["metadata"]["name"], "Unhealthy", f"Readiness probe failed: {said}", 9
    )
    c.stopped(app)


@fault("latency_regression")
def _(c: Cluster, app: str) -> None:
    """Slower and busier, with no limit in its way and no more requests than before."""
    c.container(app)["resources"].pop("limits")
    c.series("service.p95latency", [20.0] * 30 + [90.0] * 30, service=app)
    c.series("service.cpu", [0.05] * 30 + [0.3] * 30, service=app)


@fault("memory_leak")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 137, reason="OOMKilled")
    climb = [30.0 * _MIB + 2.4 * _MIB * n for n in range(40)]
    c.series("kubernetes.memory.usage", climb, kube_deployment=app)


@fault("pvc_pending")
def _(c: Cluster, app: str) -> None:
    claim = c.word()
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    c.objects["storageclasses"].append(
        {"metadata": {"name": "standard"}, "provisioner": "disk.example.com"}
    )
    c.add(
        "persistentvolumeclaims",
        claim,
        kind="PersistentVolumeClaim",
        spec={
            "storageClassName": "standard",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
        status={"phase": "Pending"},
    )
    c.event(
        "PersistentVolumeClaim",
        claim,
        "ProvisioningFailed",
        "failed to provision volume: rpc error: code = ResourceExhausted desc = no space in zone a",
    )
    c.unschedulable(
        app, "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    )


@fault("upstream_errors")
def _(c: Cluster, app: str) -> None:
    caller = c.app()
    port = c.calls(caller, app)
    c.log(caller, f"GET http://{app}:{port}/items: 503 Service Unavailable")
    c.stopped(app)


def calm(class_id: str, variant: str = "") -> Callable[[Calm], Calm]:
    """Registers a situation as ``class`` or ``class/variant``."""

    def register(call: Calm) -> Calm:
        key = f"{class_id}/{variant}" if variant else class_id
        assert key not in CALM
        CALM[key] = call
        return call

    return register


def calm_bundle(cluster: Cluster, told: dict[str, Any]) -> ContextBundle:
    """The cluster's bundle with what a situation has besides; ``alert`` are fields of its alert."""
    bundle = cluster.bundle()
    alert = bundle.alert.model_copy(update=told.get("alert", {}))
    return bundle.model_copy(update={**told, "alert": alert})


def _monitor(**fields: Any) -> dict[str, Any]:
    return {"monitor": Monitor(**fields)}


@calm("healthy")
def _(c: Cluster, app: str) -> dict[str, Any]:
    return {}


@calm("recovered", "restarted")
def _(c: Cluster, app: str) -> dict[str, Any]:
    started = (AT - timedelta(minutes=20)).isoformat()
    c.status(app, ready=True, restartCount=1, state={"running": {"startedAt": started}})
    return {}


@calm("recovered", "monitor")
def _(c: Cluster, app: str) -> dict[str, Any]:
    return _monitor(overall_state="OK")


@calm("maintenance")
def _(c: Cluster, app: str) -> dict[str, Any]:
    node, *others = c.objects["nodes"]
    node["spec"]["unschedulable"] = True
    for pod in c.objects["pods"]:
        pod["spec"]["nodeName"] = others[0]["metadata"]["name"]
    name = node["metadata"]["name"]
    c.event("Node", name, "NodeNotSchedulable", f"Node {name} status is now: NodeNotSchedulable")
    return {}


def newer_pod(c: Cluster, app: str, *, minutes: float) -> dict[str, Any]:
    """A rollout with a surge: the old pod serves, a new one runs for so long and is not ready. Returns the new pod."""
    c.revise(app, minutes=minutes, image=f"registry.example/{app}:2.0")
    old, (mine, before) = (
        c.pod(app),
        [r for r in c.objects["replicasets"] if r["metadata"]["ownerReferences"][0]["name"] == app],
    )
    new = json.loads(json.dumps(old))
    new["metadata"] |= {
        "name": f"{mine['metadata']['name']}-{c.word(5)}",
        "creationTimestamp": (AT - timedelta(minutes=minutes)).isoformat(),
    }
    new["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    new["status"]["containerStatuses"][0]["ready"] = False
    old["metadata"]["ownerReferences"][0]["name"] = before["metadata"]["name"]
    c.objects["pods"].append(new)
    status = c.get("deployments", app)["status"]
    status |= {"replicas": 2, "updatedReplicas": 1, "unavailableReplicas": 1}
    return dict(new)


@calm("maintenance", "a rollout at its own pace")
def _(c: Cluster, app: str) -> dict[str, Any]:
    newer_pod(c, app, minutes=0.5)
    return {"alert": {"title": f"{app}: replicas unavailable"}}


@calm("undetermined", "a new pod that is not ready for minutes")
def _(c: Cluster, app: str) -> dict[str, Any]:
    newer_pod(c, app, minutes=7)
    return {"alert": {"title": f"{app}: replicas unavailable"}}


@calm("flapping_within_bounds")
def _(c: Cluster, app: str) -> dict[str, Any]:
    told = [f"{hour}:00 {word}" for hour in (8, 9, 10) for word in ("Triggered", "Recovered")]
    return _monitor(overall_state="Alert", history=tuple(told))


@calm("alert_noise", "no data")
def _(c: Cluster, app: str) -> dict[str, Any]:
    return {"alert": {"state": "no_data"}}


@calm("alert_noise", "test")
def _(c: Cluster, app: str) -> dict[str, Any]:
    return {"alert": {"title": "[TEST] Something is wrong"}}


@calm("undetermined")
def _(c: Cluster, app: str) -> dict[str, Any]:
    c.down(app)
    return {}
