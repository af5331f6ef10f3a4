"""What decide needs from the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from decide.core.experience.trials import (
    EndedTrial,
    Experience,
    ExperienceAsked,
    KnownTrial,
    LiftedVeto,
)
from decide.core.playbooks import NONE, Playbooks
from decide.core.question import Message, ModelAnswer, Opinion, Prompt, Question
from decide.settings import Decide
from kfix.incident.cluster_names import Fleet
from schemas.base import Json
from schemas.context import FailedAttempt
from schemas.plans import ActionPlan

#: ``after_recovery``: the cycle's recovery had been seen before this alert, which is older.
Role = Literal["first", "repeat", "after_recovery"]


@dataclass(frozen=True, slots=True)
class Membership:
    """The incident an alert belongs to, and as what."""

    incident_id: str
    #: The incident's, which a later alert's own may differ from: records of one incident share one key, so they stay in order.
    fingerprint: str
    role: Role
    #: Merged fixes of the incident that did not hold, the first one first.
    failed: tuple[FailedAttempt, ...] = field(default=(), hash=False)


@dataclass(frozen=True, slots=True)
class Recovered:
    """An incident all of whose alerts have recovered; ``at`` is the time of the last recovery."""

    incident_id: str
    fingerprint: str
    at: datetime


class IncidentLedger(Protocol):
    """Remembers which alert belongs to which incident. Every call may be repeated with the same answer.

    All raise ``errors.Unavailable`` when the store does not answer.
    """

    async def join(
        self, *, fingerprint: str, cycle: str, delivery_id: str, at: datetime, trouble: str = ""
    ) -> Membership:
        """Finds or opens the incident of an alert that happened ``at``.

        ``trouble`` is the fingerprint of the alert's monitor and group. An alert whose cause is named joins the open
        incident that began there without a cause; one without a cause joins the open one that was named there.
        """
        ...

    async def retry(
        self, failed: FailedAttempt, *, cycle: str, delivery_id: str, at: datetime
    ) -> Membership:
        """Opens the attempt after the one that failed, as its ``first``, with that one's fingerprint; of one that is open a ``repeat``.

        From now on alerts of its episodes and of its causes are the new attempt's; the failed one is over.
        """
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


class TrialBook(Protocol):
    """Remembers each fix that was proposed and how it ended. Every call may be repeated, and come in any order.

    All raise ``errors.Unavailable`` when the store does not answer.
    """

    async def experience(self, asked: ExperienceAsked) -> Experience:
        """What a decision knows of earlier fixes."""
        ...

    async def admit(self, proposals: Sequence[Proposed], *, at: datetime) -> Mapping[str, str]:
        """Notes plans that one incident proposes ``at``; those that may not be proposed again, by plan id, with the reason.

        Of several incidents that propose the same at once, no more are admitted than of those that come one by one.
        """
        ...

    async def ended(self, trial: EndedTrial) -> None:
        """Notes how a fix ended: the word that was told last counts."""
        ...

    async def lift(self, word: LiftedVeto) -> None:
        """Notes that a person allows a kind of fix on an object again."""
        ...

    async def lifted(self) -> Sequence[LiftedVeto]:
        """Every such word, the newest first."""
        ...

    async def failures(self) -> Sequence[KnownTrial]:
        """Every fix that failed, the newest first: what vetoes are made of."""
        ...


class Reasoner(Protocol):
    """A model that gives a second opinion. Never raises: what went wrong is in the opinion's ``failure``."""

    async def consider(self, question: Question) -> Opinion:
        """The model's answer to the question, or why there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Proposed:
    """A plan that is about to be proposed for an incident (or attempt), and for which cause and where."""

    incident_id: str
    plan: ActionPlan
    failure_class: str
    cluster: str
    environment: str
    #: What the rules alone say of it, 0 to 1; ``None``: not known.
    predicted: float | None


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote, what it read and wrote in tokens (0 where the service does not say), and why it stopped."""

    text: str
    input_tokens: int
    output_tokens: int
    ended: Literal["done", "refused", "truncated"]

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.input_tokens + self.output_tokens


class ChatModel(Protocol):
    """One model of one provider, asked once per call: nothing is repeated inside."""

    provider: str
    model: str

    async def complete(self, system: str, messages: Sequence[Message]) -> Completion:
        """Asks for an answer of ``question.WIRE_SCHEMA``'s shape, of at most ``MOST_TOKENS``.

        Raises from ``schemas.errors``.
        """
        ...

    async def close(self) -> None:
        """Closes its client; a second time is allowed."""
        ...


@dataclass(frozen=True, slots=True)
class Allowance:
    """The hard budget of second opinions."""

    calls_per_hour: int
    tokens_per_hour: int
    #: Per cause (the rules' fingerprint), in a day.
    calls_per_incident: int
    tokens_per_incident: int


class OpinionBook(Protocol):
    """What was asked, what it cost, and the answers: a budget that outlives the process, and a cache.

    All raise ``errors.Unavailable`` when the store does not answer.
    """

    async def answer(self, key: str, model: str) -> ModelAnswer | None:
        """The answer that this model gave to this very question."""
        ...

    async def reserve(self, key: str, model: str, incident: str, tokens: int) -> str:
        """Takes one call of up to ``tokens`` from the budget; its id, empty when the budget does not allow it."""
        ...

    async def settle(self, call: str, tokens: int, answer: ModelAnswer | None) -> None:
        """What the call really cost, and the answer it brought."""
        ...


@dataclass(frozen=True, slots=True)
class DecidePorts:
    """What the handlers use. ``reasoner`` is ``None`` when no model is configured: rules alone."""

    ledger: IncidentLedger
    trials: TrialBook
    reasoner: Reasoner | None
    prompt: Prompt
    settings: Decide
    language: str
    playbooks: Playbooks = NONE
    #: What is decided by, by name: kept with each decision.
    basis: Mapping[str, Json] = field(default_factory=dict)
    #: The clusters that decisions are counted by.
    fleet: Fleet = field(default_factory=Fleet)
