"""What labels say comes from the life of an incident's merge requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from publish.core.decision import TrackedMergeRequest
from publish.core.marks import ending_words, family, marks_of
from publish.core.spoken import Word
from schemas.base import ObjectRef
from schemas.identity import next_attempt, revert_of
from schemas.outcomes import Outcome

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = "inc-0a1b"
SECOND = next_attempt(FIRST)
BACK = revert_of(FIRST)


def word(action: str, minute: float, incident_id: str = FIRST) -> Word:
    at = AT + timedelta(minutes=minute)
    return Word(f"{incident_id}-{action}-{minute}", incident_id, action, at)


def opened(incident_id: str, minute: float) -> TrackedMergeRequest:
    at = AT + timedelta(minutes=minute)
    return TrackedMergeRequest(incident_id, "fp", "p", 1, "opened", at)


FAILED = [word("merged", 5), word("deployed", 6), word("failed", 20)]


def test_the_family_of_an_attempt_are_all_before_it() -> None:
    assert family(FIRST) == [FIRST, BACK]
    assert family(BACK) == [FIRST, BACK]
    assert family(SECOND) == [FIRST, BACK, SECOND, revert_of(SECOND)]


def test_an_open_one_is_marked_by_its_alert() -> None:
    assert marks_of([word("approved", 2), word("note", 3)], [opened(FIRST, 0)]) == {}


def test_a_change_that_was_taken_back_says_so_on_both() -> None:
    known = [opened(FIRST, 0), opened(BACK, 21)]
    assert marks_of(FAILED, known) == {FIRST: "failed"}
    assert marks_of([*FAILED, word("merged", 25, BACK)], known) == {
        FIRST: "reverted",
        BACK: "merged",
    }


def test_the_way_back_is_superseded_when_the_next_fix_is_merged() -> None:
    known = [opened(FIRST, 0), opened(BACK, 21), opened(SECOND, 22)]
    found = marks_of([*FAILED, word("merged", 30, SECOND)], known)
    assert found == {FIRST: "failed", BACK: "superseded", SECOND: "merged"}


@given(st.permutations([*FAILED, word("closed", 4), word("pipeline", 3), word("merged", 25, BACK)]))
def test_order_does_not_matter(words: list[Word]) -> None:
    known = [opened(FIRST, 0), opened(BACK, 21)]
    assert marks_of(words, known) == {FIRST: "reverted", BACK: "merged"}


def test_an_outcome_told_again_with_feedback_gives_the_same_words() -> None:
    told = Outcome(
        event_id="out-1",
        occurred_at=AT,
        incident_id=FIRST,
        fingerprint="fp",
        result="failure",
        failure_class="oom_killed",
        object=ObjectRef(kind="Deployment", name="cart"),
        merged_at=AT,
        checked_at=AT,
    )
    again = told.model_copy(update={"event_id": "out-2", "occurred_at": AT + timedelta(hours=1)})
    assert ending_words(told) == ending_words(again)
    assert [(w.action, w.told) for w in ending_words(told)] == [("failed", False)]
