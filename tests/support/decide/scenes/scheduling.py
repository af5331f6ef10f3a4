"""Pods without a node: the scheduler's reasons, alone and beside each other, against the nodes that there are."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import pod_specs, warned

_FAMILY = "scheduling"
_LABELS = "node(s) didn't match Pod's node affinity/selector"


def _available(*reasons: str) -> str:
    return f"0/3 nodes are available: {', '.join(reasons)}."


def _said(sentence: str, *reasons: str, varied: bool = False) -> None:
    @scene(_FAMILY, f"the scheduler says: {sentence}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        c.unschedulable(app, _available(*reasons))


for _reason in (
    "Insufficient cpu",
    "Insufficient memory",
    "Insufficient nvidia.com/gpu",
    "Insufficient ephemeral-storage",
    "node(s) didn't match pod anti-affinity rules",
    "node(s) didn't satisfy existing pods anti-affinity rules",
    "node(s) didn't match pod affinity rules",
    "node(s) didn't match pod topology spread constraints",
    "node(s) didn't have free ports for the requested pod ports",
    "Too many pods",
    "node(s) had volume node affinity conflict",
    "node(s) didn't match PersistentVolume's node affinity",
    "node(s) had no available volume zone",
    "node(s) did not have enough free storage",
    "node(s) had PersistentVolumeClaim bound to non-existent pv",
    "node(s) didn't find available persistent volumes to bind",
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use",
    "node(s) exceed max volume count",
    "of something that nobody knows",
):
    _said(_reason, f"3 {_reason}")
_said(
    "one reason for one node, another for two",
    "1 Insufficient cpu",
    "2 Insufficient memory",
    varied=True,
)
_said("the same reason twice", "1 Insufficient cpu", "1 Too many pods", "1 Insufficient cpu")


@scene(_FAMILY, "what the scheduler says of preemption is another matter")
def _(c: Cluster, app: str) -> None:
    text = _available("3 Insufficient cpu")
    c.unschedulable(app, f"{text} preemption: 0/3 nodes are available: 3 Insufficient memory.")


@scene(_FAMILY, "the pod has scheduling gates")
def _(c: Cluster, app: str) -> None:
    c.unschedulable(app, "Scheduling is blocked due to non-empty scheduling gates")


@scene(_FAMILY, "it waits for a claim, and other families tell")
def _(c: Cluster, app: str) -> None:
    c.unschedulable(app, 'persistentvolumeclaim "data" not found')


def _events(
    told: str, *messages: tuple[str, str], status: str = "False", message: str = ""
) -> None:
    @scene(_FAMILY, f"the pod's condition says little, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        c.unschedulable(app, message)
        c.pod(app)["status"]["conditions"][0]["status"] = status
        for n, (reason, text) in enumerate(messages):
            warned(c, app, reason, text, at=f"11:5{n}")


_events("nor does anybody else")
_events(
    "events count nodes, and another comes after them",
    ("FailedScheduling", _available("3 Insufficient memory")),
    ("FailedScheduling", _available("3 Insufficient cpu")),
    ("FailedScheduling", "skip schedule deleting pod"),
    ("Scheduled", _available("3 Too many pods")),
)
_events("an event says something else", ("FailedScheduling", "running Reserve plugin failed"))
_events("it says what was, not what is", status="True", message=_available("3 Insufficient cpu"))


def _waits(told: str, **changes: Any) -> None:
    @scene(_FAMILY, f"a pod without a node that {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        c.unschedulable(app, _available("3 Insufficient cpu"))
        pod = c.pod(app)
        pod["status"] |= changes.get("status", {})
        pod["spec"] |= changes.get("spec", {})
        pod["metadata"] |= changes.get("metadata", {})


_waits("says nothing of its phase", status={"phase": ""})
_waits("failed", status={"phase": "Failed"})
_waits("is being deleted", metadata={"deletionTimestamp": "2026-05-04T11:00:00Z"})
_waits("has one, after all", spec={"nodeName": "somewhere"})


@scene(_FAMILY, "the first pod says nothing, the second and the third do")
def _(c: Cluster, app: str) -> None:
    c.unschedulable(app, "")
    pod = c.pod(app)
    for n, text in enumerate((_available("3 Insufficient cpu"), _available("3 Too many pods"))):
        conditions = [{"type": "PodScheduled", "status": "False", "message": text}]
        meta = {**pod["metadata"], "name": pod["metadata"]["name"][:-1] + f"{n}"}
        status = {"phase": "Pending", "conditions": conditions}
        c.objects["pods"].append({**pod, "metadata": meta, "status": status})


def _labels(
    told: str,
    *,
    selector: dict[str, str] | None = None,
    affinity: str = "",
    nodes: int = 3,
    labelled: int = 0,
    plane: bool = False,
    text: str = f"3 {_LABELS}",
) -> None:
    """``affinity``: a label that a node must have. ``labelled``: nodes that have the label ``disk``."""

    @scene(_FAMILY, f"labels keep it off, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        for spec in pod_specs(c, app):
            if selector:
                spec["nodeSelector"] = selector
            if affinity:
                terms = [{"matchExpressions": [{"key": affinity, "operator": "Exists"}]}]
                needed = {
                    "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
                }
                spec["affinity"] = {"nodeAffinity": needed}
        del c.objects["nodes"][nodes:]
        for node in c.objects["nodes"][:labelled]:
            node["metadata"]["labels"]["disk"] = "fast"
            if plane:
                node["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = ""
                node["spec"]["unschedulable"] = True
        c.unschedulable(app, _available(text))


_labels("its selector's", selector={"disk": "fast", "arch": "arm"})
_labels("its affinity's", affinity="disk")
_labels(
    "its selector fits a node, its affinity none",
    selector={"disk": "fast"},
    affinity="arch",
    labelled=1,
)
_labels(
    "its selector fits a control plane alone", selector={"disk": "fast"}, labelled=1, plane=True
)
_labels("though a node fits", selector={"disk": "fast"}, labelled=1)
_labels("its selector's, and no node was listed", selector={"disk": "fast"}, nodes=0)
_labels("its affinity's, and no node was listed", affinity="disk", nodes=0)
_labels(
    "of some, and no node was listed",
    selector={"disk": "fast"},
    nodes=0,
    text=f"2 {_LABELS}, 1 Insufficient cpu",
)
_labels("in older words", selector={"disk": "fast"}, text="3 node(s) didn't match node selector")


def _taint(key: str, effect: str = "NoSchedule") -> Obj:
    return {"key": key, "value": "yes", "effect": effect}


def _tainted(
    told: str,
    *reasons: str,
    taints: tuple[tuple[Obj, ...], ...] = (),
    cordoned: int = 0,
    unready: int = 0,
    nodes: int = 3,
    selector: int = 0,
    roles: int = 0,
    tolerates: str = "",
    varied: bool = False,
    role: str = "node-role.kubernetes.io/control-plane",
) -> None:
    """Of the nodes, in their order: their taints; how many are cordoned, not ready, fitting, control planes."""

    @scene(_FAMILY, f"taints and cordons: {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        del c.objects["nodes"][nodes:]
        for n, node in enumerate(c.objects["nodes"]):
            node["spec"] = {"taints": list(taints[n])} if n < len(taints) else {}
            node["spec"] |= {"unschedulable": True} if n < cordoned else {}
            node["status"]["conditions"][0]["status"] = "False" if n < unready else "True"
            labels = {"pool": "a"} if n < selector else {}
            labels |= {role.split("=", maxsplit=1)[0]: role.partition("=")[2]} if n < roles else {}
            node["metadata"]["labels"] |= labels
        for spec in pod_specs(c, app):
            if selector:
                spec["nodeSelector"] = {"pool": "a"}
            if tolerates:
                spec["tolerations"] = [{"key": tolerates, "operator": "Exists"}]
        c.unschedulable(app, _available(*reasons))


_OURS = (_taint("gpu"),)
_HAD = "node(s) had untolerated taint {gpu: yes}"
_DOWN = "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
_CORDON = (_taint("node.kubernetes.io/unschedulable"),)
_tainted("all three are tainted", f"3 {_HAD}", taints=(_OURS,) * 3, varied=True)
_tainted(
    "all three are tainted, told in older words",
    "3 node(s) had taint {gpu: yes}",
    taints=(_OURS,) * 3,
)
_tainted("one is tainted, two are full", f"1 {_HAD}", "2 Insufficient cpu", taints=(_OURS,))
_tainted(
    "one is tainted, its selector fits no other",
    f"1 {_HAD}",
    f"2 {_LABELS}",
    taints=(_OURS,),
    selector=1,
)
_tainted(
    "two are tainted, the third is not ready",
    f"2 {_HAD}",
    f"1 {_DOWN}",
    taints=((), _OURS, _OURS),
    unready=1,
)
_tainted(
    "two are tainted, one of them not ready",
    f"2 {_HAD}",
    "1 Too many pods",
    taints=(_OURS,) * 2,
    unready=1,
)
_tainted(
    "the only tainted one does not fit", f"1 {_HAD}", f"2 {_LABELS}", taints=((), _OURS), selector=1
)
_tainted("the taint is tolerated", f"3 {_HAD}", taints=(_OURS,) * 3, tolerates="gpu")
_tainted(
    "the taint only prefers others", f"3 {_HAD}", taints=((_taint("gpu", "PreferNoSchedule"),),) * 3
)
_tainted(
    "the kubelets' own taints",
    f"3 {_DOWN}",
    taints=((_taint("node.kubernetes.io/not-ready"),),) * 3,
)
_tainted(
    "the kubelets' own taints and another",
    f"2 {_DOWN}",
    f"1 {_HAD}",
    taints=(
        (_taint("node.kubernetes.io/not-ready"),),
        (_taint("node.kubernetes.io/unreachable"),),
        _OURS,
    ),
)
_tainted("nobody names the taint", "3 node(s) had untolerated taints", taints=(_OURS,) * 3)
_tainted(
    "the kubelets' own taints, and others without a name",
    f"2 {_DOWN}",
    "1 node(s) had untolerated taints",
    taints=((_taint("node.kubernetes.io/not-ready"),),) * 2,
)
_tainted("no node was listed", f"1 {_HAD}", "2 Insufficient cpu", nodes=0)
_tainted("two taints each", f"3 {_HAD}", taints=((*_OURS, _taint("ssd", "NoExecute")),) * 3)
_tainted(
    "all three are cordoned",
    "3 node(s) were unschedulable",
    taints=(_CORDON,) * 3,
    cordoned=3,
    varied=True,
)
_tainted(
    "two are cordoned, one is full",
    "2 node(s) were unschedulable",
    "1 Insufficient cpu",
    cordoned=2,
)
_tainted(
    "the fitting one is cordoned",
    "1 node(s) were unschedulable",
    f"2 {_LABELS}",
    cordoned=1,
    selector=1,
)
_tainted(
    "a control plane is closed, the others are cordoned",
    "3 node(s) were unschedulable",
    cordoned=3,
    roles=1,
)
_tainted("only control planes, all closed", "3 node(s) were unschedulable", cordoned=3, roles=3)
_tainted(
    "masters of old, all closed",
    "3 node(s) were unschedulable",
    cordoned=3,
    roles=3,
    role="node-role.kubernetes.io/master",
)
_tainted(
    "masters by their role, all closed",
    "3 node(s) were unschedulable",
    cordoned=3,
    roles=3,
    role="kubernetes.io/role=master",
)
_tainted(
    "nodes of another role, all cordoned",
    "3 node(s) were unschedulable",
    cordoned=3,
    roles=3,
    role="kubernetes.io/role=worker",
)
_tainted(
    "no node was listed, some are cordoned",
    "1 node(s) were unschedulable",
    "2 Insufficient cpu",
    nodes=0,
)


@scene(_FAMILY, "seven nodes are tainted: five are enough to tell")
def _(c: Cluster, app: str) -> None:
    for n in range(4):
        c.objects["nodes"].append(c.node(f"more-{n}"))
    for node in c.objects["nodes"]:
        node["spec"]["taints"] = [*_OURS]
    c.unschedulable(app, f"0/7 nodes are available: 7 {_HAD}.")
