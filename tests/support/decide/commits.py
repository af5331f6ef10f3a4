"""Commits as bundles hold them: what of which object they changed, field by field."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from schemas.context import Change
from tests.support.decide.clusters import AT

Fields = dict[str, list[Any]]


def commit(
    key: str,
    fields: Fields,
    *,
    minutes: float = 30,
    sha: str = "0123456789ab",
    path: str = "a.yaml",
) -> Change:
    """One that changed the object ``Kind/namespace/name`` so long before the alert; an empty key: a file of values."""
    return Change(
        kind="commit",
        revision=sha,
        at=AT - timedelta(minutes=minutes),
        detail={"path": path, "fields": {key: fields}},
    )
