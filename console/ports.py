"""What the console needs of its store. Raises errors.Unavailable when it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from console.core.story import IncidentStory
from console.settings import Console
from kfix.incident.judgement_links import LinkKeys
from kfix.incident.trust.figures import ModelPrice, TrustFigures
from schemas.base import Json, Record
from schemas.dead_letters import DeadLetter


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list. ``facts``: what the newest records say, and where its life stands (``state``, ``state_since``)."""

    incident_id: str
    first_at: datetime
    last_at: datetime
    facts: Mapping[str, Json] = field(default_factory=dict)


class Projection(Protocol):
    """Every record of every topic, by incident."""

    async def keep(self, topic: str, record: Record) -> None:
        """Stores a record once, however often it comes."""
        ...

    async def listed(
        self, *, where: Mapping[str, str], limit: int, offset: int
    ) -> Sequence[Listed]:
        """Incidents, the one that moved last first; ``where`` filters by facts."""
        ...

    async def by_state(self) -> Mapping[str, int]:
        """How many incidents are in each state."""
        ...

    async def catch_up(self) -> int:
        """Makes lines of the list that are missing, as after an update; how many."""
        ...

    async def letters(self, *, limit: int, offset: int) -> Sequence[DeadLetter]:
        """Word of dead letters, newest first."""
        ...

    async def story(self, incident_id: str) -> IncidentStory | None:
        """The incident, with all attempts at it and the early records that share a trace with it.

        ``None`` when nobody spoke of it.
        """
        ...

    async def trust(
        self, prices: Mapping[str, ModelPrice], *, since: datetime | None, until: datetime
    ) -> TrustFigures:
        """The figures of the attempts whose alerts happened from ``since`` on, before ``until``; of all where it is ``None``."""
        ...

    async def fill_trust(self, most: int) -> bool:
        """Counts up to ``most`` incidents of which nothing was counted when they came; whether there may be more."""
        ...


class SignedOnRequest(Protocol):
    """A request, as far as it says who asks."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers; names in any case."""
        ...


@dataclass(frozen=True, slots=True)
class ConsolePorts:
    """The projection, the settings, and what is not the same every time."""

    projection: Projection
    settings: Console
    language: str
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    #: Reads signed links; without a key none is honoured.
    links: LinkKeys = field(default_factory=LinkKeys)

    def person(self, request: SignedOnRequest) -> str:
        """Who asks, as the sign-on in front says; empty where none is configured."""
        name = self.settings.user_header
        return request.headers.get(name, "").strip()[:100] if name else ""
