"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.pods import Pod
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced(Facts):
    """A workload whose pods wait for a node."""

    workload: Workload
    #: One of the waiting pods, with what admission wrote into it.
    pod: Pod
    #: The scheduler's words.
    message: str
