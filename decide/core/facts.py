"""What a rule hands to the plans of its class: one small frozen type a kind of finding, declared in the family."""

from __future__ import annotations

from dataclasses import dataclass

from manifests.objects.shapes import Obj
from manifests.objects.workloads import Workload
from schemas.plans import FixKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the whole core asks of any finding's facts; a family's types add what its plans need."""

    #: The workload that suffers or is to be changed; ``None`` where the object belongs to none.
    workload: Workload | None = None

    @property
    def beside_template(self) -> bool:
        """The fault stands beside the workload's template: going back to another one does not touch it."""
        return False

    @property
    def stands_in(self) -> tuple[str, ...]:
        """Fields of the workload's pod spec (paths below it start with ``:``) that the fault stands in, as far as it is known."""
        return ()

    @property
    def stands_beside(self) -> tuple[tuple[str, Obj, str], ...]:
        """Fields of other objects that the fault stands in, as far as they are known: kind, object, path."""
        return ()

    @property
    def fix_kind(self) -> FixKind:
        """What kind of fix a change of these fields is."""
        return "other"

    @property
    def concerns(self) -> tuple[str, ...]:
        """Names of workloads that the finding is about besides its object: callers, peers, victims."""
        return (self.workload.name,) if self.workload is not None else ()

    @property
    def aims(self) -> tuple[str, ...]:
        """Names that the object aims at, or is meant to: a target, a backend, a claim."""
        return ()
