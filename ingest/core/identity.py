"""Ids of a delivery: the sender's own words when it has any, else the bytes."""

from __future__ import annotations

import hashlib


def digest(*parts: str) -> str:
    """32 hex digits of the parts in their order; also a valid trace id."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def sha256_hex(body: bytes) -> str:
    """sha256 of a body."""
    return hashlib.sha256(body).hexdigest()
