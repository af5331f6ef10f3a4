"""An attempt is put together from its records, whatever their order and however often they come."""

from __future__ import annotations

from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.trust_facts import attempt_named_by, facts_of, fix_of, model_use_of, together
from kfix.incident.trust.fixes import FixFacts
from schemas.base import Record
from schemas.feedback import Feedback
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.plans import CandidatePlans, SecondOpinion
from schemas.validated import ValidatedPlans
from tests.support.console_samples import AT, INCIDENT, after, full

TELLING = [
    r
    for r in full()
    if isinstance(r, CandidatePlans | ValidatedPlans | MergeRequestEvent | Outcome)
]
CANDIDATE, VALIDATED = (
    next(r for r in TELLING if isinstance(r, kind)) for kind in (CandidatePlans, ValidatedPlans)
)
OUTCOME = next(r for r in TELLING if isinstance(r, Outcome))


def event(action: str, minutes: float, *, of: str = INCIDENT, **more: object) -> MergeRequestEvent:
    return MergeRequestEvent.model_validate(
        {
            "event_id": f"{of}-{action}-{minutes}",
            "occurred_at": after(minutes),
            "incident_id": of,
            "action": action,
            **more,
        }
    )


def judged(verdict: str, minutes: float, **more: object) -> MergeRequestEvent:
    said = Feedback.model_validate({"author": "ada", "verdict": verdict, **more})
    return event("feedback", minutes, feedback=said)


def told(*records: Record) -> FixFacts:
    return fix_of(INCIDENT, reduce(together, map(facts_of, records), {}))


def test_the_whole_story_is_one_attempt() -> None:
    found = told(*TELLING)
    assert found == FixFacts(
        INCIDENT,
        INCIDENT,
        AT,
        "solution_proposed",
        "",
        "oom_killed",
        "Deployment",
        "set_memory",
        "Deployment/shop/cart",
        environment="production",
        title="cart restarts",
        opened_at=after(0.2),
        merged_at=after(5),
        result="success",
    )
    assert found.state == "held"


MORE = [
    *TELLING,
    event("closed", 6),
    event("reopened", 7),
    event("merged", 9, of=f"{INCIDENT}-revert"),
    event("opened", 8, of=f"{INCIDENT}-revert"),
    event("revert_opened", 8),
    event("declined", 3, why="capped"),
    judged("bad", 30),
    judged("good", 31),
    judged("comment", 32),
    VALIDATED.model_copy(update={"event_id": "v2", "role": "recovery", "occurred_at": after(40)}),
    CANDIDATE.model_copy(update={"event_id": "c2", "status": "needs_human", "reason": "capacity"}),
    OUTCOME.model_copy(
        update={
            "event_id": "o2",
            "occurred_at": after(50),
            "result": "failure",
            "came_back_at": after(49),
        }
    ),
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_order_and_repeats_change_nothing(data: st.DataObject) -> None:
    some = data.draw(
        st.lists(st.sampled_from(MORE), max_size=len(MORE), unique_by=lambda r: r.event_id)
    )
    shuffled = data.draw(
        st.permutations(some + data.draw(st.lists(st.sampled_from(some))) if some else some)
    )
    in_order = sorted(some, key=lambda r: (r.occurred_at, r.event_id))
    assert told(*shuffled) == told(*in_order)
    halves = [reduce(together, map(facts_of, part), {}) for part in (shuffled[::2], shuffled[1::2])]
    assert fix_of(INCIDENT, together(*halves)) == told(*in_order)


def test_the_revert_belongs_to_the_attempt_and_only_its_merge_counts() -> None:
    opened, merged = (event(one, 8, of=f"{INCIDENT}-revert") for one in ("opened", "merged"))
    assert attempt_named_by(merged) == INCIDENT
    assert facts_of(opened) == {}
    assert told(*TELLING, opened).state == "held"
    assert told(*TELLING, opened, merged).state == "taken_back"
    second = event("merged", 8, of=f"{INCIDENT}-try2-revert")
    assert attempt_named_by(second) == f"{INCIDENT}-try2"


def test_the_newest_judgement_counts_and_words_are_none() -> None:
    assert told(*TELLING, judged("bad", 30)).state == "false"
    assert told(*TELLING, judged("bad", 30), judged("good", 31)).state == "held"
    assert told(*TELLING, judged("bad", 30), judged("comment", 31)).state == "false"
    # A judgement before there is an outcome counts as well.
    assert told(*(r for r in TELLING if r is not OUTCOME), judged("bad", 6)).state == "false"


def test_a_wrong_cause_is_no_word_about_the_fix() -> None:
    doubted = told(*TELLING, judged("bad", 30, about="cause"))
    assert (doubted.state, doubted.wrong_cause) == ("held", True)
    confirmed = told(*TELLING, judged("bad", 30, about="cause"), judged("good", 31))
    assert (confirmed.state, confirmed.wrong_cause) == ("held", False)


def test_an_alert_that_came_back_stays_a_false_fix_whatever_is_told_later() -> None:
    back = OUTCOME.model_copy(
        update={"event_id": "o2", "occurred_at": after(50), "came_back_at": after(49)}
    )
    later = OUTCOME.model_copy(update={"event_id": "o3", "occurred_at": after(60)})
    assert told(*TELLING, back, later).state == "false"


def test_what_publish_declined_has_publishs_reason_unless_there_was_no_plan() -> None:
    declined = event("declined", 1, why="capped")
    found = told(CANDIDATE, VALIDATED, declined)
    assert (found.state, found.status, found.reason) == ("none", "declined", "capped")
    human = VALIDATED.model_copy(
        update={"status": "needs_human", "reason": "capacity", "plans": (), "recommended": ""}
    )
    found = told(CANDIDATE, human, event("declined", 1, reason="capacity"))
    assert (found.status, found.reason) == ("needs_human", "capacity")


def test_a_closed_merge_request_that_was_opened_again_is_open() -> None:
    begun = TELLING[:3]
    assert told(*begun, event("closed", 6)).state == "turned_down"
    assert told(*begun, event("reopened", 7), event("closed", 6)).state == "open"


def test_a_recovery_counts_unless_the_alert_came_again() -> None:
    recovery = VALIDATED.model_copy(
        update={
            "event_id": "v2",
            "role": "recovery",
            "context": VALIDATED.context.model_copy(update={"alerted_at": after(30)}),
        }
    )
    again = CANDIDATE.model_copy(
        update={
            "event_id": "c2",
            "role": "repeat",
            "context": CANDIDATE.context.model_copy(update={"alerted_at": after(45)}),
        }
    )
    assert told(*TELLING, recovery).to_recovery_s == 30 * 60
    assert told(*TELLING, recovery, again).to_recovery_s is None


def test_what_a_model_was_asked_is_counted_once_for_a_decision() -> None:
    said = SecondOpinion(
        asked=True, provider="p", model="m", model_calls=2, input_tokens=5000, output_tokens=300
    )
    asked = CANDIDATE.model_copy(update={"second_opinion": said})
    use = model_use_of(asked)
    assert use is not None
    assert (use.model, use.calls, use.input_tokens, use.output_tokens) == ("p/m", 2, 5000, 300)
    assert model_use_of(CANDIDATE) is None
    assert model_use_of(VALIDATED.model_copy(update={"second_opinion": said})) is None


def test_a_change_that_is_not_live_yet_is_merged_and_not_judged() -> None:
    late = OUTCOME.model_copy(
        update={"event_id": "late", "result": "partial", "checked_at": None, "merged_at": after(3)}
    )
    found = told(late)
    assert (found.result, found.merged_at) == ("", after(3))
    assert told(late, OUTCOME).result == told(OUTCOME, late).result == OUTCOME.result
