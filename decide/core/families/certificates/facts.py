"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.shapes import Obj


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
