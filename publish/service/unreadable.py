"""Tells people of dead letters: once an hour and monitor, and not without end."""

from __future__ import annotations

from datetime import timedelta

from publish.core import unreadable
from publish.ports import PublishPorts
from publish.service.notify import tell
from schemas.dead_letters import DeadLetter


async def tell_dead_letter(letter: DeadLetter, ports: PublishPorts) -> None:
    """Sends the message to every chat, where the letter's monitor was not told of within the hour."""
    if ports.limits.observe:
        return
    language, console_url = ports.language, ports.console_url
    at = letter.occurred_at
    since = at - timedelta(seconds=unreadable.WINDOW_S)
    key = unreadable.subject_of(letter, at)
    known = await ports.ledger.told(key, "unreadable")
    if known or await ports.ledger.told_since("unreadable", since) < unreadable.MOST:
        notice = unreadable.notice_of(letter, language=language, console_url=console_url)
        await tell(key, notice, ports)
    else:
        notice = unreadable.notice_of_more(language=language, console_url=console_url)
        await tell(unreadable.more_key(at), notice, ports)
