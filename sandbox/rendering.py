"""A service's objects as the cluster would show them: Deployment, ReplicaSets, pods with their states, autoscaler.

Pure: from manifest, revisions and health to plain objects. Shapes as kube-apiserver and kubelet write them.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox import telemetry
from sandbox.physics import STUCK
from sandbox.regimes import Regime

Object = dict[str, Any]
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True)
class Revision:
    """One rollout of a Deployment. ``at`` in unix seconds."""

    number: int
    template: Object
    at: float

    def replica_set(self, deployment: str) -> str:
        """Name of its ReplicaSet, a function of the template."""
        return f"{deployment}-{self.hash}"

    @property
    def hash(self) -> str:
        """``pod-template-hash``, in Kubernetes' safe alphabet."""
        return generated(repr(self.template), 10)


def generated(seed: str, length: int) -> str:
    """A name part as Kubernetes generates them, but always the same for a seed."""
    digest = hashlib.sha256(seed.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])


def instant(seconds: float) -> str:
    """Seconds as Kubernetes writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod_names(deployment: str, revision: Revision, count: int, seed: str = "") -> tuple[str, ...]:
    """Names of a revision's pods."""
    owner = revision.replica_set(deployment)
    return tuple(f"{owner}-{generated(f'{owner}{seed}{n}', 5)}" for n in range(count))


def deployment(manifest: Object, revisions: Sequence[Revision], regime: Regime) -> Object:
    """The live Deployment with its status."""
    health, live = regime.health, copy.deepcopy(manifest)
    metadata = live["metadata"]
    metadata.setdefault("annotations", {})["deployment.kubernetes.io/revision"] = str(
        revisions[-1].number
    )
    metadata["creationTimestamp"] = instant(revisions[0].at)
    live["spec"]["replicas"] = health.replicas
    ready = len(regime.pods) if regime.stuck_pods else health.ready
    missing = len(regime.stuck_pods) or health.replicas - ready
    live["status"] = {
        "observedGeneration": 1,
        "replicas": len(regime.pods) + len(regime.stuck_pods),
        "updatedReplicas": len(regime.stuck_pods) or len(regime.pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
        **({"unavailableReplicas": missing} if missing else {}),
        "conditions": _deployment_conditions(regime, ready),
    }
    return live


def _deployment_conditions(regime: Regime, ready: int) -> list[Object]:
    since = instant(regime.since)
    available = ready > 0
    progressing = not regime.stuck_pods
    return [
        {
            "type": "Available",
            "status": "True" if available else "False",
            "reason": "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
            "lastTransitionTime": since,
            "lastUpdateTime": since,
        },
        {
            "type": "Progressing",
            "status": "True" if progressing else "False",
            "reason": "NewReplicaSetAvailable" if progressing else "ProgressDeadlineExceeded",
            "lastTransitionTime": since,
            "lastUpdateTime": since,
        },
    ]


def replica_sets(owner: Object, revisions: Sequence[Revision], regime: Regime) -> list[Object]:
    """One ReplicaSet a revision; only those with pods have replicas."""
    name, out = owner["metadata"]["name"], []
    for revision in revisions:
        own = revision.replica_set(name)
        running = sum(p.startswith(f"{own}-") for p in (*regime.pods, *regime.stuck_pods))
        ready = sum(p.startswith(f"{own}-") for p in regime.pods[: regime.health.ready or None])
        template = copy.deepcopy(revision.template)
        labels = template["metadata"].setdefault("labels", {})
        labels["pod-template-hash"] = revision.hash
        out.append(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": own,
                    "namespace": owner["metadata"]["namespace"],
                    "labels": dict(labels),
                    "annotations": {"deployment.kubernetes.io/revision": str(revision.number)},
                    "creationTimestamp": instant(revision.at),
                    "ownerReferences": [_owner(owner)],
                },
                "spec": {
                    "replicas": running,
                    "selector": {
                        "matchLabels": {
                            **owner["spec"]["selector"]["matchLabels"],
                            "pod-template-hash": revision.hash,
                        }
                    },
                    "template": template,
                },
                "status": {"replicas": running, "readyReplicas": ready},
            }
        )
    return out


def _owner(obj: Object) -> Object:
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"].get("uid", ""),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pods(
    owners: Sequence[Object], regime: Regime, nodes: Sequence[str], now: float
) -> list[Object]:
    """All pods of the service, each with the state its health gives it."""
    out = []
    for at, name in enumerate((*regime.pods, *regime.stuck_pods)):
        owner = next(rs for rs in owners if name.startswith(f"{rs['metadata']['name']}-"))
        stuck = name in regime.stuck_pods
        failing = stuck or (regime.health.condition == "oom_killed" and at >= regime.health.ready)
        template = copy.deepcopy(owner["spec"]["template"])
        pod: Object = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": owner["metadata"]["namespace"],
                "labels": template["metadata"].get("labels", {}),
                "ownerReferences": [_owner(owner)],
                "creationTimestamp": instant(
                    regime.since if stuck else _timestamp(owner["metadata"]["creationTimestamp"])
                ),
            },
            "spec": template["spec"],
        }
        unscheduled = stuck and regime.health.condition == "unschedulable"
        if not unscheduled and nodes:
            pod["spec"]["nodeName"] = nodes[at % len(nodes)]
        pod["status"] = _pod_status(pod, regime, failing, now, at)
        out.append(pod)
    return out


def _timestamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _pod_status(pod: Object, regime: Regime, failing: bool, now: float, number: int) -> Object:
    condition, started = regime.health.condition, pod["metadata"]["creationTimestamp"]
    if failing and condition == "unschedulable":
        return {
            "phase": "Pending",
            "qosClass": "Burstable",
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": regime.health.reason,
                    "lastTransitionTime": instant(regime.since),
                }
            ],
        }
    container = pod["spec"]["containers"][0]
    ready = "False" if failing else "True"
    status: Object = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "" if condition == "bad_image" and failing else f"{container['image']}@sha256:0",
        "ready": not failing,
        "started": not failing,
        "restartCount": telemetry.restarts(regime, now),
        **_states(regime, failing, started, now),
    }
    return {
        "phase": "Pending" if failing and condition == "bad_image" else "Running",
        "qosClass": "Burstable",
        "startTime": started,
        "podIP": f"10.4.{sum(map(ord, pod['metadata']['name'])) % 250}.{number + 10}",
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": started},
            {"type": "Initialized", "status": "True", "lastTransitionTime": started},
            {
                "type": "ContainersReady",
                "status": ready,
                "lastTransitionTime": instant(regime.since),
                **({"reason": "ContainersNotReady"} if failing else {}),
            },
            {
                "type": "Ready",
                "status": ready,
                "lastTransitionTime": instant(regime.since),
                **({"reason": "ContainersNotReady"} if failing else {}),
            },
        ],
        "containerStatuses": [status],
    }


def _states(regime: Regime, failing: bool, started: str, now: float) -> Object:
    condition = regime.health.condition
    dies = condition in ("oom_killed", "crash_loop") and (failing or condition == "oom_killed")
    running: Object = {"state": {"running": {"startedAt": started}}, "lastState": {}}
    if dies:
        ended = {
            "exitCode": 137 if condition == "oom_killed" else 1,
            "reason": "OOMKilled" if condition == "oom_killed" else "Error",
            "startedAt": instant(now - 90),
            "finishedAt": instant(now - 45),
        }
        running = {
            "state": {"running": {"startedAt": instant(now - 40)}},
            "lastState": {"terminated": ended},
        }
    if not failing:
        return running
    if condition == "bad_image":
        message = f'Back-off pulling image "{regime.spec.image}"'
        return {
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": message}},
            "lastState": {},
        }
    message = "back-off 1m20s restarting failed container"
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    return {"state": waiting, "lastState": running["lastState"]}


def autoscaler(manifest: Object, regime: Regime, now: float) -> Object:
    """The HorizontalPodAutoscaler with its status."""
    live, health = copy.deepcopy(manifest), regime.health
    request = max(0.001, regime.spec.cpu_request)
    limited = health.condition == "at_ceiling"
    live["status"] = {
        "currentReplicas": health.replicas,
        "desiredReplicas": health.replicas,
        "lastScaleTime": instant(regime.since),
        "currentMetrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "current": {
                        "averageUtilization": round(health.cpu_per_pod / request * 100),
                        "averageValue": f"{round(health.cpu_per_pod * 1000)}m",
                    },
                },
            }
        ],
        "conditions": [
            {
                "type": "AbleToScale",
                "status": "True",
                "reason": "ReadyForNewScale",
                "message": "recommended size matches current size",
                "lastTransitionTime": instant(regime.since),
            },
            {
                "type": "ScalingActive",
                "status": "True",
                "reason": "ValidMetricFound",
                "message": "the HPA was able to successfully calculate a replica count from cpu resource utilization",
                "lastTransitionTime": instant(regime.since),
            },
            {
                "type": "ScalingLimited",
                "status": "True" if limited else "False",
                "reason": "TooManyReplicas" if limited else "DesiredWithinRange",
                "message": "the desired replica count is more than the maximum replica count"
                if limited
                else "the desired count is within the acceptable range",
                "lastTransitionTime": instant(regime.since),
            },
        ],
    }
    return live


def endpoints(service: Object, found: Sequence[Object]) -> Object:
    """The Endpoints of a Service over the pods that it selects."""
    selector = service["spec"].get("selector", {})
    ready: list[Object] = []
    waiting: list[Object] = []
    for pod in found:
        labels, address = pod["metadata"].get("labels", {}), pod["status"].get("podIP")
        if address is None or any(labels.get(k) != v for k, v in selector.items()):
            continue
        good = all(c["ready"] for c in pod["status"].get("containerStatuses", []))
        target = {
            "kind": "Pod",
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"]["namespace"],
        }
        (ready if good else waiting).append({"ip": address, "targetRef": target})
    subset: Object = {"ports": [{"port": p["port"]} for p in service["spec"].get("ports", [])]}
    subset |= {"addresses": ready} if ready else {}
    subset |= {"notReadyAddresses": waiting} if waiting else {}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": service["metadata"]["name"],
            "namespace": service["metadata"]["namespace"],
        },
        "subsets": [subset] if ready or waiting else [],
    }


def neighbour(namespace: str, name: str, port: int, address: str) -> tuple[Object, ...]:
    """A Service whose address lies outside of the cluster: its namespace, itself and its Endpoints."""
    named = {"name": name, "namespace": namespace}
    ports = [{"port": port, "protocol": "TCP"}]
    return (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": {"ports": ports}},
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": named,
            "subsets": [{"addresses": [{"ip": address}], "ports": ports}],
        },
    )


def events(regime: Regime, found: Sequence[Object]) -> list[tuple[Object, str, str, str]]:
    """``(object, reason, message, component)`` of the warnings that this health gives."""
    out: list[tuple[Object, str, str, str]] = []
    condition = regime.health.condition
    for pod in found:
        stuck = pod["metadata"]["name"] in regime.stuck_pods
        container = pod["spec"]["containers"][0]["name"]
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        if condition in STUCK and not stuck:
            continue
        if condition == "unschedulable":
            message = (
                f"{regime.health.reason} preemption: not eligible due to preemptionPolicy=Never."
            )
            out.append((pod, "FailedScheduling", message, "default-scheduler"))
        elif condition == "bad_image":
            image = regime.spec.image
            message = f'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to resolve reference "{image}": {image}: not found'
            out.append((pod, "Failed", message, "kubelet"))
            out.append((pod, "Failed", "Error: ErrImagePull", "kubelet"))
            out.append((pod, "BackOff", f'Back-off pulling image "{image}"', "kubelet"))
        elif condition in ("crash_loop", "oom_killed"):
            message = f"Back-off restarting failed container {container} in pod {name}_{namespace}"
            out.append((pod, "BackOff", message, "kubelet"))
    return out
