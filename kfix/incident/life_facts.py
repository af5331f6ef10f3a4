"""The facts of a fix's life that records tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from kfix.incident.fix_life import LifeFact, LifeWord
from schemas.base import Record
from schemas.context import ContextBundle, OutcomeResult
from schemas.dead_letters import DeadLetter
from schemas.identity import next_attempt, revert_of
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.plans import CandidatePlans
from schemas.validated import ValidatedPlans

_HEARD: Mapping[str, LifeWord] = {
    "opened": "opened",
    "declined": "declined",
    "approved": "approved",
    "unapproved": "unapproved",
    "pushed": "pushed",
    "merged": "merged",
    "closed": "closed",
    "reopened": "reopened",
    "deployed": "deployed",
}
#: A rejected one was closed, also where nobody heard of the closing.
_ENDED: Mapping[OutcomeResult, LifeWord] = {
    "success": "held",
    "partial": "partly_held",
    "failure": "failed",
    "rejected": "turned_down",
    "expired": "expired",
}
#: Whose giving up of which topic's record ends an incident's way.
_CARRIERS: Mapping[tuple[str, str], LifeWord] = {
    ("alerts.raw", "enrich"): "gave_up",
    ("context.bundle", "decide"): "gave_up",
    ("plans.candidate", "safety"): "gave_up",
    ("plans.validated", "publish"): "gave_up_publishing",
}
_OVER = ("recovered", "already_recovered")


def facts_of(record: Record, incident_id: str = "") -> tuple[LifeFact, ...]:
    """What a record tells. ``incident_id``: the incident of a record that names none; without either it tells nothing."""
    name = str(getattr(record, "incident_id", "")) or incident_id
    if isinstance(record, ContextBundle) and record.retry_of:
        name = next_attempt(record.retry_of)
    if not name:
        return ()
    if isinstance(record, CandidatePlans | ValidatedPlans):
        return _decided(record, name)
    if isinstance(record, MergeRequestEvent):
        return _happened(record, name)
    if isinstance(record, Outcome):
        return _ended(record, name)
    return _before(record, name)


def _before(record: Record, name: str) -> tuple[LifeFact, ...]:
    """An alert, or that a stage gave up."""
    if isinstance(record, ContextBundle) and record.alert.state != "resolved":
        return (LifeFact("alerted", record.alerted_at, name),)
    if isinstance(record, DeadLetter) and (record.topic, record.stage) in _CARRIERS:
        word = _CARRIERS[record.topic, record.stage]
        return (LifeFact(word, record.occurred_at, name),)
    return ()


def _decided(record: CandidatePlans | ValidatedPlans, name: str) -> tuple[LifeFact, ...]:
    """A decision; one that proposes counts once its plans were checked."""
    alerted_at = record.context.alerted_at
    if record.role == "recovery":
        return (LifeFact("alert_over", alerted_at, name),)
    alerted = LifeFact("alerted", alerted_at, name)
    word: LifeWord = "needs_human"
    if record.status == "solution_proposed":
        if isinstance(record, CandidatePlans):
            return (alerted,)
        word = "planned"
    elif record.status == "no_action":
        word = "alert_ended_before" if record.reason in _OVER else "no_action"
    return (alerted, LifeFact(word, record.occurred_at, name))


def _happened(event: MergeRequestEvent, name: str) -> tuple[LifeFact, ...]:
    if event.action == "revert_opened":
        return (LifeFact("opened", event.occurred_at, revert_of(name)),)
    word = _HEARD.get(event.action)
    if word is None:
        return ()
    at = (event.merged_at if word == "merged" else None) or event.occurred_at
    return (LifeFact(word, at, name, event.actor),)


def _ended(outcome: Outcome, name: str) -> tuple[LifeFact, ...]:
    """An outcome; one that was measured tells of its merge as well. That a change is not live yet is no end of it."""
    at = outcome.checked_at or outcome.occurred_at
    found = [LifeFact(_ENDED[outcome.result], at, name)]
    if outcome.came_back_at is not None:
        found = [LifeFact("held", at, name), LifeFact("came_back", outcome.came_back_at, name)]
    if outcome.merged_at is None:
        return tuple(found)
    merged = LifeFact("merged", outcome.merged_at, name)
    return (merged,) if outcome.checked_at is None else (merged, *found)


def written(fact: LifeFact) -> list[str]:
    """A fact as JSON, without who did it."""
    return [fact.word, fact.at.isoformat(), fact.attempt]


def read(row: list[str]) -> LifeFact:
    """The fact that ``written`` wrote."""
    word, at, attempt = row
    return LifeFact(word, datetime.fromisoformat(at), attempt)  # type: ignore[arg-type]
