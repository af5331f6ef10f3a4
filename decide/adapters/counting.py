"""Decisions, counted for operators by what they come to and by cluster."""

from __future__ import annotations

from kfix.incident.cluster_names import Fleet
from kfix.infra.telemetry import metrics
from schemas.plans import CandidatePlans


def counted(decision: CandidatePlans, fleet: Fleet) -> CandidatePlans:
    """The decision, once it is counted. Any cluster that is not ours is ``other``."""
    cluster = fleet.label(decision.context.claim, decision.context.cluster)
    metrics.DECISIONS.labels(decision.status, cluster).inc()
    return decision
