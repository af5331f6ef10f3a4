"""For which platforms an image is built, against the nodes it may run on. Pure.

Source: OCI image index (``platform``), the well-known labels ``kubernetes.io/os`` and ``kubernetes.io/arch``, kubelet's
``status.nodeInfo``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from manifests.objects.meta import labels_of
from manifests.objects.shapes import Obj, at, mapping

#: ``all``: every such node can run it; ``some``; ``none``; ``unknown``: the image's or the nodes' platforms are not known.
Fit = Literal["all", "some", "none", "unknown"]


def platforms_of(nodes: Iterable[Obj], pod_spec: Obj) -> frozenset[str]:
    """``os/architecture`` of the nodes that a pod's ``nodeSelector`` lets it to; empty where none tells."""
    selector = mapping(pod_spec, "nodeSelector")
    return frozenset(
        platform
        for node in nodes
        if (platform := _platform(node))
        and at(node, "spec", "unschedulable") is not True
        and all(labels_of(node).get(key) == value for key, value in selector.items())
    )


def fit(image: Iterable[str], nodes: frozenset[str]) -> Fit:
    """Whether nodes of these platforms find theirs among an image's."""
    built = {"/".join(platform.split("/")[:2]) for platform in image}
    if not built or not nodes:
        return "unknown"
    have = nodes & built
    return "all" if have == nodes else "some" if have else "none"


def _platform(node: Obj) -> str:
    labels, told = labels_of(node), mapping(node, "status", "nodeInfo")
    system = told.get("operatingSystem") or labels.get("kubernetes.io/os")
    architecture = told.get("architecture") or labels.get("kubernetes.io/arch")
    return f"{system}/{architecture}" if system and architecture else ""
