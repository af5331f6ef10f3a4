"""The cluster's own components, by their pods: DNS, proxy, network plugin, scheduler, controllers.

Names and labels: kubeadm's static pods and addons; the network plugins' published manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.facts import Facts
from decide.core.families.system.facts import SilentDns
from decide.core.findings import Fact, Finding, quote, shows_itself
from decide.core.last_words import tells_of_failure, told_last
from decide.core.signals import SignalHit
from decide.core.view import ClusterView, node_ready, node_ref
from kfix.texts import say
from manifests.objects.meta import labels_of, name_of
from manifests.objects.pods import Pod
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload
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


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about components, at their node or, for the DNS, at its workload."""
    pods = [Pod(o) for space in _SPACES for o in view.inside("pods", space)]
    yield from _dns(view, pods)
    network = say("system.network_plugin")
    yield from _per_node(view, pods, _PROXY, "node_kube_proxy_unavailable", "kube-proxy")
    yield from _per_node(view, pods, _NETWORK, "node_network_plugin_unavailable", network)
    for pattern, class_id in _PLANE:
        mine = [p for p in pods if pattern.match(p.name) and not p.deleting]
        if mine and not any(p.ready for p in mine):
            yield _away(class_id, mine[0])


def _away(class_id: str, pod: Pod) -> Finding[Facts]:
    """A part of the control plane, at its node."""
    ref = node_ref(pod.node) if pod.node else _pod_ref(pod)
    text = say("system.not_ready", pod=pod.name, why=quote(_why(pod)))
    return Finding(
        failure_class=class_id,
        object=ref,
        score=0.93,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=ref)],
    )


def _pod_ref(pod: Pod) -> ObjectRef:
    return ObjectRef(api_version="v1", kind="Pod", namespace=pod.namespace, name=pod.name)


def _why(pod: Pod) -> str:
    for container in pod.containers():
        found = container.waiting or container.terminated
        if found and not container.ready:
            return f"{found.get('reason') or ''} {found.get('message') or ''}".strip()
    return pod.phase


@dataclass(frozen=True, slots=True)
class _Silence:
    """How the DNS fails: the belief, the sentence, and the object that shows it, where one does."""

    score: float
    text: str
    shown_by: ObjectRef | None = None


#: A workload and a line of its log about a name that does not resolve.
_Complaint = tuple[Workload, SignalHit]


def _dns(view: ClusterView, pods: list[Pod]) -> Iterator[Finding[SilentDns]]:
    owner = next((o for o in view.inside("deployments", _SPACE) if _DNS.match(name_of(o))), None)
    ref = ObjectRef(
        api_version="apps/v1",
        kind="Deployment",
        namespace=_SPACE,
        name=name_of(owner) if owner else "coredns",
    )
    complaints = [
        (w, h) for w in view.workloads for h in view.hits(w) if h.signal == "unknown_host"
    ]
    found = _down(view, pods, owner, ref) or _wrong(view, complaints)
    if found is None:
        return
    facts = [Fact(source="log", statement=quote(h.line), object=w.ref) for w, h in complaints[:2]]
    if found.shown_by is not None:
        facts = [Fact(source="object", statement=found.text, object=found.shown_by), *facts]
    yield Finding(
        failure_class="cluster_dns_down",
        object=ref,
        score=found.score,
        detail=found.text,
        evidence=facts,
        facts=SilentDns(owner=owner),
    )


def _down(view: ClusterView, pods: list[Pod], owner: Obj | None, ref: ObjectRef) -> _Silence | None:
    """No pod of the DNS is ready."""
    if owner is not None and number(at(owner, "spec", "replicas"), 1) == 0:
        return _Silence(0.96, say("system.dns.no_replicas", dns=ref.key), ref)
    mine = [p for p in pods if not p.deleting and _of_dns(p)]
    if not mine or any(p.ready for p in mine):
        return None
    text = say("system.dns.none_ready", n=len(mine), why=quote(_why(mine[0])))
    words = _last_words(view, {p.name for p in mine})
    if words:
        text = say("system.dns.said", text=text, words=quote(words))
    return _Silence(0.96, text, ref)


def _last_words(view: ClusterView, pods: set[str]) -> str:
    """The last line in which one of these pods told of a failure; empty where none was collected."""
    logs = [g for g in view.bundle.logs if g.namespace in _SPACES and g.pod in pods]
    lines = (line for log in logs for line in told_last(log.lines) if tells_of_failure(line))
    return max(lines, key=lambda line: "plugin/" in line or "FATAL" in line, default="").strip()


def _of_dns(pod: Pod) -> bool:
    return bool(_DNS.match(pod.name)) or labels_of(pod.obj).get("k8s-app") == "kube-dns"


def _wrong(view: ClusterView, complaints: list[_Complaint]) -> _Silence | None:
    """Its pods run and answer that names of the cluster do not exist."""
    refusal = _refusal(view)
    if refusal:
        config = ObjectRef(api_version="v1", kind="ConfigMap", namespace=_SPACE, name="coredns")
        score = 0.93 if complaints else 0.7
        return _Silence(score, say("system.dns.answers_wrong", code=refusal), config)
    deaf = {w.ref.key for w, h in complaints if h.subject and _exists(view, h.subject)}
    return _Silence(0.75, say("system.dns.unresolved", n=len(deaf))) if len(deaf) >= 3 else None


_REFUSING = re.compile(
    r"template\s+\S+\s+\S+\s+[^{]*(?:cluster\.local|svc)[^{]*\{[^}]*rcode\s+(NXDOMAIN|SERVFAIL|REFUSED)",
    re.S,
)


def _refusal(view: ClusterView) -> str:
    """With what CoreDNS' template plugin refuses names that its kubernetes plugin would know; empty: it does not."""
    config = view.get("configmaps", _SPACE, "coredns") or {}
    files = [t for t in mapping(config.get("data")).values() if isinstance(t, str)]
    return next((found[1] for t in files if (found := _REFUSING.search(t))), "")


def _exists(view: ClusterView, host: str) -> bool:
    name, _, rest = host.partition(".")
    spaces = [rest.split(".")[0]] if rest else list(view.focus)
    return any(view.get("services", space, name) is not None for space in spaces)


def _per_node(
    view: ClusterView, pods: list[Pod], pattern: re.Pattern[str], class_id: str, part: str
) -> Iterator[Finding[Facts]]:
    """One pod of a kind on every node: one that is sick, or a node that has none. ``part``: the kind's name."""
    mine = [p for p in pods if pattern.match(p.name) and not p.deleting]
    sick = [p for p in mine if p.node and not p.ready]
    if mine and len(sick) > max(1, len(mine) // 2):
        return  # all at once is no node's fault
    for pod in sick:
        why = quote(_why(pod))
        text = say("system.node.sick", part=part, pod=pod.name, node=pod.node, why=why)
        yield shows_itself(class_id, node_ref(pod.node), 0.9, text)
    covered = {p.node for p in mine}
    bare = [name_of(n) for n in view.nodes if _usable(n) and name_of(n) not in covered]
    if len(covered) >= 2 and len(bare) == 1:
        yield shows_itself(
            class_id, node_ref(bare[0]), 0.72, say("system.node.bare", part=part, node=bare[0])
        )


def _usable(node: Obj) -> bool:
    """A machine that is ready, and so has a pod of each kind."""
    return node_ready(node) == "True" and not _virtual(node)


def _virtual(node: object) -> bool:
    taints = [mapping(t) for t in items(at(node, "spec", "taints"))]
    return any(
        "virtual-kubelet" in str(t.get("key")) or "fargate" in str(t.get("key")) for t in taints
    )
