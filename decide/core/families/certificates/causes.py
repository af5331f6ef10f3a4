"""What keeps an Ingress from its certificate."""

from __future__ import annotations

from decide.core.families.certificates.facts import AbsentSecret
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof.asking import not_there
from decide.core.proof.standing import Standing, gone, stands
from decide.core.view import ClusterView
from kfix.texts import say
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
    return stands(say("proof.absent", object=f"Secret/{name}"))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "certificate_secret_missing": cause(AbsentSecret, secret),
}
