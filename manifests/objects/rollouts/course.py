"""What a rollout starts from, what it comes to, and the room that its pods fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from manifests.objects.resources import Amounts
from manifests.objects.shapes import Misshapen

#: More pods than this are not played out one by one.
_MOST = 5000
_ZERO = Decimal(0)

#: Why a rollout does not end with all pods on its template: no room for a pod, pods that are not ready are waited for,
#: or the object itself says so.
Stop = Literal["", "no_room", "not_ready", "paused", "on_delete", "partition"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSet:
    """The pods of one template."""

    #: Pods that its controller wants, that are there and not being deleted, and that are ready.
    wanted: int = 0
    made: int = 0
    ready: int = 0
    #: What one pod counts for.
    each: Amounts
    #: A pod that is made from it gets ready.
    works: bool = False

    def resized(self, wanted: int) -> PodSet:
        """As many pods wanted as told; those too many are gone, the unready ones first."""
        kept = min(self.made, wanted)
        gone = self.made - kept
        ready = self.ready - max(0, gone - (self.made - self.ready))
        return replace(self, wanted=wanted, made=kept, ready=ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a rollout goes."""

    #: The pods of the template that is rolled out, and all others', at the end.
    new: PodSet
    old: tuple[PodSet, ...]
    stop: Stop
    #: What all its pods count for: at the start, at most, at the end.
    start: Amounts
    peak: Amounts
    end: Amounts
    #: The fewest that were ready at any moment.
    fewest_ready: int

    @property
    def complete(self) -> bool:
        """All pods run the new template."""
        return not self.stop

    def growth(self) -> Amounts:
        """What it needs beside the pods that are there, at its height. Negative where it only shrinks."""
        return {n: self.peak[n] - self.start.get(n, _ZERO) for n in self.peak}

    def steady(self) -> Amounts:
        """What it leaves in use beside what was; negative where it gives back."""
        names = {*self.start, *self.end}
        return {n: self.end.get(n, _ZERO) - self.start.get(n, _ZERO) for n in names}


class Tally:
    """What pods count for now and counted for at most. ``room``: what is left beside them; no bound where nothing is said."""

    def __init__(self, pods: Iterable[Amounts], room: Mapping[str, Decimal] | None) -> None:
        self.now: Amounts = {}
        for each in pods:
            self._add(each, 1)
        self.start = dict(self.now)
        self.peak = dict(self.now)
        self._most = {n: self.now.get(n, _ZERO) + left for n, left in (room or {}).items()}
        #: Somebody was refused since it was last asked.
        self.refused = False

    def admits(self, each: Amounts) -> bool:
        """One pod more is let in, and counted."""
        for name, amount in each.items():
            if (
                amount > 0
                and name in self._most
                and self.now.get(name, _ZERO) + amount > self._most[name]
            ):
                self.refused = True
                return False
        self._add(each, 1)
        for name in each:
            self.peak[name] = max(self.peak.get(name, _ZERO), self.now[name])
        return True

    def course(self, new: PodSet, old: tuple[PodSet, ...], stop: Stop, fewest: int) -> Course:
        """What it comes to."""
        return Course(
            new=new,
            old=old,
            stop=stop,
            start=self.start,
            peak=self.peak,
            end=dict(self.now),
            fewest_ready=fewest,
        )

    def leave(self, each: Amounts, pods: int) -> None:
        """Pods are gone."""
        self._add(each, -pods)

    def _add(self, each: Amounts, pods: int) -> None:
        for name, amount in each.items():
            self.now[name] = self.now.get(name, _ZERO) + amount * pods


def bounded(*counts: int) -> None:
    """Raises Misshapen for numbers of pods that nobody runs."""
    if any(not 0 <= count <= _MOST for count in counts):
        raise Misshapen(f"not between 0 and {_MOST} pods")
