"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from decide.core.facts import Facts
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload
from schemas.plans import FixKind

#: The kinds of probes, as the fields ``livenessProbe`` … begin.
Probe = Literal["liveness", "readiness", "startup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingProbe(Facts):
    """A probe that fails because of what it asks."""

    workload: Workload
    #: The container's name.
    container: str
    probe: Probe
    #: The probe as the container states it.
    spec: Obj
    #: What is wrong with it, as a sentence.
    why: str
    #: The scheme that the program speaks where the probe asks by the other one; empty where its answer does not tell.
    scheme: Literal["", "HTTP", "HTTPS"] = ""
    #: The program of an ``exec`` probe that is not there; empty for other probes.
    program: str = ""
    #: What is wrong is the time that it gives: how long a start takes lies in the data as well as in the program.
    timed: bool = False

    @property
    def stands_in(self) -> tuple[str, ...]:
        """The probe."""
        return (f":containers[name={self.container}].{self.probe}Probe",)

    @property
    def fix_kind(self) -> FixKind:
        """A change of a probe."""
        return "set_probe"
