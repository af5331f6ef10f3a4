"""Plans for memory and local disk."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from decide.core import measure
from decide.core.drafting import peers, sizing
from decide.core.drafting.containers import container_of, quantity, stated
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    Draft,
    container_path,
    patch_workload,
)
from decide.core.drafting.heaps import heap_of
from decide.core.drafting.peers import others_say
from decide.core.families.resources.facts import EvictedPod, KilledContainer
from decide.core.findings import Finding
from decide.core.objects import (
    at,
    items,
    mapping,
)
from decide.core.view import ClusterView
from manifests.objects import quantities

_DISK = re.compile(
    r"EmptyDir volume \"?(?P<volume>[^\"\s]+)\"? exceeds the limit \"?(?P<limit>[\w.]+)"
)


def disk(finding: Finding[EvictedPod], view: ClusterView) -> list[Draft]:
    """Half as much local disk again: of the emptyDir that is named, else of the containers' limits."""
    workload, text = finding.facts.workload, finding.facts.message
    wanted: list[tuple[str, Any]] = []
    said = _DISK.search(text)
    for volume in items(workload.spec.get("volumes")):
        size = at(volume, "emptyDir", "sizeLimit")
        if said is not None and size and mapping(volume).get("name") == said["volume"]:
            more = quantities.format_memory(quantities.parse(str(size)) * Decimal("1.5"))
            wanted.append((f":volumes[name={said['volume']}].emptyDir.sizeLimit", more))
    for container in [] if said else workload.containers():
        limit = quantity(container, "limits", "ephemeral-storage")
        if limit is not None:
            more = quantities.format_memory(limit * Decimal("1.5"))
            wanted.append(
                (
                    container_path(workload, container.name, "resources.limits.ephemeral-storage"),
                    more,
                )
            )
    why = (f"{finding.detail}.", f"{finding.detail}.")
    risk = (
        "Files that nobody deletes fill this too",
        "Des fichiers jamais supprimés rempliront aussi cela",
    )
    return [
        Draft(
            fix_kind="set_volume",
            title=(
                f"Allow {workload.name} half as much local disk again",
                f"Accorder à {workload.name} moitié plus de disque local",
            ),
            why=why,
            changes=patch_workload(view, workload, wanted),
            weight=0.78,
            risks=[risk, RESTART],
        )
    ]


def memory(finding: Finding[KilledContainer], view: ClusterView) -> list[Draft]:
    """More memory for the killed container: request and limit from its peak."""
    workload = finding.facts.workload
    container = container_of(workload, finding.facts.container)
    if container is None:
        return []
    usage = measure.used(view, workload, "memory", container.name)
    limit, request = (
        stated(container, "limits", "memory"),
        stated(container, "requests", "memory"),
    )
    size = sizing.memory(usage, limit, heap_of(container), killed=True)
    if size is None:
        return []
    others = others_say(
        peers.krr_memory(usage, limit), peers.vpa_memory(usage, limit), quantities.format_memory
    )
    text = quantities.format_memory(size.limit)
    same = container_path(workload, container.name, "resources.limits.memory")
    ask = container_path(workload, container.name, "resources.requests.memory")
    why = (
        f"{container.name} was killed at {_mib(limit)}; {size.basis}. New limit {text}.{others[0]}",
        f"{container.name} a été tué à {_mib(limit)} ; {size.basis}. Nouvelle limite {text}.{others[1]}",
    )
    title = (
        f"Raise memory of {container.name} to {text}",
        f"Porter la mémoire de {container.name} à {text}",
    )
    wanted = [(same, text)]
    both = wanted if (request or 0) >= size.limit else [*wanted, (ask, text)]
    drafts = [
        Draft(
            fix_kind="set_memory",
            title=title,
            why=why,
            changes=patch_workload(view, workload, both),
            weight=0.95 if size.measured else 0.85,
            risks=[COST, RESTART],
        )
    ]
    drafts.append(
        Draft(
            fix_kind="set_memory",
            title=(
                f"Raise only the memory limit of {container.name} to {text}",
                f"Porter seulement la limite mémoire de {container.name} à {text}",
            ),
            why=why,
            changes=patch_workload(view, workload, wanted),
            weight=0.75,
            risks=[
                (
                    "The node may run short: the request stays lower than the limit",
                    "Le nœud peut manquer de mémoire : la request reste sous la limite",
                ),
                RESTART,
            ],
        )
    )
    return drafts


def _mib(size: float | None) -> str:
    return f"{size / 2**20:.0f} MiB" if size else "no limit"
