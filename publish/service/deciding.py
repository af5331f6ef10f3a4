"""Decides what to do about a record, by what the ledger knows; by what the forge says where a cap is in the way."""

from __future__ import annotations

from publish.core import course
from publish.core.course import Decision
from publish.core.spoken import AlertStanding
from publish.ports import Ports
from publish.service.rereading import look_again
from schemas.validated import ValidatedPlans


async def decide(record: ValidatedPlans, ports: Ports) -> Decision:
    """The decision. Merge requests that people ended while nobody listened do not hold up a new one."""
    chosen = course.recommended(record)
    project = chosen.edits[0].project if chosen is not None and chosen.edits else ""
    decision = await _by_the_ledger(record, project, ports)
    if decision.why == "capped" and ports.forge is not None:
        await look_again(project, ports, ports.forge)
        decision = await _by_the_ledger(record, project, ports)
    return decision


async def _by_the_ledger(record: ValidatedPlans, project: str, ports: Ports) -> Decision:
    return course.choose(
        record,
        mine=await ports.ledger.of_incident(record.incident_id),
        same_trouble=await ports.ledger.of_fingerprint(record.fingerprint),
        same_project=await ports.ledger.of_project(project) if project else (),
        limits=ports.limits,
        now=ports.now(),
        alert=await standing(record, ports),
        own=ports.own,
        forge=ports.forge is not None,
    )


async def standing(record: ValidatedPlans, ports: Ports) -> AlertStanding:
    """How the incident's alert stands with this record counted in, by the alerts' own times."""
    at, over = record.context.alerted_at, record.role == "recovery"
    return await ports.ledger.alert(record.incident_id, at, over=over)
