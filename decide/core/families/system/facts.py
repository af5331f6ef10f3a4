"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.shapes import Obj


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentDns(Facts):
    """The cluster's DNS, which does not answer."""

    #: Its Deployment; ``None`` where nobody collected it.
    owner: Obj | None = None
