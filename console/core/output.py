"""The mission's complete output of an incident, as JSON. Pure."""

from __future__ import annotations

from typing import Any

from console.core import places
from console.core.listing import merge_state_of
from console.core.story import IncidentStory, ToldAttempt, timeline
from kfix.incident.fix_life import FixLife
from manifests.proposal.by_hand import by_hand
from schemas.base import Json
from schemas.merge_requests import MergeRequestRef
from schemas.outcomes import Outcome
from schemas.text import plain_json
from schemas.validated import CheckResult, ValidatedPlan


def complete(story: IncidentStory) -> dict[str, Json]:
    """Everything known of the incident; parts that do not exist yet are empty or ``None``."""
    bundle, decision, request = story.bundle, story.decision, story.merge_request
    started = min((m.at for m in timeline(story)), default=None)
    best, plans = story.recommended, story.plans
    return {
        "incident_id": story.incident_id,
        "timestamp": started.isoformat() if started else None,
        "status": story.status,
        **_life(story),
        "reason": decision.reason if decision else "",
        "explanation": story.explanation,
        "next_steps": [plain_json(step) for step in story.next_steps],
        "context_bundle": plain_json(bundle) if bundle else None,
        "ai_analysis": _analysis(story),
        "recommended_action": _plan(best) if best else None,
        "alternative_actions": [_plan(p) for p in (plans[1:] if best else plans)],
        "safety_checks": _checks(story),
        "environment": places.environment(story),
        "cluster": places.cluster(story),
        "diff": story.diff,
        "gitlab_mr": _request(request, story.merge_state),
        "slack_notification": _notified(story, "slack"),
        "teams_notification": _notified(story, "teams"),
        "learning": _learning(story),
        "outcome": _outcome(story.outcome),
        "second_opinion": plain_json(decision.second_opinion) if decision else None,
        "timeline": [
            {
                "at": m.at.isoformat(),
                "topic": m.topic,
                "kind": m.kind,
                "text": m.text,
                "attempt": m.attempt,
            }
            for m in timeline(story)
        ],
    }


def _life(story: IncidentStory) -> dict[str, Json]:
    """Where the incident stands since when, every state before, and all attempts at it."""
    attempts = story.attempts
    now = attempts[-1].life.life
    return {
        "state": now.state,
        "state_since": now.since.isoformat() if now.since else None,
        "alert_over_at": now.alert_over_at.isoformat() if now.alert_over_at else None,
        "states": _states(now),
        "attempts": [_attempt(attempt) for attempt in attempts],
    }


def _states(life: FixLife) -> list[Json]:
    return [
        {"state": s.state, "at": s.at.isoformat(), "by": s.by, "because": s.word}
        for s in life.steps
    ]


def _attempt(attempt: ToldAttempt) -> dict[str, Json]:
    records, life = attempt.records, attempt.life
    tried, back = records.recommended, records.revert_request
    return {
        "incident_id": life.incident_id,
        "number": life.number,
        "state": life.life.state,
        "states": _states(life.life),
        "action": _plan(tried) if tried else None,
        "diff": records.diff,
        "gitlab_mr": _request(records.merge_request, merge_state_of(life.life)),
        "outcome": _outcome(records.outcome),
        "revert": (
            {
                "state": life.revert.state,
                "states": _states(life.revert),
                "gitlab_mr": _request(back, merge_state_of(life.revert)),
            }
            if life.revert
            else None
        ),
    }


def _request(ref: MergeRequestRef | None, state: str) -> Json:
    if ref is None:
        return None
    return {
        "url": ref.url,
        "branch": ref.branch,
        "project": ref.project,
        "iid": ref.iid,
        "state": state,
    }


def _analysis(story: IncidentStory) -> Json:
    analysis = story.analysis
    if analysis is None:
        return None
    found: dict[str, Any] = plain_json(analysis)
    found["object"] = analysis.object.key
    found["hypotheses"] = [{**plain_json(h), "object": h.object.key} for h in analysis.hypotheses]
    return found


def _plan(plan: ValidatedPlan) -> dict[str, Json]:
    return {
        **plan.plan.mission_json(),
        "by_hand": "" if plan.edits else by_hand(plan.plan.kubernetes_changes),
        "accepted": plan.accepted,
        "rejected_by": list(plan.rejected_by),
        "safety_checks": {check.name: _check(check) for check in plan.checks},
    }


def _check(check: CheckResult) -> dict[str, Json]:
    return {"verdict": check.verdict, "reason": check.reason, "numbers": dict(check.numbers)}


def _checks(story: IncidentStory) -> dict[str, Json]:
    checks: dict[str, Json] = {check.name: _check(check) for check in story.checks}
    if story.decision is not None and story.plans:
        checks["passed"] = bool(story.decision.recommended)
    return checks


def _notified(story: IncidentStory, channel: str) -> Json:
    sent = [n for n in story.notifications if n.channel == channel]
    if not sent:
        return None
    first = next((n for n in sent if n.sent), sent[0])
    return {
        "channel": first.target,
        "message_ts": first.message_id,
        "sent": first.sent,
        "reason": first.reason,
    }


def _learning(story: IncidentStory) -> dict[str, Json]:
    bundle, outcome = story.bundle, story.outcome
    analysis = story.analysis
    return {
        "similar_incidents_found": len(bundle.similar_incidents) if bundle else 0,
        "confidence_score": analysis.confidence if analysis else None,
        "vector_db_stored": bool(outcome and outcome.vector_db_stored),
        "outcome": outcome.result if outcome else None,
        "lesson": outcome.lesson if outcome else "",
    }


def _outcome(outcome: Outcome | None) -> Json:
    if outcome is None:
        return None
    found = plain_json(outcome)
    shown = {name: value for name, value in found.items() if name not in ("plan", "tags")}
    return {**shown, "object": outcome.object.key}
