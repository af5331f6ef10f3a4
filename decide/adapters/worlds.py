"""What decide heard from outside of its bundle (which incident an alert belongs to, what a model said), noted and told again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from decide.core.experience.trials import (
    NOTHING,
    EndedTrial,
    Experience,
    ExperienceAsked,
    KnownTrial,
    LiftedVeto,
)
from decide.core.opinion import Asking
from decide.core.question import ModelAnswer, Opinion, Question
from decide.ports import (
    DecidePorts,
    IncidentLedger,
    Membership,
    Proposed,
    Reasoner,
    Recovered,
    TrialBook,
)
from kfix.engine.runtime.worlds import NeverAsked, Notebook, Told
from schemas.base import Json
from schemas.context import FailedAttempt
from schemas.text import Text, again, text_of

#: Who is asked, by the name that ``basis`` has for it; empty: nobody.
MODEL = "model"
#: Whether outcomes are asked for: decisions of older versions knew none.
OUTCOMES = "outcomes"


def noting(ports: DecidePorts, book: Notebook) -> DecidePorts:
    """The same ports, whose answers are noted."""
    reasoner = ports.reasoner
    return replace(
        ports,
        ledger=NotedLedger(ports.ledger, book),
        trials=NotedTrials(ports.trials, book),
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


class NotedTrials:
    """``decide.ports.TrialBook`` whose answers are noted."""

    def __init__(self, inner: TrialBook, book: Notebook) -> None:
        self._inner = inner
        self._book = book

    async def experience(self, asked: ExperienceAsked) -> Experience:
        """As the inner one."""
        return await self._book.heard(
            "outcomes",
            _question(asked),
            self._inner.experience(asked),
            lambda found: found.model_dump(mode="json", exclude_defaults=True),
        )

    async def admit(self, proposals: Sequence[Proposed], *, at: datetime) -> Mapping[str, str]:
        """As the inner one."""
        return await self._book.heard(
            "proposed", _plans(proposals), self._inner.admit(proposals, at=at), _refusal_note
        )

    async def ended(self, trial: EndedTrial) -> None:
        """As the inner one."""
        await self._inner.ended(trial)

    async def lift(self, word: LiftedVeto) -> None:
        """As the inner one."""
        await self._inner.lift(word)

    async def lifted(self) -> Sequence[LiftedVeto]:
        """As the inner one."""
        return await self._inner.lifted()

    async def failures(self) -> Sequence[KnownTrial]:
        """As the inner one."""
        return await self._inner.failures()


class TrialsOfThen:
    """``decide.ports.TrialBook`` as it answered then: nothing is counted anew, and nothing is written."""

    def __init__(self, told: Told) -> None:
        self._told = told

    async def experience(self, asked: ExperienceAsked) -> Experience:
        """What was known then; nothing where nobody asked, which the world remembers unless its version asked for none."""
        if not self._told.basis.get(OUTCOMES):
            return NOTHING
        try:
            said = self._told.answer("outcomes", _question(asked), asked.failure_class)
        except NeverAsked:
            return NOTHING
        return Experience.model_validate(said)

    async def admit(self, proposals: Sequence[Proposed], *, at: datetime) -> Mapping[str, str]:
        """What was refused then. Other plans than those of then are all admitted: what failed is in ``experience``."""
        if not self._told.has("proposed", _plans(proposals)):
            return {}
        said = self._told.answer("proposed", _plans(proposals))
        return {
            plan: again(sentence, None if what is None else Text.model_validate(what))
            for plan, (sentence, what) in said.items()
        }

    async def ended(self, trial: EndedTrial) -> None:
        """Noted then."""

    async def lift(self, word: LiftedVeto) -> None:
        """Noted then."""

    async def lifted(self) -> Sequence[LiftedVeto]:
        """None: no decision asks for all of them."""
        return ()

    async def failures(self) -> Sequence[KnownTrial]:
        """None: no decision asks for all of them."""
        return ()


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


def _question(asked: ExperienceAsked) -> list[Json]:
    return [asked.failure_class, asked.cluster, list(asked.objects)]


def _plans(proposals: Sequence[Proposed]) -> list[str]:
    return sorted(one.plan.plan_id for one in proposals)


def _refusal_note(found: Mapping[str, str]) -> Json:
    said = {plan: text_of(why) for plan, why in found.items()}
    return {
        plan: [str(found[plan]), what and what.model_dump(mode="json")]
        for plan, what in said.items()
    }
