"""Plans for certificates that are not there."""

from __future__ import annotations

from decide.core.drafting.drafts import SECONDS, PlanDraft, patch
from decide.core.families.certificates.facts import AbsentSecret, BadCertificate
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


def issued(finding: Finding[BadCertificate], view: ClusterView) -> list[PlanDraft]:
    """The one field that keeps the certificate from being issued."""
    return [
        PlanDraft(
            fix_kind="set_reference",
            title=say(
                "certificates.issuer.title",
                kind=remedy.ref.kind,
                name=remedy.ref.name,
                value=remedy.value,
            ),
            why=say("certificates.issuer.why", detail=finding.detail, why=remedy.why),
            changes=patch(view, remedy.ref, remedy.live, [(remedy.path, remedy.value)]),
            weight=0.85,
            risks=[say("certificates.issuer.risk")],
            time=SECONDS,
        )
        for remedy in finding.facts.remedies
    ]
