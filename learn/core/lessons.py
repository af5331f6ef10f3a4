"""What is remembered of an incident: one sentence for people, flat metadata for the vector memory. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kfix.incident import judgements
from kfix.incident.fix_record import result_with_feedback
from kfix.incident.judgements import one_line
from kfix.texts import in_language, language_of, say
from learn.core.people import lesson_json, people_json
from schemas.context import OutcomeResult
from schemas.feedback import Feedback
from schemas.merge_requests import Proposal
from schemas.outcomes import Outcome
from schemas.text import Said, cut

_SAID: dict[OutcomeResult, str] = {
    "success": "learn.lesson.success",
    "partial": "learn.lesson.partial",
    "failure": "learn.lesson.failure",
    "rejected": "learn.lesson.rejected",
}
#: Characters of a lesson; Pinecone holds 40 KB of metadata a record, people read a line or two.
_LIMIT = 400
#: Characters of a name and of a person's words in it.
_NAME, _WORDS = 40, 100


def lesson(
    proposal: Proposal,
    result: OutcomeResult,
    why: str,
    language: str,
    feedback: Sequence[Feedback] = (),
) -> str:
    """What was tried, for what, what was found, what people say of it, and which of the two counts.

    ``result`` is the measured one. Where people judged, the sentence names the measurement, their judgement and what
    counts after ``result_with_feedback``, so that it never says one thing and counts as another.
    """
    base = _judged if _judges(result, feedback) else _found
    said = base(proposal, result, why, feedback)
    if len(said) > _LIMIT:  # the explanation gives way, not what people said
        said = base(proposal, result, _shortened(why, len(said) - _LIMIT), feedback)
    told = in_language(said, language_of(language))
    return told if len(told) <= _LIMIT else cut(str(told), _LIMIT)


def _judges(result: OutcomeResult, feedback: Sequence[Feedback]) -> bool:
    """Does a judgement stand beside a measurement?"""
    measured = result in ("success", "partial", "failure")
    return measured and bool(judgements.standing(feedback))


def _judged(
    proposal: Proposal, result: OutcomeResult, why: str, feedback: Sequence[Feedback]
) -> Said:
    """A measured fix that people judged: both, and what counts."""
    counts = result_with_feedback(result, feedback)
    doubted = "_in_doubt" if judgements.on_the_cause(feedback) is not None else ""
    return say(
        "learn.lesson.judged",
        **_about(proposal),
        measured=say(f"learn.measured.{result}"),
        people=_people(feedback),
        counts=say(f"learn.counts.{counts}{doubted}"),
        why=why,
    )


def _found(
    proposal: Proposal, result: OutcomeResult, why: str, feedback: Sequence[Feedback]
) -> Said:
    """What was found, and after it what people said."""
    text_id = _SAID.get(result)
    if text_id is None:
        found = say("learn.lesson.expired", **_about(proposal))
    elif result == "rejected" and not why:
        found = say("learn.lesson.rejected_silently", **_about(proposal))
    else:
        found = say(text_id, why=why, **_about(proposal))
    people = _people(feedback)
    return say("learn.lesson.with_words", lesson=found, people=people) if people else found


def _about(proposal: Proposal) -> dict[str, str]:
    return {
        "title": proposal.plan.fix_kind.replace("_", " ").capitalize(),
        "failure": proposal.analysis.failure_class.replace("_", " "),
        "kind": proposal.plan.workload_kind,
    }


def _people(feedback: Sequence[Feedback]) -> list[Said]:
    """At most three sentences: the judgements that decide, and the newest words beside them."""
    deciding = [judgements.on_the_fix(feedback), judgements.on_the_cause(feedback)]
    judged = [one for one in deciding if one is not None]
    if not judged:  # somebody confirmed the cause and judged nothing else
        judged = judgements.standing(feedback)[-1:]
    words = [one for one in feedback if one.text and judgements.verdict_of(one) is None][-1:]
    shown = sorted({id(one): one for one in (*judged, *words)}.values(), key=_time_in(feedback))
    return [_sentence(one) for one in shown]


def _time_in(feedback: Sequence[Feedback]) -> Callable[[Feedback], int]:
    return lambda one: next(at for at, other in enumerate(feedback) if other is one)


def _sentence(one: Feedback) -> Said:
    """One person's judgement with its words, or the words alone."""
    name = one_line(one.author, _NAME) or say("learn.somebody")
    who = say("learn.who", name=name, role=say(f"learn.role.{one.role}")) if one.role else name
    words = one_line(one.text, _WORDS)
    verdict = judgements.verdict_of(one)
    if verdict is None:
        return say("learn.words", who=who, words=words)
    about = f"_{one.about}" if verdict == "bad" and one.about else ""
    says = say(f"learn.says.{verdict}{about}", who=who)
    return say("learn.says_with_words", says=says, words=words) if words else says


def _shortened(why: str, by: int) -> str:
    return f"{why[: max(0, len(why) - by - 1)]}…"


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
        "lesson_text": lesson_json(outcome),
        "people": people_json(outcome.feedback),
        "environment": proposal.context.environment,
        "cluster": proposal.context.cluster,
        "at": outcome.occurred_at.isoformat(),
        "url": url,
    }
