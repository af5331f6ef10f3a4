"""Whether something is an object of a cluster, as far as everybody downstream takes for granted. Pure.

An API server sends nothing else; a file that was edited, cut or put together by a script may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.base import Json

_POD = ("containers", "initContainers", "volumes")
_TEMPLATE = (
    "spec.template",
    "spec.template.metadata",
    "spec.template.metadata.labels",
    "spec.template.spec",
)
#: What is a mapping where it is there at all, of every object and of Kubernetes' own kinds.
_MAPPINGS = ("metadata", "metadata.labels", "metadata.annotations", "spec", "status")
_OWN_MAPPINGS = (
    *_TEMPLATE,
    "spec.selector",
    "spec.jobTemplate",
    "involvedObject",
    "data",
    "spec.scaleTargetRef",
)
#: What is a list of mappings.
_LISTS = ("metadata.ownerReferences",)
_OWN_LISTS = (
    *(f"spec.{name}" for name in _POD),
    *(f"spec.template.spec.{name}" for name in _POD),
    "spec.ports",
    "subsets",
    "status.conditions",
    "status.containerStatuses",
    "status.initContainerStatuses",
)
#: Kinds whose fields above mean what they mean in Kubernetes; a kind of somebody's own may use the words otherwise.
_OWN = frozenset(
    {
        "Pod",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Service",
        "Endpoints",
        "Event",
        "ConfigMap",
        "Secret",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "Node",
        "PersistentVolumeClaim",
    }
)
#: Kinds of ours by name and of somebody else's by group.
_GROUPS = frozenset({"", "apps", "batch", "autoscaling", "policy", "events.k8s.io", "extensions"})


def misshapen(item: Mapping[str, Json]) -> str:
    """Why something is no object of a cluster; empty when it is one."""
    kind = item.get("kind")
    if not isinstance(kind, str) or not kind:
        return "a kind that is no text"
    for word in ("name", "namespace"):
        said = _at(item, f"metadata.{word}")
        if said is not None and not isinstance(said, str):
            return f"a {kind} whose {word} is no text"
    own = kind in _OWN and str(item.get("apiVersion") or "").rpartition("/")[0] in _GROUPS
    for path in (*_MAPPINGS, *(_OWN_MAPPINGS if own else ())):
        found = _at(item, path)
        if found is not None and not isinstance(found, Mapping):
            return f"a {kind} whose {path} is no mapping"
    for path in (*_LISTS, *(_OWN_LISTS if own else ())):
        found = _at(item, path)
        if found is not None and not _mappings(found):
            return f"a {kind} whose {path} is no list of mappings"
    return ""


def _at(item: Any, path: str) -> Json:
    for part in path.split("."):
        if not isinstance(item, Mapping):
            return None  # said of the part before
        item = item.get(part)
    return item


def _mappings(found: Json) -> bool:
    return isinstance(found, list) and all(isinstance(one, Mapping) for one in found)
