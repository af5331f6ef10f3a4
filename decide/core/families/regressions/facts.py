"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrun(Facts):
    """A workload that gets more requests than before."""

    workload: Workload
    #: Requests after over requests before.
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GreedyNeighbour(Facts):
    """A workload that takes the CPU of a node, and one that is slow there."""

    workload: Workload
    victim: Workload

    @property
    def concerns(self) -> tuple[str, ...]:
        """The workload, and the one that suffers beside it."""
        return self.workload.name, self.victim.name
