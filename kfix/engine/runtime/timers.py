"""A stage's own clock: work that is due at a time and kept in a store."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.sending import Sender
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Stage, Timer
from kfix.engine.wire import Codec
from kfix.infra.telemetry.context import context
from kfix.infra.telemetry.metrics import Meter
from schemas.base import Record

log = structlog.get_logger(__name__)


async def run_timer(
    stage: Stage[Any],
    timer: Timer[Any],
    ports: Any,
    *,
    codec: Codec,
    producer: Producer,
    settings: Runtime,
) -> None:
    """Calls the timer until it is cancelled. A failure is logged and counted; the work is still due and comes again."""
    meter = Meter(stage.name)
    sender = Sender(
        stage.name,
        timer.writes,
        codec=codec,
        producer=producer,
        max_bytes=settings.max_record_bytes,
    )
    while True:
        await asyncio.sleep(timer.seconds(ports))
        context.set((stage.name, "", "", timer.name))
        try:
            results = await timer.call(ports)
            meter.sent += await _publish(results, sender)
            meter.flush()
        except Exception as failure:
            meter.timer_failed(timer.name)
            log.error("timer.failed", error=str(failure), exc_info=failure)


async def _publish(results: Any, sender: Sender) -> int:
    """Sends a timer's results and waits for the broker; how many there were."""
    if results is None:
        return 0
    records = (results,) if isinstance(results, Record) else tuple(results)
    trace = hd.next_traceparent("").encode()
    sent = [await sender.send(sender.prepare(record, trace=trace)) for record in records]
    for future in sent:
        await asyncio.shield(future)
    return len(sent)
