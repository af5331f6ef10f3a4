"""Which of GitLab's events are our business, and what they say."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.core.outcomes import Ignored, Malformed
from ingest.sources.gitlab.examples import GITLAB_MERGED, GITLAB_NOTE
from ingest.sources.gitlab.reading import Delivery, event_of
from kfix.incident.commands import command_of
from schemas.feedback import Feedback
from schemas.merge_requests import MergeRequestEvent
from tests.support.ingest import NOW

DELIVERY = Delivery("key-1", NOW, "kfix-bot", "https://gitlab.example.com")


def merge_request(action: str, user: str = "ada", **attributes: Any) -> Any:
    document = copy.deepcopy(GITLAB_MERGED)
    document["object_attributes"] |= {"action": action, **attributes}
    document["user"]["username"] = user
    return event_of(document, DELIVERY)


def note(text: str, user: str = "ada", **attributes: Any) -> Any:
    document = copy.deepcopy(GITLAB_NOTE)
    document["object_attributes"] |= {"note": text, **attributes}
    document["user"]["username"] = user
    return event_of(document, DELIVERY)


def test_a_merge_is_told_with_its_time_and_place() -> None:
    event = merge_request("merge")
    assert isinstance(event, MergeRequestEvent)
    assert (event.action, event.incident_id, event.actor) == ("merged", "inc-4f1c", "ada")
    assert event.merged_at == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert event.merge_request is not None
    assert (event.merge_request.project, event.merge_request.iid) == ("platform/deploy", 12)
    assert event.merge_request.url.startswith("https://gitlab.example.com/")


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("approved", "approved"),
        ("unapproved", "unapproved"),
        ("close", "closed"),
        ("reopen", "reopened"),
    ],
)
def test_what_people_do_with_it(action: str, expected: str) -> None:
    assert merge_request(action).action == expected


def test_a_push_is_an_update_with_another_revision() -> None:
    assert merge_request("update", oldrev="abc").action == "pushed"
    assert merge_request("update") == Ignored("no_change_of_code")


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (merge_request("merge", source_branch="feature/x"), "other_branch"),
        (merge_request("merge", source_branch="kfix/incident-../x"), "other_branch"),
        (merge_request("merge", source_project_id=99), "foreign_fork"),
        (merge_request("open", user="kfix-bot"), "own_action"),
        (merge_request("update", user="KFix-Bot", oldrev="abc"), "own_action"),
        (merge_request("open"), "opened_elsewhere"),
        (merge_request("approval"), "partial_approval"),
        (merge_request("dance"), "other_event"),
        (note("x", user="kfix-bot"), "own_action"),
        (note("x", system=True), "system_note"),
        (note("x", action="update"), "edited_note"),
        (note("x", noteable_type="Issue"), "other_event"),
        (event_of({"object_kind": "push"}, DELIVERY), "other_event"),
    ],
)
def test_what_is_not_our_business_is_ignored_with_a_reason(made: Any, reason: str) -> None:
    assert made == Ignored(reason)  # type: ignore[arg-type]


def test_a_merge_by_our_own_account_still_counts() -> None:
    assert merge_request("merge", user="kfix-bot").action == "merged"


def test_a_link_to_elsewhere_is_dropped() -> None:
    for url in (
        "https://evil.example/x",
        "https://gitlab.example.com.evil.example/x",
        "javascript:1",
    ):
        assert merge_request("merge", url=url).merge_request.url == ""


def test_values_that_cannot_be_are_malformed() -> None:
    assert isinstance(merge_request("merge", iid="12"), Malformed)
    document = copy.deepcopy(GITLAB_MERGED)
    document["project"]["path_with_namespace"] = "../x y"
    assert isinstance(event_of(document, DELIVERY), Malformed)
    assert isinstance(event_of({}, DELIVERY), Malformed)


@pytest.mark.parametrize("status", ["success", "failed", "running"])
def test_a_pipeline_is_told_when_it_ends(status: str) -> None:
    document = {
        "object_kind": "pipeline",
        "project": GITLAB_MERGED["project"],
        "object_attributes": {"ref": "kfix/incident-inc-4f1c", "status": status},
    }
    made = event_of(document, DELIVERY)
    if status == "running":
        assert made == Ignored("pipeline_under_way")
    else:
        assert isinstance(made, MergeRequestEvent)
        assert (made.action, made.text) == ("pipeline", status)


def test_the_same_word_has_the_same_id_however_it_was_delivered() -> None:
    other = Delivery("key-2", NOW, "", "")
    for document in (GITLAB_MERGED, GITLAB_NOTE):
        first, again = event_of(document, DELIVERY), event_of(document, other)
        assert isinstance(first, MergeRequestEvent)
        assert isinstance(again, MergeRequestEvent)
        assert first.event_id == again.event_id


def test_another_word_has_another_id() -> None:
    closed = [merge_request("close", updated_at=f"2026-11-24 09:0{m}:00 UTC") for m in (0, 1)]
    notes = [note("x", id=number) for number in (1, 2)]
    others = [merge_request("merge", iid=13), merge_request("approved"), merge_request("reopen")]
    made = [*closed, *notes, *others, merge_request("merge")]
    assert len({event.event_id for event in made}) == len(made)


def test_a_word_without_a_number_or_time_has_the_id_of_its_delivery() -> None:
    document = copy.deepcopy(GITLAB_NOTE)
    del document["object_attributes"]["id"]
    first, again = (event_of(document, Delivery(key, NOW, "", "")) for key in ("a", "b"))
    assert isinstance(first, MergeRequestEvent)
    assert isinstance(again, MergeRequestEvent)
    assert first.event_id != again.event_id


def test_a_note_is_masked_capped_and_its_command_read() -> None:
    event = note("/kfix feedback good password=hunter2hunter2")
    assert event.command == "feedback"
    assert event.feedback.verdict == "good"
    assert "hunter2" not in event.model_dump_json()
    assert len(note("x" * 50_000).text) == 4_000


@pytest.mark.parametrize(
    ("text", "word", "argument"),
    [
        ("/kfix snooze 2h", "snooze", "2h"),
        ("/kfix alternative 2", "alternative", "2"),
        ("/kfix alternative #3", "alternative", "3"),
        ("/kfix alternative two", "alternative", ""),
        ("/kfix alternative 2; rm -rf /", "alternative", ""),
        ("/kfix explain", "explain", ""),
        ("words before\n/kfix explain\nwords after", "explain", ""),
        ("please /kfix explain", "", ""),
        ("> /kfix explain", "", ""),
        ("/kfix merge", "help", ""),
        ("/kfix", "help", ""),
        ("/kfix  ", "help", ""),
        ("/kfix aide", "help", ""),
        ("/kfix reporter 3j", "snooze", "3j"),
        ("/kfix snooze " + "9" * 500, "snooze", "9" * 100),
        ("/kfix explain\n/kfix alternative 2", "explain", ""),
        ("/kfix <img src=x> @all", "help", ""),
        ("/kfixexplain", "", ""),
        ("```\n/kfix explain\n```", "", ""),
        ("```sh\nx\n```\n/kfix explain", "explain", ""),
        ("- `/kfix explain`: more", "", ""),
    ],
)
def test_commands(text: str, word: str, argument: str) -> None:
    command = command_of(text, "ada")
    assert (command.word, command.argument) == (word, argument)


@pytest.mark.parametrize(
    ("text", "feedback"),
    [
        ("good it held", Feedback(author="ada", verdict="good", text="it held")),
        ("mauvais", Feedback(author="ada", verdict="bad")),
        ("useful", Feedback(author="ada", verdict="good")),
        ("Wrong-Cause no", Feedback(author="ada", verdict="bad", about="cause", text="no")),
        ("mauvaise-correction", Feedback(author="ada", verdict="bad", about="fix")),
        ("-0.5 meh", Feedback(author="ada", score=-0.5, text="meh")),
        ("7 much", Feedback(author="ada", text="7 much")),
        ("only words", Feedback(author="ada", text="only words")),
    ],
)
def test_feedback(text: str, feedback: Feedback) -> None:
    assert command_of(f"/kfix feedback {text}", "ada").feedback == feedback
