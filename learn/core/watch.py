"""The watch over a merged fix: looks in their order, and what they come to. Pure.

Until a look finds the change live nothing is judged. From then on, at each look:

- a look is *clean* (a success by ``learn.core.judgement``), *bad* (a failure) or *unclear* (anything else: not measured, still
  moving, worse in something else). Whatever is not clean breaks the row of clean looks; what is unclear is no failure;
- before the window ends only one thing counts: containers that died ``REPEATED`` times and more, at two looks in a row, are a
  failure at once. Early success is never given;
- once the window is over: two clean looks in a row are a success; a bad look, when there was a bad one before, is a failure;
  two looks in a row that found all measured and something worse are a partial result; anything else is looked at again;
- at the end of the time to settle what the last look says counts: a bad one is a failure, one clean look alone and all else is
  a partial result that says what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kfix.texts import say
from learn.core.judgement import Judgement, WorkloadState

#: Deaths since the change that are no slip of a start any more.
REPEATED = 3
#: Looks in a row that find the same.
_AGAIN = 2
#: The last minutes before a look that are measured: as many as the baseline of the trouble has.
RECENT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """Times of a watch, in seconds."""

    #: From the change being live to the verdict.
    window_s: float
    #: Between two looks; and while the change is late.
    every_s: float
    late_every_s: float
    #: From the merge: until then the change should be live, and until then it is looked for at all.
    live_within_s: float
    give_up_s: float
    #: From the end of the window on: until then it is looked whether two looks agree.
    settle_s: float


@dataclass(frozen=True, slots=True)
class Watch:
    """What is kept between two looks."""

    merged_at: datetime
    #: The newest look that did not find the change.
    missed_at: datetime | None = None
    #: The look that found it.
    live_at: datetime | None = None
    #: Clean looks in a row; bad ones in all; looks in a row with repeated deaths, and with something worse.
    clean: int = 0
    bad: int = 0
    deadly: int = 0
    mixed: int = 0
    #: Alert's measure around the alert, and the usual level of the signals; ``asked``: the sources have answered.
    asked: bool = False
    measure_before: float | None = None
    usual: tuple[tuple[str, float], ...] = ()

    @property
    def since(self) -> datetime:
        """Earliest time at which the change may have become live: deaths count from then on."""
        return self.missed_at or self.merged_at

    def measured_from(self, now: datetime) -> datetime:
        """From when on signals of the change are read at ``now``: the last ten minutes, none from before it was live."""
        return max(self.live_at or self.merged_at, now - RECENT)


def arrived(watch: Watch, state: WorkloadState, now: datetime) -> Watch:
    """A look for the change. Once live it stays so: what takes it away later is another change."""
    if watch.live_at is not None:
        return watch
    if state.arrived:
        return replace(watch, live_at=now)
    return replace(watch, missed_at=now) if state.arrived is False else watch


def is_late(watch: Watch, now: datetime, policy: WatchPolicy) -> bool:
    """The change should be live by now, and is not known to be."""
    bound = watch.merged_at + timedelta(seconds=policy.live_within_s)
    return watch.live_at is None and now >= bound


def is_given_up(watch: Watch, now: datetime, policy: WatchPolicy) -> bool:
    """It is not looked for any more."""
    bound = watch.merged_at + timedelta(seconds=policy.give_up_s)
    return watch.live_at is None and now >= bound


def next_look(watch: Watch, now: datetime, policy: WatchPolicy) -> datetime:
    """When to look again: after the pause, but at the window's end where that comes first."""
    pause = policy.late_every_s if is_late(watch, now, policy) else policy.every_s
    later = now + timedelta(seconds=pause)
    if watch.live_at is None:
        return later
    end = watch.live_at + timedelta(seconds=policy.window_s)
    return min(later, end) if now < end else later


def looked(watch: Watch, found: Judgement, deaths: int | None) -> Watch:
    """The watch after one more look at a live change."""
    worse = found.result == "partial" and not found.unsettled
    return replace(
        watch,
        clean=watch.clean + 1 if found.result == "success" else 0,
        bad=watch.bad + 1 if found.result == "failure" else watch.bad,
        deadly=watch.deadly + 1 if (deaths or 0) >= REPEATED else 0,
        mixed=watch.mixed + 1 if worse else 0,
    )


def verdict(watch: Watch, found: Judgement, now: datetime, policy: WatchPolicy) -> Judgement | None:
    """What the watch comes to, ``found`` being its last look; ``None``: it goes on."""
    if watch.live_at is None:
        return None
    deadly = watch.deadly >= _AGAIN and found.result == "failure"
    end = watch.live_at + timedelta(seconds=policy.window_s)
    agreed = now >= end and _agreed(watch, found)
    settled = now >= end + timedelta(seconds=policy.settle_s)
    if not (deadly or agreed or settled):
        return None
    if found.result == "success" and not agreed:
        return Judgement("partial", found.measurements, say("learn.unsteady"), unsettled=True)
    return found


def _agreed(watch: Watch, found: Judgement) -> bool:
    """Enough looks have found the same."""
    seen = {"success": watch.clean, "failure": watch.bad, "partial": watch.mixed}
    return seen.get(found.result, 0) >= _AGAIN
