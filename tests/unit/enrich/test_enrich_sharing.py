"""Alerts share reads that are not older than they are, and a service is asked so much at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrich.adapters.kubernetes import KubernetesEvidence, wishes
from enrich.adapters.sharing import Shared, SharedObservability
from enrich.adapters.unconfigured import NoObservability
from enrich.core.unanswered import NOT_INDEXED
from schemas import errors
from schemas.alerts import Alert
from schemas.context import LogExcerpt, Monitor

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Answers each read with the time of its start; ``held`` keeps it waiting."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.reads: list[str] = []
        self.held: asyncio.Event | None = None
        self.failure: Exception | None = None
        self.at_once = self.most_at_once = 0

    async def read(self, key: str) -> float:
        started = self.clock()
        self.reads.append(key)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.held is not None:
                await self.held.wait()
            await asyncio.sleep(0)
            if self.failure is not None:
                raise self.failure
            return started
        finally:
            self.at_once -= 1


def shared(keep_s: float = 5.0) -> tuple[Shared[str, float], Source, Clock]:
    clock = Clock()
    source = Source(clock)
    return Shared(source.read, keep_s=keep_s, clock=clock), source, clock


async def test_many_who_ask_at_once_get_one_read() -> None:
    reads, source, _ = shared()
    answers = await asyncio.gather(*(reads.get("pods", 100.0) for _ in range(500)))
    assert set(answers) == {100.0}
    assert source.reads == ["pods"]


async def test_an_answer_is_given_again_for_some_seconds() -> None:
    reads, source, clock = shared()
    await reads.get("pods", 100.0)
    clock.now = 104.0
    assert await reads.get("pods", 99.0) == 100.0
    clock.now = 106.0
    assert await reads.get("pods", 99.0) == 106.0
    assert len(source.reads) == 2


async def test_nobody_gets_a_read_from_before_he_came() -> None:
    reads, _, clock = shared()
    await reads.get("pods", 100.0)
    clock.now = 101.0
    assert await reads.get("pods", 100.5) == 101.0


async def test_who_comes_during_a_read_shares_the_next_one_with_all_who_wait() -> None:
    reads, source, clock = shared()
    source.held = asyncio.Event()
    first = asyncio.create_task(reads.get("pods", 100.0))
    for _ in range(3):
        await asyncio.sleep(0)
    clock.now = 102.0
    others = [asyncio.create_task(reads.get("pods", 101.0)) for _ in range(50)]
    for _ in range(3):
        await asyncio.sleep(0)
    source.held.set()
    assert await first == 100.0
    assert set(await asyncio.gather(*others)) == {102.0}
    assert (len(source.reads), source.most_at_once) == (2, 1)


async def test_a_failure_is_everybodys_who_waited_and_is_not_kept() -> None:
    reads, source, _ = shared()
    source.failure = errors.Unavailable("503")
    answers = await asyncio.gather(
        *(reads.get("pods", 100.0) for _ in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [errors.Unavailable] * 3
    source.failure = None
    assert await reads.get("pods", 100.0) == 100.0


async def test_who_is_cancelled_leaves_the_read_to_the_others() -> None:
    reads, source, _ = shared()
    source.held = asyncio.Event()
    gone = asyncio.create_task(reads.get("pods", 100.0))
    stays = asyncio.create_task(reads.get("pods", 100.0))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    source.held.set()
    assert await stays == 100.0
    assert source.reads == ["pods"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3), st.booleans()), max_size=25))
def test_whatever_order_they_come_in_nobody_gets_an_old_or_another_keys_answer(
    comers: list[tuple[str, float, bool]],
) -> None:
    async def run() -> None:
        clock = Clock()

        async def read(key: str) -> tuple[str, float]:
            started = clock()
            await asyncio.sleep(0)
            return key, started

        reads: Shared[str, tuple[str, float]] = Shared(read, keep_s=2.0, clock=clock)

        async def ask(key: str) -> None:
            came = clock()
            answered, started = await reads.get(key, came)
            assert answered == key
            assert started >= came

        tasks = []
        for key, later, breathe in comers:
            clock.now += later
            tasks.append(asyncio.create_task(ask(key)))
            if breathe:
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(run())


class Client:
    """An API server that counts how much it is asked at once."""

    def __init__(self) -> None:
        self.lists: list[tuple[str, str]] = []
        self.at_once = self.most_at_once = 0

    async def list(self, plural: str, namespace: str = "", **_: Any) -> list[Any]:
        self.lists.append((plural, namespace))
        await self._work()
        return []

    async def pod_log(self, *_: Any, **__: Any) -> str:
        await self._work()
        return "line"

    async def _work(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1


def evidence(client: Client, at_once: int = 16) -> KubernetesEvidence:
    return KubernetesEvidence(
        client,  # type: ignore[arg-type]
        log_lines=10,
        log_containers=6,
        at_once=at_once,
        keep_s=5.0,
    )


async def test_a_storm_in_one_namespace_costs_the_api_server_one_alerts_lists() -> None:
    client = Client()
    cluster = evidence(client)
    await asyncio.gather(*(cluster.since(AT).objects("shop") for _ in range(50)))
    assert len(client.lists) == len(wishes("shop"))
    assert len(set(client.lists)) < len(client.lists), "kube-system's components are lists apart"


async def test_alerts_of_many_namespaces_share_what_is_the_clusters_and_wait_in_line() -> None:
    client = Client()
    cluster = evidence(client, at_once=5)
    await asyncio.gather(*(cluster.since(AT).objects(f"n{n}") for n in range(10)))
    assert client.most_at_once == 5
    assert client.lists.count(("nodes", "")) == 1


class Datadog(NoObservability):
    """Knows every monitor."""

    def __init__(self) -> None:
        self.asked = self.at_once = self.most_at_once = 0

    async def monitor(self, rule_id: str) -> Monitor:
        self.asked += 1
        await self._work()
        return Monitor(rule_id=rule_id)

    async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
        await self._work()
        return []

    async def _work(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1


async def test_a_monitor_is_read_once_for_its_groups_and_datadog_is_asked_so_much_at_a_time() -> (
    None
):
    datadog = Datadog()
    asked = SharedObservability(datadog, at_once=4, keep_s=5.0)
    found = await asyncio.gather(*(asked.about(Alert(), AT).monitor("7") for _ in range(20)))
    assert {monitor.rule_id for monitor in found} == {"7"}
    assert datadog.asked == 1
    await asyncio.gather(*(asked.about(Alert(), AT).logs({}, AT) for _ in range(20)))
    assert datadog.most_at_once == 4


async def test_who_waits_in_line_waits_inside_his_deadline() -> None:
    class Slow(Datadog):
        async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
            await asyncio.sleep(5)
            return []

    asked = SharedObservability(Slow(), at_once=1, keep_s=5.0)
    busy = asyncio.create_task(asked.logs({}, AT))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await asked.logs({}, AT)
    busy.cancel()


class Indexing(Datadog):
    """Finds an event at the ``found``-th try; says how often it was asked."""

    def __init__(self, found: int, reason: str = NOT_INDEXED) -> None:
        super().__init__()
        self.found, self.reason, self.tries = found, reason, 0

    async def complete(self, alert: Alert) -> Alert:
        self.tries += 1
        if self.tries < self.found:
            raise errors.NotFound("not there", reason=self.reason)
        return alert.model_copy(update={"title": "found"})


@pytest.mark.parametrize(
    ("found", "reason", "tries", "there"),
    [
        (1, NOT_INDEXED, 1, True),
        (3, NOT_INDEXED, 3, True),
        (9, NOT_INDEXED, 4, False),
        (2, "not_configured", 1, False),
    ],
)
async def test_an_event_that_is_not_indexed_is_asked_for_again_a_few_times_and_nothing_else_is(
    found: int, reason: str, tries: int, there: bool
) -> None:
    datadog = Indexing(found, reason)
    asked = SharedObservability(datadog, at_once=1, keep_s=5.0, index_wait_s=0.001)
    view = asked.about(Alert(), AT)
    if there:
        assert (await view.complete(Alert(title="t"))).title == "found"
    else:
        with pytest.raises(errors.NotFound):
            await view.complete(Alert(title="t"))
    assert datadog.tries == tries


async def test_who_waits_for_the_index_keeps_nobody_from_asking() -> None:
    asked = SharedObservability(Indexing(9), at_once=1, keep_s=5.0, index_wait_s=30.0)
    waiting = asyncio.create_task(asked.complete(Alert()))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(1):
        assert await asked.logs({}, AT) == []
    waiting.cancel()
