"""Nothing to change: healthy, recovered, maintenance, flapping, noise. Pure.

Asked only when no rule found trouble; each answer names what it saw, since the absence of evidence is weak evidence.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from decide.core.confidence import missing
from decide.core.families.scheduling.rules import control_plane
from decide.core.findings import Fact, Finding
from decide.core.measure import values
from decide.core.view import ClusterView
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
#: So many recoveries in a monitor's history are a habit.
_HABIT = 3
_CONDITION = re.compile(r"(?P<side>[<>])=?\s*(?P<limit>-?\d+(?:\.\d+)?)\s*$")


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


def quiet(view: ClusterView) -> Finding:
    """Which kind of nothing it is; undetermined when too little was collected to say so."""
    ref = view.bundle.k8s_context.subject or _about(view)
    if not view.workloads:
        return Finding(
            failure_class="undetermined",
            object=ref,
            score=0.3,
            detail="no workload was collected",
            evidence=[],
        )
    well = sum(w.available for w in view.workloads)
    text = f"{well} of {len(view.workloads)} workloads are available"
    unseen = missing(view) & {"pods", "controllers", "services", "endpoints"}
    if well < len(view.workloads) or unseen:
        return Finding(
            failure_class="undetermined",
            object=ref,
            score=0.4,
            detail=text,
            evidence=[Fact(source="object", statement=text)],
        )
    absent = [s.name for s in view.bundle.sources if s.state == "missing"]
    against = [f"no evidence from {name}" for name in absent]
    class_id, why = _kind(view)
    facts = [Fact(source="object", statement=text)]
    if why:
        facts.insert(
            0, Fact(source="monitor" if class_id != "maintenance" else "event", statement=why)
        )
    return Finding(
        failure_class=class_id,
        object=ref,
        score=0.85 - 0.1 * min(3, len(absent)),
        detail=why or text,
        evidence=facts,
        against=against,
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
    for class_id, look in (
        ("alert_noise", _noise),
        ("flapping_within_bounds", _flaps),
        ("maintenance", _drain),
        ("recovered", _recovery),
    ):
        why = look(view)
        if why:
            return class_id, why
    return "healthy", ""


def _noise(view: ClusterView) -> str:
    alert, monitor = view.bundle.alert, view.bundle.monitor
    if alert.title.upper().startswith("[TEST]"):
        return "a test notification"
    if alert.state == "no_data":
        return "the monitor got no data, the workloads run"
    said = _CONDITION.search(monitor.query) if monitor is not None else None
    if monitor is None or said is None:
        return ""
    measured = values(s for s in view.bundle.metrics if s.metric and s.metric in monitor.query)
    limit = float(said["limit"])
    crossed = any(v > limit if said["side"] == ">" else v < limit for v in measured)
    if len(measured) < 10 or crossed:
        return ""
    return f"the measure never crossed {said['side']} {said['limit']}: {min(measured):.3g} to {max(measured):.3g}"


def _flaps(view: ClusterView) -> str:
    monitor = view.bundle.monitor
    told = [line for line in monitor.history if "recover" in line.lower()] if monitor else []
    return f"the monitor recovered {len(told)} times lately" if len(told) >= _HABIT else ""


def _drain(view: ClusterView) -> str:
    now = view.bundle.alerted_at
    closed = {
        name_of(n) for n in view.nodes if at(n, "spec", "unschedulable") and not control_plane(n)
    }
    for event in view.events:
        when = instant(event.last)
        if (
            event.kind == "Node"
            and event.reason == "NodeNotSchedulable"
            and event.name in closed
            and when
            and now - when < _LATELY
        ):
            return f"node {event.name} was cordoned at {when:%H:%M}; everything that ran there runs elsewhere"
    return ""


def _recovery(view: ClusterView) -> str:
    alert, monitor = view.bundle.alert, view.bundle.monitor
    if alert.state == "resolved":
        return "the alert itself is a recovery"
    if monitor is not None:
        states = monitor.group_states
        state = states.get(alert.rule.group) or ("" if states else monitor.overall_state)
        if state.upper() == "OK":
            return "the monitor says OK now"
    now = view.bundle.alerted_at
    for workload in view.workloads:
        for pod in workload.pods:
            for container in pod.containers():
                when = _restarted(container)
                if when is not None and timedelta(0) <= now - when < _LATELY:
                    return f"{workload.ref.key} restarted at {when:%H:%M} and is ready since"
    return ""


def _restarted(container: Container) -> datetime | None:
    """When a container that is ready now came back."""
    started = instant(at(container.status, "state", "running", "startedAt"))
    return started if container.ready and container.restarts > 0 else None
