"""Plans for programs that do not stay up: variables, owners of volumes, ports, replicas."""

from __future__ import annotations

from collections import Counter
from typing import Any

from decide.core.drafting.containers import container_of
from decide.core.drafting.drafts import (
    RESTART,
    Draft,
    patch,
    patch_workload,
)
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from manifests.objects.shapes import at, mapping, number


def variable(finding: Finding, view: ClusterView) -> list[Draft]:
    """The variable as it was, as a neighbour of the namespace has it, or under the name that it was given by mistake."""
    workload = finding.facts["workload"]
    container = container_of(workload, str(finding.facts.get("container") or ""))
    name = str(finding.facts.get("subject") or "")
    drafts = rollback(finding, view)
    if container is None or not name:
        return drafts
    told: Counter[str] = Counter()
    entries: dict[str, Any] = {}
    for other in view.workloads:
        for found in other.containers() if other.ref.key != workload.ref.key else []:
            for entry in found.env:
                if entry.get("name") == name:
                    told[repr(entry)] += 1
                    entries[repr(entry)] = dict(entry)
    group = "initContainers" if container.init else "containers"
    path = f":{group}[name={container.name}].env"
    slip = next((e for e in container.env if alike(str(e.get("name")), name) >= 0.85), None)
    if slip is not None:
        index = [e.get("name") for e in container.env].index(slip.get("name"))
        why = (
            f"{finding.detail}; {slip.get('name')} is set.",
            f"{finding.detail} ; {slip.get('name')} est défini.",
        )
        drafts.append(
            Draft(
                fix_kind="set_env",
                title=(f"Call it {name}", f"La nommer {name}"),
                why=why,
                changes=patch_workload(view, workload, [(f"{path}[{index}].name", name)]),
                weight=0.82,
                risks=[RESTART],
            )
        )
    elif len(told) == 1:
        entry = next(iter(entries.values()))
        where = f"{path}[{len(container.env)}]" if container.env else path
        value: Any = entry if container.env else [entry]
        why = (
            f"{finding.detail}; {sum(told.values())} other workloads set it alike.",
            f"{finding.detail} ; {sum(told.values())} autres applications la définissent de même.",
        )
        risk = (
            "A neighbour's value may not be meant for this program",
            "La valeur d'un voisin ne convient peut-être pas",
        )
        drafts.append(
            Draft(
                fix_kind="set_env",
                title=(f"Set {name} as its neighbours do", f"Définir {name} comme ses voisins"),
                why=why,
                changes=patch_workload(view, workload, [(where, value)]),
                weight=0.66,
                risks=[risk, RESTART],
            )
        )
    return drafts


def replicas(finding: Finding, view: ClusterView) -> list[Draft]:
    """The declared number of replicas, else one."""
    workload = finding.facts["workload"]
    wanted = number(finding.facts.get("declared")) or 1
    why = (
        f"{workload.name} has 0 replicas and is needed; {wanted} is what is declared or the least.",
        f"{workload.name} a 0 réplica et sert ; {wanted} est le nombre déclaré ou le minimum.",
    )
    return [
        Draft(
            fix_kind="set_replicas",
            title=(
                f"Run {wanted} replica(s) of {workload.name}",
                f"Passer {workload.name} à {wanted} réplica(s)",
            ),
            why=why,
            changes=patch(view, workload.ref, workload.obj, [("spec.replicas", wanted)]),
            weight=0.9,
            risks=[
                ("Somebody may have scaled it down on purpose", "L'arrêt était peut-être voulu")
            ],
        )
    ]


def volume_owner(finding: Finding, view: ClusterView) -> list[Draft]:
    """The volume's group is the one that the process runs with."""
    workload = finding.facts["workload"]
    security = mapping(workload.spec.get("securityContext"))
    group = (
        security.get("runAsGroup")
        or security.get("runAsUser")
        or next(
            (
                at(c.spec, "securityContext", k)
                for k in ("runAsGroup", "runAsUser")
                for c in workload.containers()
                if at(c.spec, "securityContext", k)
            ),
            None,
        )
    )
    if not group or security.get("fsGroup") == group:
        return rollback(finding, view)
    why = (
        f"The process runs as {group} and may not write its volume; fsGroup {group} gives it the group.",
        f"Le processus tourne en {group} sans accès à son volume ; fsGroup {group} lui donne le groupe.",
    )
    return [
        Draft(
            fix_kind="set_volume",
            title=(
                f"Give the volume of {workload.name} to group {group}",
                f"Donner le volume de {workload.name} au groupe {group}",
            ),
            why=why,
            changes=patch_workload(view, workload, [(":securityContext.fsGroup", group)]),
            weight=0.7,
            risks=[
                ("hostPath volumes ignore fsGroup", "Les volumes hostPath ignorent fsGroup"),
                RESTART,
            ],
        ),
        *rollback(finding, view),
    ]


def port_conflict(finding: Finding, view: ClusterView) -> list[Draft]:
    """What changed since it last worked."""
    return rollback(finding, view)
