"""Plans for volumes that only one pod may hold."""

from __future__ import annotations

import re

from decide.core.drafting.drafts import PlanDraft, exchange, patch
from decide.core.facts import Facts
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import at, mapping
from manifests.objects.workloads import Workload

#: The attach controller's own words (Kubernetes' reconciler.go, "Volume is already used by pod(s) …").
_HOLDERS = re.compile(r"already used by pod\(s\) ([a-z0-9.-]+(?:, [a-z0-9.-]+)*)")


def one_at_a_time(finding: Finding[Facts], view: ClusterView) -> list[PlanDraft]:
    """The old pod lets go of its volume before the new one comes."""
    workload = finding.facts.workload
    if workload is None or workload.kind != "Deployment" or _held_by_others(finding, workload):
        return []
    current = mapping(at(workload.obj, "spec", "strategy"))
    wanted = exchange("spec.strategy", current, {"type": "Recreate"})
    return [
        PlanDraft(
            fix_kind="set_strategy",
            title=say("startup.recreate.title", workload=workload.name),
            why=say("startup.recreate.why", detail=finding.detail),
            changes=patch(view, workload.ref, workload.obj, wanted),
            weight=0.7,
            risks=[say("startup.recreate.risk")],
        )
    ]


def _held_by_others(finding: Finding[Facts], workload: Workload) -> bool:
    """Is each pod that is said to hold the volume none of the workload's? Then nothing that it does lets go of it."""
    said = _HOLDERS.search(finding.detail)
    if said is None:
        return False
    own = {pod.name for pod in workload.pods}
    return not own & {name.rstrip(".") for name in said[1].split(", ")}
