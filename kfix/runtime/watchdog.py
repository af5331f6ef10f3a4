"""Leaves when nothing moves: consumers that stall after a rebalance or after days are known, and a restart is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn

from kfix.runtime.engine import Engine
from kfix.runtime.rim import App

#: Seconds between looks; also how fresh the stages' metrics are.
_LOOK_S = 1.0


def stalled(*, moved_at: float, now: float, waiting: int, stall_s: float) -> bool:
    """Whether records wait and no attempt has ended for ``stall_s`` seconds. Pure."""
    return waiting > 0 and now - moved_at > stall_s


async def watch(
    pairs: Sequence[tuple[Engine, App]], *, stall_s: float, leave: Callable[[str], NoReturn]
) -> None:
    """Measures lag and records under way for ever; leaves when a stage stalls."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_LOOK_S)
        for engine, app in pairs:
            lag = app.lag()
            running = sum(window.running for window in engine.windows.values())
            engine.meter.flush()
            engine.meter.lag.set(lag)
            engine.meter.in_flight.set(running)
            held = engine.held_back
            if stalled(
                moved_at=engine.moved_at,
                now=loop.time(),
                waiting=max(lag - held, running),
                stall_s=stall_s,
            ):
                leave(
                    f"{engine.stage.name} has {lag} records waiting and finished none for {stall_s:g} s"
                )
            if lag <= held and not running:
                engine.moved_at = loop.time()
