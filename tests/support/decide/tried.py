"""Plans, trials and outcomes for tests of what outcomes change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from decide.core.experience.trials import FaredTrial, KnownTrial, spec_of
from schemas.base import Json, ObjectRef
from schemas.context import OutcomeResult
from schemas.merge_requests import Feedback
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan, FieldChange, FixKind, KubernetesChange

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WEB = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")
LIMIT = "spec.template.spec.containers[name=web].resources.limits.memory"


def plan(
    kind: FixKind = "set_memory",
    *,
    before: Json = "256Mi",
    after: Json = "384Mi",
    path: str = LIMIT,
    target: ObjectRef = WEB,
    confidence: float = 0.7,
    name: str = "",
) -> ActionPlan:
    """A plan that changes one field."""
    change = KubernetesChange(
        object=target, fields=(FieldChange(path=path, before=before, after=after),)
    )
    return ActionPlan(
        plan_id=name or f"plan-{kind}",
        title=f"{kind} {after}",
        fix_kind=kind,
        confidence=confidence,
        justification="It is too small.",
        kubernetes_changes=(change,),
    )


def fared(
    incident: str, result: OutcomeResult, kind: str = "set_memory", *, days: float = 0, **other: str
) -> FaredTrial:
    """A trial of a Deployment in production that ended so many days ago."""
    where = {"workload_kind": "Deployment", "environment": "production", **other}
    ended = NOW - timedelta(days=days)
    return FaredTrial(incident_id=incident, result=result, fix_kind=kind, ended_at=ended, **where)


def known(
    incident: str, of: ActionPlan, *, failed: bool = True, days: float = 0, cluster: str = "prod"
) -> KnownTrial:
    """A trial of this plan that failed, or waits."""
    return KnownTrial(
        incident_id=incident,
        plan_id=of.plan_id,
        fix_kind=of.fix_kind,
        cluster=cluster,
        object_key=of.kubernetes_changes[0].object.key,
        spec=spec_of(of),
        failed=failed,
        at=NOW - timedelta(days=days),
    )


def outcome(
    incident: str, of: ActionPlan, result: OutcomeResult = "failure", **other: Any
) -> Outcome:
    """How a plan ended in production."""
    at = other.pop("at", NOW)
    values: dict[str, Any] = {
        "event_id": f"out-{incident}-{of.plan_id}-{result}-{at.timestamp()}",
        "occurred_at": at,
        "incident_id": incident,
        "fingerprint": "fp",
        "failure_class": "oom_limit_too_low",
        "object": WEB,
        "cluster": "prod",
        "environment": "production",
        "checked_at": at if result in ("success", "partial", "failure") else None,
    }
    return Outcome(result=result, plan=of, **{**values, **other})


def judged(verdict: Any, author: str = "ada") -> Feedback:
    """A person's word."""
    return Feedback(author=author, verdict=verdict)
