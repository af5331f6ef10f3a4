"""A sample incident as publish gets it, and a repository to publish into."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from manifests import EditRefused, propose
from schemas.base import ObjectRef
from schemas.context import Pattern, SimilarIncident
from schemas.plans import (
    ActionPlan,
    Analysis,
    Evidence,
    FieldChange,
    IncidentContext,
    KubernetesChange,
)
from schemas.validated import CheckResult, ValidatedPlan, ValidatedPlans

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
OBJECT = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="checkout")
CPU = "spec.template.spec.containers[name=app].resources.limits.cpu"
MANIFEST = """\
# checkout takes the money
apiVersion: apps/v1
kind: Deployment
metadata:
  name: checkout
  namespace: shop
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: app
        image: registry.example.com/checkout:1.8.2
        resources:
          requests: {cpu: 250m, memory: 256Mi}
          limits:
            cpu: 500m   # was enough once
            memory: 512Mi
"""
FILES = {"apps/checkout/deploy.yaml": MANIFEST, "apps/cart/deploy.yaml": "a: 2\n"}


def change(after: str, before: str = "500m") -> KubernetesChange:
    return KubernetesChange(
        object=OBJECT, fields=(FieldChange(path=CPU, before=before, after=after),)
    )


def plan(after: str = "900m", **fields: Any) -> ActionPlan:
    return ActionPlan(
        plan_id=f"plan-{after}",
        title="Raise the CPU limit",
        fix_kind="set_cpu",
        confidence=0.85,
        justification="The container is throttled 42 % of the time at its limit of 500m.",
        kubernetes_changes=(change(after),),
        rollback_changes=(change("500m", after),),
        rollback_plan="Set the limit back to 500m.",
        estimated_time="2-3 minutes",
        risks=("Higher cost",),
        evidence=("e1",),
    ).model_copy(update=fields)


def validated(after: str = "900m", *, base_commit: str = "", **fields: Any) -> ValidatedPlan:
    chosen = plan(after, **fields)
    edits = propose(
        FILES,
        chosen.kubernetes_changes,
        environment="production",
        project="shop/deployments",
        ref="main",
        base_commit=base_commit,
    )
    assert not isinstance(edits, EditRefused), edits
    return ValidatedPlan(
        plan=chosen,
        accepted=True,
        edits=tuple(edits),
        checks=(
            CheckResult(
                name="resource_quota",
                verdict="pass",
                reason="4.2 of 8 cores used, 5.4 after",
                numbers={"used": "4200m", "hard": "8", "after": "5400m"},
            ),
            CheckResult(name="server_dry_run", verdict="pass", reason="the server takes it"),
            CheckResult(name="historical_failures", verdict="unknown", reason="no history"),
        ),
    )


def of_its_own(made: ValidatedPlans, number: int) -> ValidatedPlans:
    """The same for an incident with a change of its own: lines that are proposed already are proposed once."""
    first = made.plans[0]
    other = validated(f"{900 + number}m", base_commit=first.edits[0].base_commit)
    changed = first.model_copy(update={"plan": other.plan, "edits": other.edits})
    recommended = other.plan.plan_id if made.recommended == first.plan.plan_id else made.recommended
    return made.model_copy(update={"plans": (changed, *made.plans[1:]), "recommended": recommended})


def record(**fields: Any) -> ValidatedPlans:
    first = validated(base_commit=fields.pop("base_commit", ""))
    other = validated("700m").model_copy(update={"accepted": False, "rejected_by": ("node_fit",)})
    return ValidatedPlans(
        event_id="val-1",
        trace_id="trace-1",
        occurred_at=NOW,
        incident_id="inc-0123456789abcdef",
        fingerprint="fp-1",
        status="solution_proposed",
        context=IncidentContext(
            cluster="eu-1",
            namespace="shop",
            environment="production",
            service="checkout",
            team="payments",
            alert_title="[Triggered on {kube_deployment:checkout}] CPU throttling is high",
            alerted_at=NOW,
            links={"Monitor": "https://app.datadoghq.eu/monitors/42"},
            baseline={"throttled_ratio": 0.42, "latency_p95_ms": 870.0},
            successful_patterns=(
                Pattern(
                    incident_id="inc-a",
                    failure_class="cpu_throttling",
                    fix_kind="set_cpu",
                    result="success",
                ),
            ),
            similar_incidents=(
                SimilarIncident(
                    incident_id="inc-a",
                    similarity=0.91,
                    title="CPU throttling",
                    result="success",
                    lesson="Raise to the measured peak, not to the double.",
                ),
            ),
        ),
        analysis=Analysis(
            failure_class="cpu_throttling",
            object=OBJECT,
            root_cause="The CPU limit is below what checkout needs at peak",
            severity="high",
            confidence=0.9,
            evidence=(
                Evidence(
                    id="e1",
                    source="metric",
                    statement="CPU throttled periods over the last 30 minutes",
                    value=0.42,
                    unit="ratio",
                    link="https://app.datadoghq.eu/metric/explorer",
                ),
                Evidence(id="e2", source="log", statement="GET /pay took 2300 ms"),
            ),
        ),
        plans=(first, other),
        recommended=first.plan.plan_id,
    ).model_copy(update=fields)
