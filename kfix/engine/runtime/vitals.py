"""Whether a stage is well, told from the signs of its parts. Pure: no I/O, no clock.

All times are seconds of one monotonic clock. What is not known is ``None``, and counts as records that wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kfix.engine.broker.offsets import PartitionStanding
from kfix.engine.runtime.offsets import Partition
from kfix.engine.runtime.settings import Runtime

#: Seconds between two looks that tell that the whole process was stopped, and seconds without complaint after that.
_STOPPED_S, _WAKING_S = 5.0, 30.0
#: Seconds without a sign after which a stage is not ready any more. A poll takes one, a beat less.
_FRESH_S = 15.0


@dataclass(frozen=True, slots=True)
class Inside:
    """What the engine says of itself, in its own event loop at ``at``: old signs mean that the loop hangs."""

    at: float
    #: Records whose handler runs or whose results are not acknowledged.
    running: int
    #: Partitions with a window.
    partitions: frozenset[Partition]
    #: Of these, those whose first record under way waits to be due: nothing of them can be committed before.
    held: frozenset[Partition]
    #: When an attempt last ended, and when records were last taken.
    moved_at: float
    taken_at: float
    #: Since when the first record of a partition is in its present attempt, and since when with the producer, at most;
    #: ``at`` when there is none.
    working_since: float
    sending_since: float


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """What the broker said of a group's partitions: records not committed yet, ``None`` where it did not say."""

    lag: Mapping[Partition, int | None]
    #: When it last answered everything that was asked.
    at: float


@dataclass(frozen=True, slots=True)
class StageSigns:
    """All that is known of a stage at ``now``."""

    now: float
    inside: Inside
    told: BrokerReport
    #: Since when partitions are assigned and polled; ``None`` without an assignment, which ended at ``unassigned_at``.
    assigned_at: float | None
    unassigned_at: float
    polled_at: float
    #: When it was last known that nothing waits.
    idle_at: float

    @property
    def lag(self) -> int | None:
        """Records of the assigned partitions that are not committed; ``None`` when it is not known for all of them."""
        return None if self.assigned_at is None else _sum(self.told.lag, self.inside.partitions)

    @property
    def waiting(self) -> int | None:
        """The same without what waits to be due."""
        if self.assigned_at is None:
            return None
        return _sum(self.told.lag, self.inside.partitions - self.inside.held)


def _sum(lag: Mapping[Partition, int | None], partitions: frozenset[Partition]) -> int | None:
    total = 0
    for partition in partitions:
        known = lag.get(partition)
        if known is None:
            return None
        total += known
    return total


def lag_of(
    standings: Mapping[Partition, PartitionStanding], ends: Mapping[Partition, int]
) -> dict[Partition, int | None]:
    """Records of each partition that are not committed. ``ends`` is what the last fetch told: the embedded broker
    tells ends that are too low.
    """
    return {
        partition: max(0, max(one.end, ends.get(partition, 0)) - one.position)
        for partition, one in standings.items()
    }


def idle_since(signs: StageSigns) -> float:
    """When it was last known that nothing waits: now, as the broker told, or as before where the lag is unknown."""
    return signs.told.at if signs.waiting == 0 else signs.idle_at


def complaint(signs: StageSigns, settings: Runtime) -> str:
    """Why the process should be started again; empty when the stage is well or may become so by itself."""
    now, inside = signs.now, signs.inside
    if now - inside.at > settings.hang_s:
        return f"the event loop has not answered for {now - inside.at:.0f} s"
    if now - inside.sending_since > settings.delivery_timeout_s:
        return f"the broker has not acknowledged a result for {now - inside.sending_since:.0f} s"
    if now - inside.working_since > settings.stall_s:
        return f"an attempt has been under way for {now - inside.working_since:.0f} s"
    if signs.assigned_at is None:
        return _unassigned(signs, settings)
    if now - signs.polled_at > settings.poll_stall_s:
        return f"partitions are assigned and no poll has ended for {now - signs.polled_at:.0f} s"
    return _stalled(signs, settings)


def _unassigned(signs: StageSigns, settings: Runtime) -> str:
    """Without an assignment: while the broker answers others it is our fault, otherwise we wait for it longer."""
    since = signs.now - signs.unassigned_at
    answers = signs.now - signs.told.at <= settings.assign_s
    if since > (settings.assign_s if answers else settings.stall_s):
        return f"the group has given no assignment for {since:.0f} s"
    return ""


def _stalled(signs: StageSigns, settings: Runtime) -> str:
    waiting, inside = signs.waiting, signs.inside
    if waiting == 0:
        return ""
    words = "an unknown number of" if waiting is None else str(waiting)
    still = signs.now - max(inside.moved_at, signs.idle_at)
    if still > settings.stall_s:
        return f"{words} records wait and none has been finished for {still:.0f} s"
    fed = max(inside.taken_at, inside.moved_at, signs.idle_at, signs.assigned_at or 0.0)
    empty = signs.now - fed
    if waiting is not None and not inside.running and empty > settings.idle_stall_s:
        return f"{words} records wait, none is under way and none has come for {empty:.0f} s"
    return ""


def ready(signs: StageSigns, settings: Runtime) -> bool:
    """Whether the stage takes records now: assigned, polling, its loop turning, and its lag known."""
    fresh = min(signs.polled_at, signs.inside.at)
    known = signs.now - signs.told.at <= _FRESH_S + 2 * settings.lag_every_s
    return signs.assigned_at is not None and signs.now - fresh <= _FRESH_S and known


def silent_until(*, looked_at: float, now: float, silent: float) -> float:
    """Until when nothing is complained of. A process that was stopped (a paused container, a machine without time for
    it) finds all signs old when it goes on, though nothing is wrong.
    """
    return max(silent, now + _WAKING_S) if now - looked_at > _STOPPED_S else silent
