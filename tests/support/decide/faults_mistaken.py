"""Faults whose nearest explanation is the wrong one: another limit, another port, another side of the wire."""

from __future__ import annotations

import copy

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.faults import fault

_MIB = 2.0**20


def killed_within(c: Cluster, app: str, used_mib: float, limit: str = "1Gi") -> Obj:
    """Killed for memory at 11:58 after half an hour, with this use all the while; it runs again. Returns its node."""
    c.container(app)["resources"] = {"requests": {"memory": "128Mi"}, "limits": {"memory": limit}}
    ended = {
        "exitCode": 137,
        "reason": "OOMKilled",
        "startedAt": "2026-05-04T11:28:00Z",
        "finishedAt": "2026-05-04T11:58:00Z",
    }
    running = {"running": {"startedAt": "2026-05-04T11:58:30Z"}}
    c.status(app, ready=True, restartCount=3, state=running, lastState={"terminated": ended})
    c.series(
        "kubernetes.memory.usage",
        [used_mib * _MIB] * 120,
        pod_name=c.pod(app)["metadata"]["name"],
        kube_deployment=app,
        kube_container_name="main",
    )
    return c.get("nodes", c.pod(app)["spec"]["nodeName"])


def said_by_node(c: Cluster, node: Obj, reason: str, message: str) -> None:
    c.event("Node", node["metadata"]["name"], reason, message)
    event = c.objects["events"][-1]
    event["involvedObject"].pop("namespace")
    event["metadata"]["namespace"] = "default"


def _unlimited_beside(c: Cluster, node: Obj, used_mib: float = 0.0) -> str:
    """Another application on that node, without requests and limits."""
    other = c.app()
    c.container(other)["resources"] = {}
    c.pod(other)["spec"]["nodeName"] = node["metadata"]["name"]
    if used_mib:
        pod = c.pod(other)["metadata"]["name"]
        c.series("kubernetes.memory.usage", [used_mib * _MIB] * 120, pod_name=pod)
    return other


@fault("node_pressure", "the whole node was out of memory")
def _(c: Cluster, app: str) -> str:
    node = killed_within(c, app, 300)
    _unlimited_beside(c, node, 6000)
    said_by_node(c, node, "SystemOOM", "System OOM encountered, victim process: app, pid: 4111")
    return str(node["metadata"]["name"])


@fault("node_pressure", "the kernel's own words of the node")
def _(c: Cluster, app: str) -> str:
    node = killed_within(c, app, 700)
    _unlimited_beside(c, node)
    said_by_node(c, node, "OOMKilling", "Out of memory: Killed process 4111 (app) total-vm:91kB")
    return str(node["metadata"]["name"])


def refused(c: Cluster, app: str, *probes: str, port: int) -> None:
    """These probes of its container are told that nobody listens at the port; it is killed for its liveness."""
    pod = c.pod(app)["metadata"]["name"]
    for probe in probes:
        said = f"dial tcp 10.2.2.2:{port}: connect: connection refused"
        c.event("Pod", pod, "Unhealthy", f"{probe.title()} probe failed: {said}", count=20)
    if "liveness" in probes:
        c.event("Pod", pod, "Killing", "Container main failed liveness probe, will be restarted")
        c.crashed(app, 137)
    else:
        c.stopped(app)


def two_ports(c: Cluster, app: str) -> None:
    """It declares one port that it serves, 8080, and one that it does not, 9090."""
    c.container(app)["ports"] = [
        {"name": "http", "containerPort": 8080},
        {"name": "admin", "containerPort": 9090},
    ]
    c.get("services", app)["spec"]["ports"][0]["targetPort"] = 8080


@fault("liveness_probe_port", "the log tells another of its ports")
def _(c: Cluster, app: str) -> None:
    two_ports(c, app)
    c.container(app)["livenessProbe"] = {"tcpSocket": {"port": 9090}, "failureThreshold": 3}
    refused(c, app, "liveness", port=9090)
    c.log(app, "reading /etc/app.conf", "INFO server running: http://0.0.0.0:8080", previous=True)


@fault("liveness_probe_port", "both probes ask where nobody listens")
def _(c: Cluster, app: str) -> None:
    two_ports(c, app)
    c.container(app)["livenessProbe"] = {"tcpSocket": {"port": "admin"}}
    c.container(app)["readinessProbe"] = {"httpGet": {"port": 9090, "path": "/health"}}
    refused(c, app, "liveness", "readiness", port=9090)
    c.log(app, "Tomcat started on port 8080 (http) with context path '/'", previous=True)


@fault("liveness_probe_port", "the other probe succeeds elsewhere")
def _(c: Cluster, app: str) -> None:
    two_ports(c, app)
    c.container(app)["livenessProbe"] = {"tcpSocket": {"port": 9090}}
    c.container(app)["readinessProbe"] = {"httpGet": {"port": 8080, "path": "/"}}
    refused(c, app, "liveness", port=9090)
    c.status(app, ready=True, restartCount=6, state={"running": {}})


@fault("external_dependency_unavailable", "a database outside that does not answer")
def _(c: Cluster, app: str) -> None:
    host = f"{app}.c9x.eu-west-3.rds.example.com"  # begins like a Service of the namespace
    c.container(app)["env"] = [{"name": "DATABASE_HOST", "value": host}]
    c.crashed(
        app,
        1,
        f'psycopg2.OperationalError: connection to server at "{host}" (10.60.3.44), port 5432 failed: Connection timed out',
        "Is the server running on that host and accepting TCP/IP connections?",
        reason="Error",
    )


@fault("external_dependency_unavailable", "it answers with errors and the namespace is well")
def _(c: Cluster, app: str) -> None:
    c.container(app)["env"] = [{"name": "PSP_URL", "value": "https://api.psp.example/payments"}]
    line = "ERROR POST https://api.psp.example/payments -> 503 Service Unavailable"
    c.log(app, *[f"2026-05-04T11:5{n}:00Z {line}" for n in range(8)])


@fault("liveness_probe_timing", "a newer program takes longer to start")
def _(c: Cluster, app: str) -> None:
    image = c.container(app)["image"]
    port: int = c.container(app)["ports"][0]["containerPort"]
    probe = {"tcpSocket": {"port": port}, "initialDelaySeconds": 20, "periodSeconds": 5}
    c.container(app)["livenessProbe"] = probe
    c.revise(app, image=f"{image}.1")
    refused(c, app, "liveness", port=port)
    c.log(app, "Migrating schema public to version 42 - backfill", previous=True)


@fault("image_not_found", "ready pods still run it")
def _(c: Cluster, app: str) -> None:
    image = c.container(app)["image"]
    c.revise(app, minutes=40000, image=f"{image}.1")
    well = copy.deepcopy(c.pod(app))
    well["metadata"]["name"] = f"{c.pod(app)['metadata']['name']}x"
    running = {"running": {"startedAt": "2026-04-14T12:00:00Z"}}
    well["status"]["containerStatuses"][0].update({"ready": True, "state": running})
    c.waiting(app, "ImagePullBackOff", f'Back-off pulling image "{image}.1"')
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "Failed",
        f'Failed to pull image "{image}.1": rpc error: code = NotFound desc = {image}.1: not found',
    )
    c.objects["pods"].append(well)
    c.get("deployments", app)["spec"]["replicas"] = 2
