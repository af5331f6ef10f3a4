"""Memory, CPU and disk of a container against its limits.

Sources: kubelet OOMKilled and exit code 137 (128 + SIGKILL), runc's "container init was OOM-killed",
kernel OOMKilling events, kubelet pkg/kubelet/eviction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from decide.core.drafting.heaps import heap_of
from decide.core.facts import Facts
from decide.core.families.nodes.memory import far_below, ran_out
from decide.core.families.resources.facts import EvictedPod, KilledContainer
from decide.core.findings import Fact, Finding, quote
from decide.core.measure import peak, usage
from decide.core.past import ended_before, of_another_run
from decide.core.ranking import DOUBT
from decide.core.view import ClusterView, Event
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import labels_of
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import at
from manifests.objects.times import instant
from manifests.objects.workloads import Workload


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about memory and local disk, at the workload."""
    for workload in view.workloads:
        yield from _memory(view, workload)
        yield from _leak(view, workload)
        yield from _evicted(workload)


def memory_limit(workload: Workload, container: str) -> float | None:
    """A container's memory limit in bytes, ``None`` without one."""
    for found in workload.containers():
        value = at(found.spec, "resources", "limits", "memory")
        if found.name == container and value is not None:
            try:
                return float(quantities.parse(str(value)))
            except quantities.BadQuantity:
                return None
    return None


def _memory(view: ClusterView, workload: Workload) -> Iterator[Finding[KilledContainer]]:
    """The first container that its memory limit killed; one whose kill is the trouble of now before others."""
    past: Finding[KilledContainer] | None = None
    for pod in workload.pods:
        events = view.events_of("Pod", pod.namespace, pod.name)
        for container in pod.containers():
            told = _oom(container, events, watched=view.collected("events"))
            if not told:
                continue
            where = _Killed(workload=workload, pod=pod, container=container)
            if not _is_past(view, where):
                yield _killed(view, where, *told)
                return
            past = past or _killed(view, where, _PAST, told[1])
    if past is not None:
        yield past


#: Belief in a kill that the workload has got over.
_PAST = 0.3


def _is_past(view: ClusterView, where: _Killed) -> bool:
    """It was got over, or befell a pod of another template with another limit."""
    if ended_before(where.pod, where.container, view.bundle.alerted_at):
        return True
    mine = at(where.container.spec, "resources", "limits", "memory")
    name, workload = where.container.name, where.workload
    now = next((c for c in workload.containers(init=True) if c.name == name), None)
    younger = [p for p in workload.pods if _template_of(p) != _template_of(where.pod)]
    others = [
        at(c.spec, "resources", "limits", "memory")
        for p in younger
        for c in p.containers()
        if c.name == name
    ]
    limit = at(now.spec, "resources", "limits", "memory") if now is not None else mine
    return not _same(mine, limit) and any(_same(one, limit) for one in others)


def _same(one: object, two: object) -> bool:
    try:
        return quantities.parse(str(one)) == quantities.parse(str(two))
    except quantities.BadQuantity:
        return one == two


@dataclass(frozen=True, slots=True, kw_only=True)
class _Killed:
    """The container, and where it runs."""

    workload: Workload
    pod: Pod
    container: Container


def _killed(
    view: ClusterView, where: _Killed, score: float, reasons: list[str]
) -> Finding[KilledContainer]:
    workload, container = where.workload, where.container
    well = _well_siblings(view, where)
    blind = [h.line for h in view.hits(workload) if h.signal == "limit_unseen"]
    limit = memory_limit(workload, container.name)
    spared = _spared(view, where)
    return Finding(
        failure_class="oom_killed",
        object=workload.ref,
        score=min(score, _SPARED) if spared else score,
        detail=(
            say("resources.memory.limited", container=container.name, limit=limit / 2**20)
            if limit
            else say("resources.memory.unlimited", container=container.name)
        ),
        evidence=[
            *(Fact(source="object", statement=r, object=workload.ref) for r in reasons),
            *_highest(view, workload, container),
            *_around(where, well, blind),
        ],
        against=[spared] if spared else [],
        facts=KilledContainer(
            workload=workload,
            container=container.name,
            well=well,
            unseen=quote(blind[-1]) if blind else "",
            spared=spared,
        ),
    )


#: Belief in a limit that is too small while the node, or what was measured, says that it was not reached: a person looks,
#: and it is not said that nothing is wrong.
_SPARED = DOUBT


def _spared(view: ClusterView, where: _Killed) -> str:
    """What tells that the container's own limit did not kill it: its node's words, or a use far below the limit."""
    container = where.container
    words = ran_out(view, where.workload, where.pod, container)
    if words:
        return say("resources.memory.by_node", node=where.pod.node, message=words)
    top = far_below(view, where.workload, container)
    limit, heap = memory_limit(where.workload, container.name), heap_of(container)
    fixed = heap is not None and heap.fixed is not None and heap.fixed / heap.share > (limit or 0)
    if top is None or limit is None or fixed:
        return ""
    return say(
        "resources.memory.far_below",
        container=container.name,
        top=top / 2**20,
        limit=limit / 2**20,
    )


def _around(where: _Killed, well: int, blind: list[str]) -> Iterator[Fact]:
    """What speaks against the limit being too small."""
    workload, pod = where.workload, where.pod
    if blind:
        yield Fact(source="log", statement=quote(blind[-1]), object=workload.ref)
    if well:
        text = say("resources.memory.siblings", n=well, pod=pod.name, node=pod.node or "?")
        yield Fact(source="object", statement=text, object=workload.ref)


#: A pod that was not restarted for this long is well.
_LONG = timedelta(hours=1)


def _well_siblings(view: ClusterView, where: _Killed) -> int:
    """Most pods of the killed one's template live on with the same limit; their number, 0 where they do not."""
    killed = where.pod
    same = [
        pod
        for pod in where.workload.pods
        if pod.name != killed.name
        and not pod.deleting
        and _template_of(pod) == _template_of(killed)
    ]
    well = [pod for pod in same if _lives(view, pod, where.container.name)]
    return len(well) if len(well) >= 2 and 2 * len(well) >= len(same) else 0


def _template_of(pod: Pod) -> str:
    labels = labels_of(pod.obj)
    return str(labels.get("pod-template-hash") or labels.get("controller-revision-hash") or "")


def _lives(view: ClusterView, pod: Pod, container: str) -> bool:
    started = [
        instant(at(found.status, "state", "running", "startedAt"))
        for found in pod.containers()
        if found.name == container and found.restarts == 0
    ]
    now = view.bundle.alerted_at
    return pod.ready and any(when is not None and now - when > _LONG for when in started)


def _highest(view: ClusterView, workload: Workload, container: Container) -> Iterator[Fact]:
    """The most memory that was measured, in MiB."""
    used = peak(usage(view, workload, "memory", container.name))
    if used is not None:
        yield Fact(
            source="metric",
            statement=say("resources.memory.highest", size=used / 2**20),
            object=workload.ref,
            value=used / 2**20,
            unit="MiB",
        )


#: A leak fills at least this share of the limit, over this many samples, in one nearly straight line.
_LEAK_SHARE, _LEAK_SAMPLES, _STRAIGHT = 0.3, 15, 0.95


def _leak(view: ClusterView, workload: Workload) -> Iterator[Finding[Facts]]:
    """Memory that climbs in a straight line to the limit while nothing else grows: more memory only buys time."""
    for container in workload.containers():
        limit = memory_limit(workload, container.name)
        if limit is None:
            continue
        for series in usage(view, workload, "memory", container.name):
            run = _steady(longest_climb([v for v in series.values if v is not None]), limit)
            if not run or run[-1] < 0.7 * limit:
                continue
            text = say(
                "resources.leak.climbs",
                container=container.name,
                first=run[0] / 2**20,
                last=run[-1] / 2**20,
                limit=limit / 2**20,
            )
            yield Finding(
                failure_class="memory_leak",
                object=workload.ref,
                score=0.97,
                detail=text,
                evidence=[
                    Fact(
                        source="metric",
                        statement=text,
                        object=workload.ref,
                        value=run[-1] / 2**20,
                        unit="MiB",
                    )
                ],
                against=[],
                facts=Facts(workload=workload),
            )
            return


def _steady(climb: list[float], limit: float) -> list[float]:
    """The longest end of a climb that fills enough of the limit in a nearly straight line; empty without one.

    What stands before the leak began is flat and noisy, and would hide the line.
    """
    for start in range(len(climb) - _LEAK_SAMPLES + 1):
        run = climb[start:]
        if run[-1] - run[0] < _LEAK_SHARE * limit:
            return []
        if straightness(run) >= _STRAIGHT:
            return run
    return []


def longest_climb(values: list[float]) -> list[float]:
    """The longest stretch that never falls by more than 2 % from one sample to the next."""
    best: list[float] = []
    run: list[float] = []
    for value in values:
        run = [*run, value] if run and value >= run[-1] * 0.98 else [value]
        if len(run) > len(best):
            best = run
    return best


def straightness(values: list[float]) -> float:
    """The coefficient of determination of a straight line through the values, 0 to 1."""
    count = len(values)
    mean_x, mean_y = (count - 1) / 2, sum(values) / count
    over = sum((n - mean_x) * (v - mean_y) for n, v in enumerate(values))
    spread_x = sum((n - mean_x) ** 2 for n in range(count))
    spread_y = sum((v - mean_y) ** 2 for v in values)
    return over * over / (spread_x * spread_y) if spread_y else 0.0


def _oom(
    container: Container, events: list[Event], *, watched: bool
) -> tuple[float, list[str]] | None:
    """Belief and reasons that the memory limit killed it."""
    died = container.terminated
    if died.get("reason") == "OOMKilled":
        score = 0.96 if not container.ready or container.restarts else 0.8
        return score, [say("resources.memory.ended_oom", container=container.name)]
    text = _runtime_words(container)
    if "OOM-killed" in text or "OOMKilled" in text:
        return 0.96, [quote(text)]
    for event in events:
        told = event.reason == "OOMKilling" or "OOM-killed" in event.message
        if told and not of_another_run(event, container):
            return 0.93, [quote(event.message)]
    if died.get("exitCode") == _SIGKILL and not _ended_on_purpose(events):
        score = 0.7 if watched else 0.45
        return score, [say("resources.memory.ended_killed", container=container.name)]
    return None


#: Exit code of a process that got SIGKILL: 128 + 9.
_SIGKILL = 137


def _runtime_words(container: Container) -> str:
    """What the runtime says of the container. A program writes its own termination message: that is left out."""
    died = container.terminated
    own = died.get("reason") in ("Error", "Completed", None)
    return f"{'' if own else died.get('message') or ''} {container.waiting.get('message') or ''}"


def _ended_on_purpose(events: list[Event]) -> bool:
    """A failed probe or somebody's deletion ended it."""
    return any(e.message.startswith("Stopping container") for e in events) or any(
        "liveness probe" in e.message or "startup probe" in e.message
        for e in events
        if e.reason == "Killing"
    )


def _evicted(workload: Workload) -> Iterator[Finding[EvictedPod]]:
    for pod in workload.pods:
        text = str(at(pod.obj, "status", "message") or "")
        if at(pod.obj, "status", "reason") != "Evicted":
            continue
        fact = Fact(source="object", statement=quote(text), object=workload.ref)
        if "ephemeral" in text or "EmptyDir volume" in text:
            yield Finding(
                failure_class="ephemeral_storage_exceeded",
                object=workload.ref,
                score=0.4 if workload.available else 0.9,
                detail=quote(text),
                evidence=[fact],
                against=[],
                facts=EvictedPod(workload=workload, message=text),
            )
        return
