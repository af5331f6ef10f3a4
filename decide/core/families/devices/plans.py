"""Plans for claims of devices: the claim that exists. Claims and templates themselves cannot be changed in place."""

from __future__ import annotations

from decide.core.drafting.drafts import RESTART, PlanDraft, because, patch_workload
from decide.core.families.devices.facts import AbsentDevice
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say


def claim(finding: Finding[AbsentDevice], view: ClusterView) -> list[PlanDraft]:
    """The reference with the name of what exists."""
    facts = finding.facts
    if not facts.near:
        return []
    place = f":resourceClaims[name={facts.entry}].{facts.field}"
    return [
        PlanDraft(
            fix_kind="other",
            title=say("devices.claim.title", workload=facts.workload.name, right=facts.near),
            why=because(finding.detail),
            changes=patch_workload(view, facts.workload, [(place, facts.near)]),
            weight=0.85,
            risks=[RESTART],
        )
    ]
