"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class UnboundClaim(Facts):
    """A workload that waits for a claim without a volume."""

    workload: Workload
    #: The PersistentVolumeClaim; ``None`` where the scheduler names none.
    claim: Obj | None = None
    #: The PersistentVolume that comes nearest to what it asks.
    volume: Obj | None = None
