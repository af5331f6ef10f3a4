"""Plans for claims that no volume fits."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.drafting.drafts import PlanDraft, patch, patch_workload, source_of
from decide.core.families.storage.facts import UnboundClaim
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import changes as typed
from manifests.objects.meta import annotations_of, labels_of, name_of, pairs
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange


def claim(finding: Finding[UnboundClaim], view: ClusterView) -> list[PlanDraft]:
    """The claim takes the attribute that a free volume, or the cluster, has.

    A claim's spec is immutable, so a second claim comes first; where there can be none (a StatefulSet's claims come from
    its template) a person has to delete the unbound one, and no plan is offered.
    """
    old, workload = finding.facts.claim, finding.facts.workload
    wanted = _wanted(finding, view)
    if old is None or wanted is None:
        return []
    ref = ObjectRef(
        api_version="v1",
        kind="PersistentVolumeClaim",
        namespace=workload.namespace,
        name=name_of(old),
    )
    why = say("storage.why", detail=finding.detail, basis=wanted.basis)
    edit = PlanDraft(
        fix_kind="set_volume",
        title=say("storage.claim.title", claim=ref.name, field=wanted.path.rpartition(".")[2]),
        why=why,
        changes=patch(view, ref, old, [(wanted.path, wanted.after)]),
        weight=0.7,
        risks=[say("storage.claim.immutable")],
    )
    another = _another(view, workload, old, edit, why)
    if not another:
        return []
    drafts = [edit, *another]
    if wanted.reads_only:
        for draft in drafts:  # a program that writes will fail on it
            draft.weight -= 0.1
            draft.risks = [say("storage.reads_only"), *draft.risks]
    return drafts


def _another(
    view: ClusterView, workload: Workload, old: Obj, edit: PlanDraft, why: str
) -> list[PlanDraft]:
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
    created = KubernetesChange(object=ref, action="create", manifest=manifest, beside=workload.ref)
    return [
        PlanDraft(
            fix_kind="set_volume",
            title=say("storage.another.title", claim=name),
            why=why,
            changes=[created, *mounted],
            weight=0.78,
            risks=[say("storage.another.old_stays")],
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the claim is to have, and the sentence that says on what account."""

    path: str
    after: object
    basis: str

    @property
    def reads_only(self) -> bool:
        """The volume's access modes let nobody write."""
        modes = items(self.after)
        return self.path == "spec.accessModes" and not any("Write" in str(m) for m in modes)


def _wanted(finding: Finding[UnboundClaim], view: ClusterView) -> _Wanted | None:
    volume = finding.facts.volume
    if finding.failure_class == "pvc_storage_class_mismatch":
        return _class(view) if volume is None else _class_of(volume)
    of = {
        "pvc_capacity_mismatch": _capacity,
        "pvc_access_mode_mismatch": _modes,
        "pvc_selector_mismatch": _selector,
    }.get(finding.failure_class)
    return of(volume) if of is not None and volume is not None else None


def _class(view: ClusterView) -> _Wanted | None:
    """The cluster's default class, else its only one."""
    classes = view.all("storageclasses")
    key = "storageclass.kubernetes.io/is-default-class"
    standard = [c for c in classes if annotations_of(c).get(key) == "true"]
    found = standard or (classes if len(classes) == 1 else [])
    if not found:
        return None
    name = name_of(found[0])
    basis = say("storage.basis.cluster_class", storage_class=name)
    return _Wanted(path="spec.storageClassName", after=name, basis=basis)


def _class_of(volume: Obj) -> _Wanted:
    name = str(at(volume, "spec", "storageClassName") or "")
    basis = say("storage.basis.class_of", volume=name_of(volume), storage_class=name)
    return _Wanted(path="spec.storageClassName", after=name, basis=basis)


def _capacity(volume: Obj) -> _Wanted:
    size = str(at(volume, "spec", "capacity", "storage"))
    basis = say("storage.basis.has", volume=name_of(volume), what=size)
    return _Wanted(path="spec.resources.requests.storage", after=size, basis=basis)


def _modes(volume: Obj) -> _Wanted:
    modes = items(at(volume, "spec", "accessModes"))
    basis = say("storage.basis.modes", volume=name_of(volume), modes=[str(m) for m in modes])
    return _Wanted(path="spec.accessModes", after=modes, basis=basis)


def _selector(volume: Obj) -> _Wanted:
    labels = dict(labels_of(volume))
    if not labels:
        basis = say("storage.basis.no_labels", volume=name_of(volume))
        return _Wanted(path="spec.selector", after=None, basis=basis)
    basis = say("storage.basis.has", volume=name_of(volume), what=pairs(labels))
    return _Wanted(path="spec.selector", after={"matchLabels": labels}, basis=basis)
