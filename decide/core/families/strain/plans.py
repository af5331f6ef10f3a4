"""Plans for heaps and pools that are too small."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from decide.core import measure
from decide.core.drafting import sizing
from decide.core.drafting.containers import container_of, env_path, quantity
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    Draft,
    container_path,
    patch_workload,
)
from decide.core.drafting.heaps import heap_of
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects import quantities

_XMX = re.compile(r"-Xmx(?P<size>\d+)(?P<unit>[kKmMgG]?)")
_OLD_SPACE = re.compile(r"--max-old-space-size=(?P<size>\d+)")
_MIB = {"": 1 / 2**20, "k": 1 / 2**10, "m": 1.0, "g": 1024.0}
_POOL = re.compile(
    r"(?:POOL_?SIZE|MAX(?:IMUM)?_?POOL|POOL_?MAX|MAX_?CONN(?:ECTION)?S|CONNECTION_LIMIT)", re.I
)


def heap(finding: Finding, view: ClusterView) -> list[Draft]:
    """Half as much heap again where the environment fixes it and the limit has room; else more memory."""
    workload = finding.facts["workload"]
    container = container_of(workload, str(finding.facts.get("container") or ""))
    if container is None:
        return rollback(finding, view)
    limit = quantity(container, "limits", "memory")
    room = float(limit) / 2**20 * 0.75 if limit is not None else math.inf
    drafts = []
    for entry in container.env:
        name, value = str(entry.get("name")), str(entry.get("value") or "")
        for pattern in (_XMX, _OLD_SPACE):
            said = pattern.search(value)
            if said is None:
                continue
            unit = said["unit"].lower() if pattern is _XMX else "m"
            now = int(said["size"]) * _MIB[unit]
            more = min(now * 1.5, room)
            if more > now * 1.1:
                text = (
                    f"-Xmx{int(more)}m" if pattern is _XMX else f"--max-old-space-size={int(more)}"
                )
                why = (
                    f"{finding.detail}; the heap is fixed at {now:.0f} MiB, the container may use {_show(limit)}.",
                    f"{finding.detail} ; le tas est fixé à {now:.0f} MiB, le conteneur dispose de {_show(limit)}.",
                )
                drafts.append(
                    Draft(
                        fix_kind="set_env",
                        title=(
                            f"A heap of {int(more)} MiB for {container.name}",
                            f"Un tas de {int(more)} MiB pour {container.name}",
                        ),
                        why=why,
                        changes=patch_workload(
                            view,
                            workload,
                            [(env_path(container, name), value.replace(said[0], text))],
                        ),
                        weight=0.8,
                        risks=[
                            ("A leak only lasts longer", "Une fuite dure seulement plus longtemps"),
                            RESTART,
                        ],
                    )
                )
    if limit is not None:
        size = sizing.memory(measure.Usage(), float(limit), heap_of(container), killed=True)
        if size is None:
            return [*drafts, *rollback(finding, view)]
        text = quantities.format_memory(size.limit)
        paths = [
            container_path(workload, container.name, f"resources.{which}.memory")
            for which in ("limits", "requests")
        ]
        why = (
            f"{finding.detail}; heaps that follow the limit grow with it.",
            f"{finding.detail} ; un tas proportionnel grandit avec la limite.",
        )
        drafts.append(
            Draft(
                fix_kind="set_memory",
                title=(
                    f"Raise memory of {container.name} to {text}",
                    f"Porter la mémoire de {container.name} à {text}",
                ),
                why=why,
                changes=patch_workload(view, workload, [(p, text) for p in paths]),
                weight=0.65 if drafts else 0.75,
                risks=[COST, RESTART],
            )
        )
    return [*drafts, *rollback(finding, view)]


def _show(limit: Decimal | None) -> str:
    return quantities.format_memory(limit) if limit is not None else "-"


def pool(finding: Finding, view: ClusterView) -> list[Draft]:
    """Half as many connections again, where a variable sets their number."""
    workload = finding.facts["workload"]
    container = container_of(workload, str(finding.facts.get("container") or ""))
    if container is None:
        return []
    drafts = []
    for entry in container.env:
        name, value = str(entry.get("name")), str(entry.get("value") or "")
        if _POOL.search(name) and value.isdigit() and 0 < int(value) <= 200:
            more = max(int(value) + 1, math.ceil(int(value) * 1.5))
            why = (
                f"{finding.detail}; {name} is {value}.",
                f"{finding.detail} ; {name} vaut {value}.",
            )
            risk = (
                "The database must allow that many connections",
                "La base doit accepter autant de connexions",
            )
            drafts.append(
                Draft(
                    fix_kind="set_env",
                    title=(f"{name} = {more}", f"{name} = {more}"),
                    why=why,
                    changes=patch_workload(
                        view, workload, [(env_path(container, name), str(more))]
                    ),
                    weight=0.72,
                    risks=[risk, RESTART],
                )
            )
    return [*drafts, *rollback(finding, view)]
