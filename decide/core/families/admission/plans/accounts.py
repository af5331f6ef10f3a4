"""Plans for service accounts that are not there."""

from __future__ import annotations

from decide.core.drafting.drafts import Draft, patch_workload
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.objects import (
    name_of,
    namespace_of,
)
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange


def account(finding: Finding, view: ClusterView) -> list[Draft]:
    """An account that exists: alike in name, or the workload's own; else the missing one is created."""
    workload, missing = finding.facts["workload"], str(finding.facts.get("account") or "")
    have = [
        name_of(o) for o in view.all("serviceaccounts") if namespace_of(o) == workload.namespace
    ]
    near = sorted(
        (n for n in have if n not in ("default", missing)),
        key=lambda n: (n != workload.name, -alike(n, missing)),
    )[:1]
    drafts = []
    if near and (near[0] == workload.name or alike(near[0], missing) > 0.8):
        why = (
            f"ServiceAccount {missing} does not exist; {near[0]} does.",
            f"Le ServiceAccount {missing} n'existe pas ; {near[0]} existe.",
        )
        wanted = [(":serviceAccountName", near[0])]
        if "serviceAccount" in workload.spec:
            wanted.append((":serviceAccount", near[0]))
        drafts.append(
            Draft(
                fix_kind="set_service_account",
                title=(f"Run as ServiceAccount {near[0]}", f"Utiliser le ServiceAccount {near[0]}"),
                why=why,
                changes=patch_workload(view, workload, wanted),
                weight=0.88,
                risks=[
                    (
                        "The account's permissions may differ",
                        "Les droits du compte peuvent différer",
                    )
                ],
            )
        )
    if missing:
        why = (
            f"ServiceAccount {missing} does not exist; without roles of its own it may do nothing at the API.",
            f"Le ServiceAccount {missing} n'existe pas ; sans rôle il n'a aucun droit auprès de l'API.",
        )
        ref = ObjectRef(
            api_version="v1", kind="ServiceAccount", namespace=workload.namespace, name=missing
        )
        manifest = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": missing, "namespace": workload.namespace},
        }
        drafts.append(
            Draft(
                fix_kind="create_object",
                title=(f"Create ServiceAccount {missing}", f"Créer le ServiceAccount {missing}"),
                why=why,
                changes=[
                    KubernetesChange(
                        object=ref, action="create", manifest=manifest, beside=workload.ref
                    )
                ],
                weight=0.7,
                risks=[
                    ("Roles that it needs are missing too", "Les rôles nécessaires manquent aussi")
                ],
            )
        )
    return drafts + rollback(finding, view)
