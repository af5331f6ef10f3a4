"""Plans for autoscalers, budgets, jobs, rollouts, spreading and schedulers."""

from __future__ import annotations

from typing import Any

from decide.core.clock import instant
from decide.core.families.admission.plans import fitting, quantity
from decide.core.families.jobs.rules import runs_of
from decide.core.findings import Finding
from decide.core.objects import (
    Workload,
    at,
    items,
    labels_of,
    mapping,
    name_of,
    namespace_of,
    number,
)
from decide.core.plans.drafts import (
    COST,
    RESTART,
    SECONDS,
    Draft,
    container_path,
    exchange,
    patch,
    patch_workload,
)
from decide.core.plans.history import rollback
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from schemas.plans import FixKind


def blind_scaler(finding: Finding, view: ClusterView) -> list[Draft]:
    """The request that the autoscaler measures against, in each container that states none."""
    workload = finding.facts.get("workload")
    resource = str(finding.facts.get("resource") or "")
    if workload is None or resource not in ("cpu", "memory"):
        return []
    wanted: list[tuple[str, Any]] = []
    for container in workload.containers():
        if quantity(container, "requests", resource) is None:
            value = fitting(view, workload, container, "requests", resource)
            if value is None:
                return []
            wanted.append(
                (container_path(workload, container.name, f"resources.requests.{resource}"), value)
            )
    why = (
        f"{finding.detail}; utilisation is a share of the request.",
        f"{finding.detail} ; l'utilisation se mesure à la request.",
    )
    kind: FixKind = "set_cpu" if resource == "cpu" else "set_memory"
    return [
        Draft(
            kind,
            (
                f"State the {resource} request of {workload.name}",
                f"Déclarer la request {resource} de {workload.name}",
            ),
            why,
            patch_workload(view, workload, wanted),
            0.85,
            [("The request is reserved on a node", "La request est réservée sur un nœud"), RESTART],
        )
    ]


def scaler_target(finding: Finding, view: ClusterView) -> list[Draft]:
    """The workload of the nearest name."""
    near, scaler = str(finding.facts.get("near") or ""), finding.facts["scaler"]
    if not near:
        return []
    why = (f"{finding.detail}; {near} exists.", f"{finding.detail} ; {near} existe.")
    return [
        Draft(
            "set_autoscaler_bounds",
            (f"Scale {near}", f"Piloter {near}"),
            why,
            patch(view, finding.object, scaler, [("spec.scaleTargetRef.name", near)]),
            0.82,
            [
                (
                    "The number of replicas is the autoscaler's from now on",
                    "Le nombre de réplicas dépend désormais de l'autoscaler",
                )
            ],
            SECONDS,
        )
    ]


def conflict(finding: Finding, view: ClusterView) -> list[Draft]:
    """The vertical autoscaler only recommends, or leaves the measured resource alone."""
    vertical, ref = finding.facts.get("vertical"), finding.facts.get("vertical_ref")
    if vertical is None or ref is None:
        return []
    why = (
        f"{finding.detail}; as a recommender it changes no pod.",
        f"{finding.detail} ; en simple conseil il ne change aucun pod.",
    )
    return [
        Draft(
            "set_autoscaler_bounds",
            (f"VPA {ref.name} only recommends", f"Le VPA {ref.name} conseille seulement"),
            why,
            patch(view, ref, vertical, [("spec.updatePolicy.updateMode", "Off")]),
            0.82,
            [
                (
                    "Requests no longer follow usage by themselves",
                    "Les requests ne suivent plus l'usage d'elles-mêmes",
                )
            ],
            SECONDS,
        )
    ]


def budget(finding: Finding, view: ClusterView) -> list[Draft]:
    """One replica more than the budget keeps; or a budget that can ever allow one disruption."""
    workload, found = finding.facts["workload"], finding.facts.get("budget")
    if found is None:
        return []
    drafts: list[Draft] = []
    why = (f"{finding.detail}.", f"{finding.detail}.")
    ref = ObjectRef(
        api_version=str(found.get("apiVersion") or "policy/v1"),
        kind="PodDisruptionBudget",
        namespace=namespace_of(found),
        name=name_of(found),
    )
    least = at(found, "spec", "minAvailable")
    shared = any(at(v, "persistentVolumeClaim") for v in items(workload.spec.get("volumes")))
    if (
        isinstance(least, int)
        and workload.kind == "Deployment"
        and not shared
        and workload.available
    ):
        more = max(workload.desired, least) + 1
        drafts.append(
            Draft(
                "set_replicas",
                (
                    f"Run {more} replicas of {workload.name}",
                    f"Passer {workload.name} à {more} réplicas",
                ),
                why,
                patch(view, workload.ref, workload.obj, [("spec.replicas", more)]),
                0.8,
                [COST],
            )
        )
    if finding.facts.get("never") and workload.desired > 1:
        wanted: list[tuple[str, Any]] = (
            [("spec.minAvailable", workload.desired - 1)]
            if least is not None
            else [("spec.maxUnavailable", 1)]
        )
        risk = ("One pod may be missing during a drain", "Un pod peut manquer pendant un drain")
        drafts.append(
            Draft(
                "other",
                (
                    f"Budget {ref.name} allows one disruption",
                    f"Le budget {ref.name} autorise une interruption",
                ),
                why,
                patch(view, ref, found, wanted),
                0.72,
                [risk],
                SECONDS,
            )
        )
    return drafts


def resume(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cron job runs again."""
    workload = finding.facts["workload"]
    why = (f"{finding.detail}.", f"{finding.detail}.")
    risk = ("Somebody may have suspended it on purpose", "La suspension était peut-être voulue")
    return [
        Draft(
            "other",
            (f"Resume {workload.name}", f"Reprendre {workload.name}"),
            why,
            patch(view, workload.ref, workload.obj, [("spec.suspend", False)]),
            0.82,
            [risk],
            SECONDS,
        )
    ]


def deadline(finding: Finding, view: ClusterView) -> list[Draft]:
    """Half as long again as the longest run that finished, where those came near the deadline."""
    workload = finding.facts["workload"]
    path = (
        "spec.jobTemplate.spec.activeDeadlineSeconds"
        if workload.kind == "CronJob"
        else "spec.activeDeadlineSeconds"
    )
    now = number(at(workload.obj, *path.split(".")))
    took = []
    for run in runs_of(view, workload) if workload.kind == "CronJob" else []:
        start, end = (
            instant(at(run, "status", "startTime")),
            instant(at(run, "status", "completionTime")),
        )
        if start and end:
            took.append((end - start).total_seconds())
    if not now or not took or max(took) < 0.6 * now:
        return []
    longer = int(max(max(took) * 1.5, now * 1.25) // 60 + 1) * 60
    why = (
        f"{finding.detail}; runs that finished took up to {max(took):.0f} s of {now} s.",
        f"{finding.detail} ; les exécutions réussies ont pris jusqu'à {max(took):.0f} s sur {now} s.",
    )
    return [
        Draft(
            "other",
            (f"Allow {workload.name} {longer} s", f"Laisser {longer} s à {workload.name}"),
            why,
            patch(view, workload.ref, workload.obj, [(path, longer)]),
            0.78,
            [("A job that hangs is noticed later", "Une tâche bloquée est vue plus tard")],
            SECONDS,
        )
    ]


def rollout(finding: Finding, view: ClusterView) -> list[Draft]:
    """A paused rollout goes on; another goes back."""
    workload = finding.facts["workload"]
    if not finding.facts.get("paused"):
        return rollback(finding, view)
    why = (f"{finding.detail}.", f"{finding.detail}.")
    risk = ("Somebody may have paused it on purpose", "La pause était peut-être voulue")
    return [
        Draft(
            "set_strategy",
            (
                f"Go on with the rollout of {workload.name}",
                f"Poursuivre le déploiement de {workload.name}",
            ),
            why,
            patch(view, workload.ref, workload.obj, [("spec.paused", False)]),
            0.82,
            [risk, RESTART],
        )
    ]


def spread(finding: Finding, view: ClusterView) -> list[Draft]:
    """The constraint as a wish; or one pod more of difference."""
    workload = finding.facts["workload"]
    drafts: list[Draft] = []
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
    why = (
        f"{finding.detail}; as a wish it still spreads where it can.",
        f"{finding.detail} ; en souhait la répartition reste recherchée.",
    )
    risk = (
        "Pods may crowd in one zone or node",
        "Des pods peuvent se regrouper dans une zone ou un nœud",
    )
    drafts.append(
        Draft(
            "set_scheduling",
            ("Prefer instead of require the spread", "Préférer au lieu d'exiger la répartition"),
            why,
            patch_workload(view, workload, soft),
            0.8,
            [risk],
        )
    )
    number_, first = hard[0]
    wider = number(first.get("maxSkew"), 1) + 1
    drafts.append(
        Draft(
            "set_scheduling",
            (f"Allow a difference of {wider} pods", f"Autoriser un écart de {wider} pods"),
            why,
            patch_workload(
                view, workload, [(f":topologySpreadConstraints[{number_}].maxSkew", wider)]
            ),
            0.65,
            [risk],
        )
    )
    return drafts


def near_pods(finding: Finding, view: ClusterView) -> list[Draft]:
    """Required pod affinity: the labels that pods have, or a preference."""
    workload = finding.facts["workload"]
    current = mapping(at(workload.spec, "affinity", "podAffinity"))
    terms = items(current.get("requiredDuringSchedulingIgnoredDuringExecution"))
    if not terms:
        return rollback(finding, view)
    drafts = [
        d
        for n, term in enumerate(terms)
        for d in _meant(view, workload, n, mapping(term), finding.detail)
    ]
    keep = {k: v for k, v in current.items() if not k.startswith("required")}
    soft = [{"weight": 100, "podAffinityTerm": term} for term in terms]
    keep["preferredDuringSchedulingIgnoredDuringExecution"] = [
        *items(keep.get("preferredDuringSchedulingIgnoredDuringExecution")),
        *soft,
    ]
    why = (
        f"{finding.detail}; as a preference it no longer blocks.",
        f"{finding.detail} ; en préférence elle ne bloque plus.",
    )
    risk = (
        "The pods may run far from those they want to be near",
        "Les pods peuvent tourner loin de ceux qu'ils cherchent",
    )
    drafts.append(
        Draft(
            "set_scheduling",
            (
                "Prefer instead of require pod affinity",
                "Préférer au lieu d'exiger l'affinité de pods",
            ),
            why,
            patch_workload(view, workload, exchange(":affinity.podAffinity", current, keep)),
            0.75,
            [risk],
        )
    )
    return drafts


def _meant(
    view: ClusterView, workload: Workload, index: int, term: Any, detail: str
) -> list[Draft]:
    """A label value that pods have, when no pod has the one that is asked for and one is much alike."""
    from decide.core.families.services.rules import alike

    wanted = mapping(at(term, "labelSelector", "matchLabels"))
    have = [labels_of(p.obj) for w in view.workloads for p in w.pods]
    for key, value in wanted.items():
        values = {str(labels[key]) for labels in have if key in labels}
        near = max(values, key=lambda v: alike(v, str(value)), default="")
        if str(value) not in values and near and alike(near, str(value)) >= 0.75:
            path = f":affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[{index}].labelSelector.matchLabels['{key}']"
            why = (f"{detail}; pods have {key}={near}.", f"{detail} ; des pods ont {key}={near}.")
            return [
                Draft(
                    "set_scheduling",
                    (f"Be near pods with {key}={near}", f"Se placer près des pods {key}={near}"),
                    why,
                    patch_workload(view, workload, [(path, near)]),
                    0.8,
                    [RESTART],
                )
            ]
    return []


def scheduler(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cluster's own scheduler."""
    workload = finding.facts["workload"]
    why = (f"{finding.detail}.", f"{finding.detail}.")
    return [
        *rollback(finding, view),
        Draft(
            "set_scheduling",
            (
                "Let the default scheduler place the pods",
                "Confier les pods à l'ordonnanceur par défaut",
            ),
            why,
            patch_workload(view, workload, [(":schedulerName", "default-scheduler")]),
            0.8,
            [RESTART],
        ),
    ]


def one_at_a_time(finding: Finding, view: ClusterView) -> list[Draft]:
    """The old pod lets go of its volume before the new one comes."""
    workload = finding.facts["workload"]
    if workload.kind != "Deployment":
        return []
    current = mapping(at(workload.obj, "spec", "strategy"))
    why = (
        f"{finding.detail}; the volume can be at one node only.",
        f"{finding.detail} ; le volume ne peut être que sur un nœud.",
    )
    risk = (
        "No pod serves for a moment at each rollout",
        "Aucun pod ne sert un instant à chaque déploiement",
    )
    return [
        Draft(
            "set_strategy",
            (
                f"Replace pods of {workload.name} one after the other (Recreate)",
                f"Remplacer les pods de {workload.name} l'un après l'autre (Recreate)",
            ),
            why,
            patch(
                view,
                workload.ref,
                workload.obj,
                exchange("spec.strategy", current, {"type": "Recreate"}),
            ),
            0.7,
            [risk],
        )
    ]


def ports_of_nodes(finding: Finding, view: ClusterView) -> list[Draft]:
    """As many replicas as found a free host port; or the last revision."""
    workload = finding.facts["workload"]
    drafts = rollback(finding, view)
    if workload.kind == "Deployment" and 0 < workload.ready < workload.desired:
        why = (
            f"{finding.detail}; {workload.ready} replicas found a node with the port free.",
            f"{finding.detail} ; {workload.ready} réplicas ont trouvé un nœud au port libre.",
        )
        drafts.append(
            Draft(
                "set_replicas",
                (
                    f"Run {workload.ready} replicas of {workload.name}",
                    f"Passer {workload.name} à {workload.ready} réplicas",
                ),
                why,
                patch(view, workload.ref, workload.obj, [("spec.replicas", workload.ready)]),
                0.7,
                [("Fewer replicas carry the load", "Moins de réplicas portent la charge")],
            )
        )
    return drafts
