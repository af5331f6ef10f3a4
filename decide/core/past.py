"""What is older than the trouble of now, and so no cause of it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from decide.core.clock import SETTLED, settled
from decide.core.view import Event
from kfix.incident.images.waiting import PULLING
from manifests.objects.meta import condition
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import Obj, at
from manifests.objects.times import instant

#: What makes a pod unready is told within so long; what was told longer before it was got over.
_AFTERMATH = timedelta(minutes=10)
#: Clocks of a node and of whoever tells of it agree within so long.
_CLOCKS = timedelta(minutes=1)
#: Why a container waits that something else than its last end keeps from starting.
_KEPT = (
    *PULLING,
    "CreateContainerConfigError",
    "CreateContainerError",
    "ContainerCreating",
    "PodInitializing",
)


def got_over(pod: Pod, when: datetime | None) -> bool:
    """The pod was ready after that: it is not ready now for a younger reason. ``False`` where nothing tells."""
    ready = condition(pod.obj, "Ready")
    broke = instant(ready.get("lastTransitionTime")) if ready.get("status") == "False" else None
    return when is not None and broke is not None and broke - when > _AFTERMATH


def ended_before(pod: Pod, container: Container, now: datetime) -> bool:
    """The container's last end is no trouble of ``now``: it has run long since, or waits for something else."""
    if settled(container, now) or got_over(pod, instant(container.terminated.get("finishedAt"))):
        return True
    current: Obj = at(container.status, "state", "terminated") or {}
    if current:
        return False
    started = instant(at(container.status, "state", "running", "startedAt"))
    if started is not None and now - started > SETTLED:
        return True
    return container.waiting.get("reason") in _KEPT


def of_another_run(event: Event, container: Container) -> bool:
    """The event is about another container, or about a run before the container's last one, whose end is known."""
    if event.container and event.container != container.name:
        return True
    died, told = container.terminated, instant(event.last)
    began, ended = instant(died.get("startedAt")), instant(died.get("finishedAt"))
    if not died or told is None:
        return False
    if began is not None:
        return told < began - _CLOCKS
    return ended is not None and told < ended - _AFTERMATH
