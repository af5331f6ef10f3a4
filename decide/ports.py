"""What decide needs from the world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from decide.core.question import Opinion, Question

#: ``after_recovery``: the cycle's recovery had been seen before this alert, which is older.
Role = Literal["first", "repeat", "after_recovery"]


@dataclass(frozen=True, slots=True)
class Membership:
    """The incident an alert belongs to, and as what."""

    incident_id: str
    #: The incident's, which a later alert's own may differ from: records of one incident share one key, so they stay in order.
    fingerprint: str
    role: Role


@dataclass(frozen=True, slots=True)
class Recovered:
    """An incident all of whose alerts have recovered."""

    incident_id: str
    fingerprint: str


class IncidentLedger(Protocol):
    """Remembers which alert belongs to which incident. Every call may be repeated with the same answer.

    All raise ``errors.Unavailable`` when the store does not answer.
    """

    async def join(
        self, *, fingerprint: str, cycle: str, delivery_id: str, at: datetime
    ) -> Membership:
        """Finds or opens the incident of an alert that happened ``at``."""
        ...

    async def recover(self, *, cycle: str, at: datetime) -> Recovered | None:
        """Notes a cycle's recovery. The incident once all its cycles have recovered, else ``None``."""
        ...

    async def propose(self, incident_id: str) -> None:
        """Notes that a plan was put forward: only an outcome ends this incident now."""
        ...

    async def close(self, incident_id: str, *, at: datetime) -> None:
        """Ends an incident; the next alert of its fingerprint opens a new one."""
        ...


class Reasoner(Protocol):
    """A model that gives a second opinion. Never raises: what went wrong is in the opinion's ``failure``."""

    async def consider(self, question: Question) -> Opinion: ...
