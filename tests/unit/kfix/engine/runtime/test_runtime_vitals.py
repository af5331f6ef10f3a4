"""What counts as standing still: unknown is never nothing, and each wait has an end."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from kfix.engine.runtime import stacks
from kfix.engine.runtime.offsets import Partition
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.vitals import (
    BrokerReport,
    Inside,
    StageSigns,
    complaint,
    idle_since,
    ready,
    silent_until,
)

KNOBS = Runtime(_env_file=None)
ONE, TWO = Partition("alerts.raw", 0), Partition("alerts.raw", 1)
RETRY = Partition("alerts.raw.retry", 0)
NOW = 10_000.0
#: Longer than every bound.
LONG_AGO = NOW - 2 * KNOBS.stall_s


def signs(*, lag: dict[Partition, int | None] | None = None, **changes: float | None) -> StageSigns:
    """A stage that works: assigned long ago, polled just now, nothing waiting."""
    inside = Inside(
        at=NOW,
        running=0,
        partitions=frozenset({ONE, TWO}),
        held=frozenset(),
        moved_at=NOW,
        taken_at=NOW,
        working_since=NOW,
        sending_since=NOW,
    )
    told = BrokerReport({ONE: 0, TWO: 0} if lag is None else lag, NOW)
    return replace(
        StageSigns(NOW, inside, told, LONG_AGO, LONG_AGO, NOW, NOW),
        **changes,  # type: ignore[arg-type]
    )


def within(whole: StageSigns, **changes: object) -> StageSigns:
    return replace(whole, inside=replace(whole.inside, **changes))  # type: ignore[arg-type]


def test_a_stage_at_work_is_well_and_ready() -> None:
    assert complaint(signs(), KNOBS) == ""
    assert ready(signs(), KNOBS)


def test_an_idle_stage_is_well_however_long_nothing_has_moved() -> None:
    idle = within(signs(), moved_at=LONG_AGO, taken_at=LONG_AGO)
    assert complaint(idle, KNOBS) == ""


@pytest.mark.parametrize("lag", [{ONE: 5, TWO: None}, {ONE: None, TWO: None}, {ONE: 0}, {}])
def test_what_is_not_known_of_one_partition_is_not_known_at_all(
    lag: dict[Partition, int | None],
) -> None:
    assert signs(lag=lag).lag is None
    assert signs(lag=lag).waiting is None


def test_without_an_assignment_the_lag_is_unknown_and_not_zero() -> None:
    assert signs(assigned_at=None).lag is None


def test_an_unknown_lag_does_not_keep_the_clock_from_running_out() -> None:
    still = within(signs(lag={}, idle_at=NOW - 599), moved_at=LONG_AGO, taken_at=LONG_AGO)
    assert complaint(still, KNOBS) == ""
    assert "an unknown number of records wait" in complaint(
        replace(still, idle_at=NOW - 601), KNOBS
    )


def test_no_assignment_is_a_stall_while_the_broker_answers_others() -> None:
    limbo = signs(assigned_at=None, unassigned_at=NOW - 121)
    assert complaint(limbo, KNOBS) == "the group has given no assignment for 121 s"
    assert complaint(replace(limbo, unassigned_at=NOW - 119), KNOBS) == ""


def test_no_assignment_is_waited_for_longer_while_the_broker_answers_nobody() -> None:
    away = BrokerReport({}, NOW - 300)
    limbo = signs(assigned_at=None, unassigned_at=NOW - 300)
    assert complaint(replace(limbo, told=away), KNOBS) == ""
    assert complaint(replace(limbo, told=away, unassigned_at=NOW - 601), KNOBS)


def test_partitions_that_nobody_polls_are_a_stall() -> None:
    assert "no poll has ended for 61 s" in complaint(signs(polled_at=NOW - 61), KNOBS)


def test_records_that_wait_while_none_is_under_way_are_a_stall_before_a_handler_would_be() -> None:
    stuck = within(signs(lag={ONE: 3, TWO: 0}, idle_at=NOW - 151), moved_at=0, taken_at=NOW - 151)
    assert complaint(stuck, KNOBS).startswith("3 records wait, none is under way")
    assert complaint(within(stuck, running=1), KNOBS) == ""
    assert complaint(within(stuck, taken_at=NOW - 149), KNOBS) == ""


def test_records_held_until_they_are_due_are_no_stall() -> None:
    held = within(
        signs(lag={ONE: 0, TWO: 0, RETRY: 9}, idle_at=NOW),
        partitions=frozenset({ONE, TWO, RETRY}),
        held=frozenset({RETRY}),
        moved_at=LONG_AGO,
        taken_at=LONG_AGO,
    )
    assert held.lag == 9
    assert held.waiting == 0
    assert complaint(held, KNOBS) == ""


def test_one_record_that_never_ends_is_a_stall_though_others_go_on() -> None:
    assert "under way for 601 s" in complaint(within(signs(), working_since=NOW - 601), KNOBS)
    assert "not acknowledged a result for 121 s" in complaint(
        within(signs(), sending_since=NOW - 121), KNOBS
    )


def test_a_loop_that_does_not_answer_is_a_stall_whatever_it_last_said() -> None:
    assert "has not answered for 121 s" in complaint(within(signs(), at=NOW - 121), KNOBS)


@pytest.mark.parametrize(
    "unwell",
    [
        signs(assigned_at=None, unassigned_at=NOW - 1),
        signs(polled_at=NOW - 16),
        within(signs(), at=NOW - 16),
        replace(signs(), told=BrokerReport({}, NOW - 30)),
    ],
)
def test_readiness_goes_as_it_came(unwell: StageSigns) -> None:
    assert complaint(unwell, KNOBS) == ""
    assert not ready(unwell, KNOBS)


def test_a_process_that_was_stopped_gets_time_before_old_signs_count() -> None:
    assert silent_until(looked_at=NOW - 1, now=NOW, silent=0) == 0
    assert silent_until(looked_at=NOW - 300, now=NOW, silent=0) == NOW + 30
    assert silent_until(looked_at=NOW - 1, now=NOW, silent=NOW + 20) == NOW + 20


async def test_tasks_are_told_by_what_they_wait_for_and_equal_ones_once() -> None:
    async def inner() -> None:
        await asyncio.Event().wait()

    async def outer() -> None:
        await inner()

    waiting = [asyncio.create_task(outer(), name="work") for _ in range(3)]
    await asyncio.sleep(0)
    told = stacks.tasks_of([asyncio.get_running_loop()])
    for task in waiting:
        task.cancel()
    (line,) = [line for line in told if " work: " in line]
    assert line.startswith("3 x work: ")
    assert "outer > " in line
    assert "inner > " in line


def test_threads_are_told_by_name_and_place() -> None:
    def standing() -> None:
        over.wait(10)

    over = threading.Event()
    thread = threading.Thread(target=standing, name="stands", daemon=True)
    thread.start()
    deadline = time.monotonic() + 5
    while not (told := [line for line in stacks.threads() if line.startswith("stands: ")]):
        assert time.monotonic() < deadline
    over.set()
    thread.join()
    assert "standing" in told[0]


@pytest.mark.parametrize(
    ("lag", "idle"),
    [
        ({ONE: 0, TWO: 0}, True),
        ({ONE: 1, TWO: 0}, False),
        ({ONE: 0, TWO: None}, False),
        ({}, False),
    ],
)
def test_only_a_lag_that_is_known_to_be_nothing_starts_the_clock_anew(
    lag: dict[Partition, int | None], idle: bool
) -> None:
    """With records that wait and none under way the old time stays, and the stall is found in the end."""
    quiet = signs(lag=lag, idle_at=LONG_AGO)
    assert idle_since(quiet) == (quiet.told.at if idle else LONG_AGO)
    assert idle_since(replace(quiet, assigned_at=None)) == LONG_AGO
    still = within(replace(quiet, idle_at=idle_since(quiet)), moved_at=0, taken_at=0, running=0)
    assert bool(complaint(replace(still, assigned_at=LONG_AGO), KNOBS)) is not idle


@pytest.mark.parametrize("bound", ["polled_at", "inside", "told"])
def test_readiness_turns_where_a_sign_is_too_old(bound: str) -> None:
    def aged(seconds: float) -> StageSigns:
        well = signs()
        if bound == "polled_at":
            return replace(well, polled_at=NOW - seconds)
        if bound == "inside":
            return within(well, at=NOW - seconds)
        return replace(well, told=replace(well.told, at=NOW - seconds))

    last = 15.0 + (2 * KNOBS.lag_every_s if bound == "told" else 0.0)
    assert ready(aged(last), KNOBS)
    assert not ready(aged(last + 0.01), KNOBS)


@pytest.mark.parametrize(
    ("sign", "setting"),
    [
        ("at", "hang_s"),
        ("sending_since", "delivery_timeout_s"),
        ("working_since", "stall_s"),
    ],
)
def test_each_wait_ends_just_beyond_its_setting(sign: str, setting: str) -> None:
    most = float(getattr(KNOBS, setting))
    assert complaint(within(signs(), **{sign: NOW - most}), KNOBS) == ""
    assert complaint(within(signs(), **{sign: NOW - most - 1}), KNOBS)


def test_a_new_assignment_has_its_time_before_records_must_come() -> None:
    stuck = within(signs(lag={ONE: 3, TWO: 0}, idle_at=0.0), moved_at=NOW - 200, taken_at=0)
    assert complaint(stuck, KNOBS)
    assert complaint(replace(stuck, assigned_at=NOW - 10), KNOBS) == ""
    assert complaint(replace(stuck, assigned_at=NOW - 200), KNOBS)


def test_a_pause_counts_as_one_only_beyond_five_seconds() -> None:
    assert silent_until(looked_at=NOW - 5, now=NOW, silent=0.0) == 0.0
    assert silent_until(looked_at=NOW - 5.1, now=NOW, silent=0.0) == NOW + 30
    assert silent_until(looked_at=NOW - 9, now=NOW, silent=NOW + 99) == NOW + 99
