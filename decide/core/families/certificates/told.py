"""Expired certificates of Ingresses that an ingress controller's log or the alert itself tells of: their Secrets' content is never read.

Sources: ingress-nginx ``controller.go`` ("SSL certificate for server … is about to expire"); Node's, OpenSSL's and Go's words
for an expired certificate, as monitors quote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from decide.core.families.certificates.facts import BadCertificate
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of, ref_of
from manifests.objects.shapes import Obj, at, items, mappings, text
from manifests.objects.times import instant
from schemas.base import ObjectRef

#: Words for a certificate that has run out, in any program's line.
_EXPIRED = re.compile(
    r"CERT_HAS_EXPIRED|certificate (?:has |is )?expired|expired (?:TLS |SSL )?certificate|(?:SSL|TLS) (?:certificate )?(?:expired|expiry)|"
    r"certificate verify failed: certificate has expired",
    re.I,
)
#: ingress-nginx says "about to expire" of one that has expired too: the moment tells.
_ENDS = re.compile(
    r"SSL certificate for server \"(?P<host>[^\"]+)\" is about to expire \((?P<day>[\d-]{10}) (?P<hour>[\d:]{8})"
)
_TAIL = 400


@dataclass(frozen=True, slots=True)
class _Entry:
    """One of an Ingress' certificates."""

    ingress: Obj
    secret: str
    hosts: tuple[str, ...]

    @property
    def place(self) -> str:
        """Its namespace."""
        return namespace_of(self.ingress)

    @property
    def secret_ref(self) -> ObjectRef:
        """The Secret that holds it."""
        return ObjectRef(api_version="v1", kind="Secret", namespace=self.place, name=self.secret)


def find_told(view: ClusterView) -> Iterator[Finding[BadCertificate]]:
    """One finding for each certificate that is told to have expired and that no Certificate object stands for."""
    entries = list(_entries(view))
    if not entries:
        return
    alert = view.bundle.alert
    said = f"{alert.title} {alert.body}"
    claims = bool(_EXPIRED.search(said)) and view.firing
    for entry in entries:
        until = instant(text(view.get("secrets", entry.place, entry.secret) or {}, "notAfter"))
        if until is not None and until >= view.bundle.alerted_at:
            continue  # renewed since, or never in trouble
        shown = _ended(entry, until) if until is not None else _logged(view, entry)
        named = any(host in said for host in entry.hosts)
        asked = claims and (named or len(entries) == 1)
        if shown is not None or asked:
            yield _finding(view, entry, shown, quote(said) if asked else "", named=named)


def _entries(view: ClusterView) -> Iterator[_Entry]:
    for ingress in view.here("ingresses"):
        made = view.inside("certificates", namespace_of(ingress))
        issued = {text(one, "spec", "secretName") for one in made}
        for one in mappings(ingress, "spec", "tls"):
            secret = text(one, "secretName")
            if secret and secret not in issued:
                yield _Entry(ingress, secret, tuple(str(h) for h in items(one, "hosts")))


def _ended(entry: _Entry, until: datetime) -> Fact:
    """That the certificate in the Secret has ended, as it says itself."""
    text = say("certificates.told.ended", secret=entry.secret, until=f"{until:%Y-%m-%d %H:%M}")
    return Fact(source="object", statement=text, object=entry.secret_ref)


def _logged(view: ClusterView, entry: _Entry) -> Fact | None:
    """The newest line of any log that says that the entry's certificate has expired; ``None`` without one."""
    told = view.memo("lines about certificates", lambda: list(_lines(view)))
    found = next((line for line in told if _tells(view, entry, line)), "")
    return Fact(source="log", statement=quote(found)) if found else None


def _lines(view: ClusterView) -> Iterator[str]:
    """Lines of all logs about certificates, the newest of each log first."""
    for log in view.bundle.logs:
        lines = reversed(log.lines[-_TAIL:])
        yield from (n for n in lines if "ertificate" in n or "CERT_HAS_EXPIRED" in n)


def _tells(view: ClusterView, entry: _Entry, line: str) -> bool:
    ends = _ENDS.search(line)
    if ends is not None:
        moment = instant(f"{ends['day']}T{ends['hour']}Z")
        return (
            ends["host"] in entry.hosts and moment is not None and moment < view.bundle.alerted_at
        )
    named = f"{entry.place}/{entry.secret}" in line or any(host in line for host in entry.hosts)
    return named and bool(_EXPIRED.search(line))


def _finding(
    view: ClusterView, entry: _Entry, shown: Fact | None, claim: str, *, named: bool
) -> Finding[BadCertificate]:
    ref = ref_of(entry.ingress, "Ingress")
    told = say(
        "certificates.told.presents", ingress=ref.key, secret=entry.secret, hosts=list(entry.hosts)
    )
    facts = [Fact(source="object", statement=told, object=entry.secret_ref)]
    if shown is not None:
        facts.append(shown)
    if claim:
        facts.append(Fact(source="monitor", statement=claim))
    score = 0.85 if shown is not None else 0.8 if named else 0.7
    return Finding(
        failure_class="certificate_invalid",
        object=ref,
        score=0.93 if shown is not None and claim else score,
        detail=say(
            "certificates.told.expired",
            secret=entry.secret,
            said=shown.statement if shown is not None else claim,
        ),
        evidence=facts,
        facts=BadCertificate(users=tuple(dict.fromkeys(_behind(view, entry)))),
    )


def _behind(view: ClusterView, entry: _Entry) -> Iterator[str]:
    """Names of the Ingress, of the Services behind it and of their workloads."""
    yield name_of(entry.ingress)
    for rule in mappings(entry.ingress, "spec", "rules"):
        for path in mappings(at(rule, "http"), "paths"):
            name = text(path, "backend", "service", "name")
            found = view.resolve(entry.place, name) if name else None
            yield from (name, *((found.name,) if found is not None else ()))
