"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass

from decide.core.facts import Facts
from manifests.objects.shapes import Obj
from schemas.base import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class AboveTarget:
    """A metric above its target, both in percent of what the pods request."""

    metric: str
    now: int
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FullScaler(Facts):
    """An autoscaler that has as many replicas as it may; without ``workload`` where its target is not known."""

    scaler: Obj
    ref: ObjectRef
    #: The metric that asks for more; ``None`` where just the autoscaler says that it is limited.
    excess: AboveTarget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindScaler(Facts):
    """An autoscaler that cannot read its metric; without ``workload`` where its target is not known."""

    #: The resource whose request the pods do not state; empty where that is not the reason.
    resource: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostScaler(Facts):
    """An autoscaler whose target does not exist."""

    scaler: Obj
    #: The target's name.
    name: str
    #: A workload of the kind with nearly that name; empty without one.
    near: str = ""

    @property
    def aims(self) -> tuple[str, ...]:
        """The name that it has, and the one it may have been meant to have."""
        return (self.name, self.near)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoughtOver(Facts):
    """A workload that two autoscalers change; both vertical fields are ``None`` where none of the two is a VPA."""

    vertical: Obj | None = None
    vertical_ref: ObjectRef | None = None
