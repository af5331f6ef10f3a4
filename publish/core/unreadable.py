"""What people are told of a dead letter: an alert, or word of a merge request, that K-Fix could not read or not work on."""

from __future__ import annotations

from datetime import datetime

from publish.core.notice import Notice
from publish.core.wording import Language, colon, has, word
from schemas.dead_letters import DeadLetter
from schemas.identity import stable_id

#: Seconds within which a monitor's dead letters are told once.
WINDOW_S = 3600
#: Messages about dead letters in that time; then one says that there are more.
MOST = 20
#: The stage at the door: what it buries could not be read at all.
_DOOR = "ingest"


def subject_of(letter: DeadLetter, at: datetime) -> str:
    """The key under which the letter is told once an hour: its monitor's; without one its topic's, stage's and reason's."""
    whom = ("rule", letter.source, letter.rule_id) if letter.rule_id else ("", letter.topic)
    return stable_id("dl", *whom, letter.stage, letter.reason, int(at.timestamp()) // WINDOW_S)


def more_key(at: datetime) -> str:
    """The key of the message that there are more, once an hour."""
    return stable_id("dl", "more", int(at.timestamp()) // WINDOW_S)


def notice_of(letter: DeadLetter, *, language: Language, console_url: str) -> Notice:
    """The message about one letter."""
    unread = letter.stage == _DOOR
    reason = f"unread_{letter.reason}"
    why = word(reason, language) if has(reason) else letter.reason
    stage = "" if unread else letter.stage
    facts = (
        (word("incident" if letter.incident_id else "alert", language), _name(letter, language)),
        (word("monitor", language), letter.rule_id),
        (word("sent_by", language), letter.source),
        (word("gave_up", language), stage),
    )
    text = f"{why} ({letter.message})" if letter.message else why
    return Notice(
        "unreadable",
        f"⚠️ {word('head_unread' if unread else 'head_undone', language)}",
        tuple((name, value) for name, value in facts if value),
        (
            (f"(i) {word('why', language)}", text),
            (word("next", language), word("next_unread" if unread else "next_undone", language)),
        ),
        _links(letter, language, console_url),
        shortened=word("shortened", language),
        colon=colon(language),
    )


def notice_of_more(*, language: Language, console_url: str) -> Notice:
    """The message that more than ``MOST`` were told of within the hour."""
    return Notice(
        "unreadable",
        f"⚠️ {word('head_unread_more', language)}",
        (),
        ((word("next", language), word("next_unread_more", language, most=MOST)),),
        (_page(language, console_url),),
        colon=colon(language),
    )


def _name(letter: DeadLetter, language: Language) -> str:
    return letter.title or letter.incident_id or word("unnamed", language)


def _links(letter: DeadLetter, language: Language, console_url: str) -> tuple[tuple[str, str], ...]:
    page = _page(language, console_url)
    if not letter.incident_id:
        return (page,)
    incident = f"{console_url.rstrip('/')}/incidents/{letter.incident_id}"
    return (page, (f"🧭 {word('view_incident', language)}", incident))


def _page(language: Language, console_url: str) -> tuple[str, str]:
    return (f"📭 {word('view_dead_letters', language)}", f"{console_url.rstrip('/')}/dead-letters")
