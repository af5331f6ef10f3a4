"""Records of one made-up incident, from the alert to its outcome, for the console's tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from schemas.alerts import Alert, RawAlert
from schemas.base import ObjectRef, Record
from schemas.context import (
    Change,
    ContextBundle,
    KubernetesContext,
    LogExcerpt,
    Series,
    SimilarIncident,
    SourceStatus,
)
from schemas.identity import next_attempt, revert_of
from schemas.merge_requests import (
    MergeRequestAction,
    MergeRequestEvent,
    MergeRequestRef,
    Notification,
)
from schemas.outcomes import Measurement, Outcome
from schemas.plans import (
    ActionPlan,
    Analysis,
    CandidatePlans,
    Evidence,
    FieldChange,
    Hypothesis,
    IncidentContext,
    KubernetesChange,
    SecondOpinion,
)
from schemas.validated import CheckResult, FileEdit, ValidatedPlan, ValidatedPlans

AT = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
INCIDENT = "inc-20260301-0a1b2c3d"
TRACE = "trace-1"
OBJECT = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="cart")
DIFF = """--- a/apps/cart.yaml
+++ b/apps/cart.yaml
@@ -10,3 +10,3 @@
   resources:
-    limits: {memory: 256Mi}
+    limits: {memory: 384Mi}
"""


def full(outside: Callable[[str], str] = lambda text: text) -> list[Record]:
    """All records in order. ``outside`` is applied to every text that comes from outside."""
    return [
        _alert(outside),
        _bundle(outside),
        *_decisions(outside),
        *_events(outside),
        _outcome(outside),
    ]


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def _alert(outside: Callable[[str], str]) -> RawAlert:
    alert = Alert(
        notification_id="7",
        state="firing",
        title=outside("[Triggered] cart restarts"),
        happened_at=AT,
    )
    return RawAlert(
        event_id="dd-1",
        trace_id=TRACE,
        occurred_at=AT,
        body_sha256="0" * 64,
        body=b"{}",
        alert=alert,
    )


def _bundle(outside: Callable[[str], str]) -> ContextBundle:
    times = tuple(AT.timestamp() - 3600 + 60 * n for n in range(61))
    return ContextBundle(
        event_id="ctx-1",
        trace_id=TRACE,
        occurred_at=after(0.05),
        alert=Alert(title=outside("cart restarts"), state="firing"),
        alerted_at=AT,
        cycle="cy-1",
        environment="production",
        service=outside("cart"),
        k8s_context=KubernetesContext(namespace="shop", subject=OBJECT),
        logs=(
            LogExcerpt(pod=outside("cart-1"), container="cart", lines=(outside("out of memory"),)),
        ),
        metrics=(
            Series(
                metric=outside("kubernetes.memory.usage"),
                unit="byte",
                timestamps=times,
                values=tuple(2.0**20 * (150 + n) for n in range(61)),
            ),
        ),
        changes=(
            Change(
                kind="commit",
                object=OBJECT,
                at=AT,
                author=outside("ada"),
                summary=outside("cache more"),
            ),
        ),
        similar_incidents=(
            SimilarIncident(
                incident_id="inc-20260101-ffffffff",
                similarity=0.9,
                result="success",
                lesson=outside("it worked"),
            ),
        ),
        sources=(
            SourceStatus(name="kubernetes", state="ok"),
            SourceStatus(name="gitlab", state="missing", reason=outside("no answer")),
        ),
        links={"monitor": "http://127.0.0.1:1/monitors/7"},
    )


def _decisions(outside: Callable[[str], str]) -> list[Record]:
    context = IncidentContext(
        namespace="shop",
        environment="production",
        service=outside("cart"),
        alert_title=outside("cart restarts"),
        alerted_at=AT,
    )
    analysis = Analysis(
        failure_class="oom_killed",
        object=OBJECT,
        root_cause=outside("The container needs more memory than its limit."),
        severity="high",
        confidence=0.93,
        evidence=(Evidence(id="e1", source="log", statement=outside("exit code 137")),),
        hypotheses=(
            Hypothesis(
                failure_class="oom_killed", object=OBJECT, root_cause="memory", confidence=0.93
            ),
            Hypothesis(
                failure_class="memory_leak",
                object=OBJECT,
                root_cause=outside("leak"),
                confidence=0.2,
            ),
        ),
    )
    field = FieldChange(path="spec.x", before=outside("256Mi"), after="384Mi")
    plan = ActionPlan(
        plan_id="plan-1",
        title="Raise memory of cart to 384Mi",
        fix_kind="set_memory",
        confidence=0.9,
        justification=outside("Killed at 256 MiB."),
        kubernetes_changes=(KubernetesChange(object=OBJECT, fields=(field,)),),
        rollback_plan="Back to 256Mi",
        risks=("cost",),
        estimated_time="2-3 minutes",
    )
    edit = FileEdit(
        project="shop/deployments",
        path="apps/cart.yaml",
        ref="main",
        before_sha256="a" * 64,
        after_sha256="b" * 64,
        after="x",
        diff=outside(DIFF),
    )
    good = ValidatedPlan(
        plan=plan,
        accepted=True,
        checks=(
            CheckResult(
                name="resource_quota",
                verdict="pass",
                reason=outside("within quota"),
                numbers={"used": "1Gi of 4Gi"},
            ),
        ),
        edits=(edit,),
    )
    bad = ValidatedPlan(
        plan=plan.model_copy(update={"plan_id": "plan-2", "title": "Raise only the limit"}),
        accepted=False,
        rejected_by=("resource_quota",),
        checks=(CheckResult(name="resource_quota", verdict="fail", reason="too much"),),
    )
    common = {
        "trace_id": TRACE,
        "incident_id": INCIDENT,
        "fingerprint": "fp-1",
        "status": "solution_proposed",
        "context": context,
        "analysis": analysis,
    }
    candidate = CandidatePlans.model_validate(
        {**common, "event_id": "dec-1", "occurred_at": after(0.06), "plans": (plan,)}
    )
    validated = ValidatedPlans.model_validate(
        {
            **common,
            "event_id": "val-1",
            "occurred_at": after(0.1),
            "plans": (bad, good),
            "recommended": "plan-1",
            "second_opinion": SecondOpinion(
                asked=True, provider="mistral", verdict="agreed", summary=outside("yes")
            ),
        }
    )
    return [candidate, validated]


REQUEST = MergeRequestRef(
    project="shop/deployments",
    iid=12,
    url="http://127.0.0.1:1/shop/deployments/-/merge_requests/12",
    branch=f"kfix/incident-{INCIDENT}",
)


def _events(outside: Callable[[str], str]) -> list[Record]:
    told = (Notification(channel="slack", target="#alerts", message_id="1705312200.123456"),)
    common = {"incident_id": INCIDENT, "merge_request": REQUEST}
    opened = {
        "event_id": "mr-1",
        "trace_id": TRACE,
        "occurred_at": after(0.2),
        "action": "opened",
        "notifications": told,
    }
    merged = {
        "event_id": "gl-1",
        "occurred_at": after(5),
        "action": "merged",
        "actor": outside("ada"),
    }
    note = {
        "event_id": "gl-2",
        "occurred_at": after(4),
        "action": "note",
        "text": outside("looks right"),
    }
    return [
        MergeRequestEvent.model_validate({**common, **event}) for event in (opened, merged, note)
    ]


def _outcome(outside: Callable[[str], str]) -> Outcome:
    return Outcome(
        event_id="out-1",
        trace_id=TRACE,
        occurred_at=after(20),
        incident_id=INCIDENT,
        fingerprint="fp-1",
        result="success",
        failure_class="oom_killed",
        object=OBJECT,
        measurements=(Measurement(name="restarts", before=10, after=0, verdict="better"),),
        explanation=outside("2 of 2 pods are ready."),
        lesson=outside("More memory worked."),
        vector_db_stored=True,
    )


SECOND = next_attempt(INCIDENT)
REVERT = revert_of(INCIDENT)


def failed_then_held() -> list[Record]:
    """The sample's fix did not hold: its way back is open, and a second attempt was merged and held."""
    outcome = _outcome(str).model_copy(
        update={
            "result": "failure",
            "explanation": "1 of 2 pods are ready.",
            "merged_at": after(5),
            "checked_at": after(20),
        }
    )
    deployed = _told("dep-1", 6, "deployed", INCIDENT, REQUEST)
    way_back = _request(13, REVERT)
    opened_back = _told("rev-1", 20.2, "revert_opened", INCIDENT, way_back)
    return [
        *full()[:-1],
        deployed,
        outcome,
        opened_back,
        *_again(22),
    ]


def _again(minute: float) -> list[Record]:
    """The second attempt, from its evidence to its outcome."""
    bundle = _bundle(str).model_copy(
        update={"event_id": "ctx-2", "occurred_at": after(minute), "retry_of": INCIDENT}
    )
    candidate, validated = (r for r in _decisions(str))
    assert isinstance(candidate, CandidatePlans)
    assert isinstance(validated, ValidatedPlans)
    better = candidate.plans[0].model_copy(
        update={"plan_id": "plan-3", "title": "Raise memory of cart to 768Mi"}
    )
    shared = {"incident_id": SECOND, "occurred_at": after(minute + 0.1)}
    (good,) = (p for p in validated.plans if p.accepted)
    proven = good.model_copy(update={"plan": better})
    return [
        bundle,
        candidate.model_copy(update={**shared, "event_id": "dec-2", "plans": (better,)}),
        validated.model_copy(
            update={
                **shared,
                "event_id": "val-2",
                "plans": (proven,),
                "recommended": "plan-3",
            }
        ),
        _told("mr-2", minute + 0.2, "opened", SECOND, _request(14, SECOND)),
        _told("gl-3", minute + 3, "merged", SECOND, _request(14, SECOND)),
        _told("dep-2", minute + 4, "deployed", SECOND, _request(14, SECOND)),
        _outcome(str).model_copy(
            update={
                "event_id": "out-2",
                "incident_id": SECOND,
                "occurred_at": after(minute + 20),
                "merged_at": after(minute + 3),
                "checked_at": after(minute + 20),
            }
        ),
    ]


def _request(number: int, attempt: str) -> MergeRequestRef:
    url = f"http://127.0.0.1:1/shop/deployments/-/merge_requests/{number}"
    branch = f"kfix/incident-{attempt}"
    return MergeRequestRef(project="shop/deployments", iid=number, url=url, branch=branch)


def _told(
    event_id: str, minute: float, action: MergeRequestAction, attempt: str, request: MergeRequestRef
) -> MergeRequestEvent:
    return MergeRequestEvent(
        event_id=event_id,
        trace_id=TRACE,
        occurred_at=after(minute),
        incident_id=attempt,
        action=action,
        merge_request=request,
        actor="ada" if action == "merged" else "",
        merged_at=after(minute) if action == "merged" else None,
    )
