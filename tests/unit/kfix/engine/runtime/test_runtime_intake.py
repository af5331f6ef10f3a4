"""A stage's membership of its group, with a stand-in for aiokafka's consumer: what is polled, begun, committed and begun again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiokafka.admin
import pytest
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from kfix.engine.runtime.intake import Intake, backoff_s, poll_plan
from kfix.engine.runtime.offsets import Partition
from tests.unit.kfix.engine.runtime.test_runtime_engine import (
    BROKERS,
    MAIN,
    Done,
    Fetched,
    Order,
    World,
    fetched,
    finishes,
    order,
    world,
)

TP = TopicPartition(MAIN.topic, 0)
TWO = TopicPartition(MAIN.topic, 1)
TPS = [TopicPartition("t", n) for n in range(4)]
NOWHERE = frozenset({TopicPartition("", 0)})


# --- what is polled, and when again


def test_without_an_assignment_the_coordinator_alone_is_asked() -> None:
    plan = poll_plan(None, ())
    assert (plan.partitions, plan.wait_s, plan.nap_s, plan.within_s) == (NOWHERE, 0, 0.05, 1.0)


@given(assigned=st.frozensets(st.sampled_from(TPS)), crowded=st.sets(st.sampled_from(TPS)))
def test_a_poll_asks_for_what_has_room_and_is_short_while_something_has_none(
    assigned: frozenset[TopicPartition], crowded: set[TopicPartition]
) -> None:
    plan = poll_plan(assigned, crowded)
    assert plan.partitions == (frozenset(assigned - crowded) or NOWHERE)
    asks = plan.partitions != NOWHERE
    assert plan.wait_s == (0 if not asks else 0.01 if crowded else 1.0)
    assert plan.nap_s == (0 if asks else 0.01 if crowded else 0.05)
    assert plan.within_s == plan.wait_s + 1.0


def test_sessions_that_were_assigned_nothing_wait_longer_and_longer_up_to_five_seconds() -> None:
    waits, wait_s = [], 0.5
    for _ in range(6):
        wait_s = backoff_s(wait_s, joined=False)
        waits.append(wait_s)
    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    assert backoff_s(wait_s, joined=True) == 0.5


# --- a group in memory


@dataclass
class Group:
    """What a broker knows of a group, and what it has to say against its member."""

    log: dict[TopicPartition, list[Fetched]] = field(default_factory=dict)
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    #: What the member has; a new list is a rebalance.
    given: list[TopicPartition] = field(default_factory=lambda: [TP])
    #: Raised by the next calls, first come first.
    at_start: list[Exception] = field(default_factory=list)
    at_poll: list[Exception] = field(default_factory=list)
    at_commit: list[Exception] = field(default_factory=list)
    at_offsets: list[Exception] = field(default_factory=list)
    #: Answers to questions for committed offsets are held back while it is not set.
    tells: threading.Event = field(default_factory=threading.Event)
    #: A poll returns what it drained only after the next rebalance, as one that was under way does.
    outlives: bool = False
    hangs: bool = False
    consumers: list[Consumer] = field(default_factory=list)
    polls: list[frozenset[TopicPartition]] = field(default_factory=list)
    commits: list[dict[TopicPartition, int]] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)

    def put(self, *records: Order, to: TopicPartition = TP) -> None:
        batch = self.log.setdefault(to, [])
        for record in records:
            one = fetched(len(batch), record)
            batch.append(Fetched(to.topic, to.partition, *_rest(one)))

    def consumer(self, **options: Any) -> Consumer:
        self.options.append(options)
        self.consumers.append(Consumer(self))
        return self.consumers[-1]


def _rest(one: Fetched) -> tuple[Any, ...]:
    return (one.offset, one.key, one.value, one.headers)


class Consumer:
    """Behaves as ``AIOKafkaConsumer`` in a group: the listener is told of each rebalance beside the polls."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._at: dict[TopicPartition, int] = {}
        self._seen: list[TopicPartition] | None = None
        self.stopped = False
        self.drained = 0

    def subscribe(self, topics: Iterable[str], listener: Any) -> None:
        self.topics = list(topics)
        self._listener = listener

    async def start(self) -> None:
        _raise_next(self._group.at_start)
        self._coordinating = asyncio.create_task(self._coordinate())

    async def _coordinate(self) -> None:
        while True:
            given = self._group.given
            if given is not self._seen:
                if self._seen is not None:
                    await self._listener.on_partitions_revoked(self._seen)
                self._at = dict.fromkeys(given, 0)
                await self._listener.on_partitions_assigned(given)
                self._seen = given
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self.stopped = True
        if hasattr(self, "_coordinating"):
            self._coordinating.cancel()

    def assignment(self) -> set[TopicPartition]:
        return set(self._at)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        assert tp in self._at
        self._at[tp] = offset

    def highwater(self, tp: TopicPartition) -> int | None:
        if tp not in self._group.log:
            raise IllegalStateError("never fetched")
        return len(self._group.log[tp])

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int
    ) -> dict[TopicPartition, list[Fetched]]:
        self._group.polls.append(frozenset(partitions))
        _raise_next(self._group.at_poll)
        if self._group.hangs and timeout_ms:
            await asyncio.sleep(60)
        found: dict[TopicPartition, list[Fetched]] = {}
        for tp in partitions:
            if batch := self._group.log.get(tp, [])[self._at.get(tp, 0) :][:4]:
                self._at[tp] = batch[-1].offset + 1
                found[tp] = batch
        if found and self._group.outlives:
            self._group.outlives = False
            self.drained = sum(map(len, found.values()))
            seen = self._seen
            while self._seen is seen:  # noqa: ASYNC110 - changed by the coordinating task
                await asyncio.sleep(0.002)
            for tp, batch in found.items():
                self._at[tp] = batch[-1].offset + 1  # drained of the fetcher of the new assignment
        if not found:
            await asyncio.sleep(min(timeout_ms / 1000, 0.02))
        return found

    async def commit(self, offsets: dict[TopicPartition, Any]) -> None:
        _raise_next(self._group.at_commit)
        assert set(offsets) <= set(self._at), "of partitions that are not its own"
        told = {tp: one.offset for tp, one in offsets.items()}
        self._group.commits.append(told)
        self._group.committed.update(told)


def _raise_next(failures: list[Exception]) -> None:
    if failures:
        raise failures.pop(0)


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Group:
    found = Group()
    found.tells.set()

    class Admin:
        """Behaves as ``AIOKafkaAdminClient``."""

        def __init__(self, **_: Any) -> None: ...

        async def start(self) -> None: ...

        async def close(self) -> None: ...

        async def list_consumer_group_offsets(self, _: str, partitions: Any) -> dict[Any, Any]:
            while not found.tells.is_set():  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.005)
            _raise_next(found.at_offsets)
            return {tp: SimpleNamespace(offset=found.committed.get(tp, -1)) for tp in partitions}

    monkeypatch.setattr(aiokafka.admin, "AIOKafkaAdminClient", Admin)
    return found


@dataclass
class Member:
    """A stage that has joined a group."""

    intake: Intake
    world: World
    group: Group

    @property
    def handled(self) -> list[int]:
        return [one.number for one in self.world.calls]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, (what, self.handled, self.group.commits)
            await asyncio.sleep(0.005)

    async def committed(self, offset: int, tp: TopicPartition = TP) -> None:
        await self.until(lambda: self.group.committed.get(tp) == offset, f"{offset} committed")


@asynccontextmanager
async def member(
    group: Group, handle: Callable[[Order, World], Any] = finishes, **knobs: Any
) -> AsyncIterator[Member]:
    """Joined and, unless the group holds its offsets back, assigned."""
    told = {"commit_interval_s": 0.01, "revoke_drain_s": 5.0, "request_timeout_s": 5.0, **knobs}
    async with world(handle, **told) as found:
        intake = Intake(
            found.engine,
            group="g",
            brokers=BROKERS,
            settings=found.engine.settings,
            consumer=group.consumer,  # type: ignore[arg-type]
        )
        one = Member(intake, found, group)
        found.engine._on_room = intake.make_room
        joining = asyncio.create_task(intake.start())
        try:
            if group.tells.is_set():
                await asyncio.wait_for(joining, 20)
            yield one
        finally:
            group.tells.set()
            await intake.close(within_s=5.0)
            joining.cancel()


def numbered(count: int, *, begin: int = 0) -> list[Order]:
    return [order(n, key=f"k{n % 3}") for n in range(begin, begin + count)]


# --- in order


async def test_records_are_taken_from_the_committed_offset_on_and_committed(group: Group) -> None:
    group.put(*numbered(10))
    group.committed[TP] = 3
    async with member(group) as one:
        await one.committed(10)
        assert sorted(one.handled) == [3, 4, 5, 6, 7, 8, 9]
        assert one.intake.sessions == 1
        assert one.intake.ends == {MAIN: 10}
        assert one.intake.assigned_at is not None
        assert one.intake.loop is not asyncio.get_running_loop()
        assert not one.intake.gone
        assert group.consumers[0].topics == one.world.engine.subscription
    assert group.options[0]["group_id"] == "g"
    assert group.options[0]["client_id"] == "test.clerk-consumer"
    assert one.intake.assigned_at is None
    await one.until(lambda: one.intake.gone, "its thread ends")
    assert group.consumers[0].stopped
    await one.intake.close(within_s=60)  # there is nothing to wait for


async def test_a_group_that_never_committed_begins_at_the_beginning(group: Group) -> None:
    group.put(*numbered(5))
    async with member(group) as one:
        await one.committed(5)
        assert sorted(one.handled) == [0, 1, 2, 3, 4]


async def test_what_comes_later_is_polled_and_nothing_new_is_committed_twice(group: Group) -> None:
    async with member(group) as one:
        before = one.intake.polled_at
        await one.until(lambda: one.intake.polled_at > before, "an empty poll")
        group.put(*numbered(2))
        await one.committed(2)
        seen = len(group.polls)
        await one.until(lambda: len(group.polls) > seen + 3, "polls go on")
    assert [told[TP] for told in group.commits][-1] == 2
    assert len(group.commits) == len({told[TP] for told in group.commits})


async def test_nothing_is_polled_before_it_is_known_where_to_begin(group: Group) -> None:
    group.put(*numbered(6))
    group.committed[TP] = 4
    group.tells.clear()
    group.at_offsets += [KafkaError("no answer"), KafkaError("again none")]
    async with member(group) as one:
        await one.until(lambda: len(group.polls) > 3, "the coordinator is asked")
        assert set(group.polls) == {NOWHERE}
        assert one.intake.assigned_at is None
        group.tells.set()
        await one.committed(6)
        assert sorted(one.handled) == [4, 5]
        assert group.at_offsets == []
        assert one.intake.sessions == 1


async def test_a_question_without_an_answer_in_time_is_asked_again(group: Group) -> None:
    group.put(*numbered(2))
    group.tells.clear()
    async with member(group, request_timeout_s=0.05) as one:
        await asyncio.sleep(0.1)
        group.tells.set()
        await one.committed(2)


# --- a full window


async def test_a_partition_without_room_is_left_out_and_polled_again_when_it_has_some(
    group: Group,
) -> None:
    release = asyncio.Event()

    async def waits(record: Order, _: World) -> Done:
        if record.key == "slow":
            await release.wait()
        return Done(**record.model_dump())

    group.given = [TP, TWO]
    group.put(*[order(n, key="slow", event_id=f"s{n}") for n in range(12)])
    async with member(group, waits, window=2, window_most=2) as one:
        await one.until(lambda: frozenset({TWO}) in group.polls[-3:], "the crowded one is left out")
        assert frozenset({TP, TWO}) in group.polls
        group.put(*numbered(3, begin=50), to=TWO)
        await one.committed(3, TWO)
        assert TP not in group.committed
        polled_at = one.intake.polled_at
        await one.until(lambda: one.intake.polled_at > polled_at, "polls go on")
        release.set()
        await one.committed(12)
        assert [n for n in one.handled if n < 50] == list(range(12))


async def test_while_all_are_without_room_the_coordinator_is_asked(group: Group) -> None:
    release = asyncio.Event()

    async def waits(record: Order, _: World) -> Done:
        await release.wait()
        return Done(**record.model_dump())

    group.put(*[order(n, key="slow", event_id=f"s{n}") for n in range(12)])
    async with member(group, waits, window=2, window_most=2) as one:
        await one.until(lambda: group.polls[-3:] == [NOWHERE] * 3, "nothing is asked for")
        polled_at = one.intake.polled_at
        await one.until(lambda: one.intake.polled_at > polled_at, "it counts as polling")
        release.set()
        await one.committed(12)


# --- trouble


@pytest.mark.parametrize("failure", [KafkaError("fenced"), OSError("reset"), ValueError("odd")])
async def test_what_the_coordinator_says_is_wrong_ends_the_session_and_a_new_one_joins(
    group: Group, failure: Exception
) -> None:
    group.put(*numbered(4))
    async with member(group) as one:
        await one.committed(4)
        group.at_poll.append(failure)
        await one.until(lambda: one.intake.sessions == 2, "a second session")
        assert group.consumers[0].stopped
        group.put(*numbered(4, begin=4))
        await one.committed(8)
        assert sorted(one.handled) == list(range(8))
        assert one.intake.sessions == 2
        assert one.intake.loop is not None


async def test_a_stage_joins_when_a_broker_comes_at_last(group: Group) -> None:
    group.put(*numbered(1))
    group.at_start += [OSError("nobody listens")]
    async with member(group) as one:
        await one.committed(1)
        assert one.intake.sessions == 2
        assert [consumer.stopped for consumer in group.consumers] == [True, False]


@pytest.mark.parametrize("failure", [KafkaError("rebalance"), IllegalStateError("not assigned")])
async def test_a_refused_commit_is_due_again_with_the_next(
    group: Group, failure: Exception
) -> None:
    group.put(*numbered(3))
    group.at_commit.append(failure)
    async with member(group) as one:
        await one.committed(3)
        assert one.intake.sessions == 1
        assert group.at_commit == []


async def test_a_poll_that_never_returns_is_over_a_second_after_its_time(group: Group) -> None:
    async with member(group) as one:
        group.hangs = True
        polled_at = one.intake.polled_at
        await one.until(lambda: one.intake.polled_at > polled_at + 1.5, "the poll is given up")
        group.hangs = False
        group.put(*numbered(1))
        await one.committed(1)
        assert one.intake.sessions == 1


# --- rebalances


async def test_what_is_under_way_at_a_revocation_finishes_and_is_committed_first(
    group: Group,
) -> None:
    release = asyncio.Event()

    async def waits(record: Order, _: World) -> Done:
        await release.wait()
        return Done(**record.model_dump())

    group.put(*numbered(3))
    async with member(group, waits) as one:
        await one.until(lambda: one.world.engine.signs().running == 3, "all under way")
        group.given = [TWO]
        await one.until(lambda: one.intake.assigned_at is None, "taken away")
        assert TP not in group.committed
        release.set()
        await one.committed(3)
        await one.until(lambda: one.intake.assigned_at is not None, "the other is assigned")
        assert list(one.world.engine.windows) == [Partition(TWO.topic, 1)]
        assert sorted(one.handled) == [0, 1, 2]


async def test_what_does_not_finish_in_time_is_not_committed_and_comes_again(group: Group) -> None:
    stuck = asyncio.Event()

    async def waits(record: Order, found: World) -> Done:
        if record.number == 1 and len(found.calls) <= 2:
            await stuck.wait()
        return Done(**record.model_dump())

    group.put(order(0, key="a"), order(1, key="b"))
    async with member(group, waits, revoke_drain_s=0.05) as one:
        await one.until(lambda: len(one.handled) == 2, "both begun")
        group.given = [TP]
        await one.committed(2)
        assert group.commits[-1] == {TP: 2}
        assert one.handled == [0, 1, 1]


async def test_records_drained_under_the_last_assignment_leave_no_gap(group: Group) -> None:
    """A poll outlives a rebalance: what it drained while no gate stood is put back, and read again from there."""
    group.committed[TP] = 2
    async with member(group) as one:
        group.outlives = True
        group.put(*numbered(9))
        await one.until(lambda: group.consumers[0].drained > 0, "drained and not returned")
        group.tells.clear()
        group.given = [TP]
        await one.until(lambda: one.intake.assigned_at is None, "rebalanced")
        await one.until(lambda: group.polls[-1] == NOWHERE, "the old poll has ended")
        group.tells.set()
        await one.committed(9)
        assert sorted(one.handled) == [2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_goes_wrong_and_is_rebalanced_every_record_is_handled(
    group: Group, seed: int
) -> None:
    """Against a model: committed offsets never pass a record that was not handled, and in the end all are."""
    group.given = [TP, TWO]
    troubles = [
        lambda: group.at_poll.append(KafkaError("fenced")),
        lambda: setattr(group, "given", [TP]),
        lambda: group.at_commit.append(KafkaError("rebalance")),
        lambda: setattr(group, "given", [TP, TWO]),
        lambda: group.at_offsets.append(KafkaError("no answer")),
        lambda: setattr(group, "given", [TWO, TP]),
    ]

    async def breathes(record: Order, _: World) -> Done:
        await asyncio.sleep(0.001 * (record.number % 5))
        return Done(**record.model_dump())

    async with member(group, breathes, window=3, window_most=4, revoke_drain_s=0.01) as one:
        for step, trouble in enumerate(troubles[seed:] + troubles[:seed]):
            for tp, base in ((TP, 0), (TWO, 1000)):
                group.put(*numbered(10, begin=base + 10 * step), to=tp)
            await asyncio.sleep(0.02)
            trouble()
            done = set(one.handled)
            for tp, base in ((TP, 0), (TWO, 1000)):
                assert set(range(base, base + group.committed.get(tp, 0))) <= done
        group.given = [TP, TWO]
        await one.committed(60)
        await one.committed(60, TWO)
        assert set(one.handled) == {*range(60), *range(1000, 1060)}


async def test_the_end_waits_for_what_is_under_way_and_no_longer_than_told(group: Group) -> None:
    async def never(record: Order, _: World) -> Done:
        if record.number:
            await asyncio.sleep(60)
        return Done(**record.model_dump())

    group.put(order(0, key="a"), order(1, key="b"))
    async with member(group, never) as one:
        await one.until(lambda: len(one.handled) == 2, "both begun")
        await one.committed(1)
        began = time.monotonic()
        await asyncio.wait_for(one.intake.close(within_s=0.1), 40)
        assert time.monotonic() - began >= 0.1
        assert one.world.engine.signs().running == 0, "taken away, not finished"
        assert group.committed == {TP: 1}
        await one.until(lambda: one.intake.gone, "its thread ends")
