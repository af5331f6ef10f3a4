"""Certificates that have expired, are not trusted or are not there.

Sources: Go crypto/x509, OpenSSL alerts, JSSE, Node's TLS codes; cert-manager.io Certificate conditions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from decide.core.clock import instant
from decide.core.findings import Fact, Finding, quote
from decide.core.links import services_in
from decide.core.names import alike
from decide.core.objects import Obj, Workload, at, condition, items, mapping, name_of, namespace_of
from decide.core.signals import Hit
from decide.core.view import ClusterView
from schemas.base import ObjectRef

#: Faults of the certificate itself, whoever looks at it; all else may be the caller's list of authorities.
_ITS_OWN = re.compile(
    r"expired|not yet valid|NotYetValid|CERT_HAS_EXPIRED|is valid for|ALTNAME|subject alternative",
    re.I,
)


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about certificates, at the workload that shows or refuses them."""
    yield from _issued(view)
    yield from _complaints(view)
    yield from _secrets(view)


def _issued(view: ClusterView) -> Iterator[Finding]:
    """cert-manager's own word."""
    now = view.bundle.alerted_at
    for certificate in view.all("certificates"):
        if namespace_of(certificate) not in view.focus:
            continue
        ready = condition(certificate, "Ready")
        ends = instant(at(certificate, "status", "notAfter"))
        expired = ends is not None and ends < now
        if not expired and ready.get("status") != "False":
            continue
        secret = str(at(certificate, "spec", "secretName") or "")
        users = list(_users(view, namespace_of(certificate), secret))
        ref = ObjectRef(
            api_version=str(certificate.get("apiVersion") or ""),
            kind="Certificate",
            namespace=namespace_of(certificate),
            name=name_of(certificate),
        )
        text = quote(
            f"Certificate {name_of(certificate)} {_state(ends, now)}{ready.get('reason') or ''}: {ready.get('message') or ''}"
        )
        told = any(h.signal == "certificate" for w in view.workloads for h in view.hits(w))
        score = 0.95 if expired else 0.85 if told else 0.65
        subject = users[0].ref if users else ref
        yield Finding(
            failure_class="certificate_invalid",
            object=subject,
            score=score,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=ref)],
            against=[],
            facts={"certificate": certificate},
        )


def _state(ends: datetime | None, now: datetime) -> str:
    if ends is None:
        return ""
    return f"{'expired' if ends < now else 'is valid until'} {ends:%Y-%m-%d %H:%M}; "


def _users(view: ClusterView, namespace: str, secret: str) -> Iterator[Workload]:
    """Workloads that mount a secret."""
    for workload in view.workloads:
        names = {at(v, "secret", "secretName") for v in items(workload.spec.get("volumes"))}
        if workload.namespace == namespace and secret in names:
            yield workload


def _complaints(view: ClusterView) -> Iterator[Finding]:
    """Callers that refuse a certificate: the callee's fault when it is expired or several callers say so."""
    said: dict[str, tuple[Workload, list[tuple[Workload, Hit]]]] = {}
    for workload in view.workloads:
        hits = [h for h in view.hits(workload) if h.signal == "certificate"]
        if not hits:
            continue
        hit = hits[-1]
        named = [
            w
            for s in services_in(view, workload.namespace, hit.line)
            for w in view.backends(s)
            if w is not workload
        ]
        target = named[0] if named and _ITS_OWN.search(hit.line) else workload
        said.setdefault(target.ref.key, (target, []))[1].append((workload, hit))
    for target, told in said.values():
        sick = not target.available or any(not w.available for w, _ in told)
        fresh = len(told) > 1 or any(w is not target for w, _ in told)
        score = 0.72 + 0.08 * sick + 0.12 * fresh
        facts = [Fact(source="log", statement=quote(h.line), object=w.ref) for w, h in told[:3]]
        yield Finding(
            failure_class="certificate_invalid",
            object=target.ref,
            score=score,
            detail=quote(told[0][1].line),
            evidence=facts,
            against=[],
            facts={"workload": target},
        )


def _secrets(view: ClusterView) -> Iterator[Finding]:
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
                yield _secret(ingress, n, name, have)


def _secret(ingress: Obj, index: int, name: str, have: list[str]) -> Finding:
    ref = ObjectRef(
        api_version="networking.k8s.io/v1",
        kind="Ingress",
        namespace=namespace_of(ingress),
        name=name_of(ingress),
    )
    near = max(
        (h for h in have if alike(h, name) >= 0.85), key=lambda h: alike(h, name), default=""
    )
    text = f"{ref.key} wants TLS from secret {name}, which does not exist"
    return Finding(
        failure_class="certificate_secret_missing",
        object=ref,
        score=0.8 if near else 0.7,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=ref)],
        against=[],
        facts={"ingress": ingress, "index": index, "near": near, "name": name},
    )
