"""As many replicas as there is room for, and what the cluster has of a workload that is rolled out."""

from __future__ import annotations

from decide.core.drafting.drafts import FEWER, ROLLING, Phrase, PlanDraft, patch
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.rollouts.reading import Beside
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
    """The workload with ``count`` replicas, those that run already: fewer than are declared."""
    return PlanDraft(
        fix_kind="set_replicas",
        title=say("drafting.replicas", n=count, workload=workload.name),
        why=why,
        changes=patch(view, workload.ref, workload.obj, [("spec.replicas", count)]),
        weight=weight,
        risks=[say("drafting.risk.gives_up_replicas", n=workload.desired), FEWER],
        time=time,
    )


def beside(view: ClusterView, workload: Workload) -> Beside:
    """The workload's ReplicaSets or revisions, and its pods."""
    space = workload.namespace
    return Beside(
        replicasets=list(view.inside("replicasets", space)),
        revisions=list(view.inside("controllerrevisions", space)),
        pods=[pod.obj for pod in workload.pods],
    )
