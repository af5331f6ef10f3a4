"""Catalogues: every sentence in every language with the same parameters, and the product says what they have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files

import pytest
import yaml

from kfix.texts import LANGUAGES, ids, say
from kfix.texts.catalogue import catalogue, template
from kfix.texts.template import Slot, Template
from tests.unit.kfix.texts.catalogue_uses import Uses, read, uses

ENGLISH = sorted(ids("en"))
#: Each language is filled from a parameter of its own: what is said stands in no catalogue.
SPEAKS_FOR_ITSELF = {"texts.both"}
#: Sentences that read the same in both: names that Kubernetes and Helm gave. Single words may (Source, Impact, Signal).
SAME_IN_BOTH = {"console.merge_request", "manifests.chart_release"}


def _template(text_id: str, language: str) -> Template:
    found = template(text_id, "fr" if language == "fr" else "en")
    assert found is not None, f"{text_id} is missing in {language}"
    return found


def _written(text_id: str, language: str) -> str:
    area, _, name = text_id.partition(".")
    return catalogue(area, "fr" if language == "fr" else "en")[name]


def test_every_language_has_the_same_sentences() -> None:
    for language in LANGUAGES:
        assert sorted(ids(language)) == ENGLISH


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_stands_twice_and_every_key_is_a_word(language: str) -> None:
    folder = files("kfix.texts") / "locales" / language
    for path in folder.iterdir():
        for node in _mappings(yaml.compose(path.read_text("utf-8"))):
            names = [key.value for key, _ in node.value]
            assert max(Counter(names).values()) == 1, (
                f"{path.name}: {Counter(names).most_common(1)}"
            )
            assert all(key.tag == "tag:yaml.org,2002:str" for key, _ in node.value), path.name
            assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names), names


def _mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)


def test_both_languages_are_filled_with_the_same_parameters() -> None:
    differ = {
        text_id: (sorted(_template(text_id, "en").names), sorted(_template(text_id, "fr").names))
        for text_id in ENGLISH
        if _template(text_id, "en").names != _template(text_id, "fr").names
    }
    assert differ.keys() == SPEAKS_FOR_ITSELF, differ


def _words(text_id: str) -> int:
    literal = " ".join(p for p in _template(text_id, "en").parts if isinstance(p, str))
    return len(re.findall(r"[A-Za-z]{2,}", literal))


def test_no_sentence_was_left_untranslated() -> None:
    same = {
        text_id
        for text_id in ENGLISH
        if _written(text_id, "en") == _written(text_id, "fr") and _words(text_id) > 1
    }
    assert same == SAME_IN_BOTH


def test_every_brace_of_a_catalogue_is_a_slot_or_doubled() -> None:
    for language in LANGUAGES:
        for text_id in ENGLISH:
            rest = re.sub(
                r"\{\{|\}\}|\{[a-z][a-z0-9_]*(?:[:?][^{}]*)?\}", "", _written(text_id, language)
            )
            assert not set(rest) & set("{}"), text_id


def test_every_choice_of_a_number_has_two_words() -> None:
    for language in LANGUAGES:
        for text_id in ENGLISH:
            for part in _template(text_id, language).parts:
                if isinstance(part, Slot) and part.one is not None:
                    assert part.one != part.many, text_id


def test_every_sentence_that_is_said_has_an_entry_and_exactly_its_parameters() -> None:
    wrong = []
    for call in uses().calls:
        found = template(call.text_id, "en")
        if found is None:
            wrong.append(f"{call.place}: no entry {call.text_id}")
        elif call.names is not None and call.names != found.names | _of_french(call.text_id):
            wrong.append(
                f"{call.place}: {call.text_id} wants {sorted(found.names)}, not {sorted(call.names)}"
            )
    assert not wrong, "\n".join(wrong)
    assert uses().calls, "nothing is said at all"


def _of_french(text_id: str) -> frozenset[str]:
    return _template(text_id, "fr").names if text_id in SPEAKS_FOR_ITSELF else frozenset()


def test_every_entry_is_said_somewhere() -> None:
    assert [text_id for text_id in ENGLISH if not uses().has(text_id)] == []


def test_a_misspelt_id_and_a_missing_parameter_are_noticed() -> None:
    found = Uses()
    read(
        'say("safety.quota.exceded", quota="q")\nsay("a.b" if x else "a.c", **more)', "x.py", found
    )
    assert [(c.text_id, c.names) for c in found.calls] == [
        ("safety.quota.exceded", frozenset({"quota"})), ("a.b", None), ("a.c", None),
    ]  # fmt: skip


def test_an_unknown_sentence_is_shown_by_its_id() -> None:
    assert say("nowhere.at_all", n=3, why="so") == "nowhere.at_all n=3 why=so"
    assert say("safety.quota.exceeded", quota="q") == "safety.quota.exceeded quota=q"
