"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentDevice(Facts):
    """A reference of the pods to a claim or template that is not there."""

    workload: Workload
    #: The entry's name in ``spec.resourceClaims``, and the field that names what is missing.
    entry: str
    field: str
    #: The object of the wanted kind that the name may be a slip of; empty where none is near.
    near: str = ""
