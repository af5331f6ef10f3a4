"""Claims without a volume: what keeps each volume away, and which of them is the nearest."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import pod_specs

_FAMILY = "storage"


def _claim(
    c: Cluster, app: str, *, phase: str | None = "Pending", name: str = "data", **spec: Any
) -> Obj:
    """A claim of ten gibibytes that the application mounts."""
    for one in pod_specs(c, app):
        volume = {"name": name, "persistentVolumeClaim": {"claimName": name}}
        one["volumes"] = [*one.get("volumes", ()), volume]
    wanted = {
        "storageClassName": "fast",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
    }
    status = {"phase": phase} if phase else {}
    return c.add(
        "persistentvolumeclaims",
        name,
        kind="PersistentVolumeClaim",
        spec=wanted | spec,
        status=status,
    )


def _volume(
    c: Cluster, name: str, *, phase: str = "Available", labels: Any = None, **spec: Any
) -> None:
    fits = {
        "storageClassName": "fast",
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "10Gi"},
    }
    meta = {"name": name, "labels": labels or {}}
    c.objects["persistentvolumes"].append(
        {"metadata": meta, "spec": fits | spec, "status": {"phase": phase}}
    )


def _class(c: Cluster, name: str, provisioner: str | None = "kubernetes.io/no-provisioner") -> None:
    c.objects["storageclasses"].append({"metadata": {"name": name}, "provisioner": provisioner})


def _waits(c: Cluster, app: str) -> None:
    c.unschedulable(
        app, "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    )


def _differs(
    told: str, *, claim: Any = None, waits: bool = True, varied: bool = False, **volume: Any
) -> None:
    """One volume, and what is otherwise in it or in the claim."""

    @scene(_FAMILY, f"one volume: {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        _class(c, "fast")
        _claim(c, app, **(claim or {}))
        _volume(c, "one", **volume)
        if waits:
            _waits(c, app)


_ELSEWHERE: Any = {"claimRef": {"namespace": "other", "name": "data"}}
_differs("everything fits")
_differs("another class", storageClassName="slow", varied=True)
_differs("no class", storageClassName=None)
_differs("one byte too small", capacity={"storage": "10737418239"}, varied=True)
_differs("just as large", capacity={"storage": "10737418240"})
_differs("nobody knows its size", capacity={"storage": "large"})
_differs("nobody knows the claim's size", claim={"resources": {"requests": {"storage": "large"}}})
_differs("another mode", accessModes=["ReadWriteMany"], varied=True)
_differs("the mode is one of two", accessModes=["ReadWriteMany", "ReadWriteOnce"])
_differs("one of two modes", claim={"accessModes": ["ReadWriteOnce", "ReadWriteMany"]})
_differs(
    "nobody knows its size, nor asks for any",
    claim={"resources": {}},
    capacity={"storage": "large"},
)
_differs("no label", claim={"selector": {"matchLabels": {"tier": "a"}}})
_differs("the label", claim={"selector": {"matchLabels": {"tier": "a"}}}, labels={"tier": "a"})
_differs("a selector that asks nothing", claim={"selector": {}})
_differs("somebody else's of the same name", phase="Bound", **_ELSEWHERE)
_differs("somebody else's, and free", **_ELSEWHERE)
_differs("kept for a claim of another name", claimRef={"name": "other"})
_differs("another class, and bound without a claim", phase="Bound", storageClassName="slow")
_differs(
    "another class and mode, and somebody else's",
    phase="Bound",
    storageClassName="slow",
    accessModes=[],
    **_ELSEWHERE,
)
_differs(
    "everything is otherwise",
    claim={"selector": {"matchLabels": {"tier": "a"}}},
    storageClassName="slow",
    capacity={"storage": "1Gi"},
    accessModes=[],
    **_ELSEWHERE,
)
_differs("another mode, and the pod has a node", waits=False, accessModes=["ReadWriteMany"])


@scene(_FAMILY, "a volume that is kept for this claim")
def _(c: Cluster, app: str) -> None:
    _class(c, "fast")
    _claim(c, app)
    _volume(
        c, "one", claimRef={"namespace": c.namespace, "name": "data"}, accessModes=["ReadWriteMany"]
    )
    _waits(c, app)


@scene(_FAMILY, "the nearest of many volumes tells, the others are less likely")
def _(c: Cluster, app: str) -> None:
    _class(c, "fast")
    _claim(c, app)
    _volume(c, "d", storageClassName="slow", accessModes=[], capacity={"storage": "1Gi"})
    _volume(c, "c", storageClassName="slow", capacity={"storage": "1Gi"})
    _volume(c, "b", phase="Bound", **_ELSEWHERE)
    _volume(c, "a", accessModes=["ReadWriteMany"])
    _volume(c, "z", capacity={"storage": "1Gi"})
    _waits(c, app)


@scene(_FAMILY, "six volumes are looked at, the seventh is not")
def _(c: Cluster, app: str) -> None:
    _class(c, "fast")
    _claim(c, app)
    for n in range(5):
        _volume(c, f"a{n}", capacity={"storage": "1Gi"})
    _volume(c, "b", accessModes=[], capacity={"storage": "1Gi"})
    _volume(c, "c", storageClassName="slow", capacity={"storage": "1Gi"})
    _waits(c, app)


@scene(_FAMILY, "there is no volume")
def _(c: Cluster, app: str) -> None:
    _class(c, "fast")
    _claim(c, app)
    c.event("PersistentVolumeClaim", "data", "FailedBinding", "no persistent volumes available", 5)
    c.event("PersistentVolumeClaim", "data", "FailedBinding", "none again", 5)
    _waits(c, app)


@scene(_FAMILY, "an event about the claim is no warning, and there is no volume")
def _(c: Cluster, app: str) -> None:
    _class(c, "fast")
    _claim(c, app)
    c.event("PersistentVolumeClaim", "data", "WaitForFirstConsumer", "waiting for a consumer")
    c.objects["events"][-1]["type"] = "Normal"


def _classes(
    told: str,
    *classes: str,
    events: tuple[tuple[str, str], ...] = (),
    wanted: str = "fast",
    listed: bool = True,
    volumes: bool = False,
) -> None:
    """Storage classes, ``name=provisioner``."""

    @scene(_FAMILY, f"storage classes: {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        for one in classes:
            name, _, provisioner = one.partition("=")
            _class(c, name, provisioner or "kubernetes.io/no-provisioner")
        if not listed:
            del c.objects["storageclasses"]
        _claim(c, app, storageClassName=wanted)
        if volumes:
            _volume(c, "bound", phase="Bound", **_ELSEWHERE)
            _volume(c, "small", storageClassName="slow", capacity={"storage": "1Gi"})
            _volume(c, "free", storageClassName="slow")
            _volume(c, "free-too", storageClassName="slow")
        for reason, text in events:
            c.event("PersistentVolumeClaim", "data", reason, text)
        _waits(c, app)


_FAILED = ("ProvisioningFailed", "no space in zone a")
_NO_CLASS = ("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
_classes("the claim's is not there", "slow")
_classes("the claim's is not there, volumes of another are", "slow", volumes=True)
_classes("the claim names none", "slow", wanted="")
_classes("none was listed", listed=False)
_classes(
    "none was listed, but an event says that the claim's is not there",
    listed=False,
    events=(_NO_CLASS,),
)
_classes(
    "something else of them is not found",
    "fast",
    events=(("Failed", "storageclass is odd"), ("Failed", "node not found")),
)
_classes(
    "a provisioner failed",
    "slow",
    "fast=disk.example.com",
    events=(("Provisioning", "soon"), _FAILED),
)
_classes("a provisioner is at it", "fast=disk.example.com", events=(("Provisioning", "soon"),))
_classes("nobody provisions, and that failed", "fast", events=(_FAILED,))
_classes("the provisioner of another failed", "fast", "slow=disk.example.com", events=(_FAILED,))


def _phases(told: str, phase: str | None) -> None:
    @scene(_FAMILY, f"a claim that {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        _class(c, "fast")
        _claim(c, app, phase=phase)
        _waits(c, app)


_phases("is bound", "Bound")
_phases("is lost", "Lost")
_phases("says nothing of itself", None)


@scene(_FAMILY, "two claims wait, one is named by the pod alone and one does not exist")
def _(c: Cluster, app: str) -> None:
    _class(c, "fast")
    _claim(c, app)
    _claim(c, app, name="cache")
    _volume(c, "one", capacity={"storage": "1Gi"})
    c.get("deployments", app)["spec"]["template"]["spec"]["volumes"] = [
        {"name": "empty", "emptyDir": {}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "gone", "persistentVolumeClaim": {"claimName": "gone"}},
    ]
    _waits(c, app)
