"""Plans for memory, CPU and autoscalers."""

from __future__ import annotations

from collections.abc import Callable

from decide.core import measure
from decide.core.findings import Finding
from decide.core.objects import Container, Workload, at, number
from decide.core.plans import peers, sizing
from decide.core.plans.drafts import COST, RESTART, Draft, container_path, patch, patch_workload
from decide.core.plans.heaps import heap_of
from decide.core.view import ClusterView
from manifests.objects import quantities


def _quantity(container: Container, which: str, resource: str) -> float | None:
    value = at(container.spec, "resources", which, resource)
    try:
        return float(quantities.parse(str(value))) if value is not None else None
    except quantities.BadQuantity:
        return None


def _container(workload: Workload, name: str) -> Container | None:
    found = [c for c in workload.containers(init=True) if c.name == name]
    plain = workload.containers()
    return found[0] if found else plain[0] if plain else None


def memory(finding: Finding, view: ClusterView) -> list[Draft]:
    """More memory for the killed container: request and limit from its peak."""
    workload = finding.facts["workload"]
    container = _container(workload, str(finding.facts.get("container") or ""))
    if container is None:
        return []
    usage = measure.used(view, workload, "memory", container.name)
    limit, request = (
        _quantity(container, "limits", "memory"),
        _quantity(container, "requests", "memory"),
    )
    size = sizing.memory(usage, limit, heap_of(container), killed=True)
    if size is None:
        return []
    others = _peers(
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
            "set_memory",
            title,
            why,
            patch_workload(view, workload, both),
            0.95 if size.measured else 0.85,
            [COST, RESTART],
        )
    ]
    drafts.append(
        Draft(
            "set_memory",
            (
                f"Raise only the memory limit of {container.name} to {text}",
                f"Porter seulement la limite mémoire de {container.name} à {text}",
            ),
            why,
            patch_workload(view, workload, wanted),
            0.75,
            [
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


def _peers(krr: float | None, vpa: float | None, show: Callable[[float], str]) -> tuple[str, str]:
    """What other recommenders would request, as a sentence in both languages; empty when they would not say."""
    told = [
        f"{name} {show(value)}" for name, value in (("KRR", krr), ("VPA", vpa)) if value is not None
    ]
    if not told:
        return "", ""
    return (
        f" Others would request: {', '.join(told)}.",
        f" D'autres outils demanderaient : {', '.join(told)}.",
    )


def cpu(finding: Finding, view: ClusterView) -> list[Draft]:
    """More CPU for the busiest container; more replicas beside it."""
    workload = finding.facts["workload"]
    container = _container(workload, str(finding.facts.get("container") or ""))
    if container is None:
        return []
    usage = measure.used(view, workload, "cpu", container.name)
    request, limit = _quantity(container, "requests", "cpu"), _quantity(container, "limits", "cpu")
    size = sizing.cpu(usage, request, limit)
    drafts = []
    if size is not None:
        others = _peers(peers.krr_cpu(usage), peers.vpa_cpu(usage), quantities.format_cpu)
        ask, most = quantities.format_cpu(size.request), quantities.format_cpu(size.limit)
        wanted = [(container_path(workload, container.name, "resources.requests.cpu"), ask)]
        if limit is not None:
            wanted.append((container_path(workload, container.name, "resources.limits.cpu"), most))
        why = (
            f"{finding.detail}; {size.basis}. Request {ask}, limit {most}.{others[0]}",
            f"{finding.detail} ; {size.basis}. Request {ask}, limite {most}.{others[1]}",
        )
        drafts.append(
            Draft(
                "set_cpu",
                (
                    f"Raise CPU of {container.name} to {ask} (limit {most})",
                    f"Porter le CPU de {container.name} à {ask} (limite {most})",
                ),
                why,
                patch_workload(view, workload, wanted),
                0.9 if size.measured else 0.8,
                [COST, RESTART],
            )
        )
    return drafts + _replicas(finding, view, workload)


def scaled_by_itself(view: ClusterView, workload: Workload) -> bool:
    """An autoscaler owns the number of replicas."""
    return any(
        at(s, "spec", "scaleTargetRef", "name") == workload.name
        and at(s, "spec", "scaleTargetRef", "kind") == workload.kind
        for s in view.all("horizontalpodautoscalers")
    )


def _replicas(finding: Finding, view: ClusterView, workload: Workload) -> list[Draft]:
    """One replica more, when no autoscaler owns the number and the pods hold no data of their own."""
    if workload.kind != "Deployment" or workload.desired < 1 or scaled_by_itself(view, workload):
        return []
    if any(at(v, "persistentVolumeClaim") for v in workload.spec.get("volumes") or []):
        return []
    more = workload.desired + 1
    why = (
        f"{finding.detail}. {more} replicas share the load.",
        f"{finding.detail}. {more} réplicas se partagent la charge.",
    )
    return [
        Draft(
            "set_replicas",
            (
                f"Run {more} replicas of {workload.name}",
                f"Passer {workload.name} à {more} réplicas",
            ),
            why,
            patch(view, workload.ref, workload.obj, [("spec.replicas", more)]),
            0.65,
            [COST],
        )
    ]


def ceiling(finding: Finding, view: ClusterView) -> list[Draft]:
    """A higher maximum for the autoscaler: by how far the metric stands above its target, at most double."""
    scaler, ref = finding.facts["scaler"], finding.facts["scaler_ref"]
    most = number(at(scaler, "spec", "maxReplicas"))
    above = [int(part) for part in str(finding.facts.get("above") or "").split() if part.isdigit()]
    factor = above[0] / above[1] if len(above) == 2 and above[1] else 1.5
    new = max(most + 1, min(most * 2, -(-most * int(factor * 100) // 100)))
    why = (
        f"{finding.detail}: maxReplicas {most} → {new}.",
        f"{finding.detail} : maxReplicas {most} → {new}.",
    )
    drafts = [
        Draft(
            "set_autoscaler_bounds",
            (
                f"Raise maxReplicas of {ref.name} to {new}",
                f"Porter maxReplicas de {ref.name} à {new}",
            ),
            why,
            patch(view, ref, scaler, [("spec.maxReplicas", new)]),
            0.9,
            [
                COST,
                (
                    "Nodes must hold the additional pods",
                    "Les nœuds doivent accueillir les pods supplémentaires",
                ),
            ],
        )
    ]
    workload = finding.facts.get("workload")
    if workload is not None:
        drafts += [
            d
            for d in cpu(
                Finding(
                    "cpu_saturation",
                    workload.ref,
                    0.5,
                    finding.detail,
                    [],
                    [],
                    {"workload": workload},
                ),
                view,
            )
            if d.fix_kind == "set_cpu"
        ]
    return drafts
