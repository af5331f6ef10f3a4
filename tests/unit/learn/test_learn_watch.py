"""What looks come to, whatever their order: silence, flapping, slow and late changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learn.core.judgement import Judgement, WorkloadState
from learn.core.watch import (
    REPEATED,
    Watch,
    WatchPolicy,
    arrived,
    is_given_up,
    is_late,
    looked,
    next_look,
    verdict,
)

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POLICY = WatchPolicy(
    window_s=900,
    every_s=60,
    late_every_s=600,
    live_within_s=3_600,
    give_up_s=86_400,
    settle_s=1_800,
)
CLEAN = Judgement("success", (), "well")
BAD = Judgement("failure", (), "ill")
SILENT = Judgement("partial", (), "not measured", unsettled=True)
MIXED = Judgement("partial", (), "worse")
LIVE = WorkloadState(arrived=True)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def watched(
    looks: list[Judgement], deaths: list[int] | None = None
) -> tuple[Judgement | None, int]:
    """What a look a minute, the first one minute after the change was live, comes to, and how many there were."""
    watch = arrived(Watch(T0), LIVE, T0)
    for number, found in enumerate(looks, 1):
        watch = looked(watch, found, deaths[number - 1] if deaths else 0)
        ended = verdict(watch, found, after(60 * number), POLICY)
        if ended is not None:
            return ended, number
    return None, len(looks)


LOOKS = 15


@pytest.mark.parametrize(
    ("looks", "result", "number"),
    [
        ([CLEAN] * 15, "success", 15),
        ([BAD] * 13 + [CLEAN] * 2, "success", 15),
        ([CLEAN] * 14 + [BAD, BAD], "failure", 16),
        ([BAD] * 15, "failure", 15),
        ([BAD] + [CLEAN] * 13 + [BAD], "failure", 15),
        ([CLEAN] * 14 + [SILENT, CLEAN, CLEAN], "success", 17),
        ([CLEAN] * 14 + [BAD, CLEAN, CLEAN], "success", 17),
        ([CLEAN] * 13 + [MIXED] * 2, "partial", 15),
        ([SILENT] * 60, "partial", 45),
        ([SILENT, CLEAN] * 30, "partial", 45),
        ([SILENT] * 44 + [BAD], "failure", 45),
    ],
)
def test_looks_come_to_one_verdict(looks: list[Judgement], result: str, number: int) -> None:
    found, seen = watched(looks)
    assert found is not None
    assert (found.result, seen) == (result, number)


def test_well_at_every_other_look_is_said_to_be_so() -> None:
    found, _ = watched([CLEAN, SILENT] * 30)
    assert found is not None
    assert (found.result, found.unsettled) == ("partial", True)
    assert found.explanation.startswith("Well and unwell by turns")


@pytest.mark.parametrize(("deaths", "ended"), [(REPEATED, True), (REPEATED - 1, False)])
def test_containers_that_die_again_and_again_are_not_waited_with(deaths: int, ended: bool) -> None:
    found, seen = watched([BAD] * 14, [deaths] * 14)
    assert (found == BAD, seen) == ((True, 2) if ended else (False, 14))


looks = st.lists(st.sampled_from([CLEAN, BAD, SILENT, MIXED]), min_size=46, max_size=60)


@given(looks)
def test_a_watch_ends_with_reason_and_in_time(found: list[Judgement]) -> None:
    ended, number = watched(found)
    assert ended is not None
    assert LOOKS <= number <= 45
    seen = found[:number]
    if ended.result == "success":
        assert seen[-2:] == [CLEAN, CLEAN]
    if ended.result == "failure":
        assert seen[-1] == BAD
        assert seen.count(BAD) >= 2 or number == 45


@given(looks, st.integers(1, 2))
def test_silence_at_one_of_the_last_two_looks_takes_a_success_away(
    found: list[Judgement], back: int
) -> None:
    known, number = watched(found)
    if known is None or known.result != "success":
        return
    at = number - back
    less, seen = watched([*found[:at], SILENT, *found[at + 1 :]])
    assert less is not None
    assert less.result != "success" or seen > number


@given(st.lists(st.sampled_from([BAD, SILENT, MIXED]), min_size=46, max_size=46))
def test_no_success_comes_of_looks_that_found_none(found: list[Judgement]) -> None:
    ended, _ = watched(found)
    assert ended is not None
    assert ended.result != "success"


@given(st.lists(st.sampled_from([None, False]), max_size=6))
def test_a_change_is_live_from_the_look_that_finds_it(before: list[bool | None]) -> None:
    watch = Watch(T0)
    for number, seen in enumerate(before):
        watch = arrived(watch, WorkloadState(arrived=seen), after(60 * number))
        assert watch.live_at is None
    misses = [60 * number for number, seen in enumerate(before) if seen is False]
    watch = arrived(watch, LIVE, after(600))
    assert (watch.live_at, watch.since) == (after(600), after(misses[-1] if misses else 0))
    assert arrived(watch, WorkloadState(arrived=False), after(900)) == watch
    assert watch.measured_from(after(700)) == after(600)
    assert watch.measured_from(after(1_800)) == after(1_200), "the last ten minutes"


def test_nothing_is_judged_before_it_is_live() -> None:
    assert verdict(looked(Watch(T0), CLEAN, 0), CLEAN, after(90_000), POLICY) is None


def test_looks_come_by_the_minute_at_the_window_s_end_and_seldom_for_what_is_late() -> None:
    watch = Watch(T0)
    assert next_look(watch, after(60), POLICY) == after(120)
    assert not is_late(watch, after(3_599), POLICY)
    assert is_late(watch, after(3_600), POLICY)
    assert next_look(watch, after(3_600), POLICY) == after(4_200)
    assert not is_given_up(watch, after(86_399), POLICY)
    assert is_given_up(watch, after(86_400), POLICY)
    live = arrived(watch, LIVE, after(10))
    assert not is_late(live, after(90_000), POLICY)
    assert not is_given_up(live, after(90_000), POLICY)
    assert next_look(live, after(880), POLICY) == after(910)
    assert next_look(live, after(910), POLICY) == after(970)
