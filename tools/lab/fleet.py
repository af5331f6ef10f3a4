"""Nodes without machines: ordinary workers in two zones, a tainted pool in a third, a cordoned one, a full one."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

from tools.lab.api import Api, NotServed
from tools.lab.names import Words
from tools.lab.scene import Fleet, Obj

#: Pods that one worker holds: all cases of a cluster share it.
_PODS = 500


def stamp(moment: datetime | None = None) -> str:
    """Now, as the API server writes times."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def fleet(rng: random.Random) -> Fleet:
    """The nodes of one cluster."""
    words = Words(rng)
    region = words.word()
    zones = [f"{region}-{letter}" for letter in "abc"]
    stem = rng.choice(("ip-10-0-0", "node", "worker", words.word()))
    numbers = iter(rng.sample(range(10, 250), 12))

    def node(zone: str, pool: str, **more: object) -> Obj:
        return _node(f"{stem}-{next(numbers)}", zone, pool, rng.choice((8, 16)), more)

    pools = [words.word() for _ in range(4)]
    taint = {
        "key": rng.choice(("dedicated", "workload", f"{words.word()}.example.com/only")),
        "value": pools[1],
        "effect": "NoSchedule",
    }
    workers = [node(zones[n % 2], pools[0]) for n in range(rng.choice((3, 4, 5)))]
    tainted = [node(zones[2], pools[1], taints=[taint]) for _ in range(2)]
    cordoned = [node(zones[0], pools[2], unschedulable=True) for _ in range(rng.choice((1, 2)))]
    full = node(zones[1], pools[3])
    return Fleet(workers, tainted, cordoned, full, zones, f"{words.word()}.csi.example.com")


def _node(name: str, zone: str, pool: str, cores: int, spec: dict[str, object]) -> Obj:
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": zone,
        "topology.kubernetes.io/region": zone[:-2],
        "node.kubernetes.io/instance-type": f"std.{cores}",
        "pool": pool,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"capacity": {"cpu": str(cores)}},
    }


def deploy(api: Api, nodes: Fleet) -> None:
    """Creates the nodes, says that they are ready, and takes away the taint of new ones."""
    for number, node in enumerate(nodes.all):
        status = _status(node, number, _PODS if node is not nodes.full else 3)
        name = node["metadata"]["name"]
        api.create({k: v for k, v in node.items() if k != "status"})
        api.merge(f"/api/v1/nodes/{name}/status", {"status": status})
        taints = node["spec"].get("taints")
        for _ in range(20):  # admission adds its own taints to a new node
            api.merge(f"/api/v1/nodes/{name}", {"spec": {"taints": taints}})
            now = api.get(f"/api/v1/nodes/{name}")["spec"].get("taints") or []
            if not any("not-ready" in t["key"] for t in now):
                break
        if node["spec"].get("unschedulable"):
            api.merge(
                f"/api/v1/nodes/{name}",
                {"spec": {"taints": [*(taints or []), _CORDON]}},
            )
        limits = {
            "name": nodes.driver,
            "nodeID": name,
            "topologyKeys": [],
            "allocatable": {"count": 0},
        }
        api.create(
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "CSINode",
                "metadata": {"name": name},
                "spec": {"drivers": [limits]},
            }
        )
    _fill(api, nodes.full)


#: What the node lifecycle controller adds to a cordoned node.
_CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def _status(node: Obj, number: int, pods: int) -> Obj:
    cores = int(node["status"]["capacity"]["cpu"])
    room = {
        "cpu": str(cores),
        "memory": f"{cores * 4}Gi",
        "ephemeral-storage": "100Gi",
        "pods": str(pods),
    }
    now = stamp()
    quiet = [
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ]
    conditions = [
        {
            "type": kind,
            "status": "False",
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        for kind, reason, message in quiet
    ]
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
    }
    conditions.append({**ready, "lastHeartbeatTime": now, "lastTransitionTime": now})
    addresses = [
        {"type": "InternalIP", "address": f"10.0.0.{10 + number}"},
        {"type": "Hostname", "address": node["metadata"]["name"]},
    ]
    info = {
        "kubeletVersion": "v1.37.2",
        "kubeProxyVersion": "",
        "containerRuntimeVersion": "containerd://2.1.4",
        "osImage": "Debian GNU/Linux 12",
        "kernelVersion": "6.1.0",
        "architecture": "amd64",
        "operatingSystem": "linux",
        "machineID": f"m{number}",
        "systemUUID": f"s{number}",
        "bootID": f"b{number}",
    }
    return {
        "capacity": room,
        "allocatable": room,
        "conditions": conditions,
        "addresses": addresses,
        "nodeInfo": info,
    }


def _fill(api: Api, node: Obj) -> None:
    """Bare system pods take every place of the full node."""
    name = node["metadata"]["name"]
    for number in range(3):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"agent-{number}-{name}", "namespace": "kube-system"},
            "spec": {
                "nodeName": name,
                "containers": [{"name": "agent", "image": "registry.k8s.io/pause:3.10"}],
            },
        }
        for _ in range(100):
            try:
                api.create(pod)
                break
            except NotServed as refused:
                if "serviceaccount" not in refused.message:
                    raise
                time.sleep(0.1)  # the controller makes the account of a new namespace
