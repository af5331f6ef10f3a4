"""Alerts as learn hears of them, and where the watched one stands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from learn.core.judgement import AlertReading
from schemas.identity import attempt_of, stable_id
from schemas.outcomes import Outcome
from schemas.plans import AbstentionReason, IncidentContext
from schemas.validated import ValidatedPlans

#: Answers to what was no trouble: a try, and what people had asked to be quiet.
_NO_ALERT: frozenset[AbstentionReason] = frozenset(
    {"test", "muted", "maintenance", "another_cluster"}
)


@dataclass(frozen=True, slots=True)
class HeardAlert:
    """One alert or recovery. ``rule_key`` empty: its rule is not known."""

    event_id: str
    incident_id: str
    fingerprint: str
    rule_key: str
    word: Literal["firing", "recovered"]
    at: datetime


def rule_key(context: IncidentContext) -> str:
    """Identity of a rule and its group in one cluster; empty where no rule is named. Order and case of tags do not count."""
    watched = context.watched
    rule_id = watched.rule_id or str(context.monitor_id or "")
    if not rule_id:
        return ""
    group = sorted(part.strip().lower() for part in watched.group.split(",") if part.strip(" *"))
    return stable_id(
        "rule", watched.source, watched.account, context.cluster.lower(), rule_id, *group
    )


def heard(record: ValidatedPlans) -> HeardAlert | None:
    """The alert that a decision was about; ``None`` for what is none: a try, silenced trouble, a next attempt's evidence."""
    again = record.role == "first" and attempt_of(record.incident_id).number > 1
    if again or record.reason in _NO_ALERT:
        return None
    return HeardAlert(
        event_id=record.event_id,
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        rule_key=rule_key(record.context),
        word="recovered" if record.role == "recovery" else "firing",
        at=record.context.alerted_at,
    )


def standing(
    asked: AlertReading, heard_of_it: Sequence[HeardAlert], live_at: datetime
) -> AlertReading:
    """Where the alert stands: what its source says now; where that says nothing, the last word that was heard.

    An alert from before the change is no word about the time after it: recoveries are not always sent.
    """
    last = max(heard_of_it, key=lambda one: (one.at, one.word), default=None)
    if (
        asked.state == "ok"
        and asked.since is None
        and last is not None
        and last.word == "recovered"
    ):
        return replace(asked, since=last.at)
    if asked.state not in ("silent", "unheard") or last is None:
        return asked
    if last.word == "recovered":
        return replace(asked, state="ok", since=last.at)
    return replace(asked, state="alerting", since=last.at) if last.at >= live_at else asked


def came_back(outcome: Outcome, alerts: Sequence[HeardAlert], within: timedelta) -> datetime | None:
    """When the trouble that a fix had ended came again: the first alert within that time of the check that found it gone."""
    checked = outcome.checked_at
    if outcome.result != "success" or checked is None or outcome.came_back_at is not None:
        return None
    times = (
        one.at for one in alerts if one.word == "firing" and checked < one.at <= checked + within
    )
    return min(times, default=None)
