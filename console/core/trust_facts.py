"""What records tell of an attempt at an incident, so that it can be put together in any order. Pure.

Each fact is a value with the order in which it counts; of two words on the same fact the one of the higher order stays.
Putting facts together is therefore commutative, associative and idempotent: order and repeats of records change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from console.core.story import attempt_named
from kfix.incident import judgements
from kfix.incident.trust.figures import ModelUse
from kfix.incident.trust.fixes import FixFacts
from schemas.base import Json, Record
from schemas.dead_letters import DeadLetter
from schemas.feedback import Feedback
from schemas.identity import attempt_of, taken_back_by
from schemas.merge_requests import MergeRequestEvent, Proposal
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan, Analysis, CandidatePlans, IncidentContext
from schemas.validated import ValidatedPlans

#: Name to [order, value]; orders of one name are lists of the same types.
Facts = dict[str, list[Any]]
#: Characters of texts that are kept.
_TITLE = 200
#: What counts as a word on the decision or on what it is about: higher outranks lower whatever its time.
_OUTCOME, _CANDIDATE, _VALIDATED, _PROPOSED = range(4)


def attempt_named_by(record: Record) -> str:
    """The id of the attempt that a record tells of; empty where it tells of none. A revert's is its attempt's."""
    return taken_back_by(attempt_named(record))


def facts_of(record: Record) -> Facts:
    """What one record tells; empty where it tells nothing."""
    if attempt_of(attempt_named(record)).revert:
        return _of_revert(record)
    if isinstance(record, CandidatePlans | ValidatedPlans):
        return _of_decision(record)
    if isinstance(record, MergeRequestEvent):
        return _of_event(record)
    if isinstance(record, Outcome):
        return _of_outcome(record)
    if isinstance(record, DeadLetter):
        return {"given_up": [[0], True]} | _heard(record)
    return {}


def together(one: Mapping[str, list[Any]], other: Mapping[str, list[Any]]) -> Facts:
    """Both; neither is changed."""
    return {
        name: max((said for said in (one.get(name), other.get(name)) if said), key=_order)
        for name in one.keys() | other.keys()
    }


def model_use_of(record: Record) -> ModelUse | None:
    """What a record's decision asked of a model; ``None`` for nothing. Told by ``plans.candidate`` alone."""
    if not isinstance(record, CandidatePlans) or not record.second_opinion.model_calls:
        return None
    said = record.second_opinion
    return ModelUse(
        f"{said.provider}/{said.model}", said.model_calls, said.input_tokens, said.output_tokens
    )


def fix_of(incident_id: str, facts: Mapping[str, list[Any]]) -> FixFacts:
    """The attempt as all these facts tell it."""
    about: dict[str, str] = _value(facts, "about") or {}
    status, reason = _decided(facts)
    recovered, alerted = _at(facts, "recovered_at"), _at(facts, "last_alert_at")
    closed = _value(facts, "closed")
    return FixFacts(
        incident_id,
        attempt_of(incident_id).incident_id,
        _at(facts, "alerted_at") or _at(facts, "heard_at") or datetime.fromtimestamp(0, UTC),
        status,
        reason,
        **about,
        opened_at=_at(facts, "opened_at"),
        merged_at=_at(facts, "merged_at"),
        closed_at=_at(facts, "closed") if closed == "closed" else None,
        recovered_at=recovered if recovered and (not alerted or recovered >= alerted) else None,
        reverted_at=_at(facts, "reverted_at"),
        came_back_at=_at(facts, "came_back_at"),
        result=_value(facts, "result") or "",
        judgement=_value(facts, "judgement") or "",
        wrong_cause=bool(_value(facts, "wrong_cause")),
    )


def _decided(facts: Mapping[str, list[Any]]) -> tuple[str, str]:
    declined, decision = _value(facts, "declined"), _value(facts, "decision")
    if declined is not None and (decision is None or decision[0] == "solution_proposed"):
        return "declined", str(declined)
    if decision is not None:
        return str(decision[0]), str(decision[1])
    return ("given_up", "") if _value(facts, "given_up") else ("investigating", "")


def _of_decision(record: CandidatePlans | ValidatedPlans) -> Facts:
    alerted = record.context.alerted_at
    if record.role == "recovery":
        return {"recovered_at": _last(alerted)} | _heard(record)
    validated = isinstance(record, ValidatedPlans)
    rank = _VALIDATED if validated else _CANDIDATE
    order = [rank, record.status == "solution_proposed", *_when(record)]
    plan: ActionPlan | None
    if isinstance(record, ValidatedPlans):
        plan = next((p.plan for p in record.plans if p.plan.plan_id == record.recommended), None)
    else:
        plan = next(iter(record.plans), None)
    return {
        "alerted_at": _first(alerted),
        "last_alert_at": _last(alerted),
        "decision": [order, [record.status, record.reason]],
        "about": [order, _about(record.context, record.analysis, plan)],
    } | _heard(record)


def _of_event(record: MergeRequestEvent) -> Facts:
    found = _heard(record)
    if record.proposal is not None and record.action in ("opened", "updated"):
        order = [_PROPOSED, True, *_when(record)]
        found["about"] = [order, _about_proposal(record.proposal)]
        found["alerted_at"] = _first(record.proposal.context.alerted_at)
    if record.action == "opened":
        found["opened_at"] = _first(record.occurred_at)
    elif record.action == "merged":
        found["merged_at"] = _first(record.merged_at or record.occurred_at)
    elif record.action in ("closed", "reopened"):
        found["closed"] = [_when(record), record.action]
    elif record.action == "declined":
        found["declined"] = [_when(record), record.why or record.reason]
    elif record.action == "feedback" and record.feedback is not None:
        found |= _judged([record.feedback], record)
    return found


def _of_outcome(record: Outcome) -> Facts:
    found = _heard(record) | _judged(record.feedback, record)
    if not record.is_late:  # nothing was measured yet
        found["result"] = [_when(record), record.result]
    if record.merged_at is not None:
        found["merged_at"] = _first(record.merged_at)
    if record.came_back_at is not None:
        found["came_back_at"] = _first(record.came_back_at)
    plan = record.plan
    about = {
        "failure_class": record.failure_class,
        "object_key": record.object.key,
        "workload_kind": plan.workload_kind if plan else "",
        "fix_kind": plan.fix_kind if plan else "",
    }
    return found | {"about": [[_OUTCOME, True, *_when(record)], about]}


def _of_revert(record: Record) -> Facts:
    if isinstance(record, MergeRequestEvent) and record.action == "merged":
        return {"reverted_at": _first(record.merged_at or record.occurred_at)} | _heard(record)
    return {}


def _about_proposal(proposal: Proposal) -> dict[str, str]:
    return _about(proposal.context, proposal.analysis, proposal.plan)


def _about(
    context: IncidentContext, analysis: Analysis | None, plan: ActionPlan | None
) -> dict[str, str]:
    return {
        "failure_class": analysis.failure_class if analysis else "",
        "object_key": analysis.object.key if analysis else "",
        "workload_kind": plan.workload_kind if plan else "",
        "fix_kind": plan.fix_kind if plan else "",
        "cluster": context.cluster,
        "environment": context.environment,
        "monitor": str(context.monitor_id) if context.monitor_id is not None else "",
        "title": context.alert_title[:_TITLE],
    }


def _judged(feedback: Sequence[Feedback], record: Record) -> Facts:
    """What people judge of the fix and of its cause; words alone are no judgement."""
    found: Facts = {}
    on_the_fix = judgements.on_the_fix(feedback)
    if on_the_fix is not None:
        verdict = judgements.verdict_of(on_the_fix)
        found["judgement"] = [_when(record), verdict]
        if verdict == "good":
            found["wrong_cause"] = [_when(record), False]
    if judgements.on_the_cause(feedback) is not None:
        found["wrong_cause"] = [_when(record), True]
    return found


def _heard(record: Record) -> Facts:
    return {"heard_at": _first(record.occurred_at)}


def _when(record: Record) -> list[Json]:
    """By time, and among records of one moment by id."""
    return [record.occurred_at.timestamp(), record.event_id]


def _first(at: datetime) -> list[Any]:
    return [[-at.timestamp()], None]


def _last(at: datetime) -> list[Any]:
    return [[at.timestamp()], None]


def _at(facts: Mapping[str, list[Any]], name: str) -> datetime | None:
    """The time in a fact's order."""
    said = facts.get(name)
    return None if said is None else datetime.fromtimestamp(abs(said[0][0]), UTC)


def _value(facts: Mapping[str, list[Any]], name: str) -> Any:
    said = facts.get(name)
    return None if said is None else said[1]


def _order(said: list[Any]) -> Any:
    return said[0]
