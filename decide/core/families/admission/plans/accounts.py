"""Plans for service accounts that are not there."""

from __future__ import annotations

from decide.core.drafting.drafts import PlanDraft, patch_workload
from decide.core.drafting.history import rollback
from decide.core.families.admission.facts import RefusedPods
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange


def account(finding: Finding[RefusedPods], view: ClusterView) -> list[PlanDraft]:
    """An account that exists: alike in name, or the workload's own; else the missing one is created."""
    workload, missing = finding.facts.workload, finding.facts.account
    drafts = []
    near = _near(view, workload, missing)
    if near:
        drafts.append(_another(view, workload, missing, near))
    if missing:
        drafts.append(_created(workload, missing))
    return drafts + rollback(finding, view)


def _near(view: ClusterView, workload: Workload, missing: str) -> str:
    """The workload's own account, else one of nearly the missing one's name; empty without one."""
    have = [name_of(o) for o in view.inside("serviceaccounts", workload.namespace)]
    found = sorted(
        (n for n in have if n not in ("default", missing)),
        key=lambda n: (n != workload.name, -alike(n, missing)),
    )
    best = found[0] if found else ""
    return best if best and (best == workload.name or alike(best, missing) > 0.8) else ""


def _another(view: ClusterView, workload: Workload, missing: str, near: str) -> PlanDraft:
    wanted = [(":serviceAccountName", near)]
    if "serviceAccount" in workload.spec:
        wanted.append((":serviceAccount", near))
    return PlanDraft(
        fix_kind="set_service_account",
        title=say("admission.account.use", near=near),
        why=say("admission.account.near", missing=missing, near=near),
        changes=patch_workload(view, workload, wanted),
        weight=0.88,
        risks=[say("admission.account.permissions")],
    )


def _created(workload: Workload, missing: str) -> PlanDraft:
    ref = ObjectRef(
        api_version="v1", kind="ServiceAccount", namespace=workload.namespace, name=missing
    )
    manifest = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": missing, "namespace": workload.namespace},
    }
    return PlanDraft(
        fix_kind="create_object",
        title=say("admission.account.create", missing=missing),
        why=say("admission.account.no_roles", missing=missing),
        changes=[
            KubernetesChange(object=ref, action="create", manifest=manifest, beside=workload.ref)
        ],
        weight=0.7,
        risks=[say("admission.account.roles_missing")],
    )
