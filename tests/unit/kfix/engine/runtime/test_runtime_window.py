"""The window: in-order commits, order per key, epochs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from kfix.engine.runtime.offsets import Entry, KeyQueue, Partition, Window


@dataclass
class Fetched:
    offset: int
    key: bytes | None = None
    topic: str = "t"
    partition: int = 0
    timestamp: int = 0
    value: bytes | None = b""
    headers: tuple[tuple[str, bytes], ...] = field(default_factory=tuple)


def window(size: int = 100, remembered: int = 3) -> Window:
    return Window(Partition("t", 0), subject="t", size=size, remembered=remembered)


def admitted(w: Window, offsets: range, key: bytes | None = None) -> list[Entry]:
    w.offer([Fetched(offset, key) for offset in offsets])
    return w.admit()


@given(st.permutations(range(12)))
def test_the_committable_offset_never_passes_a_record_that_is_not_done(order: list[int]) -> None:
    w = window()
    entries = admitted(w, range(100, 112))
    done: set[int] = set()
    for index in order:
        w.start(entries[index])
        w.finish(entries[index])
        done.add(index)
        first_open = next((i for i in range(12) if i not in done), 12)
        assert w.committable == (100 + first_open if first_open else None)


def test_a_committed_position_is_not_committable_again() -> None:
    w = window()
    (entry,) = admitted(w, range(7, 8))
    w.finish(entry)
    w.committed = w.committable
    assert w.committable is None


def test_a_record_of_a_closed_window_neither_starts_nor_is_acknowledged() -> None:
    old = window()
    first, second = admitted(old, range(2))
    old.start(first)
    old.close()
    new = window()
    again = admitted(new, range(2))
    assert not old.start(second)
    assert not old.finish(first)
    assert old.committable is None
    assert new.committable is None
    new.finish(again[0])
    assert new.committable == 1


def test_a_record_held_while_its_partition_is_revoked_is_not_admitted_to_the_next_assignment() -> (
    None
):
    old = window(size=1)
    admitted(old, range(3))
    old.closing = True
    assert old.admit() == []
    old.close()
    assert old.admit() == []
    assert not old.crowded()


def test_offsets_offered_again_are_dropped() -> None:
    w = window()
    admitted(w, range(5))
    assert [entry.fetched.offset for entry in admitted(w, range(3, 8))] == [5, 6, 7]


def test_gaps_of_compacted_or_aborted_records_do_not_stop_the_commit() -> None:
    w = window()
    w.offer([Fetched(3), Fetched(9)])
    for entry in w.admit():
        w.finish(entry)
    assert w.committable == 10


def test_no_more_records_than_the_window_are_under_way() -> None:
    w = window(size=4)
    entries = admitted(w, range(20))
    assert len(entries) == 4
    assert w.crowded()
    for entry in entries[1:]:
        w.finish(entry)
    assert w.admit() == []
    w.finish(entries[0])
    assert len(w.admit()) == 4


def keyed(size: int = 4, most: int | None = 100, most_bytes: int = 10**9) -> Window:
    return Window(
        Partition("t", 0), subject="t", size=size, remembered=3, most=most, most_bytes=most_bytes
    )


def test_a_storm_of_one_key_leaves_room_for_the_record_behind_it() -> None:
    w = keyed()
    w.offer([Fetched(n, b"storm") for n in range(90)] + [Fetched(90, b"quiet")])
    entries = w.admit()
    assert entries[-1].fetched.key == b"quiet"
    lanes = KeyQueue()
    lanes.line_up(entries)
    assert [entry.fetched.offset for entry in lanes.ready] == [0, 90]


def test_so_many_keys_have_places_and_a_place_is_free_when_its_last_record_is_committed() -> None:
    w = keyed()
    w.offer([Fetched(n, b"%d" % (n // 2)) for n in range(12)])
    entries = w.admit()
    assert [entry.fetched.offset for entry in entries] == list(range(8))
    w.finish(entries[0])
    assert w.admit() == []
    w.finish(entries[1])
    assert [entry.fetched.offset for entry in w.admit()] == [8, 9]


def test_all_records_of_a_window_are_bounded_too() -> None:
    w = keyed(most=10)
    w.offer([Fetched(n, b"storm") for n in range(50)])
    assert len(w.admit()) == 10
    heavy = keyed(most_bytes=1000)
    heavy.offer([Fetched(n, b"%d" % n, value=b"x" * 600) for n in range(4)])
    assert len(heavy.admit()) == 2


def test_a_record_larger_than_the_whole_bound_is_let_in_alone() -> None:
    w = keyed(most_bytes=10)
    w.offer([Fetched(n, b"k", value=b"x" * 600) for n in range(2)])
    (first,) = w.admit()
    w.finish(first)
    assert len(w.admit()) == 1


@given(
    st.lists(st.sampled_from([b"a", b"b", b"c", b"d", None]), max_size=60),
    st.integers(1, 4),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_whatever_comes_the_bounds_hold_and_everything_is_committed_in_the_end(
    keys: list[bytes | None], size: int, most: int, chance: random.Random
) -> None:
    w = keyed(size=size, most=most)
    w.offer([Fetched(offset, key) for offset, key in enumerate(keys)])
    under_way = w.admit()
    while under_way:
        inside = w.under_way
        assert inside <= max(size, most)
        ended = under_way.pop(chance.randrange(len(under_way)))
        w.start(ended)
        if w.finish(ended) and w.wants_more():
            under_way += w.admit()
    assert w.committable == (len(keys) or None)


def test_the_oldest_finished_events_are_forgotten_beyond_the_bound() -> None:
    w = window(remembered=3)
    for event in "abcd":
        w.remember(event)
    assert [w.has_seen(event) for event in "abcd"] == [False, True, True, True]


@given(st.lists(st.sampled_from([b"a", b"b", None]), max_size=30), st.randoms())
def test_records_of_one_key_run_one_after_the_other_in_order(
    keys: list[bytes | None], chance: object
) -> None:
    w = window()
    w.offer([Fetched(offset, key) for offset, key in enumerate(keys)])
    lanes = KeyQueue()
    lanes.line_up(w.admit())
    running: list[Entry] = []
    ran: list[int] = []
    while lanes.ready or running:
        while lanes.ready:
            running.append(lanes.ready.popleft())
        busy = [entry.fetched.key for entry in running if entry.fetched.key is not None]
        assert len(busy) == len(set(busy))
        ended = running.pop(chance.randrange(len(running)))  # type: ignore[attr-defined]
        ran.append(ended.fetched.offset)
        lanes.step(ended)
    assert sorted(ran) == list(range(len(keys)))
    for key in (b"a", b"b"):
        offsets = [offset for offset in ran if keys[offset] == key]
        assert offsets == sorted(offsets)


def test_a_key_is_free_again_when_its_window_closed_behind_it() -> None:
    old, new = window(), window()
    first, _ = admitted(old, range(2), b"k")
    lanes = KeyQueue()
    lanes.line_up([first, *[]])
    old.close()
    lanes.step(first)
    lanes.line_up(admitted(new, range(1), b"k"))
    assert len(lanes.ready) == 2


def test_each_record_without_a_key_takes_a_place_of_its_own() -> None:
    w = Window(Partition("t", 0), subject="t", size=2, remembered=3, most=10)
    first = admitted(w, range(5))
    assert [entry.fetched.offset for entry in first] == [0, 1]
    for entry in first:
        w.start(entry)
        w.finish(entry)
    assert [entry.fetched.offset for entry in w.admit()] == [2, 3]


def test_more_is_admitted_when_half_of_the_places_and_half_of_the_records_are_free() -> None:
    w = Window(Partition("t", 0), subject="t", size=4, remembered=3, most=8)
    entries = admitted(w, range(12), key=b"one")
    assert len(entries) == 8
    free = []
    for entry in entries:
        w.start(entry)
        w.finish(entry)
        free.append(w.wants_more())
    assert free == [False] * 3 + [True] * 5
