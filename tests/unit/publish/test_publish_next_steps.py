"""Chats and comments say what to look at next: sentences that can do nothing, and commands that can be copied."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfix.infra.forges.gitlab.dialect import DIALECT
from kfix.texts import say
from publish.core import inert, notes, slack, teams
from publish.core.notice import Notice, NoticeKind, notice_of, steps_of
from publish.core.wording import Language, word
from sandbox import adaptive_cards, block_kit
from schemas.next_steps import NextStep
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_hostile import ATTACKS, TEXTS, poisoned
from tests.unit.publish.test_publish_rendered import check_inert

COMMAND = "kubectl logs pod/cart-1 -n shop -c cart --previous --tail=100"
RIGHTS = "kubectl auth can-i --list -n shop --as=system:serviceaccount:shop:cart"
STEPS = (
    NextStep(what=say("steps.look.said"), command=COMMAND),
    NextStep(what=say("steps.look.rights"), command=RIGHTS),
    NextStep(what=say("steps.owner.node", object="Node/n-1", at="12:00 UTC")),
)


def handed(steps: tuple[NextStep, ...] = STEPS) -> ValidatedPlans:
    return sample.record().model_copy(
        update={"status": "needs_human", "reason": "code_defect", "plans": (), "next_steps": steps}
    )


def notice(
    record: ValidatedPlans, language: Language = "en", kind: NoticeKind = "declined"
) -> Notice:
    return notice_of(
        record,
        None,
        kind=kind,
        language=language,
        mr_url="",
        console_url="https://kfix.example.com",
        explanation="why",
    )


def runs(card: dict[str, Any]) -> list[str]:
    body = card["attachments"][0]["content"]["body"]
    return [block["inlines"][0]["text"] for block in body if block["type"] == "RichTextBlock"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_chat_shows_each_step_in_the_readers_language_and_each_command_whole(
    language: Language,
) -> None:
    told = notice(handed(), language)
    shown = slack.blocks(told)
    assert block_kit.flaws(shown) == []
    (section,) = [
        b["text"]["text"] for b in shown if b["type"] == "section" and COMMAND in str(b.get("text"))
    ]
    for command in (COMMAND, RIGHTS):
        assert f"`{command}`" in section
    assert word("next_steps_in", language, cluster="eu-1") in section.replace(inert.BREAK, "")
    said = {"en": "What the container said last", "fr": "Les derniers mots du conteneur"}[language]
    assert said in section
    card = teams.message(told)
    assert adaptive_cards.envelope_flaws(card) == []
    assert runs(card) == [COMMAND, RIGHTS]
    assert said in json.dumps(card, ensure_ascii=False)
    assert f"`{COMMAND}`" in teams.legacy(told)["text"]


@pytest.mark.parametrize("kind", ["opened", "recovered", "returned"])
def test_where_nobody_is_asked_nothing_is_to_be_looked_at(kind: NoticeKind) -> None:
    told = notice(handed(), kind=kind)
    assert "kubectl" not in str((slack.blocks(told), teams.message(told), teams.legacy(told)))


def test_a_record_without_steps_has_no_heading_of_them() -> None:
    told = notice(handed(()))
    for body in (slack.blocks(told), teams.message(told), teams.legacy(told)):
        assert word("next_steps", "en") not in json.dumps(body)


def test_an_alert_about_another_cluster_names_no_cluster_for_commands() -> None:
    record = handed().model_copy(update={"reason": "another_cluster"})
    assert notice(record).steps_head.endswith(word("next_steps", "en"))


@pytest.mark.parametrize("text", [*ATTACKS, "kubectl get x `id`", "kubectl get <!channel>",
    "kubectl get pods; rm -rf /", "kubectl get [x](https://e.example)", "kubectl get https://e.example",
    "kubectl get pods\n/merge", "rm -rf /", "kubectl " + "a" * 500])  # fmt: skip
def test_what_is_no_command_of_ours_is_not_shown_as_one(text: str) -> None:
    assert inert.command(text) == ""
    told = notice(handed((NextStep(what="x", command=text),)))
    assert runs(teams.message(told)) == []
    assert told.steps == (("x", ""),)


@settings(max_examples=80)
@given(TEXTS, st.sampled_from(["en", "fr"]))
def test_steps_with_outside_text_are_inert_and_fit(text: str, language: Language) -> None:
    record = poisoned(text).model_copy(update={"status": "needs_human"})
    told = notice(record, language)
    assert block_kit.flaws(slack.blocks(told)) == []
    card = teams.message(told)
    assert adaptive_cards.envelope_flaws(card) == []
    assert runs(card) == ["kubectl get pods -n shop -o wide"]
    steps = steps_of(record, language)
    check_inert(notes.repeat(record, DIALECT, language=language, at=sample.NOW, steps=steps))


@pytest.mark.parametrize("filler", ["*", "é", "<&>", "🚨", '"\\', "x"])
def test_steps_of_any_length_fit_what_chats_take(filler: str) -> None:
    steps = tuple(NextStep(what=filler * 5000, command=COMMAND) for _ in range(9))
    told = notice(handed(steps))
    assert len(told.steps) == 5
    assert block_kit.flaws(slack.blocks(told)) == []
    for body in (teams.message(told), teams.legacy(told)):
        assert teams.size(body) <= teams.MAX_BYTES


def test_a_comment_about_an_alert_that_hands_over_has_the_steps() -> None:
    record, at = handed(), sample.NOW
    said = notes.repeat(record, DIALECT, language="fr", at=at, steps=steps_of(record, "fr"))
    assert f"`{COMMAND}`" in said
    assert "Les derniers mots du conteneur" in said
    bare = notes.repeat(handed(()), DIALECT, language="fr", at=sample.NOW)
    assert "\n" not in bare
    assert said.startswith(bare)


def test_a_record_of_before_there_were_steps_is_read() -> None:
    old = handed().model_dump(mode="json")
    del old["next_steps"]
    assert ValidatedPlans.model_validate(old).next_steps == ()
