"""What keeps an Ingress from its certificate."""

from __future__ import annotations

from decide.core.families.certificates.facts import AbsentSecret, BadCertificate
from decide.core.families.certificates.issuing import remedies
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof.asking import not_there
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import at, items


def secret(finding: Finding[AbsentSecret], view: ClusterView) -> Standing:
    """Whether the Secret that the Ingress names is there."""
    ref = finding.object
    ingress = view.get("ingresses", ref.namespace, ref.name)
    entries = items(ingress or {}, "spec", "tls")
    if len(entries) <= finding.facts.index:
        return not_there(finding)
    name = str(at(entries[finding.facts.index], "secretName") or "")
    if view.get("secrets", ref.namespace, name) is not None:
        return gone(say("proof.exists", object=f"Secret/{name}"))
    if name in [at(c, "spec", "secretName") for c in view.inside("certificates", ref.namespace)]:
        return untold(say("proof.certificate.made", secret=name))
    return stands(say("proof.absent", object=f"Secret/{name}"))


def issued(finding: Finding[BadCertificate], view: ClusterView) -> Standing:
    """Whether its issuer is there, and its challenges go to a class of ingress that is."""
    facts = finding.facts
    if facts.certificate is None or not facts.remedies:
        return not_there(finding)
    place = namespace_of(facts.certificate), name_of(facts.certificate)
    certificate = view.get("certificates", *place)
    if certificate is None:
        return not_there(finding)
    left = remedies(view, certificate)
    if left:
        return stands(left[0].why)
    return gone(say("proof.certificate.issuer", certificate=place[1]))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "certificate_invalid": cause(BadCertificate, issued),
    "certificate_secret_missing": cause(AbsentSecret, secret),
}
