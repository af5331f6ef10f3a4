"""What a merge request's label says of its life, from all that was said of its incident, in whatever order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from kfix.incident.fix_life import LifeFact, LifeState, LifeWord, life_of_incident
from kfix.incident.forge.port import MarkedState
from kfix.incident.life_facts import facts_of
from publish.core.decision import TrackedMergeRequest
from publish.core.spoken import Word
from schemas.identity import attempt_of, next_attempt, revert_of, stable_id
from schemas.outcomes import Outcome

#: An open one is marked by how its alert stands instead.
_MARKS: Mapping[LifeState, MarkedState] = {
    "expired": "expired",
    "closed": "closed",
    "superseded": "superseded",
    "merged": "merged",
    "deployed": "merged",
    "watching": "watching",
    "held": "held",
    "partly_held": "partial",
    "failed": "failed",
    "reverted": "reverted",
}
_WORDS = frozenset(get_args(LifeWord))
#: What an outcome says that no word of the forge does.
_ENDS: frozenset[LifeWord] = frozenset(("expired", "held", "partly_held", "failed", "came_back"))


def ending_words(outcome: Outcome) -> list[Word]:
    """The end of a fix as words beside the forge's; one that is told again, with feedback, gives the same."""
    return [
        Word(stable_id("end", f.attempt, f.word, f.at.isoformat()), f.attempt, f.word, f.at, False)
        for f in facts_of(outcome)
        if f.word in _ENDS
    ]


def family(incident_id: str) -> list[str]:
    """The ids of all merge requests that an incident may have had until the one that ``incident_id`` names."""
    named = attempt_of(incident_id)
    attempts = [named.incident_id]
    while len(attempts) < named.number:
        attempts.append(next_attempt(attempts[-1]))
    return [name for attempt in attempts for name in (attempt, revert_of(attempt))]


def marks_of(
    words: Iterable[Word], opened: Sequence[TrackedMergeRequest]
) -> dict[str, MarkedState]:
    """What the labels of one incident's merge requests say, by the ids of attempts and reverts.

    ``opened``: those that are known. One without an entry is open, and nothing of the kind is to be said of it.
    """
    facts = [LifeFact("opened", known.opened_at, known.incident_id) for known in opened]
    facts += [LifeFact(w.action, w.at, w.incident_id) for w in words if w.action in _WORDS]  # type: ignore[arg-type]
    found: dict[str, MarkedState] = {}
    for attempt in life_of_incident(facts).attempts:
        lives = {attempt.incident_id: attempt.life, revert_of(attempt.incident_id): attempt.revert}
        for name, life in lives.items():
            if life is not None and life.state in _MARKS:
                found[name] = _MARKS[life.state]
    return found
