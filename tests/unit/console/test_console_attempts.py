"""All attempts at an incident are one incident: each with its own plan, merge request and state."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.adapters.pages import Pages
from console.core.listing import KeptSummary, line_of
from console.core.output import complete
from console.core.story import summary_of, tell
from kfix.texts import Language
from schemas.base import Record
from schemas.context import ContextBundle
from schemas.merge_requests import MergeRequestEvent, Proposal
from schemas.outcomes import Outcome
from schemas.validated import ValidatedPlans
from tests.support.console_samples import (
    INCIDENT,
    REQUEST,
    SECOND,
    after,
    failed_then_held,
    full,
)

ALL = failed_then_held()


@settings(max_examples=30)
@given(st.permutations(range(len(ALL))))
def test_order_does_not_matter(order: list[int]) -> None:
    shuffled: list[Record] = [ALL[number] for number in order]
    assert complete(tell(INCIDENT, shuffled)) == complete(tell(INCIDENT, ALL))
    named = [r for r in shuffled if getattr(r, "incident_id", "")]
    kept = [KeptSummary(r.occurred_at, summary_of(r)) for r in named]
    line = line_of(INCIDENT, kept)
    assert (line.state, line.facts["attempts"]) == ("held", 2)
    assert line.facts["merge_request"] == f"{REQUEST.url.removesuffix('12')}14"


def test_the_newest_attempt_is_what_the_incident_is_about() -> None:
    told = complete(tell(INCIDENT, ALL))
    assert told["state"] == "held"
    assert told["recommended_action"]["plan_id"] == "plan-3"
    assert told["gitlab_mr"]["iid"] == 14
    assert told["outcome"]["result"] == "success"
    assert told["context_bundle"]["event_id"] == "ctx-2"


def test_each_attempt_has_its_own_plan_merge_request_and_state() -> None:
    first, second = complete(tell(INCIDENT, ALL))["attempts"]
    assert (first["incident_id"], second["incident_id"]) == (INCIDENT, SECOND)
    assert [a["action"]["plan_id"] for a in (first, second)] == ["plan-1", "plan-3"]
    assert [a["gitlab_mr"]["iid"] for a in (first, second)] == [12, 14]
    assert [a["state"] for a in (first, second)] == ["failed", "held"]
    assert first["outcome"]["result"] == "failure"
    assert first["revert"]["gitlab_mr"]["iid"] == 13
    assert first["revert"]["state"] == "superseded", "the second attempt was merged instead"
    assert second["revert"] is None
    states = [s["state"] for s in first["states"]]
    assert states == [
        "investigating",
        "planned",
        "proposed",
        "merged",
        "deployed",
        "watching",
        "failed",
    ]


@pytest.mark.parametrize("count", range(1, len(ALL) + 1))
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_moment_has_a_page(language: Language, count: int) -> None:
    page = Pages(language).incident(tell(INCIDENT, ALL[:count]), refresh=0, thanks=False)
    assert INCIDENT in page


def test_a_page_goes_on_moving_until_a_failure_is_followed_by_something() -> None:
    until_failure = [r for r in ALL if r.occurred_at <= after(20)]
    assert not tell(INCIDENT, until_failure).ended
    with_way_back = [r for r in ALL if r.occurred_at <= after(20.5)]
    assert tell(INCIDENT, with_way_back).ended
    with_next = [r for r in ALL if r.occurred_at <= after(22)]
    assert isinstance(with_next[-1], ContextBundle)
    assert not tell(INCIDENT, with_next).ended
    assert complete(tell(INCIDENT, with_next))["recommended_action"] is None
    assert tell(INCIDENT, ALL).ended


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Attempts", "did not hold", "Way back", "of no more use", "held")),
        ("fr", ("Tentatives", "n&#39;a pas tenu", "Retour arrière", "devenue inutile", "a tenu")),
    ],
)
def test_the_page_shows_all_attempts(language: Language, said: Sequence[str]) -> None:
    page = Pages(language).incident(tell(INCIDENT, ALL), refresh=0, thanks=False)
    for text in (*said, "shop/deployments!12", "shop/deployments!13", "shop/deployments!14"):
        assert text in page, text
    assert "fix proposed" not in page.partition("<dl>")[0]


def switched(minute: float, plan: str, event_id: str = "sw-1") -> MergeRequestEvent:
    """People asked for another plan of the sample."""
    (decision,) = (r for r in full() if isinstance(r, ValidatedPlans))
    (wanted,) = (p for p in decision.plans if p.plan.plan_id == plan)
    assert decision.analysis is not None
    return MergeRequestEvent(
        event_id=event_id,
        occurred_at=after(minute),
        incident_id=INCIDENT,
        action="updated" if event_id.startswith("sw") else "opened",
        merge_request=REQUEST,
        proposal=Proposal(
            context=decision.context,
            analysis=decision.analysis,
            plan=wanted.plan,
            diff=f"+{plan}",
        ),
    )


def test_what_is_recommended_is_the_plan_on_the_branch() -> None:
    records = [*full(), switched(0.2, "plan-1", "mr-0"), switched(2, "plan-2")]
    told = complete(tell(INCIDENT, records))
    assert told["recommended_action"]["plan_id"] == "plan-2"
    assert [p["plan_id"] for p in told["alternative_actions"]] == ["plan-1"]
    assert told["diff"] == "+plan-2"
    back = complete(tell(INCIDENT, [*records, switched(3, "plan-1", "sw-2")]))
    assert back["recommended_action"]["plan_id"] == "plan-1"


def test_a_wish_told_by_a_clock_that_is_behind_counts_after_the_opening() -> None:
    records = [*full(), switched(0.2, "plan-1", "mr-0"), switched(-3, "plan-2")]
    assert complete(tell(INCIDENT, records))["recommended_action"]["plan_id"] == "plan-2"


def test_a_plan_whose_validation_is_gone_is_told_from_the_proposal() -> None:
    records = [r for r in full() if not isinstance(r, ValidatedPlans)]
    told = complete(tell(INCIDENT, [*records, switched(2, "plan-2")]))
    assert told["recommended_action"]["plan_id"] == "plan-2"
    assert told["diff"] == "+plan-2"
    page = Pages("en").incident(
        tell(INCIDENT, [*records, switched(2, "plan-2")]), refresh=0, thanks=False
    )
    assert "Raise only the limit" in page


@pytest.mark.parametrize(
    ("checked", "says"),
    [(True, '<span class="tag partial">no clear result</span>'), (False, ">merged</span>")],
)
def test_a_fix_without_a_clear_result_is_not_called_partly_right(checked: bool, says: str) -> None:
    told = [
        one.model_copy(
            update={"result": "partial", "checked_at": one.checked_at if checked else None}
        )
        if isinstance(one, Outcome)
        else one
        for one in full()
    ]
    page = Pages("en").incident(tell(INCIDENT, told), refresh=5, thanks=False)
    assert says in page
    assert "Partly right" not in page
