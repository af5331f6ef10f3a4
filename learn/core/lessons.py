"""What is remembered of an incident: one sentence for people, flat metadata for the vector memory. Pure."""

from __future__ import annotations

from kfix.incident.fix_record import result_with_feedback
from schemas.context import OutcomeResult
from schemas.merge_requests import Proposal
from schemas.outcomes import Outcome

_SAID: dict[str, dict[str, str]] = {
    "en": {
        "success": "{title} worked for {failure} on a {kind}: {why}",
        "partial": "{title} helped only in part for {failure} on a {kind}: {why}",
        "failure": "{title} did not help for {failure} on a {kind}: {why}",
        "rejected": "{title} was turned down for {failure} on a {kind}. {why}",
        "expired": "{title} was never decided on for {failure} on a {kind}.",
    },
    "fr": {
        "success": "{title} a réussi pour {failure} sur un {kind} : {why}",
        "partial": "{title} n'a aidé qu'en partie pour {failure} sur un {kind} : {why}",
        "failure": "{title} n'a pas aidé pour {failure} sur un {kind} : {why}",
        "rejected": "{title} a été refusé pour {failure} sur un {kind}. {why}",
        "expired": "{title} n'a jamais été décidé pour {failure} sur un {kind}.",
    },
}
#: Characters of a lesson; Pinecone holds 40 KB of metadata a record, people read one line.
_LIMIT = 400


def lesson(proposal: Proposal, result: OutcomeResult, why: str, language: str) -> str:
    """One sentence: what was tried, for what, what happened."""
    said = _SAID[language][result].format(
        title=proposal.plan.fix_kind.replace("_", " ").capitalize(),
        failure=proposal.analysis.failure_class.replace("_", " "),
        kind=proposal.plan.workload_kind,
        why=why,
    )
    return said.strip()[:_LIMIT]


def memory_metadata(
    outcome: Outcome, proposal: Proposal, url: str
) -> dict[str, str | float | bool]:
    """What stands beside the vector: flat, short, enough to tell what worked without another look-up."""
    plan = proposal.plan
    return {
        "incident_id": outcome.incident_id,
        "failure_class": outcome.failure_class,
        "object_key": outcome.object.key,
        "workload_kind": plan.workload_kind,
        "fix_kind": plan.fix_kind,
        "changes_hash": plan.changes_hash,
        "plan_title": plan.title[:200],
        "title": proposal.context.alert_title[:200],
        "result": result_with_feedback(outcome.result, outcome.feedback),
        "lesson": outcome.lesson,
        "environment": proposal.context.environment,
        "at": outcome.occurred_at.isoformat(),
        "url": url,
    }
