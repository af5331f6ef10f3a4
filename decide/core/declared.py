"""Since when the repository declares what is the matter: an explanation, which excuses nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from decide.core.findings import Fact
from decide.core.view import ClusterView
from kfix.texts import say
from schemas.base import ObjectRef
from schemas.context import Change


def declared_so(view: ClusterView, ref: ObjectRef, field: str) -> Fact:
    """Where the repository declares the field of an object, and the commit that wrote it, where one that was read did."""
    path = next(
        (entry.path for entry in view.bundle.declared if _is(entry.object, ref)),
        "?",
    )
    written = next((c for c in view.bundle.changes if _writes(c, field, ref)), None)
    if written is None or written.at is None:
        said = say("decide.declared_so", field=field, path=path)
    else:
        said = say(
            "decide.declared_since",
            field=field,
            path=path,
            at=f"{written.at:%Y-%m-%d %H:%M}",
            commit=written.revision[:10],
        )
    return Fact(source="repository", statement=said, object=ref)


def value_before(view: ClusterView, field: str, ref: ObjectRef) -> str:
    """What a commit took away where it wrote the object's field; empty where none tells, or several disagree."""
    found = {
        match[1]
        for change in view.bundle.changes
        if _writes(change, field, ref)
        for match in re.finditer(
            rf"(?m)^-\s*{re.escape(field)}:\s*[\"']?([^\s\"'#]+)", _diff(change)
        )
    }
    return found.pop() if len(found) == 1 else ""


def _is(obj: object, ref: ObjectRef) -> bool:
    meta = obj.get("metadata") if isinstance(obj, Mapping) else None
    if not isinstance(obj, Mapping) or not isinstance(meta, Mapping):
        return False
    return (obj.get("kind"), meta.get("namespace", ""), meta.get("name")) == (
        ref.kind,
        ref.namespace,
        ref.name,
    )


def _diff(change: Change) -> str:
    diff = change.detail.get("diff") if isinstance(change.detail, Mapping) else None
    return diff if change.kind == "commit" and isinstance(diff, str) else ""


def _writes(change: Change, field: str, ref: ObjectRef) -> bool:
    fields = change.detail.get("fields") if isinstance(change.detail, Mapping) else None
    names = (f"{ref.kind}/{ref.namespace}/{ref.name}", f"{ref.kind}//{ref.name}")
    if isinstance(fields, Mapping) and not any(name in fields for name in names):
        return False  # it changed other objects
    return re.search(rf"(?m)^\+\s*{re.escape(field)}:", _diff(change)) is not None
