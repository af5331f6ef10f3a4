"""What the API server fills in where an object says nothing. Pure.

Source: Kubernetes' ``pkg/apis/*/v1*/defaults.go`` (core, apps, batch, autoscaling, networking) and the API reference. Only
what depends on the object alone: no addresses, no names, nothing that admission or a cluster's settings decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from schemas.base import Json

_Filled = dict[str, Any]
#: Of the metadata, what only the server writes.
_SERVERS_OWN = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
)
_SERVERS_MARKS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
)
_FILE_MODE = 420  # 0644


def defaulted(obj: Json) -> Json:
    """A copy with the API's defaults, without status and without what only the server writes. Unknown kinds stay as they are."""
    if not isinstance(obj, Mapping):
        return obj
    out = _copied(obj)
    out.pop("status", None)
    _clean(out)
    fill = _KINDS.get(str(out.get("kind") or ""))
    spec = out.get("spec")
    if fill is not None and (spec is None or isinstance(spec, dict)):
        out["spec"] = spec = {} if spec is None else spec
        fill(spec)
    return out


def _copied(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _copied(value) for key, value in node.items()}
    return [_copied(item) for item in node] if isinstance(node, list) else node


def _clean(obj: _Filled) -> None:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return
    for name in _SERVERS_OWN:
        metadata.pop(name, None)
    marks = metadata.get("annotations")
    if isinstance(marks, dict):
        for name in _SERVERS_MARKS:
            marks.pop(name, None)
    for name in ("annotations", "labels"):
        if metadata.get(name) in ({}, None):
            metadata.pop(name, None)


def _put(node: _Filled, **defaults: Any) -> None:
    for name, value in defaults.items():
        if node.get(name) is None:
            node[name] = value


def _below(node: Any, *names: str) -> Iterator[_Filled]:
    """The mapping at a chain of keys, or each of a list there."""
    for name in names:
        node = node.get(name) if isinstance(node, dict) else None
    found = node if isinstance(node, list) else [node]
    yield from (item for item in found if isinstance(item, dict))


def _deployment(spec: _Filled) -> None:
    _put(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    for strategy in _below(spec, "strategy"):
        _put(strategy, type="RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            _put(strategy, rollingUpdate={})
            for rolling in _below(strategy, "rollingUpdate"):
                _put(rolling, maxUnavailable="25%", maxSurge="25%")
    _template(spec)


def _stateful_set(spec: _Filled) -> None:
    _put(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    _put(spec, updateStrategy={}, persistentVolumeClaimRetentionPolicy={})
    for kept in _below(spec, "persistentVolumeClaimRetentionPolicy"):
        _put(kept, whenDeleted="Retain", whenScaled="Retain")
    for strategy in _below(spec, "updateStrategy"):
        _put(strategy, type="RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            _put(strategy, rollingUpdate={})
            for rolling in _below(strategy, "rollingUpdate"):
                _put(rolling, partition=0)
    for claim in _below(spec, "volumeClaimTemplates"):
        claim.pop("status", None)
        for name in ("kind", "apiVersion"):
            claim.pop(name, None)
        _clean(claim)
        for wanted in _below(claim, "spec"):
            _claim(wanted)
    _template(spec)


def _daemon_set(spec: _Filled) -> None:
    _put(spec, revisionHistoryLimit=10, updateStrategy={})
    for strategy in _below(spec, "updateStrategy"):
        _put(strategy, type="RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            _put(strategy, rollingUpdate={})
            for rolling in _below(strategy, "rollingUpdate"):
                _put(rolling, maxUnavailable=1, maxSurge=0)
    _template(spec)


def _replica_set(spec: _Filled) -> None:
    _put(spec, replicas=1)
    _template(spec)


def _job(spec: _Filled) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        _put(spec, completions=1)
    _put(spec, parallelism=1, completionMode="NonIndexed", suspend=False)
    _put(
        spec,
        podReplacementPolicy="Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed",
    )
    if spec.get("backoffLimitPerIndex") is None:
        _put(spec, backoffLimit=6)
    _template(spec)


def _cron_job(spec: _Filled) -> None:
    _put(spec, concurrencyPolicy="Allow", suspend=False)
    _put(spec, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    for job in _below(spec, "jobTemplate", "spec"):
        _job(job)


def _service(spec: _Filled) -> None:
    _put(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _put(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _put(spec, allocateLoadBalancerNodePorts=True)
    for port in _below(spec, "ports"):
        _put(port, protocol="TCP")
        if port.get("targetPort") in (None, "", 0):
            port["targetPort"] = port.get("port")


def _autoscaler(spec: _Filled) -> None:
    _put(spec, minReplicas=1)
    if "targetCPUUtilizationPercentage" not in spec and not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _network_policy(spec: _Filled) -> None:
    _put(spec, policyTypes=["Ingress", *(["Egress"] if spec.get("egress") else [])])
    for rules in ("ingress", "egress"):
        for rule in _below(spec, rules):
            for port in _below(rule, "ports"):
                _put(port, protocol="TCP")


def _claim(spec: _Filled) -> None:
    _put(spec, volumeMode="Filesystem")


def _template(spec: _Filled) -> None:
    for template in _below(spec, "template"):
        _clean(template)
        if template.get("metadata") == {}:
            template.pop("metadata")
        for pod in _below(template, "spec"):
            _pod(pod)


def _pod(spec: _Filled) -> None:
    _put(spec, restartPolicy="Always", dnsPolicy="ClusterFirst", schedulerName="default-scheduler")
    _put(spec, terminationGracePeriodSeconds=30, securityContext={}, serviceAccountName="default")
    spec.pop("serviceAccount", None)  # the older word for the same
    for name in ("containers", "initContainers", "ephemeralContainers"):
        for container in _below(spec, name):
            _container(container)
            for port in _below(container, "ports") if spec.get("hostNetwork") else ():
                _put(port, hostPort=port.get("containerPort"))
    for volume in _below(spec, "volumes"):
        _volume(volume)


def _container(container: _Filled) -> None:
    _put(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    _put(container, resources={}, imagePullPolicy=_pull_policy(str(container.get("image") or "")))
    for port in _below(container, "ports"):
        _put(port, protocol="TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        for probe in _below(container, name):
            _put(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            _put(probe, initialDelaySeconds=0)
            _http(probe)
            for call in _below(probe, "grpc"):
                _put(call, service="")
    for hook in ("postStart", "preStop"):
        for handler in _below(container, "lifecycle", hook):
            _http(handler)
    for variable in _below(container, "env"):
        if "valueFrom" not in variable:
            _put(variable, value="")
        for source in _below(variable, "valueFrom", "fieldRef"):
            _put(source, apiVersion="v1")


def _http(handler: _Filled) -> None:
    for call in _below(handler, "httpGet"):
        _put(call, path="/", scheme="HTTP")


def _pull_policy(image: str) -> str:
    name = image.partition("@")[0]
    tag = name.rpartition(":")[2] if ":" in name.rpartition("/")[2] else ""
    return "IfNotPresent" if "@" in image or tag not in ("", "latest") else "Always"


def _volume(volume: _Filled) -> None:
    for name in ("configMap", "secret", "downwardAPI", "projected"):
        for source in _below(volume, name):
            _put(source, defaultMode=_FILE_MODE)
    for source in _below(volume, "projected", "sources"):
        for token in _below(source, "serviceAccountToken"):
            _put(token, expirationSeconds=3600)
    for source in _below(volume, "hostPath"):
        _put(source, type="")
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}


_KINDS: Mapping[str, Callable[[_Filled], None]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "ReplicaSet": _replica_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Pod": _pod,
    "Service": _service,
    "HorizontalPodAutoscaler": _autoscaler,
    "NetworkPolicy": _network_policy,
    "PersistentVolumeClaim": _claim,
}
