"""The end of a certificate is read from a TLS Secret, and from nothing else in it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from enrich.core.objects import trimmed
from manifests.objects.certificates import ends

UNTIL = datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC)


def pem(until: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=90))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def secret(content: bytes) -> dict[str, object]:
    data = {"tls.crt": base64.b64encode(content).decode(), "tls.key": "c2VjcmV0"}
    return {"kind": "Secret", "metadata": {"name": "www-tls"}, "data": data}


@pytest.mark.parametrize("until", [UNTIL, datetime(2060, 1, 2, 3, 4, 5, tzinfo=UTC)])
def test_the_end_is_read_in_both_forms_of_time(until: datetime) -> None:
    assert ends(secret(pem(until))) == until


def test_of_a_chain_the_first_one_counts() -> None:
    assert ends(secret(pem(UNTIL) + pem(UNTIL + timedelta(days=900)))) == UNTIL


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"REDACTED",
        b"-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\nMIIC/////w==\n-----END CERTIFICATE-----",
        pem(UNTIL)[:300] + b"\n-----END CERTIFICATE-----",
    ],
)
def test_what_cannot_be_read_tells_nothing(content: bytes) -> None:
    assert ends(secret(content)) is None


def test_other_values_tell_nothing() -> None:
    assert ends({"data": {"tls.crt": 5}}) is None
    assert ends({"data": {"tls.crt": "***"}}) is None
    assert ends({}) is None


def test_a_secret_in_a_bundle_has_the_end_of_its_certificate() -> None:
    assert trimmed(secret(pem(UNTIL)))["notAfter"] == "2026-11-29T23:59:59Z"
    assert "notAfter" not in trimmed(secret(b"x"))
