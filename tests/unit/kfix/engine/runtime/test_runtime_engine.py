"""A stage at work without a broker: what comes of each record, what is committed, and what another reads of it later."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kfix
from kfix.engine.broker.connection import Brokers
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.engine import Engine
from kfix.engine.runtime.offsets import Partition
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Handler, Stage
from kfix.engine.topics import Topic
from kfix.engine.wire import Codec, codec_for
from kfix.infra.settings import Kafka
from schemas import errors
from schemas.base import Record

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BROKERS = Brokers("127.0.0.1:1", Kafka(_env_file=None, prefix="test."))
CODEC = codec_for(BROKERS.kafka)


class Order(Record):
    key: str
    number: int = 0
    behaviour: str = ""
    incident_id: str = ""


class Done(Order):
    pass


class Other(Order):
    pass


ORDERS = Topic("unit.orders", Order, lambda record: record.key)
DONE = Topic("unit.done", Done, lambda record: record.key)
OTHER = Topic("unit.other", Other, lambda record: record.key)
MAIN, RETRY = Partition("test.unit.orders", 0), Partition("test.unit.orders.retry", 0)


class Left(RuntimeError):
    """The process would have ended."""


def leave(reason: str) -> NoReturn:
    raise Left(reason)


@dataclass
class Sent:
    """A record with the producer; ``ack`` is the broker's word."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]
    ack: asyncio.Future[Any]


@dataclass
class Producer:
    """Takes records as aiokafka's producer does. Holds acknowledgements back while ``holding``."""

    holding: bool = False
    refusing: Exception | None = None
    #: Raised instead of taking a record.
    closed: Exception | None = None
    sent: list[Sent] = field(default_factory=list)

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: hd.Wire
    ) -> asyncio.Future[Any]:
        if self.closed is not None:
            raise self.closed
        ack: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.sent.append(Sent(topic, key, value, hd.read(headers), ack))
        if self.refusing is not None:
            ack.set_exception(self.refusing)
        elif not self.holding:
            ack.set_result(None)
        return ack

    def to(self, topic: str) -> list[Sent]:
        return [one for one in self.sent if one.topic == topic]


@dataclass(frozen=True)
class Fetched:
    """As aiokafka gives a record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int = 0


def fetched(
    offset: int,
    record: Order | None = None,
    *,
    raw: bytes = b"",
    retry: bool = False,
    **headers: str,
) -> Fetched:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fetched(
        RETRY.topic if retry else MAIN.topic,
        0,
        offset,
        record.key.encode() if record else b"k",
        CODEC.encode(record) if record else raw,
        tuple(hd.write(named)),
    )


def order(number: int = 0, key: str = "k", **more: Any) -> Order:
    event_id = more.pop("event_id", f"e{number}")
    return Order(event_id=event_id, occurred_at=NOW, key=key, number=number, **more)


@asynccontextmanager
async def no_ports() -> AsyncIterator[None]:
    yield None


@dataclass
class World:
    """An engine with what stands around it."""

    engine: Engine
    producer: Producer
    calls: list[Order]
    left: list[str]
    roomy: list[Partition]

    async def settled(self, done: Callable[[], bool], within_s: float = 5.0) -> None:
        deadline = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < deadline, (self.calls, self.producer.sent)
            await asyncio.sleep(0.001)

    async def all_committable(self, position: int, partition: Partition = MAIN) -> None:
        await self.settled(lambda: self.engine.committable().get(partition) == position)


@asynccontextmanager
async def world(
    handle: Callable[[Order, World], Any],
    *,
    writes: tuple[Topic[Any], ...] = (DONE,),
    timeout_s: float = 5.0,
    name: str = "clerk",
    codec: Codec = CODEC,
    **knobs: Any,
) -> AsyncIterator[World]:
    stage = Stage("clerk", ports=no_ports)
    stage.name = name
    runtime = Runtime(_env_file=None, **{"backoff_s": 0.001, "retry_delay_s": 60.0, **knobs})
    producer, left = Producer(), []
    calls: list[Order] = []

    async def call(record: Order, _: None) -> Any:
        calls.append(record)
        return await handle(record, found)

    def note(reason: str) -> NoReturn:
        left.append(reason)
        leave(reason)

    stage.handlers.append(Handler(ORDERS, writes, call, "call", timeout_s))
    engine = Engine(
        stage,
        None,
        brokers=BROKERS,
        codec=codec,
        producer=producer,  # type: ignore[arg-type]
        settings=runtime,
        leave=note,
    )
    roomy: list[Partition] = []
    found = World(engine, producer, calls, left, roomy)
    engine.start(roomy.append)
    engine.assign([MAIN, RETRY])
    try:
        yield found
    finally:
        engine.revoke()
        await engine.stop()


async def finishes(record: Order, _: World) -> Done:
    return Done(**record.model_dump())


def raising(failure: Exception) -> Callable[[Order, World], Any]:
    async def handle(record: Order, _: World) -> Done:
        raise failure

    return handle


# --- results


async def test_a_result_goes_to_its_topic_with_what_it_came_of() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    async with world(finishes) as w:
        record = order(7, key="shop", incident_id="inc-7")
        w.engine.take(MAIN, [fetched(5, record, traceparent=parent)])
        await w.all_committable(6)
        (sent,) = w.producer.sent
    assert (sent.topic, sent.key) == ("unit.done", b"shop")
    assert CODEC.decode(DONE, sent.value or b"", {}) == Done(**record.model_dump())
    assert sent.headers[hd.CAUSE] == sent.headers[hd.EVENT_ID] == "e7"
    assert sent.headers[hd.INCIDENT] == "inc-7"
    assert sent.headers[hd.PRODUCER] == f"clerk@{kfix.__version__}"
    assert sent.headers[hd.SCHEMA_VERSION] == str(record.schema_version)
    assert hd.trace_of(sent.headers[hd.TRACEPARENT]) == "a" * 32
    assert sent.headers[hd.TRACEPARENT] != parent


async def test_a_record_without_an_incident_keeps_that_of_its_headers() -> None:
    async with world(finishes) as w:
        w.engine.take(MAIN, [fetched(0, order(1), **{"kfix-incident": "inc-9"})])
        w.engine.take(MAIN, [fetched(1, order(2))])
        await w.all_committable(2)
        told = [one.headers.get(hd.INCIDENT) for one in w.producer.sent]
    assert told == ["inc-9", None]


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_an_offset_is_committable_when_the_broker_has_all_results(count: int) -> None:
    async def several(record: Order, _: World) -> list[Done]:
        values = record.model_dump(exclude={"event_id"})
        return [Done(**values, event_id=f"{record.event_id}/{n}") for n in range(count)]

    async with world(several) as w:
        w.producer.holding = True
        w.engine.take(MAIN, [fetched(3, order(1))])
        await w.settled(lambda: len(w.producer.sent) == count and bool(w.calls))
        for sent in w.producer.sent:
            await asyncio.sleep(0.002)
            assert w.engine.committable() == {}
            sent.ack.set_result(None)
        await w.all_committable(4)
        assert w.engine.meter.sent == count
        assert w.engine.meter.taken == 1


async def test_what_returns_nothing_is_done_at_once() -> None:
    async def nothing(record: Order, _: World) -> None:
        return None

    async with world(nothing) as w:
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.all_committable(1)
        assert w.producer.sent == []


async def test_a_committed_offset_is_not_due_again() -> None:
    async with world(finishes) as w:
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.all_committable(1)
        w.engine.committed({MAIN: 1, Partition("elsewhere", 3): 9})
        assert w.engine.committable() == {}


async def test_a_repeated_event_is_handled_once() -> None:
    async with world(finishes) as w:
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.all_committable(1)
        w.engine.take(MAIN, [fetched(1, order(1)), fetched(2, order(2))])
        await w.all_committable(3)
        assert [one.number for one in w.calls] == [1, 2]
        assert (w.engine.meter.repeated, w.engine.meter.taken) == (1, 3)


async def test_a_record_that_failed_is_no_repetition_when_it_comes_again() -> None:
    async with world(raising(errors.Rejected("no"))) as w:
        w.engine.take(MAIN, [fetched(0, order(1)), fetched(1, order(1))])
        await w.all_committable(2)
        assert len(w.calls) == 2
        assert len(w.producer.to("unit.orders.dlq")) == 2


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=25),
    st.integers(1, 4),
    st.integers(1, 5),
)
async def test_records_of_one_key_are_handled_in_order_and_all_are_committed(
    wanted: Sequence[tuple[str, int]], concurrency: int, window: int
) -> None:
    busy: dict[str, int] = defaultdict(int)
    most = 0

    async def patient(record: Order, _: World) -> Done:
        nonlocal most
        busy[record.key] += 1
        most = max(most, sum(busy.values()))
        assert busy[record.key] == 1
        for _turn in range(int(record.behaviour)):
            await asyncio.sleep(0)
        busy[record.key] -= 1
        return Done(**record.model_dump())

    records = [
        fetched(n, order(n, key=key, behaviour=str(turns))) for n, (key, turns) in enumerate(wanted)
    ]
    async with world(patient, concurrency=concurrency, window=window, window_most=window) as w:
        w.engine.take(MAIN, records)
        await w.all_committable(len(records))
    assert most <= concurrency
    for key in "abc":
        numbers = [one.number for one in w.calls if one.key == key]
        assert numbers == sorted(numbers)
    assert len(w.calls) == len(records)


async def test_a_full_window_is_said_so_and_told_when_it_has_room() -> None:
    release = asyncio.Event()

    async def waits(record: Order, _: World) -> None:
        await release.wait()

    async with world(waits, window=2, concurrency=2, window_most=2) as w:
        records = [fetched(n, order(n, key=f"k{n}")) for n in range(6)]
        assert w.engine.take(MAIN, records[:2])
        assert w.engine.take(MAIN, records[2:3])
        assert not w.engine.take(MAIN, records[3:])
        assert w.roomy == []
        release.set()
        await w.all_committable(6)
        assert w.roomy
        assert set(w.roomy) == {MAIN}


# --- failures


@pytest.mark.parametrize(
    ("failure", "error", "reason"),
    [
        (errors.Rejected("422 token=hunter2"), "Rejected", "rejected"),
        (errors.Unauthorized("401"), "Unauthorized", "unauthorized"),
        (ZeroDivisionError("ours"), "ZeroDivisionError", "defect"),
        (errors.Defect("a rule"), "Defect", "defect"),
    ],
)
async def test_what_never_works_is_a_dead_letter_that_says_everything(
    failure: Exception, error: str, reason: str
) -> None:
    record = order(4, key="shop")
    async with world(raising(failure)) as w:
        w.engine.take(MAIN, [fetched(8, record, own="kept")])
        await w.all_committable(9)
        (letter,) = w.producer.sent
    assert letter.topic == "unit.orders.dlq"
    assert (letter.key, letter.value) == (b"shop", CODEC.encode(record))
    told = letter.headers
    assert (told[hd.ERROR], told[hd.REASON], told[hd.ATTEMPT]) == (error, reason, "1")
    assert told[hd.STAGE] == f"clerk@{kfix.__version__}"
    assert (told[hd.TOPIC], told[hd.PARTITION], told[hd.OFFSET]) == ("unit.orders", "0", "8")
    assert told["own"] == "kept"
    assert "hunter2" not in told[hd.MESSAGE]
    assert len(w.calls) == 1
    assert abs(datetime.fromisoformat(told[hd.FIRST_SEEN]).timestamp() - time.time()) < 60


async def test_bytes_that_are_no_record_are_a_dead_letter_before_any_attempt() -> None:
    async with world(finishes) as w:
        w.engine.take(MAIN, [fetched(0, raw=b"\xff{")])
        await w.all_committable(1)
        (letter,) = w.producer.sent
        assert w.calls == []
    assert (letter.topic, letter.value) == ("unit.orders.dlq", b"\xff{")
    assert letter.headers[hd.ATTEMPT] == "0"
    assert letter.headers[hd.ERROR] == "Undecodable"


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_service_that_is_away_is_tried_in_place_and_then_in_the_retry_topic(
    attempts: int,
) -> None:
    async with world(raising(errors.Unavailable("503")), attempts=attempts) as w:
        before = time.time()
        w.engine.take(MAIN, [fetched(2, order(1))])
        await w.all_committable(3)
        (retry,) = w.producer.sent
    assert len(w.calls) == attempts
    assert retry.topic == "unit.orders.retry"
    told = retry.headers
    assert (told[hd.ATTEMPT], told[hd.ROUND]) == (str(attempts), "1")
    assert told[hd.STAGE] == "clerk"
    assert (told[hd.TOPIC], told[hd.OFFSET]) == ("unit.orders", "2")
    assert before + 30 <= float(told[hd.DUE]) <= time.time() + 60
    assert told[hd.REASON] == "unavailable"


async def test_one_failure_and_then_success_is_a_success() -> None:
    async def second_time(record: Order, w: World) -> Done:
        if len(w.calls) == 1:
            raise errors.Unavailable("503")
        return Done(**record.model_dump())

    async with world(second_time) as w:
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.all_committable(1)
        assert [one.topic for one in w.producer.sent] == ["unit.done"]


async def test_a_handler_that_takes_too_long_is_tried_again() -> None:
    async def slow(record: Order, _: World) -> None:
        await asyncio.sleep(60)

    async with world(slow, timeout_s=0.01, attempts=2) as w:
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.all_committable(1)
        (retry,) = w.producer.sent
    assert len(w.calls) == 2
    assert retry.topic == "unit.orders.retry"
    assert retry.headers[hd.ERROR] == "TimedOut"
    assert "call took longer than 0.01 s" in retry.headers[hd.MESSAGE]


async def test_what_was_not_answered_goes_on_without_in_the_end() -> None:
    without = Done(event_id="without", occurred_at=NOW, key="k")
    failure = errors.Unanswered("the cluster", otherwise=without, rounds=2)
    async with world(raising(failure)) as w:
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.all_committable(1)
        (first,) = w.producer.sent
        assert (first.topic, first.headers[hd.ROUND]) == ("unit.orders.retry", "1")
        again = {hd.STAGE: "clerk", hd.ROUND: "2", hd.ATTEMPT: "2"}
        w.engine.take(RETRY, [fetched(0, order(1), retry=True, **again)])
        await w.all_committable(1, RETRY)
        assert [one.headers.get(hd.EVENT_ID) for one in w.producer.to("unit.done")] == ["without"]


async def test_a_result_that_may_not_travel_is_a_dead_letter_and_none_of_its_siblings_is_sent() -> (
    None
):
    async def too_much(record: Order, _: World) -> list[Done]:
        values = record.model_dump(exclude={"behaviour"})
        return [Done(**values), Done(**values, behaviour="x" * 3000)]

    async with world(too_much, max_record_bytes=2000) as w:
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.all_committable(1)
        (letter,) = w.producer.sent
    assert (letter.topic, letter.headers[hd.REASON]) == ("unit.orders.dlq", "too_large")


async def test_the_largest_record_that_may_travel_does() -> None:
    size = len(CODEC.encode(Done(**order(1).model_dump())))
    for most, topic in ((max(size, 1024), "unit.done"),):
        async with world(finishes, max_record_bytes=most) as w:
            w.engine.take(MAIN, [fetched(0, order(1))])
            await w.all_committable(1)
            assert [one.topic for one in w.producer.sent] == [topic]
    padding = 1024 - size
    for more, topic in ((0, "unit.done"), (1, "unit.orders.dlq")):
        async with world(finishes, max_record_bytes=1024) as w:
            w.engine.take(MAIN, [fetched(0, order(1, behaviour="x" * (padding + more)))])
            await w.all_committable(1)
            assert [one.topic for one in w.producer.sent] == [topic]


async def test_a_result_of_a_type_that_the_handler_does_not_write_is_a_defect() -> None:
    async def strays(record: Order, _: World) -> Other:
        return Other(**record.model_dump())

    async with world(strays) as w:
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.all_committable(1)
        (letter,) = w.producer.sent
    assert (letter.topic, letter.headers[hd.REASON]) == ("unit.orders.dlq", "defect")


async def test_what_the_broker_does_not_take_ends_the_process_and_is_not_committed() -> None:
    async with world(finishes) as w:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)  # the end of the process, here an exception
        w.producer.refusing = RuntimeError("not enough replicas")
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.settled(lambda: bool(w.left))
        assert "not enough replicas" in w.left[0]
        assert w.engine.committable() == {}


async def test_what_cannot_even_be_handed_over_ends_the_process_and_is_not_committed() -> None:
    async with world(finishes) as w:
        w.producer.closed = RuntimeError("the producer is closed")
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.settled(lambda: bool(w.left))
        assert w.left[0].startswith("cannot produce to unit.done: RuntimeError(")
        assert w.engine.committable() == {}


async def test_an_acknowledgement_that_is_given_up_is_none() -> None:
    async with world(finishes) as w:
        w.producer.holding = True
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.settled(lambda: bool(w.producer.sent))
        w.producer.sent[0].ack.cancel()
        await asyncio.sleep(0.01)
        assert w.engine.committable() == {}
        assert w.engine.signs().running == 1
        assert w.left == []


async def test_a_worker_that_ends_ends_the_process_which_is_one_too_few_otherwise() -> None:
    async with world(finishes) as w:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        worker = next(t for t in asyncio.all_tasks() if t.get_name() == "clerk.worker")
        worker.cancel()
        await w.settled(lambda: bool(w.left))
        assert w.left == ["a worker of clerk ended: cancelled"]


async def test_a_record_whose_schema_cannot_be_asked_for_now_comes_again_and_is_no_dead_letter() -> (
    None
):
    class Away:
        """A registry that does not answer."""

        def register(self, subject: str, schema: Any) -> int:
            raise errors.Unavailable("503")

        def schema(self, schema_id: int) -> Any:
            raise errors.Unavailable("503")

        def compatible(self, subject: str, schema: Any) -> bool:
            raise errors.Unavailable("503")

    codec = codec_for(BROKERS.kafka, Away())
    async with world(finishes, codec=codec, retry_delay_s=60) as w:
        before = time.time()
        w.engine.take(MAIN, [fetched(3, raw=b"\x00\x00\x00\x00\x07x")])
        await w.all_committable(4)
        (retry,) = w.producer.sent
        assert w.calls == []
    assert (retry.topic, retry.value) == ("unit.orders.retry", b"\x00\x00\x00\x00\x07x")
    told = retry.headers
    assert (told[hd.ATTEMPT], told[hd.ROUND], told[hd.REASON]) == ("1", "1", "unavailable")
    assert before + 59.99 <= float(told[hd.DUE]) <= time.time() + 60.01


# --- the retry topic


def retried(offset: int, due_in_s: float, stage: str = "clerk", **more: str) -> Fetched:
    headers = {
        hd.STAGE: stage,
        hd.DUE: f"{time.time() + due_in_s:.3f}",
        hd.ROUND: "2",
        hd.ATTEMPT: "6",
        hd.TOPIC: "unit.orders",
        hd.PARTITION: "11",
        hd.OFFSET: "77",
        hd.FIRST_SEEN: "2026-03-01T00:00:00+00:00",
    }
    return fetched(offset, order(offset), retry=True, **{**headers, **more})


async def test_a_retried_record_waits_until_it_is_due() -> None:
    async with world(finishes) as w:
        w.engine.take(RETRY, [retried(0, 0.05)])
        assert w.engine.held_back == 1
        signs = w.engine.signs()
        assert (signs.held, signs.running) == (frozenset({RETRY}), 0)
        assert w.calls == []
        await w.all_committable(1, RETRY)
        assert (w.engine.held_back, len(w.calls)) == (0, 1)
        assert w.engine.signs().held == frozenset()


async def test_a_retried_record_that_is_due_goes_at_once_and_anothers_is_passed_by() -> None:
    async with world(finishes) as w:
        w.engine.take(RETRY, [retried(0, -1), retried(1, 0.0, stage="other"), retried(2, -1)])
        await w.all_committable(3, RETRY)
        assert [one.number for one in w.calls] == [0, 2]
        assert w.engine.held_back == 0


@pytest.mark.parametrize(
    ("round_", "topic"), [("4", "unit.orders.retry"), ("5", "unit.orders.dlq")]
)
async def test_rounds_add_up_until_they_are_used_up(round_: str, topic: str) -> None:
    async with world(raising(errors.Unavailable("503"))) as w:
        w.engine.take(RETRY, [retried(0, -1, **{hd.ROUND: round_})])
        await w.all_committable(1, RETRY)
        (sent,) = w.producer.sent
    told = sent.headers
    assert sent.topic == topic
    assert told[hd.ATTEMPT] == "9"
    assert told.get(hd.ROUND) == ("5" if topic.endswith("retry") else None)
    assert (told[hd.TOPIC], told[hd.PARTITION], told[hd.OFFSET]) == ("unit.orders", "11", "77")
    assert told[hd.FIRST_SEEN] == "2026-03-01T00:00:00+00:00"


async def test_a_record_held_when_its_assignment_ends_does_not_run() -> None:
    async with world(finishes) as w:
        w.engine.take(RETRY, [retried(0, 0.02)])
        w.engine.revoke()
        await asyncio.sleep(0.05)
        assert w.calls == []
        assert w.engine.held_back == 0


# --- the end of an assignment


async def test_what_runs_may_finish_and_nothing_new_begins() -> None:
    release = asyncio.Event()

    async def waits(record: Order, _: World) -> Done:
        await release.wait()
        return Done(**record.model_dump())

    async with world(waits, concurrency=1) as w:
        w.engine.take(MAIN, [fetched(n, order(n, key=f"k{n}")) for n in range(3)])
        await w.settled(lambda: len(w.calls) == 1)
        ending = asyncio.create_task(w.engine.settle(within_s=5))
        await asyncio.sleep(0.01)
        assert not ending.done()
        assert w.engine.take(MAIN, [fetched(3, order(3))])
        release.set()
        await ending
        assert w.engine.committable() == {MAIN: 1}
        assert len(w.calls) == 1


async def test_the_wait_for_what_runs_has_an_end() -> None:
    async def for_ever(record: Order, _: World) -> None:
        await asyncio.sleep(60)

    async with world(for_ever, timeout_s=60) as w:
        w.engine.take(MAIN, [fetched(0, order(0))])
        await w.settled(lambda: len(w.calls) == 1)
        await asyncio.wait_for(w.engine.settle(within_s=0.02), 2)
        assert w.engine.committable() == {}


async def test_a_wait_between_attempts_is_cut_short_and_the_record_is_not_done() -> None:
    async with world(
        raising(errors.Unavailable("503")), backoff_s=9, backoff_max_s=10, attempts=3
    ) as w:
        w.engine.take(MAIN, [fetched(0, order(0))])
        await w.settled(lambda: len(w.calls) == 1)
        await asyncio.sleep(0.01)
        await asyncio.wait_for(w.engine.settle(within_s=5), 2)
        assert w.engine.committable() == {}
        assert w.producer.sent == []


async def test_revoked_work_is_cancelled_its_result_not_sent_and_the_worker_goes_on() -> None:
    cancelled: list[int] = []

    async def stubborn(record: Order, w: World) -> Done | None:
        if record.number == 0:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(record.number)
                raise
        return Done(**record.model_dump())

    async with world(stubborn, concurrency=1, timeout_s=60) as w:
        w.engine.take(MAIN, [fetched(0, order(0))])
        await w.settled(lambda: len(w.calls) == 1)
        w.engine.revoke()
        await w.settled(lambda: cancelled == [0])
        assert w.engine.committable() == {}
        w.engine.assign([MAIN])
        w.engine.take(MAIN, [fetched(0, order(5))])
        await w.all_committable(1)
        assert [one.headers[hd.EVENT_ID] for one in w.producer.sent] == ["e5"]
    assert w.left == []


async def test_a_worker_whose_record_was_revoked_is_as_good_as_new() -> None:
    """A task that was cancelled once would make of the next group's failure a cancellation of its own."""

    async def fails() -> None:
        raise ZeroDivisionError("ours")

    async def gathers(record: Order, w: World) -> Done:
        if record.number == 0:
            await asyncio.sleep(60)
        async with asyncio.TaskGroup() as several:
            several.create_task(fails())
            several.create_task(asyncio.sleep(60))
        return Done(**record.model_dump())

    async with world(gathers, concurrency=1, timeout_s=60) as w:
        w.engine.take(MAIN, [fetched(0, order(0))])
        await w.settled(lambda: len(w.calls) == 1)
        w.engine.revoke()
        w.engine.assign([MAIN])
        w.engine.take(MAIN, [fetched(0, order(5))])
        await w.all_committable(1)
        (letter,) = w.producer.sent
        assert (letter.topic, letter.headers[hd.ERROR]) == ("unit.orders.dlq", "ExceptionGroup")
    assert w.left == []


async def test_an_acknowledgement_after_the_assignment_commits_nothing() -> None:
    async with world(finishes) as w:
        w.producer.holding = True
        w.engine.take(MAIN, [fetched(0, order(0))])
        await w.settled(lambda: bool(w.producer.sent))
        w.engine.revoke()
        w.engine.assign([MAIN])
        w.producer.sent[0].ack.set_result(None)
        await asyncio.sleep(0.01)
        assert w.engine.committable() == {}


async def test_records_of_a_partition_that_is_not_ours_are_left_alone() -> None:
    async with world(finishes) as w:
        assert w.engine.take(Partition("test.unit.orders", 7), [fetched(0, order(0))])
        await asyncio.sleep(0.01)
        assert w.calls == []


# --- what the watchdog sees


async def test_the_signs_tell_what_runs_and_since_when() -> None:
    release = asyncio.Event()

    async def waits(record: Order, _: World) -> Done:
        await release.wait()
        return Done(**record.model_dump())

    async with world(waits) as w:
        idle = w.engine.signs()
        assert (idle.running, idle.working_since, idle.sending_since) == (0, idle.at, idle.at)
        assert idle.partitions == {MAIN, RETRY}
        w.producer.holding = True
        w.engine.take(MAIN, [fetched(n, order(n, key=f"k{n}")) for n in range(2)])
        await w.settled(lambda: len(w.calls) == 2)
        await asyncio.sleep(0.01)
        at_work = w.engine.signs()
        assert at_work.running == 2
        assert at_work.working_since < at_work.at == at_work.sending_since
        assert at_work.taken_at >= idle.at
        release.set()
        await w.settled(lambda: len(w.producer.sent) == 2)
        await asyncio.sleep(0.01)
        sending = w.engine.signs()
        assert sending.sending_since < sending.at == sending.working_since
        assert sending.moved_at > at_work.at
        for one in w.producer.sent:
            one.ack.set_result(None)
        await w.all_committable(2)
        assert w.engine.signs().running == 0


def test_a_stage_reads_its_topics_and_their_retries_under_the_clusters_names() -> None:
    stage: Stage[None] = Stage("quiet", ports=no_ports)

    async def call(record: Order, _: None) -> None: ...

    stage.handlers.append(Handler(ORDERS, (), call, "call", 1.0))
    engine = Engine(
        stage,
        None,
        brokers=BROKERS,
        codec=CODEC,
        producer=Producer(),  # type: ignore[arg-type]
        settings=Runtime(_env_file=None),
        leave=leave,
    )
    assert engine.subscription == ["test.unit.orders", "test.unit.orders.retry"]
