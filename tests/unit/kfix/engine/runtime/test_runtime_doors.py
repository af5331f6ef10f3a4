"""Doors: what they answer while the broker is well, slow, full or away, and what a dead letter of theirs says."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

import kfix
from kfix.engine import topics
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.http import HttpPublisher, HttpServer, health
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Stage, Timer
from kfix.engine.runtime.timers import run_timer
from kfix.engine.topics import Topic
from kfix.engine.wire import codec_for
from kfix.infra.settings import Kafka
from schemas import errors
from schemas.base import Record
from schemas.dead_letters import DeadLetter

CODEC = codec_for(Kafka(_env_file=None))


class Ping(Record):
    key: str


PINGS = Topic("unit.pings", Ping, lambda record: record.key)


@dataclass
class Producer:
    """Takes records as aiokafka's producer does; says nothing, or fails, as it is told."""

    silent: bool = False
    failure: Exception | None = None
    sent: list[tuple[str, bytes | None, bytes | None, dict[str, str]]] = field(default_factory=list)
    acks: list[asyncio.Future[Any]] = field(default_factory=list)

    async def has(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.acks) < count:  # noqa: ASYNC110 - the code under test tells nobody
                await asyncio.sleep(0)

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: hd.Wire
    ) -> asyncio.Future[Any]:
        if self.failure is not None:
            raise self.failure
        ack: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.sent.append((topic, key, value, hd.read(headers)))
        self.acks.append(ack)
        if not self.silent:
            ack.set_result(None)
        return ack


@asynccontextmanager
async def no_ports() -> AsyncIterator[None]:
    yield None


def stage() -> Stage[None]:
    return Stage("gate", ports=no_ports, publishes=(PINGS,))


def publisher(producer: Producer, **knobs: Any) -> HttpPublisher:
    runtime = Runtime(_env_file=None, **knobs)
    return HttpPublisher(stage(), codec=CODEC, producer=producer, settings=runtime)  # type: ignore[arg-type]


def ping(name: str = "p1", trace: str = "") -> Ping:
    return Ping(event_id=name, occurred_at=datetime.now(UTC), key="k", trace_id=trace)


async def test_a_record_is_taken_when_the_broker_has_it() -> None:
    producer = Producer(silent=True)
    sending = asyncio.create_task(publisher(producer).send(ping(trace="c" * 32)))
    await producer.has(1)
    assert not sending.done()
    producer.acks[0].set_result(None)
    await sending
    ((topic, key, _, told),) = producer.sent
    assert (topic, key, told[hd.EVENT_ID]) == ("unit.pings", b"k", "p1")
    assert hd.trace_of(told[hd.TRACEPARENT]) == "c" * 32


async def test_a_record_without_a_trace_begins_one() -> None:
    producer = Producer()
    for trace in ("", "not-a-trace"):
        await publisher(producer).send(ping(trace=trace))
    traces = [hd.trace_of(told[hd.TRACEPARENT]) for *_, told in producer.sent]
    assert None not in traces
    assert len(set(traces)) == 2


async def test_a_broker_that_says_nothing_is_given_up_soon() -> None:
    with pytest.raises(errors.TimedOut) as raised:
        await publisher(Producer(silent=True), door_timeout_s=0.02).send(ping())
    assert raised.value.reason == "broker_away"


async def test_a_broker_that_fails_is_away_for_now() -> None:
    with pytest.raises(errors.Unavailable) as raised:
        await publisher(Producer(failure=RuntimeError("closed"))).send(ping())
    assert raised.value.reason == "broker_away"


@pytest.mark.parametrize("most", [1, 3])
async def test_only_so_many_wait_for_the_broker_and_there_is_room_again_afterwards(
    most: int,
) -> None:
    producer = Producer(silent=True)
    gate = publisher(producer, door_pending=most)
    waiting = [asyncio.create_task(gate.send(ping(f"p{n}"))) for n in range(most)]
    await producer.has(most)
    with pytest.raises(errors.Retryable):
        await gate.send(ping("more"))
    for ack in producer.acks:
        ack.set_result(None)
    await asyncio.gather(*waiting)
    producer.silent = False
    await gate.send(ping("again"))


async def test_a_record_that_the_door_may_not_send_is_a_defect() -> None:
    class Stranger(Record):
        pass

    with pytest.raises(errors.Defect):
        await publisher(Producer()).send(Stranger(event_id="s", occurred_at=datetime.now(UTC)))


async def test_bytes_that_are_no_record_are_kept_as_they_came() -> None:
    producer = Producer()
    await publisher(producer).dead_letter(
        topics.ALERTS_RAW,
        b"\xff",
        reason="not_json",
        message="token=hunter2",
        headers={"own": "kept"},
        about={
            "source": "datadog",
            "rule_id": "7",
            "title": "token=hunter2 high",
            "incident_id": "",
        },
    )
    (topic, key, value, told), (word_topic, word_key, word, _) = producer.sent
    assert (topic, key, value) == (topics.ALERTS_RAW.dlq, None, b"\xff")
    assert (told[hd.PARTITION], told[hd.OFFSET], told[hd.ATTEMPT]) == ("-1", "-1", "0")
    assert (told[hd.ERROR], told[hd.REASON]) == ("Undecodable", "not_json")
    assert told[hd.STAGE] == f"gate@{kfix.__version__}"
    assert (told[hd.TOPIC], told["own"]) == (topics.ALERTS_RAW.name, "kept")
    assert "hunter2" not in told[hd.MESSAGE]
    letter = DeadLetter.model_validate_json(word)
    assert (word_topic, word_key) == ("dead.letters", b"7")
    assert (letter.topic, letter.stage, letter.reason) == ("alerts.raw", "gate", "not_json")
    assert (letter.source, letter.rule_id, letter.size, letter.offset) == ("datadog", "7", 1, -1)
    assert "hunter2" not in f"{letter.title}{letter.message}"


async def test_of_what_is_no_topic_of_the_house_nobody_is_told() -> None:
    producer = Producer()
    await publisher(producer).dead_letter(
        topics.DEAD_LETTERS, b"\xff", reason="not_json", message="", headers={}
    )
    assert [sent[0] for sent in producer.sent] == ["dead.letters.dlq"]


# --- listening


@asynccontextmanager
async def served(app: Any, host: str = "127.0.0.1") -> AsyncIterator[str]:
    door = HttpServer(app, host, 0)
    await door.open()
    try:
        yield door.url
    finally:
        await door.close()


@pytest.mark.parametrize(
    ("ready", "why", "health_code", "ready_code"),
    [(True, "", 200, 200), (False, "", 200, 503), (False, "decide: it hangs", 503, 503)],
)
async def test_health_says_how_it_is(
    ready: bool, why: str, health_code: int, ready_code: int
) -> None:
    async with (
        served(health(lambda: ready, lambda: why)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        alive = await client.get("/healthz")
        assert (alive.status_code, alive.text) == (health_code, f"{why}\n" if why else "ok\n")
        takes = await client.get("/readyz")
        assert takes.status_code == ready_code
        assert takes.text.startswith("ready\n" if ready else "not ready\n")
        assert (await client.get("/elsewhere")).status_code == 404
        measured = await client.get("/metrics")
        assert measured.status_code == 200
        assert "text/plain" in measured.headers["content-type"]


def test_a_doors_address_is_one_that_a_browser_takes() -> None:
    def address(host: str) -> str:
        door = HttpServer(health(lambda: True, str), host, 0)
        door._socket.close()
        return door.url

    assert address("127.0.0.1").startswith("http://127.0.0.1:")
    if socket.has_ipv6:
        assert address("::1").startswith("http://[::1]:")


def test_a_port_that_is_taken_is_said_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(errors.Unavailable, match=str(port)):
            HttpServer(health(lambda: True, str), "127.0.0.1", port)


async def test_a_door_whose_application_does_not_start_does_not_open() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})

    door = HttpServer(broken, "127.0.0.1", 0)
    with pytest.raises(errors.Unavailable, match="did not open"):
        await asyncio.wait_for(door.open(), 10)
    await door.close()


# --- timers


async def ticks(
    call: Callable[[None], Any], producer: Producer, until: Callable[[], bool]
) -> list[float]:
    """Runs a timer until a condition holds; how long it was told to wait each time."""
    waits: list[float] = []

    def seconds(_: None) -> float:
        waits.append(0.001)
        return 0.001

    timer = Timer(seconds, (PINGS,), call, "tick")
    task = asyncio.create_task(
        run_timer(
            stage(),
            timer,
            None,
            codec=CODEC,
            producer=producer,  # type: ignore[arg-type]
            settings=Runtime(_env_file=None),
        )
    )
    async with asyncio.timeout(5):
        while not until():
            assert not task.done(), task
            await asyncio.sleep(0.001)
    task.cancel()
    return waits


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b"]])
async def test_what_a_timer_finds_due_is_sent(names: list[str]) -> None:
    producer, calls = Producer(), []
    results = {0: None, 1: ping("a"), 2: [ping("a"), ping("b")]}[len(names)]

    async def due(_: None) -> Any:
        calls.append(1)
        return results if len(calls) == 1 else None

    await ticks(due, producer, lambda: len(calls) >= 2)
    assert [told[hd.EVENT_ID] for *_, told in producer.sent] == names
    assert all(topic == "unit.pings" for topic, *_ in producer.sent)


async def test_a_timer_that_fails_comes_again() -> None:
    calls: list[int] = []

    async def fails(_: None) -> None:
        calls.append(1)
        raise RuntimeError("the store is away")

    waits = await ticks(fails, Producer(), lambda: len(calls) >= 3)
    assert len(waits) >= len(calls)
