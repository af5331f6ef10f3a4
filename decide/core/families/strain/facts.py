"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Strained(Facts):
    """A program that has run out of something that its environment sets."""

    workload: Workload
    #: Its container; empty where nobody says which.
    container: str
