"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class KilledContainer(Facts):
    """A container that was killed at its memory limit."""

    workload: Workload
    #: Its name; empty where nobody says which of the pod's.
    container: str = ""
    #: Pods of the same template that are well: what differs is not in the template.
    well: int = 0
    #: The line in which its runtime says that it does not see the limit; empty where it says nothing.
    unseen: str = ""
    #: What tells that it was not its own limit that killed it, as a sentence; empty where nothing does.
    spared: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictedPod(Facts):
    """A pod that was evicted for its local disk."""

    workload: Workload
    #: The kubelet's words.
    message: str
