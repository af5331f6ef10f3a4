"""As many replicas as there is room for."""

from __future__ import annotations

from decide.core.drafting.drafts import FEWER, ROLLING, Phrase, PlanDraft, patch
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.workloads import Workload


def as_many_as_fit(
    view: ClusterView,
    workload: Workload,
    count: int,
    *,
    why: str,
    weight: float,
    time: Phrase = ROLLING,
) -> PlanDraft:
    """The workload with ``count`` replicas, those that run already."""
    return PlanDraft(
        fix_kind="set_replicas",
        title=say("drafting.replicas", n=count, workload=workload.name),
        why=why,
        changes=patch(view, workload.ref, workload.obj, [("spec.replicas", count)]),
        weight=weight,
        risks=[FEWER],
        time=time,
    )
