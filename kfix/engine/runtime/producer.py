"""Sending: records into batches, one producer a process, acknowledgements as futures.

``send`` returns as soon as a batch has the record; the future it returns is done when all in-sync replicas have it.
Faust's own producer is not used: it is not idempotent outside transactions and acknowledges one record at a time.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from kfix.engine.broker.connection import Brokers
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.settings import Runtime

log = structlog.get_logger(__name__)

#: Bytes per partition and batch; 256 KiB holds some hundred records, and bounds what waits for a broker that is away.
_BATCH_BYTES = 262_144
#: Seconds for what is left when the process stops. What stays behind was never acknowledged to anybody.
_STOP_S = 8.0
#: Bytes that headers may add to the largest record, those of a dead letter included.
HEADROOM_BYTES = 65_536


class Producer:
    """The process's producer."""

    def __init__(self, brokers: Brokers, runtime: Runtime) -> None:
        self._brokers = brokers
        self._runtime = runtime
        self._producer: Any = None
        self._names: dict[str, str] = {}

    async def start(self) -> None:
        """Connects. Raises aiokafka's errors when no broker answers."""
        from aiokafka import AIOKafkaProducer

        self._producer = AIOKafkaProducer(**producer_options(self._brokers, self._runtime))
        await self._producer.start()

    async def stop(self) -> None:
        """Sends what is left, as far as the broker takes it, and disconnects."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            try:
                async with asyncio.timeout(_STOP_S):
                    await producer.stop()
            except TimeoutError:
                log.warning("producer.not_emptied")

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: hd.Wire
    ) -> asyncio.Future[Any]:
        """Puts a record into its batch; the future is the broker's acknowledgement.

        Waits while the partition's batch is full. Raises aiokafka's KafkaError when it stays full too long or the
        record is too large.
        """
        name = self._names.get(topic)
        if name is None:
            name = self._names[topic] = self._brokers.named(topic)
        future: asyncio.Future[Any] = await self._producer.send(
            name, value, key=key, headers=headers
        )
        return future


def producer_options(brokers: Brokers, runtime: Runtime) -> dict[str, Any]:
    """Keyword arguments of the process's producer: every in-sync replica has a record before it counts as sent."""
    return {
        **brokers.client_options("producer"),
        "acks": "all",
        # The embedded broker refuses idempotent producers; there, a retried batch may be there twice.
        "enable_idempotence": not brokers.embedded,
        "linger_ms": runtime.linger_ms,
        "max_batch_size": _BATCH_BYTES,
        "max_request_size": runtime.max_record_bytes + HEADROOM_BYTES,
        "request_timeout_ms": int(runtime.produce_timeout_s * 1000),
    }
