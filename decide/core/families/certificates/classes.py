"""Certificates."""

from __future__ import annotations

from decide.core.families.certificates.facts import AbsentSecret, BadCertificate
from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="certificates",
    shows_in=("pods", "services", "endpoints"),
    mistaken_for=(
        "network_policy_blocks",
        "service_selector_mismatch",
        "dns_config_broken",
        "mesh_policy_blocks",
    ),
    told_by="services",
    look_at=("said", "certificates", "object"),
)
_one = of(FAMILY, "crypto/x509, OpenSSL, JSSE; cert-manager.io: Certificate")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="certificate_invalid",
        en="A certificate has expired or is not trusted",
        fr="Un certificat a expiré ou n'est pas reconnu",
        symptoms="TLS handshakes fail",
        evidence="x509: certificate has expired; CERT_HAS_EXPIRED; PKIX path; cert-manager Certificate Ready False",
        evidence_fr="x509: certificate has expired ; CERT_HAS_EXPIRED ; PKIX path ; Certificate de cert-manager à Ready False",
        confounders="a wrong clock; a proxy that speaks no TLS",
        plans="the issuer that was meant; the class of ingress that its challenges go to",
        facts=BadCertificate,
        mistaken_for=("mesh_policy_blocks", "crash_bad_config", "external_dependency_unavailable"),
    ),
    _one(
        id="certificate_secret_missing",
        en="The TLS secret of an Ingress or Gateway does not exist",
        fr="Le secret TLS d'un Ingress ou d'une Gateway n'existe pas",
        symptoms="the gateway's default certificate",
        evidence="spec.tls secretName without Secret; Gateway listener ResolvedRefs False: InvalidCertificateRef",
        evidence_fr="secretName de spec.tls sans Secret ; listener de la Gateway à ResolvedRefs False: InvalidCertificateRef",
        confounders="cert-manager still at work",
        plans="the secret of the nearest name",
        source="kubernetes.io: Ingress TLS",
        facts=AbsentSecret,
        severity="medium",
        look_at=("pod", "certificates"),
    ),
)
