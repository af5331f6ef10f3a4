"""What came from outside shows as text: no address that runs, no character that hides or reorders others."""

from __future__ import annotations

import re

import pytest

from console.adapters.pages import Pages
from console.core.story import tell
from tests.support.console_samples import INCIDENT, full


def page_of(prefix: str, suffix: str = "") -> str:
    story = tell(INCIDENT, full(lambda text: f"{prefix}{text}{suffix}"))
    story.events = [
        event.model_copy(
            update={"merge_request": event.merge_request.model_copy(update={"url": prefix})}
        )
        for event in story.events
        if event.merge_request is not None
    ]
    story.bundles = [b.model_copy(update={"links": {"logs": prefix}}) for b in story.bundles]
    return Pages("en").incident(story, refresh=0, thanks=False)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", " JaVaScRiPt:alert(1)", "java\tscript:1", "data:text/html,x"]
)
def test_a_link_goes_to_the_web_or_nowhere(address: str) -> None:
    targets = re.findall(r'href="([^"]*)"', page_of(address))
    assert targets.count("#") >= 2, "the merge request and the link to the logs"
    assert all(t == "#" or t.startswith(("/", "http://", "https://")) for t in targets)


def test_characters_that_hide_or_reorder_text_are_shown_as_one_that_does_neither() -> None:
    page = page_of("\x00\x07\x1b[2J", "\u202etxt\u2066\x9b")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert "\ufffd" in page


def test_lines_and_tabs_stay_as_they_are() -> None:
    assert "one\n\ttwo" in page_of("one\n\ttwo")
