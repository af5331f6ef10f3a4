"""One line of the list out of what is kept of an incident's records, in whatever order they came. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kfix.incident.fix_life import (
    AFTER_MERGE,
    FixLife,
    IncidentLife,
    LifeFact,
    LifeState,
    LifeWord,
    life_of_incident,
)
from kfix.incident.life_facts import read
from schemas.base import Json

#: Of a state the word that the forge has for the merge request, and the outcome's.
_REQUEST: Mapping[LifeState, str] = {
    "proposed": "opened",
    "approved": "opened",
    "expired": "opened",
    "closed": "closed",
}
_RESULTS: Mapping[LifeState, str] = {
    "held": "success",
    "partly_held": "partial",
    "failed": "failure",
    "closed": "rejected",
    "expired": "expired",
}
#: Facts of summaries that were kept before they told of lives.
_STATUS: Mapping[str, LifeWord] = {
    "solution_proposed": "planned",
    "needs_human": "needs_human",
    "no_action": "no_action",
}
_MERGE_STATE: Mapping[str, LifeWord] = {
    "opened": "opened",
    "merged": "merged",
    "closed": "closed",
}
_RESULT: Mapping[str, LifeWord] = {
    "success": "held",
    "partial": "partly_held",
    "failure": "failed",
    "rejected": "turned_down",
    "expired": "expired",
}


@dataclass(frozen=True, slots=True)
class KeptSummary:
    """What is kept of a record for the list: its time, and what ``console.core.story.summary_of`` said of it."""

    occurred_at: datetime
    summary: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Line:
    """One incident: its state since when, its first and last record, and what else is shown of it."""

    state: LifeState
    since: datetime | None
    first_at: datetime
    last_at: datetime
    facts: Mapping[str, Json]


def line_of(incident_id: str, kept: Iterable[KeptSummary]) -> Line:
    """The line of an incident of which at least one record is kept.

    A fact is what the newest record of the newest attempt says that says it; state, merge request and result are the life's.
    """
    records = sorted(kept, key=lambda k: (k.summary.get("attempt", 1), k.occurred_at))
    facts: dict[str, Json] = {}
    for record in records:
        facts |= {name: value for name, value in record.summary.items() if name != "life"}
    life = life_of_incident(fact for record in records for fact in facts_in(record, incident_id))
    times = [record.occurred_at for record in records]
    return Line(
        life.state, life.now.since, min(times), max(times), {**facts, **shown_of(life, facts)}
    )


def facts_in(record: KeptSummary, incident_id: str) -> list[LifeFact]:
    """The facts of a life that a summary holds."""
    rows: Any = record.summary.get("life")
    if rows is not None:
        return [read(row) for row in rows]
    said = (("status", _STATUS), ("merge_state", _MERGE_STATE), ("result", _RESULT))
    return [
        LifeFact(words[value], record.occurred_at, incident_id)
        for name, words in said
        if (value := record.summary.get(name, "")) in words
    ]


def shown_of(life: IncidentLife, facts: Mapping[str, Json]) -> dict[str, Json]:
    """What the life says of the incident, in the words of the list."""
    now = life.now
    found: dict[str, Json] = {
        "state": life.state,
        "state_since": now.since.isoformat() if now.since else None,
        "merge_state": merge_state_of(now),
        "result": _result_of(now),
    }
    if len(life.attempts) > 1:
        found["attempts"] = len(life.attempts)
    if not found["merge_state"] and len(life.attempts) > 1:
        found["merge_request"] = ""
    return found


def _result_of(life: FixLife) -> str:
    """What the fix came to, as far as it did; one that was taken back keeps what it had come to."""
    steps = [step for step in life.steps if step.state != "reverted"]
    return _RESULTS.get(steps[-1].state, "") if steps else ""


def merge_state_of(life: FixLife) -> str:
    """``opened``, ``merged``, ``closed``, or empty without a merge request."""
    if life.state in AFTER_MERGE:
        return "merged"
    if life.state == "superseded":
        states = [_REQUEST.get(step.state, "") for step in life.steps]
        return next((state for state in reversed(states) if state), "")
    return _REQUEST.get(life.state, "")
