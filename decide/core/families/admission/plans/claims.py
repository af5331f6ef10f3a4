"""Plans for claims that pods name and nobody made."""

from __future__ import annotations

from decide.core.drafting.drafts import RESTART, PlanDraft, patch_workload
from decide.core.drafting.history import rollback
from decide.core.families.admission.facts import AbsentClaim
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, items, mapping
from manifests.objects.workloads import Workload


def absent(finding: Finding[AbsentClaim], view: ClusterView) -> list[PlanDraft]:
    """The claim of the nearest name that exists, else the revision before."""
    workload, missing = finding.facts.workload, finding.facts.claim
    drafts = rollback(finding, view)
    near = _near(view, workload, missing)
    for volume in items(workload.spec.get("volumes")):
        if near and at(volume, "persistentVolumeClaim", "claimName") == missing:
            path = f":volumes[name={mapping(volume).get('name')}].persistentVolumeClaim.claimName"
            drafts.append(
                PlanDraft(
                    fix_kind="set_volume",
                    title=say("admission.claim.title", near=near),
                    why=say("admission.claim.why", missing=missing, near=near),
                    changes=patch_workload(view, workload, [(path, near)]),
                    weight=0.76,
                    risks=[say("admission.claim.no_proof"), RESTART],
                )
            )
    return drafts


def _near(view: ClusterView, workload: Workload, missing: str) -> str:
    """The claim of the namespace with the nearest name that no other workload mounts; empty without one."""
    taken = {
        str(at(v, "persistentVolumeClaim", "claimName"))
        for w in view.workloads
        if w is not workload
        for v in items(w.spec.get("volumes"))
    }
    names = (name_of(c) for c in view.inside("persistentvolumeclaims", workload.namespace))
    like = (n for n in names if alike(n, missing) >= 0.8 or n in missing or missing in n)
    free = (n for n in like if n not in taken)
    return max(free, key=lambda n: alike(n, missing), default="")
