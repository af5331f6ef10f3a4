"""A tried notification is told as one; what people silenced is told to nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kfix.texts import Language
from publish.core.decision import Limits, choose
from publish.core.notice import notice_of
from tests.support.publish import NOW, record

LIMITS = Limits(timedelta(hours=1), timedelta(days=1), 5, 5, 3, observe=False)


@pytest.mark.parametrize(("reason", "kind"), [("muted", "quiet"), ("test", "decline")])
def test_who_hears_of_it(reason: str, kind: str) -> None:
    told = record(status="no_action", reason=reason, plans=())
    decision = choose(told, mine=None, same_trouble=(), same_project=(), limits=LIMITS, now=NOW)
    assert decision.kind == kind


@pytest.mark.parametrize(("language", "words"), [("en", "test notification"), ("fr", "test")])
def test_a_test_is_called_one_in_its_head(language: Language, words: str) -> None:
    told = record(status="no_action", reason="test", analysis=None, plans=())
    notice = notice_of(
        told,
        None,
        kind="declined",
        language=language,
        mr_url="",
        console_url="http://console",
        explanation="It arrived.",
    )
    assert words in notice.head
    assert "It arrived." in str(notice.paragraphs)
