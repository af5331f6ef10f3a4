"""What every object has: name, namespace, labels, annotations, owners, conditions. Lenient: for evidence.

Source: k8s.io/apimachinery ``pkg/apis/meta/v1`` ObjectMeta, OwnerReference, Condition.
"""

from __future__ import annotations

from datetime import datetime

from manifests.objects.shapes import Obj, at, items, mapping, mappings
from manifests.objects.times import instant
from schemas.base import ObjectRef


def name_of(obj: object) -> str:
    """``metadata.name``."""
    return str(at(obj, "metadata", "name") or "")


def namespace_of(obj: object) -> str:
    """``metadata.namespace``, empty for cluster-scoped objects. Asked of every object of a dump: kept short."""
    meta = obj.get("metadata") if type(obj) is dict else at(obj, "metadata")
    return str((meta.get("namespace") if type(meta) is dict else at(meta, "namespace")) or "")


def writers(fields: object) -> list[Obj]:
    """Who wrote an object when, of its ``metadata.managedFields``: manager and time, and not which fields."""
    named = [{k: one[k] for k in ("manager", "time") if k in one} for one in mappings(fields)]
    return [one for one in named if "time" in one]


def labels_of(obj: object) -> Obj:
    """``metadata.labels``, empty where there are none."""
    return mapping(obj, "metadata", "labels")


def annotations_of(obj: object) -> Obj:
    """``metadata.annotations``, empty where there are none."""
    return mapping(obj, "metadata", "annotations")


def kind_of(obj: object) -> str:
    """``kind``, empty where an object of a list says none."""
    return str(at(obj, "kind") or "")


def group_of(api_version: object) -> str:
    """The API group of an ``apiVersion``: ``apps`` of ``apps/v1``, empty for the core group."""
    return str(api_version or "").rpartition("/")[0]


def ref_of(obj: object, kind: str = "", *, version: str = "") -> ObjectRef:
    """The object's reference. Objects of a list say neither: ``kind`` is what they are of, ``version`` stands in for theirs."""
    return ObjectRef(
        api_version=str(at(obj, "apiVersion") or version),
        kind=kind or kind_of(obj),
        namespace=namespace_of(obj),
        name=name_of(obj),
    )


def is_ref(obj: object, ref: ObjectRef) -> bool:
    """Is it the object of that kind, namespace and name?"""
    return (kind_of(obj), namespace_of(obj), name_of(obj)) == (ref.kind, ref.namespace, ref.name)


def pairs(labels: Obj) -> str:
    """Labels as ``kubectl`` writes them: ``app=web,tier=front``."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "nothing"


def owner_references(obj: object) -> list[Obj]:
    """``metadata.ownerReferences``, the controlling one first."""
    found = mappings(obj, "metadata", "ownerReferences")
    return sorted(found, key=lambda owner: not owner.get("controller"))


def owners_of(obj: object) -> list[tuple[str, str]]:
    """Kind and name of each owner, the controlling one first."""
    return [(str(o.get("kind") or ""), str(o.get("name") or "")) for o in owner_references(obj)]


def controller_of(obj: object) -> Obj | None:
    """The owner reference of the object's controller; ``None`` where nobody controls it."""
    return next((owner for owner in owner_references(obj) if owner.get("controller")), None)


def created_at(obj: object) -> datetime | None:
    """``metadata.creationTimestamp``."""
    return instant(at(obj, "metadata", "creationTimestamp"))


def is_deleting(obj: object) -> bool:
    """Somebody asked for its deletion."""
    return bool(at(obj, "metadata", "deletionTimestamp"))


def condition(obj: object, kind: str) -> Obj:
    """The status condition of that type, empty when there is none."""
    for entry in items(obj, "status", "conditions"):
        if at(entry, "type") == kind:
            return mapping(entry)
    return {}
