"""A fix that held when it was watched, and whose alert came again within a day, did not hold after all."""

from __future__ import annotations

from datetime import timedelta

import structlog

from kfix.texts import say
from learn.core.alerts import came_back, heard
from learn.core.lessons import lesson
from learn.ports import Followed, LearnPorts
from learn.service.telling import remembered
from schemas.identity import stable_id
from schemas.outcomes import Outcome
from schemas.validated import ValidatedPlans

log = structlog.get_logger(__name__)
#: An hour and less is told in minutes.
_MINUTES_UP_TO_S = 3_600.0


async def hear(record: ValidatedPlans, ports: LearnPorts) -> list[Outcome]:
    """Keeps an alert; new outcomes of the successes that it counts against."""
    alert = heard(record)
    if alert is None:
        return []
    await ports.ledger.heard(alert)
    if alert.word == "recovered":
        return []
    found = [await of(followed, ports) for followed in await ports.ledger.merged_for(alert)]
    return [outcome for outcome in found if outcome is not None]


async def of(followed: Followed, ports: LearnPorts) -> Outcome | None:
    """The outcome of a success whose alert came again; ``None`` while it holds, and once that is told.

    Alert and outcome may come in either order: whichever is kept last finds the other.
    """
    known, proposal = await ports.ledger.outcome_of(followed.incident_id), followed.proposal
    if known is None or known.checked_at is None or proposal is None:
        return None
    within = timedelta(seconds=ports.settings.came_back_within_s)
    alerts = await ports.ledger.alerts_like(followed, known.checked_at, known.checked_at + within)
    at = came_back(known, alerts, within)
    if at is None:
        return None
    held_s = (at - known.checked_at).total_seconds()
    if held_s <= _MINUTES_UP_TO_S:
        told = say("learn.came_back_soon", minutes=held_s / 60)
    else:
        told = say("learn.came_back", hours=held_s / 3_600)
    plan_id = known.plan.plan_id if known.plan is not None else ""
    back = known.model_copy(
        update={
            "event_id": stable_id("out", followed.incident_id, plan_id, "came_back"),
            "occurred_at": max(at, known.occurred_at),
            "result": "failure",
            "explanation": told,
            "lesson": lesson(proposal, "failure", told, ports.language, known.feedback),
            "came_back_at": at,
        }
    )
    log.info("fix.came_back", incident_id=followed.incident_id, held_s=round(held_s))
    return await remembered(back, followed, ports)
