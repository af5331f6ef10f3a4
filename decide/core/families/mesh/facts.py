"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutOut(Facts):
    """A workload that the mesh keeps requests from; no plan without more."""

    workload: Workload
    #: Whose requests; ``None`` where nobody is known.
    caller: Workload | None = None

    @property
    def concerns(self) -> tuple[str, ...]:
        """The workload, and its caller."""
        return tuple(w.name for w in (self.workload, self.caller) if w is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAllowed(ShutOut):
    """Policies that allow others and not the caller."""

    caller: Workload
    #: The AuthorizationPolicy that may allow it too.
    policy: Obj
    #: The port of the pods that is called; ``None``: any.
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSubset(ShutOut):
    """A route to a subset without pods."""

    #: The VirtualService.
    route: Obj
    #: The field that names the subset.
    path: str
    #: Names of the subsets that have pods.
    alive: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFault(ShutOut):
    """A route that aborts or delays requests."""

    #: The VirtualService.
    route: Obj
    #: The field with the fault.
    path: str
    #: A delay; else an abort.
    delays: bool
