"""Proof of the sender: compared in constant time, over the raw bytes, before anything is parsed.

Signatures are those of Standard Webhooks (https://www.standardwebhooks.com), which GitLab's signing tokens follow:
``v1,<base64 of HMAC-SHA256(key, "id.timestamp.body")>``, several separated by spaces, key = base64 after ``whsec_``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from ingest.core.outcomes import RefusedDelivery


def check_token(given: Sequence[str], valid: Sequence[str]) -> RefusedDelivery | None:
    """``given``: every value of the header, there must be exactly one. All valid tokens are compared each time."""
    tokens = [token.encode() for token in valid if token]
    if not tokens:
        return RefusedDelivery("no_token_configured")
    if len(given) != 1:
        return RefusedDelivery("token_ambiguous" if given else "token_missing")
    offered = given[0].encode("utf-8", "surrogateescape")
    if not offered:
        return RefusedDelivery("token_missing")
    matches = [hmac.compare_digest(offered, token) for token in tokens]
    return None if any(matches) else RefusedDelivery("token_wrong")


class Signature:
    """A signature over a body that comes in pieces, so that no body has to be held to be verified."""

    def __init__(self, offered: Sequence[bytes], keys: Sequence[bytes], signed: bytes) -> None:
        self._offered = offered
        self._digests = [hmac.new(key, signed, hashlib.sha256) for key in keys]

    def update(self, piece: bytes) -> None:
        """Takes the next piece of the body."""
        for digest in self._digests:
            digest.update(piece)

    def check(self) -> RefusedDelivery | None:
        """After the last piece: is one of the signatures one of ours?"""
        wanted = [digest.digest() for digest in self._digests]
        matches = [hmac.compare_digest(one, other) for one in self._offered for other in wanted]
        return None if any(matches) else RefusedDelivery("signature_wrong")


def signature_of(
    *,
    ids: Sequence[str],
    timestamps: Sequence[str],
    signatures: Sequence[str],
    keys: Sequence[str],
    now_s: float,
    tolerance_s: float,
) -> Signature | RefusedDelivery:
    """What the headers say, before any of the body is read: stale and malformed ones are refused here.

    Every argument is the list of a header's values; two of one kind are refused.
    """
    if not (len(ids) == len(timestamps) == len(signatures) == 1) or not ids[0]:
        return RefusedDelivery("signature_malformed")
    stamp = timestamps[0]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return RefusedDelivery("signature_malformed")
    if abs(now_s - int(stamp)) > tolerance_s:
        return RefusedDelivery("signature_stale")
    offered = _version_one(signatures[0])
    if not offered:
        return RefusedDelivery("signature_malformed")
    secrets = [secret for key in keys if (secret := key_of(key)) is not None]
    if not secrets:
        return RefusedDelivery("no_token_configured")
    return Signature(offered, secrets, f"{ids[0]}.{stamp}.".encode("utf-8", "surrogateescape"))


def key_of(token: str) -> bytes | None:
    """The key inside ``whsec_<base64>``; ``None`` when it is none or shorter than 16 bytes."""
    try:
        key = base64.b64decode(token.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) >= 16 else None


def _version_one(header: str) -> list[bytes]:
    found = []
    for part in header.split(" ")[:8]:
        version, _, text = part.partition(",")
        if version != "v1":
            continue
        try:
            found.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            continue
    return found
