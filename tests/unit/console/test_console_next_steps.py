"""The incident's page and its JSON say what to look at next, where people are asked."""

from __future__ import annotations

import re

import pytest

from console.adapters.pages import Pages
from console.core.output import complete
from console.core.story import IncidentStory, tell
from kfix.texts import Language, say
from schemas.next_steps import NextStep
from schemas.validated import ValidatedPlans
from tests.support.console_samples import INCIDENT, full

COMMAND = "kubectl describe pod/cart-1 -n shop"


def story(*steps: NextStep, status: str = "needs_human", cluster: str = "eu-1") -> IncidentStory:
    found = tell(INCIDENT, full())
    context = {"cluster": cluster}
    found.validated = [
        record.model_copy(
            update={
                "status": status,
                "next_steps": steps,
                "recommended": "",
                "context": record.context.model_copy(update=context),
            }
        )
        for record in found.validated
    ]
    return found


def page(found: IncidentStory, language: Language = "en") -> str:
    return Pages(language).incident(found, refresh=0, thanks=False)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "The pod that suffers"), ("fr", "Le pod qui souffre")]
)
def test_the_page_shows_each_step_in_the_readers_language(language: Language, said: str) -> None:
    shown = page(story(NextStep(what=say("steps.look.pod"), command=COMMAND)), language)
    assert f"<pre>{COMMAND}</pre>" in shown
    assert said in shown
    assert shown.index(COMMAND) < shown.index('class="checks"')


def test_the_cluster_that_the_commands_are_for_is_named() -> None:
    assert '<span class="mono">eu-1</span></h2>' in page(story(NextStep(what="x", command=COMMAND)))


@pytest.mark.parametrize("status", ["solution_proposed", "no_action"])
def test_where_nobody_is_asked_nothing_is_to_be_looked_at(status: str) -> None:
    found = story(NextStep(what="x", command=COMMAND), status=status)
    assert COMMAND not in page(found)
    assert complete(found)["next_steps"] == []


def test_the_json_has_sentence_command_and_link_alone() -> None:
    step = NextStep(what=say("steps.monitor"), link="https://app.datadoghq.eu/monitors/1")
    assert complete(story(step))["next_steps"] == [
        {"what": step.what, "command": "", "link": "https://app.datadoghq.eu/monitors/1"}
    ]


def test_outside_text_in_a_step_is_text() -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e"
    shown = page(story(NextStep(what=hostile, command=hostile, link="javascript:alert(1)")))
    assert "<img" not in shown
    assert "\u202e" not in shown
    assert "javascript:" not in re.findall(r'href="([^"]*)"', shown)


def test_a_story_of_records_without_steps_has_no_section_of_them() -> None:
    found = story()
    assert isinstance(found.decision, ValidatedPlans)
    assert 'class="steps"' not in page(found)
