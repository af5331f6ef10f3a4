"""What is left out of raw objects, and what of a Secret stays: its values are never there, that they changed is evidence."""

from __future__ import annotations

from typing import Any

from enrich.core.objects import trimmed

FIELDS = [
    {"manager": "external-secrets", "time": "2026-05-04T11:40:00Z", "fieldsV1": {"f:data": {}}},
    {"manager": "kubectl", "operation": "Update"},
]


def of_kind(kind: str) -> dict[str, Any]:
    return trimmed({"kind": kind, "metadata": {"name": "a", "managedFields": FIELDS}})


def test_managed_fields_are_left_out() -> None:
    assert of_kind("ConfigMap")["metadata"] == {"name": "a"}


def test_of_a_secret_stays_who_wrote_it_when() -> None:
    written = [{"manager": "external-secrets", "time": "2026-05-04T11:40:00Z"}]
    assert of_kind("Secret")["metadata"] == {"name": "a", "managedFields": written}
    assert trimmed(of_kind("Secret")) == of_kind("Secret")
