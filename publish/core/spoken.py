"""What was said of a merge request and of its alert, put in order by time: the last word wins, whatever order words come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kfix.incident.forge.port import MergeRequestState
from schemas.identity import stable_id

#: Words of a forge that move a merge request. At the same instant the later one of this row counts: webhooks may tell whole
#: seconds.
_MOVES: dict[str, MergeRequestState] = {
    "closed": "closed",
    "reopened": "opened",
    "merged": "merged",
}
_RANK = {action: rank for rank, action in enumerate(_MOVES)}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the forge. ``told``: it is in ``mr.events``; otherwise only K-Fix's own look at the forge knows it."""

    event_id: str
    incident_id: str
    action: str
    at: datetime
    told: bool = True


def seen_word(incident_id: str, state: MergeRequestState, at: datetime) -> Word:
    """The word that our own look at the forge comes to, for the ledger alone: the pipeline has still to hear it."""
    action = "reopened" if state == "opened" else state
    name = stable_id("seen", incident_id, action, at.isoformat())
    return Word(name, incident_id, action, at, told=False)


@dataclass(frozen=True, slots=True)
class MergeRequestStanding:
    """Where a merge request stands, and since when; ``since`` is ``None`` while nobody said anything."""

    state: MergeRequestState = "opened"
    since: datetime | None = None


def standing_of(words: Sequence[Word]) -> MergeRequestStanding:
    """The state that the words come to. A merge is final; of the same word said twice in a row the first one counts."""
    moves = sorted((w for w in words if w.action in _MOVES), key=lambda w: (w.at, _RANK[w.action]))
    merges = [word for word in moves if word.action == "merged"]
    if merges:
        return MergeRequestStanding("merged", merges[0].at)
    if not moves:
        return MergeRequestStanding()
    since = moves[-1].at
    for word in reversed(moves):
        if word.action != moves[-1].action:
            break
        since = word.at
    return MergeRequestStanding(_MOVES[moves[-1].action], since)


@dataclass(frozen=True, slots=True)
class AlertStanding:
    """When an incident's alert was last on and when it was last over. ``marked``: what its merge request says of it."""

    alerted_at: datetime | None = None
    recovered_at: datetime | None = None
    marked: str = ""

    @property
    def over(self) -> bool:
        """Is the alert over? The alert and its end at one instant are an end, as in decide's ledger."""
        if self.recovered_at is None:
            return False
        return self.alerted_at is None or self.recovered_at >= self.alerted_at
