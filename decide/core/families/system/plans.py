"""Plans for the cluster's DNS."""

from __future__ import annotations

from decide.core.drafting.drafts import (
    PlanDraft,
    patch,
)
from decide.core.families.system.facts import SilentDns
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import at, number


def names(finding: Finding[SilentDns], view: ClusterView) -> list[PlanDraft]:
    """The DNS runs again."""
    owner = finding.facts.owner
    if owner is None or number(at(owner, "spec", "replicas"), 1) > 0:
        return []
    return [
        PlanDraft(
            fix_kind="set_replicas",
            title=say("system.dns.title"),
            why=say("system.dns.why", detail=finding.detail),
            changes=patch(view, finding.object, owner, [("spec.replicas", 2)]),
            weight=0.85,
            risks=[say("system.dns.risk")],
        )
    ]
