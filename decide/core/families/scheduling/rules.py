"""Pods that find no node: capacity, labels, taints, affinity, cordons. A small replay of the scheduler's filters.

Messages: k8s.io/kubernetes pkg/scheduler/framework/plugins (each plugin's ErrReason).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.facts import Facts
from decide.core.families.scheduling.facts import Unplaced
from decide.core.families.storage.facts import UnboundClaim
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, node_ready
from kfix.texts import say
from manifests.objects import scheduling
from manifests.objects.meta import condition, labels_of, name_of, pairs
from manifests.objects.pods import Pod
from manifests.objects.scheduling import affinity_takes, selector_takes
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload

_REASON = re.compile(r"(\d+) (.+?)(?=, \d+ |\.\s|\.?$|, preemption)")
#: A resource that is neither CPU nor memory.
_OTHER = re.compile(r"Insufficient (?!cpu|memory)\S")
_UNUSABLE = re.compile(
    r"node\.kubernetes\.io/(not-ready|unreachable|memory-pressure|disk-pressure|pid-pressure|network-unavailable)"
)


def unscheduled(view: ClusterView, workload: Workload) -> list[tuple[Pod, str]]:
    """Pods that wait for a node, with the scheduler's words, empty when it said nothing."""
    waiting = [
        pod
        for pod in workload.pods
        if not pod.node and pod.phase in ("", "Pending") and not pod.deleting
    ]
    return [(pod, _scheduler_said(view, pod)) for pod in waiting]


def _scheduler_said(view: ClusterView, pod: Pod) -> str:
    """The pod's condition, else its newest event, one that counts nodes before others."""
    said = condition(pod.obj, "PodScheduled")
    text = str(said.get("message") or "") if said.get("status") == "False" else ""
    if text:
        return text
    failed = [
        e.message
        for e in view.events_of("Pod", pod.namespace, pod.name)
        if e.reason == "FailedScheduling"
    ]
    counted = [message for message in failed if "nodes are available" in message]
    return (counted or failed or [""])[-1]


def tally(text: str) -> dict[str, int]:
    """The scheduler's reasons with how many nodes each: ``{"Insufficient cpu": 3}``; the part on preemption left out."""
    body = text.split("preemption:", maxsplit=1)[0].partition("nodes are available:")[2]
    out: dict[str, int] = {}
    for count, reason in _REASON.findall(body):
        out[reason.strip()] = out.get(reason.strip(), 0) + int(count)
    return out


def out_of_reach(text: str) -> bool:
    """The scheduler says that a volume of the pod can be reached from some nodes only."""
    return any(words in text for words in _OUT_OF_REACH)


def untolerated(spec: Obj, node: Obj) -> list[Obj]:
    """Taints of the node that keep the pod off, without those that the cordon and the kubelet's state bring."""
    return [
        taint
        for taint in scheduling.untolerated(spec, node)
        if taint.get("key") != "node.kubernetes.io/unschedulable"
        and not _UNUSABLE.match(str(taint.get("key")))
    ]


def cordoned(node: Obj) -> bool:
    """Marked unschedulable by hand: no control-plane role and no failing kubelet explains it."""
    return bool(at(node, "spec", "unschedulable"))


def control_plane(node: Obj) -> bool:
    """It carries a control-plane role: closed to ordinary pods on purpose."""
    labels = labels_of(node)
    roles = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
    return any(r in labels for r in roles) or labels.get("kubernetes.io/role") == "master"


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about pods without a node."""
    for workload in view.workloads:
        waiting = unscheduled(view, workload)
        told = [(pod, text) for pod, text in waiting if text]
        if told:
            yield from _explain(view, workload, *told[0])


def _explain(
    view: ClusterView, workload: Workload, pod: Pod, text: str
) -> Iterator[Finding[Facts]]:
    fact = Fact(source="event", statement=quote(text), object=workload.ref)
    guesses = _classes(_Filters.of(view, pod, text))
    for class_id, score in guesses:
        yield Finding(
            failure_class=class_id,
            object=workload.ref,
            score=score,
            detail=quote(text),
            evidence=[fact, *_node_facts(view, pod, class_id)],
            facts=_facts(class_id, workload, pod, text),
        )
    if not guesses and "persistentvolumeclaim" not in text.lower():
        yield Finding(
            failure_class="undetermined",
            object=workload.ref,
            score=0.3,
            detail=quote(text),
            evidence=[fact],
            facts=Facts(workload=workload),
        )


def _facts(class_id: str, workload: Workload, pod: Pod, text: str) -> Facts:
    """What a class's plans read: those of other families know nothing of filters."""
    if class_id.startswith("pvc_"):
        return UnboundClaim(workload=workload)
    if class_id in ("volume_multi_attach", "node_not_ready"):
        return Facts(workload=workload)
    return Unplaced(workload=workload, pod=pod, message=text)


def _node_facts(view: ClusterView, pod: Pod, class_id: str) -> list[Fact]:
    if class_id == "node_selector_mismatch":
        wanted = pairs(mapping(pod.spec.get("nodeSelector")))
        told = say("scheduling.none_fits", wanted=wanted, n=len(view.nodes))
        return [Fact(source="object", statement=told)]
    if class_id not in ("taint_not_tolerated", "node_cordoned"):
        return []
    fitting = [n for n in view.nodes if selector_takes(pod.spec, n) and affinity_takes(pod.spec, n)]
    return [Fact(source="object", statement=_state(pod.spec, node)) for node in fitting[:5]]


def _state(spec: Obj, node: Obj) -> str:
    """Why a node whose labels fit does not take the pods."""
    if cordoned(node):
        return say("scheduling.node.cordoned", node=name_of(node))
    taints = [str(t.get("key")) for t in untolerated(spec, node)]
    if not taints:
        return say("scheduling.node.free", node=name_of(node))
    return say("scheduling.node.tainted", node=name_of(node), n=len(taints), taints=taints)


#: A taint that keeps ordinary pods off on purpose.
_CONTROL_PLANE = re.compile(r"node-role\.kubernetes\.io/(?:control-plane|master)")
#: Reasons of a volume that can be attached elsewhere only.
_OUT_OF_REACH = (
    "volume node affinity conflict",
    "didn't match PersistentVolume's node affinity",
    "no available volume zone",
)
#: Causes with the belief in each.
_Guesses = list[tuple[str, float]]
#: Words of the scheduler's reasons that name a cause by themselves.
_WORDS = (
    ("Insufficient cpu", "insufficient_cpu"),
    ("Insufficient memory", "insufficient_memory"),
    ("didn't match pod anti-affinity", "pod_anti_affinity_conflict"),
    ("didn't satisfy existing pods anti-affinity", "pod_anti_affinity_conflict"),
    ("didn't match pod affinity", "pod_affinity_mismatch"),
    ("topology spread constraints", "topology_spread_unsatisfied"),
    ("free ports", "host_port_conflict"),
    ("Too many pods", "too_many_pods"),
    ("volume node affinity conflict", "volume_node_conflict"),
    ("didn't match PersistentVolume's node affinity", "volume_node_conflict"),
    ("no available volume zone", "volume_node_conflict"),
    ("did not have enough free storage", "pvc_capacity_mismatch"),
    ("bound to non-existent pv", "pvc_pending"),
    ("didn't find available persistent volumes", "pvc_pending"),
    ("ReadWriteOncePod", "volume_multi_attach"),
    ("exceed max volume count", "volume_limit_reached"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filters:
    """What the scheduler said of a pod, beside the nodes that its labels let in."""

    spec: Obj
    text: str
    reasons: dict[str, int]
    nodes: list[Obj]
    #: Nodes whose labels fit.
    fitting: list[Obj]
    #: Those that are no closed control plane.
    workers: list[Obj]
    #: The nodes from which its volumes can be reached; ``None`` where that is not known.
    reachable: list[Obj] | None

    @classmethod
    def of(cls, view: ClusterView, pod: Pod, text: str) -> _Filters:
        """One pod's."""
        spec = pod.spec
        fitting = [n for n in view.nodes if selector_takes(spec, n) and affinity_takes(spec, n)]
        return cls(
            spec=spec,
            text=text,
            reasons=tally(text),
            nodes=list(view.nodes),
            fitting=fitting,
            workers=[n for n in fitting if not _closed(n)],
            reachable=_reachable(view, pod),
        )

    def has(self, *words: str) -> bool:
        """One of the reasons has one of these words."""
        return any(word in reason for word in words for reason in self.reasons)

    def share(self, *words: str) -> float:
        """The part of the nodes that reasons with these words exclude, of those that the pod might run on; 0 to 1."""
        open_ = self.open
        told = sum(n for reason, n in open_.items() if any(w in reason for w in words))
        return told / max(1, sum(open_.values()))

    @property
    def open(self) -> dict[str, int]:
        """The reasons without those that stand always: closed control planes, and nodes out of reach of a volume.

        A volume in one zone excludes the nodes of all others whenever its pod waits: what excludes the nodes that it
        leaves is the cause. It is the cause itself where it leaves none, or none that the pod's own labels ask for.
        """
        workers = {r: n for r, n in self.reasons.items() if not _CONTROL_PLANE.search(r)}
        left = {r: n for r, n in workers.items() if not any(w in r for w in _OUT_OF_REACH)}
        return (workers if self.kept_apart else left) or workers or self.reasons

    @property
    def kept_apart(self) -> bool:
        """The pod asks for nodes from which its volumes cannot be reached."""
        if self.reachable is None:
            return self.has("didn't match Pod's node affinity", "didn't match node selector")
        return not any(
            selector_takes(self.spec, n) and affinity_takes(self.spec, n) for n in self.reachable
        )


def _reachable(view: ClusterView, pod: Pod) -> list[Obj] | None:
    """The nodes that every volume of the pod can be reached from, by its PersistentVolume; ``None`` where none says."""
    wanted: list[Obj] = []
    for volume in items(pod.spec.get("volumes")):
        claim = str(at(volume, "persistentVolumeClaim", "claimName") or "")
        bound = view.get("persistentvolumeclaims", pod.namespace, claim) or {}
        found = view.get("persistentvolumes", "", str(at(bound, "spec", "volumeName") or "")) or {}
        if terms := mapping(at(found, "spec", "nodeAffinity", "required")):
            wanted.append({"requiredDuringSchedulingIgnoredDuringExecution": terms})
    if not wanted:
        return None
    return [
        node
        for node in view.nodes
        if all(affinity_takes({"affinity": {"nodeAffinity": one}}, node) for one in wanted)
    ]


def _closed(node: Obj) -> bool:
    return control_plane(node) and cordoned(node)


def _classes(told: _Filters) -> _Guesses:
    """Causes, the likeliest first. A filter that leaves no node by itself beats one that only takes some."""
    found = [*_by_labels(told), *_by_words(told), *_by_taints(told), *_by_cordons(told)]
    return sorted(found, key=lambda pair: -pair[1])


def _by_labels(told: _Filters) -> _Guesses:
    """Node selector or affinity: which of the two leaves no node."""
    if not told.has("didn't match Pod's node affinity", "didn't match node selector"):
        return []
    if not told.nodes:
        asks = bool(told.spec.get("nodeSelector"))
        score = 0.85 if told.share("node affinity/selector", "node selector") == 1 else 0.4
        return [("node_selector_mismatch" if asks else "node_affinity_mismatch", score)]
    if told.workers:
        return []
    by_selector = not any(selector_takes(told.spec, n) for n in told.nodes if not _closed(n))
    return [("node_selector_mismatch" if by_selector else "node_affinity_mismatch", 0.95)]


def _by_words(told: _Filters) -> _Guesses:
    out = [
        (cause, 0.75 + 0.19 * told.share(word))
        for word, cause in _WORDS
        if any(word in reason for reason in told.open)
    ]
    if any(_OTHER.match(reason) for reason in told.reasons):
        out.append(("insufficient_resource", 0.9))
    if "scheduling gates" in told.text:
        out.append(("scheduling_gated", 0.85))
    return out


def _by_taints(told: _Filters) -> _Guesses:
    if not told.has("untolerated taint", "had taint"):
        return []
    named = [r for r in told.reasons if "taint" in r and "{" in r]
    if named and all(_UNUSABLE.search(r) for r in named):
        return [("node_not_ready", 0.5)]
    return [("taint_not_tolerated", _belief_in_taints(told))]


def _belief_in_taints(told: _Filters) -> float:
    """How sure it is that a taint, and no other filter, leaves no node."""
    if not told.nodes:
        return 0.5 + 0.35 * told.share("taint")
    tainted = [n for n in told.fitting if untolerated(told.spec, n)]
    if not tainted:  # the scheduler asks for taints first: these nodes would not fit anyway
        return 0.3
    usable = [n for n in told.fitting if node_ready(n) == "True"]
    left = [n for n in usable if n not in tainted and not cordoned(n)]
    if left and any("taint" not in reason for reason in told.open):
        return 0.6  # a pool that is kept for others excludes its nodes always: what excludes the rest is the cause
    pinned = len(told.fitting) < len(told.nodes) or len(tainted) == len(usable)
    return 0.95 if pinned else 0.8


def _by_cordons(told: _Filters) -> _Guesses:
    if not told.has("were unschedulable"):
        return []
    pinned = bool(told.workers) and all(cordoned(n) for n in told.workers)
    return [("node_cordoned", 0.95 if pinned else 0.3 + 0.3 * told.share("unschedulable"))]
