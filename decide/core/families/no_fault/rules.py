"""Nothing to change: healthy, recovered, maintenance, flapping, noise. Pure.

Asked only when no rule found trouble; each answer names what it saw, since the absence of evidence is weak evidence.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from decide.core.confidence import OPTIONAL, missing
from decide.core.facts import Facts
from decide.core.families.no_fault.claims import (
    never_crossed,
    shown_by_objects,
    unproven,
    well_again,
)
from decide.core.families.no_fault.rollouts import unavailable, unready
from decide.core.families.scheduling.rules import control_plane
from decide.core.findings import Fact, Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import at
from manifests.objects.times import instant
from schemas.base import ObjectRef

#: Waiting reasons that do not pass by themselves.
_STUCK = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
#: A restart or a drain this long before the alert may be why it came.
_LATELY = timedelta(hours=1)
#: A rollout within its own pace explains the replicas that are missing; whether it comes to its end, nobody has seen.
_UNDER_WAY = 0.75
#: So many recoveries in a monitor's history are a habit.
_HABIT = 3


def calm(view: ClusterView) -> bool:
    """Everything that was collected looks well."""
    if not view.workloads:
        return False
    lasting = [w for w in view.workloads if w.kind not in ("Job", "CronJob", "Pod")]
    return all(w.available and not any(_failing(p) for p in w.pods) for w in lasting)


def _failing(pod: Pod) -> bool:
    """It tried more than once and is not ready: no pod that is just coming up."""
    if pod.deleting or pod.ready or pod.phase in ("Succeeded", "Failed"):
        return False
    waits = {str(c.waiting.get("reason") or "") for c in pod.containers()}
    return any(c.restarts > 1 for c in pod.containers() if not c.ready) or bool(waits & _STUCK)


def quiet(view: ClusterView) -> Finding[Facts]:
    """Which kind of nothing it is; undetermined when too little was collected to say so."""
    if not view.workloads:
        return _finding(view, "undetermined", 0.3, say("no_fault.no_workload"), [])
    well = sum(w.available for w in view.workloads)
    text = say("no_fault.available", available=well, total=len(view.workloads))
    seen = Fact(source="object", statement=text)
    unseen = missing(view) & {"pods", "controllers", "services", "endpoints"}
    if well < len(view.workloads) or unseen:
        return _finding(view, "undetermined", 0.4, text, [seen])
    class_id, why = _kind(view)
    missing_pods = None if why == say("no_fault.noise.test") else _missing_pods(view)
    if missing_pods is not None:
        return missing_pods
    if class_id == "healthy" and view.firing and not shown_by_objects(view):
        return _finding(view, "undetermined", 0.4, unproven(view), [seen])
    told = Fact(source="event" if class_id == "maintenance" else "monitor", statement=why)
    absent = [
        s.name for s in view.bundle.sources if s.state == "missing" and s.name not in OPTIONAL
    ]
    found = _finding(
        view,
        class_id,
        0.85 - 0.1 * min(3, len(absent)),
        why or text,
        [told, seen] if why else [seen],
    )
    found.against.extend(say("decide.no_evidence", source=name) for name in absent)
    return found


def _missing_pods(view: ClusterView) -> Finding[Facts] | None:
    """What is said where something that the alert names lacks pods, though as many as it wants are ready."""
    late = unready(view)
    if late is None:
        text = unavailable(view)
        facts = [Fact(source="object", statement=text)]
        return _finding(view, "undetermined", 0.4, text, facts) if text else None
    if late.overdue or (view.firing and not shown_by_objects(view)):
        return _finding(view, "undetermined", 0.4, late.said, [*late.facts(view)])
    return _finding(view, "maintenance", _UNDER_WAY, late.said, [*late.facts(view)])


def _finding(
    view: ClusterView, class_id: str, score: float, detail: str, evidence: list[Fact]
) -> Finding[Facts]:
    return Finding(
        failure_class=class_id,
        object=view.bundle.k8s_context.subject or _about(view),
        score=score,
        detail=detail,
        evidence=evidence,
    )


def _about(view: ClusterView) -> ObjectRef:
    """What an alert without a subject is about: its namespace, else its monitor, else itself."""
    if view.namespace:
        return ObjectRef(api_version="v1", kind="Namespace", name=view.namespace)
    rule = view.bundle.alert.rule.id
    if rule:
        return ObjectRef(kind="Monitor", name=rule)
    return ObjectRef(kind="Alert", name=view.bundle.trouble or view.bundle.cycle)


def _kind(view: ClusterView) -> tuple[str, str]:
    """The class, and the sentence that says why; empty for mere health."""
    for class_id, look in (
        ("alert_noise", _noise),
        ("alert_noise", never_crossed),
        ("flapping_within_bounds", _flaps),
        ("maintenance", _drain),
        ("recovered", _recovery),
    ):
        why = look(view)
        if why:
            return class_id, why
    return "healthy", ""


def _noise(view: ClusterView) -> str:
    """The alert is a test, tells of no data, or its measure never crossed its threshold."""
    alert = view.bundle.alert
    if alert.title.upper().startswith("[TEST]"):
        return say("no_fault.noise.test")
    if alert.state == "no_data":
        return say("no_fault.noise.no_data")
    return ""


def _flaps(view: ClusterView) -> str:
    monitor = view.bundle.monitor
    told = [line for line in monitor.history if "recover" in line.lower()] if monitor else []
    return say("no_fault.flaps", count=len(told)) if len(told) >= _HABIT else ""


def _drain(view: ClusterView) -> str:
    """A node that was closed lately, and is still closed."""
    now = view.bundle.alerted_at
    closed = {
        name_of(n) for n in view.nodes if at(n, "spec", "unschedulable") and not control_plane(n)
    }
    for event in view.events:
        if event.kind != "Node" or event.reason != "NodeNotSchedulable" or event.name not in closed:
            continue
        when = instant(event.last)
        if when and now - when < _LATELY:
            return say("no_fault.drained", node=event.name, at=f"{when:%H:%M}")
    return ""


def _recovery(view: ClusterView) -> str:
    """The alert, its monitor or restarts say that it is over."""
    alert, monitor = view.bundle.alert, view.bundle.monitor
    if alert.state == "resolved":
        return say("no_fault.recovery.alert")
    if monitor is not None:
        states = monitor.group_states
        state = states.get(alert.rule.group) or ("" if states else monitor.overall_state)
        if state.upper() == "OK":
            return say("no_fault.recovery.monitor")
    return well_again(view) or _came_back(view)


def _came_back(view: ClusterView) -> str:
    """What the alert names, or anything where it names nothing, restarted lately and is ready."""
    now, subject = view.bundle.alerted_at, view.bundle.k8s_context.subject
    if view.firing and not shown_by_objects(view):
        return ""  # a restart says nothing of errors or latency
    named = [w for w in view.workloads if subject is None or w.ref.key == subject.key]
    for workload in named:
        for container in (c for pod in workload.pods for c in pod.containers()):
            when = _restarted(container)
            if when is not None and timedelta(0) <= now - when < _LATELY:
                return say(
                    "no_fault.recovery.restarted", workload=workload.ref.key, at=f"{when:%H:%M}"
                )
    return ""


def _restarted(container: Container) -> datetime | None:
    """When a container that is ready now came back."""
    started = instant(at(container.status, "state", "running", "startedAt"))
    return started if container.ready and container.restarts > 0 else None
