"""Whole texts, rendered to HTML by a Markdown renderer that is not ours: only our own elements and links are in them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt

from kfix.incident.fix_record import FixRecord
from kfix.infra.forges.gitlab.dialect import DIALECT
from publish.core import description, notes
from publish.core.wording import Language
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_hostile import ATTACKS, REFERENCES, TEXTS, poisoned

PAGE, OK = "https://kfix.example.com/i", "https://ok.example/x"
#: Elements of our own text. No image, script, style, form, frame, input, media or heading of another level.
ELEMENTS = {
    *("h2", "p", "blockquote", "strong", "a", "code", "pre", "table", "thead", "tbody", "tr"),
    *("th", "td", "br", "hr", "ul", "ol", "li", "details", "summary"),
}
#: What GitLab turns into a link by itself.
AUTOLINKS = re.compile(
    r"(?i)\b(?:https?|ftp|mailto|data|javascript|ssh|git):[\w/]|\bwww\.\w|\w@\w+\.\w"
)
TRACKER = re.compile(r"\b[A-Z][A-Z0-9_]+-\d")


class Read(HTMLParser):
    """Collects elements, attributes and the text outside of code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[tuple[str, str, str]] = set()
        self.text: list[str] = []
        self.comments: list[str] = []
        self.folded = 0
        self._code = 0
        self._balance: list[str] = []
        self.feed(page)
        self.close()
        assert self._balance == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {(tag, name, value or "") for name, value in attrs}
        if tag not in ("br", "hr"):
            self._balance.append(tag)
        self._code += tag in ("code", "pre")
        self.folded += tag == "details"

    def handle_endtag(self, tag: str) -> None:
        assert self._balance.pop() == tag
        self._code -= tag in ("code", "pre")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {(tag, name, value or "") for name, value in attrs}

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def html(markdown: str) -> Read:
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return Read(renderer.render(markdown))


def page(language: Language = "en") -> description.Page:
    return description.Page(
        dialect=DIALECT,
        language=language,
        incident_url=PAGE,
        hosts={"ok.example"},
        commit="c" * 40,
        target="main",
        history=FixRecord(0.8, 0.1, 12, 11, 1),
        draft=True,
    )


def check_inert(markdown: str, *, folded: int | None = None) -> None:
    """Nothing in the text acts, and nothing breaks out of its place."""
    read = html(markdown)
    assert read.elements <= ELEMENTS, read.elements - ELEMENTS
    assert read.comments == []
    for tag, name, value in read.attributes:
        assert (tag, name) in {("a", "href"), ("code", "class"), ("ol", "start")}, (tag, name)
        if name == "href":
            assert value in (PAGE, OK), value
        elif name == "class":
            assert value in ("language-diff", "language-sh")
    for text in read.text:
        assert not AUTOLINKS.search(text), text
        assert not TRACKER.search(text), text
        assert not REFERENCES.search(text), text
    fenced = False
    for line in markdown.split("\n"):
        fenced ^= line.startswith("```")
        assert fenced or not re.match(r"\s*/\w", line), line
    if folded is not None:
        assert read.folded == folded


def whole(record: ValidatedPlans, language: Language) -> str:
    return description.description(record, record.plans[0], page(language))


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("text", ATTACKS)
def test_a_merge_request_with_an_attack_in_every_field_is_inert(
    text: str, language: Language
) -> None:
    record = poisoned(text)
    check_inert(whole(record, language), folded=4)
    for label in description.labels(record, record.plans[0], DIALECT):
        assert re.fullmatch(r"[\w.-]+(::[\w.-]+)?", label), label
    title = description.mr_title(record, record.plans[0], DIALECT)
    assert not REFERENCES.search(title)
    assert not re.search(r"[\n\r\[\]]", title)
    message = description.commit_message(record, record.plans[0], DIALECT)
    assert "[" not in message
    assert len(message.splitlines()) == 3


@settings(max_examples=60)
@given(TEXTS)
def test_no_text_at_all_is_active(text: str) -> None:
    check_inert(whole(poisoned(text), "fr"))


@given(TEXTS)
def test_a_comment_about_a_later_alert_is_inert(text: str) -> None:
    check_inert(notes.repeat(poisoned(text), DIALECT, language="en", at=sample.NOW))


@pytest.mark.parametrize("length", [1_000, 20_000, 200_000])
def test_a_text_beyond_the_cap_is_cut_and_still_closed(length: int) -> None:
    record = sample.record()
    edit = record.plans[0].edits[0]
    diff = "--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n" + "+word ``` </details> /merge\n" * (length // 20)
    edits = tuple(edit.model_copy(update={"diff": diff}) for _ in range(4))
    long = record.plans[0].model_copy(update={"edits": edits})
    text = description.description(record.model_copy(update={"plans": (long,)}), long, page())
    assert len(text) < 61_000
    read = html(text)
    assert read.elements <= ELEMENTS


def test_links_lead_to_our_services_only() -> None:
    record = sample.record()
    text = description.description(
        record,
        record.plans[0],
        description.Page(
            dialect=DIALECT, language="en", incident_url=PAGE, hosts={"app.datadoghq.eu"}
        ),
    )
    hrefs = {value for _, name, value in html(text).attributes if name == "href"}
    assert hrefs == {
        PAGE,
        "https://app.datadoghq.eu/monitors/42",
        "https://app.datadoghq.eu/metric/explorer",
    }
    nowhere = description.Page(dialect=DIALECT, language="en", incident_url=PAGE, hosts=())
    text = description.description(record, record.plans[0], nowhere)
    assert {value for _, name, value in html(text).attributes if name == "href"} == {PAGE}
