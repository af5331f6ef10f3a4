"""How long ago something was. No clock is read here: now is when the alert came."""

from __future__ import annotations

from datetime import datetime, timedelta

from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at
from manifests.objects.times import instant


def age(obj: Obj, now: datetime, *path: str) -> timedelta | None:
    """How long before ``now`` the time at ``path`` of an object was; ``None`` when it says none."""
    found = instant(at(obj, *path))
    return now - found if found is not None else None


#: A container that has been ready this long has left its last death behind.
SETTLED = timedelta(hours=1)


def settled(container: Container, now: datetime) -> bool:
    """It is ready and has run for so long that its last death is no trouble of today."""
    started = instant(at(container.status, "state", "running", "startedAt"))
    return container.ready and started is not None and now - started > SETTLED


def lasted(span: timedelta) -> str:
    """A span as people say it, by its two largest units: 3 d 7 h, 1 h 30 min, 5 min, 40 s."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        whole = say("decide.span.whole_days", days=days)
        return say("decide.span.days", days=days, hours=hours) if hours else whole
    if hours:
        whole = say("decide.span.whole_hours", hours=hours)
        return say("decide.span.hours", hours=hours, minutes=minutes) if minutes else whole
    if minutes:
        return say("decide.span.minutes", minutes=minutes)
    return say("decide.span.seconds", seconds=seconds)
