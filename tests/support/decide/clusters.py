"""Made-up clusters with random names: healthy ones, and the marks that a fault leaves on them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.alerts import Alert
from schemas.base import ObjectRef
from schemas.context import (
    ContextBundle,
    DeclaredObject,
    KubernetesContext,
    LogExcerpt,
    Series,
)
from schemas.images import RegistryAnswers

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
Obj = dict[str, Any]
_SAFE = "bcdfghjklmnpqrstvwxz2456789"


@dataclass
class Cluster:
    """One namespace of applications, each a Deployment with a ReplicaSet, a pod, a Service and endpoints."""

    seed: int = 0
    objects: dict[str, list[Obj]] = field(default_factory=dict)
    logs: list[LogExcerpt] = field(default_factory=list)
    metrics: list[Series] = field(default_factory=list)
    declared: list[Obj] = field(default_factory=list)
    anomalies: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    #: What image registries said; empty: nobody was asked.
    registry: RegistryAnswers = field(default_factory=RegistryAnswers)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.namespace = self.word()
        self.nodes = [f"{self.word()}-{n}" for n in range(3)]
        for kind in (
            "pods",
            "deployments",
            "replicasets",
            "services",
            "endpoints",
            "events",
            "configmaps",
            "secrets",
            "serviceaccounts",
            "resourcequotas",
            "persistentvolumeclaims",
            "persistentvolumes",
            "storageclasses",
            "nodes",
            "networkpolicies",
            "horizontalpodautoscalers",
        ):
            self.objects[kind] = []
        for name in self.nodes:
            self.objects["nodes"].append(self.node(name))

    def word(self, size: int = 8) -> str:
        return "".join(self.rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(size))

    def port(self) -> int:
        return self.rng.randrange(2000, 9000)

    def node(self, name: str) -> Obj:
        return {
            "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "spec": {},
            "status": {
                "allocatable": {"cpu": "4", "memory": "8Gi"},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }

    def app(self, name: str = "", *, port: int = 0, **spec: Any) -> str:
        """A healthy application; ``spec`` adds to its container. Returns its name."""
        name, port = name or self.word(), port or self.port()
        container = {
            "name": "main",
            "image": f"registry.example/{self.word()}:1.0",
            "ports": [{"containerPort": port}],
            "resources": {
                "requests": {"cpu": "100m", "memory": "128Mi"},
                "limits": {"cpu": "200m", "memory": "128Mi"},
            },
            **spec,
        }
        labels = {"app": name}
        child = f"{name}-{''.join(self.rng.choice(_SAFE) for _ in range(9))}"
        self.objects["deployments"].append(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"containers": [container]},
                    },
                },
                "status": {
                    "replicas": 1,
                    "readyReplicas": 1,
                    "conditions": [{"type": "Available", "status": "True"}],
                },
            }
        )
        self.objects["replicasets"].append(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": child,
                    "namespace": self.namespace,
                    "ownerReferences": [{"kind": "Deployment", "name": name, "controller": True}],
                    "annotations": {"deployment.kubernetes.io/revision": "2"},
                },
                "spec": {"template": {"spec": {"containers": [container]}}},
                "status": {"replicas": 1, "readyReplicas": 1},
            }
        )
        self.objects["pods"].append(
            {
                "kind": "Pod",
                "metadata": {
                    "name": f"{child}-{''.join(self.rng.choice(_SAFE) for _ in range(5))}",
                    "namespace": self.namespace,
                    "labels": labels,
                    "ownerReferences": [{"kind": "ReplicaSet", "name": child, "controller": True}],
                },
                "spec": {"nodeName": self.rng.choice(self.nodes), "containers": [container]},
                "status": {
                    "phase": "Running",
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [
                        {"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}}
                    ],
                },
            }
        )
        self.objects["services"].append(
            {
                "kind": "Service",
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": {
                    "selector": dict(labels),
                    "clusterIP": "10.1.1.1",
                    "ports": [
                        {"name": "main", "port": port, "targetPort": port, "protocol": "TCP"}
                    ],
                },
            }
        )
        self.objects["endpoints"].append(
            {
                "kind": "Endpoints",
                "metadata": {"name": name, "namespace": self.namespace},
                "subsets": [{"addresses": [{"ip": "10.2.2.2"}]}],
            }
        )
        self.objects["serviceaccounts"].append(
            {"metadata": {"name": name, "namespace": self.namespace}}
        )
        return name

    def get(self, kind: str, name: str) -> Obj:
        return next(o for o in self.objects[kind] if o["metadata"]["name"] == name)

    def pod(self, name: str) -> Obj:
        return next(o for o in self.objects["pods"] if o["metadata"]["labels"].get("app") == name)

    def container(self, name: str) -> Obj:
        """The container's spec, shared by Deployment, ReplicaSet and pod."""
        found: Obj = self.get("deployments", name)["spec"]["template"]["spec"]["containers"][0]
        return found

    def event(self, kind: str, name: str, reason: str, message: str, count: int = 3) -> None:
        self.objects["events"].append(
            {
                "metadata": {"namespace": self.namespace, "name": self.word()},
                "type": "Warning",
                "reason": reason,
                "message": message,
                "involvedObject": {"kind": kind, "namespace": self.namespace, "name": name},
                "count": count,
                "lastTimestamp": "2026-05-04T11:59:00Z",
            }
        )

    def down(self, name: str) -> None:
        """Its Deployment says that no pod is available."""
        status = self.get("deployments", name)["status"]
        status.update(
            {"readyReplicas": 0, "conditions": [{"type": "Available", "status": "False"}]}
        )
        self.get("endpoints", name)["subsets"] = []

    def status(self, name: str, *, ready: bool = False, **fields: Any) -> None:
        """What the kubelet says of its container."""
        pod = self.pod(name)
        pod["status"]["containerStatuses"][0].update({"ready": ready, **fields})
        pod["status"]["conditions"] = [{"type": "Ready", "status": str(ready)}]
        if not ready:
            self.down(name)

    def waiting(self, name: str, reason: str, message: str = "") -> None:
        self.status(name, state={"waiting": {"reason": reason, "message": message}})

    def crashed(self, name: str, code: int, *lines: str, **last: Any) -> None:
        self.status(
            name,
            restartCount=5,
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState={"terminated": {"exitCode": code, "reason": "Error", **last}},
        )
        if lines:
            self.log(name, *lines, previous=True)

    def log(self, name: str, *lines: str, previous: bool = False) -> None:
        self.logs.append(
            LogExcerpt(
                namespace=self.namespace,
                pod=self.pod(name)["metadata"]["name"],
                container="main",
                previous=previous,
                lines=lines,
            )
        )

    def unschedulable(self, name: str, message: str) -> None:
        pod = self.pod(name)
        pod["spec"].pop("nodeName", None)
        pod["status"] = {
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "message": message}],
        }
        self.down(name)

    def refused(self, name: str, message: str) -> None:
        """Its pods are not created."""
        self.objects["pods"].remove(self.pod(name))
        self.get("deployments", name)["status"]["replicas"] = 0
        child = next(
            r
            for r in self.objects["replicasets"]
            if r["metadata"]["ownerReferences"][0]["name"] == name
        )
        self.event(
            "ReplicaSet",
            child["metadata"]["name"],
            "FailedCreate",
            f'Error creating: pods "{child["metadata"]["name"]}-" is forbidden: {message}',
        )
        self.down(name)

    def series(self, metric: str, values: list[float], **tags: str) -> None:
        start = AT.timestamp() - 15 * len(values)
        self.metrics.append(
            Series(
                metric=metric,
                tags={"kube_namespace": self.namespace, **tags},
                timestamps=tuple(start + 15 * n for n in range(len(values))),
                values=tuple(values),
            )
        )

    def bundle(self, subject: str = "") -> ContextBundle:
        ref = (
            ObjectRef(kind="Deployment", namespace=self.namespace, name=subject)
            if subject
            else None
        )
        return ContextBundle(
            event_id="ctx-1",
            trace_id="d-1",
            occurred_at=AT,
            alerted_at=AT,
            cycle="cy-1",
            alert=Alert(
                title="Pods are not ready", state="firing", anomalies=tuple(self.anomalies)
            ),
            k8s_context=KubernetesContext(
                cluster="c", namespace=self.namespace, subject=ref, objects=self.objects
            ),
            logs=tuple(self.logs),
            metrics=tuple(self.metrics),
            extra=self.extra,
            registry=self.registry,
            declared=tuple(DeclaredObject(path="a.yaml", object=o) for o in self.declared),
        )

    def add(self, plural: str, name: str, *, api: str = "v1", kind: str = "", **fields: Any) -> Obj:
        """Any other object of the namespace; returns it."""
        obj = {
            "apiVersion": api,
            "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace},
            **fields,
        }
        self.objects.setdefault(plural, []).append(obj)
        return obj

    def calls(self, caller: str, callee: str) -> int:
        """The caller's environment names the callee's Service; returns the port."""
        port: int = self.get("services", callee)["spec"]["ports"][0]["port"]
        self.container(caller).setdefault("env", []).append(
            {"name": f"{callee.upper()}_ADDR", "value": f"{callee}:{port}"}
        )
        return port

    def stopped(self, name: str) -> None:
        """Its pod runs and is not ready."""
        self.status(name, state={"running": {}})

    def drop(self, plural: str, name: str) -> None:
        """One object less."""
        self.objects[plural].remove(self.get(plural, name))

    def revise(self, name: str, *, minutes: float = 30, **fields: Any) -> None:
        """A new revision of its container ``minutes`` before the alert; the old ReplicaSet still serves."""
        old = self.container(name)
        new = {**old, **fields}
        replica_set = next(
            r
            for r in self.objects["replicasets"]
            if r["metadata"]["ownerReferences"][0]["name"] == name
        )
        before = json.loads(json.dumps(replica_set))
        before["metadata"] |= {
            "name": f"{name}-{self.word(9)}",
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "creationTimestamp": "2026-05-01T00:00:00Z",
        }
        self.objects["replicasets"].append(before)
        replica_set["metadata"]["creationTimestamp"] = (AT - timedelta(minutes=minutes)).isoformat()
        replica_set["status"]["readyReplicas"] = 0
        for spec in (
            replica_set["spec"]["template"]["spec"],
            self.pod(name)["spec"],
            self.get("deployments", name)["spec"]["template"]["spec"],
        ):
            spec["containers"] = [new]
