"""Why cert-manager cannot issue a certificate: an issuer that is not there, a challenge that goes to a class that is gone.

Sources: cert-manager.io docs (Certificate ``spec.issuerRef``, ACME ``spec.acme.solvers[].http01.ingress``); kubernetes.io
IngressClass.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.certificates.facts import Remedy
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.kinds import plural_of
from manifests.objects.meta import annotations_of, name_of, namespace_of, ref_of
from manifests.objects.shapes import Obj, at, items, mapping, text

#: Names less alike than this are different names.
_ALIKE = 0.75
#: Where a solver names its class: by the field, or by the older annotation's name.
_CLASS = ("ingressClassName", "class")
_DEFAULT = "ingressclass.kubernetes.io/is-default-class"


def remedies(view: ClusterView, certificate: Obj) -> list[Remedy]:
    """What has to change so that the certificate can be issued; empty where its issuer and its challenges seem right."""
    ref = mapping(certificate, "spec", "issuerRef")
    name, kind = text(ref, "name"), text(ref, "kind") or "Issuer"
    space = namespace_of(certificate)
    if not view.collected(plural_of(kind)):
        return []
    issuer = _issuer(view, kind, space, name)
    if issuer is None:
        return list(_other_issuer(view, certificate, kind, name))
    return list(_solvers(view, certificate, issuer, kind))


def _issuer(view: ClusterView, kind: str, space: str, name: str) -> Obj | None:
    return view.get(plural_of(kind), space if kind == "Issuer" else "", name)


def _other_issuer(view: ClusterView, certificate: Obj, kind: str, name: str) -> Iterator[Remedy]:
    """The issuer of that name of the other kind, else the only one of nearly that name."""
    ref, space = ref_of(certificate, "Certificate"), namespace_of(certificate)
    other = "ClusterIssuer" if kind == "Issuer" else "Issuer"
    if _issuer(view, other, space, name) is not None:
        why = say("certificates.issuer.other_kind", kind=kind, name=name, other=other)
        yield Remedy(ref=ref, live=certificate, path="spec.issuerRef.kind", value=other, why=why)
        return
    there = view.inside(plural_of(kind), space if kind == "Issuer" else "")
    near = [n for n in map(name_of, there) if alike(n, name) >= _ALIKE]
    if len(near) == 1:
        why = say("certificates.issuer.near", kind=kind, name=name, near=near[0])
        yield Remedy(ref=ref, live=certificate, path="spec.issuerRef.name", value=near[0], why=why)


def _solvers(view: ClusterView, certificate: Obj, issuer: Obj, kind: str) -> Iterator[Remedy]:
    """Solvers whose class of ingress nobody serves any more."""
    classes = {name_of(c) for c in view.all("ingressclasses")}
    if not classes:
        return
    wanted = _served(view, certificate, classes)
    for n, solver in enumerate(items(issuer, "spec", "acme", "solvers")):
        for field in _CLASS:
            said = text(at(solver, "http01", "ingress"), field)
            if said and said not in classes and wanted:
                path = f"spec.acme.solvers[{n}].http01.ingress.{field}"
                why = say(
                    "certificates.issuer.no_class", issuer=name_of(issuer), said=said, there=wanted
                )
                yield Remedy(
                    ref=ref_of(issuer, kind), live=issuer, path=path, value=wanted, why=why
                )


def _served(view: ClusterView, certificate: Obj, classes: set[str]) -> str:
    """The class of the Ingress that uses the certificate, else the only or the default one; empty where several may be."""
    own = {
        text(ingress, "spec", "ingressClassName")
        for ingress in using(view, certificate)
        if text(ingress, "spec", "ingressClassName") in classes
    }
    default = {
        name_of(c)
        for c in view.all("ingressclasses")
        if str(annotations_of(c).get(_DEFAULT)) == "true"
    }
    found = own or (classes if len(classes) == 1 else default)
    return found.pop() if len(found) == 1 else ""


def using(view: ClusterView, certificate: Obj) -> list[Obj]:
    """Ingresses of its namespace that present its secret."""
    secret = text(certificate, "spec", "secretName")
    return [
        ingress
        for ingress in view.inside("ingresses", namespace_of(certificate))
        if secret in [text(entry, "secretName") for entry in items(ingress, "spec", "tls")]
    ]
