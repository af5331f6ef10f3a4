"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.workloads import Workload
from schemas.plans import FixKind


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedProgram(Facts):
    """A workload whose program ends for a reason that it tells."""

    workload: Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsetVariable(StoppedProgram):
    """A program that misses an environment variable."""

    #: The container's name.
    container: str
    #: The variable's name; empty where the log does not tell.
    name: str = ""

    @property
    def stands_in(self) -> tuple[str, ...]:
        """The variable."""
        return (f":containers[name={self.container}].env[name={self.name}]",) if self.name else ()

    @property
    def fix_kind(self) -> FixKind:
        """A change of a variable."""
        return "set_env"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLock(Facts):
    """A program whose files another process holds."""

    workload: Workload
    #: Another pod of the workload runs, and they share a volume: it is that one's lock.
    holder: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledToZero(Facts):
    """A workload without replicas that somebody needs."""

    workload: Workload
    #: The replicas that the deployment repository declares; 0 where it declares none.
    declared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BadSetting(Facts):
    """A value in a container's environment that its program refuses."""

    workload: Workload
    container: str
    #: The variable's name.
    name: str
    #: The ConfigMap and its key that it comes from; empty where the value stands in the container.
    config: str = ""
    key: str = ""
    value: str = ""

    @property
    def beside_template(self) -> bool:
        """It stands in the ConfigMap: going back to another template does not touch it."""
        return bool(self.config)
