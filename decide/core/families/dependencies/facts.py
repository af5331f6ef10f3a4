"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class FullDisk(Facts):
    """A database, or another program, without room on its disk."""

    workload: Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowded(Facts):
    """A server without a free connection; its workload is ``None`` where nobody knows which."""

    #: ``mysql``, ``postgres``, …; empty where nothing tells.
    sort: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongPort(Facts):
    """A workload that does not reach its database."""

    workload: Workload
    #: The database; ``None`` where nobody knows which.
    database: Workload | None = None
