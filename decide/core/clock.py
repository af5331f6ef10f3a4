"""Times as the API server writes them. No clock is read here: now is when the alert came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from decide.core.objects import Container, Obj, at


def instant(value: object) -> datetime | None:
    """An RFC 3339 time, ``None`` for anything else."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if not isinstance(value, str) or len(value) < 19:
        return None
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


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
