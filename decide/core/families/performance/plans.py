"""Plans for programs that are short of CPU."""

from __future__ import annotations

from decide.core import measure
from decide.core.drafting import peers, sizing
from decide.core.drafting.containers import container_of, scaled_by_itself, stated
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    PlanDraft,
    after,
    container_path,
    patch,
    patch_workload,
)
from decide.core.families.performance.facts import ShortOfCpu
from decide.core.families.performance.threads import fewer_threads
from decide.core.findings import Finding
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.shapes import at, items
from manifests.objects.workloads import Workload


def cpu(finding: Finding[ShortOfCpu], view: ClusterView) -> list[PlanDraft]:
    """More CPU for the container that is short of it; as many threads as its limit lets run; more replicas beside it."""
    workload = finding.facts.workload
    drafts = more_cpu(workload, "", finding.detail, view)
    if container_of(workload, "") is None:
        return drafts
    short = _short(workload, view)
    container = container_of(workload, short) if short else None
    if container is not None:
        drafts += fewer_threads(view, workload, container, finding.detail)
    return drafts + _replicas(finding.detail, view, workload)


def more_cpu(workload: Workload, name: str, detail: str, view: ClusterView) -> list[PlanDraft]:
    """More CPU for the container of the name, else for the one that is short; ``detail``: what was seen of it.

    None where several may be the one: what is measured of a whole pod tells nothing of one container.
    """
    short = name or _short(workload, view)
    container = container_of(workload, short) if short else None
    if container is None:
        return []
    usage = measure.used(view, workload, "cpu", container.name)
    request, limit = stated(container, "requests", "cpu"), stated(container, "limits", "cpu")
    size = sizing.cpu(usage, request, limit)
    drafts = []
    if size is not None:
        others = peers.comparison(peers.krr_cpu(usage), peers.vpa_cpu(usage), quantities.format_cpu)
        ask, most = quantities.format_cpu(size.request), quantities.format_cpu(size.limit)
        wanted = [(container_path(workload, container.name, "resources.requests.cpu"), ask)]
        if limit is not None:
            wanted.append((container_path(workload, container.name, "resources.limits.cpu"), most))
        why = say("drafting.size.cpu_why", detail=detail, basis=size.basis, request=ask, limit=most)
        drafts.append(
            PlanDraft(
                fix_kind="set_cpu",
                title=say(
                    "performance.cpu.title", container=container.name, request=ask, limit=most
                ),
                why=after(why, others),
                changes=patch_workload(view, workload, wanted),
                weight=0.9 if size.measured else 0.8,
                risks=[COST, RESTART],
            )
        )
    return drafts


def _short(workload: Workload, view: ClusterView) -> str:
    """The container that is throttled most by its own series, else the only one, else the only one with a limit; else empty."""
    containers = workload.containers()
    if len(containers) == 1:
        return containers[0].name
    told = {
        c.name: measure.latest(measure.usage(view, workload, "throttled", c.name)) or 0.0
        for c in containers
        if any(
            measure.tags_of(s).get("kube_container_name") == c.name
            for s in measure.usage(view, workload, "throttled", c.name)
        )
    }
    most = max(told, key=lambda name: told[name], default="")
    if most and told[most] > 0:
        return most
    limited = [c.name for c in containers if stated(c, "limits", "cpu") is not None]
    return limited[0] if len(limited) == 1 else ""


def _replicas(detail: str, view: ClusterView, workload: Workload) -> list[PlanDraft]:
    """One replica more, when no autoscaler owns the number and the pods hold no data of their own."""
    if workload.kind != "Deployment" or workload.desired < 1 or scaled_by_itself(view, workload):
        return []
    if any(at(v, "persistentVolumeClaim") for v in items(workload.spec.get("volumes"))):
        return []
    more = workload.desired + 1
    return [
        PlanDraft(
            fix_kind="set_replicas",
            title=say("drafting.replicas", n=more, workload=workload.name),
            why=say("performance.replicas.why", detail=detail, n=more),
            changes=patch(view, workload.ref, workload.obj, [("spec.replicas", more)]),
            weight=0.65,
            risks=[COST],
        )
    ]
