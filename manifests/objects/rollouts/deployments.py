"""The Deployment and the ReplicaSet controllers, step by step.

Source: kubernetes v1.37 ``pkg/controller/deployment`` (rolling.go, recreate.go, sync.go ``scale``, util ``ResolveFenceposts``,
``NewRSNewReplicas``, ``GetReplicaSetProportion``) and ``pkg/controller/replicaset`` (``manageReplicas``: unready pods go first).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from manifests.objects.rollouts.course import Course, PodSet, Stop, Tally, bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """A Deployment as it is to be, and its ReplicaSets as they are."""

    desired: int
    #: Resolved to pods; see ``fenceposts``.
    surge: int = 0
    unavailable: int = 0
    #: Oldest first; the one whose template is wanted at ``new``, with no pod wanted where it is yet to be made.
    sets: tuple[PodSet, ...]
    new: int
    #: Replicas and surge before, where the number of replicas changes too.
    scaled_from: int | None = None
    paused: bool = False
    recreate: bool = False


def fenceposts(surge: int, unavailable: int, desired: int) -> tuple[int, int]:
    """Surge and unavailable as the controller takes them: one unavailable where both come to nothing."""
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, desired)


def roll(start: Rolling, room: Mapping[str, Decimal] | None = None) -> Course:
    """Plays it to where nothing moves any more. Raises Misshapen for numbers of pods that nobody runs."""
    bounded(start.desired, start.surge, *(max(one.wanted, one.made) for one in start.sets))
    return _Play(start, room).course()


class _Play:
    def __init__(self, start: Rolling, room: Mapping[str, Decimal] | None) -> None:
        self.start = start
        self.sets = list(start.sets)
        self.tally = Tally((one.each for one in start.sets for _ in range(one.made)), room)
        self.scaling = start.scaled_from is not None and any(s.wanted for s in start.sets)
        self.fewest = self._ready()

    def course(self) -> Course:
        """What it comes to."""
        while self._moves() or self._one_gets_ready():
            self.fewest = min(self.fewest, self._ready())
        new = self.sets[self.start.new]
        old = tuple(one for n, one in enumerate(self.sets) if n != self.start.new)
        return self.tally.course(new, old, self._stop(new, old), self.fewest)

    def _moves(self) -> bool:
        """The controller's next step, and the pods that come of it: they are there before the step after."""
        stepped = self._controller()
        return self._pods() or stepped

    def _stop(self, new: PodSet, old: tuple[PodSet, ...]) -> Stop:
        if new.made == new.ready == self.start.desired and not any(one.wanted for one in old):
            return ""
        if any(one.made < one.wanted for one in self.sets):
            return "no_room"
        return "paused" if self.start.paused else "not_ready"

    def _ready(self) -> int:
        return sum(one.ready for one in self.sets)

    def _wanted(self) -> int:
        return sum(one.wanted for one in self.sets)

    def _resize(self, n: int, wanted: int) -> bool:
        one = self.sets[n]
        if one.wanted == wanted:
            return False
        self.sets[n] = one.resized(wanted)
        self.tally.leave(one.each, one.made - self.sets[n].made)
        return True

    def _controller(self) -> bool:
        if self.scaling:
            self.scaling = False
            return self._scale()
        if self.start.paused:
            return False
        if self.start.recreate:
            return self._clear() or self._resize(self.start.new, self.start.desired)
        return self._grow() or self._shrink()

    def _clear(self) -> bool:
        old = [n for n in range(len(self.sets)) if n != self.start.new]
        moved = [self._resize(n, 0) for n in old]
        return any(moved)

    def _grow(self) -> bool:
        """``reconcileNewReplicaSet``."""
        new = self.sets[self.start.new].wanted
        if new > self.start.desired:
            return self._resize(self.start.new, self.start.desired)
        free = self.start.desired + self.start.surge - self._wanted()
        return self._resize(self.start.new, new + max(0, min(free, self.start.desired - new)))

    def _shrink(self) -> bool:
        """``reconcileOldReplicaSets``: unready pods first, then as many as may be away."""
        new = self.sets[self.start.new]
        least = self.start.desired - self.start.unavailable
        most = self._wanted() - least - (new.wanted - new.ready)
        if most <= 0:
            return False
        old = [n for n in range(len(self.sets)) if n != self.start.new]
        cleaned = self._take(old, most, {n: self.sets[n].wanted - self.sets[n].ready for n in old})
        spare = self._ready() - least
        return self._take(old, spare, {n: self.sets[n].wanted for n in old}) or cleaned

    def _take(self, among: list[int], most: int, each: Mapping[int, int]) -> bool:
        taken = 0
        for n in among:
            some = min(most - taken, each[n])
            if some > 0:
                self._resize(n, self.sets[n].wanted - some)
                taken += some
        return taken > 0

    def _scale(self) -> bool:
        """``scale``: the only active set gets all of the new size, several share it in proportion."""
        active = [n for n, one in enumerate(self.sets) if one.wanted]
        if len(active) == 1:
            return self._resize(active[0], self.start.desired)
        if self.start.recreate:
            return False
        allowed = self.start.desired + self.start.surge if self.start.desired else 0
        more = allowed - self._wanted()
        newer_first = more > 0
        active.sort(key=lambda n: (-self.sets[n].wanted, -n if newer_first else n))
        sizes = self._shared(active, allowed, more)
        moved = [self._resize(n, sizes[n]) for n in active]
        return any(moved)

    def _shared(self, active: list[int], allowed: int, more: int) -> dict[int, int]:
        sizes, added = {}, 0
        for n in active:
            now = self.sets[n].wanted
            whole = now * allowed / (self.start.scaled_from or 1)
            share = math.floor(whole + 0.5) - now if self.start.desired else -now
            part = min(share, more - added) if more > 0 else max(share, more - added)
            part = 0 if more == 0 else part
            sizes[n], added = now + part, added + part
        sizes[active[0]] = max(0, sizes[active[0]] + more - added)
        return sizes

    def _pods(self) -> bool:
        """The ReplicaSets make what they want and are let have."""
        made = False
        for n, one in enumerate(self.sets):
            more = 0
            while one.made + more < one.wanted and self.tally.admits(one.each):
                more += 1
            self.sets[n] = replace(one, made=one.made + more)
            made = made or more > 0
        return made

    def _one_gets_ready(self) -> bool:
        for n, one in enumerate(self.sets):
            if one.works and one.ready < one.made:
                self.sets[n] = replace(one, ready=one.ready + 1)
                return True
        return False
