"""When a certificate in a TLS Secret ends, read from its public part. Lenient: what cannot be read tells nothing.

Source: RFC 5280 4.1 (Certificate, TBSCertificate, Validity), X.690 8 (DER lengths); kubernetes.io "TLS Secrets".
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime

from manifests.objects.shapes import at

_PEM = re.compile(
    rb"-----BEGIN CERTIFICATE-----(?P<body>[A-Za-z0-9+/=\s]{1,100000}?)-----END CERTIFICATE-----"
)
#: Tags of DER.
_SEQUENCE, _INTEGER, _VERSION, _UTC, _GENERALIZED = 0x30, 0x02, 0xA0, 0x17, 0x18
#: Years of UTCTime from here on are of the last century.
_CENTURY = 50


def ends(secret: object) -> datetime | None:
    """The end of the first certificate (the server's own) in ``data['tls.crt']``; ``None`` where nothing tells."""
    value = at(secret, "data", "tls.crt")
    if not isinstance(value, str):
        return None
    try:
        found = _PEM.search(base64.b64decode(value, validate=False))
        return _not_after(base64.b64decode(found["body"])) if found else None
    except (binascii.Error, ValueError, IndexError):
        return None


def _not_after(der: bytes) -> datetime | None:
    """The second time of ``tbsCertificate.validity``."""
    _, whole, _ = _element(der, 0)
    _, signed, _ = _element(whole, 0)
    place = 0
    tag, _, after = _element(signed, place)
    place = after if tag == _VERSION else place
    for wanted in (_INTEGER, _SEQUENCE, _SEQUENCE):  # serial number, algorithm, issuer
        tag, _, place = _element(signed, place)
        if tag != wanted:
            return None
    tag, validity, _ = _element(signed, place)
    _, _, second = _element(validity, 0)
    kind, moment, _ = _element(validity, second)
    return _moment(kind, moment.decode("ascii")) if tag == _SEQUENCE else None


def _element(der: bytes, place: int) -> tuple[int, bytes, int]:
    """Tag, content and the place behind an element. Raises IndexError and ValueError."""
    tag, length, start = der[place], der[place + 1], place + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(der[start : start + count], "big"), start + count
    end = start + length
    if end > len(der):
        raise ValueError("an element is cut off")
    return tag, der[start:end], end


def _moment(kind: int, text: str) -> datetime | None:
    """``YYMMDDHHMMSSZ`` or ``YYYYMMDDHHMMSSZ``. Raises ValueError."""
    if kind == _UTC:
        text = ("20" if int(text[:2]) < _CENTURY else "19") + text
    elif kind != _GENERALIZED:
        return None
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
