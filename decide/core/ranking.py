"""Which finding is the cause: equal ones merge, the exact beats the general, causes beat symptoms. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from decide.core.bearing import bears, measured
from decide.core.families.gateways.rules.references import backends
from decide.core.findings import Finding
from decide.core.graph import below, calls
from decide.core.next_door import is_next_door, sufferers
from decide.core.taxonomy import sharper
from decide.core.view import ClusterView
from decide.core.watched import filters, left_out
from kfix.texts import say
from schemas.base import ObjectRef

#: Below this the answer is a person's: rules alone were not sure enough in the reliability table.
SURE = 0.6
#: The least that is left of a caller's own finding while what it calls is down without a better word.
_GUESSED = 0.2
#: How far behind the called one it stands then: further than what the alert's own subject gains.
_STEP = 0.06
#: From here on it is not said that nothing is wrong.
DOUBT = 0.56


def rank(view: ClusterView, found: Iterable[Finding]) -> list[Finding]:
    """Merges equal findings, lowers what others explain, sorts. One cause may explain many objects."""
    merged: dict[tuple[str, str], Finding] = {}
    for finding in sorted(found, key=_order):
        key = (finding.failure_class, finding.object.key)
        kept = merged.setdefault(key, finding)  # the surest of equal ones comes first
        kept.evidence = list(dict.fromkeys([*kept.evidence, *finding.evidence]))[:8]
    findings = list(merged.values())
    _step_back(findings)
    _explained_by_nodes(view, findings)
    _explained_by_callees(view, findings)
    _next_door(view, findings)
    _bounds_step_back(view, findings)
    _focus_on_subject(view, findings)
    _focus_on_measure(view, findings)
    return sorted(findings, key=lambda f: (-f.score, f.failure_class, f.object.key))


def _order(finding: Finding) -> tuple[str, str, float, str]:
    """One order of findings, whatever the order of the rules."""
    return finding.failure_class, finding.object.key, -finding.score, finding.detail


def _step_back(findings: list[Finding]) -> None:
    by_object: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        named = (finding.object.namespace, finding.object.name)
        by_object.setdefault(named, []).append(finding)
    for group in by_object.values():
        believed = [(o.failure_class, o.score) for o in group]  # before anybody steps back
        for finding in group:
            exact = sharper(finding.kind)
            better = [(score, name) for name, score in believed if name in exact and score >= 0.5]
            if better:
                most, name = max(better)
                finding.score = min(finding.score, most - 0.15)
                finding.against.append(say("decide.behind.sharper", name=name))


def _explained_by_nodes(view: ClusterView, findings: list[Finding]) -> None:
    """A node that is down explains what happens to its pods."""
    down = {f.object.name: f for f in findings if f.object.kind == "Node" and f.score >= 0.75}
    if not down:
        return
    explained = {class_id for f in down.values() for class_id in f.kind.explains}
    for finding in findings:
        workload = finding.facts.workload
        places = {p.node for p in workload.pods if p.node} if workload is not None else set()
        below = finding.object.kind != "Node" and bool(places & set(down))
        if not below and finding.failure_class not in explained:
            continue
        finding.score = min(finding.score * 0.6, 0.55)
        finding.against.append(say("decide.behind.node"))


def _explained_by_callees(view: ClusterView, findings: list[Finding]) -> None:
    """A caller that only complains about what it calls, while that one has a cause of its own or is down itself."""
    if not any(f.kind.of_a_callee for f in findings):
        return
    causes = _causes(view, findings)
    known = [f for f in findings if f.kind.explains and f.object.kind != "Node" and f.score > 0.8]
    believed = _believed(findings)
    down = {w.ref.key for w in view.workloads if w.desired and not w.ready} & believed.keys()
    for finding in findings:
        if not finding.kind.of_a_callee:
            continue
        reached = _reached(view, finding.object.key)
        under = sorted(reached & causes)
        behind = [f.object.key for f in known if finding.failure_class in f.kind.explains]
        if under or behind:
            finding.score = min(finding.score * 0.6, 0.5)
        else:
            under = sorted(reached & down, key=lambda key: (-believed[key], key))
            most = believed[under[0]] - _STEP if under else 1.0
            finding.score = min(finding.score, max(most, _GUESSED))
        if under or behind:
            finding.behind = (under or behind)[0]
            finding.against.append(say("decide.behind.explained", object=finding.behind))


def _causes(view: ClusterView, findings: Iterable[Finding]) -> set[str]:
    """Objects that have a cause of their own; what a caller may owe to a callee is one where the callee has none."""
    strong = [f for f in findings if f.score >= 0.85]
    own = {f.object.key for f in strong if not f.kind.of_a_callee}
    owed = {f.object.key for f in strong if f.kind.of_a_callee and f.kind.nature == "cause"}
    return own | {key for key in owed if not _reached(view, key) & own}


def _believed(findings: Iterable[Finding]) -> dict[str, float]:
    """The best score at each object."""
    best: dict[str, float] = {}
    for finding in findings:
        best[finding.object.key] = max(best.get(finding.object.key, 0.0), finding.score)
    return best


def _reached(view: ClusterView, key: str) -> set[str]:
    """Everything that an object calls, directly or not, and that does not call it back."""
    graph = calls(view)
    return {other for other in below(graph, key) if key not in below(graph, other)}


def _next_door(view: ClusterView, findings: list[Finding]) -> None:
    """Another namespace's trouble that nobody of the alert's own suffers from is that namespace's."""
    for finding in findings:
        if is_next_door(view, finding) and not sufferers(view, finding):
            finding.elsewhere = finding.score >= SURE
            finding.score = min(finding.score, _UNRELATED)
            finding.against.append(say("decide.behind.elsewhere"))


def _bounds_step_back(view: ClusterView, findings: list[Finding]) -> None:
    """What bounds a namespace or a workload's number explains no pods that are there and fail."""
    subject = view.bundle.k8s_context.subject
    own = [f for f in findings if subject is not None and f.object.key == subject.key]
    workload = (
        view.workload(subject.kind, subject.namespace, subject.name)
        if subject is not None
        else None
    )
    most = max((f.score for f in own), default=0.0)
    if (
        workload is None
        or most < _FAILS
        or workload.created < workload.desired
        or workload.available
    ):
        return
    for finding in findings:
        theirs = finding.facts.workload
        if finding.object.kind in _BOUNDS and (
            theirs is None or theirs.ref.key != workload.ref.key
        ):
            finding.score = min(finding.score, most - _STEP)
            finding.against.append(say("decide.behind.elsewhere"))


def _focus_on_subject(view: ClusterView, findings: list[Finding]) -> None:
    """What the alert itself points at counts a little more; what has nothing to do with it is no cause of it.

    A namespace can hold several troubles at once: each has its own alert, and one alert's fix must not be another's.
    """
    subject = view.bundle.k8s_context.subject
    named = {str(a.get("entry_service") or a.get("name") or "") for a in view.anomalies}
    named |= view.mentioned
    related = _related(view, subject) if subject is not None else None
    own = [f.score for f in findings if related is not None and _concerns(view, f, related)]
    for finding in findings:
        if subject is not None and finding.object.name == subject.name:
            finding.score = min(0.98, finding.score + 0.03)
        elif finding.object.name in named:
            finding.score = min(0.98, finding.score + 0.01)
        if (
            related is not None
            and finding.object.kind not in _SHARED
            and not _concerns(view, finding, related)
        ):
            finding.elsewhere = finding.score >= SURE
            below = (
                max(own) - 0.05 if own else _UNRELATED
            )  # what is known of the subject itself comes first
            most = min(_UNRELATED, below) if below > 0.25 else _UNRELATED
            finding.score = min(finding.score, most - 0.02 * (1 - finding.score))  # in their order
            finding.against.append(say("decide.behind.elsewhere"))


def _focus_on_measure(view: ClusterView, findings: list[Finding]) -> None:
    """Of an alert that names a namespace alone, what does not bear on its measure, or its query does not watch, is another
    trouble.
    """
    kinds, asked = measured(view), filters(view)
    for finding in findings:
        if not bears(finding, kinds) or left_out(view, finding, asked):
            finding.elsewhere = finding.elsewhere or finding.score >= SURE
            finding.score = min(finding.score, _UNRELATED - 0.02 * (1 - finding.score))
            finding.against.append(say("decide.behind.not_measured"))


def _concerns(view: ClusterView, finding: Finding, related: set[str]) -> bool:
    """It is about one of the names: as its object, or through what the object leads to or aims at."""
    if finding.object.name in related or finding.kind.everybodys:
        return True
    if related.intersection(finding.facts.concerns):
        return True
    if finding.object.kind in _ROUTES:
        for backend in backends(view):
            if backend.owner.key == finding.object.key:
                behind = view.resolve(backend.namespace, backend.name)
                if backend.name in related or (behind is not None and behind.name in related):
                    return True
    aimed = finding.object.kind in _AIMED
    return aimed and bool(related.intersection(finding.facts.aims))


#: Kinds that lead to workloads, and kinds that aim at one by name.
_ROUTES = frozenset({"Ingress", "HTTPRoute", "GRPCRoute", "VirtualService"})
_AIMED = _ROUTES | {"HorizontalPodAutoscaler", "PodDisruptionBudget", "PersistentVolumeClaim"}
#: Kinds whose trouble is everybody's.
_SHARED = frozenset({"Node", "Namespace", "ResourceQuota", "LimitRange"})
#: Kinds that say how many there may be, or how much.
_BOUNDS = frozenset({"ResourceQuota", "LimitRange", "HorizontalPodAutoscaler"})
#: Belief from which the alert's own subject is known to fail.
_FAILS = 0.45
#: Below ``SURE``: a person looks before another workload is changed for this alert.
_UNRELATED = 0.55


def _related(view: ClusterView, subject: ObjectRef) -> set[str]:
    """Names of the subject and of everything it calls, directly or not."""
    under = below(calls(view), subject.key)
    return {subject.name, *(key.rpartition("/")[2] for key in under)}
