"""What live objects say about a workload after a merge. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from learn.core.judgement import WorkloadState
from manifests import paths, quantities
from schemas.base import Json
from schemas.plans import ActionPlan


def state_of(
    plan: ActionPlan,
    changed: Mapping[str, Json | None],
    workload: Json | None,
    pods: Sequence[Json],
    since: datetime,
) -> WorkloadState:
    """The state of ``workload`` and its pods. ``changed``: the plan's objects as they are now, by ``Kind/namespace/name``."""
    desired, ready = _counts(workload)
    return WorkloadState(
        arrived=_arrived(plan, changed),
        desired=desired,
        ready=ready,
        deaths=sum(_deaths(pod, since) for pod in pods) if workload is not None else None,
        reasons=tuple(dict.fromkeys(reason for pod in pods for reason in _reasons(pod))),
    )


def _arrived(plan: ActionPlan, changed: Mapping[str, Json | None]) -> bool | None:
    for change in plan.kubernetes_changes:
        live = changed.get(change.object.key)
        if live is None:
            return None
        for field in change.fields:
            found = paths.find(live, field.path)
            if not _same(found, field.after):
                return False
    return True


def _same(found: Any, wanted: Any) -> bool:
    """Equal as Kubernetes sees it: ``0.5`` is ``500m``."""
    if found == wanted:
        return True
    if isinstance(found, str | int | float) and isinstance(wanted, str | int | float):
        try:
            return quantities.parse(found) == quantities.parse(wanted)
        except quantities.BadQuantity:
            return str(found) == str(wanted)
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return all(_same(found.get(key), value) for key, value in wanted.items())
    return False


def _counts(workload: Json | None) -> tuple[int | None, int | None]:
    if workload is None:
        return None, None
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    if workload.get("kind") == "DaemonSet":
        return int(status.get("desiredNumberScheduled") or 0), int(
            status.get("numberAvailable") or 0
        )
    if workload.get("kind") not in ("Deployment", "StatefulSet", "ReplicaSet"):
        return None, None
    desired = spec.get("replicas")
    updated = status.get("updatedReplicas", status.get("readyReplicas"))
    available = min(int(status.get("readyReplicas") or 0), int(updated or 0))
    return 1 if desired is None else int(desired), available


def _statuses(pod: Json) -> list[Mapping[str, Any]]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _deaths(pod: Json, since: datetime) -> int:
    """Restarts of a pod made since then; of an older one, whether its last death was since then."""
    made = _instant((pod.get("metadata") or {}).get("creationTimestamp"))
    if made is not None and made >= since:
        return sum(int(status.get("restartCount") or 0) for status in _statuses(pod))
    ends = [
        _instant(((status.get(when) or {}).get("terminated") or {}).get("finishedAt"))
        for status in _statuses(pod)
        for when in ("state", "lastState")
    ]
    return sum(end is not None and end >= since for end in ends)


def _reasons(pod: Json) -> list[str]:
    waiting = [
        str(((s.get("state") or {}).get("waiting") or {}).get("reason", "")) for s in _statuses(pod)
    ]
    conditions = (pod.get("status") or {}).get("conditions") or ()
    unscheduled = [
        str(c.get("reason", ""))
        for c in conditions
        if c.get("type") == "PodScheduled" and c.get("status") == "False"
    ]
    return [
        reason for reason in (*waiting, *unscheduled) if reason and reason != "ContainerCreating"
    ]


def _instant(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
