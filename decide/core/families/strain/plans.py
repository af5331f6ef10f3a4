"""Plans for heaps and pools that are too small."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from decide.core import measure
from decide.core.drafting import sizing
from decide.core.drafting.containers import container_of, env_path, quantity
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    PlanDraft,
    container_path,
    patch_workload,
)
from decide.core.drafting.heaps import heap_of
from decide.core.drafting.history import rollback
from decide.core.families.strain.facts import Strained
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.pods import Container
from manifests.objects.workloads import Workload
from schemas.plans import KubernetesChange

_XMX = re.compile(r"-Xmx(?P<size>\d+)(?P<unit>[kKmMgG]?)")
_OLD_SPACE = re.compile(r"--max-old-space-size=(?P<size>\d+)")
_MIB = {"": 1 / 2**20, "k": 1 / 2**10, "m": 1.0, "g": 1024.0}
_POOL = re.compile(
    r"(?:POOL_?SIZE|MAX(?:IMUM)?_?POOL|POOL_?MAX|MAX_?CONN(?:ECTION)?S|CONNECTION_LIMIT)", re.I
)


#: Share of the container's memory that a heap may take: stacks, code and buffers need the rest.
_HEAP_SHARE = 0.75
#: A pool above this many connections is no small step.
_LARGE_POOL = 200


def heap(finding: Finding[Strained], view: ClusterView) -> list[PlanDraft]:
    """Half as much heap again where the environment fixes it and the limit has room; else more memory."""
    workload = finding.facts.workload
    container = container_of(workload, finding.facts.container)
    if container is None:
        return rollback(finding, view)
    drafts = list(_larger_heap(finding, view, container))
    memory = _more_memory(finding, view, container, weight=0.65 if drafts else 0.75)
    return [*drafts, *memory, *rollback(finding, view)]


def _larger_heap(
    finding: Finding[Strained], view: ClusterView, container: Container
) -> Iterator[PlanDraft]:
    """A larger size in each variable that fixes one."""
    limit = quantity(container, "limits", "memory")
    room = float(limit) / 2**20 * _HEAP_SHARE if limit is not None else math.inf
    for entry in container.env:
        name, value = str(entry.get("name")), str(entry.get("value") or "")
        for flag, pattern in (("-Xmx{}m", _XMX), ("--max-old-space-size={}", _OLD_SPACE)):
            said = pattern.search(value)
            now = int(said["size"]) * _MIB[_unit(said)] if said else 0.0
            more = min(now * 1.5, room)
            if said is None or more <= now * 1.1:
                continue
            why = (
                say("strain.heap.fixed", detail=finding.detail, now=now)
                if limit is None
                else say(
                    "strain.heap.fixed_below",
                    detail=finding.detail,
                    now=now,
                    limit=quantities.format_memory(limit),
                )
            )
            changed = value.replace(said[0], flag.format(int(more)))
            yield PlanDraft(
                fix_kind="set_env",
                title=say("strain.heap.title", size=int(more), container=container.name),
                why=why,
                changes=_env(view, finding.facts.workload, container, name, changed),
                weight=0.8,
                risks=[say("strain.heap.risk"), RESTART],
            )


def _unit(said: re.Match[str]) -> str:
    """The size's unit in lower case; V8's sizes have none and are MiB."""
    return str(said["unit"]).lower() if "unit" in said.groupdict() else "m"


def _env(
    view: ClusterView, workload: Workload, container: Container, name: str, value: str
) -> list[KubernetesChange]:
    return patch_workload(view, workload, [(env_path(container, name), value)])


def _more_memory(
    finding: Finding[Strained], view: ClusterView, container: Container, *, weight: float
) -> Iterator[PlanDraft]:
    """More memory for a heap that follows the limit."""
    workload, limit = finding.facts.workload, quantity(container, "limits", "memory")
    if limit is None:
        return
    size = sizing.memory(measure.Usage(), float(limit), heap_of(container), killed=True)
    if size is None:
        return
    text = quantities.format_memory(size.limit)
    wanted = [
        (container_path(workload, container.name, f"resources.{which}.memory"), text)
        for which in ("limits", "requests")
    ]
    yield PlanDraft(
        fix_kind="set_memory",
        title=say("resources.memory.title", container=container.name, size=text),
        why=say("strain.heap.follows", detail=finding.detail),
        changes=patch_workload(view, workload, wanted),
        weight=weight,
        risks=[COST, RESTART],
    )


def pool(finding: Finding[Strained], view: ClusterView) -> list[PlanDraft]:
    """Half as many connections again, where a variable sets their number."""
    workload = finding.facts.workload
    container = container_of(workload, finding.facts.container)
    if container is None:
        return []
    return [*_larger_pool(finding, view, container), *rollback(finding, view)]


def _larger_pool(
    finding: Finding[Strained], view: ClusterView, container: Container
) -> Iterator[PlanDraft]:
    for entry in container.env:
        name, value = str(entry.get("name")), str(entry.get("value") or "")
        if not _POOL.search(name) or not value.isdecimal() or not 0 < int(value) <= _LARGE_POOL:
            continue
        more = str(math.ceil(int(value) * 1.5))
        yield PlanDraft(
            fix_kind="set_env",
            title=say("strain.pool.title", name=name, size=more),
            why=say("strain.pool.why", detail=finding.detail, name=name, value=value),
            changes=_env(view, finding.facts.workload, container, name, more),
            weight=0.72,
            risks=[say("strain.pool.risk"), RESTART],
        )
