"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownScheduler(Facts):
    """A workload whose pods name a scheduler that nobody runs."""

    workload: Workload
