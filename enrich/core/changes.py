"""What changed: the revisions of a Deployment, read from its ReplicaSets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from manifests.objects.differences import differences
from manifests.objects.meta import (
    annotations_of,
    controller_of,
    created_at,
    labels_of,
    namespace_of,
)
from manifests.objects.pods import template_of
from manifests.objects.shapes import mapping
from schemas.base import Json, ObjectRef
from schemas.context import Change

_REVISION = "deployment.kubernetes.io/revision"
#: Written by controllers into each revision; never a change of somebody's.
_GENERATED = ("pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash")
#: Revisions compared, the newest first.
_REVISIONS = 5


def rollouts(objects: Mapping[str, Iterable[Json]]) -> list[Change]:
    """One change per revision of each Deployment, newest first, with the fields in which it differs from the one before."""
    families: dict[tuple[str, str, str], list[Json]] = {}
    for replicaset in objects.get("replicasets", ()):
        owner = controller_of(replicaset)
        if owner is not None and revision(replicaset) > 0:
            key = (
                str(owner.get("kind")),
                namespace_of(replicaset),
                str(owner.get("name")),
            )
            families.setdefault(key, []).append(replicaset)
    found: list[Change] = []
    for (kind, namespace, name), family in families.items():
        owner_ref = ObjectRef(api_version="apps/v1", kind=kind, namespace=namespace, name=name)
        found += _of(owner_ref, sorted(family, key=revision, reverse=True)[:_REVISIONS])
    return sorted(found, key=lambda c: (c.at is not None, c.at), reverse=True)


def revision(replicaset: Json) -> int:
    """The ReplicaSet's revision number, 0 when it has none."""
    text = str(annotations_of(replicaset).get(_REVISION, ""))
    return int(text) if text.isdecimal() else 0


def _of(owner: ObjectRef, newest_first: list[Json]) -> Iterable[Change]:
    for at, replicaset in enumerate(newest_first):
        older = newest_first[at + 1] if at + 1 < len(newest_first) else None
        detail = differences(_template(older), _template(replicaset)) if older is not None else None
        cause = str(annotations_of(replicaset).get("kubernetes.io/change-cause", ""))
        yield Change(
            kind="rollout",
            object=owner,
            revision=str(revision(replicaset)),
            at=created_at(replicaset),
            summary=cause or _summary(detail),
            detail=detail,
        )


def _template(replicaset: Json) -> Json:
    template = template_of(replicaset, "ReplicaSet")
    labels = {k: v for k, v in labels_of(template).items() if k not in _GENERATED}
    return {"metadata": {"labels": labels}, "spec": mapping(template, "spec")}


def _summary(detail: Mapping[str, Any] | None) -> str:
    if detail is None:
        return "first known revision"
    return ", ".join(sorted(detail)[:4]) or "no visible difference"
