"""Plans for pods that fit on no node for want of CPU or memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from decide.core import measure
from decide.core.drafting import sizing
from decide.core.drafting.containers import quantity, resource_word
from decide.core.drafting.drafts import PlanDraft, container_path, patch, patch_workload, source_of
from decide.core.drafting.history import rollback
from decide.core.drafting.revisions import Revision, revisions
from decide.core.families.scheduling.facts import Unplaced
from decide.core.families.scheduling.rules import cordoned, out_of_reach, untolerated
from decide.core.findings import Finding
from decide.core.view import ClusterView, node_ready
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import name_of
from manifests.objects.pods import is_sidecar
from manifests.objects.resources import per_pod
from manifests.objects.rollouts.reading import strategy
from manifests.objects.scheduling import affinity_takes, selector_takes
from manifests.objects.shapes import Misshapen, Obj, at, items, mapping, mappings, number
from manifests.objects.workloads import Workload
from schemas.plans import FixKind


def _room(view: ClusterView, workload: Workload, resource: str) -> Decimal | None:
    """The most that one pod may ask for so that all that wait find a node: allocatable minus requests of known pods."""
    _, used = held(view, resource)
    free: list[Decimal] = []
    for node in usable(view, workload):
        value = at(node, "status", "allocatable", resource)
        if (
            value is not None
            and selector_takes(workload.spec, node)
            and affinity_takes(workload.spec, node)
        ):
            free.append(Decimal(str(_amount(str(value)))) - Decimal(str(used[name_of(node)])))
    waiting = max(1, workload.desired - workload.ready)
    fits = [gap / share for gap in free for share in range(1, min(waiting, 20) + 1) if gap > 0]
    enough = [f for f in fits if sum(int(gap // f) for gap in free if gap > 0) >= waiting]
    return max(enough, default=None)


def capacity(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """A request that fits: from measured usage, else from the gaps on nodes; never below what is used."""
    workload = finding.facts.workload
    resource = "cpu" if finding.failure_class == "insufficient_cpu" else "memory"
    # Which nodes a volume's zone leaves is not known here: room on another one helps nobody.
    first = one_leaves_first(finding, view)
    bound = out_of_reach(finding.facts.message)
    room = None if bound else _room(view, workload, resource)
    declared = Workload(workload.kind, source_of(view, workload.ref, workload.obj)).containers()
    for container in declared:
        asks = quantity(container, "requests", resource)
        now = quantity(container, "limits", resource) if asks is None else asks
        if now is None:
            continue
        value = at(container.spec, "resources", "limits" if asks is None else "requests", resource)
        usage = measure.used(view, workload, resource, container.name)
        target = _target(resource, usage, now, room, len(declared))
        if target is not None and target < now:
            words = _Words(resource=resource, now=str(value), new=_shown(resource, target))
            basis = _basis(usage, resource, room)
            measured = sizing.tells_less(usage)
            drafts = [_less(view, workload, container.name, words, basis, measured=measured)]
            return [*first, *drafts, *rollback(finding, view)]
    return [*first, *rollback(finding, view)]


def one_leaves_first(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """A rollout that waits for room beside pods which all have to stay: one old pod goes first, and the new one fits there.

    Only where the new pod asks for no more than an old one, and more than one runs.
    """
    workload = finding.facts.workload
    known = revisions(view, workload)
    if workload.kind != "Deployment" or workload.desired < 2 or len(known) < 2:
        return []
    newest = known[-1]
    try:
        _, away, recreate = strategy(workload.obj)
    except Misshapen:
        return []
    waits = any(pod.name == finding.facts.pod.name for pod in newest.pods)
    room = waits and newest.ready == 0 and workload.ready >= workload.desired
    if recreate or away or not room or not _no_larger(known, newest):
        return []
    return [
        PlanDraft(
            fix_kind="set_strategy",
            title=say("scheduling.strategy.title", workload=workload.name),
            why=say("scheduling.strategy.why", detail=finding.detail, n=workload.desired),
            changes=patch(
                view,
                workload.ref,
                workload.obj,
                [("spec.strategy.rollingUpdate.maxUnavailable", 1)],
            ),
            weight=0.9,
            risks=[say("scheduling.strategy.risk", n=workload.desired - 1)],
        )
    ]


def beside_leaving(
    build: Callable[[Finding[Unplaced], ClusterView], list[PlanDraft]],
) -> Callable[[Finding[Unplaced], ClusterView], list[PlanDraft]]:
    """A builder whose plans come after one old pod's leaving first, where that alone makes the room."""

    def built(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
        return [*one_leaves_first(finding, view), *build(finding, view)]

    return built


def _no_larger(known: list[Revision], newest: Revision) -> bool:
    """A pod of the newest revision asks for no more than each of the ready ones'."""
    asks = _asked(newest.spec)
    running = [_asked(one.spec) for one in known[:-1] if one.ready]
    return bool(running) and all(
        asks[name] <= older.get(name, Decimal(0)) for older in running for name in asks
    )


def _asked(spec: Obj) -> dict[str, Decimal]:
    """What a pod asks for, as the scheduler counts it: sidecars, init containers and overhead too."""
    try:
        asked = per_pod(spec, "requests")
    except (Misshapen, quantities.BadQuantity):
        asked = {}
    return {name: asked.get(name, Decimal(0)) for name in ("cpu", "memory")}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """A request as manifests write it, now and then."""

    resource: str
    now: str
    new: str


def _less(
    view: ClusterView,
    workload: Workload,
    container: str,
    words: _Words,
    basis: str,
    *,
    measured: bool,
) -> PlanDraft:
    """The container asks for less."""
    path = container_path(workload, container, f"resources.requests.{words.resource}")
    kind: FixKind = "set_cpu" if words.resource == "cpu" else "set_memory"
    name = resource_word(words.resource)
    return PlanDraft(
        fix_kind=kind,
        title=say("scheduling.request.title", new=words.new, resource=name, container=container),
        why=say(
            "scheduling.request.why",
            container=container,
            now=words.now,
            resource=name,
            new=words.new,
            basis=basis,
        ),
        changes=patch_workload(view, workload, [(path, words.new)]),
        weight=0.85 if measured else 0.65,
        risks=[say("scheduling.request.less")],
    )


def _basis(usage: measure.Usage, resource: str, room: Decimal | None) -> str:
    """What the new request rests on."""
    if sizing.tells_less(usage) or room is None:
        return say("scheduling.request.samples", n=len(usage.values))
    return say("scheduling.request.gaps", room=_shown(resource, room))


def held(view: ClusterView, resource: str) -> tuple[Counter[str], dict[str, float]]:
    """Pods on each node, and what they request of a resource there; read once."""
    return view.memo(f"held {resource}", lambda: _held(view, resource))


def _held(view: ClusterView, resource: str) -> tuple[Counter[str], dict[str, float]]:
    pods: Counter[str] = Counter()
    used: dict[str, float] = defaultdict(float)
    known: dict[str, float] = {}  # thousands of pods ask for a handful of values
    for pod in view.all("pods"):
        spec = mapping(pod.get("spec"))
        place = str(spec.get("nodeName") or "")
        if not place:
            continue
        pods[place] += 1
        running = [
            *items(spec.get("containers")),
            *filter(is_sidecar, mappings(spec, "initContainers")),
        ]
        for container in running:
            value = at(container, "resources", "requests", resource)
            if value is not None:
                text = str(value)
                if text not in known:
                    known[text] = _amount(text)
                used[place] += known[text]
    return pods, used


def _amount(value: str) -> float:
    try:
        return float(quantities.parse(value))
    except quantities.BadQuantity:
        return 0.0


def _shown(resource: str, value: Decimal) -> str:
    return quantities.format_cpu(value) if resource == "cpu" else quantities.format_memory(value)


def _target(
    resource: str, usage: measure.Usage, now: Decimal, room: Decimal | None, containers: int
) -> Decimal | None:
    if sizing.tells_less(usage):
        size = (
            sizing.cpu(usage, None, None)
            if resource == "cpu"
            else sizing.memory(usage, None, None, killed=False)
        )
        wanted = Decimal(str(size.request)) if size else None
        return wanted if wanted is not None and (room is None or wanted <= room) else None
    if room is None or room <= 0:
        return None
    # Half of the gap leaves room for others; without usage that is a step, not a measure.
    fits = room / 2 / containers
    return (
        min(now, Decimal(round(fits, 2) if resource == "cpu" else int(fits // 2**26) * 2**26))
        or None
    )


def usable(view: ClusterView, workload: Workload) -> list[Obj]:
    """Nodes that would take the pods but for their labels: ready, open, with tolerated taints only."""
    pods, _ = held(view, "cpu")
    return [
        n
        for n in view.nodes
        if not cordoned(n)
        and node_ready(n) == "True"
        and not untolerated(workload.spec, n)
        and pods[name_of(n)] < number(at(n, "status", "allocatable", "pods"), 110)
    ]
