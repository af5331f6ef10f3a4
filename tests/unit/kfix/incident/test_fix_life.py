"""The life of a fix: the same facts are the same life, whatever order they come in, how often and how late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.incident.fix_life import (
    AFTER_MERGE,
    MOVING,
    NEXT,
    FixLife,
    LifeFact,
    LifeState,
    LifeWord,
    fix_life,
    life_of_incident,
)
from schemas.identity import next_attempt, revert_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
INCIDENT = "inc-0a1b"
SECOND = next_attempt(INCIDENT)
THIRD = next_attempt(SECOND)
WORDS: tuple[LifeWord, ...] = (
    "alerted",
    "alert_over",
    "gave_up",
    "no_action",
    "alert_ended_before",
    "needs_human",
    "planned",
    "declined",
    "gave_up_publishing",
    "opened",
    "expired",
    "turned_down",
    "closed",
    "reopened",
    "approved",
    "unapproved",
    "pushed",
    "merged",
    "deployed",
    "held",
    "partly_held",
    "failed",
    "came_back",
)
#: What a merge request that takes a change back is told of.
OF_REVERTS: tuple[LifeWord, ...] = (
    "opened",
    "approved",
    "closed",
    "reopened",
    "merged",
    "deployed",
)


def fact(word: LifeWord, minute: float = 0, attempt: str = INCIDENT, by: str = "") -> LifeFact:
    return LifeFact(word, AT + timedelta(minutes=minute), attempt, by)


#: Few instants, so that many words are told of the same one.
times = st.integers(0, 6)
words = st.builds(
    fact, st.sampled_from(WORDS), times, st.just(INCIDENT), st.sampled_from(["", "ada"])
)
anything = st.one_of(
    st.builds(fact, st.sampled_from(WORDS), times, st.sampled_from([INCIDENT, SECOND, THIRD])),
    st.builds(
        fact,
        st.sampled_from(OF_REVERTS),
        times,
        st.sampled_from([revert_of(INCIDENT), revert_of(SECOND)]),
    ),
)


def leads_to(state: LifeState) -> set[LifeState]:
    """All states that come after one, over however many steps."""
    found: set[LifeState] = set()
    new = set(NEXT[state])
    while new - found:
        found |= new
        new = {after for one in found for after in NEXT[one]}
    return found


@given(st.lists(anything, max_size=14).flatmap(lambda f: st.tuples(st.just(f), st.permutations(f))))
def test_order_changes_nothing(both: tuple[list[LifeFact], list[LifeFact]]) -> None:
    facts, shuffled = both
    assert life_of_incident(shuffled) == life_of_incident(facts)


@given(st.lists(anything, min_size=1, max_size=10), st.data())
def test_repeats_change_nothing(facts: list[LifeFact], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(facts), max_size=8))
    assert life_of_incident([*again, *facts, *again]) == life_of_incident(facts)


@given(st.lists(words, max_size=14))
def test_a_life_goes_only_where_states_lead(facts: list[LifeFact]) -> None:
    steps = fix_life(facts).steps
    for before, after in pairwise(steps):
        assert after.state in leads_to(before.state), (before, after)


@given(st.lists(anything, max_size=12), st.lists(anything, max_size=6))
def test_a_merge_is_final_whatever_is_heard_later(
    facts: list[LifeFact], later: list[LifeFact]
) -> None:
    lives = {a.number: a for a in life_of_incident([*facts, *later]).attempts}
    for before in life_of_incident(facts).attempts:
        after = lives[before.number]
        if before.life.state in AFTER_MERGE:
            assert after.life.state in AFTER_MERGE
        if before.life.state == "reverted":
            assert after.life.state == "reverted"
        if before.revert is not None:
            assert after.revert is not None


@given(st.lists(words, max_size=12), st.lists(words, max_size=4))
def test_an_outcome_once_told_stays_an_outcome(
    facts: list[LifeFact], later: list[LifeFact]
) -> None:
    measured = {"held", "partly_held", "failed"}
    if fix_life(facts).state in measured:
        assert fix_life([*facts, *later]).state in measured


@given(st.lists(words, max_size=12))
def test_since_is_the_time_of_a_fact(facts: list[LifeFact]) -> None:
    life = fix_life(facts)
    assert (life.since is None) == (not facts)
    assert all(step.at in {f.at for f in facts if f.word == step.word} for step in life.steps)


def told(*facts: LifeFact) -> list[str]:
    return [step.state for step in fix_life(facts).steps]


def test_the_whole_way() -> None:
    way = (
        fact("alerted", 0),
        fact("planned", 1),
        fact("opened", 2),
        fact("approved", 3, by="ada"),
        fact("merged", 4, by="ada"),
        fact("deployed", 6),
        fact("held", 21),
    )
    life = fix_life(reversed(way))
    assert [(s.state, (s.at - AT).seconds // 60) for s in life.steps] == [
        ("investigating", 0),
        ("planned", 1),
        ("proposed", 2),
        ("approved", 3),
        ("merged", 4),
        ("deployed", 6),
        ("watching", 6),
        ("held", 21),
    ]
    assert [s.by for s in life.steps if s.state in ("approved", "merged")] == ["ada", "ada"]


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ((), "investigating"),
        ((fact("alerted"),), "investigating"),
        ((fact("alerted"), fact("gave_up", 1)), "given_up"),
        ((fact("gave_up", 1), fact("needs_human", 0)), "needs_human"),
        ((fact("no_action", 1),), "nothing_to_change"),
        ((fact("alert_ended_before", 1),), "recovered"),
        # Of several decisions the newest, but a plan is not taken back by what is decided after it.
        ((fact("no_action", 1), fact("needs_human", 2)), "needs_human"),
        ((fact("planned", 1), fact("needs_human", 2)), "planned"),
        ((fact("planned", 1), fact("declined", 2)), "declined"),
        ((fact("needs_human", 1), fact("declined", 2)), "needs_human"),
        ((fact("planned", 1), fact("gave_up_publishing", 2)), "given_up"),
        ((fact("declined", 2), fact("opened", 3)), "proposed"),
        # The alert's own clock: over at the very instant is over, on again is on.
        ((fact("alerted", 1), fact("needs_human", 2), fact("alert_over", 1)), "recovered"),
        ((fact("alerted", 3), fact("needs_human", 2), fact("alert_over", 1)), "needs_human"),
        ((fact("alerted", 1), fact("opened", 2), fact("alert_over", 5)), "proposed"),
    ],
)
def test_without_a_merge_request(facts: tuple[LifeFact, ...], state: str) -> None:
    assert fix_life(facts).state == state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ((fact("opened", 9), fact("closed", 5)), "closed"),  # the forge's clock is behind ours
        ((fact("opened"), fact("closed", 5), fact("reopened", 6)), "proposed"),
        ((fact("opened"), fact("closed", 6), fact("reopened", 6)), "proposed"),
        ((fact("opened"), fact("closed", 7), fact("reopened", 6)), "closed"),
        ((fact("closed", 7), fact("merged", 6)), "merged"),
        ((fact("closed", 6), fact("merged", 7)), "merged"),
        ((fact("approved", 1), fact("unapproved", 2)), "proposed"),
        ((fact("approved", 1), fact("unapproved", 1)), "proposed"),
        ((fact("approved", 2), fact("unapproved", 1)), "approved"),
        ((fact("approved", 1), fact("pushed", 2)), "proposed"),
        ((fact("approved", 3), fact("pushed", 2)), "approved"),
        ((fact("approved", 1), fact("closed", 2), fact("reopened", 3)), "approved"),
        ((fact("opened"), fact("expired", 5)), "expired"),
        ((fact("expired", 5), fact("merged", 3)), "merged"),
        ((fact("expired", 5), fact("approved", 6)), "approved"),
        ((fact("expired", 5), fact("closed", 6)), "closed"),
        # An outcome that is told again, with feedback, turns nothing down again.
        ((fact("turned_down", 2), fact("reopened", 3), fact("turned_down", 4)), "proposed"),
        ((fact("expired", 2), fact("approved", 3), fact("expired", 4)), "approved"),
        ((fact("deployed", 5),), "watching"),
        ((fact("held", 5), fact("deployed", 9)), "held"),
        ((fact("held", 5), fact("partly_held", 5), fact("failed", 5)), "failed"),
        ((fact("partly_held", 5), fact("held", 6)), "held"),
        ((fact("held", 5), fact("came_back", 60)), "failed"),
    ],
)
def test_with_a_merge_request(facts: tuple[LifeFact, ...], state: str) -> None:
    assert fix_life(facts).state == state


def test_a_word_after_the_merge_is_no_state() -> None:
    assert told(fact("opened", 1), fact("merged", 3), fact("closed", 4)) == ["proposed", "merged"]


def test_what_is_decided_or_recovers_after_the_request_is_no_state() -> None:
    way = (fact("alerted", 0), fact("planned", 1), fact("opened", 2))
    later = (fact("alert_over", 5), fact("needs_human", 6))
    assert told(*way, *later) == ["investigating", "planned", "proposed"]
    assert fix_life([*way, *later]).alert_over_at == AT + timedelta(minutes=5)


def test_that_an_alert_came_back_is_told_beside_the_state() -> None:
    assert fix_life((fact("held", 5), fact("came_back", 60))).came_back
    assert not fix_life((fact("failed", 5),)).came_back


FAILED = (fact("opened", 1), fact("merged", 2), fact("deployed", 3), fact("failed", 9))


def test_a_failed_fix_and_what_follows_it() -> None:
    back = revert_of(INCIDENT)
    asked = life_of_incident([*FAILED, fact("opened", 10, back)])
    assert asked.state == "failed"
    (first,) = asked.attempts
    assert first.revert is not None
    assert first.revert.state == "proposed"
    again = [*FAILED, fact("opened", 10, back), fact("planned", 11, SECOND)]
    assert life_of_incident(again).state == "planned"
    merged = [*again, fact("opened", 12, SECOND), fact("merged", 20, SECOND)]
    first, second = life_of_incident(merged).attempts
    assert (first.life.state, second.life.state) == ("failed", "merged")
    assert first.revert is not None
    assert first.revert.state == "superseded", "one or the other is merged"
    assert (second.number, second.incident_id) == (2, SECOND)


def test_a_change_is_taken_back_when_its_revert_is_merged() -> None:
    back = revert_of(INCIDENT)
    facts = [*FAILED, fact("merged", 14, back, "ada"), fact("deployed", 15, back)]
    (only,) = life_of_incident(facts).attempts
    assert only.life.state == "reverted"
    assert only.life.since == AT + timedelta(minutes=14)
    assert only.revert is not None
    assert only.revert.state == "deployed", "nobody watches a change that was taken back"
    closed = life_of_incident([*FAILED, fact("closed", 14, back)])
    assert closed.state == "failed"


def test_an_attempt_that_nobody_decided_on_gives_way_to_the_next() -> None:
    for word in ("opened", "needs_human", "expired", "planned"):
        facts = (fact(word, 1), fact("alerted", 0, SECOND), fact("planned", 5, SECOND))  # type: ignore[arg-type]
        first, second = life_of_incident(facts).attempts
        assert first.life.state == "superseded"
        assert first.life.since == AT + timedelta(minutes=5)
        assert second.life.state == "planned"


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    reached = {"investigating"} | leads_to("investigating")
    assert reached == set(NEXT)
    assert set(NEXT) >= MOVING
    assert not (AFTER_MERGE - {"merged"}) & (NEXT["proposed"] | NEXT["approved"])


def test_nothing_known_is_an_investigation_without_a_time() -> None:
    assert FixLife().state == "investigating"
    assert FixLife().since is None
    assert life_of_incident(()).state == "investigating"
