"""The verdict of Kubernetes' published schemas on what a plan leaves in the repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfix.texts import say
from manifests.objects.meta import kind_of, name_of
from manifests.refused import EditRefused
from manifests.text.readings import Readings
from safety.core.documents import edited_objects, is_whole
from safety.ports import Schemas
from schemas.base import Json
from schemas.validated import CheckResult


def check_schema(
    schemas: Schemas,
    edits: Any,
    rendered: Mapping[str, Json] | None = None,
    readings: Readings | None = None,
) -> CheckResult:
    """The verdict of the offline schemas on the rendered objects, and on edited documents that were not rendered.

    ``readings``: what was parsed before.
    """
    if isinstance(edits, str | EditRefused) or not edits:
        return CheckResult(name="schema", verdict="unknown", reason=say("safety.edit.none"))
    items = [item for item in (rendered or {}).values() if is_whole(item)]
    known = {_label(item) for item in items}
    edited = edited_objects(edits, readings)
    return _checked(schemas, items + [item for item in edited if _label(item) not in known])


def _label(item: Json) -> str:
    return f"{kind_of(item)} {name_of(item)}"


def _checked(schemas: Schemas, items: Sequence[Json]) -> CheckResult:
    seen: dict[str, str] = {}
    valid = False
    for item in items:
        label = _label(item)
        trouble = schemas.validate(item)
        if trouble:
            return CheckResult(
                name="schema", verdict="fail", reason=say("safety.about", object=label, why=trouble)
            )
        known = trouble is not None
        seen[label] = say("safety.schema.valid_one") if known else say("safety.schema.unknown_one")
        valid = valid or known
    if not valid:
        return CheckResult(
            name="schema",
            verdict="unknown",
            reason=say("safety.schema.none"),
            numbers=seen,
        )
    return CheckResult(
        name="schema", verdict="pass", reason=say("safety.schema.valid"), numbers=seen
    )
