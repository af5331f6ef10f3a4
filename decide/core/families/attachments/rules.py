"""Bound volumes against what their driver says of the node: attachments, and the drivers that run there.

Source: k8s.io/api storage/v1 (VolumeAttachment, CSINode); pkg/controller/volume/attachdetach.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.facts import Facts
from decide.core.families.storage.rules import claims_of
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, node_ready
from kfix.texts import say
from manifests.objects.meta import is_deleting, name_of
from manifests.objects.pods import Pod
from manifests.objects.shapes import Obj, at, items, text
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

#: Access modes with which a volume is on one node at a time.
_SINGLE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about volumes of pods that have a node and do not start there, at their workload."""
    for workload in view.workloads:
        for pod in workload.pods:
            if pod.node and pod.phase in ("", "Pending") and not pod.deleting:
                found = [
                    f
                    for volume in _volumes(view, workload)
                    for f in _one(view, workload, pod, volume)
                ]
                if found:
                    yield found[0]
                    break


def _volumes(view: ClusterView, workload: Workload) -> Iterator[Obj]:
    for name in claims_of(workload):
        claim = view.get("persistentvolumeclaims", workload.namespace, name) or {}
        volume = view.get("persistentvolumes", "", text(claim, "spec", "volumeName"))
        if volume is not None:
            yield volume


def _one(view: ClusterView, workload: Workload, pod: Pod, volume: Obj) -> Iterator[Finding[Facts]]:
    name, driver = name_of(volume), text(volume, "spec", "csi", "driver")
    ours = [a for a in view.all("volumeattachments") if _is_of(a, name)]
    elsewhere = next(
        (a for a in ours if text(a, "spec", "nodeName") != pod.node and _attached(a)), None
    )
    here = next((a for a in ours if text(a, "spec", "nodeName") == pod.node), None)
    if elsewhere is not None and set(map(str, items(volume, "spec", "accessModes"))) <= _SINGLE:
        if here is None or not _attached(here):
            yield _held_elsewhere(view, workload, name, elsewhere)
    elif (
        here is not None and not _attached(here) and text(here, "status", "attachError", "message")
    ):
        said = quote(text(here, "status", "attachError", "message"))
        told = say("attachments.failed", volume=name, node=pod.node, message=said)
        yield _finding("volume_attach_failed", workload, 0.9, told, _ref(here))
    node = view.get("csinodes", "", pod.node)
    if driver and node is not None and driver not in _drivers(node):
        told = say("attachments.no_driver", volume=name, node=pod.node, driver=driver)
        yield _finding("csi_driver_missing", workload, 0.88, told, None)


def _held_elsewhere(
    view: ClusterView, workload: Workload, volume: str, holder: Obj
) -> Finding[Facts]:
    """Another node holds it: so long as that one is away, nobody lets go."""
    other = text(holder, "spec", "nodeName")
    node = view.get("nodes", "", other)
    away = node is None or node_ready(node) != "True"
    told = say(
        "attachments.elsewhere_away" if away else "attachments.elsewhere", volume=volume, node=other
    )
    if is_deleting(holder):
        told = say("attachments.letting_go", volume=volume, node=other)
    return _finding("volume_multi_attach", workload, 0.86, told, _ref(holder))


def _finding(
    failure_class: str, workload: Workload, score: float, told: str, about: ObjectRef | None
) -> Finding[Facts]:
    return Finding(
        failure_class=failure_class,
        object=workload.ref,
        score=score,
        detail=told,
        evidence=[Fact(source="object", statement=told, object=about or workload.ref)],
        facts=Facts(workload=workload),
    )


def _ref(attachment: Obj) -> ObjectRef:
    return ObjectRef(
        api_version="storage.k8s.io/v1", kind="VolumeAttachment", name=name_of(attachment)
    )


def _is_of(attachment: Obj, volume: str) -> bool:
    return text(attachment, "spec", "source", "persistentVolumeName") == volume


def _attached(attachment: Obj) -> bool:
    return at(attachment, "status", "attached") is True


def _drivers(node: Obj) -> set[str]:
    return {text(driver, "name") for driver in items(node, "spec", "drivers")}
