"""Faults on made-up clusters: what each leaves behind, registered under its class and, where there are several, a variant."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.decide.clusters import Cluster

#: Puts one fault on an application; returns the name of the object to blame when that is another one.
Fault = Callable[[Cluster, str], str | None]
FAULTS: dict[str, Fault] = {}


def fault(class_id: str, variant: str = "") -> Callable[[Fault], Fault]:
    """Registers a fault as ``class`` or ``class/variant``."""

    def register(call: Fault) -> Fault:
        key = f"{class_id}/{variant}" if variant else class_id
        assert key not in FAULTS
        FAULTS[key] = call
        return call

    return register


@fault("oom_killed")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 137, reason="OOMKilled")


@fault("image_not_found")
def _(c: Cluster, app: str) -> None:
    image = c.container(app)["image"]
    c.waiting(app, "ImagePullBackOff", f'Back-off pulling image "{image}"')
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "Failed",
        f'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to resolve reference "{image}": {image}: not found',
    )


@fault("image_registry_unreachable")
def _(c: Cluster, app: str) -> None:
    image = c.container(app)["image"]
    c.waiting(
        app,
        "ErrImagePull",
        f'failed to pull image "{image}": dial tcp: lookup {c.word()}.internal on 10.0.0.2:53: no such host',
    )


@fault("image_pull_secret_missing")
def _(c: Cluster, app: str) -> None:
    image = c.container(app)["image"]
    c.waiting(
        app, "ErrImagePull", f'failed to pull image "{image}": unexpected status: 401 Unauthorized'
    )


@fault("config_reference_missing")
def _(c: Cluster, app: str) -> None:
    c.waiting(app, "CreateContainerConfigError", f'configmap "{c.word()}" not found')


@fault("bad_command")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        128,
        message=f'failed to create task: exec: "{c.word()}": executable file not found in $PATH',
        reason="StartError",
    )


@fault("crash_bad_config")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 1, "starting", f"fatal: invalid configuration value for {c.word()}")


@fault("sidecar_port_conflict")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 1, f"listen tcp :{c.port()}: bind: address already in use")
    c.pod(app)["spec"]["containers"].append({"name": "proxy", "image": "p:1"})
    c.pod(app)["status"]["containerStatuses"].append(
        {"name": "proxy", "ready": True, "restartCount": 0}
    )


@fault("database_credentials_invalid")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 1, f'FATAL: password authentication failed for user "{c.word()}"')


@fault("insufficient_cpu")
def _(c: Cluster, app: str) -> None:
    c.container(app)["resources"]["requests"]["cpu"] = "64"
    c.unschedulable(
        app,
        "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
    )


@fault("insufficient_memory")
def _(c: Cluster, app: str) -> None:
    c.unschedulable(app, "0/3 nodes are available: 3 Insufficient memory.")


@fault("node_selector_mismatch")
def _(c: Cluster, app: str) -> None:
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["nodeSelector"] = {c.word(): "yes"}
    c.unschedulable(
        app, "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
    )


@fault("taint_not_tolerated")
def _(c: Cluster, app: str) -> None:
    for node in c.objects["nodes"]:
        node["spec"]["taints"] = [{"key": "team", "value": "other", "effect": "NoSchedule"}]
    c.unschedulable(app, "0/3 nodes are available: 3 node(s) had untolerated taint {team: other}.")


@fault("node_cordoned")
def _(c: Cluster, app: str) -> None:
    for node in c.objects["nodes"]:
        node["spec"]["unschedulable"] = True
    c.unschedulable(app, "0/3 nodes are available: 3 node(s) were unschedulable.")


@fault("missing_service_account")
def _(c: Cluster, app: str) -> None:
    name = c.word()
    c.refused(
        app,
        f'error looking up service account {c.namespace}/{name}: serviceaccount "{name}" not found',
    )


@fault("liveness_probe_port")
def _(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    c.container(app)["livenessProbe"] = {"tcpSocket": {"port": port + 1}}
    pod = c.pod(app)["metadata"]["name"]
    c.event(
        "Pod",
        pod,
        "Unhealthy",
        f"Liveness probe failed: dial tcp 10.9.9.9:{port + 1}: connect: connection refused",
        9,
    )
    c.event("Pod", pod, "Killing", "Container main failed liveness probe, will be restarted")
    c.status(
        app,
        ready=True,
        restartCount=4,
        lastState={"terminated": {"exitCode": 137, "reason": "Error"}},
    )


@fault("readiness_probe_path")
def _(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    c.container(app)["readinessProbe"] = {"httpGet": {"port": port, "path": "/nowhere"}}
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 404",
        9,
    )
    c.status(app, state={"running": {}})


@fault("liveness_probe_timing")
def _(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    c.container(app)["livenessProbe"] = {
        "tcpSocket": {"port": port},
        "initialDelaySeconds": 1,
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    pod = c.pod(app)["metadata"]["name"]
    c.event(
        "Pod",
        pod,
        "Unhealthy",
        f"Liveness probe failed: dial tcp 10.9.9.9:{port}: connect: connection refused",
        9,
    )
    c.event("Pod", pod, "Killing", "Container main failed liveness probe, will be restarted")
    c.status(
        app,
        restartCount=4,
        state={"running": {}},
        lastState={"terminated": {"exitCode": 137, "reason": "Error"}},
    )


@fault("zero_replicas")
def _(c: Cluster, app: str) -> None:
    c.get("deployments", app)["spec"]["replicas"] = 0
    c.objects["pods"].remove(c.pod(app))
    c.down(app)


@fault("service_selector_mismatch")
def _(c: Cluster, app: str) -> None:
    c.get("services", app)["spec"]["selector"] = {"app": f"{app}-old"}
    c.get("endpoints", app)["subsets"] = []


@fault("service_port_mismatch")
def _(c: Cluster, app: str) -> None:
    c.get("services", app)["spec"]["ports"][0]["targetPort"] = "grpc"
    c.get("endpoints", app)["subsets"] = []


@fault("service_protocol_mismatch")
def _(c: Cluster, app: str) -> None:
    c.get("services", app)["spec"]["ports"][0]["protocol"] = "UDP"


@fault("env_address_mismatch")
def _(c: Cluster, app: str) -> None:
    other = c.app()
    c.container(app)["env"] = [{"name": "STORE_ADDR", "value": f"{other}-gone:8080"}]
    c.log(app, f"dial tcp: lookup {other}-gone on 10.0.0.10:53: no such host")


@fault("dns_config_broken")
def _(c: Cluster, app: str) -> None:
    spec = c.get("deployments", app)["spec"]["template"]["spec"]
    spec |= {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.7"]}}
    c.crashed(app, 1, "getaddrinfo EAI_AGAIN store")


@fault("dns_config_broken", "in its node's network")
def _(c: Cluster, app: str) -> None:
    spec = c.get("deployments", app)["spec"]["template"]["spec"]
    spec |= {
        "hostNetwork": True,
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["198.51.100.1"]},
    }
    c.crashed(app, 1, "getaddrinfo EAI_AGAIN store")


@fault("dns_config_broken", "a server that may be the node's own")
def _(c: Cluster, app: str) -> None:
    spec = c.get("deployments", app)["spec"]["template"]["spec"]
    spec |= {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["169.254.20.10"]}}
    c.crashed(app, 1, "getaddrinfo EAI_AGAIN store")


@fault("autoscaler_at_ceiling")
def _(c: Cluster, app: str) -> None:
    c.objects["horizontalpodautoscalers"].append(
        {
            "apiVersion": "autoscaling/v2",
            "metadata": {"name": app, "namespace": c.namespace},
            "spec": {
                "minReplicas": 1,
                "maxReplicas": 4,
                "scaleTargetRef": {"kind": "Deployment", "name": app},
                "metrics": [{"resource": {"name": "cpu", "target": {"averageUtilization": 70}}}],
            },
            "status": {
                "currentReplicas": 4,
                "conditions": [
                    {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}
                ],
                "currentMetrics": [
                    {"resource": {"name": "cpu", "current": {"averageUtilization": 97}}}
                ],
            },
        }
    )


@fault("cpu_throttling")
def _(c: Cluster, app: str) -> None:
    c.series("service.cpu", [0.02] * 30 + [0.19] * 30, service=app)
    c.series("service.cpu_cfs", [0.0] * 30 + [0.7] * 30, service=app)
    c.series("service.p95latency", [10.0] * 30 + [90.0] * 30, service=app)


@fault("pvc_storage_class_mismatch")
def _(c: Cluster, app: str) -> None:
    claim = c.word()
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    c.objects["storageclasses"].append({"metadata": {"name": "standard"}})
    c.objects["persistentvolumeclaims"].append(
        {
            "metadata": {"name": claim, "namespace": c.namespace},
            "spec": {
                "storageClassName": "standrad",
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
            "status": {"phase": "Pending"},
        }
    )
    c.unschedulable(
        app, "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    )
