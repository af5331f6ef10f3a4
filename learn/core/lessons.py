"""What is remembered of an incident: one sentence for people, flat metadata for the vector memory. Pure."""

from __future__ import annotations

from kfix.incident.fix_record import result_with_feedback
from kfix.texts import in_language, language_of, say
from schemas.context import OutcomeResult
from schemas.merge_requests import Proposal
from schemas.outcomes import Outcome
from schemas.text import cut

_SAID: dict[OutcomeResult, str] = {
    "success": "learn.lesson.success",
    "partial": "learn.lesson.partial",
    "failure": "learn.lesson.failure",
    "rejected": "learn.lesson.rejected",
}
#: Characters of a lesson; Pinecone holds 40 KB of metadata a record, people read one line.
_LIMIT = 400


def lesson(proposal: Proposal, result: OutcomeResult, why: str, language: str) -> str:
    """One sentence: what was tried, for what, what happened."""
    about = {
        "title": proposal.plan.fix_kind.replace("_", " ").capitalize(),
        "failure": proposal.analysis.failure_class.replace("_", " "),
        "kind": proposal.plan.workload_kind,
    }
    text_id = _SAID.get(result)
    if text_id is None:
        said = say("learn.lesson.expired", **about)
    elif result == "rejected" and not why:
        said = say("learn.lesson.rejected_silently", **about)
    else:
        said = say(text_id, why=why, **about)
    return cut(in_language(said, language_of(language)), _LIMIT)


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
        "cluster": proposal.context.cluster,
        "at": outcome.occurred_at.isoformat(),
        "url": url,
    }
