"""Plans for quotas that are used up."""

from __future__ import annotations

from decimal import Decimal

from decide.core.drafting.drafts import (
    SECONDS,
    Draft,
    patch,
)
from decide.core.families.admission.rules import quota_family
from decide.core.findings import Finding
from decide.core.objects import name_of, number
from decide.core.view import ClusterView
from manifests.objects import quantities


def quota(finding: Finding, view: ClusterView) -> list[Draft]:
    """Room for what is declared: used + what is missing, and a tenth more; or the workload asks for less."""
    facts, current = finding.facts, finding.facts.get("quota")
    resource = str(facts.get("resource") or "")
    drafts: list[Draft] = []
    counted = (
        quota_family(resource) not in ("cpu", "memory", "storage")
        or "persistentvolumeclaims" in resource
    )
    if not facts.get("asked") and not counted:  # nobody knows how much is missing
        return _fewer(finding, view)
    try:
        used, asked = (
            quantities.parse(str(facts.get("used") or "0")),
            quantities.parse(str(facts.get("asked") or "1")),
        )
        hard = quantities.parse(str(facts.get("hard")))
    except quantities.BadQuantity:
        return []
    need = used + asked * max(1, number(facts.get("missing"), 1))
    value = _rounded(resource, max(need * Decimal("1.1"), need))
    modest = need <= hard * 16 or (hard == 0 and need <= 5)
    if current is not None and modest and quantities.parse(value) > hard:
        key = (
            f"spec.hard['{resource}']"
            if "." in resource or "/" in resource
            else f"spec.hard.{resource}"
        )
        why = (
            f"{finding.detail}; {value} leaves a tenth of room.",
            f"{finding.detail} ; {value} laisse un dixième de marge.",
        )
        drafts.append(
            Draft(
                fix_kind="set_quota",
                title=(
                    f"Raise {resource} of quota {name_of(current)} to {value}",
                    f"Porter {resource} du quota {name_of(current)} à {value}",
                ),
                why=why,
                changes=patch(view, finding.object, current, [(key, value)]),
                weight=0.8,
                risks=[
                    (
                        "The namespace may use more of the cluster",
                        "Le namespace peut consommer davantage",
                    ),
                    ("The quota's owner must agree", "Le propriétaire du quota doit accepter"),
                ],
                time=SECONDS,
            )
        )
    return [*drafts, *_fewer(finding, view)]


def _fewer(finding: Finding, view: ClusterView) -> list[Draft]:
    """As many replicas of the refused workload as the quota lets in."""
    workload = finding.facts.get("workload")
    if (
        workload is None
        or workload.kind != "Deployment"
        or not 0 < workload.created < workload.desired
    ):
        return []
    why = (
        f"{finding.detail}; {workload.created} of {workload.desired} replicas fit the quota.",
        f"{finding.detail} ; {workload.created} réplicas sur {workload.desired} tiennent dans le quota.",
    )
    return [
        Draft(
            fix_kind="set_replicas",
            title=(
                f"Run {workload.created} replicas of {workload.name}",
                f"Passer {workload.name} à {workload.created} réplicas",
            ),
            why=why,
            changes=patch(view, workload.ref, workload.obj, [("spec.replicas", workload.created)]),
            weight=0.6,
            risks=[("Fewer replicas carry the load", "Moins de réplicas portent la charge")],
            time=SECONDS,
        )
    ]


def _rounded(resource: str, value: Decimal) -> str:
    family = quota_family(resource)
    if family == "cpu":
        return quantities.format_cpu(
            value if value < 1 else value.to_integral_value(rounding="ROUND_CEILING")
        )
    if family in ("memory", "storage") and value > 2**20:
        return quantities.format_memory(value)
    return str(int(value.to_integral_value(rounding="ROUND_CEILING")))
