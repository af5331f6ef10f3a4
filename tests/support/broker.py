"""A broker's memory behind stand-ins for aiokafka's own clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka.structs import TopicPartition

from kfix.engine.broker.connection import Brokers
from kfix.infra.settings import Kafka


@dataclass
class Cluster:
    """A broker's memory: records by partition, what it was asked, and what it has to say against it."""

    records: dict[TopicPartition, list[Any]] = field(default_factory=dict)
    topics: dict[str, int] = field(default_factory=dict)
    internal: set[str] = field(default_factory=set)
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    configs: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)
    begins: dict[TopicPartition, int] = field(default_factory=dict)
    brokers: int = 3
    codes: dict[str, int] = field(default_factory=dict)
    #: Empty answers before each batch, and whether the end of a partition is told.
    pauses: int = 0
    tells_end: bool = True
    made: list[Any] = field(default_factory=list)
    clients: list[dict[str, Any]] = field(default_factory=list)
    open: int = 0
    #: Questions for the offset of a time, and records that were handed out.
    times_asked: int = 0
    silent: int = 0
    handed_out: int = 0

    def put(self, topic: str, partition: int, at_s: float, value: bytes | None = b"v") -> None:
        batch = self.records.setdefault(TopicPartition(topic, partition), [])
        batch.append(
            SimpleNamespace(
                topic=topic,
                partition=partition,
                offset=len(batch),
                timestamp=int(at_s * 1000),
                key=b"k",
                value=value,
                headers=(("h", b"1"),),
            )
        )
        self.topics[topic] = max(self.topics.get(topic, 1), partition + 1)


class Consumer:
    """Behaves as ``AIOKafkaConsumer`` with an assignment by hand."""

    cluster: Cluster

    def __init__(self, **options: Any) -> None:
        self.cluster.clients.append(options)
        self._at: dict[TopicPartition, int] = {}
        self._pauses = self.cluster.pauses
        self.silent = 0

    async def start(self) -> None:
        self.cluster.open += 1

    async def stop(self) -> None:
        self.cluster.open -= 1

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self._at = dict.fromkeys(partitions, 0)

    def assignment(self) -> set[TopicPartition]:
        return set(self._at)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._at[partition] = offset

    async def seek_to_end(self, partition: TopicPartition) -> None:
        self._at[partition] = len(self.cluster.records.get(partition, ()))

    async def offsets_for_times(self, wanted: dict[TopicPartition, int]) -> dict[Any, Any]:
        self.cluster.times_asked += 1
        found: dict[Any, Any] = {}
        for partition, at_ms in wanted.items():
            later = [r for r in self.cluster.records.get(partition, ()) if r.timestamp >= at_ms]
            found[partition] = SimpleNamespace(offset=later[0].offset) if later else None
        return found

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        if self._pauses:
            self._pauses -= 1
            return {}
        self._pauses = self.cluster.pauses
        for partition, at in self._at.items():
            rest = self.cluster.records.get(partition, [])[at : at + 2]
            if rest:
                self._at[partition] += len(rest)
                self.cluster.handed_out += len(rest)
                return {partition: rest}
        self.silent += 1
        self.cluster.silent += 1
        assert self.silent < 10, "asks for ever"
        return {}

    def highwater(self, partition: TopicPartition) -> int | None:
        return len(self.cluster.records.get(partition, ())) if self.cluster.tells_end else None

    async def position(self, partition: TopicPartition) -> int:
        return self._at[partition]

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[Any, int]:
        return {one: len(self.cluster.records.get(one, ())) for one in partitions}

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[Any, int]:
        return {one: self.cluster.begins.get(one, 0) for one in partitions}


class Admin:
    """Behaves as ``AIOKafkaAdminClient``."""

    cluster: Cluster

    def __init__(self, **options: Any) -> None:
        self.cluster.clients.append(options)

    async def start(self) -> None:
        self.cluster.open += 1

    async def close(self) -> None:
        self.cluster.open -= 1

    async def list_topics(self) -> list[str]:
        return list(self.cluster.topics)

    async def describe_topics(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {
                "topic": name,
                "partitions": [{"partition": n} for n in range(self.cluster.topics[name])],
                "is_internal": name in self.cluster.internal,
            }
            for name in names
        ]

    async def describe_configs(self, asked: Sequence[Any]) -> list[Any]:
        told = [
            (0, "", 2, one.name, [(key, value) for key, value in self.cluster.configs[one.name]])
            for one in asked
        ]
        return [SimpleNamespace(resources=told)]

    async def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": list(range(self.cluster.brokers))}

    async def create_topics(self, wanted: Sequence[Any], timeout_ms: int) -> Any:
        self.cluster.made += [*wanted, timeout_ms]
        told = [(one.name, self.cluster.codes.get(one.name, 0), "why") for one in wanted]
        return SimpleNamespace(topic_errors=told)

    async def list_consumer_group_offsets(
        self, group: str, partitions: Sequence[TopicPartition]
    ) -> dict[Any, Any]:
        known = self.cluster.committed
        return {one: SimpleNamespace(offset=known[one]) for one in partitions if one in known}


def brokers(embedded: bool = False, **kafka: Any) -> Brokers:
    return Brokers("a:1", Kafka(_env_file=None, **kafka), embedded=embedded)
