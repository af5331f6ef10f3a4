"""The last word wins by its time, whatever order words come in, however often and however late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from publish.core.spoken import AlertStanding, MergeRequestStanding, Word, standing_of

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def word(action: str, minute: int, name: str = "") -> Word:
    return Word(name or f"{action}-{minute}", "inc-1", action, T0 + timedelta(minutes=minute))


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Word], str]:
    """Words of a merge request as they were spoken, and where it stands at their end."""
    words, state, minute = [], "opened", 0
    for _ in range(draw(st.integers(0, 8))):
        minute += draw(st.integers(1, 90))
        if state == "merged":
            break
        action = draw(st.sampled_from(["closed", "merged"] if state == "opened" else ["reopened"]))
        state = {"reopened": "opened"}.get(action, action)
        words.append(word(action, minute))
        words.append(word(draw(st.sampled_from(["note", "approved", "pipeline"])), minute + 1))
    return words, state


@given(stories(), st.data())
def test_any_order_with_any_repeats_ends_where_the_story_ended(
    story: tuple[list[Word], str], data: st.DataObject
) -> None:
    words, state = story
    repeated = words + data.draw(
        st.lists(st.sampled_from(words), max_size=5) if words else st.just([])
    )
    assert standing_of(data.draw(st.permutations(repeated))).state == state


@given(stories(), st.data())
def test_the_end_is_the_time_of_the_word_that_ended_it(
    story: tuple[list[Word], str], data: st.DataObject
) -> None:
    words, state = story
    ends = [w.at for w in words if w.action == state]
    if state == "opened" or not ends:
        return
    assert standing_of(data.draw(st.permutations(words))).since == ends[-1]


def test_one_closing_that_is_told_twice_a_second_apart_is_the_first() -> None:
    told = [
        word("closed", 5, "webhook"),
        Word("read", "inc-1", "closed", T0 + timedelta(seconds=301)),
    ]
    assert (
        standing_of(told) == standing_of(told[::-1]) == MergeRequestStanding("closed", told[0].at)
    )


def test_nothing_said_is_open() -> None:
    assert standing_of([word("note", 1)]) == MergeRequestStanding()


def test_an_alert_is_over_when_its_end_is_no_older() -> None:
    early, late = T0, T0 + timedelta(minutes=1)
    assert not AlertStanding(early, None).over
    assert AlertStanding(None, early).over
    assert AlertStanding(early, late).over
    assert AlertStanding(early, early).over
    assert not AlertStanding(late, early).over
