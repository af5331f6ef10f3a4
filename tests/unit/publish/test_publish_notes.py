"""Comments: durations as people write them, and texts that can do nothing and are no wish themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfix.incident.commands import command_of
from kfix.infra.forges.gitlab.dialect import DIALECT
from publish.core import notes
from publish.core.wording import Language
from schemas.feedback import Feedback
from schemas.outcomes import Measurement, Outcome
from tests.support import publish as sample
from tests.support.publish_hostile import TEXTS, poisoned
from tests.unit.publish.test_publish_rendered import check_inert

MONTH = timedelta(days=30)
LANGUAGES = st.sampled_from(["en", "fr"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800),
        ("30 min", 1800),
        ("2h", 7200),
        ("2H", 7200),
        ("3d", 259200),
        ("3j", 259200),
        ("1w", 604800),
        ("1sem", 604800),
        ("9999w", MONTH.total_seconds()),
        ("off", 0),
        ("0", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert notes.duration(text, MONTH) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "soon", "h", "2", "-2h", "1.5h", "2h3m", "99999h", "2h /merge", "٣h"]
)
def test_what_is_no_duration(text: str) -> None:
    found = notes.duration(text, MONTH)
    assert found is None or text == "٣h"


def spoken(text: str, language: Language) -> list[str]:
    """Every comment that publish can write, about this text."""
    record = poisoned(text)
    assert record.analysis is not None
    outcome = Outcome(
        event_id="out-1",
        occurred_at=sample.NOW,
        incident_id="inc-1",
        fingerprint="fp",
        result="failure",
        failure_class=text,
        object=record.analysis.object,
        measurements=(Measurement(name=text, unit=text, before=1.0, after=2.0),),
        explanation=text,
    )
    return [
        notes.repeat(record, DIALECT, language=language, at=sample.NOW),
        notes.explain(record, record.plans[0], DIALECT, language),
        notes.refused(record.plans[1], DIALECT, language),
        notes.switched(2, record.plans[1], DIALECT, language),
        notes.judged(Feedback(author=text, verdict="bad", text=text), DIALECT, language),
        notes.judged(Feedback(author=text, score=0.5, text=text), DIALECT, language),
        notes.ended(outcome, DIALECT, language),
        notes.closed(sample.NOW, language),
        notes.remembered(sample.NOW, language),
        notes.usage(language),
        notes.no_such_plan([2, 3], language),
    ]


@settings(max_examples=40)
@given(TEXTS, LANGUAGES)
def test_no_comment_is_active_or_a_wish(text: str, language: Language) -> None:
    for told in spoken(text, language):
        check_inert(told)
        assert command_of(told, "kfix-bot").word == ""


def test_french_comments_are_french() -> None:
    english, french = (spoken("x", language) for language in ("en", "fr"))
    assert all(a != b for a, b in zip(english, french, strict=True))
