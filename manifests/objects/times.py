"""Timestamps of objects: RFC 3339 with a zone, whole seconds (``metav1.Time``) or with a fraction (``MicroTime``).

Source: apimachinery ``pkg/apis/meta/v1/time.go`` and ``micro_time.go``; RFC 3339, section 5.6.
"""

from __future__ import annotations

import re
from datetime import datetime

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})"
)


def instant(value: object) -> datetime | None:
    """The time, always with its zone; ``None`` for anything else. Digits beyond microseconds are cut."""
    if isinstance(value, datetime):  # a YAML reader made it of an unquoted timestamp
        return value if value.tzinfo is not None else None
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper().replace("Z", "+00:00"))
    except ValueError:
        return None
