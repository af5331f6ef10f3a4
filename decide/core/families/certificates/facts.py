"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.shapes import Obj
from schemas.base import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentSecret(Facts):
    """An Ingress that wants TLS from a secret which does not exist."""

    ingress: Obj
    #: The place in ``spec.tls``.
    index: int
    #: The secret's name.
    name: str
    #: A secret of nearly that name that exists; empty without one.
    near: str = ""

    @property
    def aims(self) -> tuple[str, ...]:
        """The secret's name, and the one it may have been meant to have."""
        return (self.name, self.near)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One field whose value keeps a certificate from being issued."""

    ref: ObjectRef
    #: The object as it lives.
    live: Obj
    path: str
    value: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BadCertificate(Facts):
    """A certificate that has expired, is not trusted or is not issued."""

    #: The Certificate of cert-manager; ``None`` where only callers tell of it.
    certificate: Obj | None = None
    #: What keeps it from being issued; empty where nobody knows.
    remedies: tuple[Remedy, ...] = ()
    #: Names of workloads that present it, or lead there.
    users: tuple[str, ...] = ()

    @property
    def beside_template(self) -> bool:
        """A certificate is no part of a template."""
        return True

    @property
    def concerns(self) -> tuple[str, ...]:
        """The workload, and who presents it."""
        return (*((self.workload.name,) if self.workload is not None else ()), *self.users)
