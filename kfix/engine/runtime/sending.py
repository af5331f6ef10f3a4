"""A record made ready for the broker: its topic, key, bytes and headers. Shared by handlers, timers and doors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import kfix
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.worlds import without_notes
from kfix.engine.topics import Topic
from kfix.engine.wire import Codec
from schemas import errors
from schemas.base import Record

#: Topic (without prefix), key, value, headers.
Prepared = tuple[str, bytes, bytes, hd.Wire]


def incident_of(record: Record) -> str:
    """The incident a record belongs to; empty for records before one exists."""
    if "incident_id" not in type(record).model_fields:
        return ""
    return str(record.incident_id)  # type: ignore[attr-defined]


class Sender:
    """Prepares and sends what one stage writes."""

    def __init__(
        self,
        stage: str,
        topics: Iterable[Topic[Any]],
        *,
        codec: Codec,
        producer: Producer,
        max_bytes: int,
    ) -> None:
        self._stage = stage
        self._codec = codec
        self._producer = producer
        self._max_bytes = max_bytes
        self._routes = {topic.model: topic for topic in topics}
        self._constant: hd.Wire = [
            (hd.PRODUCER, f"{stage}@{kfix.__version__}".encode()),
            *codec.headers.items(),
        ]

    def topic_of(self, record: Record) -> Topic[Any]:
        """Where a record goes. Raises errors.Defect for a type that the stage does not write."""
        topic = self._routes.get(type(record))
        if topic is None:
            raise errors.Defect(f"{self._stage} writes no {type(record).__name__}")
        return topic

    def prepare(
        self, record: Record, *, trace: bytes, cause: bytes = b"", incident: str = ""
    ) -> Prepared:
        """The record's bytes and headers. ``incident`` is for records that do not name theirs.

        A record that may travel without the notes of its world only, goes without.

        Raises errors.Defect for a record that cannot travel, errors.Rejected (``too_large``) for one that may not.
        """
        topic = self.topic_of(record)
        value = self._codec.encode(record)
        if len(value) > self._max_bytes:
            value = self._codec.encode(without_notes(record))
        if len(value) > self._max_bytes:
            raise errors.Rejected(
                f"a record for {topic.name} has {len(value)} bytes, {self._max_bytes} are allowed",
                reason="too_large",
            )
        wire = [
            *self._constant,
            (hd.TRACEPARENT, trace),
            (hd.SCHEMA_VERSION, str(record.schema_version).encode()),
            (hd.EVENT_ID, record.event_id.encode()),
        ]
        if cause:
            wire.append((hd.CAUSE, cause))
        if named := incident_of(record) or incident:
            wire.append((hd.INCIDENT, named.encode()))
        return topic.name, topic.key(record).encode(), value, wire

    async def send(self, prepared: Prepared) -> asyncio.Future[Any]:
        """Puts it into its batch; the future is the broker's acknowledgement. Raises as ``Outbox.send``."""
        return await self._producer.send(*prepared)
