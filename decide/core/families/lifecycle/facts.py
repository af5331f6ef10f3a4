"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRollout(Facts):
    """A rollout that does not go on."""

    workload: Workload
    #: Somebody paused it.
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldByBudget(Facts):
    """A workload none of whose pods may be evicted."""

    workload: Workload
    #: The PodDisruptionBudget.
    budget: Obj
    #: It allows nothing even with every pod ready.
    never: bool
