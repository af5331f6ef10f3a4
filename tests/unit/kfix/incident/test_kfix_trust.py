"""Figures of trust, counted by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kfix.incident.trust.figures import (
    Counted,
    Group,
    ModelPrice,
    ModelUse,
    NotProposed,
    Times,
    TrustFigures,
    figures_of,
    times_of,
)
from kfix.incident.trust.fixes import FixFacts
from kfix.incident.trust.intervals import Rate

AT = datetime(2026, 3, 1, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def fix(name: str, **facts: Any) -> FixFacts:
    about = {
        "failure_class": "oom_killed",
        "object_key": "Deployment/shop/cart",
        "status": "solution_proposed",
    }
    return FixFacts(name, name.split("-try", maxsplit=1)[0], AT, **about | facts)


def merged(name: str, **facts: Any) -> FixFacts:
    return fix(name, **{"opened_at": after(2), "merged_at": after(10), **facts})


def counted(fixes: Sequence[FixFacts]) -> Counted:
    """Attempts as the store counts them."""
    groups = Counter(
        (
            one.failure_class,
            one.status,
            one.reason,
            one.state,
            one.came_back_at is not None,
            one.judgement == "bad",
            one.wrong_cause,
        )
        for one in fixes
    )
    return Counted(
        len({one.root_id for one in fixes}),
        [Group(*alike, count) for alike, count in groups.items()],
        [
            (one.failure_class, one.to_merge_request_s, one.to_merge_s, one.to_recovery_s)
            for one in fixes
            if one.state != "none"
        ],
    )


def figures(*fixes: FixFacts) -> TrustFigures:
    return figures_of(counted(fixes), (), {}, since=None, until=after(9999))


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Brown, Cai, DasGupta 2001 and R's prop.test(correct=FALSE).
        (12, 14, 0.6006, 0.9599),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 2, 0.0945, 0.9055),
        (81, 263, 0.2553, 0.3662),
        (0, 0, 0.0, 1.0),
    ],
)
def test_a_rate_has_wilsons_interval(hits: int, of: int, low: float, high: float) -> None:
    assert Rate(hits, of).interval == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_a_share_of_nothing_is_none() -> None:
    assert Rate(0, 0).share is None
    assert Rate(3, 4).share == 0.75


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "none"),
        ({"opened_at": after(1)}, "open"),
        ({"opened_at": after(1), "closed_at": after(2)}, "turned_down"),
        ({"opened_at": after(1), "result": "rejected"}, "turned_down"),
        ({"opened_at": after(1), "result": "expired"}, "expired"),
        ({"opened_at": after(1), "result": "rejected", "judgement": "bad"}, "turned_down"),
    ],
)
def test_what_was_not_merged_is_no_false_fix(facts: dict[str, Any], state: str) -> None:
    assert fix("inc-a", **facts).state == state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "unjudged"),
        ({"closed_at": after(11)}, "unjudged"),
        ({"result": "success"}, "held"),
        ({"result": "partial"}, "partly"),
        ({"result": "failure"}, "false"),
        ({"result": "success", "judgement": "bad"}, "false"),
        ({"judgement": "bad"}, "false"),
        ({"result": "success", "judgement": "partial"}, "partly"),
        ({"result": "partial", "judgement": "good"}, "held"),
        ({"result": "failure", "judgement": "good"}, "false"),
        ({"judgement": "good"}, "unjudged"),
        ({"result": "success", "came_back_at": after(60)}, "false"),
        ({"result": "success", "reverted_at": after(60)}, "taken_back"),
    ],
)
def test_of_a_merged_fix_the_worst_that_is_known_counts(facts: dict[str, Any], state: str) -> None:
    assert merged("inc-a", **facts).state == state


def test_the_rates_of_a_class_are_those_counted_by_hand() -> None:
    """20 merge requests: 14 merged, 3 closed, 1 expired, 2 open; of the 14: 9 held, 1 partly, 2 false, 1 taken back, 1 fresh."""
    found = figures(
        *(merged(f"inc-h{n}", result="success") for n in range(9)),
        merged("inc-p", result="partial"),
        merged("inc-f", result="failure"),
        merged("inc-b", result="success", judgement="bad"),
        merged("inc-r", result="failure", reverted_at=after(60)),
        merged("inc-u"),
        *(fix(f"inc-c{n}", opened_at=after(1), closed_at=after(3)) for n in range(3)),
        fix("inc-e", opened_at=after(1), result="expired"),
        *(fix(f"inc-o{n}", opened_at=after(1)) for n in range(2)),
    )
    (one,) = found.classes
    assert (one.failure_class, one.proposed, one.merged) == ("oom_killed", 20, 14)
    assert one.acceptance == Rate(14, 18)
    assert one.held == Rate(9, 13)
    assert one.false_fixes == Rate(3, 13)
    assert one.taken_back == Rate(1, 14)
    assert one.judged_bad == 1
    assert found.total.acceptance == one.acceptance
    assert found.incidents == 20


def test_times_run_from_the_alert_and_a_clock_that_is_ahead_makes_none_negative() -> None:
    found = figures(
        merged("inc-a", opened_at=after(-1), merged_at=after(10), recovered_at=after(40)),
        merged("inc-b", opened_at=after(4), merged_at=after(20), recovered_at=after(15)),
        fix("inc-c", opened_at=after(6), recovered_at=after(7)),
    ).total
    assert found.to_merge_request == Times(3, 240.0, 360.0)
    assert found.to_merge == Times(2, 900.0, 1200.0)
    # Only an alert that recovered after the merge: what was over before did not need the fix.
    assert found.to_recovery == Times(1, 2400.0, 2400.0)


def test_the_ninetieth_percentile_is_by_nearest_rank() -> None:
    assert times_of(range(1, 11)) == Times(10, 5.5, 9)
    assert times_of(range(1, 12)) == Times(11, 6, 10)
    assert times_of([]) == Times()


def test_what_was_not_proposed_is_counted_by_its_reason() -> None:
    found = figures(
        fix("inc-a", status="needs_human", reason="code_defect"),
        fix("inc-b", status="needs_human", reason="code_defect"),
        fix("inc-c", status="declined", reason="capped"),
        fix("inc-d", status="no_action", reason="healthy"),
        merged("inc-e"),
    )
    assert found.not_proposed == (
        NotProposed("needs_human", "code_defect", 2),
        NotProposed("declined", "capped", 1),
        NotProposed("no_action", "healthy", 1),
    )


def test_a_fix_that_came_back_is_a_false_one() -> None:
    found = figures(
        merged("inc-a", result="success", came_back_at=after(100)),
        merged("inc-b", result="failure", came_back_at=after(200), wrong_cause=True),
        merged("inc-c", result="success"),
    ).total
    assert (found.came_back, found.wrong_cause) == (2, 1)
    assert found.false_fixes == Rate(2, 3)


def test_money_is_told_only_where_every_model_has_a_price() -> None:
    uses = [ModelUse("a/m", 3, 2_000_000, 100_000), ModelUse("b/m", 1, 10, 10)]
    prices = {"a/m": ModelPrice(2.0, 6.0)}
    cost = figures_of(counted(()), uses, prices, since=None, until=AT).cost
    assert cost.money == {"a/m": pytest.approx(4.6)}
    assert cost.total is None
    whole = figures_of(counted(()), uses[:1], prices, since=None, until=AT).cost
    assert whole.total == pytest.approx(4.6)
    assert figures_of(counted(()), (), prices, since=None, until=AT).cost.total == 0
