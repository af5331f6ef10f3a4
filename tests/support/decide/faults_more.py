"""Faults of probes, claims, nodes, databases and quotas on objects that are declared and not there."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster
from tests.support.decide.faults import fault

_SAID = {"liveness": "Liveness", "readiness": "Readiness", "startup": "Startup"}


def _probe(probe: str, what: str, spec: dict[str, Any], text: str, *, other: str = "") -> None:
    @fault(f"{probe}_probe_{what}")
    def _(c: Cluster, app: str) -> None:
        port = c.container(app)["ports"][0]["containerPort"]
        words = {"PORT": str(port), "WRONG": str(port + 1)}
        c.container(app)[f"{probe}Probe"] = _filled(spec, port)
        if other:
            c.container(app)["livenessProbe" if probe != "liveness" else "readinessProbe"] = {
                other: {"port": port}
            }
        said = text
        for word, value in words.items():
            said = said.replace(word, value)
        pod = c.pod(app)["metadata"]["name"]
        c.event("Pod", pod, "Unhealthy", f"{_SAID[probe]} probe failed: {said}", 9)
        if probe == "readiness":
            c.stopped(app)
        else:
            c.event(
                "Pod", pod, "Killing", f"Container main failed {probe} probe, will be restarted"
            )
            c.status(
                app,
                ready=probe == "liveness",
                restartCount=5,
                state={"running": {}},
                lastState={"terminated": {"exitCode": 137, "reason": "Error"}},
            )


def _filled(spec: dict[str, Any], port: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in spec.items():
        if isinstance(value, dict):
            out[key] = _filled(value, port)
        else:
            out[key] = {"PORT": port, "WRONG": port + 1}.get(str(value), value)
    return out


_REFUSED = 'Get "http://10.1.1.1:WRONG/": dial tcp 10.1.1.1:WRONG: connect: connection refused'
_ODD = 'Get "http://10.1.1.1:PORT/": net/http: HTTP/1.x transport connection broken: malformed HTTP response'
_TIGHT = {"tcpSocket": {"port": "PORT"}, "periodSeconds": 1, "failureThreshold": 1}
_probe(
    "readiness",
    "port",
    {"tcpSocket": {"port": "WRONG"}},
    "dial tcp 10.1.1.1:WRONG: connect: connection refused",
)
_probe("startup", "port", {"httpGet": {"port": "WRONG", "path": "/"}}, _REFUSED)
_probe("liveness", "protocol", {"httpGet": {"port": "PORT", "path": "/"}}, _ODD, other="grpc")
_probe("readiness", "protocol", {"httpGet": {"port": "PORT", "path": "/"}}, _ODD)
_probe("startup", "protocol", {"httpGet": {"port": "PORT", "path": "/"}}, _ODD)
_probe(
    "liveness",
    "path",
    {"httpGet": {"port": "PORT", "path": "/x"}},
    "HTTP probe failed with statuscode: 404",
)
_probe(
    "startup",
    "path",
    {"httpGet": {"port": "PORT", "path": "/x"}},
    "HTTP probe failed with statuscode: 404",
)


@fault("probe_answers_error")
def _(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    c.container(app)["livenessProbe"] = {"httpGet": {"port": port, "path": "/alive"}}
    c.container(app)["startupProbe"] = {"tcpSocket": {"port": port}}
    pod = c.pod(app)["metadata"]["name"]
    said = "HTTP probe failed with statuscode: 503"
    c.event("Pod", pod, "Unhealthy", f"Liveness probe failed: {said}", 9)
    c.status(app, ready=False, restartCount=4, state={"running": {}})


_probe("startup", "timing", _TIGHT, "dial tcp 10.1.1.1:PORT: connect: connection refused")


def _claim(class_id: str, **odd: Any) -> None:
    @fault(class_id)
    def _(c: Cluster, app: str) -> None:
        claim, good = c.word(), {"storageClassName": "slow", "accessModes": ["ReadWriteOnce"]}
        spec = {**good, "resources": {"requests": {"storage": odd.get("size", "1Gi")}}}
        spec |= {"accessModes": odd.get("modes", good["accessModes"])}
        if "selector" in odd:
            spec["selector"] = odd["selector"]
        for found in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
            found["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
        c.objects["storageclasses"].append(
            {"metadata": {"name": "slow"}, "provisioner": "kubernetes.io/no-provisioner"}
        )
        c.objects["persistentvolumes"].append(
            {
                "metadata": {"name": c.word(), "labels": {"disk": "a"}},
                "spec": {
                    **good,
                    "capacity": {"storage": "5Gi"},
                    **({"claimRef": odd["ref"]} if "ref" in odd else {}),
                },
                "status": {"phase": "Available"},
            }
        )
        c.objects["persistentvolumeclaims"].append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": claim, "namespace": c.namespace},
                "spec": spec,
                "status": {"phase": "Pending"},
            }
        )
        c.unschedulable(
            app, "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
        )


_claim("pvc_capacity_mismatch", size="50Gi")
_claim("pvc_access_mode_mismatch", modes=["ReadWriteMany"])
_claim(
    "pvc_selector_mismatch",
    selector={"matchExpressions": [{"key": "disk", "operator": "In", "values": ["b"]}]},
)
_claim("pv_bound_elsewhere", ref={"namespace": "other", "name": "other"})


@fault("node_affinity_mismatch")
def _(c: Cluster, app: str) -> None:
    for node in c.objects["nodes"]:
        node["metadata"]["labels"]["zone"] = "a"
    rule = {
        "nodeSelectorTerms": [
            {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z"]}]}
        ]
    }
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": rule}
        }
    c.unschedulable(
        app, "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
    )


@fault("pod_anti_affinity_conflict")
def _(c: Cluster, app: str) -> None:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["affinity"] = {
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
        }
    c.unschedulable(app, "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.")


@fault("service_missing")
def _(c: Cluster, app: str) -> None:
    caller = c.app()
    c.calls(caller, app)
    c.drop("services", app)
    c.log(caller, f"dial tcp: lookup {app} on 10.96.0.10:53: no such host")


@fault("load_balancer_pending")
def _(c: Cluster, app: str) -> str:
    c.get("services", app)["spec"]["type"] = "LoadBalancer"
    c.event(
        "Service",
        app,
        "SyncLoadBalancerFailed",
        "Error syncing load balancer: failed to ensure load balancer: quota",
    )
    return app


@fault("database_port_wrong")
def _(c: Cluster, app: str) -> None:
    database = c.app(image="registry.example/mysql:8", port=3306)
    c.container(app)["env"] = [
        {"name": "DB_HOST", "value": database},
        {"name": "DB_PORT", "value": "3307"},
    ]
    c.crashed(
        app,
        1,
        "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure",
        "java.net.ConnectException: Connection refused",
    )


@fault("quota_services_exceeded")
def _(c: Cluster, app: str) -> str:
    quota, hard = c.word(), {"services": "4"}
    c.declared.append(c.get("services", app))
    c.drop("services", app)
    c.add(
        "resourcequotas",
        quota,
        kind="ResourceQuota",
        spec={"hard": hard},
        status={"hard": hard, "used": dict(hard)},
    )
    return quota


@fault("quota_objects_exceeded")
def _(c: Cluster, app: str) -> str:
    quota, hard = c.word(), {"count/configmaps": "1"}
    c.declared.append(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": c.word(), "namespace": c.namespace},
        }
    )
    c.add(
        "resourcequotas",
        quota,
        kind="ResourceQuota",
        spec={"hard": hard},
        status={"hard": hard, "used": dict(hard)},
    )
    return quota


def _node(class_id: str, status: str, message: str) -> None:
    @fault(class_id)
    def _(c: Cluster, app: str) -> str:
        c.objects["nodes"][0]["status"]["conditions"] = [
            {"type": "Ready", "status": status, "message": message}
        ]
        c.pod(app)["spec"]["nodeName"] = c.nodes[0]
        c.stopped(app)
        return c.nodes[0]


_node("node_kubelet_unavailable", "Unknown", "Kubelet stopped posting node status.")
_node(
    "node_runtime_unavailable",
    "False",
    "container runtime is down, PLEG is not healthy: pleg was last seen active 5m ago",
)
_node("node_not_ready", "False", "node is shutting down")


@fault("node_network_loss")
def _(c: Cluster, app: str) -> str:
    for n, node in enumerate(c.nodes):
        c.series("node.tcp_retrans", [0.1] * 30 + [9.0 if n == 1 else 0.1] * 30, host=node)
    return c.nodes[1]


@fault("node_network_delay")
def _(c: Cluster, app: str) -> str:
    for other in (app, c.app()):
        c.pod(other)["spec"]["nodeName"] = c.nodes[2]
        c.series("service.p95latency", [20.0] * 30 + [420.0] * 30, service=other)
        c.series("service.cpu", [0.05] * 60, service=other)
    return c.nodes[2]
