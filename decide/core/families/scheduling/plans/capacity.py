"""Plans for pods that fit on no node for want of CPU or memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal

from decide.core import measure
from decide.core.drafting import sizing
from decide.core.drafting.drafts import Draft, container_path, patch_workload, source_of
from decide.core.drafting.history import rollback
from decide.core.families.scheduling.rules import (
    affinity_fits,
    cordoned,
    selector_fits,
    untolerated,
)
from decide.core.findings import Finding
from decide.core.objects import Obj, Workload, at, items, mapping, name_of, number
from decide.core.view import ClusterView, node_ready
from manifests.objects import quantities
from schemas.plans import FixKind


def _room(view: ClusterView, workload: Workload, resource: str) -> Decimal | None:
    """The most that one pod may ask for so that all that wait find a node: allocatable minus requests of known pods."""
    _, used = held(view, resource)
    free: list[Decimal] = []
    for node in usable(view, workload):
        value = at(node, "status", "allocatable", resource)
        if (
            value is not None
            and selector_fits(workload.spec, node)
            and affinity_fits(workload.spec, node)
        ):
            free.append(quantities.parse(str(value)) - Decimal(str(used[name_of(node)])))
    waiting = max(1, workload.desired - workload.ready)
    fits = [gap / share for gap in free for share in range(1, min(waiting, 20) + 1) if gap > 0]
    enough = [f for f in fits if sum(int(gap // f) for gap in free if gap > 0) >= waiting]
    return max(enough, default=None)


def capacity(finding: Finding, view: ClusterView) -> list[Draft]:
    """A request that fits: from measured usage, else from the gaps on nodes; never below what is used."""
    workload = finding.facts["workload"]
    resource = "cpu" if finding.failure_class == "insufficient_cpu" else "memory"
    room = _room(view, workload, resource)
    drafts = []
    declared = Workload(workload.kind, source_of(view, workload.ref, workload.obj))
    for container in declared.containers():
        value = at(container.spec, "resources", "requests", resource) or at(
            container.spec, "resources", "limits", resource
        )
        if value is None:
            continue
        now = quantities.parse(str(value))
        usage = measure.used(view, workload, resource, container.name)
        target = _target(resource, usage, now, room, len(declared.containers()))
        if target is None or target >= now:
            continue
        text = (
            quantities.format_cpu(target) if resource == "cpu" else quantities.format_memory(target)
        )
        wanted = [
            (container_path(workload, container.name, f"resources.requests.{resource}"), text)
        ]
        basis = (
            f"{len(usage.values)} samples of usage"
            if sizing.tells_less(usage)
            else f"the gaps on nodes let {_show(resource, room)} fit"
        )
        why = (
            f"{container.name} requests {value} of {resource}, no node has that; {text} rests on {basis}.",
            f"{container.name} demande {value} de {resource}, aucun nœud ne l'a ; {text} repose sur : {basis}.",
        )
        title = (
            f"Request {text} of {resource} for {container.name}",
            f"Demander {text} de {resource} pour {container.name}",
        )
        kind: FixKind = "set_cpu" if resource == "cpu" else "set_memory"
        drafts.append(
            Draft(
                fix_kind=kind,
                title=title,
                why=why,
                changes=patch_workload(view, workload, wanted),
                weight=0.85 if sizing.tells_less(usage) else 0.65,
                risks=[
                    (
                        "Less is reserved for the container than it asked for",
                        "Moins de ressources réservées que demandé",
                    )
                ],
            )
        )
    return [*drafts[:1], *rollback(finding, view)]


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
        for container in items(spec.get("containers")):
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


def _show(resource: str, room: Decimal | None) -> str:
    if room is None:
        return "unknown"
    return quantities.format_cpu(room) if resource == "cpu" else quantities.format_memory(room)


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
