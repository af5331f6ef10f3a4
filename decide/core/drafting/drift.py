"""Faults that stand in the cluster alone: where the repository declares something else at the very place, it is well.

Changing the repository would then repair nothing; applying it again does. Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects import paths
from manifests.objects.pods import Container
from manifests.objects.workloads import Workload
from manifests.text.comparing import same_at


def drifted(
    finding: Finding,
    view: ClusterView,
    differs: Callable[[Finding, Workload, Workload], bool] | None = None,
) -> bool:
    """The workload's declared twin does not have this fault: by the fields of its class, or by what ``differs`` compares."""
    workload = finding.facts.workload
    if workload is None:
        return False
    declared = view.declared.get((workload.kind, workload.namespace, workload.name))
    if declared is None:
        return False
    twin = Workload(workload.kind, declared)
    if differs is not None:
        return differs(finding, workload, twin)
    where = paths.parse(workload.template_path)
    return any(
        not same_at(twin.obj, workload.obj, (*where, *paths.parse(place)))
        for place in finding.kind.drift_places
    )


def twin_of(container: str, workload: Workload) -> Container | None:
    """The workload's container of that name, an init container too; ``None`` without one."""
    return next((c for c in workload.containers(init=True) if c.name == container), None)
