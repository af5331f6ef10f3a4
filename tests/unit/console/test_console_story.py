"""An incident out of its records: in any order, repeated, and at every stage of its life."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from console_samples import INCIDENT, full
from hypothesis import given
from hypothesis import strategies as st

from console.adapters.pages import Pages
from console.core.output import complete
from console.core.plots import plots
from console.core.story import summary_of, tell, timeline
from console.core.words import WORDS
from schemas.context import Series


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
    assert WORDS["en"].keys() == WORDS["fr"].keys()


def test_summaries_say_what_the_list_shows() -> None:
    merged: dict[str, object] = {}
    for record in full():
        merged |= summary_of(record)
    assert merged["failure_class"] == "oom_killed"
    assert merged["merge_state"] == "merged"
    assert merged["result"] == "success"


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
