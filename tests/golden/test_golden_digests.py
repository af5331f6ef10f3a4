"""Answers, texts and surfaces are those of ``digests.json``: what only moves code changes none of them."""

from __future__ import annotations

from tests.golden.golden_digests import KEPT, differences, digest, digests, kept, written


def test_nothing_answers_otherwise_than_it_did() -> None:
    changed = differences(kept(), digests())
    shown = "\n".join(changed[:40])
    assert not changed, f"{len(changed)} cases differ (make golden writes them anew):\n{shown}"


def test_a_case_that_differs_is_named_with_its_parts() -> None:
    before = {"a": {"diff": "1", "text": "2"}, "b": {"diff": "3"}, "d": {"diff": "5"}}
    after = {"a": {"diff": "1", "text": "9"}, "c": {"diff": "4"}, "d": {"diff": "5"}}
    assert differences(before, after) == ["a: text", "b: gone", "c: new"]


def test_a_digest_depends_on_values_and_not_on_their_order_or_on_time_spent() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1, "elapsed_ms": 7.5})
    assert digest({"a": 1, "b": [2]}) != digest({"a": 1, "b": [3]})


def test_the_file_is_as_the_command_writes_it() -> None:
    assert written(kept()) == KEPT.read_text()
