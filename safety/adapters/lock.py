"""Watches the lock: the cluster's refusal of whatever K-Fix sends that is no dry-run. Unknown counts as not locked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from kfix.infra.clients.kubernetes import LockProof, LockState
from kfix.infra.telemetry import metrics
from kfix.infra.telemetry.notes import note
from kfix.texts import say

log = structlog.get_logger(__name__)
_GAUGE = {"locked": 1.0, "unlocked": 0.0, "unknown": math.nan}
#: Missed probes after which an old proof proves nothing.
_STALE_AFTER = 3
#: Seconds to the next probe after one that told nothing, doubled each time up to the interval: plans wait for it.
_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class LockStanding:
    """The lock as last proven. ``since``: seconds of the watch's clock at which this state began."""

    state: LockState
    why: str
    since: float


class LockWatch:
    """``safety.ports.Lock``: proves a cluster's lock at start and then on a slow clock."""

    def __init__(
        self,
        prove: Callable[[], Awaitable[LockProof]],
        clock: Callable[[], float],
        every_s: float,
        *,
        cluster: str = "",
    ) -> None:
        self._prove = prove
        self._clock = clock
        self._every_s = every_s
        self._cluster = cluster
        self._lock = LockStanding("unknown", say("safety.lock.untried"), clock())
        self._tried_at = clock()
        self._silent = 0
        # Asked when they are read: a watch that hangs or has ended says nothing, and its last word grows old.
        metrics.LOCK.labels(cluster).set_function(lambda: _GAUGE[self.lock().state])
        note(f"lock {cluster}".strip(), self._line)

    def lock(self) -> LockStanding:
        """The last proof, or ``unknown`` once it is older than three intervals."""
        age_s = self._clock() - self._tried_at
        if age_s > _STALE_AFTER * self._every_s:
            return LockStanding(
                "unknown", say("safety.lock.old", age_s=round(age_s)), self._tried_at
            )
        return self._lock

    async def look(self) -> LockStanding:
        """Tries the lock once; a change of state is told in the log. A probe that fails leaves it unknown."""
        proof = await self._proof()
        self._tried_at = self._clock()
        metrics.LOCK_PROOFS.labels(self._cluster, proof.state).inc()
        self._silent = self._silent + 1 if proof.state == "unknown" else 0
        before = self._lock
        changed = proof.state != before.state
        self._lock = LockStanding(
            proof.state, proof.why, self._tried_at if changed else before.since
        )
        if changed:
            tell = log.info if proof.state == "locked" else log.error
            tell(
                "lock.changed",
                cluster=self._cluster,
                state=proof.state,
                before=before.state,
                reason=proof.why,
            )
        return self._lock

    async def _proof(self) -> LockProof:
        """What the probe showed, whatever it raised. It may take an interval."""
        try:
            async with asyncio.timeout(self._every_s):
                return await self._prove()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            failure: str = "cancelled"  # by the client, and nobody asked the watch to end
        except TimeoutError:
            failure = say("safety.no_answer", seconds=self._every_s)
        except Exception as raised:  # the watch goes on: it would end unseen
            log.exception("lock.probe_failed", error=type(raised).__name__)
            failure = type(raised).__name__
        return LockProof("unknown", say("safety.lock.failed", why=failure))

    def _line(self) -> str:
        last = self.lock()
        return f"{last.state} {last.why}"

    @property
    def next_s(self) -> float:
        """Seconds to the next probe: the interval, or less after probes that told nothing."""
        if not self._silent:
            return self._every_s
        return float(min(self._every_s, _AGAIN_S * 2 ** min(self._silent - 1, 16)))

    async def watch(self) -> None:
        """Tries the lock again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(self.next_s)
            await self.look()
