"""What the runtime tells of its work: counters by reason, and lines of the log with what somebody needs to look further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from kfix.engine.runtime import headers as hd
from kfix.infra.telemetry.context import context
from schemas import errors
from tests.unit.kfix.engine.runtime.test_runtime_engine import (
    MAIN,
    NOW,
    RETRY,
    Done,
    Order,
    World,
    fetched,
    finishes,
    order,
    raising,
    retried,
    world,
)


def counted(name: str, stage: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"kfix_{name}", {"stage": stage, **labels}) or 0.0


async def test_records_results_and_repeats_are_counted_once_each() -> None:
    async def twice(record: Order, _: World) -> list[Done]:
        values = record.model_dump(exclude={"event_id"})
        return [Done(event_id=f"{record.event_id}-{n}", **values) for n in range(2)]

    async with world(twice, name="counts") as w:
        w.engine.take(MAIN, [fetched(0, order(1)), fetched(1, order(2))])
        await w.all_committable(2)
        w.engine.take(MAIN, [fetched(2, order(1))])
        await w.all_committable(3)
        for _ in range(2):
            w.engine.meter.flush()
            assert counted("records_in_total", "counts") == 3
            assert counted("records_out_total", "counts") == 4
            assert counted("repeats_total", "counts") == 1
    assert counted("handler_seconds_count", "counts") == 2


@pytest.mark.parametrize(
    ("failure", "retries", "dead", "reason"),
    [
        (errors.Unavailable("503"), 3, 0, "unavailable"),
        (errors.TimedOut("late"), 3, 0, "timed_out"),
        (errors.Rejected("422"), 0, 1, "rejected"),
        (ZeroDivisionError("ours"), 0, 1, "defect"),
    ],
)
async def test_attempts_and_dead_letters_are_counted_by_reason(
    failure: Exception, retries: int, dead: int, reason: str
) -> None:
    name = f"counts-{reason}"
    async with world(raising(failure), name=name) as w:
        w.engine.take(MAIN, [fetched(0, order(1))])
        await w.all_committable(1)
    assert counted("retries_total", name, reason=reason) == retries
    assert counted("dead_letters_total", name, reason=reason) == dead
    assert counted("handler_seconds_count", name) == max(retries, 1)


@pytest.mark.parametrize(("told", "incident"), [("inc-2", "inc-2"), ("", "inc-1")])
async def test_every_line_of_a_handlers_log_can_name_its_record(told: str, incident: str) -> None:
    seen: list[object] = []

    async def looks(record: Order, _: World) -> Done:
        seen.append(context.get())
        return Done(**record.model_dump())

    trace = "0123456789abcdef" * 2
    inbound = {hd.TRACEPARENT: f"00-{trace}-{'2' * 16}-01", hd.INCIDENT: "inc-1"}
    async with world(looks) as w:
        w.engine.take(MAIN, [fetched(0, order(7, incident_id=told), **inbound)])
        await w.all_committable(1)
    assert seen == [("clerk", incident, trace, "e7")]


async def lines_of(handle: Callable[[Order, World], Any], **knobs: Any) -> list[dict[str, Any]]:
    with structlog.testing.capture_logs() as lines:
        async with world(handle, **knobs) as w:
            w.engine.take(MAIN, [fetched(6, order(1))])
            await w.all_committable(7)
    return [dict(line) for line in lines]


async def test_each_failed_attempt_and_the_way_to_the_retry_topic_are_told() -> None:
    first, second, last = await lines_of(raising(errors.Unavailable("503")), backoff_s=0.01)
    for number, line in enumerate((first, second), 1):
        assert (line["event"], line["log_level"]) == ("attempt.failed", "warning")
        assert (line["reason"], line["attempt"], line["error"]) == ("unavailable", number, "503")
        assert 0.005 * number <= line["wait_s"] <= 0.02 * number
    assert (last["event"], last["log_level"]) == ("record.postponed", "warning")
    assert (last["reason"], last["attempt"]) == ("unavailable", 3)
    assert 30 <= last["wait_s"] <= 60


@pytest.mark.parametrize(
    ("failure", "level", "shows_where"),
    [
        (errors.Rejected("422"), "warning", False),
        (ZeroDivisionError("ours"), "error", True),
        (errors.Defect("a rule"), "error", True),
    ],
)
async def test_a_dead_letter_is_told_with_its_origin_and_a_defect_with_its_place(
    failure: Exception, level: str, shows_where: bool
) -> None:
    (line,) = await lines_of(raising(failure))
    assert (line["event"], line["log_level"]) == ("record.dead", level)
    assert (line["topic"], line["partition"], line["offset"]) == ("unit.orders", 0, 6)
    assert (line["error"], line["attempt"]) == (type(failure).__name__, 1)
    assert (line["exc_info"] is failure) is shows_where


async def test_what_goes_on_without_an_answer_is_told_as_such() -> None:
    without = Done(event_id="without", occurred_at=NOW, key="k")
    failure = errors.Unanswered("the cluster", otherwise=without, rounds=0)
    (line,) = await lines_of(raising(failure))
    assert (line["event"], line["log_level"]) == ("record.unanswered", "warning")
    assert (line["reason"], line["error"]) == ("unanswered", "the cluster")


async def test_what_goes_on_without_an_answer_and_cannot_travel_is_a_dead_letter() -> None:
    without = Done(event_id="without", occurred_at=NOW, key="k", behaviour="x" * 3000)
    failure = errors.Unanswered("the cluster", otherwise=without, rounds=0)
    told = await lines_of(raising(failure), max_record_bytes=2000)
    assert [line["event"] for line in told] == ["record.unanswered", "record.dead"]
    assert told[1]["reason"] == "too_large"


async def test_a_record_is_handled_without_a_word() -> None:
    assert await lines_of(finishes) == []


@pytest.mark.parametrize(("due_in_s", "held"), [(-30.0, 0), (-0.2, 0), (0.9, 1), (30.0, 1)])
async def test_what_a_stage_holds_back_is_counted(due_in_s: float, held: int) -> None:
    async with world(finishes) as w:
        w.engine.take(RETRY, [retried(0, due_in_s), retried(1, due_in_s, stage="other")])
        assert w.engine.held_back == held
        assert w.engine.signs().partitions == {MAIN, RETRY}
        assert w.engine.signs().held == (frozenset({RETRY}) if held else frozenset())


async def test_a_due_time_that_is_none_is_due_now() -> None:
    async with world(finishes) as w:
        w.engine.take(RETRY, [retried(0, 0, **{hd.DUE: "soon"}), retried(1, 0, **{hd.DUE: ""})])
        await w.all_committable(2, RETRY)
