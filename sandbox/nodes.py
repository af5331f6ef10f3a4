"""The cluster's nodes, and the work of others on them. Plain objects."""

from __future__ import annotations

from sandbox.rendering import Object


def node(name: str, cpu: str, memory: str) -> Object:
    """A ready node with this allocatable."""
    room = {"cpu": cpu, "memory": memory, "pods": "110"}
    conditions = [
        {"type": kind, "status": status, "reason": reason}
        for kind, status, reason in (
            ("Ready", "True", "KubeletReady"),
            ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
            ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
            ("PIDPressure", "False", "KubeletHasSufficientPID"),
        )
    ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"},
        },
        "spec": {},
        "status": {"allocatable": dict(room), "capacity": dict(room), "conditions": conditions},
    }


def busy_pod(node: str, milli: int) -> Object:
    """Other people's work on a node: a pod that asks for so many millicores."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"report-{node}", "namespace": "batch", "labels": {"app": "report"}},
        "spec": {
            "nodeName": node,
            "containers": [
                {
                    "name": "report",
                    "image": "registry.shop.test/report:3.0.0",
                    "resources": {"requests": {"cpu": f"{milli}m", "memory": "1Gi"}},
                }
            ],
        },
        "status": {"phase": "Running"},
    }
