"""The data of ``tests/corpus/alerts.yaml``, and the world it speaks of, put into a running sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sandbox.datadog.state import (
    Downtime,
    Event,
    GroupState,
    Monitor,
    Objective,
    SyntheticsTest,
)
from sandbox.kubernetes import Cluster
from sandbox.kubernetes.kinds import Kind
from sandbox.running import Sandbox

_FILE = Path(__file__).parents[1] / "corpus" / "alerts.yaml"
_VERSIONS = {"Job": "batch/v1", "CronJob": "batch/v1", "Rollout": "argoproj.io/v1alpha1"}
#: What the sandbox serves besides Kubernetes' own kinds.
_ADDED = (
    Kind("argoproj.io/v1alpha1", "rollouts", "Rollout"),
    Kind("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute"),
)
#: The hashes of ReplicaSets and pods that the file's alerts name.
_HASH, _POD = "5d8c7b9f6", "fj2mq"


@cache
def data() -> dict[str, Any]:
    """The whole file."""
    found: dict[str, Any] = yaml.safe_load(_FILE.read_text("utf-8"))
    return found


def payload_of(number: int) -> dict[str, Any]:
    """One alert's payload, completed by what every notification says."""
    told = data()["alerts"][number]["payload"]
    if "incident_uuid" in told or "security_signal_id" in told:
        return dict(told)
    now = str(int(datetime.now(UTC).timestamp() * 1000))
    usual = {
        "kfix_template": "1",
        "id": str(8_000_000 + number),
        "date": now,
        "last_updated": now,
        "alert_transition": "Triggered",
        "alert_type": "error",
        "alert_cycle_key": str(9_000_000 + number),
        "org": {"id": "100042", "name": "Sandbox"},
    }
    return {**usual, **told}


def furnish(sandbox: Sandbox) -> None:
    """Puts the file's objects into the cluster and its rules into Datadog."""
    world = data()
    for kind in _ADDED:
        sandbox.cluster.register(kind)
    for name, labels in world["namespaces"].items():
        sandbox.cluster.put(_object("v1", "Namespace", "", name, labels))
    for one in world["workloads"]:
        _workload(sandbox.cluster, one)
    for one in world["services"]:
        spec = {"selector": {"run": one["name"]}, "ports": [{"port": 80}]}
        sandbox.cluster.put(_object("v1", "Service", one["namespace"], one["name"], spec=spec))
    for one in world["ingresses"]:
        sandbox.cluster.put(_ingress(one))
    for one in world["routes"]:
        spec = {
            "hostnames": [one["host"]],
            "rules": [{"backendRefs": [{"name": one["backend"], "port": 80}]}],
        }
        version = "gateway.networking.k8s.io/v1"
        sandbox.cluster.put(_object(version, "HTTPRoute", one["namespace"], one["name"], spec=spec))
    _rules(sandbox, world)
    for number in range(len(world["alerts"])):
        recorded(sandbox, payload_of(number))


def recorded(sandbox: Sandbox, payload: dict[str, Any]) -> None:
    """Puts the event behind a payload into Datadog, without a tag that the payload does not have."""
    if "id" in payload:
        now, title = datetime.now(UTC).timestamp(), payload["title"]
        sandbox.datadog.events.append(Event(int(payload["id"]), title, "", now))


def _object(
    version: str,
    kind: str,
    namespace: str,
    name: str,
    labels: dict[str, str] | None = None,
    owner: dict[str, Any] | None = None,
    **parts: Any,
) -> dict[str, Any]:
    about: dict[str, Any] = {"name": name, "labels": dict(labels or {})}
    if namespace:
        about["namespace"] = namespace
    if owner is not None:
        about["ownerReferences"] = [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "controller": True,
            }
        ]
    return {"apiVersion": version, "kind": kind, "metadata": about, **parts}


def _workload(cluster: Cluster, one: dict[str, Any]) -> None:
    kind, space, name = one["kind"], one["namespace"], one["name"]
    version = _VERSIONS.get(kind, "apps/v1")
    labels = {"run": name, **one.get("labels", {})}
    template = _template(one, labels)
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"run": name}},
        "replicas": 1,
        "template": template,
    }
    if kind == "CronJob":
        spec = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}}
    ready = 0 if one.get("sick") else 1
    status = {
        "Deployment": {"replicas": 1, "readyReplicas": ready, "availableReplicas": ready},
        "StatefulSet": {"replicas": 1, "readyReplicas": ready},
        "DaemonSet": {"desiredNumberScheduled": 1, "numberReady": ready},
    }.get(kind, {})
    owner = None
    if "owner" in one:
        owner_kind, owner_name = one["owner"].split("/")
        owner = _object(_VERSIONS[owner_kind], owner_kind, space, owner_name)
        owner["metadata"]["uid"] = f"uid-{owner_name}"
    made = cluster.put(_object(version, kind, space, name, owner=owner, spec=spec, status=status))
    if kind == "CronJob":
        return
    pod = f"{name}-0" if kind == "StatefulSet" else f"{name}-{_POD}"
    if kind in ("Deployment", "Rollout"):
        pod = f"{name}-{_HASH}-{_POD}"
        made = cluster.put(
            _object("apps/v1", "ReplicaSet", space, f"{name}-{_HASH}", labels, made, spec=spec)
        )
    cluster.put(_pod(one, pod, labels, made))


def _template(one: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    image = one.get("image", f"registry.shop.test/{one['name']}:1.0.0")
    env = [{"name": key, "value": value} for key, value in one.get("env", {}).items()]
    return {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": one["name"], "image": image, "env": env}]},
    }


def _pod(
    one: dict[str, Any], name: str, labels: dict[str, str], owner: dict[str, Any]
) -> dict[str, Any]:
    sick = bool(one.get("sick"))
    ended = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    container: dict[str, Any] = {
        "name": one["name"],
        "ready": not sick,
        "restartCount": 7 if sick else 0,
        "containerID": f"containerd://{one['name']}-0",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}} if sick else {"running": {}},
    }
    if sick:
        container["lastState"] = {"terminated": {"exitCode": 1, "finishedAt": ended}}
    ready = {"type": "Ready", "status": "False" if sick else "True"}
    status = {"phase": "Running", "conditions": [ready], "containerStatuses": [container]}
    spec = {**_template(one, labels)["spec"], "nodeName": "node-a"}
    space = one["namespace"]
    return _object("v1", "Pod", space, name, labels, owner, spec=spec, status=status)


def _ingress(one: dict[str, Any]) -> dict[str, Any]:
    paths = [
        {
            "path": path,
            "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": 80}}},
        }
        for path, service in one["paths"].items()
    ]
    spec = {"rules": [{"host": one["host"], "http": {"paths": paths}}]}
    return _object("networking.k8s.io/v1", "Ingress", one["namespace"], one["name"], spec=spec)


def _rules(sandbox: Sandbox, world: dict[str, Any]) -> None:
    datadog, now = sandbox.datadog, datetime.now(UTC).timestamp()
    for one in world["monitors"]:
        number = one["id"]
        datadog.monitors[number] = Monitor(
            number,
            f"Monitor {number}",
            one["query"],
            type=one["type"],
            groups={group: GroupState("Alert") for group in one.get("alerting", ())},
            silenced=dict.fromkeys(one.get("muted", ())),
            synthetics_check_id=one.get("synthetics", ""),
        )
        for scope in one.get("downtime", ()):
            downtime = Downtime(f"d-{number}", scope, now - 600, now + 600, monitor_id=number)
            datadog.downtimes.append(downtime)
    for one in world["slos"]:
        datadog.objectives[one["id"]] = Objective(
            one["id"],
            one["id"],
            tuple(one.get("monitors", ())),
            one.get("numerator", ""),
            one.get("denominator", ""),
        )
    for one in world["synthetics"]:
        datadog.tests[one["id"]] = SyntheticsTest(one["id"], one["id"], one["url"], one["type"])
