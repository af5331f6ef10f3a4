"""The pure parts of the runtime against simple models: settings, headers, verdicts, the window, vitals, differences."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kfix.engine import topics
from kfix.engine.broker.offsets import PartitionStanding
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.comparing import decision, differences
from kfix.engine.runtime.deciding_again import Decisions
from kfix.engine.runtime.failure_headers import MESSAGE_MAX, Origin, capped
from kfix.engine.runtime.offsets import Entry, KeyQueue, Partition, Window
from kfix.engine.runtime.retry_policy import Again, GiveUp, GoOn, Later, after_failure
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.vitals import complaint, lag_of, ready
from kfix.engine.wire.codec import form_of
from kfix.engine.wire.shapes import Shapes
from schemas import errors
from schemas.alerts import Alert, RawAlert
from tests.unit.kfix.engine.runtime.test_runtime_vitals import (
    KNOBS,
    LONG_AGO,
    NOW,
    ONE,
    TWO,
    signs,
    within,
)
from tests.unit.kfix.engine.runtime.test_runtime_window import Fetched

#: Each setting, its default, the least or nearest value that is refused, and one just inside.
SETTINGS: dict[str, tuple[Any, Any, Any]] = {
    "concurrency": (32, 0, 1),
    "window": (500, 0, 1),
    "window_most": (5000, 0, 1),
    "window_bytes": (67_108_864, 0, 1),
    "max_poll_records": (2000, 0, 1),
    "commit_interval_s": (0.5, 0, 0.001),
    "attempts": (3, 0, 1),
    "backoff_s": (0.5, -0.001, 0),
    "backoff_max_s": (10.0, -0.001, 0),
    "retry_rounds": (5, -1, 0),
    "retry_delay_s": (60.0, -0.001, 0),
    "retry_delay_max_s": (900.0, -0.001, 0),
    "remembered": (10_000, -1, 0),
    "session_timeout_s": (10.0, 0.999, 1),
    "embedded_fetch_wait_ms": (40, 0, 1),
    "fetch_wait_ms": (500, 0, 1),
    "request_timeout_s": (40.0, 0, 0.001),
    "rebalance_timeout_s": (30.0, 0, 0.001),
    "produce_timeout_s": (30.0, 0, 0.001),
    "delivery_timeout_s": (120.0, 0, 0.001),
    "door_timeout_s": (5.0, 0, 0.001),
    "door_pending": (1000, 0, 1),
    "linger_ms": (0, -1, 0),
    "max_record_bytes": (4_194_304, 1023, 1024),
    "startup_timeout_s": (120.0, 0, 0.001),
    "drain_s": (20.0, -0.001, 0),
    "revoke_drain_s": (4.0, -0.001, 0),
    "stall_s": (600.0, 0, 0.001),
    "assign_s": (120.0, 0, 0.001),
    "poll_stall_s": (60.0, 0, 0.001),
    "idle_stall_s": (150.0, 0, 0.001),
    "hang_s": (120.0, 0, 0.001),
    "lag_every_s": (2.0, 0, 0.001),
    "health_port": (-1, -2, 65535),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_has_its_default_and_refuses_what_makes_no_sense(name: str) -> None:
    default, bad, least = SETTINGS[name]
    assert getattr(KNOBS, name) == default
    assert getattr(Runtime(_env_file=None, **{name: least}), name) == least
    with pytest.raises(ValidationError, match=name):
        Runtime(_env_file=None, **{name: bad})


def test_the_names_of_headers_are_those_that_other_versions_write() -> None:
    """A record that waits in a retry topic may have been written by the version before."""
    named = {name: value for name, value in vars(hd).items() if isinstance(value, str)}
    found = {name: value for name, value in named.items() if value.startswith(("kfix-", "trace"))}
    assert found == {
        "TRACEPARENT": "traceparent",
        "SCHEMA_VERSION": "kfix-schema-version",
        "PRODUCER": "kfix-producer",
        "INCIDENT": "kfix-incident",
        "EVENT_ID": "kfix-event-id",
        "CAUSE": "kfix-cause",
        "ATTEMPT": "kfix-attempt",
        "STAGE": "kfix-stage",
        "ROUND": "kfix-round",
        "DUE": "kfix-due",
        "FIRST_SEEN": "kfix-first-seen",
        "TOPIC": "kfix-topic",
        "PARTITION": "kfix-partition",
        "OFFSET": "kfix-offset",
        "ERROR": "kfix-error",
        "REASON": "kfix-reason",
        "MESSAGE": "kfix-message",
    }
    kept = {"TRACEPARENT", "SCHEMA_VERSION", "PRODUCER", "INCIDENT", "EVENT_ID", "CAUSE"}
    assert {value for name, value in found.items() if name not in kept} == hd.OF_FAILURE


def test_the_names_of_topics_are_those_that_lie_on_clusters() -> None:
    assert [topic.name for topic in topics.ALL] == [
        "alerts.raw",
        "context.bundle",
        "plans.candidate",
        "plans.validated",
        "mr.events",
        "outcomes",
        "dead.letters",
    ]
    assert all(topics.BY_NAME[topic.name] is topic for topic in topics.ALL)
    assert all(topics.BY_MODEL[topic.model] is topic for topic in topics.ALL)


@given(st.dictionaries(st.text(max_size=5), st.text(st.characters(codec="utf-8"), max_size=9)))
def test_headers_come_back_as_they_were_written(told: dict[str, str]) -> None:
    assert hd.read(hd.write(told)) == told


@given(st.integers(0, 10**12), st.integers(-(10**9), 10**9))
def test_numbers_of_headers_are_read_and_nonsense_is_nothing(count: int, at: int) -> None:
    assert hd.number(str(count).encode()) == count
    assert hd.number(f"-{count}".encode()) == 0
    assert hd.seconds(f"{at / 1000:.3f}") == at / 1000
    origin = {hd.TOPIC: "t", hd.PARTITION: str(count), hd.OFFSET: "٣"}
    here = Origin("x", 1, 2, "then")
    assert Origin.of(origin, here) == Origin("t", count, -1, "then")
    assert Origin.of(origin | {hd.FIRST_SEEN: "now"}, here).first_seen == "now"
    assert Origin.of({hd.PARTITION: "3"}, here) is here


@given(st.integers(0, 2 * MESSAGE_MAX))
def test_a_message_is_cut_only_where_it_is_too_long(length: int) -> None:
    text = "x" * length
    assert capped(text) == (text if length <= 1000 else "x" * 999 + "…")


def test_a_span_is_never_nothing() -> None:
    """A parent id of zeros is no trace context."""
    state = random.getstate()
    try:
        for seed in range(40):
            random.seed(seed)
            told = hd.next_traceparent("")
            assert int(told.split("-")[1], 16) % 2 == 1
            assert int(told.split("-")[2], 16) % 2 == 1
    finally:
        random.setstate(state)


# --- verdicts


@given(
    attempt=st.integers(1, 6),
    round_=st.integers(0, 7),
    chance=st.floats(0, 1),
    wish=st.none() | st.floats(0, 2000),
)
def test_the_verdict_on_a_failure_is_that_of_a_plain_reading(
    attempt: int, round_: int, chance: float, wish: float | None
) -> None:
    found = after_failure(
        errors.RateLimited("429", retry_after_s=wish),
        attempt=attempt,
        round_=round_,
        chance=chance,
        settings=KNOBS,
    )
    less = 1 - chance / 2
    here = {1: 0.5, 2: 1.0}.get(attempt)
    wait = None if here is None else max(here * less, wish or 0)
    if wait is not None and wait <= 10:
        assert found == Again(wait)
    elif round_ > 4:
        assert found == GiveUp()
    else:
        rounds = [60.0, 120.0, 240.0, 480.0, 900.0]
        assert found == Later(max(rounds[round_] * less, wish or 0))


@given(round_=st.integers(0, 8), rounds=st.integers(0, 8), wait=st.floats(1, 100))
def test_what_is_not_answered_is_asked_so_many_rounds(
    round_: int, rounds: int, wait: float
) -> None:
    silent = errors.Unanswered("x", otherwise=None, rounds=rounds, wait_s=wait)
    found = after_failure(silent, attempt=1, round_=round_, chance=0.0, settings=KNOBS)
    if round_ >= rounds or round_ >= 5:
        assert found == GoOn()
    else:
        assert found == Later(min(min(wait, 60.0) * 2**round_, 900.0))


# --- the window


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c", None]), st.integers(0, 5)), max_size=40),
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_a_window_is_what_a_list_of_records_says(
    records: list[tuple[bytes | None, int]],
    size: int,
    most: int,
    most_bytes: int,
    chance: random.Random,
) -> None:
    """The model counts anew each time: places, records and bytes of what is not committed yet."""
    w = Window(
        Partition("t", 0), subject="t", size=size, remembered=3, most=most, most_bytes=most_bytes
    )
    w.offer([Fetched(n, key, value=b"x" * weight) for n, (key, weight) in enumerate(records)])
    waiting = deque(enumerate(records))
    inside: list[Entry] = []
    done: set[int] = set()
    running: set[int] = set()

    def places() -> int:
        keys = [records[e.fetched.offset][0] for e in inside]
        return len({key for key in keys if key is not None}) + keys.count(None)

    for _ in range(3 * len(records) + 1):
        expected = []
        held = [records[e.fetched.offset] for e in inside]
        while waiting:
            at, (key, weight) = waiting[0]
            keys = [k for k, _ in held]
            taken = len({k for k in keys if k is not None}) + keys.count(None)
            full = len(held) >= max(most, size) or sum(b for _, b in held) >= most_bytes
            if held and (full or not (taken < size or (key is not None and key in keys))):
                break
            expected.append(at)
            held.append((key, weight))
            waiting.popleft()
        admitted = w.admit()
        assert [entry.fetched.offset for entry in admitted] == expected
        inside += admitted
        assert w.under_way == len(inside)
        assert w.head is (inside[0] if inside else None)
        assert w.crowded() is (len(waiting) >= size)
        assert w.roomy() is (len(waiting) <= size // 2)
        assert w.wants_more() is (
            bool(waiting) and places() <= size // 2 and len(inside) <= max(most, size) // 2
        )
        open_ = [entry for entry in inside if not entry.done]
        if not open_:
            continue
        entry = chance.choice(open_)
        offset = entry.fetched.offset
        if chance.random() < 0.3:
            assert w.start(entry)
            running.add(offset)
            assert w.running == len(running)
            w.let_go(entry)
            running.discard(offset)
        assert w.running == len(running)
        assert w.start(entry)
        moved = w.finish(entry)
        done.add(offset)
        assert moved is (entry is inside[0])
        while inside and inside[0].fetched.offset in done:
            w_position = inside.pop(0).fetched.offset + 1
            assert w.position is not None
            assert w.position >= w_position
        assert w.running == 0
        if moved and chance.random() < 0.5:
            w.committed = w.committable
            assert w.committable is None


def test_a_record_let_go_before_it_started_or_after_it_ended_counts_nothing() -> None:
    w = Window(Partition("t", 0), subject="t", size=9, remembered=0)
    w.offer([Fetched(0), Fetched(1)])
    first, second = w.admit()
    w.let_go(first)
    assert w.running == 0
    w.start(first)
    w.finish(first)
    w.let_go(first)
    assert w.running == 0
    w.start(second)
    assert w.running == 1
    w.remember("e")
    assert not w.has_seen("e")


def test_a_closed_window_has_neither_records_nor_places() -> None:
    w = Window(Partition("t", 0), subject="t", size=1, remembered=1)
    w.offer([Fetched(0), Fetched(1)])
    (entry,) = w.admit()
    w.start(entry)
    w.close()
    assert (w.under_way, w.head, w.crowded(), w.roomy(), w.wants_more()) == (
        0, None, False, True, False,
    )  # fmt: skip
    assert not w.finish(entry)
    assert w.position is None


def test_lanes_of_two_subjects_do_not_wait_for_one_another() -> None:
    lanes = KeyQueue()
    windows = [Window(Partition(s, 0), subject=s, size=9, remembered=0) for s in ("t", "u")]
    for w in windows:
        w.offer([Fetched(0, b"k"), Fetched(1, b"k")])
        lanes.line_up(w.admit())
    assert [entry.window.subject for entry in lanes.ready] == ["t", "u"]
    windows[0].closing = True
    lanes.step(lanes.ready.popleft())
    assert [entry.window.subject for entry in lanes.ready] == ["u"]
    lanes.step(lanes.ready.popleft())
    assert [entry.fetched.offset for entry in lanes.ready] == [1]


# --- vitals

_BOUNDS = (
    ("at", "hang_s"),
    ("sending_since", "delivery_timeout_s"),
    ("working_since", "stall_s"),
)


@given(
    ages=st.fixed_dictionaries({name: st.integers(0, 1400) for name, _ in _BOUNDS}),
    polled=st.integers(0, 130),
    told=st.integers(0, 250),
    assigned=st.none() | st.integers(0, 1400),
    unassigned=st.integers(0, 1400),
    moved=st.integers(0, 1400),
    came=st.integers(0, 1400),
    idle=st.integers(0, 1400),
    lag=st.none() | st.integers(0, 3),
    running=st.integers(0, 1),
)
def test_a_stage_is_unwell_when_the_first_of_its_waits_is_over(
    ages: dict[str, int],
    polled: int,
    told: int,
    assigned: int | None,
    unassigned: int,
    moved: int,
    came: int,
    idle: int,
    lag: int | None,
    running: int,
) -> None:
    about = signs(
        lag={ONE: lag, TWO: 0},
        assigned_at=None if assigned is None else NOW - assigned,
        unassigned_at=NOW - unassigned,
        polled_at=NOW - polled,
        idle_at=NOW - idle,
    )
    about = replace(about, told=replace(about.told, at=NOW - told))
    about = within(
        about,
        moved_at=NOW - moved,
        taken_at=NOW - came,
        running=running,
        **{name: NOW - age for name, age in ages.items()},
    )
    still, empty = min(moved, idle), min(came, moved, idle, assigned or 0)
    words = "an unknown number of" if lag is None else str(lag)
    if ages["at"] > 120:
        why = f"the event loop has not answered for {ages['at']} s"
    elif ages["sending_since"] > 120:
        why = f"the broker has not acknowledged a result for {ages['sending_since']} s"
    elif ages["working_since"] > 600:
        why = f"an attempt has been under way for {ages['working_since']} s"
    elif assigned is None:
        late = unassigned > (120 if told <= 120 else 600)
        why = f"the group has given no assignment for {unassigned} s" if late else ""
    elif polled > 60:
        why = f"partitions are assigned and no poll has ended for {polled} s"
    elif lag == 0:
        why = ""
    elif still > 600:
        why = f"{words} records wait and none has been finished for {still} s"
    elif lag is not None and not running and empty > 150:
        why = f"{words} records wait, none is under way and none has come for {empty} s"
    else:
        why = ""
    assert complaint(about, KNOBS) == why
    assert ready(about, KNOBS) is (
        assigned is not None and max(polled, ages["at"]) <= 15 and told <= 19
    )
    assert about.lag == (None if assigned is None else lag)


@given(st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(0, 9))
def test_the_lag_is_never_less_than_nothing(position: int, end: int, seen: int | None) -> None:
    ends = {} if seen is None else {ONE: seen}
    assert lag_of({ONE: PartitionStanding(position, end)}, ends) == {
        ONE: max(0, max(end, seen or 0) - position)
    }


# --- deciding again

_VALUES = st.recursive(
    st.none() | st.integers(0, 2) | st.sampled_from(["a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(_VALUES, _VALUES)
def test_there_are_differences_exactly_where_two_values_differ(then: Any, now: Any) -> None:
    found = differences(then, now)
    assert bool(found) is (_plain(then) != _plain(now))
    assert differences(now, then) == found
    assert differences(then, then) == []


def _plain(value: Any) -> Any:
    """A field that is null is one that is not there, below a mapping."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not None}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def raw(event: str, **more: Any) -> RawAlert:
    return RawAlert(
        event_id=event,
        occurred_at=datetime(2026, 3, 1, tzinfo=UTC),
        alert=Alert(title="t", fingerprint="f"),
        body_sha256="0" * 64,
        body=b"e30=",
        **more,
    )


def test_what_was_decided_is_the_record_without_its_run() -> None:
    found = decision(raw("e1", trace_id="a" * 32))
    assert found == decision(raw("e2", trace_id="b" * 32))
    assert found["alert"]["title"] == "t"
    gone = {"event_id", "trace_id", "occurred_at", "schema_version", "elapsed_ms"}
    assert gone & set(found) == set()


def test_what_was_decided_twice_after_a_crash_is_kept_by_its_turn() -> None:
    first, again, other = raw("a", trace_id="1" * 32), raw("a", trace_id="2" * 32), raw("b")
    then = Decisions()
    for record in (first, other, again):
        then.add("alerts.raw", "cause", record)
    assert then.of("alerts.raw", "cause", 0) == [first, other]
    assert then.of("alerts.raw", "cause", 1) == [again]
    assert then.of("alerts.raw", "cause", 2) == []
    assert then.of("alerts.raw", "another", 0) == []
    assert then.of("alerts.raw", "another", 1) == []


# --- the wire


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (b'{"a": 1}', b"json"),
        (b' \t\r\n{"a": 1}', b"json"),
        (b" " * 63 + b"{", b"json"),
        (b"\xc3\x01rest", b"avro"),
        (b"\x00rest", b"avro-confluent"),
    ],
)
def test_the_form_of_a_value_is_told_by_its_first_bytes(value: bytes, form: bytes) -> None:
    assert form_of(value) == form
    assert form_of(value, {"kfix-format": form}) == form
    with pytest.raises(errors.Undecodable) as raised:
        form_of(value, {"kfix-format": b"other" * 9})
    assert raised.value.reason == "format_mismatch"
    assert f"the header says {('other' * 9)[:32]}, the bytes are {form.decode()}" in str(
        raised.value
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"", "empty"), (b" " * 64 + b"{", "unknown_format"), (b"\xc3\x02", "unknown_format")],
)
def test_a_value_of_no_form_is_refused_with_its_first_bytes(value: bytes, reason: str) -> None:
    with pytest.raises(errors.Undecodable) as raised:
        form_of(value)
    assert raised.value.reason == reason
    assert value[:2].hex() in str(raised.value)


@pytest.mark.parametrize(
    "annotation", [set[str], dict[int, str], int | str, tuple[int, str], object, int | str | None]
)
def test_types_that_the_language_does_not_use_have_no_form(annotation: Any) -> None:
    with pytest.raises(TypeError):
        Shapes().of(annotation)


def test_words_that_are_no_texts_have_no_form() -> None:
    from typing import Literal

    assert Shapes().of(Literal["a", "b"]).schema == "string"
    for words in (Literal["a", 1], Literal[1, 2]):
        with pytest.raises(TypeError):
            Shapes().of(words)


def test_long_ago_is_longer_than_every_bound() -> None:
    assert max(KNOBS.stall_s, KNOBS.hang_s, KNOBS.assign_s, KNOBS.idle_stall_s) < NOW - LONG_AGO
