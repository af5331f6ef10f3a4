"""Pods that find no node: capacity, labels, taints, affinity, cordons. A small replay of the scheduler's filters.

Messages: k8s.io/kubernetes pkg/scheduler/framework/plugins (each plugin's ErrReason).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from decide.core.findings import Fact, Finding, quote
from decide.core.objects import (
    Obj,
    Pod,
    Workload,
    at,
    condition,
    items,
    labels_of,
    mapping,
    name_of,
    pairs,
)
from decide.core.selectors import requirement
from decide.core.view import ClusterView, node_ready
from manifests.objects import quantities

_REASON = re.compile(r"(\d+) (.+?)(?=, \d+ |\.\s|\.?$|, preemption)")
#: A resource that is neither CPU nor memory.
_OTHER = re.compile(r"Insufficient (?!cpu|memory)\S")
_UNUSABLE = re.compile(
    r"node\.kubernetes\.io/(not-ready|unreachable|memory-pressure|disk-pressure|pid-pressure|network-unavailable)"
)


def unscheduled(view: ClusterView, workload: Workload) -> list[tuple[Pod, str]]:
    """Pods that wait for a node, with the scheduler's words, empty when it said nothing."""
    out = []
    for pod in workload.pods:
        if pod.node or pod.phase not in ("", "Pending") or pod.deleting:
            continue
        said = condition(pod.obj, "PodScheduled")
        events = [
            e
            for e in view.events_of("Pod", pod.namespace, pod.name)
            if e.reason == "FailedScheduling"
        ]
        told = [e.message for e in events if "nodes are available" in e.message] or [
            e.message for e in events
        ]
        text = str(said.get("message") or "") if said.get("status") == "False" else ""
        out.append((pod, text or (told[-1] if told else "")))
    return out


def tally(text: str) -> dict[str, int]:
    """The scheduler's reasons with how many nodes each: ``{"Insufficient cpu": 3}``; the part on preemption left out."""
    body = text.split("preemption:", maxsplit=1)[0].partition("nodes are available:")[2]
    out: dict[str, int] = {}
    for count, reason in _REASON.findall(body):
        out[reason.strip()] = out.get(reason.strip(), 0) + int(count)
    return out


def selector_fits(spec: Obj, node: Obj) -> bool:
    """The pod's nodeSelector against a node's labels."""
    labels = labels_of(node)
    return all(labels.get(k) == v for k, v in mapping(spec.get("nodeSelector")).items())


def affinity_fits(spec: Obj, node: Obj) -> bool:
    """The pod's required node affinity against a node's labels: terms are alternatives."""
    terms = items(
        at(
            spec,
            "affinity",
            "nodeAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
            "nodeSelectorTerms",
        )
    )
    if not terms:
        return True
    named = {**labels_of(node)}
    return any(
        all(requirement(named, mapping(e)) for e in items(mapping(term).get("matchExpressions")))
        and all(
            requirement({"metadata.name": name_of(node)}, mapping(e))
            for e in items(mapping(term).get("matchFields"))
        )
        for term in terms
    )


def untolerated(spec: Obj, node: Obj) -> list[Obj]:
    """Taints of the node that keep the pod off, without those that the cordon and the kubelet's state bring."""
    tolerations = [mapping(t) for t in items(spec.get("tolerations"))]
    out = []
    for taint in (mapping(t) for t in items(at(node, "spec", "taints"))):
        if taint.get("effect") not in ("NoSchedule", "NoExecute"):
            continue
        if taint.get("key") == "node.kubernetes.io/unschedulable" or _UNUSABLE.match(
            str(taint.get("key"))
        ):
            continue
        if not any(_tolerates(t, taint) for t in tolerations):
            out.append(taint)
    return out


def _tolerates(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") and toleration.get("effect") != taint.get("effect"):
        return False
    if toleration.get("operator") == "Exists":
        return not toleration.get("key") or toleration.get("key") == taint.get("key")
    return toleration.get("key") == taint.get("key") and str(toleration.get("value") or "") == str(
        taint.get("value") or ""
    )


def cordoned(node: Obj) -> bool:
    """Marked unschedulable by hand: no control-plane role and no failing kubelet explains it."""
    return bool(at(node, "spec", "unschedulable"))


def control_plane(node: Obj) -> bool:
    """It carries a control-plane role: closed to ordinary pods on purpose."""
    labels = labels_of(node)
    roles = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
    return any(r in labels for r in roles) or labels.get("kubernetes.io/role") == "master"


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about pods without a node."""
    for workload in view.workloads:
        waiting = unscheduled(view, workload)
        told = [(pod, text) for pod, text in waiting if text]
        if told:
            yield from _explain(view, workload, *told[0])


def _explain(view: ClusterView, workload: Workload, pod: Pod, text: str) -> Iterator[Finding]:
    fact = Fact(source="event", statement=quote(text), object=workload.ref)
    reasons = tally(text)
    facts = {"workload": workload, "pod": pod, "reasons": reasons, "message": text}
    found = False
    for class_id, score in _classes(view, pod, text, reasons):
        found = True
        yield Finding(
            failure_class=class_id,
            object=workload.ref,
            score=score,
            detail=quote(text),
            evidence=[fact, *_node_facts(view, pod, class_id)],
            against=[],
            facts=facts,
        )
    if not found and "persistentvolumeclaim" not in text.lower():
        yield Finding(
            failure_class="undetermined",
            object=workload.ref,
            score=0.3,
            detail=quote(text),
            evidence=[fact],
            against=[],
            facts=facts,
        )


def _node_facts(view: ClusterView, pod: Pod, class_id: str) -> list[Fact]:
    out = []
    if class_id == "node_selector_mismatch":
        wanted = pairs(mapping(pod.spec.get("nodeSelector")))
        out.append(
            Fact(
                source="object",
                statement=f"nodeSelector asks for {wanted}; {len(view.nodes)} nodes, none fits",
            )
        )
    if class_id in ("taint_not_tolerated", "node_cordoned"):
        for node in view.nodes:
            if selector_fits(pod.spec, node) and affinity_fits(pod.spec, node):
                taints = [str(t.get("key")) for t in untolerated(pod.spec, node)]
                state = "cordoned" if cordoned(node) else f"tainted {taints}" if taints else "free"
                out.append(
                    Fact(
                        source="object",
                        statement=f"node {name_of(node)} fits the pod's labels and is {state}",
                    )
                )
    return out[:5]


def _classes(
    view: ClusterView, pod: Pod, text: str, reasons: dict[str, int]
) -> list[tuple[str, float]]:
    """Causes, the likeliest first. A filter that leaves no node by itself beats one that only takes some."""
    out: list[tuple[str, float]] = []
    spec = pod.spec

    def has(word: str) -> bool:
        return any(word in reason for reason in reasons)

    fitting = [n for n in view.nodes if selector_fits(spec, n) and affinity_fits(spec, n)]
    labels_exclude = has("didn't match Pod's node affinity") or has("didn't match node selector")
    workers = [n for n in fitting if not (control_plane(n) and cordoned(n))]
    if labels_exclude and view.nodes and not workers:
        usual = [n for n in view.nodes if not (control_plane(n) and cordoned(n))]
        by_selector = not any(selector_fits(spec, n) for n in usual)
        out.append(("node_selector_mismatch" if by_selector else "node_affinity_mismatch", 0.95))
    elif labels_exclude and not view.nodes:
        score = 0.85 if _share(reasons, "node affinity/selector", "node selector") == 1 else 0.4
        out.append(
            (
                "node_selector_mismatch" if spec.get("nodeSelector") else "node_affinity_mismatch",
                score,
            )
        )
    for word, class_id in (
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
    ):
        if has(word):
            out.append((class_id, 0.75 + 0.19 * _share(reasons, word)))
    if any(_OTHER.match(reason) for reason in reasons):
        out.append(("insufficient_resource", 0.9))
    if "scheduling gates" in text:
        out.append(("scheduling_gated", 0.85))
    tainted = [n for n in fitting if untolerated(spec, n)]
    usable = [n for n in fitting if node_ready(n) == "True"]
    if has("untolerated taint") or has("had taint"):
        named = [r for r in reasons if "taint" in r and "{" in r]
        if named and all(_UNUSABLE.search(r) for r in named):
            out.append(("node_not_ready", 0.5))
        elif not view.nodes:
            out.append(("taint_not_tolerated", 0.5 + 0.35 * _share(reasons, "taint")))
        elif tainted:
            pinned = len(fitting) < len(view.nodes) or len(tainted) == len(usable)
            out.append(("taint_not_tolerated", 0.95 if pinned else 0.8))
        else:  # the scheduler asks for taints first: these nodes would not fit anyway
            out.append(("taint_not_tolerated", 0.3))
    if has("were unschedulable"):
        pinned_to_cordon = workers and all(cordoned(n) for n in workers)
        out.append(
            (
                "node_cordoned",
                0.95 if pinned_to_cordon else 0.3 + 0.3 * _share(reasons, "unschedulable"),
            )
        )
    return sorted(out, key=lambda pair: -pair[1])


def _share(reasons: dict[str, int], *words: str) -> float:
    """The part of the nodes that a reason excludes."""
    told = sum(n for reason, n in reasons.items() if any(word in reason for word in words))
    return told / max(1, sum(reasons.values()))


def requested(spec: Obj, resource: str) -> Decimal:
    """Sum of the containers' requests for a resource, in cores or bytes."""
    total = Decimal(0)
    for container in items(spec.get("containers")):
        value = at(container, "resources", "requests", resource) or at(
            container, "resources", "limits", resource
        )
        try:
            total += quantities.parse(str(value)) if value is not None else Decimal(0)
        except quantities.BadQuantity:
            continue
    return total
