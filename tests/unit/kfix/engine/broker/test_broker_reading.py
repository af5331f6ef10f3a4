"""What clients ask of a broker and make of its answers, with stand-ins for aiokafka's own clients."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from kfix.engine.broker.administration import (
    WantedTopic,
    create_topics,
    kept_records,
    list_topics,
)
from kfix.engine.broker.offsets import NoAnswer, Observer, PartitionStanding, committed_offsets
from kfix.engine.broker.reading import Stored, read
from kfix.engine.broker.retention import KeptRecords, retention_ms
from kfix.infra.settings import Retention
from schemas import errors
from tests.support.broker import Cluster, brokers

KEPT = Retention(_env_file=None)


async def taken(cluster: Cluster, topics: Sequence[str], **bounds: Any) -> list[Stored]:
    embedded = bounds.pop("embedded", False)
    found = [one async for one in read(brokers(embedded, prefix="p."), topics, **bounds)]
    assert cluster.open == 0
    return found


@pytest.mark.parametrize("pauses", [0, 1, 2])
async def test_everything_that_is_there_is_read_once_however_the_broker_dawdles(
    cluster: Cluster, pauses: int
) -> None:
    cluster.pauses = pauses
    for n in range(7):
        cluster.put("p.a", n % 2, n)
    cluster.put("p.b", 0, 9, None)
    found = await taken(cluster, ["a", "b"])
    assert sorted((one.topic, one.partition, one.offset) for one in found) == [
        *(("a", 0, n) for n in range(4)),
        *(("a", 1, n) for n in range(3)),
        ("b", 0, 0),
    ]
    assert [one.value for one in found if one.topic == "b"] == [b""]
    assert {(one.key, one.text("h"), one.text("none")) for one in found} == {(b"k", "1", "")}
    assert cluster.clients[0]["group_id"] is None
    assert cluster.clients[0]["enable_auto_commit"] is False
    assert cluster.clients[0]["auto_offset_reset"] == "earliest"


@pytest.mark.parametrize("tells_end", [True, False])
async def test_a_read_ends_though_no_end_is_told(cluster: Cluster, tells_end: bool) -> None:
    cluster.tells_end = tells_end
    cluster.put("p.a", 0, 1)
    assert len(await taken(cluster, ["a"])) == 1


@pytest.mark.parametrize("embedded", [True, False])
@pytest.mark.parametrize(
    ("since", "until", "offsets_read"),
    [(None, None, [0, 1, 2, 3]), (2, None, [2, 3]), (1, 3, [1, 2]), (9, None, []), (None, 0, [])],
)
async def test_a_read_is_bounded_by_the_brokers_time(
    cluster: Cluster,
    embedded: bool,
    since: float | None,
    until: float | None,
    offsets_read: list[int],
) -> None:
    for n in range(4):
        cluster.put("p.a", 0, n)
    bounds = {
        name: None if at is None else datetime.fromtimestamp(at, UTC)
        for name, at in (("since", since), ("until", until))
    }
    found = await taken(cluster, ["a"], embedded=embedded, **bounds)
    assert [one.offset for one in found] == offsets_read
    assert [one.at.timestamp() for one in found] == offsets_read
    by_index = since is not None and not embedded
    assert cluster.times_asked == by_index, "the embedded broker's index by time is not trusted"
    skipped = min(int(since or 0), 4) if by_index else 0
    assert cluster.handed_out == 4 - skipped


@pytest.mark.parametrize("partitions", [1, 3])
async def test_a_read_ends_with_the_first_silent_poll_once_all_ends_are_reached(
    cluster: Cluster, partitions: int
) -> None:
    for partition in range(partitions):
        cluster.put("p.a", partition, 1)
    assert len(await taken(cluster, ["a"])) == partitions
    assert cluster.silent == 1
    cluster.silent, cluster.tells_end = 0, False
    await taken(cluster, ["a"])
    assert cluster.silent == 3


async def test_a_topic_that_is_not_there_is_named_and_no_topic_asks_nobody(
    cluster: Cluster,
) -> None:
    with pytest.raises(errors.NotFound, match="no topic a"):
        await taken(cluster, ["a"])
    assert cluster.open == 0
    cluster.clients.clear()
    assert await taken(cluster, []) == []
    assert cluster.clients == []


# --- topics


async def test_topics_are_told_without_prefix_and_without_the_brokers_own(cluster: Cluster) -> None:
    cluster.topics = {"p.a": 3, "other.b": 2, "p.c": 1}
    cluster.internal = {"p.c"}
    assert await list_topics(brokers(prefix="p.")) == {"a": 3}
    assert await list_topics(brokers(prefix="q.")) == {}
    assert cluster.open == 0


@pytest.mark.parametrize(
    ("count", "setting", "copies"), [(1, 0, 1), (3, 0, 3), (9, 0, 3), (9, 2, 2)]
)
async def test_what_is_missing_is_made_in_three_copies_or_as_many_as_there_are_brokers(
    cluster: Cluster, count: int, setting: int, copies: int
) -> None:
    cluster.brokers, cluster.topics = count, {"p.a": 1}
    told = brokers(prefix="p.", **({"replication": setting} if setting else {}))
    assert await create_topics(told, [WantedTopic("a", 2), WantedTopic("b", 4)], KEPT) == ["p.b"]
    (made, timeout_ms) = cluster.made
    assert (made.name, made.num_partitions, made.replication_factor) == ("p.b", 4, copies)
    assert made.topic_configs == {"max.message.bytes": "5242880", "retention.ms": "1209600000"}
    assert timeout_ms == 30_000
    assert {one["request_timeout_ms"] for one in cluster.clients} == {30_000}
    cluster.made.clear()
    assert await create_topics(told, [WantedTopic("a", 2)], KEPT) == []
    assert cluster.made == []


async def test_a_topic_that_somebody_else_made_meanwhile_is_fine_and_a_refusal_is_told(
    cluster: Cluster,
) -> None:
    cluster.codes = {"a": 36}
    assert await create_topics(
        brokers(prefix=""), [WantedTopic("a", 1), WantedTopic("b", 1)], KEPT
    ) == ["b"]
    cluster.codes = {"a": 37}
    with pytest.raises(errors.Rejected, match="cannot create topic a: code 37 why"):
        await create_topics(brokers(prefix=""), [WantedTopic("a", 1)], KEPT)


DAY = 86_400_000


@pytest.mark.parametrize(
    ("configs", "longer", "as_wanted"),
    [
        ([("retention.ms", str(14 * DAY)), ("cleanup.policy", "delete")], False, True),
        ([("retention.ms", str(7 * DAY)), ("cleanup.policy", "delete")], False, False),
        ([("retention.ms", str(15 * DAY)), ("cleanup.policy", "delete")], True, False),
        ([("retention.ms", "-1"), ("cleanup.policy", "delete")], True, False),
        ([("retention.ms", str(14 * DAY)), ("cleanup.policy", "compact,delete")], True, False),
        ([("max.message.bytes", "1")], True, False),
        ([("retention.ms", None)], True, False),
    ],
)
async def test_records_that_stay_longer_than_their_keys_are_told(
    cluster: Cluster, configs: list[tuple[str, str | None]], longer: bool, as_wanted: bool
) -> None:
    cluster.topics = {"p.a": 3, "other.b": 2}
    cluster.configs = {"p.a": configs}
    wanted = [WantedTopic("a", 3), WantedTopic("missing", 3)]
    (found,) = await kept_records(brokers(prefix="p."), wanted, KEPT)
    assert (found.name, found.wanted_ms) == ("a", 14 * DAY)
    assert (found.longer, found.as_wanted) == (longer, as_wanted)
    cluster.topics = {}
    assert await kept_records(brokers(prefix="p."), wanted, KEPT) == []


def test_dead_letters_stay_longer_than_what_they_died_of() -> None:
    names = ("alerts.raw", "alerts.raw.retry", "alerts.raw.dlq", "dead.letters", "dead.letters.dlq")
    assert [retention_ms(name, KEPT) // DAY for name in names] == [14, 14, 30, 30, 30]
    assert KeptRecords("a", DAY, DAY).as_wanted


# --- how far a group is


async def test_a_group_stands_where_it_committed_or_at_the_logs_start(cluster: Cluster) -> None:
    for n in range(5):
        cluster.put("a", n % 2, n)
    one, two = TopicPartition("a", 0), TopicPartition("a", 1)
    cluster.committed, cluster.begins = {one: 2, two: -1}, {two: 1, one: 9}
    observer = Observer(brokers(), timeout_s=2.5)
    expected = {one: PartitionStanding(2, 3), two: PartitionStanding(1, 2)}
    assert await observer.standings("g", ["a"]) == expected
    assert await observer.standings("g", ["a"]) == expected
    assert cluster.open == 2
    (told,) = [c for c in cluster.clients if "group_id" in c]
    assert (told["request_timeout_ms"], told["group_id"]) == (2500, None)
    await observer.close()
    await observer.close()
    assert cluster.open == 0
    cluster.committed[two] = 0
    assert (await observer.standings("g", ["a"]))[two] == PartitionStanding(0, 2)
    await observer.close()


async def test_a_client_that_ends_a_task_of_its_own_is_closed_and_who_asked_goes_on(
    cluster: Cluster,
) -> None:
    cluster.put("a", 0, 1)
    cluster.committed[TopicPartition("a", 0)] = 0
    observer = Observer(brokers(), timeout_s=2.5)

    async def ended() -> None:
        raise asyncio.CancelledError

    await observer.standings("g", ["a"])
    assert observer._open is not None
    observer._open.push_async_callback(ended)
    await observer.close()
    assert cluster.open == 0
    await observer.standings("g", ["a"])
    observer._open.push_async_callback(asyncio.sleep, 60)
    closing = asyncio.create_task(observer.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert cluster.open == 0


async def test_what_was_never_committed_is_said_and_what_was_not_told_is_no_answer(
    cluster: Cluster,
) -> None:
    one, two = TopicPartition("a", 0), TopicPartition("a", 1)
    cluster.committed = {one: -1, two: 0}
    assert await committed_offsets(brokers(), "g", [one, two]) == {one: None, two: 0}
    assert await committed_offsets(brokers(), "g", []) == {}
    del cluster.committed[two]
    with pytest.raises(NoAnswer, match="1 partitions of g"):
        await committed_offsets(brokers(), "g", [one, two])
    assert cluster.open == 0
