"""Several systems that watch, side by side: an alert's own one answers for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from enrich.ports import Observability
from schemas.alerts import Alert


class Watcher(Protocol):
    """A system that watches, for all alerts."""

    def sent(self, alert: Alert) -> bool:
        """Whether the alert is one of its own."""
        ...

    def about(self, alert: Alert, at: datetime) -> Observability:
        """What it knows of an alert that came ``at``; nothing of it is read from before that."""
        ...


class Watchers:
    """The configured ones, at least one."""

    def __init__(self, known: Sequence[Watcher]) -> None:
        self._known = tuple(known)

    def about(self, alert: Alert, at: datetime) -> Observability:
        """The alert's own; for an alert of somebody who is not configured the first, which may know its workload."""
        mine = next((one for one in self._known if one.sent(alert)), self._known[0])
        return mine.about(alert, at)
