"""The life of a fix as a state machine over facts: whatever order facts come in, how often and how late, the same facts are
the same life. Pure.

Facts are put in order by what they are about, and within that by their own times (a forge's words by the forge's clock), so
that two clocks that disagree change nothing. A merge is final: no word about an open merge request is heard after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Literal

from schemas.identity import attempt_of, taken_back_by

LifeState = Literal[
    # without a merge request
    "investigating",  # an alert came; nothing is decided
    "planned",  # a plan passed its checks; its merge request is not open yet
    "declined",  # a plan passed its checks, and no merge request is opened: policy, a cap, another one's change
    "needs_human",
    "nothing_to_change",
    "recovered",  # the alert is over, and nothing was merged for it
    "given_up",  # a stage could not work on it
    # with one that is open, or was
    "proposed",
    "approved",
    "expired",  # nobody decided on it
    "closed",
    "superseded",  # a later attempt took its place
    # after the merge
    "merged",
    "deployed",  # live in the cluster; of a merge request that takes a change back it is the end
    "watching",  # live, and looked at
    "held",
    "partly_held",
    "failed",
    "reverted",  # the merge request that takes it back is merged
]
LifeWord = Literal[
    "alerted",
    "alert_over",
    "gave_up",
    "no_action",
    "alert_ended_before",
    "needs_human",
    "planned",
    "declined",
    "gave_up_publishing",
    "opened",
    "expired",
    "turned_down",
    "closed",
    "reopened",
    "approved",
    "unapproved",
    "pushed",
    "merged",
    "deployed",
    "held",
    "partly_held",
    "failed",
    "came_back",
    "reverted",
    "superseded",
]
#: What follows directly on what. A life that lacks facts may skip states, and goes no other way.
NEXT: Mapping[LifeState, frozenset[LifeState]] = {
    "investigating": frozenset(
        ("planned", "needs_human", "nothing_to_change", "recovered", "given_up", "declined")
    ),
    "needs_human": frozenset(
        ("planned", "nothing_to_change", "recovered", "superseded", "declined")
    ),
    "nothing_to_change": frozenset(("planned", "needs_human", "recovered", "superseded")),
    "given_up": frozenset(
        ("planned", "needs_human", "nothing_to_change", "declined", "recovered", "superseded")
    ),
    "planned": frozenset(("proposed", "declined", "given_up", "recovered", "superseded")),
    "declined": frozenset(("proposed", "planned", "recovered", "superseded")),
    "recovered": frozenset(
        (
            "investigating",
            "planned",
            "declined",
            "needs_human",
            "nothing_to_change",
            "given_up",
            "proposed",
            "superseded",
        )
    ),
    "proposed": frozenset(("approved", "merged", "closed", "expired", "superseded")),
    "approved": frozenset(("proposed", "merged", "closed", "expired", "superseded")),
    "expired": frozenset(("proposed", "approved", "merged", "closed", "superseded")),
    "closed": frozenset(("proposed", "approved", "merged")),
    "superseded": frozenset(),
    "merged": frozenset(("deployed", "held", "partly_held", "failed", "reverted")),
    "deployed": frozenset(("watching",)),
    "watching": frozenset(("held", "partly_held", "failed", "reverted")),
    "held": frozenset(("partly_held", "failed", "reverted")),
    "partly_held": frozenset(("held", "failed", "reverted")),
    "failed": frozenset(("held", "partly_held", "reverted")),
    "reverted": frozenset(),
}
#: No word leads out of these to a state before the merge.
AFTER_MERGE: frozenset[LifeState] = frozenset(
    ("merged", "deployed", "watching", "held", "partly_held", "failed", "reverted")
)
#: K-Fix or somebody is at work, or a decision of people is awaited.
MOVING: frozenset[LifeState] = frozenset(
    ("investigating", "planned", "proposed", "approved", "merged", "deployed", "watching")
)
#: A word's era: eras follow one another whatever the clocks say. Within one the time counts, and at the same instant the
#: later word of this row: webhooks may tell whole seconds.
_ERAS: tuple[tuple[LifeWord, ...], ...] = (
    (
        "alerted",
        "alert_over",
        "gave_up",
        "no_action",
        "alert_ended_before",
        "needs_human",
        "planned",
        "declined",
        "gave_up_publishing",
    ),
    ("opened",),
    ("expired", "turned_down", "closed", "reopened", "approved", "unapproved", "pushed"),
    ("merged",),
    ("deployed",),
    ("held", "partly_held", "failed"),
    ("came_back",),
    ("reverted",),
    ("superseded",),
)
_ERA: Mapping[str, int] = {word: era for era, words in enumerate(_ERAS) for word in words}
_RANK: Mapping[str, int] = {word: rank for words in _ERAS for rank, word in enumerate(words)}
#: Of these the first time counts: what is told again, later, is the same.
_ONCE: frozenset[LifeWord] = frozenset(
    (
        "opened",
        "expired",
        "turned_down",
        "merged",
        "deployed",
        "came_back",
        "reverted",
        "superseded",
    )
)
_DECIDED: Mapping[str, LifeState] = {
    "no_action": "nothing_to_change",
    "alert_ended_before": "recovered",
    "needs_human": "needs_human",
    "planned": "planned",
}


@dataclass(frozen=True, slots=True)
class LifeFact:
    """One thing that is known. ``attempt``: the incident's id, an attempt's or a revert's (``schemas.identity.attempt_of``).

    ``by``: who did it, where that is known; it takes no part in what facts come to.
    """

    word: LifeWord
    at: datetime
    attempt: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class LifeStep:
    """A state, since when, and the fact that brought it."""

    state: LifeState
    at: datetime
    word: LifeWord
    by: str = ""


@dataclass(frozen=True, slots=True)
class FixLife:
    """``steps``: every state, oldest first, never the same twice in a row; empty while nothing is known.

    ``alert_over_at``: since when the alert is over, as far as it is.
    """

    steps: tuple[LifeStep, ...] = ()
    alert_over_at: datetime | None = None

    @property
    def state(self) -> LifeState:
        """The state now."""
        return self.steps[-1].state if self.steps else "investigating"

    @property
    def since(self) -> datetime | None:
        """Since when; ``None`` while nothing is known."""
        return self.steps[-1].at if self.steps else None

    @property
    def came_back(self) -> bool:
        """Did the fix hold when it was watched, and its alert come back?"""
        return any(step.word == "came_back" for step in self.steps)


@dataclass(frozen=True, slots=True)
class AttemptLife:
    """One attempt at an incident. ``revert``: the life of the merge request that takes it back; ``None`` without one."""

    number: int
    incident_id: str
    life: FixLife
    revert: FixLife | None = None


@dataclass(frozen=True, slots=True)
class IncidentLife:
    """All attempts, oldest first: the newest one's state is the incident's."""

    attempts: tuple[AttemptLife, ...] = ()

    @property
    def now(self) -> FixLife:
        """The newest attempt's life."""
        return self.attempts[-1].life if self.attempts else FixLife()

    @property
    def state(self) -> LifeState:
        """The state now."""
        return self.now.state


def life_of_incident(facts: Iterable[LifeFact]) -> IncidentLife:
    """The lives of all attempts that the facts of one incident tell of."""

    def number(fact: LifeFact) -> int:
        return attempt_of(fact.attempt).number

    known = sorted(set(facts), key=number)
    attempts = [(n, list(found)) for n, found in groupby(known, key=number)]
    return IncidentLife(
        tuple(
            _attempt(n, found, [f for later, more in attempts if later > n for f in more])
            for n, found in attempts
        )
    )


def _attempt(number: int, facts: Sequence[LifeFact], later: Sequence[LifeFact]) -> AttemptLife:
    """One attempt, given the facts of those after it."""
    own, back = _of_fix(facts), [f for f in facts if attempt_of(f.attempt).revert]
    name = taken_back_by(facts[0].attempt)
    reverted = [replace(f, word="reverted", attempt=name) for f in back if f.word == "merged"]
    followed = _of_fix(later)
    merged = [f for f in followed if f.word == "merged"]
    revert = fix_life([*back, *_superseded(merged)], watched=False) if back else None
    life = fix_life([*own, *reverted, *_superseded(followed)])
    return AttemptLife(number, name, life, revert)


def _of_fix(facts: Iterable[LifeFact]) -> list[LifeFact]:
    """The facts that are not about merge requests which take changes back."""
    return [f for f in facts if not attempt_of(f.attempt).revert]


def _superseded(followed: Sequence[LifeFact]) -> list[LifeFact]:
    """What facts of later attempts tell of one before. Their alert is older than they are: its time is no beginning."""
    began = [f for f in followed if f.word not in ("alerted", "alert_over")] or followed
    first = min(began, key=lambda f: (f.at, f.attempt), default=None)
    return [LifeFact("superseded", first.at, first.attempt)] if first else []


def fix_life(facts: Iterable[LifeFact], *, watched: bool = True) -> FixLife:
    """The life that facts about one merge request, or about the want of one, come to.

    ``watched``: it is looked at once it is live; a merge request that takes a change back is not.
    """
    machine = _Machine(watched)
    steps: list[LifeStep] = []
    for fact in _in_order(facts):
        machine.hear(fact)
        state = machine.state()
        if steps and steps[-1].state == state:
            continue
        if state == "watching":
            steps.append(LifeStep("deployed", fact.at, fact.word, fact.by))
        steps.append(LifeStep(state, fact.at, fact.word, fact.by))
    return FixLife(tuple(_told(steps)), machine.alert_over_at)


def _in_order(facts: Iterable[LifeFact]) -> list[LifeFact]:
    """Each fact once, in the order in which they count; of two that differ in who did it alone, the one that says it."""
    found = sorted(set(facts), key=lambda f: (_ERA[f.word], f.at, _RANK[f.word], not f.by, f.by))
    seen: set[object] = set()
    kept = []
    for fact in found:
        key = fact.word if fact.word in _ONCE else (fact.word, fact.at)
        if key not in seen:
            seen.add(key)
            kept.append(fact)
    return kept


def _told(steps: Sequence[LifeStep]) -> list[LifeStep]:
    """Without what came too late to be a state: a decision after the merge request, a word after the merge."""
    opened = min((s.at for s in steps if _ERA[s.word] in (1, 2)), default=None)
    merged = min((s.at for s in steps if s.word == "merged"), default=None)
    kept: list[LifeStep] = []
    for number, step in enumerate(steps):
        era = _ERA[step.word]
        late = era == 0 and number > 0 and opened is not None and step.at > opened
        late = late or (era == 2 and merged is not None and step.at > merged)
        if not late and not (kept and kept[-1].state == step.state):
            kept.append(step)
    return kept


@dataclass(slots=True)
class _Machine:
    """What was heard so far, in the order of ``_in_order``."""

    watched: bool
    decided: LifeState | None = None
    declined: bool = False
    gave_up: bool = False
    gave_up_publishing: bool = False
    alerted_at: datetime | None = None
    over_at: datetime | None = None
    request: Literal["", "open", "expired", "closed"] = ""
    approved: bool = False
    world: LifeState | None = None
    superseded: bool = False

    @property
    def alert_over_at(self) -> datetime | None:
        """Since when the alert is over. The alert and its end at one instant are an end."""
        if self.over_at is None or (self.alerted_at is not None and self.over_at < self.alerted_at):
            return None
        return self.over_at

    def hear(self, fact: LifeFact) -> None:
        """Takes in the next fact."""
        era = _ERA[fact.word]
        if era == 0:
            self._before(fact)
        elif era in (1, 2):
            self._asked(fact.word)
        elif fact.word == "superseded":
            self.superseded = True
        elif fact.word == "deployed":
            self.world = "watching" if self.watched else "deployed"
        elif fact.word == "came_back":
            self.world = "failed"
        elif fact.word in ("merged", "held", "partly_held", "failed", "reverted"):
            self.world = fact.word

    def _before(self, fact: LifeFact) -> None:
        """An alert, or what was decided about it. A plan outlives what is decided after it."""
        if fact.word == "alerted":
            self.alerted_at = fact.at
        elif fact.word == "alert_over":
            self.over_at = fact.at
        elif fact.word == "declined":
            self.declined = True
        elif fact.word == "gave_up":
            self.gave_up = True
        elif fact.word == "gave_up_publishing":
            self.gave_up_publishing = True
        elif self.decided != "planned":
            self.decided = _DECIDED[fact.word]

    def _asked(self, word: LifeWord) -> None:
        """A word about an open merge request. What changes the branch takes an approval back."""
        if word in ("closed", "turned_down"):
            self.request = "closed"
        elif word == "expired":
            self.request = "expired"
        elif word == "reopened" or self.request != "closed":
            self.request = "open"
        if word in ("approved", "unapproved", "pushed"):
            self.approved = word == "approved"

    def state(self) -> LifeState:
        """The state that all of it comes to."""
        if self.world is not None:
            return self.world
        if self.request == "closed":
            return "closed"
        if self.superseded:
            return "superseded"
        if self.request == "expired":
            return "expired"
        if self.request == "open":
            return "approved" if self.approved else "proposed"
        return "recovered" if self.alert_over_at is not None else self._decision()

    def _decision(self) -> LifeState:
        """The state without a merge request, while the alert is on."""
        if self.decided == "planned" or self.decided is None:
            if self.declined:
                return "declined"
            if self.gave_up_publishing or (self.gave_up and self.decided is None):
                return "given_up"
        return self.decided or "investigating"
