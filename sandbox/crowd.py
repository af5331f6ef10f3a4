"""A company with many services of one kind, for storms: as large as a test asks for, and breakable at once."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox import scenario
from sandbox.datadog.state import Event
from sandbox.kubernetes.store import now
from sandbox.rendering import Object
from sandbox.scenario import Company, Scenario
from sandbox.world import World

#: The service that all are made after.
PATTERN = "cart"
_SOURCE = f"apps/{PATTERN}/cart.yaml"
_PLATFORM = "platform/shop.yaml"


def names(count: int) -> tuple[str, ...]:
    """Names of so many services; none reads like a pod's."""
    return tuple(f"basket{n:02d}x" for n in range(count))


def company(count: int) -> Company:
    """The company with ``count`` services more, on nodes that hold them."""
    usual = scenario.company()
    more = dict.fromkeys(names(count), usual.services[PATTERN])
    nodes = tuple(node.model_copy(update={"cpu": "64", "memory": "256Gi"}) for node in usual.nodes)
    return usual.model_copy(update={"services": {**usual.services, **more}, "nodes": nodes})


def files(count: int) -> dict[str, str]:
    """Its deployment repository: each service declared in a file of its own, and no quota."""
    found = scenario.repository_files()
    source = found[_SOURCE]
    image = f"/{PATTERN}:"
    for name in names(count):
        text = source.replace(PATTERN, name).replace(f"/{name}:", image)
        found[f"apps/{name}/{name}.yaml"] = text
    documents = found[_PLATFORM].split("---\n")
    kept = [text for text in documents if "kind: ResourceQuota" not in text]
    return {**found, _PLATFORM: "---\n".join(kept)}


def strike(world: World, trouble: Scenario, services: Sequence[str]) -> list[Event]:
    """The scenario's trouble in all of these services at once, and their monitors' events; nobody is told."""
    return [world.worsen(trouble.model_copy(update={"service": service})) for service in services]


def lose_node(world: World, name: str) -> list[Object]:
    """A node whose kubelet fell silent, as the node lifecycle controller shows it. The pods that ran there.

    Source: kubernetes.io/docs/concepts/architecture/nodes, "Node status" and "Heartbeats".
    """
    cluster, at = world.cluster, now()
    node = cluster.find("Node", "", name)
    assert node is not None
    for condition in node["status"]["conditions"]:
        if condition["type"] == "Ready":
            condition |= {
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
                "lastTransitionTime": at,
            }
    unreachable = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": at}
    cluster.put(node | {"spec": {**node["spec"], "taints": [unreachable]}})
    lost = [pod for pod in cluster.list("pods") if pod["spec"].get("nodeName") == name]
    for pod in lost:
        ready = {"type": "Ready", "status": "False", "lastTransitionTime": at}
        others = [c for c in pod["status"].get("conditions", ()) if c["type"] != "Ready"]
        cluster.put(pod | {"status": {**pod["status"], "conditions": [*others, ready]}})
        owner = cluster.find(
            "Deployment", pod["metadata"]["namespace"], pod["metadata"]["labels"].get("app", "")
        )
        if owner is not None:
            status = owner["status"]
            status["readyReplicas"] = max(0, status.get("readyReplicas", 0) - 1)
            status["availableReplicas"] = status["readyReplicas"]
            status["unavailableReplicas"] = status.get("unavailableReplicas", 0) + 1
            cluster.put(owner)
    return lost
