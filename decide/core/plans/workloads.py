"""Plans for replicas, DNS settings, owners of volumes, and ports within a pod."""

from __future__ import annotations

from typing import Any

from decide.core.findings import Finding
from decide.core.objects import (
    at,
    mapping,
    name_of,
    number,
)
from decide.core.plans.drafts import RESTART, Draft, patch, patch_workload
from decide.core.plans.history import rollback
from decide.core.view import ClusterView


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
            "set_replicas",
            (
                f"Run {wanted} replica(s) of {workload.name}",
                f"Passer {workload.name} à {wanted} réplica(s)",
            ),
            why,
            patch(view, workload.ref, workload.obj, [("spec.replicas", wanted)]),
            0.9,
            [("Somebody may have scaled it down on purpose", "L'arrêt était peut-être voulu")],
        )
    ]


def dns(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cluster's DNS again."""
    workload = finding.facts["workload"]
    wanted: list[tuple[str, Any]] = [(":dnsPolicy", "ClusterFirst")]
    if finding.facts.get("servers"):
        rest = {
            k: v for k, v in mapping(workload.spec.get("dnsConfig")).items() if k != "nameservers"
        }
        wanted.append((":dnsConfig", rest or None))
    if finding.facts.get("policy") == "ClusterFirst" and len(wanted) == 1:
        return rollback(finding, view)
    why = (
        f"{finding.detail}: names of the cluster do not resolve there.",
        f"{finding.detail} : les noms du cluster ne s'y résolvent pas.",
    )
    first = Draft(
        "other",
        (
            f"Resolve names of {workload.name} by the cluster's DNS",
            f"Résoudre les noms de {workload.name} par le DNS du cluster",
        ),
        why,
        patch_workload(view, workload, wanted),
        0.85,
        [RESTART],
    )
    return [first, *_servers(finding, view), *rollback(finding, view)]


def _servers(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cluster's DNS in front of the servers that were asked for."""
    workload, servers = finding.facts["workload"], list(finding.facts.get("servers") or [])
    dns_ = [
        str(at(s, "spec", "clusterIP"))
        for s in view.inside("services", "kube-system")
        if "dns" in name_of(s)
    ]
    if not servers or not dns_ or dns_[0] in servers or dns_[0] in ("None", ""):
        return []
    why = (
        f"{finding.detail}; {dns_[0]} is the cluster's DNS.",
        f"{finding.detail} ; {dns_[0]} est le DNS du cluster.",
    )
    return [
        Draft(
            "other",
            (f"Ask {dns_[0]} first", f"Interroger {dns_[0]} d'abord"),
            why,
            patch_workload(view, workload, [(":dnsConfig.nameservers", [dns_[0], *servers])]),
            0.68,
            [RESTART],
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
            "set_volume",
            (
                f"Give the volume of {workload.name} to group {group}",
                f"Donner le volume de {workload.name} au groupe {group}",
            ),
            why,
            patch_workload(view, workload, [(":securityContext.fsGroup", group)]),
            0.7,
            [("hostPath volumes ignore fsGroup", "Les volumes hostPath ignorent fsGroup"), RESTART],
        ),
        *rollback(finding, view),
    ]


def port_conflict(finding: Finding, view: ClusterView) -> list[Draft]:
    """What changed since it last worked."""
    return rollback(finding, view)
