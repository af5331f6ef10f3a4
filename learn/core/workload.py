"""What live objects say about a workload after a merge. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from learn.core.judgement import WorkloadState
from manifests.objects import paths, quantities
from manifests.objects.meta import condition, created_at, is_deleting
from manifests.objects.pods import SORTS, statuses_of
from manifests.objects.shapes import Obj, at, mapping, number, text
from manifests.objects.times import instant
from schemas.base import Json
from schemas.plans import ActionPlan, KubernetesChange


def state_of(
    plan: ActionPlan,
    changed: Mapping[str, Json | None],
    workload: Json | None,
    pods: Sequence[Json] | None,
    since: datetime,
) -> WorkloadState:
    """The state of ``workload`` and its pods. ``changed``: the plan's objects as they are now, by ``Kind/namespace/name``;
    ``None`` for one that is not there, no entry for one that could not be read. ``pods``: ``None`` when not read.
    """
    desired, ready = _counts(workload)
    living = [pod for pod in pods or () if not is_deleting(pod)]
    deaths = None if pods is None or workload is None else sum(_deaths(p, since) for p in living)
    reasons = tuple(dict.fromkeys(reason for pod in living for reason in _reasons(pod)))
    arrived = _arrived(plan, changed)
    if arrived and _under_way(workload) and not deaths and not reasons:
        arrived = False  # still rolling out, and nothing stands in its way
    return WorkloadState(arrived, desired, ready, deaths, reasons)


def _arrived(plan: ActionPlan, changed: Mapping[str, Json | None]) -> bool | None:
    known = [_has(change, changed) for change in plan.kubernetes_changes]
    if False in known:
        return False
    return None if None in known or not known else True


def _has(change: KubernetesChange, changed: Mapping[str, Json | None]) -> bool | None:
    if change.object.key not in changed:
        return None
    live = changed[change.object.key]
    if change.action == "delete" or live is None:
        return (live is None) == (change.action == "delete")
    if change.manifest is not None and not _same(live, _without_status(change.manifest)):
        return False
    return all(_same(paths.find(live, field.path), field.after) for field in change.fields)


def _without_status(manifest: Json) -> Json:
    return {key: value for key, value in manifest.items() if key != "status"}


def _same(found: Any, wanted: Any) -> bool:
    """Equal as Kubernetes sees it: ``0.5`` is ``500m``, and the server adds defaults to what was written."""
    if found == wanted:
        return True
    if isinstance(found, str | int | float) and isinstance(wanted, str | int | float):
        try:
            return quantities.parse(found) == quantities.parse(wanted)
        except quantities.BadQuantity:
            return str(found) == str(wanted)
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return all(_same(found.get(key), value) for key, value in wanted.items())
    if isinstance(found, list | tuple) and isinstance(wanted, list | tuple):
        return len(found) == len(wanted) and all(map(_same, found, wanted))
    return False


def _under_way(workload: Json | None) -> bool:
    """Whether the controller has not seen the newest spec yet, or has pods of it still to make."""
    if workload is None:
        return False
    status = mapping(workload, "status")
    if condition(workload, "Progressing").get("status") == "False":
        return False  # the controller has given up
    if _number(status, "observedGeneration") < _number(mapping(workload, "metadata"), "generation"):
        return True
    if workload.get("kind") == "DaemonSet":
        wanted, updated = "desiredNumberScheduled", "updatedNumberScheduled"
        return _number(status, updated) < _number(status, wanted)
    if workload.get("kind") in _ROLLED:
        return _number(status, "updatedReplicas") < _desired(workload)
    return False


#: Kinds that exchange their pods for new ones and count the new ones; Kubernetes leaves out counts of zero.
_ROLLED = ("Deployment", "StatefulSet")


def _counts(workload: Json | None) -> tuple[int | None, int | None]:
    """Pods wanted, and pods of the newest spec that are ready."""
    if workload is None:
        return None, None
    kind, status = workload.get("kind"), mapping(workload, "status")
    if kind == "DaemonSet":
        ready = min(_number(status, "numberAvailable"), _number(status, "updatedNumberScheduled"))
        return _number(status, "desiredNumberScheduled"), ready
    if kind == "ReplicaSet":
        return _desired(workload), _number(status, "readyReplicas")
    if kind in _ROLLED:
        updated = _number(status, "updatedReplicas")
        return _desired(workload), min(_number(status, "readyReplicas"), updated)
    return None, None


def _desired(workload: Json) -> int:
    return number(at(workload, "spec", "replicas"), 1)


def _number(counts: Obj, name: str) -> int:
    return number(counts.get(name))


def _deaths(pod: Json, since: datetime) -> int:
    """Deaths of a pod's containers. An init container that is done has not died."""
    made = created_at(pod)
    young = made is not None and made >= since
    return sum(
        _ends(status, since, young=young, done_is_fine=sort == "initContainers")
        for sort in SORTS
        for status in statuses_of(pod, sort)
    )


def _ends(status: Obj, since: datetime, *, young: bool, done_is_fine: bool) -> int:
    """Of a pod made since then all restarts, and an end that no restart has followed yet; of an older one the ends
    that can still be seen."""
    seen = [
        end
        for when in ("state", "lastState")
        if (end := mapping(status, when, "terminated"))
        and not (done_is_fine and not end.get("exitCode"))
        and (not young or when == "state")
        and (ended := instant(end.get("finishedAt"))) is not None
        and ended >= since
    ]
    return len(seen) + (_number(status, "restartCount") if young else 0)


#: What a pod waits for on its ordinary way up.
_STARTING = ("ContainerCreating", "PodInitializing")


def _reasons(pod: Json) -> list[str]:
    waiting = [text(status, "state", "waiting", "reason") for status in statuses_of(pod)]
    scheduled = condition(pod, "PodScheduled")
    unscheduled = text(scheduled, "reason") if scheduled.get("status") == "False" else ""
    return [reason for reason in (*waiting, unscheduled) if reason and reason not in _STARTING]
