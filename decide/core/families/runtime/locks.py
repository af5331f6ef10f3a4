"""Files that only one process may hold: a new pod waits for the lock of the old one, or of its siblings. Pure.

Where nothing else can hold it the lock was left behind: whether the data is whole then, only people can tell.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.drafting.drafts import FEWER, RESTART, PlanDraft, because, exchange, patch
from decide.core.families.runtime.facts import HeldLock
from decide.core.families.startup.rules import claim_volumes, suffering
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Pod
from manifests.objects.shapes import at, mapping


def find(view: ClusterView) -> Iterator[Finding[HeldLock]]:
    """Programs that say that another process holds their files."""
    for workload in view.workloads:
        told = [h for h in view.hits(workload) if h.signal == "lock_held"]
        sick = [
            (p, c) for p, c in suffering(workload) if any(h.container in ("", c.name) for h in told)
        ]
        if not told or not sick:
            continue
        names = {pod.name for pod, _ in sick}
        holder = next((p for p in workload.pods if p.name not in names and _runs(p)), None)
        shared = bool(claim_volumes(workload))
        line = Fact(source="log", statement=quote(told[-1].line), object=workload.ref)
        yield Finding(
            failure_class="file_lock_held",
            object=workload.ref,
            score=0.95 if holder is not None and shared else 0.86,
            detail=quote(told[-1].line),
            evidence=[line, *([_held_by(holder)] if holder is not None else [])],
            facts=HeldLock(workload=workload, holder=holder is not None and shared),
        )


def _runs(pod: Pod) -> bool:
    return any(mapping(c.status, "state", "running") or c.ready for c in pod.containers())


def _held_by(pod: Pod) -> Fact:
    return Fact(source="object", statement=say("runtime.lock.holder", pod=pod.name))


def released(finding: Finding[HeldLock], view: ClusterView) -> list[PlanDraft]:
    """The old pod goes before the new one comes; of several replicas on one volume only one can ever run."""
    workload = finding.facts.workload
    if not finding.facts.holder or workload.kind != "Deployment":
        return []
    drafts = []
    strategy = mapping(at(workload.obj, "spec", "strategy"))
    if strategy.get("type") != "Recreate":
        wanted = exchange("spec.strategy", strategy, {"type": "Recreate"})
        if workload.desired > 1:
            wanted.append(("spec.replicas", 1))
        drafts.append(
            PlanDraft(
                fix_kind="set_strategy",
                title=say("startup.recreate.title", workload=workload.name),
                why=because(finding.detail),
                changes=patch(view, workload.ref, workload.obj, wanted),
                weight=0.9,
                risks=[say("startup.recreate.risk"), *([FEWER] if workload.desired > 1 else [])],
            )
        )
    elif workload.desired > 1:
        drafts.append(
            PlanDraft(
                fix_kind="set_replicas",
                title=say("drafting.replicas", n=1, workload=workload.name),
                why=because(finding.detail),
                changes=patch(view, workload.ref, workload.obj, [("spec.replicas", 1)]),
                weight=0.85,
                risks=[FEWER, RESTART],
            )
        )
    return drafts
