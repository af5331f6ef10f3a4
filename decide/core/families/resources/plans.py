"""Plans for memory and local disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from decide.core import measure
from decide.core.drafting import peers, sizing
from decide.core.drafting.containers import container_of, env_path, quantity, stated
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    PlanDraft,
    after,
    because,
    container_path,
    patch_workload,
)
from decide.core.drafting.heaps import heap_of, within
from decide.core.families.resources.facts import EvictedPod, KilledContainer
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.pods import Container
from manifests.objects.shapes import at, items, mapping
from manifests.objects.workloads import Workload

_DISK = re.compile(
    r"EmptyDir volume \"?(?P<volume>[^\"\s]+)\"? exceeds the limit \"?(?P<limit>[\w.]+)"
)


def disk(finding: Finding[EvictedPod], view: ClusterView) -> list[PlanDraft]:
    """Half as much local disk again: of the emptyDir that is named, else of the containers' limits."""
    workload = finding.facts.workload
    named = _DISK.search(finding.facts.message)
    wanted = _volume(workload, named["volume"]) if named else _containers(workload)
    return [
        PlanDraft(
            fix_kind="set_volume",
            title=say("resources.disk.title", workload=workload.name),
            why=because(finding.detail),
            changes=patch_workload(view, workload, wanted),
            weight=0.78,
            risks=[say("resources.disk.risk"), RESTART],
        )
    ]


def _volume(workload: Workload, name: str) -> list[tuple[str, Any]]:
    sizes = [
        at(volume, "emptyDir", "sizeLimit")
        for volume in items(workload.spec.get("volumes"))
        if mapping(volume).get("name") == name
    ]
    return [
        (f":volumes[name={name}].emptyDir.sizeLimit", _half_more(quantities.parse(str(size))))
        for size in sizes
        if size
    ]


def _containers(workload: Workload) -> list[tuple[str, Any]]:
    limits = [(c.name, quantity(c, "limits", "ephemeral-storage")) for c in workload.containers()]
    return [
        (container_path(workload, name, "resources.limits.ephemeral-storage"), _half_more(limit))
        for name, limit in limits
        if limit is not None
    ]


def _half_more(size: Decimal) -> str:
    return quantities.format_memory(size * Decimal("1.5"))


def memory(finding: Finding[KilledContainer], view: ClusterView) -> list[PlanDraft]:
    """More memory for the killed container: request and limit from its peak.

    Not where pods of the same template live on with the same limit, nor where something tells that the limit was not
    reached, nor where a runtime does not see the limit: it would fill any.
    """
    workload = finding.facts.workload
    container = container_of(workload, finding.facts.container)
    if container is None or finding.facts.well or finding.facts.spared:
        return []
    if finding.facts.unseen:
        return _told_its_limit(finding, view, container)
    limit = stated(container, "limits", "memory")
    smaller = _smaller_heap(finding, view, container, limit) if limit else ()
    return [
        *_more_memory(finding, view, container),
        *smaller,
        *_collected(finding, view, container, limit),
    ]


def _more_memory(
    finding: Finding[KilledContainer], view: ClusterView, container: Container
) -> list[PlanDraft]:
    """A higher limit, with the request and without. One that holds a fixed heap, however many steps that takes: whether it
    may be so large is the ceilings' matter, and with less the container would be killed again.
    """
    workload = finding.facts.workload
    usage = measure.used(view, workload, "memory", container.name)
    limit = stated(container, "limits", "memory")
    heap = heap_of(container)
    size = sizing.memory(usage, limit, heap, killed=True)
    if size is None:
        return []
    if size.capped and heap is not None and heap.fixed is not None:
        size = sizing.holding(size, heap.fixed / heap.share)
    asked = stated(container, "requests", "memory") or 0.0
    text = quantities.format_memory(max(size.limit, asked))  # no limit may be below its request
    others = peers.comparison(
        peers.krr_memory(usage, limit), peers.vpa_memory(usage, limit), quantities.format_memory
    )
    why = after(_why(container, limit, size, text), others)
    raised = [(container_path(workload, container.name, "resources.limits.memory"), text)]
    ask = (container_path(workload, container.name, "resources.requests.memory"), text)
    enough = asked >= size.limit
    return [
        PlanDraft(
            fix_kind="set_memory",
            title=say("resources.memory.title", container=container.name, size=text),
            why=why,
            changes=patch_workload(view, workload, raised if enough else [*raised, ask]),
            weight=0.95 if size.measured else 0.85,
            risks=[COST, RESTART],
        ),
        PlanDraft(
            fix_kind="set_memory",
            title=say("resources.memory.limit_title", container=container.name, size=text),
            why=why,
            changes=patch_workload(view, workload, raised),
            weight=0.75,
            risks=[say("resources.memory.limit_risk"), RESTART],
        ),
    ]


def _smaller_heap(
    finding: Finding[KilledContainer], view: ClusterView, container: Container, limit: float
) -> Iterator[PlanDraft]:
    """The heap from the limit, where it is told to be larger than what the limit leaves it."""
    fitted, heap = within(container, limit), heap_of(container)
    if not fitted or heap is None:
        return
    wanted: list[tuple[str, Any]] = [
        (container_path(finding.facts.workload, container.name, rest), value)
        for rest, value in fitted
    ]
    yield PlanDraft(
        fix_kind="set_env" if all(rest.startswith("env") for rest, _ in fitted) else "set_command",
        title=say("resources.memory.heap_fits", container=container.name, flag=heap.flag),
        why=say("resources.memory.heap_above", flag=heap.flag, limit=limit / 2**20),
        changes=patch_workload(view, finding.facts.workload, wanted),
        weight=0.82,
        risks=[say("resources.memory.heap_risk"), RESTART],
    )


#: Variables that only Go's runtime reads.
_GO = frozenset({"GOGC", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK"})
_SOFT_LIMIT = "GOMEMLIMIT"


def _collected(
    finding: Finding[KilledContainer], view: ClusterView, container: Container, limit: float | None
) -> Iterator[PlanDraft]:
    """A soft limit for a Go program that knows none: its collector then works before the kernel kills."""
    names = {str(entry.get("name")) for entry in container.env}
    if limit is None or not names & _GO or _SOFT_LIMIT in names:
        return
    value = f"{int(limit * 0.9 / 2**20)}MiB"
    place = container_path(finding.facts.workload, container.name, f"env[{len(container.env)}]")
    yield PlanDraft(
        fix_kind="set_env",
        title=say("resources.memory.go_title", container=container.name, value=value),
        why=say("resources.memory.go_why", value=value, limit=limit / 2**20),
        changes=patch_workload(
            view, finding.facts.workload, [(place, {"name": _SOFT_LIMIT, "value": value})]
        ),
        weight=0.74,
        risks=[RESTART],
    )


#: Share of the container's memory that a JVM's heap may take: stacks, code, metaspace and buffers need the rest.
_HEAP_SHARE = 0.75
#: What each JVM reads before its command line, whatever script starts it.
_JVM_OPTIONS = "JAVA_TOOL_OPTIONS"


def _told_its_limit(
    finding: Finding[KilledContainer], view: ClusterView, container: Container
) -> list[PlanDraft]:
    """A heap below the limit, for a JVM that sizes it by the node's memory; none where it was told one already."""
    limit = stated(container, "limits", "memory")
    named = any(entry.get("name") == _JVM_OPTIONS for entry in container.env)
    if limit is None or heap_of(container) is not None or named:
        return []
    size = int(limit * _HEAP_SHARE / 2**20)
    value = f"-Xmx{size}m"
    wanted: list[tuple[str, Any]] = [(env_path(container, _JVM_OPTIONS), value)]
    if not container.env:
        whole = container_path(finding.facts.workload, container.name, "env")
        wanted = [(whole, [{"name": _JVM_OPTIONS, "value": value}])]
    return [
        PlanDraft(
            fix_kind="set_env",
            title=say("resources.memory.heap_title", container=container.name, size=size),
            why=say(
                "resources.memory.heap_why",
                line=finding.facts.unseen,
                size=size,
                limit=limit / 2**20,
            ),
            changes=patch_workload(view, finding.facts.workload, wanted),
            weight=0.85,
            risks=[RESTART],
        )
    ]


def _why(container: Container, limit: float | None, size: sizing.Size, text: str) -> str:
    if not limit:
        return say(
            "resources.memory.why_unlimited", container=container.name, basis=size.basis, size=text
        )
    return say(
        "resources.memory.why",
        container=container.name,
        limit=limit / 2**20,
        basis=size.basis,
        size=text,
    )
