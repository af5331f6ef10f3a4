"""A merged fix did not hold: the alert that it was for is gathered for once more. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from kfix.texts import say
from schemas.alerts import Alert, RawAlert
from schemas.context import (
    AttemptedChange,
    ContextBundle,
    FailedAttempt,
    KubernetesContext,
    Pattern,
    SourceStatus,
)
from schemas.identity import stable_id
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan
from schemas.text import again


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert that was gathered for, masked, with the identities that it had then."""

    delivery_id: str
    cycle: str
    trouble: str
    alerted_at: datetime
    alert: Alert


def kept(bundle: ContextBundle) -> KeptAlert | None:
    """What is kept of a bundle's alert; ``None`` for one that nothing is done about, and for a second gathering."""
    done = bundle.withheld.kind or bundle.retry_of or bundle.alert.state == "resolved"
    if done or not bundle.trace_id:
        return None
    return KeptAlert(bundle.trace_id, bundle.cycle, bundle.trouble, bundle.alerted_at, bundle.alert)


def asked_again(known: KeptAlert, now: datetime) -> RawAlert:
    """The alert as if it came now: what is read for it is of now."""
    # Alerts of records of the first version name no source: the record's own default is theirs.
    named = {"source": known.alert.source} if known.alert.source else {}
    return RawAlert(
        **named,
        event_id=known.delivery_id,
        trace_id=known.delivery_id,
        occurred_at=now,
        body_sha256=hashlib.sha256(b"").hexdigest(),
        body=b"",
        alert=known.alert.model_copy(update={"happened_at": now}),
    )


def retried(bundle: ContextBundle, known: KeptAlert, outcome: Outcome) -> ContextBundle:
    """The evidence of now under the alert's identities of then. One ``event_id`` for each attempt that failed."""
    failed = pattern_of(outcome)
    others = [p for p in bundle.failed_patterns if p.incident_id != outcome.incident_id]
    return bundle.model_copy(
        update={
            "event_id": _event_id(outcome),
            "trace_id": outcome.trace_id,
            "retry_of": outcome.incident_id,
            "failed_attempt": attempt_of_outcome(outcome),
            "failed_patterns": (failed, *others) if failed else tuple(others),
            "alerted_at": known.alerted_at,
            "cycle": known.cycle,
            "trouble": known.trouble,
        }
    )


def forgotten(outcome: Outcome, now: datetime) -> ContextBundle:
    """The bundle where the alert is not kept any more: no evidence, and the source that says so."""
    status = SourceStatus(
        name=ALERT, state="missing", reason=say("enrich.alert_not_kept"), why="absent"
    )
    return ContextBundle(
        event_id=_event_id(outcome),
        trace_id=outcome.trace_id,
        occurred_at=now,
        alert=Alert(labels=outcome.tags, state="firing"),
        retry_of=outcome.incident_id,
        failed_attempt=attempt_of_outcome(outcome),
        alerted_at=outcome.merged_at or now,
        cycle=stable_id("cy", outcome.incident_id),
        service=outcome.object.name,
        k8s_context=KubernetesContext(namespace=outcome.object.namespace, subject=outcome.object),
        sources=(status,),
    )


#: The source that is missing where the alert itself is not kept any more.
ALERT = "alert"


def _event_id(outcome: Outcome) -> str:
    return stable_id("ctx", "retry", outcome.incident_id)


def attempt_of_outcome(outcome: Outcome) -> FailedAttempt:
    """What did not hold."""
    plan, ref = outcome.plan, outcome.merge_request
    return FailedAttempt(
        incident_id=outcome.incident_id,
        fingerprint=outcome.fingerprint,
        fix_kind=plan.fix_kind if plan else "",
        title=again(plan.title, plan.title_text) if plan else "",
        changes_hash=plan.changes_hash if plan else "",
        revert_hash=_revert_hash(plan) if plan else "",
        changes=_changes(plan) if plan else (),
        iid=ref.iid if ref else 0,
        url=ref.url if ref else "",
        merged_at=outcome.merged_at,
        checked_at=outcome.checked_at,
        explanation=again(outcome.explanation, outcome.explanation_text),
    )


def pattern_of(outcome: Outcome) -> Pattern | None:
    """The failed fix as a pattern, as the memory would tell it."""
    plan = outcome.plan
    if plan is None:
        return None
    return Pattern(
        incident_id=outcome.incident_id,
        failure_class=outcome.failure_class,
        fix_kind=plan.fix_kind,
        workload_kind=plan.workload_kind,
        object_key=outcome.object.key,
        changes_hash=plan.changes_hash,
        result="failure",
        summary=plan.title,
        cluster=outcome.cluster,
    )


def _revert_hash(plan: ActionPlan) -> str:
    back = {"kubernetes_changes": plan.rollback_changes}
    return plan.model_copy(update=back).changes_hash if plan.rollback_changes else ""


def _changes(plan: ActionPlan) -> tuple[AttemptedChange, ...]:
    return tuple(
        AttemptedChange(
            object_key=change.object.key, path=field.path, before=field.before, after=field.after
        )
        for change in plan.kubernetes_changes
        for field in change.fields
    )
