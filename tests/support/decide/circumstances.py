"""Where a fault may stand otherwise than in the plainest cluster: what is watched, declared, named, and how many there are."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from schemas.context import ContextBundle
from tests.support.decide.clusters import Cluster, Obj

_SHARED = ("services", "configmaps", "persistentvolumeclaims", "horizontalpodautoscalers")


def _unwatched(cluster: Cluster, app: str) -> ContextBundle:
    """Neither logs nor metrics were collected."""
    cluster.logs.clear()
    cluster.metrics.clear()
    return cluster.bundle()


def _without_events(cluster: Cluster, app: str) -> ContextBundle:
    cluster.objects["events"].clear()
    return cluster.bundle(app)


def _subject(cluster: Cluster, app: str) -> ContextBundle:
    """The alert names the application."""
    return cluster.bundle(app)


def _caller(cluster: Cluster, app: str) -> ContextBundle:
    """The alert names an application that calls it."""
    other = _other(cluster, app)
    for service in list(cluster.objects["services"]):
        if service["metadata"]["name"] == app and service["spec"].get("ports"):
            cluster.calls(other, app)
    return cluster.bundle(other)


def _stranger(cluster: Cluster, app: str) -> ContextBundle:
    """The alert names an application that has nothing to do with it."""
    return cluster.bundle(_other(cluster, app))


def _declared(cluster: Cluster, app: str) -> ContextBundle:
    """The repository has what lives, but for a replica more."""
    for plural in ("deployments", *_SHARED):
        cluster.declared += [
            copy.deepcopy(one)
            for one in cluster.objects.get(plural, ())
            if isinstance(one.get("spec"), Mapping) and one.get("kind")
        ]
    for one in cluster.declared:
        if one["kind"] == "Deployment" and one["metadata"]["name"] == app:
            one["spec"]["replicas"] = one["spec"].get("replicas", 1) + 1
    return cluster.bundle()


def _stateful(cluster: Cluster, app: str) -> ContextBundle:
    """It is a StatefulSet: its pods belong to it without a ReplicaSet between."""
    found = [one for one in cluster.objects["deployments"] if one["metadata"]["name"] == app]
    for one in found:
        cluster.objects["deployments"].remove(one)
        one["kind"] = "StatefulSet"
        one["spec"]["serviceName"] = app
        cluster.objects.setdefault("statefulsets", []).append(one)
    sets = [one for one in cluster.objects["replicasets"] if _owned_by(one, app)]
    names = {one["metadata"]["name"] for one in sets}
    for one in sets:
        cluster.objects["replicasets"].remove(one)
    for pod in cluster.objects["pods"]:
        for owner in pod["metadata"].get("ownerReferences", ()):
            if owner["name"] in names:
                owner |= {"kind": "StatefulSet", "name": app}
    for event in cluster.objects["events"]:
        about = event.get("involvedObject") or {}
        if about.get("name") in names or about.get("kind") == "Deployment":
            about |= {"kind": "StatefulSet", "name": app}
    return cluster.bundle()


def _initial(cluster: Cluster, app: str) -> ContextBundle:
    """What happens to the container happens to an init container, and the container waits for it."""
    for spec in _specs(cluster, app):
        if spec.get("containers") and not spec.get("initContainers"):
            spec["initContainers"] = spec["containers"]
            spec["containers"] = [{"name": "after", "image": "registry.example/after:1"}]
    for pod in _pods(cluster, app):
        statuses = pod["status"].pop("containerStatuses", None)
        if statuses:
            pod["status"]["initContainerStatuses"] = statuses
    return cluster.bundle()


def _healthy_first(cluster: Cluster, app: str) -> ContextBundle:
    """Two pods more of it, ready, before the one that is in trouble."""
    for n, pod in enumerate(_pods(cluster, app)[:1] * 2):
        more = copy.deepcopy(pod)
        more["metadata"]["name"] += f"{n}"
        more["spec"]["nodeName"] = cluster.nodes[n]
        more["status"] = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": one["name"], "ready": True, "restartCount": 0, "state": {"running": {}}}
                for one in more["spec"].get("containers", ())
            ],
        }
        cluster.objects["pods"].insert(0, more)
    return cluster.bundle()


def _crowded(cluster: Cluster, app: str) -> ContextBundle:
    """Nodes have little left, and the namespace's quota is nearly used up."""
    for node in cluster.objects["nodes"]:
        node["status"]["allocatable"] = {"cpu": "250m", "memory": "300Mi"}
    cluster.add(
        "resourcequotas",
        "crowded",
        kind="ResourceQuota",
        spec={"hard": {"limits.memory": "800Mi", "requests.cpu": "600m", "pods": "6"}},
        status={
            "hard": {"limits.memory": "800Mi", "requests.cpu": "600m", "pods": "6"},
            "used": {"limits.memory": "720Mi", "requests.cpu": "500m", "pods": "5"},
        },
    )
    return cluster.bundle()


def _unlimited(cluster: Cluster, app: str) -> ContextBundle:
    """Its containers ask for nothing and have no limit."""
    for spec in _specs(cluster, app):
        for one in spec.get("containers", ()):
            one.pop("resources", None)
    return cluster.bundle()


CIRCUMSTANCES: Mapping[str, Callable[[Cluster, str], ContextBundle]] = {
    "unwatched": _unwatched,
    "without events": _without_events,
    "named by the alert": _subject,
    "seen by a caller": _caller,
    "beside the alert": _stranger,
    "declared": _declared,
    "of a StatefulSet": _stateful,
    "in an init container": _initial,
    "after healthy pods": _healthy_first,
    "in a full cluster": _crowded,
    "without requests": _unlimited,
}


def _other(cluster: Cluster, app: str) -> str:
    names = (one["metadata"]["name"] for one in cluster.objects["deployments"])
    return next(str(name) for name in names if name != app)


def _owned_by(obj: Obj, app: str) -> bool:
    return any(owner["name"] == app for owner in obj["metadata"].get("ownerReferences", ()))


def _pods(cluster: Cluster, app: str) -> list[Obj]:
    return [
        pod
        for pod in cluster.objects["pods"]
        if (pod["metadata"].get("labels") or {}).get("app") == app
    ]


def _specs(cluster: Cluster, app: str) -> Iterator[dict[str, Any]]:
    """The pod specs of it, each once, wherever they are written."""
    seen: set[int] = set()
    for one in (*cluster.objects["deployments"], *cluster.objects["replicasets"]):
        if one["metadata"]["name"] == app or _owned_by(one, app):
            spec = one["spec"]["template"]["spec"]
            if id(spec) not in seen:
                seen.add(id(spec))
                yield spec
    for pod in _pods(cluster, app):
        if id(pod["spec"]) not in seen:
            seen.add(id(pod["spec"]))
            yield pod["spec"]
