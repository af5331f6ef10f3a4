"""Plans for certificates that are not there."""

from __future__ import annotations

from decide.core.drafting.drafts import SECONDS, PlanDraft, patch
from decide.core.families.certificates.facts import AbsentSecret
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say


def tls_secret(finding: Finding[AbsentSecret], view: ClusterView) -> list[PlanDraft]:
    """The secret of the nearest name."""
    facts = finding.facts
    if not facts.near:
        return []
    place = f"spec.tls[{facts.index}].secretName"
    return [
        PlanDraft(
            fix_kind="set_reference",
            title=say("certificates.secret.title", near=facts.near),
            why=say("drafting.near_exists", detail=finding.detail, near=facts.near),
            changes=patch(view, finding.object, facts.ingress, [(place, facts.near)]),
            weight=0.75,
            risks=[say("certificates.secret.no_proof")],
            time=SECONDS,
        )
    ]
