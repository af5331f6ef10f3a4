"""Slow without being broken: CPU, the network of one pod or of one node, told by metrics and the call graph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from decide.core import measure
from decide.core.facts import Facts
from decide.core.families.performance.facts import ShortOfCpu
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import calls
from decide.core.view import ClusterView, node_ref
from kfix.incident.metrics import CONFIGURED, in_our_unit, metric_of
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import name_of
from manifests.objects.shapes import at
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

_NUMBERS = re.compile(r"([\d.]+)\s*([a-zA-Z%/]*)\s*(?:->|→|to)\s*(?:[A-Za-z]+\s*=\s*)?([\d.]+)")
_KINDS = (
    ("throttled", re.compile(r"throttl|cfs", re.I)),
    ("cpu", re.compile(r"\bcpu\b", re.I)),
    ("memory", re.compile(r"\bmem(?:ory)?\b", re.I)),
    ("retransmits", re.compile(r"retrans", re.I)),
    ("latency", re.compile(r"latency|slow|response time|p9[059]|p50", re.I)),
    ("errors", re.compile(r"error|success rate|failure rate|5xx", re.I)),
    ("traffic", re.compile(r"throughput|rps|traffic|network|packet|req/s", re.I)),
)


@dataclass(slots=True)
class MetricShift:
    """How one thing changed around the alert: meaning to (before, after); gaps are ``None``."""

    name: str
    kind: str
    moved: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def ratio(self, meaning: str) -> float:
        """After over before; 1 when unknown, 100 when it came out of nothing."""
        pair = self.moved.get(meaning)
        if pair is None:
            return 1.0
        before, after = pair
        if before is None or after is None:
            return 3.0
        return after / before if before > 1e-9 else (100.0 if after > 1e-9 else 1.0)

    def rise(self, meaning: str) -> float:
        """After minus before, 0 when unknown."""
        before, after = self.moved.get(meaning, (None, None))
        return (after or 0.0) - (before or 0.0) if after is not None else 0.0


def changes(view: ClusterView) -> dict[str, MetricShift]:
    """What changed, by service or node name: from metrics, completed by what the alert lists."""
    return view.memo("changes", lambda: _changes(view))


def _changes(view: ClusterView) -> dict[str, MetricShift]:
    out: dict[str, MetricShift] = {}
    _from_metrics(view, out)
    for anomaly in view.anomalies:
        name = str(anomaly.get("name") or "")
        texts = anomaly.get("evidence")
        if name and isinstance(texts, list):
            kind = "node" if str(anomaly.get("type") or "").lower() == "node" else "service"
            entry = out.setdefault(name, MetricShift(name, kind))
            for text in texts:
                _from_text(entry, str(text))
    return out


def _from_text(entry: MetricShift, text: str) -> None:
    entry.texts.append(text)
    meaning = next((name for name, pattern in _KINDS if pattern.search(text)), "")
    if not meaning:
        return
    pairs = [
        (float(a), float(b)) for a, _, b in _NUMBERS.findall(text) if _number(a) and _number(b)
    ]
    best = max(pairs, key=lambda p: abs(p[1] - p[0]) / max(p[0], 1e-6), default=None)
    if best is not None:
        entry.moved[meaning] = best
    else:
        entry.moved.setdefault(meaning, (None, None))


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _from_metrics(view: ClusterView, out: dict[str, MetricShift]) -> None:
    for series in view.bundle.metrics:
        metric = metric_of(series)
        if metric is None or metric.meaning in CONFIGURED:
            continue
        name = _whose(view, measure.tags_of(series))
        pair = measure.shift(in_our_unit(series, metric)) if name else None
        if pair is None:
            continue
        kind = "node" if metric.of == "node" else "service"
        entry = out.setdefault(name, MetricShift(name, kind))
        old = entry.moved.get(metric.meaning)
        if old is None or abs(pair[1] - pair[0]) > abs((old[1] or 0) - (old[0] or 0)):
            entry.moved[metric.meaning] = pair


def _whose(view: ClusterView, tags: Mapping[str, str]) -> str:
    """The name of the service or node that a series is about; empty without one, or where nobody looks at its namespace."""
    namespace = tags.get("kube_namespace")
    if namespace and namespace not in view.focus:
        return ""
    told = ("kube_deployment", "kube_stateful_set", "service", "host")
    return next((tags[key] for key in told if tags.get(key)), "")


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about slowness. Only when something is measured; broken workloads are other rules' matter."""
    moved = changes(view)
    if not moved:
        return
    yield from _cpu(view, moved)
    yield from _network(view, moved)


def workload_of(view: ClusterView, name: str) -> Workload | None:
    """The workload that a metric's name means; where no object was collected, the name itself stands for one."""
    for namespace in sorted(view.focus):
        found = view.resolve(namespace, name)
        if found is not None:
            return found
    if view.workloads or not view.namespace:
        return None
    return view.memo(
        f"measured {name}",
        lambda: Workload(
            "Deployment",
            {"apiVersion": "apps/v1", "metadata": {"name": name, "namespace": view.namespace}},
        ),
    )


def cpu_limit(workload: Workload) -> float | None:
    """The pod's CPU limit in cores, ``None`` when a container has none."""
    total = 0.0
    for container in workload.containers():
        value = at(container.spec, "resources", "limits", "cpu")
        if value is None:
            return None
        try:
            total += float(quantities.parse(str(value)))
        except quantities.BadQuantity:
            return None
    return total or None


def slow(change: MetricShift) -> bool:
    """Latency nearly doubled, by more than noise."""
    return change.ratio("latency") > 1.8 and (
        change.rise("latency") > 5 or change.moved["latency"][1] is None
    )


def _cpu(view: ClusterView, moved: dict[str, MetricShift]) -> Iterator[Finding[ShortOfCpu]]:
    for change in moved.values():
        workload = workload_of(view, change.name) if change.kind != "node" else None
        if workload is None:
            continue
        _, after = change.moved.get("cpu", (None, None))
        limit = cpu_limit(workload)
        full = after is not None and limit is not None and after >= 0.8 * limit
        throttled = _throttled(change)
        if not (throttled or full):
            continue
        jumped = change.ratio("cpu") > 3 and change.rise("cpu") > 0.03
        score = 0.35 + 0.3 * throttled + 0.15 * jumped + 0.1 * full + 0.1 * slow(change)
        yield Finding(
            failure_class="cpu_throttling" if throttled else "cpu_saturation",
            object=workload.ref,
            score=min(score, 0.93),
            detail=_cpu_detail(change, limit),
            evidence=_cpu_evidence(change, workload.ref, throttled=throttled),
            facts=ShortOfCpu(workload=workload),
        )


def _cpu_detail(change: MetricShift, limit: float | None) -> str:
    told = arrow(change, "cpu")
    if limit is None:
        return say("performance.cpu.unlimited", change=told)
    return say("performance.cpu.limited", change=told, limit=limit)


def _cpu_evidence(change: MetricShift, ref: ObjectRef, *, throttled: bool) -> list[Fact]:
    facts = [Fact(source="metric", statement=quote(text), object=ref) for text in change.texts[:4]]
    if "cpu" in change.moved:
        text = say("performance.cpu.moved", change=arrow(change, "cpu"))
        facts.append(_fact(text, change, "cpu", "cores", ref))
    if throttled and change.moved["throttled"][1] is not None:
        text = say("performance.cpu.throttling", change=arrow(change, "throttled"))
        facts.append(_fact(text, change, "throttled", "s", ref))
    return facts


def _out_of_cpu(workload: Workload, change: MetricShift) -> bool:
    """Its CPU explains its slowness: it is throttled, or as busy as its limit allows."""
    _, after = change.moved.get("cpu", (None, None))
    limit = cpu_limit(workload)
    return _throttled(change) or (after is not None and limit is not None and after >= 0.8 * limit)


def _throttled(change: MetricShift) -> bool:
    """Throttling appeared, or takes a fifth of all scheduling periods now."""
    if "throttled" not in change.moved:
        return False
    after = change.moved["throttled"][1]
    periods = change.moved.get("periods", (None, None))[1]
    if after is None or (periods and after / periods > 0.2):
        return True
    return change.ratio("throttled") > 2 and change.rise("throttled") > 0.05


def _fact(text: str, change: MetricShift, meaning: str, unit: str, ref: ObjectRef) -> Fact:
    value = change.moved[meaning][1]
    return Fact(source="metric", statement=text, object=ref, value=value, unit=unit)


def arrow(change: MetricShift, meaning: str) -> str:
    """``before → after``, three digits each, ``?`` where it is not known."""
    before, after = change.moved.get(meaning, (None, None))
    return say(
        "performance.change",
        before="?" if before is None else before,
        after="?" if after is None else after,
    )


def _network(view: ClusterView, moved: dict[str, MetricShift]) -> Iterator[Finding[Facts]]:
    yield from _loss(view, moved)
    lagging = _lagging(view, moved)
    graph = _reach(calls(view))
    roots = _roots(lagging, graph)
    if not roots:
        return
    # Retransmissions on a node, even few, tell a node's network from one pod's.
    disturbed = any(c.kind == "node" and c.rise("retransmits") > 0.3 for c in moved.values())
    if len(roots) > 1 or disturbed:
        shared = set.intersection(*({p.node for p in lagging[k][0].pods if p.node} for k in roots))
        for node in sorted(shared):
            yield _node_delay(node, moved, [lagging[k] for k in roots])
    # Nobody knows who calls whom: the callee's own latency grows by the largest factor, its callers only add it.
    steepest = max(roots, key=lambda k: lagging[k][1].ratio("latency"))
    unknown = len(roots) > 1 and not any(graph.values())
    for key in roots:
        workload, change = lagging[key]
        score = (0.85 if len(roots) == 1 else 0.5) - 0.4 * _busy(workload, change)
        score = score - 0.15 * disturbed + 0.14 * (unknown and key == steepest)
        followers = sorted(k for k in lagging if key in graph.get(k, set()))
        yield _delay(workload, change, score, followers)


def _lagging(
    view: ClusterView, moved: dict[str, MetricShift]
) -> dict[str, tuple[Workload, MetricShift]]:
    """Slow workloads by their keys."""
    found = {}
    for change in moved.values():
        workload = workload_of(view, change.name) if change.kind != "node" else None
        if workload is not None and slow(change):
            found[workload.ref.key] = (workload, change)
    return found


def _roots(lagging: Mapping[str, object], graph: dict[str, set[str]]) -> list[str]:
    """Keys of slow workloads that call no other slow one; where they call each other in a ring, all."""
    last = [k for k in lagging if not any(o in graph.get(k, set()) for o in lagging if o != k)]
    return last or list(lagging)


def _busy(workload: Workload, change: MetricShift) -> bool:
    """Its CPU rose with its latency, or explains it."""
    jumped = change.ratio("cpu") > 3 and change.rise("cpu") > 0.05
    return jumped or _out_of_cpu(workload, change)


def _delay(
    workload: Workload, change: MetricShift, score: float, followers: list[str]
) -> Finding[Facts]:
    """One workload's network. ``followers``: keys of the slow workloads that lead to it."""
    told = arrow(change, "latency")
    text = say("performance.latency.moved", change=told)
    facts = [_fact(text, change, "latency", "ms", workload.ref)]
    facts += [
        Fact(source="alert", statement=quote(t), object=workload.ref) for t in change.texts[:3]
    ]
    if followers:
        text = say("performance.latency.callers", callers=followers)
        facts.append(Fact(source="object", statement=text))
    carried = "traffic" in change.moved or "network_out" in change.moved
    return Finding(
        failure_class="pod_network_delay",
        object=workload.ref,
        score=score + (0.05 * bool(followers) + 0.03 * carried),
        detail=say("performance.latency.quiet_cpu", change=told),
        evidence=facts,
        facts=Facts(workload=workload),
    )


def _node_delay(
    node: str, moved: dict[str, MetricShift], roots: list[tuple[Workload, MetricShift]]
) -> Finding[Facts]:
    affected = [c.name for c in moved.values() if c.kind != "node"]
    facts = [
        Fact(
            source="metric",
            statement=say(
                "performance.node.latency",
                workload=w.name,
                change=arrow(c, "latency"),
                node=node,
            ),
            object=w.ref,
        )
        for w, c in roots[:4]
    ]
    score = 0.65 + 0.1 * min(2, len(roots) - 1) + 0.03 * min(5, len(affected))
    retrans = moved.get(node)
    if retrans is not None and retrans.rise("retransmits") > 2:
        score -= 0.3
    return Finding(
        failure_class="node_network_delay",
        object=node_ref(node),
        score=min(score, 0.93),
        detail=say("performance.node.together", n=len(roots), node=node),
        evidence=facts,
    )


def _loss(view: ClusterView, moved: dict[str, MetricShift]) -> Iterator[Finding[Facts]]:
    names = {name_of(n) for n in view.nodes}
    rises = {
        c.name: c.rise("retransmits") for c in moved.values() if c.name in names or c.kind == "node"
    }
    if not rises:
        return
    worst = max(rises, key=lambda name: rises[name])
    others = max((v for name, v in rises.items() if name != worst), default=0.0)
    if rises[worst] > 1.0 and rises[worst] > 3 * others:
        change, ref = moved[worst], node_ref(worst)
        text = say("performance.node.retransmits", node=worst, change=arrow(change, "retransmits"))
        yield Finding(
            failure_class="node_network_loss",
            object=ref,
            score=0.92,
            detail=text,
            evidence=[_fact(text, change, "retransmits", "1/s", ref)],
        )


def _reach(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Everything below each caller."""
    out: dict[str, set[str]] = {}
    for start, callees in graph.items():
        seen: set[str] = set()
        stack = list(callees)
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack.extend(graph.get(node, ()))
        out[start] = seen - {start}
    return out
