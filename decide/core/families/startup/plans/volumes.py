"""Plans for volumes that only one pod may hold."""

from __future__ import annotations

from decide.core.drafting.drafts import PlanDraft, exchange, patch
from decide.core.facts import Facts
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import at, mapping


def one_at_a_time(finding: Finding[Facts], view: ClusterView) -> list[PlanDraft]:
    """The old pod lets go of its volume before the new one comes."""
    workload = finding.facts.workload
    if workload is None or workload.kind != "Deployment":
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
