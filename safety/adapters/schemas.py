"""Kubernetes' published schemas through `kubernetes-validate`: offline, strict about unknown fields."""

from __future__ import annotations

from typing import Any

from manifests.refused import Refused
from safety.core.documents import edited_objects
from safety.ports import Schemas
from schemas.base import Json
from schemas.validated import CheckResult, FileEdit


class PublishedSchemas:
    """``safety.ports.Schemas`` for one Kubernetes version; the newest known when none is given."""

    def __init__(self, version: str = "") -> None:
        self._version = version

    def validate(self, item: Json) -> str | None:
        import kubernetes_validate as kv

        version = self._version or kv.latest_version()
        try:
            kv.validate(item, version, strict=True)
        except kv.SchemaNotFoundError:
            return None
        except kv.ValidationError as failure:
            return _sentence(failure)
        return ""


def _sentence(failure: Any) -> str:
    path = ".".join(str(part) for part in failure.path)
    return f"{path}: {str(failure.message)[:200]}" if path else str(failure.message)[:200]


def check_schema(schemas: Schemas, edits: Any) -> CheckResult:
    """The verdict of the offline schemas on the edited documents."""
    if isinstance(edits, str | Refused) or not edits:
        return CheckResult(name="schema", verdict="unknown", reason="there is no edited document")
    return _checked(schemas, list(edits))


def _checked(schemas: Schemas, edits: list[FileEdit]) -> CheckResult:
    seen: dict[str, str] = {}
    for item in edited_objects(edits):
        label = f"{item.get('kind')} {(item.get('metadata') or {}).get('name')}"
        trouble = schemas.validate(item)
        if trouble:
            return CheckResult(name="schema", verdict="fail", reason=f"{label}: {trouble}")
        seen[label] = "no schema here" if trouble is None else "valid"
    if "valid" not in seen.values():
        return CheckResult(
            name="schema",
            verdict="unknown",
            reason="no whole document with a known schema",
            numbers=seen,
        )
    return CheckResult(
        name="schema", verdict="pass", reason="valid against Kubernetes' schemas", numbers=seen
    )
