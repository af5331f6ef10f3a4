"""The cluster's own components, by their pods: DNS, proxy, network plugin, scheduler, controllers.

Names and labels: kubeadm's static pods and addons; the network plugins' published manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, node_ready, node_ref
from manifests.objects.meta import labels_of, name_of
from manifests.objects.pods import Pod
from manifests.objects.shapes import at, items, mapping, number
from schemas.base import ObjectRef

_SPACE = "kube-system"
_SPACES = (_SPACE, "kube-flannel", "calico-system", "tigera-operator")
_DNS = re.compile(r"^(?:coredns|kube-dns|rke2-coredns)")
_PROXY = re.compile(r"^kube-proxy-")
_NETWORK = re.compile(
    r"^(?:calico-node|canal|cilium-|kube-flannel|weave-net|aws-node|kindnet|antrea-agent|kube-router|azure-cni|ovnkube-node)"
)
_PLANE = (
    (re.compile(r"^kube-scheduler-"), "scheduler_unavailable"),
    (re.compile(r"^kube-controller-manager-"), "controller_manager_unavailable"),
)


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about components, at their node or, for the DNS, at its workload."""
    pods = [Pod(o) for space in _SPACES for o in view.inside("pods", space)]
    yield from _dns(view, pods)
    yield from _per_node(view, pods, _PROXY, "node_kube_proxy_unavailable", "kube-proxy")
    yield from _per_node(view, pods, _NETWORK, "node_network_plugin_unavailable", "network plugin")
    for pattern, class_id in _PLANE:
        mine = [p for p in pods if pattern.match(p.name) and not p.deleting]
        if mine and not any(p.ready for p in mine):
            place = mine[0].node
            text = f"{mine[0].name} is not ready: {quote(_why(mine[0]))}"
            ref = (
                node_ref(place)
                if place
                else ObjectRef(
                    api_version="v1", kind="Pod", namespace=mine[0].namespace, name=mine[0].name
                )
            )
            yield Finding(
                failure_class=class_id,
                object=ref,
                score=0.93,
                detail=text,
                evidence=[Fact(source="object", statement=text, object=ref)],
            )


def _why(pod: Pod) -> str:
    for container in pod.containers():
        found = container.waiting or container.terminated
        if found and not container.ready:
            return f"{found.get('reason') or ''} {found.get('message') or ''}".strip()
    return pod.phase


def _dns(view: ClusterView, pods: list[Pod]) -> Iterator[Finding]:
    mine = [
        p
        for p in pods
        if not p.deleting and (_DNS.match(p.name) or labels_of(p.obj).get("k8s-app") == "kube-dns")
    ]
    owner = next((o for o in view.inside("deployments", _SPACE) if _DNS.match(name_of(o))), None)
    complaints = [
        (w, h) for w in view.workloads for h in view.hits(w) if h.signal == "unknown_host"
    ]
    facts = [Fact(source="log", statement=quote(h.line), object=w.ref) for w, h in complaints[:2]]
    ref = ObjectRef(
        api_version="apps/v1",
        kind="Deployment",
        namespace=_SPACE,
        name=name_of(owner) if owner else "coredns",
    )
    data = {"owner": owner}
    if owner is not None and number(at(owner, "spec", "replicas"), 1) == 0:
        text = f"{ref.key} has 0 replicas"
        yield Finding(
            failure_class="cluster_dns_down",
            object=ref,
            score=0.96,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=ref), *facts],
            against=[],
            facts=data,
        )
    elif mine and not any(p.ready for p in mine):
        text = f"none of {len(mine)} DNS pods is ready: {quote(_why(mine[0]))}"
        yield Finding(
            failure_class="cluster_dns_down",
            object=ref,
            score=0.96,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=ref), *facts],
            against=[],
            facts=data,
        )
    elif _answers_wrong(view):
        text = "the DNS configuration answers NXDOMAIN for names of the cluster"
        config = ObjectRef(api_version="v1", kind="ConfigMap", namespace=_SPACE, name="coredns")
        yield Finding(
            failure_class="cluster_dns_down",
            object=ref,
            score=0.93 if complaints else 0.7,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=config), *facts],
            against=[],
            facts=data,
        )
    elif len({w.ref.key for w, h in complaints if h.subject and _exists(view, h.subject)}) >= 3:
        text = f"{len({w.ref.key for w, _ in complaints})} workloads cannot resolve names of Services that exist"
        yield Finding(
            failure_class="cluster_dns_down",
            object=ref,
            score=0.75,
            detail=text,
            evidence=facts,
            against=[],
            facts=data,
        )


_REFUSING = re.compile(
    r"template\s+\S+\s+\S+\s+[^{]*(?:cluster\.local|svc)[^{]*\{[^}]*rcode\s+(?:NXDOMAIN|SERVFAIL|REFUSED)",
    re.S,
)


def _answers_wrong(view: ClusterView) -> bool:
    """CoreDNS' template plugin refuses names that its kubernetes plugin would know."""
    config = view.get("configmaps", _SPACE, "coredns") or {}
    return any(
        isinstance(t, str) and _REFUSING.search(t) for t in mapping(config.get("data")).values()
    )


def _exists(view: ClusterView, host: str) -> bool:
    name, _, rest = host.partition(".")
    spaces = [rest.split(".")[0]] if rest else list(view.focus)
    return any(view.get("services", space, name) is not None for space in spaces)


def _per_node(
    view: ClusterView, pods: list[Pod], pattern: re.Pattern[str], class_id: str, label: str
) -> Iterator[Finding]:
    """One pod of a kind on every node: one that is sick, or a node that has none."""
    mine = [p for p in pods if pattern.match(p.name) and not p.deleting]
    sick = [p for p in mine if p.node and not p.ready]
    if mine and len(sick) > max(1, len(mine) // 2):
        return  # all at once is no node's fault
    for pod in sick:
        text = f"{label} pod {pod.name} on {pod.node} is not ready: {quote(_why(pod))}"
        yield Finding(
            failure_class=class_id,
            object=node_ref(pod.node),
            score=0.9,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=node_ref(pod.node))],
        )
    covered = {p.node for p in mine}
    bare = [
        name_of(n)
        for n in view.nodes
        if name_of(n) not in covered and node_ready(n) == "True" and not _virtual(n)
    ]
    if len(covered) >= 2 and len(bare) == 1:
        text = f"{bare[0]} has no {label} pod, every other node has one"
        yield Finding(
            failure_class=class_id,
            object=node_ref(bare[0]),
            score=0.72,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=node_ref(bare[0]))],
        )


def _virtual(node: object) -> bool:
    taints = [mapping(t) for t in items(at(node, "spec", "taints"))]
    return any(
        "virtual-kubelet" in str(t.get("key")) or "fargate" in str(t.get("key")) for t in taints
    )
