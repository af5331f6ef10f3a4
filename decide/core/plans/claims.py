"""Plans for claims that no volume fits, that are full, or that are missing."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from decide.core.families.admission.plans import quantity
from decide.core.families.services.rules import alike
from decide.core.families.storage.rules import claims_of
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
from decide.core.plans.drafts import (
    COST,
    RESTART,
    Draft,
    container_path,
    patch,
    patch_workload,
    source_of,
)
from decide.core.plans.history import rollback
from decide.core.view import ClusterView
from manifests.objects import changes as typed
from manifests.objects import quantities
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
        "set_volume",
        (
            f"Claim {ref.name}: {path.rpartition('.')[2]} as volumes have it",
            f"PVC {ref.name} : {path.rpartition('.')[2]} conforme aux volumes",
        ),
        why,
        patch(view, ref, old, [(path, after)]),
        0.7,
        [risk],
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
            "set_volume",
            (f"Mount a new claim {name}", f"Monter un nouveau PVC {name}"),
            why,
            [created, *mounted],
            0.78,
            [risk],
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


_DISK = re.compile(
    r"EmptyDir volume \"?(?P<volume>[^\"\s]+)\"? exceeds the limit \"?(?P<limit>[\w.]+)"
)


def disk(finding: Finding, view: ClusterView) -> list[Draft]:
    """Half as much local disk again: of the emptyDir that is named, else of the containers' limits."""
    workload, text = finding.facts["workload"], str(finding.facts.get("message") or "")
    wanted: list[tuple[str, Any]] = []
    said = _DISK.search(text)
    for volume in items(workload.spec.get("volumes")):
        size = at(volume, "emptyDir", "sizeLimit")
        if said is not None and size and mapping(volume).get("name") == said["volume"]:
            more = quantities.format_memory(quantities.parse(str(size)) * Decimal("1.5"))
            wanted.append((f":volumes[name={said['volume']}].emptyDir.sizeLimit", more))
    for container in [] if said else workload.containers():
        limit = quantity(container, "limits", "ephemeral-storage")
        if limit is not None:
            more = quantities.format_memory(limit * Decimal("1.5"))
            wanted.append(
                (
                    container_path(workload, container.name, "resources.limits.ephemeral-storage"),
                    more,
                )
            )
    why = (f"{finding.detail}.", f"{finding.detail}.")
    risk = (
        "Files that nobody deletes fill this too",
        "Des fichiers jamais supprimés rempliront aussi cela",
    )
    return [
        Draft(
            "set_volume",
            (
                f"Allow {workload.name} half as much local disk again",
                f"Accorder à {workload.name} moitié plus de disque local",
            ),
            why,
            patch_workload(view, workload, wanted),
            0.78,
            [risk, RESTART],
        )
    ]


def grown_claim(finding: Finding, view: ClusterView) -> list[Draft]:
    """Half as large a claim again, where its class lets bound claims grow."""
    workload = finding.facts["workload"]
    growing = {
        name_of(c) for c in view.all("storageclasses") if c.get("allowVolumeExpansion") is True
    }
    drafts: list[Draft] = []
    for name in claims_of(workload):
        found = view.get("persistentvolumeclaims", workload.namespace, name)
        size = at(found or {}, "spec", "resources", "requests", "storage")
        if (
            found is None
            or not size
            or at(found, "spec", "storageClassName") not in growing
            or at(found, "status", "phase") != "Bound"
        ):
            continue
        more = quantities.format_memory(quantities.parse(str(size)) * Decimal("1.5"))
        ref = ObjectRef(
            api_version="v1", kind="PersistentVolumeClaim", namespace=workload.namespace, name=name
        )
        why = (
            f"{finding.detail}; claim {name} has {size} and its class allows expansion.",
            f"{finding.detail} ; le PVC {name} a {size} et sa classe permet l'extension.",
        )
        risk = ("A claim never shrinks again", "Un PVC ne rétrécit plus")
        drafts.append(
            Draft(
                "set_volume",
                (f"Grow claim {name} to {more}", f"Porter le PVC {name} à {more}"),
                why,
                patch(view, ref, found, [("spec.resources.requests.storage", more)]),
                0.78,
                [risk, COST],
            )
        )
    return drafts


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
                    "set_volume",
                    (f"Mount claim {near}", f"Monter le PVC {near}"),
                    why,
                    patch_workload(view, workload, [(path, near)]),
                    0.76,
                    [risk, RESTART],
                )
            )
    return drafts
