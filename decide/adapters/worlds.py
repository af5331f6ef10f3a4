"""What decide heard from outside of its bundle (which incident an alert belongs to, what a model said), noted and told again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from decide.core.opinion import Asking
from decide.core.question import ModelAnswer, Opinion, Question
from decide.ports import DecidePorts, IncidentLedger, Membership, Reasoner, Recovered
from kfix.engine.runtime.worlds import NeverAsked, Notebook, Told
from schemas.base import Json
from schemas.context import FailedAttempt

#: Who is asked, by the name that ``basis`` has for it; empty: nobody.
MODEL = "model"


def noting(ports: DecidePorts, book: Notebook) -> DecidePorts:
    """The same ports, whose answers are noted."""
    reasoner = ports.reasoner
    return replace(
        ports,
        ledger=NotedLedger(ports.ledger, book),
        reasoner=reasoner and NotedReasoner(reasoner, str(ports.basis.get(MODEL, "")), book),
    )


def reasoner_of_then(told: Told, asking: Asking, model: str) -> ReasonerOfThen | None:
    """Who gives the opinions of then: the ``model`` of today's settings, else, since its key may be elsewhere, that of then."""
    named = model or str(told.basis.get(MODEL, ""))
    return ReasonerOfThen(told, named) if named and asking != "never" else None


class NotedLedger:
    """``decide.ports.IncidentLedger`` whose answers are noted."""

    def __init__(self, inner: IncidentLedger, book: Notebook) -> None:
        self._inner = inner
        self._book = book

    async def join(
        self, *, fingerprint: str, cycle: str, delivery_id: str, at: datetime, trouble: str = ""
    ) -> Membership:
        """As the inner one."""
        asked = self._inner.join(
            fingerprint=fingerprint, cycle=cycle, delivery_id=delivery_id, at=at, trouble=trouble
        )
        return await self._book.heard(
            "incident",
            delivery_id,
            asked,
            lambda found: [*_membership_note(found), fingerprint, *_failed_note(found)],
        )

    async def retry(
        self, failed: FailedAttempt, *, cycle: str, delivery_id: str, at: datetime
    ) -> Membership:
        """As the inner one."""
        asked = self._inner.retry(failed, cycle=cycle, delivery_id=delivery_id, at=at)
        return await self._book.heard(
            "retry",
            delivery_id,
            asked,
            lambda found: [*_membership_note(found), *_failed_note(found)],
        )

    async def recover(self, *, cycle: str, at: datetime) -> Recovered | None:
        """As the inner one."""
        asked = self._inner.recover(cycle=cycle, at=at)
        return await self._book.heard("recovery", [cycle, at], asked, _recovery_note)

    async def propose(self, incident_id: str) -> None:
        """As the inner one."""
        await self._inner.propose(incident_id)

    async def close(self, incident_id: str, *, at: datetime) -> None:
        """As the inner one."""
        await self._inner.close(incident_id, at=at)


class LedgerOfThen:
    """``decide.ports.IncidentLedger`` as it answered then: nothing is counted anew, and nothing is written."""

    def __init__(self, told: Told) -> None:
        self._told = told

    async def join(
        self, *, fingerprint: str, cycle: str, delivery_id: str, at: datetime, trouble: str = ""
    ) -> Membership:
        """The incident and the role of then, whatever cause is named now.

        An incident that had its fingerprint from this very alert has today's. Raises NeverAsked.
        """
        incident_id, named, role, own, *failed = self._told.answer(
            "incident", delivery_id, delivery_id
        )
        fingerprint = fingerprint if named == own else named
        return Membership(incident_id, fingerprint, role, _failed(failed))

    async def retry(
        self, failed: FailedAttempt, *, cycle: str, delivery_id: str, at: datetime
    ) -> Membership:
        """The attempt of then. Raises NeverAsked."""
        incident_id, named, role, *earlier = self._told.answer("retry", delivery_id, delivery_id)
        return Membership(incident_id, named, role, _failed(earlier))

    async def recover(self, *, cycle: str, at: datetime) -> Recovered | None:
        """What had recovered then. Raises NeverAsked."""
        found = self._told.answer("recovery", [cycle, at], cycle)
        if found is None:
            return None
        incident_id, fingerprint, over_at = found
        return Recovered(incident_id, fingerprint, datetime.fromisoformat(over_at))

    async def propose(self, incident_id: str) -> None:
        """Noted then."""

    async def close(self, incident_id: str, *, at: datetime) -> None:
        """Noted then."""


class NotedReasoner:
    """``decide.ports.Reasoner`` whose opinions are noted. ``model``: who gives them."""

    def __init__(self, inner: Reasoner, model: str, book: Notebook) -> None:
        self._inner = inner
        self._model = model
        self._book = book

    async def consider(self, question: Question) -> Opinion:
        """As the inner one."""
        asked = self._inner.consider(question)
        return await self._book.heard("model", [self._model, question.key], asked, _opinion_note)


class ReasonerOfThen:
    """``decide.ports.Reasoner`` as it answered then."""

    def __init__(self, told: Told, model: str) -> None:
        self._told = told
        self._model = model

    async def consider(self, question: Question) -> Opinion:
        """The opinion of then; one that was never asked for has a failure, and the world remembers it."""
        try:
            said = self._told.answer("model", [self._model, question.key], self._model)
        except NeverAsked:
            return Opinion(failure=NeverAsked.reason)
        answer = said["answer"]
        return Opinion(
            said["provider"],
            said["model"],
            None if answer is None else ModelAnswer.model_validate(answer),
            said["failure"],
        )


def _membership_note(found: Membership) -> list[Json]:
    return [found.incident_id, found.fingerprint, found.role]


def _failed_note(found: Membership) -> list[Json]:
    return [one.model_dump(mode="json") for one in found.failed]


def _failed(notes: Sequence[Json]) -> tuple[FailedAttempt, ...]:
    return tuple(FailedAttempt.model_validate(note) for note in notes)


def _recovery_note(found: Recovered | None) -> Json:
    return found and [found.incident_id, found.fingerprint, found.at.isoformat()]


def _opinion_note(found: Opinion) -> Json:
    return {
        "provider": found.provider,
        "model": found.model,
        "answer": None if found.answer is None else found.answer.model_dump(mode="json"),
        "failure": found.failure,
    }
