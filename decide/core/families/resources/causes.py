"""What makes a container too small: its limits against what it is known to need."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core import measure
from decide.core.drafting import sizing
from decide.core.drafting.containers import stated
from decide.core.drafting.heaps import heap_of
from decide.core.families.nodes.memory import speaks_against
from decide.core.families.parts import Cause, cause
from decide.core.families.resources.facts import EvictedPod, KilledContainer
from decide.core.findings import Finding
from decide.core.proof import asking
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.workloads import Workload

_MIB = 2**20
#: What makes a container need another amount of memory: another program, or the same told otherwise.
_PROGRAM = ("image", "command", "args", "env", "envFrom")


def memory(finding: Finding[KilledContainer], view: ClusterView) -> Standing:
    """Whether the limit is below what the container needs: a fixed heap, a measured peak, what it had when it worked."""
    workload, before = subject(finding, view), subject(finding, seen(view))
    if workload is None or before is None:
        return not_there(finding)
    now = asking.container(workload, finding.facts.container)
    was = asking.container(before, finding.facts.container)
    if now is None or was is None:
        return not_there(finding)
    return _limited(finding, view, workload, now, was)


def _limited(
    finding: Finding[KilledContainer],
    view: ClusterView,
    workload: Workload,
    now: Container,
    was: Container,
) -> Standing:
    """``was``: the container as it was killed."""
    limit, killed_at = stated(now, "limits", "memory"), stated(was, "limits", "memory")
    if limit is None:
        return untold(say("proof.memory.unlimited", container=now.name))
    same = all(now.spec.get(key) == was.spec.get(key) for key in _PROGRAM)
    told: Told = {"container": now.name, "limit": limit / _MIB}
    if killed_at is not None and limit <= killed_at and same:
        return stands(say("proof.memory.killed_at", killed=killed_at / _MIB, **told))
    heap = heap_of(now)
    if heap is not None and heap.fixed is not None:
        if heap.fixed / heap.share > limit:
            return stands(say("proof.memory.heap_above", heap=heap.fixed / _MIB, **told))
        held_now = killed_at is not None and heap.fixed / heap.share > killed_at
        if heap.flag != "GOMEMLIMIT" and (not same or killed_at is None or held_now):
            return gone(say("proof.memory.heap_fits", heap=heap.fixed / _MIB, **told))
    return (
        _needed(finding, view, workload, now, limit)
        if same
        else untold(say("proof.only_a_run", workload=workload.name))
    )


def _needed(
    finding: Finding[KilledContainer],
    view: ClusterView,
    workload: Workload,
    now: Container,
    limit: float,
) -> Standing:
    """The same program with a larger limit: enough where one as large was seen to do, or what it needs was measured."""
    told: Told = {"container": now.name, "limit": limit / _MIB}
    if finding.facts.spared:
        return untold(say("proof.memory.not_the_limit", **told))
    for revision in asking.worked(view, workload):
        then = asking.container(Workload("Pod", {"spec": revision.spec}), now.name)
        had = stated(then, "limits", "memory") if then is not None else None
        alike = then is not None and all(then.spec.get(k) == now.spec.get(k) for k in _PROGRAM)
        if alike and had is not None and limit >= had:
            return gone(say("proof.memory.worked", revision=revision.number, **told))
    return _measured(finding, view, now.name, limit)


def _measured(
    finding: Finding[KilledContainer], view: ClusterView, name: str, limit: float
) -> Standing:
    """What was measured of the container against its new limit, in bytes."""
    told: Told = {"container": name, "limit": limit / _MIB}
    used = measure.used(seen(view), finding.facts.workload, "memory", name)
    top = max(used.values, default=0.0)
    before = subject(finding, seen(view))
    was = asking.container(before, name) if before is not None else None
    killed = (stated(was, "limits", "memory") or 0.0) if was is not None else 0.0
    if finding.facts.unseen or finding.facts.well:
        return untold(say("proof.memory.not_the_limit", **told))
    if killed and speaks_against(top, killed):
        against: Told = {"top": top / _MIB, "killed": killed / _MIB}
        return untold(say("proof.memory.far_below", **against, **told))
    if sizing.tells(used) and limit >= 1.25 * top:
        return gone(say("proof.memory.measured", top=top / _MIB, **told))
    if top and limit < top:
        return stands(say("proof.memory.below", top=top / _MIB, **told))
    return untold(say("proof.memory.unmeasured", **told))


def disk(finding: Finding[EvictedPod], view: ClusterView) -> Standing:
    """Whether the limits of local disk are those that the pod was evicted at."""
    workload, before = subject(finding, view), subject(finding, seen(view))
    if workload is None or before is None:
        return not_there(finding)
    if list(_disks(workload)) == list(_disks(before)):
        return stands(say("proof.same_template", workload=workload.name))
    return untold(say("proof.disk.unmeasured", workload=workload.name))


def _disks(workload: Workload) -> Iterator[object]:
    for one in workload.containers():
        yield one.name, stated(one, "limits", "ephemeral-storage"), one.spec.get("image")
    yield workload.spec.get("volumes")


def declared(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """Heaps that are fixed above what their containers may use."""
    for one in workload.containers():
        heap, limit = heap_of(one), stated(one, "limits", "memory")
        if heap is None or heap.fixed is None or limit is None or heap.fixed <= limit:
            continue
        yield Finding(
            failure_class="oom_killed",
            object=workload.ref,
            score=0.8,
            detail=say(
                "proof.memory.heap_above",
                container=one.name,
                heap=heap.fixed / _MIB,
                limit=limit / _MIB,
            ),
            facts=KilledContainer(workload=workload, container=one.name),
        )


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "oom_killed": cause(KilledContainer, memory),
    "ephemeral_storage_exceeded": cause(EvictedPod, disk),
}
