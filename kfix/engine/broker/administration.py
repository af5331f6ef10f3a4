"""Makes topics. One that a broker makes by itself has the broker's default number of partitions, not ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.retention import KeptRecords, retention_ms
from kfix.infra.settings import Retention
from schemas import errors

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

    from kfix.engine.topics import Topic

_ALREADY_EXISTS = 36
#: Kafka's own default; enough for a full partition assignment on a slow cluster.
_TIMEOUT_MS = 30_000
#: Retry and dead-letter topics carry little: three partitions let three replicas work them off.
_SIDE_PARTITIONS = 3
#: Brokers take 1 MiB by default; a bundle with its objects may be larger, and its dead letter a little more.
_MAX_MESSAGE_BYTES = 5 * 1024 * 1024
_RETENTION = "retention.ms"
_POLICY = "cleanup.policy"


@dataclass(frozen=True, slots=True)
class WantedTopic:
    """A topic to be: its name without prefix and how many partitions."""

    name: str
    partitions: int


def with_sides(topics: Iterable[Topic], partitions: int) -> list[WantedTopic]:  # type: ignore[type-arg]
    """Each topic with its ``.retry`` and ``.dlq``."""
    side = min(partitions, _SIDE_PARTITIONS)
    wanted: dict[str, WantedTopic] = {}
    for topic in topics:
        wanted[topic.name] = WantedTopic(topic.name, partitions)
        wanted[topic.retry] = WantedTopic(topic.retry, side)
        wanted[topic.dlq] = WantedTopic(topic.dlq, side)
    return list(wanted.values())


@asynccontextmanager
async def administration(brokers: Brokers) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client, closed again. Raises aiokafka's errors when no broker answers."""
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(**brokers.client_options("admin"), request_timeout_ms=_TIMEOUT_MS)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def create_topics(
    brokers: Brokers, wanted: Iterable[WantedTopic], retention: Retention
) -> list[str]:
    """Makes what is missing and returns the names made. What is there already keeps its own retention.

    Raises errors.Rejected when the cluster refuses one: ``create_topics`` itself never raises, the refusal is in
    the answer.
    """
    from aiokafka.admin import NewTopic

    async with administration(brokers) as admin:
        present = set(await admin.list_topics())
        missing = [topic for topic in wanted if brokers.named(topic.name) not in present]
        if not missing:
            return []
        replication = brokers.kafka.replication or await _copies(admin)
        answer = await admin.create_topics(
            [
                NewTopic(
                    brokers.named(topic.name),
                    topic.partitions,
                    replication,
                    topic_configs={
                        "max.message.bytes": str(_MAX_MESSAGE_BYTES),
                        _RETENTION: str(retention_ms(topic.name, retention)),
                    },
                )
                for topic in missing
            ],
            timeout_ms=_TIMEOUT_MS,
        )
    made = []
    for name, code, *message in answer.topic_errors:
        if code == 0:
            made.append(name)
        elif code != _ALREADY_EXISTS:
            raise errors.Rejected(
                f"cannot create topic {name}: code {code} {' '.join(map(str, message))}".strip()
            )
    return made


async def _copies(admin: AIOKafkaAdminClient) -> int:
    """Three copies, or as many as there are brokers."""
    return min(3, len((await admin.describe_cluster())["brokers"]))


async def list_topics(brokers: Brokers) -> dict[str, int]:
    """Topics under our prefix, without it, and their number of partitions."""
    async with administration(brokers) as admin:
        names = [
            name for name in await admin.list_topics() if name.startswith(brokers.kafka.prefix)
        ]
        described = await admin.describe_topics(sorted(names)) if names else []
    return {
        brokers.plain(topic["topic"]): len(topic["partitions"])
        for topic in described
        if not topic.get("is_internal")
    }


async def kept_records(
    brokers: Brokers, wanted: Iterable[WantedTopic], retention: Retention
) -> list[KeptRecords]:
    """What the broker says of each topic that is there. Raises aiokafka's errors when it does not answer."""
    async with administration(brokers) as admin:
        present = set(await admin.list_topics())
        names = [topic.name for topic in wanted if brokers.named(topic.name) in present]
        told = await _configs(admin, [brokers.named(name) for name in names])
    return [
        KeptRecords(
            name,
            retention_ms(name, retention),
            int(told[brokers.named(name)].get(_RETENTION, -1)),
            "compact" in told[brokers.named(name)].get(_POLICY, "delete"),
        )
        for name in sorted(names)
    ]


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    for answer in await admin.describe_configs(asked):
        for _code, _message, _kind, name, entries in answer.resources:
            found[name] = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
    return found
