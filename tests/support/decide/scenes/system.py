"""The cluster's own components: which of their pods are sick, where one is missing, and how the DNS answers."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.scenes import scene

_FAMILY = "system"
_DOWN: Obj = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}


def _component(
    c: Cluster,
    name: str,
    node: int | None = None,
    *,
    ready: bool = True,
    space: str = "kube-system",
    state: Obj | None = None,
    labels: dict[str, str] | None = None,
    deleting: bool = False,
) -> Obj:
    """A pod of a component, on the node of that number."""
    meta: Obj = {"labels": labels or {}, "namespace": space, "name": name}
    meta |= {"deletionTimestamp": "2026-05-04T11:00:00Z"} if deleting else {}
    told = state if state is not None else {"running": {}} if ready else _DOWN
    pod: Obj = {
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [{"name": "main"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [
                {"name": "main", "ready": ready, "restartCount": 0, "state": told}
            ],
        },
    }
    if node is not None:
        pod["spec"]["nodeName"] = c.nodes[node] if node < len(c.nodes) else f"more-{node}"
    c.objects["pods"].append(pod)
    return pod


def _dns(c: Cluster, name: str = "coredns", replicas: int | None = 2) -> Obj:
    owner = c.add("deployments", name, api="apps/v1", kind="Deployment", spec={})
    owner["metadata"]["namespace"] = "kube-system"
    if replicas is not None:
        owner["spec"]["replicas"] = replicas
    return owner


def _unresolved(c: Cluster, *apps: str, host: str = "bystander") -> None:
    for app in apps:
        c.log(app, f"lookup {host} on 10.0.0.10:53: no such host")


for _name, _replicas in (
    ("coredns", 0),
    ("coredns", 1),
    ("kube-dns", 0),
    ("rke2-coredns-main", 0),
    ("node-dns", 0),
):

    @scene(_FAMILY, f"the DNS is called {_name} and has {_replicas} replicas")
    def _(c: Cluster, app: str, name: str = _name, replicas: int = _replicas) -> None:
        _dns(c, name, replicas)
        _unresolved(c, app)


@scene(_FAMILY, "the DNS does not say how many replicas it has, and none of its pods is ready")
def _(c: Cluster, app: str) -> None:
    _dns(c, replicas=None)
    _component(c, "coredns-a", 0, ready=False, state={"terminated": {"reason": "Error"}})
    _component(c, "coredns-b", 1, ready=False)
    _component(c, "coredns-c", 2, deleting=True)
    _unresolved(c, app, "bystander", c.app())


@scene(_FAMILY, "the DNS has another name, its pods a label, and they only wait")
def _(c: Cluster, app: str) -> None:
    pod = _component(c, "names-a", 0, ready=False, labels={"k8s-app": "kube-dns"}, state={})
    pod["status"]["phase"] = "Pending"


@scene(_FAMILY, "one pod of the DNS is ready")
def _(c: Cluster, app: str) -> None:
    _dns(c)
    _component(c, "coredns-a", 0, ready=False)
    _component(c, "coredns-b", 1)
    _unresolved(c, app)


@scene(_FAMILY, "all pods of the DNS are being deleted")
def _(c: Cluster, app: str) -> None:
    _dns(c)
    _component(c, "coredns-a", 0, ready=False, deleting=True)


@scene(_FAMILY, "a pod of the DNS is not ready, its container is, another waits without a word")
def _(c: Cluster, app: str) -> None:
    pod = _component(
        c, "coredns-a", 0, ready=False, state={"waiting": {"reason": "ContainerCreating"}}
    )
    well = {"name": "metrics", "ready": True, "state": {"waiting": {"reason": "Odd"}}}
    pod["spec"]["containers"].insert(0, {"name": "metrics"})
    pod["status"]["containerStatuses"].insert(0, well)


def _refuses(told: str, *files: str, complained: bool = False, name: str = "coredns") -> None:
    @scene(_FAMILY, f"the DNS runs, {told}", varied=complained)
    def _(c: Cluster, app: str) -> None:
        config = c.add(
            "configmaps", name, kind="ConfigMap", data={f"f{n}": t for n, t in enumerate(files)}
        )
        config["metadata"]["namespace"] = "kube-system"
        _component(c, "coredns-a", 0)
        if complained:
            _unresolved(c, app, "bystander", c.app(), host="unknown")


_REFUSAL = "template ANY ANY svc.cluster.local {\n  rcode NXDOMAIN\n}"
_refuses("and refuses names of the cluster", ".:53 {\n errors\n}", _REFUSAL)
_refuses("refuses names of the cluster, and three complain", _REFUSAL, complained=True)
_refuses("and refuses names with another code", _REFUSAL.replace("NXDOMAIN", "SERVFAIL"))
_refuses("and refuses other names", _REFUSAL.replace("svc.cluster.local", "example.com"))
_refuses("and another component's configuration refuses names", _REFUSAL, name="other")


def _deaf(told: str, count: int, host: str = "bystander", *, again: int = 0) -> None:
    @scene(_FAMILY, f"{count} workloads cannot resolve {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        apps = [app, *(c.app() for _ in range(count - 1))]
        _unresolved(c, *apps, host=host.replace("NS", c.namespace))
        for n in range(again):
            _unresolved(c, app, host="bystander" if n else app)


_deaf("a name of the cluster", 2)
_deaf("a name of the cluster, one says it often", 2, again=3)
_deaf("a name of the cluster", 3)
_deaf("a name that nobody has", 3, "nobody")
_deaf("a name with its namespace", 3, "bystander.NS.svc.cluster.local")
_deaf("a name of another namespace", 3, "bystander.other.svc.cluster.local")


def _everywhere(
    told: str,
    kind: str,
    *sick: int,
    nodes: int = 3,
    missing: int | None = None,
    space: str = "kube-system",
    unready: int | None = None,
    taint: str = "",
    homeless: bool = False,
    varied: bool = False,
) -> None:
    """A component with a pod on each node but ``missing``; the node ``unready`` is so, ``taint`` is on the missing one."""

    @scene(_FAMILY, f"{kind} {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        for n in range(len(c.nodes), nodes):
            c.objects["nodes"].append(c.node(f"more-{n}"))
        for n in range(nodes):
            if n != missing:
                _component(c, f"{kind}-{n}", n, ready=n not in sick, space=space)
        if unready is not None:
            c.objects["nodes"][unready]["status"]["conditions"][0]["status"] = "Unknown"
        if taint:
            c.objects["nodes"][missing or 0]["spec"]["taints"] = [{"key": "a"}, {"key": taint}]
        if homeless:
            _component(c, f"{kind}-x", None, ready=False)
            _component(c, f"{kind}-y", 0, ready=False, deleting=True)


for _kind in (
    "calico-node",
    "canal",
    "cilium-x",
    "kube-flannel-ds",
    "weave-net",
    "aws-node",
    "kindnet",
    "antrea-agent",
    "kube-router",
    "azure-cni",
    "ovnkube-node",
    "kube-proxy",
    "metrics-server",
):
    _everywhere("is sick on one node of three", _kind, 1, varied=_kind == "kube-proxy")
_everywhere("is sick on two nodes of three", "kube-proxy", 0, 1)
_everywhere("is sick on two nodes of four", "kube-proxy", 0, 1, nodes=4)
_everywhere("is sick on three nodes of five", "kube-proxy", 0, 1, 2, nodes=5)
_everywhere("is sick on one node of one", "kube-proxy", 0, nodes=1)
_everywhere(
    "is sick on one node of two, and waits without a node", "kube-proxy", 0, nodes=2, homeless=True
)
_everywhere("is missing on one node of three", "kube-proxy", missing=2, varied=True)
_everywhere("is missing on one node of three that is not ready", "kube-proxy", missing=2, unready=2)
_everywhere(
    "is missing on one node of three, which is none",
    "kube-proxy",
    missing=2,
    taint="virtual-kubelet.io/provider",
)
_everywhere(
    "is missing on one node of three, which is nobody's",
    "kube-proxy",
    missing=2,
    taint="eks.amazonaws.com/fargate",
)
_everywhere("is missing on one node of three, which is tainted", "kube-proxy", missing=2, taint="b")
_everywhere("is on one node of three", "kube-proxy", nodes=1)
_everywhere("is on one node of two", "kube-proxy", nodes=2, missing=1)
for _space in ("kube-flannel", "calico-system", "tigera-operator", "elsewhere"):
    _everywhere(f"of {_space} is sick on one node", "canal", 2, space=_space)


@scene(_FAMILY, "one node of three has no proxy, and two nodes more were added since")
def _(c: Cluster, app: str) -> None:
    for n in (0, 1):
        _component(c, f"kube-proxy-{n}", n)
    c.objects["nodes"].append(c.node("more"))


def _plane(told: str, kind: str, *ready: bool, placed: bool = True, **more: Any) -> None:
    @scene(_FAMILY, f"{kind}: {told}", varied=placed and not any(ready))
    def _(c: Cluster, app: str) -> None:
        for n, well in enumerate(ready):
            _component(c, f"{kind}-{n}", n if placed else None, ready=well, **more)


_plane("none of two is ready", "kube-scheduler", False, False)
_plane("one of two is ready", "kube-scheduler", False, True)
_plane("none is ready, and it has no node", "kube-controller-manager", False, placed=False)
_plane("none is ready", "kube-controller-manager", False)
_plane("it is being deleted", "kube-scheduler", False, deleting=True)
_plane("none of a part that is told otherwise is ready", "kube-apiserver", False)
_plane(
    "it ended",
    "kube-scheduler",
    False,
    state={"terminated": {"reason": "Error", "message": "exit 2"}},
)
