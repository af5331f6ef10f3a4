"""Plans for pods that must be near, apart, or alone with a port of their node."""

from __future__ import annotations

from decide.core.drafting.drafts import RESTART, PlanDraft, exchange, patch_workload
from decide.core.drafting.history import rollback
from decide.core.drafting.replicas import as_many_as_fit
from decide.core.families.scheduling.domains import domains, unmeetable
from decide.core.families.scheduling.facts import Unplaced
from decide.core.families.scheduling.plans.wishes import REQUIRED, wished
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import labels_of
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload


def spread(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """What makes the constraint satisfiable, or as many pods as it lets in; the constraint as a wish, or wider."""
    workload = finding.facts.workload
    hard = [
        (n, mapping(c))
        for n, c in enumerate(items(workload.spec.get("topologySpreadConstraints")))
        if mapping(c).get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
    ]
    if not hard:
        return rollback(finding, view)
    soft = [
        (f":topologySpreadConstraints[{n}].whenUnsatisfiable", "ScheduleAnyway") for n, _ in hard
    ]
    why = say("scheduling.spread.why", detail=finding.detail)
    first, constraint = hard[0]
    most, key = number(constraint.get("maxSkew"), 1), str(constraint.get("topologyKey") or "?")
    risks = [
        say("scheduling.spread.gives_up", n=most, key=key),
        say("scheduling.spread.crowd"),
    ]
    wider = number(constraint.get("maxSkew"), 1) + 1
    skew = [(f":topologySpreadConstraints[{first}].maxSkew", wider)]
    return [
        *_exact(finding, view, hard),
        *_as_many_as_spread(finding, view),
        PlanDraft(
            fix_kind="set_scheduling",
            title=say("scheduling.spread.prefer"),
            why=why,
            changes=patch_workload(view, workload, soft),
            weight=0.8,
            risks=risks,
        ),
        PlanDraft(
            fix_kind="set_scheduling",
            title=say("scheduling.spread.wider", pods=wider),
            why=why,
            changes=patch_workload(view, workload, skew),
            weight=0.65,
            risks=risks,
        ),
    ]


def _as_many_as_spread(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """As many replicas as found a place by the constraint, where no rollout is under way."""
    workload = finding.facts.workload
    if workload.kind != "Deployment" or not 0 < workload.ready < workload.desired:
        return []
    why = say("scheduling.spread.found", n=workload.ready, desired=workload.desired)
    return [as_many_as_fit(view, workload, workload.ready, why=why, weight=0.78)]


def _exact(
    finding: Finding[Unplaced], view: ClusterView, hard: list[tuple[int, Obj]]
) -> list[PlanDraft]:
    """What makes the constraint satisfiable as it is meant: as many domains as there are, and none that is closed."""
    workload = finding.facts.workload
    for n, constraint in hard:
        key, place = str(constraint.get("topologyKey")), f":topologySpreadConstraints[{n}]"
        found, fault = domains(view, workload, constraint), unmeetable(view, workload, constraint)
        if fault == "too_few":
            least, there = number(constraint.get("minDomains")), len(found.all)
            title = say("scheduling.spread.domains", key=key, n=there)
            why = say(
                "scheduling.spread.too_few", detail=finding.detail, key=key, least=least, n=there
            )
            return [_placed(view, workload, (f"{place}.minDomains", there), title, why)]
        if fault == "closed":
            title = say("scheduling.spread.honor", key=key)
            closed = sorted(found.all - found.open)
            why = say("scheduling.spread.closed", detail=finding.detail, key=key, closed=closed)
            return [_placed(view, workload, (f"{place}.nodeTaintsPolicy", "Honor"), title, why)]
    return []


def _placed(
    view: ClusterView, workload: Workload, wanted: tuple[str, str | int], title: str, why: str
) -> PlanDraft:
    return PlanDraft(
        fix_kind="set_scheduling",
        title=title,
        why=why,
        changes=patch_workload(view, workload, [wanted]),
        weight=0.9,
        risks=[RESTART],
    )


def near_pods(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """Required pod affinity: the labels that pods have, or a preference."""
    workload = finding.facts.workload
    current = mapping(at(workload.spec, "affinity", "podAffinity"))
    terms = items(current.get(REQUIRED))
    if not terms:
        return rollback(finding, view)
    meant = [
        draft
        for n, term in enumerate(terms)
        for draft in _meant(view, workload, n, mapping(term), finding.detail)
    ]
    wish = PlanDraft(
        fix_kind="set_scheduling",
        title=say("scheduling.near.prefer"),
        why=say("scheduling.near.why", detail=finding.detail),
        changes=patch_workload(
            view,
            workload,
            exchange(":affinity.podAffinity", current, wished(current, "podAffinityTerm")),
        ),
        weight=0.75,
        risks=[say("scheduling.near.gives_up"), say("scheduling.near.far")],
    )
    return [*meant, wish]


def _meant(
    view: ClusterView, workload: Workload, index: int, term: Obj, detail: str
) -> list[PlanDraft]:
    """A label value that pods have, when no pod has the one that is asked for and one is much alike."""
    wanted = mapping(at(term, "labelSelector", "matchLabels"))
    have = [labels_of(p.obj) for w in view.workloads for p in w.pods]
    for key, value in wanted.items():
        values = {str(labels[key]) for labels in have if key in labels}
        near = max(values, key=lambda v: alike(v, str(value)), default="")
        if str(value) not in values and near and alike(near, str(value)) >= 0.75:
            path = f":affinity.podAffinity.{REQUIRED}[{index}].labelSelector.matchLabels['{key}']"
            return [
                PlanDraft(
                    fix_kind="set_scheduling",
                    title=say("scheduling.near.title", label=f"{key}={near}"),
                    why=say("scheduling.near.have", detail=detail, label=f"{key}={near}"),
                    changes=patch_workload(view, workload, [(path, near)]),
                    weight=0.8,
                    risks=[RESTART],
                )
            ]
    return []


def ports_of_nodes(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """As many replicas as found a free host port; or the last revision."""
    workload = finding.facts.workload
    drafts = rollback(finding, view)
    if workload.kind == "Deployment" and 0 < workload.ready < workload.desired:
        why = say("scheduling.port.why", detail=finding.detail, n=workload.ready)
        drafts.append(as_many_as_fit(view, workload, workload.ready, why=why, weight=0.7))
    return drafts
