"""Decides what to do about a record, by what the ledger knows."""

from __future__ import annotations

from publish.core import decision
from publish.core.decision import Decision
from publish.ports import PublishPorts
from schemas.validated import ValidatedPlans


async def decide(record: ValidatedPlans, project: str, ports: PublishPorts) -> Decision:
    """The decision. ``project``: as ``project_of`` says. The alert counts by its own times, this record's with it."""
    ledger, at, over = ports.ledger, record.context.alerted_at, record.role == "recovery"
    alert = await ledger.alert(record.incident_id, at, over=over)
    began = await _began(record, ports)
    return decision.choose(
        record,
        mine=await ledger.of_incident(record.incident_id),
        same_trouble=await ledger.of_fingerprint(record.fingerprint),
        same_project=await ledger.of_project(project) if project else (),
        limits=ports.limits,
        now=ports.now(),
        alert=alert,
        fleet=ports.fleet,
        forge=ports.forge is not None,
        protected=ports.protected,
        began=began,
    )


async def _began(record: ValidatedPlans, ports: PublishPorts) -> bool:
    """Is the record the one that the incident's merge request was opened for? A later alert may be."""
    kept = await ports.ledger.proposal_of(record.incident_id) if record.role == "repeat" else None
    return kept is not None and kept.record.event_id == record.event_id


def project_of(record: ValidatedPlans) -> str:
    """The repository that the recommended plan changes; empty without one."""
    chosen = (plan for plan in record.plans if plan.plan.plan_id == record.recommended)
    return next((edit.project for plan in chosen for edit in plan.edits), "")
