"""Reads that many alerts ask for at once are made once, and each service is asked so much at a time.

A read answers whoever asks for nothing newer than its start: an alert never gets evidence from before it came. However
many alerts wait, one read of a kind is under way and at most one more follows it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from enrich.core.unanswered import NOT_INDEXED
from enrich.ports import DeclaredRepository, Observability
from schemas import errors
from schemas.alerts import Alert
from schemas.base import ObjectRef
from schemas.context import Change, DeclaredObject, LogExcerpt, Monitor, Series

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")
#: Answers kept at most; the oldest go first.
_KEPT = 4096
#: How the time for an event that is not indexed yet is shared among the waits between the tries.
_WAITS = (1 / 7, 2 / 7, 4 / 7)


@dataclass(frozen=True, slots=True)
class _Read(Generic[V]):
    started: float
    task: asyncio.Task[V]


class Shared(Generic[K, V]):
    """Reads by key. ``keep_s``: seconds from its start that an answer is given again. Failures are not kept."""

    def __init__(
        self,
        read: Callable[[K], Awaitable[V]],
        *,
        keep_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._keep_s = keep_s
        self._clock = clock
        self._reads: dict[K, _Read[V]] = {}

    async def get(self, key: K, since: float) -> V:
        """The answer of a read that began at ``since`` (unix seconds) or later. Raises what the read raises.

        A caller that is cancelled leaves the read to the others.
        """
        while True:
            found = self._reads.get(key)
            if found is None or (found.task.done() and not self._fresh(found, since)):
                found = self._start(key)
            elif found.started < since:
                # Too old for this caller: the next one, which all who wait with it share.
                await asyncio.wait([found.task])
                continue
            return await asyncio.shield(found.task)

    def _fresh(self, read: _Read[V], since: float) -> bool:
        if read.task.cancelled() or read.task.exception() is not None:
            return False
        return read.started >= since and self._clock() - read.started <= self._keep_s

    def _start(self, key: K) -> _Read[V]:
        self._reads.pop(key, None)
        self._forget()
        task = asyncio.ensure_future(self._run(key))
        # A failure that nobody waits for any more is nobody's.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        read = self._reads[key] = _Read(self._clock(), task)
        return read

    async def _run(self, key: K) -> V:
        return await self._read(key)

    def _forget(self) -> None:
        while len(self._reads) >= _KEPT:
            oldest = next(iter(self._reads))
            if not self._reads[oldest].task.done():
                return
            del self._reads[oldest]


class SharedObservability:
    """``enrich.ports.Observability`` that asks ``inner`` for a monitor once for many alerts, and ``at_once`` at a time.

    Who waits for a turn waits in line, and inside its own deadline.
    """

    def __init__(
        self,
        inner: Observability,
        *,
        at_once: int,
        keep_s: float,
        index_wait_s: float = 0.0,
    ) -> None:
        self._inner = inner
        self._index_waits_s = [share * index_wait_s for share in _WAITS if index_wait_s]
        self._gate = asyncio.Semaphore(at_once)
        self._monitors: Shared[str, Monitor] = Shared(self._read_monitor, keep_s=keep_s)
        self._since = 0.0

    def about(self, alert: Alert, at: datetime) -> SharedObservability:
        """The same for an alert that came ``at``."""
        view = object.__new__(SharedObservability)
        view._inner, view._gate, view._monitors = self._inner, self._gate, self._monitors
        view._index_waits_s = self._index_waits_s
        view._since = at.timestamp()
        return view

    @property
    def name(self) -> str:
        """The inner one's name."""
        return self._inner.name

    @property
    def keeps_logs(self) -> bool:
        """As the inner one."""
        return self._inner.keeps_logs

    def sent(self, alert: Alert) -> bool:
        """As the inner one says; asks nobody."""
        return self._inner.sent(alert)

    async def _read_monitor(self, rule_id: str) -> Monitor:
        async with self._gate:
            return await self._inner.monitor(rule_id)

    async def complete(self, alert: Alert) -> Alert:
        """As the inner one, a bounded number at a time. What is not indexed yet is asked for again in a few seconds."""
        for wait_s in self._index_waits_s:
            try:
                return await self._complete(alert)
            except errors.NotFound as failure:
                if failure.reason != NOT_INDEXED:
                    raise
            await asyncio.sleep(wait_s)
        return await self._complete(alert)

    async def _complete(self, alert: Alert) -> Alert:
        async with self._gate:
            return await self._inner.complete(alert)

    async def monitor(self, rule_id: str) -> Monitor:
        """From what several alerts share, for a while; else as the inner one."""
        return await self._monitors.get(rule_id, self._since)

    async def behind(self, monitor: Monitor) -> list[Monitor]:
        """As the inner one, a bounded number at a time."""
        async with self._gate:
            return await self._inner.behind(monitor)

    async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
        """As the inner one, a bounded number at a time."""
        async with self._gate:
            return await self._inner.logs(names, until)

    async def metrics(self, names: Mapping[str, str], until: datetime) -> list[Series]:
        """As the inner one, a bounded number at a time."""
        async with self._gate:
            return await self._inner.metrics(names, until)

    def links(self, alert: Alert, names: Mapping[str, str]) -> dict[str, str]:
        """As the inner one says; asks nobody."""
        return self._inner.links(alert, names)


class LimitedRepository:
    """``enrich.ports.DeclaredRepository`` that asks ``inner`` so much at a time, with all who have the same ``gate``."""

    def __init__(self, inner: DeclaredRepository, gate: asyncio.Semaphore) -> None:
        self._inner = inner
        self._gate = gate

    async def declared(
        self, subject: ObjectRef, environment: str, reads: Sequence[ObjectRef] = ()
    ) -> tuple[list[DeclaredObject], list[Change]]:
        """As the inner one, a bounded number at a time."""
        async with self._gate:
            return await self._inner.declared(subject, environment, reads)
