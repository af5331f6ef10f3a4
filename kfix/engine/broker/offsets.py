"""Where a group stands and where its partitions end, asked by a client of its own.

An answer that leaves a partition out is no answer: aiokafka's own readers take a refusal of the whole answer for
"nothing was committed".
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiokafka
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from kfix.engine.broker.administration import administration
from kfix.engine.broker.connection import Brokers

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient


class NoAnswer(KafkaError):  # type: ignore[misc]  # untyped in aiokafka
    """The broker did not tell an offset that it was asked for."""


@dataclass(frozen=True, slots=True)
class PartitionStanding:
    """A partition's end, and the offset from which its group has yet to commit (the log's start before the first)."""

    position: int
    end: int


async def committed_offsets(
    brokers: Brokers, group: str, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, int | None]:
    """The group's committed offset for each partition; ``None`` where it never committed.

    Raises KafkaError, also when a partition is missing from the answer.
    """
    if not partitions:
        return {}
    async with administration(brokers) as admin:
        return await _committed(admin, group, partitions)


async def _committed(
    admin: AIOKafkaAdminClient, group: str, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, int | None]:
    told = await admin.list_consumer_group_offsets(group, partitions=list(partitions))
    if missing := [tp for tp in partitions if tp not in told]:
        raise NoAnswer(f"no committed offset was told for {len(missing)} partitions of {group}")
    return {tp: told[tp].offset if told[tp].offset >= 0 else None for tp in partitions}


class Observer:
    """Asks the broker how far groups are, with connections that no stage uses. A failure begins with new ones."""

    def __init__(self, brokers: Brokers, *, timeout_s: float) -> None:
        self._brokers = brokers
        self._timeout_ms = int(timeout_s * 1000)
        self._open: contextlib.AsyncExitStack | None = None
        self._admin: Any = None
        self._reader: Any = None

    async def standings(
        self, group: str, topics: Iterable[str]
    ) -> dict[TopicPartition, PartitionStanding]:
        """Each partition of the topics (as named on the cluster). Raises KafkaError and what aiokafka raises besides."""
        if self._open is None:
            await self._connect()
        described = await self._admin.describe_topics(sorted(topics))
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
        committed = await _committed(self._admin, group, partitions)
        ends = await self._reader.end_offsets(partitions)
        fresh = [tp for tp, offset in committed.items() if offset is None]
        begins = await self._reader.beginning_offsets(fresh) if fresh else {}
        return {
            tp: PartitionStanding(begins[tp] if offset is None else offset, ends[tp])
            for tp, offset in committed.items()
        }

    async def _connect(self) -> None:
        stack = contextlib.AsyncExitStack()
        self._open = stack
        self._admin = await stack.enter_async_context(administration(self._brokers))
        self._reader = aiokafka.AIOKafkaConsumer(
            **self._brokers.client_options("observer"),
            group_id=None,
            enable_auto_commit=False,
            request_timeout_ms=self._timeout_ms,
        )
        stack.push_async_callback(self._reader.stop)
        await self._reader.start()

    async def close(self) -> None:
        """Drops the connections; the next question opens new ones."""
        stack, self._open = self._open, None
        if stack is None:
            return
        try:
            await stack.aclose()
        except asyncio.CancelledError:
            # aiokafka hands on the end of a task of its own that it has cancelled; nobody has cancelled us.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
