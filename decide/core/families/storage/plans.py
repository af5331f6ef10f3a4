"""Plans for claims that no volume fits."""

from __future__ import annotations

from decide.core.drafting.drafts import (
    Draft,
    patch,
    patch_workload,
    source_of,
)
from decide.core.findings import Finding
from decide.core.objects import (
    Obj,
    Workload,
    at,
    items,
    labels_of,
    mapping,
    name_of,
    pairs,
)
from decide.core.view import ClusterView
from manifests.objects import changes as typed
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange


def claim(finding: Finding, view: ClusterView) -> list[Draft]:
    """The claim takes the attribute that a free volume, or the cluster, has.

    A claim's spec is immutable, so a second claim comes first; where there can be none (a StatefulSet's claims come from
    its template) a person has to delete the unbound one, and no plan is offered.
    """
    old, workload = finding.facts["claim"], finding.facts["workload"]
    volume = finding.facts.get("volume") or next(iter(finding.facts.get("volumes") or []), None)
    ref = ObjectRef(
        api_version="v1",
        kind="PersistentVolumeClaim",
        namespace=workload.namespace,
        name=name_of(old),
    )
    wanted = _claim_change(finding, view, volume)
    if wanted is None:
        return []
    path, after, text = wanted
    why = (f"{finding.detail}; {text}", f"{finding.detail} ; {text}")
    risk = (
        "A claim's spec cannot be changed in place: delete the unbound claim first; it holds no data",
        "La spec d'un PVC est immuable : supprimer d'abord le PVC non lié ; il ne contient aucune donnée",
    )
    edit = Draft(
        fix_kind="set_volume",
        title=(
            f"Claim {ref.name}: {path.rpartition('.')[2]} as volumes have it",
            f"PVC {ref.name} : {path.rpartition('.')[2]} conforme aux volumes",
        ),
        why=why,
        changes=patch(view, ref, old, [(path, after)]),
        weight=0.7,
        risks=[risk],
    )
    another = _another(view, workload, old, edit, why)
    if not another:
        return []
    drafts = [edit, *another]
    if path == "spec.accessModes" and not any("Write" in str(m) for m in items(after)):
        for draft in drafts:  # a program that writes will fail on it
            draft.weight -= 0.1
            risk = ("The volume can only be read", "Le volume n'est accessible qu'en lecture")
            draft.risks = [risk, *draft.risks]
    return drafts


def _another(
    view: ClusterView, workload: Workload, old: Obj, edit: Draft, why: tuple[str, str]
) -> list[Draft]:
    """A second claim with the right attribute, and the workload mounts that one: nothing has to be deleted first."""
    source = source_of(view, edit.changes[0].object, old) if edit.changes else old
    if not edit.changes or workload.kind == "StatefulSet":  # its claims come from a template
        return []
    spec = mapping(at(typed.apply(edit.changes[0].fields, source), "spec"))
    name = f"{name_of(old)[:60]}-2"
    ref = edit.changes[0].object.model_copy(update={"name": name})
    manifest = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": workload.namespace},
        "spec": {
            k: v
            for k, v in spec.items()
            if k in ("accessModes", "resources", "selector", "storageClassName", "volumeMode")
        },
    }
    volumes = [
        v
        for v in map(mapping, items(workload.spec.get("volumes")))
        if at(v, "persistentVolumeClaim", "claimName") == name_of(old)
    ]
    wanted = [
        (f":volumes[name={v.get('name')}].persistentVolumeClaim.claimName", name) for v in volumes
    ]
    mounted = patch_workload(view, workload, wanted)
    if not mounted:
        return []
    risk = (
        "The old claim stays unbound and empty: delete it afterwards",
        "L'ancien PVC reste non lié et vide : le supprimer ensuite",
    )
    created = KubernetesChange(object=ref, action="create", manifest=manifest, beside=workload.ref)
    return [
        Draft(
            fix_kind="set_volume",
            title=(f"Mount a new claim {name}", f"Monter un nouveau PVC {name}"),
            why=why,
            changes=[created, *mounted],
            weight=0.78,
            risks=[risk],
        )
    ]


def _claim_change(  # noqa: PLR0911
    finding: Finding, view: ClusterView, volume: Obj | None
) -> tuple[str, object, str] | None:
    kind = finding.failure_class
    if kind == "pvc_storage_class_mismatch":
        if volume is not None:
            name = str(at(volume, "spec", "storageClassName") or "")
            return (
                "spec.storageClassName",
                name,
                f"volume {name_of(volume)} is free with class '{name}'",
            )
        classes = [name_of(c) for c in view.all("storageclasses")]
        standard = [
            name_of(c)
            for c in view.all("storageclasses")
            if mapping(at(c, "metadata", "annotations")).get(
                "storageclass.kubernetes.io/is-default-class"
            )
            == "true"
        ]
        names = standard or (classes if len(classes) == 1 else [])
        return (
            ("spec.storageClassName", names[0], f"the cluster has class {names[0]}")
            if names
            else None
        )
    if volume is None:
        return None
    if kind == "pvc_capacity_mismatch":
        size = str(at(volume, "spec", "capacity", "storage"))
        return "spec.resources.requests.storage", size, f"volume {name_of(volume)} has {size}"
    if kind == "pvc_access_mode_mismatch":
        modes = items(at(volume, "spec", "accessModes"))
        return (
            "spec.accessModes",
            modes,
            f"volume {name_of(volume)} offers {', '.join(map(str, modes))}",
        )
    if kind == "pvc_selector_mismatch":
        labels = dict(labels_of(volume))
        return (
            ("spec.selector.matchLabels", labels, f"volume {name_of(volume)} has {pairs(labels)}")
            if labels
            else ("spec.selector", None, f"volume {name_of(volume)} has no labels")
        )
    return None
