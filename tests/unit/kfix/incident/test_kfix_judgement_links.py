"""Signed links: good for one verdict on one incident until their end, and for nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.incident.inert import address
from kfix.incident.judgement_links import LINK_VERDICTS, PATH, JudgementLink, LinkKeys
from kfix.infra.settings import JudgementLinks

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEYS = LinkKeys((b"k" * 32,), timedelta(days=14))
CONSOLE = "https://kfix.example.com/"


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


def test_a_link_says_what_it_is_for_and_is_an_address_that_chats_take() -> None:
    links = KEYS.links("inc-1-try2", CONSOLE, NOW)
    assert tuple(links) == LINK_VERDICTS
    for verdict, url in links.items():
        assert address(url) == url
        assert url.startswith(f"https://kfix.example.com{PATH}?")
        read = KEYS.read(query(url), NOW)
        assert isinstance(read, JudgementLink)
        assert (read.incident_id, read.verdict) == ("inc-1-try2", verdict)
        assert read.fields == query(url)


def test_without_a_key_there_are_no_links_and_none_is_honoured() -> None:
    assert LinkKeys().links("inc-1", CONSOLE, NOW) == {}
    url = KEYS.links("inc-1", CONSOLE, NOW)["useful"]
    assert LinkKeys().read(query(url), NOW) == "forged"
    assert KEYS.links("inc/../1", CONSOLE, NOW) == {}


def test_a_link_ends() -> None:
    said = query(KEYS.links("inc-1", CONSOLE, NOW)["useful"])
    assert isinstance(KEYS.read(said, NOW + timedelta(days=14)), JudgementLink)
    assert KEYS.read(said, NOW + timedelta(days=14, seconds=1)) == "expired"


@pytest.mark.parametrize(
    "change",
    [
        {"incident": "inc-2"},
        {"verdict": "wrong_fix"},
        {"until": "99999999999"},
        {"signature": ""},
        {"signature": "A" * 43},
        {"verdict": "merge"},
        {"incident": ""},
        {"until": "-1"},
        {"until": "1e9"},
        {"until": "\u0661" * 10},
        {"incident": "inc-1\nuseful"},
    ],
)
def test_a_link_that_was_changed_is_forged_however_late_it_is(change: dict[str, str]) -> None:
    said = query(KEYS.links("inc-1", CONSOLE, NOW)["useful"]) | change
    for at in (NOW, NOW + timedelta(days=400)):
        assert KEYS.read(said, at) == "forged"


@given(st.dictionaries(st.sampled_from(["incident", "verdict", "until", "signature"]), st.text()))
def test_whatever_comes_is_read_without_an_exception(said: dict[str, str]) -> None:
    assert KEYS.read(said, NOW) == "forged"


def test_keys_are_exchanged_without_links_going_dead() -> None:
    old, new = b"o" * 32, b"n" * 32
    before = query(LinkKeys((old,)).links("inc-1", CONSOLE, NOW)["useful"])
    both = LinkKeys((new, old))
    assert isinstance(both.read(before, NOW), JudgementLink)
    after = query(both.links("inc-1", CONSOLE, NOW)["useful"])
    assert isinstance(LinkKeys((new,)).read(after, NOW), JudgementLink)
    assert LinkKeys((new,)).read(before, NOW) == "forged"


def test_a_person_says_one_thing_by_a_link() -> None:
    links = [
        KEYS.read(query(KEYS.links("inc-1", CONSOLE, at)["useful"]), NOW)
        for at in (NOW, NOW + timedelta(seconds=1))
    ]
    assert all(isinstance(link, JudgementLink) for link in links)
    ids = [link.event_id(who) for link in links for who in ("Ada", "ada ", "Bob")]  # type: ignore[union-attr]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_keys_are_read_from_one_setting_and_short_ones_are_refused() -> None:
    made = JudgementLinks(_env_file=None, signing_keys=f"{'a' * 32}, {'b' * 40}")  # type: ignore[call-arg, arg-type]
    assert made.keys().keys == (b"a" * 32, b"b" * 40)
    assert "aaaa" not in repr(made)
    assert "aaaa" not in repr(made.keys())
    with pytest.raises(ValueError, match="at least 32 characters"):
        JudgementLinks(_env_file=None, signing_keys="short")  # type: ignore[call-arg, arg-type]
