"""Certificates that have expired, are not trusted or are not there.

Sources: Go crypto/x509, OpenSSL alerts, JSSE, Node's TLS codes; cert-manager.io Certificate conditions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from decide.core.families.certificates.facts import AbsentSecret, BadCertificate
from decide.core.families.certificates.issuing import remedies, using
from decide.core.findings import Fact, Finding, quote
from decide.core.links import services_in
from decide.core.names import alike
from decide.core.signals import SignalHit
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import condition, name_of, namespace_of, ref_of
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.times import instant
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

#: Faults of the certificate itself, whoever looks at it; all else may be the caller's list of authorities.
_ITS_OWN = re.compile(
    r"expired|not yet valid|NotYetValid|CERT_HAS_EXPIRED|is valid for|ALTNAME|subject alternative",
    re.I,
)


def find_issued(view: ClusterView) -> Iterator[Finding[BadCertificate]]:
    """cert-manager's own word on certificates that have expired or are not ready, at the workload that mounts them."""
    certificates = view.all("certificates")
    if not certificates:
        return
    told = any(h.signal == "certificate" for w in view.workloads for h in view.hits(w))
    for certificate in certificates:
        if namespace_of(certificate) not in view.focus:
            continue
        ends = instant(at(certificate, "status", "notAfter"))
        expired = ends is not None and ends < view.bundle.alerted_at
        if expired or condition(certificate, "Ready").get("status") == "False":
            yield _issued(view, certificate, 0.95 if expired else 0.85 if told else 0.65)


def _issued(view: ClusterView, certificate: Obj, score: float) -> Finding[BadCertificate]:
    secret = str(at(certificate, "spec", "secretName") or "")
    users = list(_users(view, namespace_of(certificate), secret))
    ref = ref_of(certificate, "Certificate")
    text = _state(certificate, view.bundle.alerted_at)
    found = remedies(view, certificate)
    why = [Fact(source="object", statement=one.why, object=one.ref) for one in found]
    names = [w.name for w in users] + [*_served_by(view, certificate)]
    return Finding(
        failure_class="certificate_invalid",
        object=users[0].ref if users else ref,
        score=max(score, 0.9) if found else score,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=ref), *why],
        facts=BadCertificate(
            certificate=certificate, remedies=tuple(found), users=tuple(dict.fromkeys(names))
        ),
    )


def _served_by(view: ClusterView, certificate: Obj) -> Iterator[str]:
    """Names of Ingresses that present it, of the Services behind them and of their workloads."""
    space = namespace_of(certificate)
    for ingress in using(view, certificate):
        yield name_of(ingress)
        for rule in items(at(ingress, "spec", "rules")):
            for path in items(at(rule, "http", "paths")):
                name = str(at(path, "backend", "service", "name") or "")
                behind = view.resolve(space, name) if name else None
                yield from (name, *((behind.name,) if behind is not None else ()))


def _state(certificate: Obj, now: datetime) -> str:
    """When it ends, and what cert-manager says of it."""
    name, ready = name_of(certificate), condition(certificate, "Ready")
    words = (str(ready.get(key) or "") for key in ("reason", "message"))
    said = quote(": ".join(word for word in words if word))
    ends = instant(at(certificate, "status", "notAfter"))
    if ends is None:
        return say("certificates.issued.state", certificate=name, said=said)
    until = f"{ends:%Y-%m-%d %H:%M}"
    if ends < now:
        return say("certificates.issued.expired", certificate=name, until=until, said=said)
    return say("certificates.issued.valid", certificate=name, until=until, said=said)


def _users(view: ClusterView, namespace: str, secret: str) -> Iterator[Workload]:
    """Workloads that mount a secret."""
    for workload in view.workloads:
        names = [at(v, "secret", "secretName") for v in items(workload.spec.get("volumes"))]
        if workload.namespace == namespace and secret in names:
            yield workload


def find_refused(view: ClusterView) -> Iterator[Finding[BadCertificate]]:
    """Callers that refuse a certificate: the callee's fault when it is expired or several callers say so."""
    said: dict[str, tuple[Workload, list[tuple[Workload, SignalHit]]]] = {}
    for workload in view.workloads:
        hits = [h for h in view.hits(workload) if h.signal == "certificate"]
        if hits:
            target = _presented_by(view, workload, hits[-1].line)
            said.setdefault(target.ref.key, (target, []))[1].append((workload, hits[-1]))
    for target, told in said.values():
        sick = not target.available or any(not w.available for w, _ in told)
        fresh = len(told) > 1 or told[0][0] is not target
        yield Finding(
            failure_class="certificate_invalid",
            object=target.ref,
            score=0.72 + 0.08 * sick + 0.12 * fresh,
            detail=quote(told[0][1].line),
            evidence=[
                Fact(source="log", statement=quote(h.line), object=w.ref) for w, h in told[:3]
            ],
            facts=BadCertificate(workload=target),
        )


def _presented_by(view: ClusterView, caller: Workload, line: str) -> Workload:
    """Whose certificate a caller's line is about: the callee's where the fault is the certificate's own."""
    if not _ITS_OWN.search(line):
        return caller
    named = (
        w
        for service in services_in(view, caller.namespace, line)
        for w in view.backends(service)
        if w is not caller
    )
    return next(named, caller)


def find_absent(view: ClusterView) -> Iterator[Finding[AbsentSecret]]:
    """A TLS secret that an Ingress names and nobody made."""
    if not view.collected("secrets"):
        return
    for ingress in view.all("ingresses"):
        space = namespace_of(ingress)
        if space not in view.focus:
            continue
        have = [name_of(s) for s in view.all("secrets") if namespace_of(s) == space]
        for n, entry in enumerate(items(at(ingress, "spec", "tls"))):
            name = str(mapping(entry).get("secretName") or "")
            if name and name not in have:
                made = _made_for(view, ingress, mapping(entry))
                yield _secret(ingress, n, name, [made] if made else have, made=made)


def _made_for(view: ClusterView, ingress: Obj, entry: Obj) -> str:
    """The secret of the only certificate that is for exactly these hosts; empty without one."""
    hosts = {str(host) for host in items(entry.get("hosts"))}
    found = {
        str(at(one, "spec", "secretName") or "")
        for one in view.inside("certificates", namespace_of(ingress))
        if hosts and hosts <= {str(name) for name in items(at(one, "spec", "dnsNames"))}
    }
    return found.pop() if len(found) == 1 else ""


def _secret(
    ingress: Obj, index: int, name: str, have: list[str], *, made: str
) -> Finding[AbsentSecret]:
    ref = ObjectRef(
        api_version="networking.k8s.io/v1",
        kind="Ingress",
        namespace=namespace_of(ingress),
        name=name_of(ingress),
    )
    near = made or max(
        (h for h in have if alike(h, name) >= 0.85), key=lambda h: alike(h, name), default=""
    )
    near = "" if near == name else near  # its certificate is still being made
    text = say("certificates.secret.missing", ingress=ref.key, secret=name)
    return Finding(
        failure_class="certificate_secret_missing",
        object=ref,
        score=0.8 if near else 0.7,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=ref)],
        facts=AbsentSecret(ingress=ingress, index=index, name=name, near=near),
    )
