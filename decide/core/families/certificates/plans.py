"""Plans for certificates that are not there."""

from __future__ import annotations

from decide.core.drafting.drafts import SECONDS, Draft, patch
from decide.core.findings import Finding
from decide.core.view import ClusterView


def tls_secret(finding: Finding, view: ClusterView) -> list[Draft]:
    """The secret of the nearest name."""
    near, ingress = str(finding.facts.get("near") or ""), finding.facts.get("ingress")
    if not near or ingress is None:
        return []
    why = (f"{finding.detail}; {near} exists.", f"{finding.detail} ; {near} existe.")
    risk = (
        "A like name is not proof: check its names and dates",
        "Un nom proche n'est pas une preuve : vérifier ses noms et dates",
    )
    place = f"spec.tls[{finding.facts['index']}].secretName"
    return [
        Draft(
            fix_kind="set_reference",
            title=(f"TLS from secret {near}", f"TLS par le secret {near}"),
            why=why,
            changes=patch(view, finding.object, ingress, [(place, near)]),
            weight=0.75,
            risks=[risk],
            time=SECONDS,
        )
    ]
