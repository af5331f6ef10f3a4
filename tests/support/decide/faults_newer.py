"""Faults of newer parts of Kubernetes: sidecars, resizes in place, devices, attachments, Gateway API, leases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.decide.clusters import AT, Cluster
from tests.support.decide.faults import fault

GATEWAY, STORAGE, RESOURCE = (
    "gateway.networking.k8s.io/v1",
    "storage.k8s.io/v1",
    "resource.k8s.io/v1",
)


def ago(**span: float) -> str:
    """A time so long before the alert, as Kubernetes writes it."""
    return (AT - timedelta(**span)).isoformat().replace("+00:00", "Z")


def wide(c: Cluster, plural: str, name: str, *, api: str, kind: str, **fields: Any) -> None:
    """An object that has no namespace."""
    made = c.add(plural, name, api=api, kind=kind, **fields)
    del made["metadata"]["namespace"]


def template(c: Cluster, app: str) -> Any:
    """The application's pod template's spec."""
    return c.get("deployments", app)["spec"]["template"]["spec"]


# --- sidecars


def sidecar(c: Cluster, app: str, **status: Any) -> None:
    """A native sidecar beside the application, in this state."""
    one = {"name": "shipper", "image": "registry.example/shipper:2", "restartPolicy": "Always"}
    for spec in (template(c, app), c.pod(app)["spec"]):
        spec["initContainers"] = [dict(one)]
    said = {"name": "shipper", "ready": False, "restartCount": 6, **status}
    c.pod(app)["status"]["initContainerStatuses"] = [said]
    c.down(app)


@fault("oom_killed", "sidecar")
def _(c: Cluster, app: str) -> None:
    died = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    sidecar(c, app, state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState=died)
    limits = {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}
    for spec in (template(c, app), c.pod(app)["spec"]):
        spec["initContainers"][0]["resources"] = limits


@fault("readiness_probe_port", "sidecar")
def _(c: Cluster, app: str) -> None:
    sidecar(c, app, restartCount=0, started=True, state={"running": {"startedAt": ago(hours=1)}})
    probe = {"httpGet": {"path": "/ready", "port": 9999}}
    for spec in (template(c, app), c.pod(app)["spec"]):
        spec["initContainers"][0] |= {"readinessProbe": probe, "ports": [{"containerPort": 2020}]}
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "Unhealthy",
        'Readiness probe failed: Get "http://10.0.0.9:9999/ready": dial tcp 10.0.0.9:9999: connect: connection refused',
    )


# --- resizes in place


def resized(c: Cluster, app: str, reason: str, message: str) -> None:
    """The pod asks for a new size that its node does not give, and is killed at the old one."""
    c.crashed(app, 137, reason="OOMKilled")
    c.pod(app)["status"].setdefault("conditions", []).append(
        {
            "type": "PodResizePending",
            "status": "True",
            "reason": reason,
            "message": message,
            "lastTransitionTime": ago(minutes=40),
        }
    )


@fault("pod_resize_pending", "infeasible")
def _(c: Cluster, app: str) -> None:
    resized(
        c,
        app,
        "Infeasible",
        "Node didn't have enough capacity: memory, requested: 68719476736, capacity: 16777216000",
    )


@fault("pod_resize_pending", "deferred")
def _(c: Cluster, app: str) -> None:
    resized(
        c, app, "Deferred", "Node didn't have enough resource: memory, requested: 900, used: 90"
    )


@fault("pod_resize_pending", "error")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 137, reason="OOMKilled")
    c.pod(app)["status"].setdefault("conditions", []).append(
        {
            "type": "PodResizeInProgress",
            "status": "True",
            "reason": "Error",
            "message": "attempting to set pod memory limit below current usage",
        }
    )


# --- pods that stay


def leaving(c: Cluster, app: str) -> None:
    c.pod(app)["metadata"] |= {
        "deletionTimestamp": ago(minutes=50),
        "deletionGracePeriodSeconds": 30,
    }
    c.down(app)


@fault("pod_stuck_terminating", "node gone")
def _(c: Cluster, app: str) -> None:
    leaving(c, app)
    c.pod(app)["spec"]["nodeName"] = c.word()


@fault("pod_stuck_terminating", "kubelet")
def _(c: Cluster, app: str) -> None:
    leaving(c, app)


# --- systems and spreads


@fault("pod_os_mismatch")
def _(c: Cluster, app: str) -> None:
    for n, node in enumerate(c.objects["nodes"]):
        node["metadata"].setdefault("labels", {})["kubernetes.io/os"] = "windows" if n else "linux"
    for spec in (template(c, app), c.pod(app)["spec"]):
        spec["os"] = {"name": "windows"}
    c.pod(app)["spec"]["nodeName"] = c.nodes[0]
    c.status(app)
    c.pod(app)["status"] |= {
        "phase": "Failed",
        "reason": "PodOSNotSupported",
        "message": "Failed to admit pod as the OS field doesn't match node OS",
    }
    c.down(app)


@fault("pod_os_mismatch", "no such node")
def _(c: Cluster, app: str) -> None:
    for node in c.objects["nodes"]:
        node["metadata"].setdefault("labels", {})["kubernetes.io/os"] = "linux"
    for spec in (template(c, app), c.pod(app)["spec"]):
        spec["os"] = {"name": "windows"}
    c.pod(app)["status"] = {"phase": "Failed", "reason": "PodOSNotSupported"}
    c.down(app)


def spread(c: Cluster, app: str, **constraint: Any) -> None:
    for n, node in enumerate(c.objects["nodes"]):
        node["metadata"].setdefault("labels", {})["zone"] = f"z{n}"
    one = {
        "topologyKey": "zone",
        "maxSkew": 1,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": app}},
        **constraint,
    }
    for spec in (template(c, app), c.pod(app)["spec"]):
        spec["topologySpreadConstraints"] = [one]
    c.unschedulable(
        app, "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints."
    )


@fault("topology_spread_unsatisfied", "too few domains")
def _(c: Cluster, app: str) -> None:
    spread(c, app, minDomains=5)


@fault("topology_spread_unsatisfied", "a closed domain")
def _(c: Cluster, app: str) -> None:
    spread(c, app)
    c.objects["nodes"][2]["spec"] = {
        "taints": [{"key": "team", "value": "batch", "effect": "NoSchedule"}]
    }


# --- devices


def claims(c: Cluster, app: str, wanted: str, **request: Any) -> None:
    """The application claims a device by a template named ``cards``."""
    body = {"name": "card", "exactly": {"deviceClassName": "cards.example", **request}}
    c.add(
        "resourceclaimtemplates",
        "cards",
        api=RESOURCE,
        kind="ResourceClaimTemplate",
        spec={"spec": {"devices": {"requests": [body]}}},
    )
    wide(c, "deviceclasses", "cards.example", api=RESOURCE, kind="DeviceClass", spec={})
    for spec in (template(c, app), c.pod(app)["spec"]):
        spec["resourceClaims"] = [{"name": "card", "resourceClaimTemplateName": wanted}]


@fault("device_claim_missing")
def _(c: Cluster, app: str) -> None:
    claims(c, app, "crads")
    c.unschedulable(app, "0/3 nodes are available: waiting for resource claim to be created.")


@fault("device_claim_missing", "unlike")
def _(c: Cluster, app: str) -> None:
    claims(c, app, c.word(12))
    c.unschedulable(app, "0/3 nodes are available: waiting for resource claim to be created.")


@fault("device_class_missing")
def _(c: Cluster, app: str) -> None:
    claims(c, app, "cards", deviceClassName="big-cards.example")
    c.unschedulable(
        app,
        "0/3 nodes are available: 3 request card: device class big-cards.example does not exist.",
    )


@fault("device_unavailable")
def _(c: Cluster, app: str) -> None:
    claims(c, app, "cards")
    c.objects["resourceslices"] = []
    c.unschedulable(app, "0/3 nodes are available: 3 cannot allocate all claims.")


# --- volumes at nodes


def mounted(c: Cluster, app: str, driver: str = "disk.example") -> str:
    """The application waits on its node for a bound volume; returns the volume's name."""
    volume, claim = c.word(), c.word()
    c.add(
        "persistentvolumeclaims",
        claim,
        kind="PersistentVolumeClaim",
        spec={"volumeName": volume, "accessModes": ["ReadWriteOnce"]},
        status={"phase": "Bound"},
    )
    spec = {"csi": {"driver": driver}, "accessModes": ["ReadWriteOnce"]}
    wide(c, "persistentvolumes", volume, api="v1", kind="PersistentVolume", spec=spec)
    for one in (template(c, app), c.pod(app)["spec"]):
        one["volumes"] = [{"name": "d", "persistentVolumeClaim": {"claimName": claim}}]
    c.waiting(app, "ContainerCreating")
    c.pod(app)["status"]["phase"] = "Pending"
    c.pod(app)["spec"]["nodeName"] = c.nodes[0]
    return volume


def attachment(c: Cluster, volume: str, node: str, **status: Any) -> None:
    spec = {
        "attacher": "disk.example",
        "nodeName": node,
        "source": {"persistentVolumeName": volume},
    }
    wide(
        c,
        "volumeattachments",
        c.word(),
        api=STORAGE,
        kind="VolumeAttachment",
        spec=spec,
        status=status,
    )


@fault("volume_attach_failed")
def _(c: Cluster, app: str) -> None:
    said = {
        "message": "rpc error: code = Internal desc = quota of disks reached",
        "time": ago(minutes=3),
    }
    attachment(c, mounted(c, app), c.nodes[0], attached=False, attachError=said)


@fault("volume_multi_attach", "object")
def _(c: Cluster, app: str) -> None:
    volume = mounted(c, app)
    attachment(c, volume, c.nodes[1], attached=True)
    attachment(c, volume, c.nodes[0], attached=False)


@fault("csi_driver_missing")
def _(c: Cluster, app: str) -> None:
    mounted(c, app)
    others = {"drivers": [{"name": "files.example", "nodeID": "n"}]}
    for node in c.nodes:
        wide(c, "csinodes", node, api=STORAGE, kind="CSINode", spec=others)


# --- Gateway API


def gateway(c: Cluster, **listener: Any) -> Any:
    """A gateway ``edge`` with one listener, and its class."""
    wide(c, "gatewayclasses", "envoy", api=GATEWAY, kind="GatewayClass", spec={})
    return c.add(
        "gateways",
        "edge",
        api=GATEWAY,
        kind="Gateway",
        spec={
            "gatewayClassName": "envoy",
            "listeners": [{"name": "web", "port": 443, "protocol": "HTTPS", **listener}],
        },
    )


def route(c: Cluster, app: str, *hosts: str, namespace: str = "") -> Any:
    port = c.get("services", app)["spec"]["ports"][0]["port"]
    backend = {"name": app, "port": port} | ({"namespace": namespace} if namespace else {})
    return c.add(
        "httproutes",
        "shopfront",
        api=GATEWAY,
        kind="HTTPRoute",
        spec={
            "hostnames": list(hosts),
            "parentRefs": [{"name": "edge"}],
            "rules": [{"backendRefs": [backend]}],
        },
    )


@fault("gateway_not_programmed", "certificate")
def _(c: Cluster, app: str) -> str:
    made = gateway(c)
    said = {
        "type": "ResolvedRefs",
        "status": "False",
        "reason": "InvalidCertificateRef",
        "message": "Secret edge-tls does not exist",
    }
    made["status"] = {"listeners": [{"name": "web", "conditions": [said]}]}
    return "edge"


@fault("gateway_not_programmed", "class")
def _(c: Cluster, app: str) -> str:
    gateway(c)["spec"]["gatewayClassName"] = "envoyy"
    return "edge"


@fault("route_host_mismatch", "no listener")
def _(c: Cluster, app: str) -> str:
    gateway(c, hostname="*.shop.example")
    route(c, app, "till.market.example")
    return "shopfront"


@fault("route_reference_not_permitted")
def _(c: Cluster, app: str) -> str:
    gateway(c)
    said = {
        "type": "ResolvedRefs",
        "status": "False",
        "reason": "RefNotPermitted",
        "message": f"backendRef to Service stock/{app} is not permitted by any ReferenceGrant",
    }
    route(c, app, namespace="stock")["status"] = {"parents": [{"conditions": [said]}]}
    return "shopfront"


# --- leaders


def lease(c: Cluster, name: str, holder: str, **late: float) -> Any:
    return c.add(
        "leases",
        name,
        api="coordination.k8s.io/v1",
        kind="Lease",
        spec={"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": ago(**late)},
    )


@fault("leader_lease_expired")
def _(c: Cluster, app: str) -> None:
    lease(c, f"{app}-leader", f"{c.pod(app)['metadata']['name']}_{c.word()}", minutes=40)


@fault("controller_manager_unavailable", "lease")
def _(c: Cluster, app: str) -> str:
    made = lease(c, "kube-controller-manager", f"{c.word()}_{c.word()}", minutes=25)
    made["metadata"]["namespace"] = "kube-system"
    return "kube-controller-manager"
