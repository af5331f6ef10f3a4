"""Plans for claims that pods name and nobody made."""

from __future__ import annotations

from decide.core.drafting.drafts import (
    RESTART,
    Draft,
    patch_workload,
)
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.objects import (
    Workload,
    at,
    items,
    mapping,
    name_of,
)
from decide.core.view import ClusterView


def absent(finding: Finding, view: ClusterView) -> list[Draft]:
    """The claim of the nearest name that exists, else the revision before."""
    workload: Workload = finding.facts["workload"]
    missing = str(finding.facts.get("claim") or "")
    taken = {
        str(at(v, "persistentVolumeClaim", "claimName"))
        for w in view.workloads
        if w is not workload
        for v in items(w.spec.get("volumes"))
    }
    names = [name_of(c) for c in view.inside("persistentvolumeclaims", workload.namespace)]
    near = max(
        (
            n
            for n in names
            if n not in taken and (alike(n, missing) >= 0.8 or n in missing or missing in n)
        ),
        key=lambda n: alike(n, missing),
        default="",
    )
    drafts = rollback(finding, view)
    for volume in items(workload.spec.get("volumes")):
        if near and at(volume, "persistentVolumeClaim", "claimName") == missing:
            path = f":volumes[name={mapping(volume).get('name')}].persistentVolumeClaim.claimName"
            why = (
                f"There is no claim {missing}; {near} exists and nobody else mounts it.",
                f"Pas de PVC {missing} ; {near} existe et personne d'autre ne le monte.",
            )
            risk = (
                "A like name is not proof: check what the volume holds",
                "Un nom proche n'est pas une preuve : vérifier le contenu du volume",
            )
            drafts.append(
                Draft(
                    fix_kind="set_volume",
                    title=(f"Mount claim {near}", f"Monter le PVC {near}"),
                    why=why,
                    changes=patch_workload(view, workload, [(path, near)]),
                    weight=0.76,
                    risks=[risk, RESTART],
                )
            )
    return drafts
