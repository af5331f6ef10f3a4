"""The StatefulSet controller (pods with a number each) and the DaemonSet controller (pods with a node each), step by step.

Source: kubernetes v1.37 ``pkg/controller/statefulset`` (stateful_set_control.go ``updateStatefulSet``,
``updateStatefulSetAfterInvariantEstablished``) and ``pkg/controller/daemon`` (update.go ``rollingUpdate``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from manifests.objects.resources import Amounts
from manifests.objects.rollouts.course import Course, PodSet, Stop, Tally, bounded

_Side = Literal["old", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A pod that is there: of the template that is rolled out, or of another."""

    new: bool
    ready: bool
    #: What it counts for.
    each: Amounts


@dataclass(slots=True)
class _Place:
    """A pod's number or node, and who is there."""

    old: Member | None = None
    new: Member | None = None

    @property
    def taken(self) -> bool:
        return self.old is not None or self.new is not None

    @property
    def ready(self) -> bool:
        return any(one is not None and one.ready for one in (self.old, self.new))


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """A StatefulSet or DaemonSet as it is to be, and its pods as they are."""

    desired: int
    unavailable: int = 1
    #: Of a DaemonSet.
    surge: int = 0
    #: Of a StatefulSet: pods below this number keep their template; one after another, or all at once.
    partition: int = 0
    ordered: bool = False
    on_delete: bool = False
    #: By number, or by node; ``None`` where no pod is.
    pods: tuple[Member | None, ...]
    #: What a pod of the template that is rolled out counts for, and of the one before.
    new: Amounts
    old: Amounts
    #: A pod that is made from the template before gets ready.
    old_works: bool = True


def roll(start: Members, room: Mapping[str, Decimal] | None = None) -> Course:
    """Plays it to where nothing moves any more. Raises Misshapen for numbers of pods that nobody runs."""
    bounded(start.desired, start.surge, len(start.pods))
    return _Play(start, room).course()


class _Play:
    def __init__(self, start: Members, room: Mapping[str, Decimal] | None) -> None:
        self.start = start
        missing = (None,) * max(0, start.desired - len(start.pods))
        self.places = [
            _Place(new=pod) if pod is not None and pod.new else _Place(old=pod)
            for pod in (*start.pods, *missing)
        ]
        self.tally = Tally((pod.each for pod in start.pods if pod is not None), room)
        self.fewest = self._ready()

    def course(self) -> Course:
        """What it comes to."""
        step = self._surging if self.start.surge else self._replacing
        while step() or self._one_gets_ready():
            self.fewest = min(self.fewest, self._ready())
        new = _counted((p.new for p in self.places), self.start.new)
        old = _counted((p.old for p in self.places), self.start.old)
        return self.tally.course(new, (old,), self._stop(new, old), self.fewest)

    def _ready(self) -> int:
        return sum(place.ready for place in self.places)

    def _stop(self, new: PodSet, old: PodSet) -> Stop:
        if not old.made and new.made == new.ready == self.start.desired:
            return ""
        waits = new.made == new.ready and old.made > 0 and self.start.surge > 0
        if any(not p.taken for p in self.places[: self.start.desired]) or (
            self.tally.refused and waits
        ):
            return "no_room"
        if self.start.on_delete:
            return "on_delete"
        kept = min(self.start.partition, self.start.desired)
        return "partition" if old.made == old.ready == kept > 0 else "not_ready"

    def _one_gets_ready(self) -> bool:
        for place in self.places:
            if place.old is not None and not place.old.ready and self.start.old_works:
                place.old = replace(place.old, ready=True)
                return True
            if place.new is not None and not place.new.ready:
                place.new = replace(place.new, ready=True)
                return True
        return False

    def _make(self, place: _Place, side: _Side) -> bool:
        each = self.start.new if side == "new" else self.start.old
        if not self.tally.admits(each):
            return False
        setattr(place, side, Member(new=side == "new", ready=False, each=each))
        return True

    def _drop(self, place: _Place, side: _Side) -> bool:
        gone: Member | None = getattr(place, side)
        if gone is not None:
            self.tally.leave(gone.each, 1)
        setattr(place, side, None)
        return True

    def _fill(self) -> bool | None:
        """Missing pods are made; ``None`` where all else waits: for a pod that is not ready, or that is refused."""
        moved = False
        for n, place in enumerate(self.places[: self.start.desired]):
            if not place.taken:
                moved = self._make(place, "old" if n < self.start.partition else "new") or moved
            if self.start.ordered and not place.ready:
                return moved or None
        missing = any(not place.taken for place in self.places[: self.start.desired])
        return (moved or None) if missing else moved

    def _replacing(self) -> bool:
        """Old pods go, and new ones take their places."""
        filled = self._fill()
        if filled is not False:
            return bool(filled)
        for place in reversed(self.places[self.start.desired :]):
            if place.taken:
                return self._drop(place, "old" if place.old is not None else "new")
        return not self.start.on_delete and self._replace()

    def _replace(self) -> bool:
        inside = self.places[: self.start.desired]
        due = [p for p in inside[self.start.partition :] if p.old is not None]
        stale = [p for p in due if not p.ready and not self.start.ordered]
        for place in stale:
            self._drop(place, "old")
        away = sum(not place.ready for place in inside)
        spare = self.start.unavailable - away
        if stale or not due or spare <= 0:
            return bool(stale)
        for place in due[-spare:]:
            self._drop(place, "old")
        self.fewest = min(self.fewest, self._ready())
        return True

    def _surging(self) -> bool:
        """New pods come up beside old ones, which go once they are ready."""
        for place in self.places[
            self.start.desired :
        ]:  # what an earlier rollout left beside others
            if place.taken:
                return self._drop(place, "old" if place.old is not None else "new")
        filled = self._fill()
        if filled is not False or self.start.on_delete:
            return bool(filled)
        beside = 0
        for place in self.places:
            if place.old is not None and place.new is not None:
                if place.new.ready:
                    return self._drop(place, "old")
                beside += 1
        alone = [p for p in self.places if p.old is not None and p.new is None]
        for place in sorted(alone, key=lambda p: p.ready):
            if (beside < self.start.surge or not place.ready) and self._make(place, "new"):
                return True
        return False


def _counted(pods: Iterable[Member | None], each: Amounts) -> PodSet:
    found = [pod for pod in pods if pod is not None]
    ready = sum(pod.ready for pod in found)
    return PodSet(wanted=len(found), made=len(found), ready=ready, each=each)
