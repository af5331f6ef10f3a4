"""An incident out of its records: in any order, repeated, and at every stage of its life."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.adapters.pages import Pages
from console.core.listing import KeptSummary, Line, line_of
from console.core.output import complete
from console.core.plots import plots
from console.core.projection import kept
from console.core.story import summary_of, tell, timeline
from console.core.words import Words
from kfix.texts import say
from schemas.alerts import RawAlert
from schemas.base import Record
from schemas.context import Series
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef
from schemas.outcomes import Outcome
from schemas.validated import CheckResult, ValidatedPlans
from tests.support.console_samples import INCIDENT, REQUEST, after, full


@given(st.permutations(full()), st.lists(st.sampled_from(full()), max_size=5))
def test_order_and_repeats_do_not_matter(shuffled: list, again: list) -> None:  # type: ignore[type-arg]
    told = complete(tell(INCIDENT, [*shuffled, *again]))
    assert told == complete(tell(INCIDENT, full()))


def test_the_complete_output_has_what_the_mission_names() -> None:
    told = complete(tell(INCIDENT, full()))
    assert told["incident_id"] == INCIDENT
    assert told["status"] == "solution_proposed"
    assert told["recommended_action"]["plan_id"] == "plan-1"
    assert [p["plan_id"] for p in told["alternative_actions"]] == ["plan-2"]
    assert told["gitlab_mr"]["branch"] == f"kfix/incident-{INCIDENT}"
    assert told["gitlab_mr"]["state"] == "merged"
    assert told["slack_notification"]["message_ts"] == "1705312200.123456"
    assert told["learning"] == {
        "similar_incidents_found": 1,
        "confidence_score": 0.93,
        "vector_db_stored": True,
        "outcome": "success",
        "lesson": "More memory worked.",
    }
    assert told["safety_checks"]["resource_quota"]["verdict"] == "pass"
    assert told["context_bundle"]["k8s_context"]["namespace"] == "shop"
    json.dumps(told)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("count", range(9))
def test_every_stage_of_an_incidents_life_has_a_page_and_json(language: str, count: int) -> None:
    story = tell(INCIDENT, full()[:count])
    page = Pages(language).incident(story, refresh=5, thanks=False)
    assert INCIDENT in page
    json.dumps(complete(story))


def test_an_incident_ends_with_its_outcome() -> None:
    assert not tell(INCIDENT, full()[:-1]).ended
    assert tell(INCIDENT, full()).ended


def test_the_timeline_is_in_order_of_time() -> None:
    moments = timeline(tell(INCIDENT, full()))
    assert [m.at for m in moments] == sorted(m.at for m in moments)
    assert {m.topic for m in moments} >= {
        "alerts.raw",
        "context.bundle",
        "plans.validated",
        "mr.events",
        "outcomes",
    }


def test_both_languages_have_the_same_words() -> None:
    assert Words("en").keys() == Words("fr").keys()


def test_a_page_tells_in_its_readers_language_what_a_record_says_in_english() -> None:
    said = say("safety.quota.exceeded", quota="compute", resource="cpu", would="5", hard="4")
    [record] = [r for r in full() if isinstance(r, ValidatedPlans)]
    check = CheckResult(name="resource_quota", verdict="fail", reason=said)
    plans = tuple(p.model_copy(update={"checks": (check,)}) for p in record.plans)
    others = [r for r in full() if r is not record and not isinstance(r, ValidatedPlans)]
    story = tell(INCIDENT, [*others, record.model_copy(update={"plans": plans})])
    english, french = (
        Pages(language).incident(story, refresh=0, thanks=False) for language in ("en", "fr")
    )
    assert "quota compute: cpu would be 5 of 4" in english
    assert "quota compute : cpu serait à 5 sur 4" in french
    assert "would be" not in french


@given(st.permutations(full()), st.lists(st.sampled_from(full()), max_size=5))
def test_a_line_of_the_list_is_the_same_in_any_order_and_with_repeats(
    shuffled: list[Record], again: list[Record]
) -> None:
    def line(records: list[Record]) -> Line:
        return line_of(INCIDENT, [KeptSummary(r.occurred_at, summary_of(r)) for r in records])

    told = line([*shuffled, *again])
    assert told == line(full())
    assert told.state == "held"
    assert told.since == after(20)
    shown = ("failure_class", "merge_state", "result", "status", "merge_request")
    assert [told.facts[name] for name in shown] == [
        "oom_killed",
        "merged",
        "success",
        "solution_proposed",
        REQUEST.url,
    ]


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> javascript:alert(1) \u202e \x07 [x](javascript:1)"


def test_nothing_from_outside_becomes_markup() -> None:
    story = tell(INCIDENT, full(lambda text: f"{HOSTILE} {text}"))
    page = Pages("en").incident(story, refresh=0, thanks=False)
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r'(href|src|action)="\s*javascript:', page)
    assert "&lt;script&gt;" in page


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12)), min_size=2, max_size=30),
    st.text(max_size=30),
    st.sampled_from(["byte", "nanocore", "second", "", "<x>"]),
)
def test_a_plot_is_well_formed_whatever_the_series_says(
    values: list[float | None], metric: str, unit: str
) -> None:
    series = Series(
        metric=metric,
        unit=unit,
        timestamps=tuple(float(n) for n in range(len(values))),
        values=tuple(values),
    )
    for plot in plots([series], datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)):
        ElementTree.fromstring(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", plot.svg))


def event(action: str, minutes: float) -> MergeRequestEvent:
    """Something that happened to the sample's merge request, or in place of one."""
    request = (
        None
        if action == "declined"
        else MergeRequestRef(project="p", iid=1, url="https://gitlab.example/p/1")
    )
    return MergeRequestEvent(
        event_id=f"e-{action}-{minutes}",
        occurred_at=after(minutes),
        incident_id=INCIDENT,
        action=action,
        merge_request=request,
    )  # type: ignore[arg-type]


DECIDED = [r for r in full() if not isinstance(r, MergeRequestEvent | Outcome)]


@pytest.mark.parametrize(
    ("actions", "ended"),
    [
        ((), False),
        (("opened",), False),
        (("opened", "closed"), True),
        (("opened", "closed", "reopened"), False),
        (("opened", "merged"), False),
        (("declined",), True),
        (("declined", "opened"), False),
    ],
)
def test_a_page_rests_when_its_merge_request_does(actions: tuple[str, ...], ended: bool) -> None:
    events = [event(action, 10 + number) for number, action in enumerate(actions)]
    assert tell(INCIDENT, [*DECIDED, *events]).ended is ended


def test_the_timeline_tells_the_decision_before_its_checks() -> None:
    told = [m for m in timeline(tell(INCIDENT, full())) if m.topic == "plans.candidate"]
    assert [m.kind for m in told] == ["solution_proposed"]
    assert told[0].text.startswith("oom_killed Deployment/shop/cart → Raise memory")


def test_a_page_that_moves_has_no_form_and_says_how_to_get_one() -> None:
    story = tell(INCIDENT, full()[:-1])
    moving = Pages("en").incident(story, refresh=5, thanks=False)
    still = Pages("en").incident(story, refresh=0, thanks=False)
    assert 'http-equiv="refresh"' in moving
    assert "<form" not in moving
    assert "?still=true#feedback" in moving
    assert 'http-equiv="refresh"' not in still
    assert "feedback-form" in still


def test_the_lists_pages_keep_their_filters() -> None:
    where = {"service": "a&b=c", "result": "success"}
    page = Pages("en").listing([], where, page=2, more=True)
    for number in (1, 3):
        assert f"?service=a%26b%3Dc&amp;result=success&amp;page={number}" in page
    assert 'name="result" value="success"' in page
    first = Pages("en").listing([], {}, page=0, more=False)
    assert "<a rel=" not in first


def test_what_the_console_keeps_has_no_secret_no_body_and_no_file() -> None:
    secret = "hunter2-4711"
    records = full(lambda text: f"{text} password={secret}")
    assert any(
        secret in r.model_dump_json()
        for r in records
        if isinstance(r, RawAlert | MergeRequestEvent)
    )
    for record in records:
        again = kept(record)
        if isinstance(again, RawAlert):
            assert again.body == b""
        if isinstance(again, ValidatedPlans):
            assert all(edit.after == "" for plan in again.plans for edit in plan.edits)
            assert all(secret not in edit.diff for plan in again.plans for edit in plan.edits)
        if isinstance(again, RawAlert | MergeRequestEvent):
            assert secret not in again.model_dump_json()
        assert again.event_id == record.event_id


def test_the_head_of_the_page_says_that_the_lock_is_not_proven_however_long_other_reasons_are() -> (
    None
):
    why = "plans are not examined while the cluster's lock is unlocked"
    lock = CheckResult(
        name="server_dry_run", verdict="unknown", reason=why, numbers={"lock": "unlocked"}
    )
    (decision,) = (r for r in full() if isinstance(r, ValidatedPlans))
    plans = tuple(
        p.model_copy(update={"accepted": False, "checks": (*p.checks, lock)})
        for p in decision.plans
    )
    stopped = decision.model_copy(
        update={
            "plans": plans,
            "recommended": "",
            "status": "needs_human",
            "explanation": "x" * 1000,
        }
    )
    page = Pages("en").incident(tell(INCIDENT, [stopped]), refresh=0, thanks=False)
    head = page.partition('<section class="answer">')[2].partition("</section>")[0]
    assert why.replace("'", "&#39;") in head
