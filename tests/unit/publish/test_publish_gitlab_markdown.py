"""Each construct of GitLab's Markdown, in each place that outside text reaches: shown, readable, and without effect."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfix.incident import inert
from kfix.infra.forges.gitlab.dialect import DIALECT
from kfix.texts import both, in_language
from publish.core import description, notes
from publish.core.pages import environment
from publish.core.wording import Language
from schemas.feedback import Feedback
from tests.support import publish as sample
from tests.support.gitlab_markdown import CONSTRUCTS, active, active_in_title
from tests.support.publish_hostile import poisoned

#: One line of ours around outside text.
LINES: dict[str, Callable[[str], str]] = {
    "prose": DIALECT.prose,
    "code": DIALECT.code,
    "cell": DIALECT.cell,
    "sentence": lambda text: (
        environment(DIALECT, "en").from_string("{{ text | sentence(500) }}").render(text=text)
    ),
    "after a word": lambda text: f"Why: {DIALECT.prose(text)}",
    "beside code": lambda text: f"{DIALECT.prose(text)}{DIALECT.code(text)}{DIALECT.prose(text)}",
    "said": lambda text: DIALECT.prose(in_language(both("", text), "fr")),
    "judgement": lambda text: notes.judged(
        Feedback(author="a", score=1.0, text=text), DIALECT, "en"
    ),
}
#: What our own text has of its own.
OURS = {
    f"<{tag}>"
    for tag in [
        "h2",
        "blockquote",
        "strong",
        "a",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "br",
        "hr",
        "ul",
        "ol",
        "li",
    ]
}
OURS |= {"<details>", "<summary>"}
#: Constructs without effect in a title, whose text is never Markdown.
TITLES = sorted(name for name, text in CONSTRUCTS.items() if active_in_title(inert.clean(text)))


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_judge_sees_the_construct_where_nobody_tamed_it(name: str) -> None:
    assert active(CONSTRUCTS[name])


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_construct_is_only_read(name: str, line: str) -> None:
    assert active(LINES[line](CONSTRUCTS[name])) == set()


@pytest.mark.parametrize("name", TITLES)
def test_a_construct_is_only_read_in_a_title(name: str) -> None:
    record = poisoned(CONSTRUCTS[name])
    assert active_in_title(description.mr_title(record, record.plans[0], DIALECT)) == set()


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_whole_texts_have_only_what_is_ours(name: str, language: Language) -> None:
    text = CONSTRUCTS[name]
    page = description.Page(
        dialect=DIALECT, language=language, incident_url="https://k.example/i", hosts=()
    )
    plain, record = sample.record(), poisoned(text)
    explained = notes.explain(record, record.plans[0], DIALECT, language)
    made = (
        (description.description(plain, plain.plans[0], page),
         description.description(record, record.plans[0], page)),
        (notes.explain(plain, plain.plans[0], DIALECT, language), explained),
        (notes.repeat(plain, DIALECT, language=language, at=sample.NOW),
         notes.repeat(record, DIALECT, language=language, at=sample.NOW)),
        (notes.declined("consent", "x", DIALECT, language), notes.declined("consent", text, DIALECT, language)),
    )  # fmt: skip
    for before, after in made:
        assert active(after) <= active(before) | OURS, after


@settings(max_examples=500)
@given(st.lists(st.sampled_from(sorted(CONSTRUCTS.values())), min_size=2, max_size=4), st.data())
def test_constructs_side_by_side_are_only_read(texts: list[str], data: st.DataObject) -> None:
    glue = data.draw(st.sampled_from(["", " ", "\n", "x", "\\", "`", "$", "|"]))
    assert active(DIALECT.prose(glue.join(texts))) == set()


@pytest.mark.parametrize(
    ("markdown", "acts"),
    [("/merge", True), ("`x`\n/merge", True), ("`x` /merge", False), ("x /merge", False)],
)
def test_a_quick_action_begins_its_line(markdown: str, acts: bool) -> None:
    assert ("quick action" in active(markdown)) is acts


def readable(line: str) -> str:
    """What people see of a line of ours."""
    shown = html.unescape(re.sub(r"\\([\\`*_\[\]|~<>^])", r"\1", line))
    return shown.replace(inert.BREAK, "").replace("\uff04", "$").replace("`", "")


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_people_can_read_what_it_said(name: str) -> None:
    text = CONSTRUCTS[name]
    said_plainly = inert.clean(text).replace("`", "'")
    assert readable(DIALECT.prose(text)) == said_plainly


NAMES = [
    "registry.shop.test:5000/catalog:7.2.1",
    "ghcr.io/a/b@sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "apps/cart/cart.yaml[1]",
    "cart-7d9f8b6c5d-x2x4z",
    "inc-20261130-ec2fdc87",
    "43e6c618a0b1c2d3e4f5",
    "kube_cluster_name:prod-eu",
]


@pytest.mark.parametrize("around", ["{}", 'Failed to pull "{}": not found', "was ({}), is it?"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_a_sentence_can_be_copied(name: str, around: str) -> None:
    shown = DIALECT.prose(around.format(name))
    assert f"`{name}`" in shown
    assert inert.BREAK not in shown


@pytest.mark.parametrize("text", ["limits.memory is 512Mi", "42 % at 500m, twice", "it's 3 of 4"])
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert DIALECT.prose(text) == DIALECT.title(text) == text


def test_the_incidents_name_can_be_copied_and_searched() -> None:
    record = sample.record()
    page = description.Page(
        dialect=DIALECT, language="en", incident_url="https://k.example/i", hosts=()
    )
    assert f"[`{record.incident_id}`](https://k.example/i)" in description.description(
        record, record.plans[0], page
    )
