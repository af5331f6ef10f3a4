"""Plans for pods that their own rules keep off the nodes: selectors, affinity, taints."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from decide.core.drafting.drafts import Draft, exchange, patch, patch_workload
from decide.core.drafting.history import rollback
from decide.core.families.scheduling.plans.capacity import usable
from decide.core.families.scheduling.rules import (
    affinity_fits,
    cordoned,
    selector_fits,
    untolerated,
)
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.objects import at, items, labels_of, mapping
from decide.core.view import ClusterView

_SPREAD = (
    "The pods may run on nodes they were kept from",
    "Les pods peuvent aller sur des nœuds auparavant exclus",
)


def selector(finding: Finding, view: ClusterView) -> list[Draft]:
    """One key less wrong: the value that lets most usable nodes fit, else without the key."""
    workload = finding.facts["workload"]
    wanted = dict(mapping(workload.spec.get("nodeSelector")))
    nodes = [dict(labels_of(n)) for n in usable(view, workload)]
    drafts: list[Draft] = []
    for key, value in wanted.items():
        rest = {k: v for k, v in wanted.items() if k != key}
        fitting = [n for n in nodes if rest.items() <= n.items()]
        path = (
            f":nodeSelector['{key}']"
            if any(c in str(key) for c in "./[]")
            else f":nodeSelector.{key}"
        )
        have = Counter(str(n[key]) for n in fitting if key in n)
        if have:
            best = max(have, key=lambda v: (have[v], alike(v, str(value)), v))
            why = (
                f"{have[best]} usable nodes have {key}={best}, none that fits has {key}={value}.",
                f"{have[best]} nœuds utilisables ont {key}={best}, aucun possible n'a {key}={value}.",
            )
            drafts.append(
                Draft(
                    fix_kind="set_scheduling",
                    title=(f"Select nodes with {key}={best}", f"Viser les nœuds {key}={best}"),
                    why=why,
                    changes=patch_workload(view, workload, [(path, best)]),
                    weight=0.8,
                    risks=[_SPREAD],
                )
            )
        if fitting:
            change: list[tuple[str, Any]] = [(path, None)] if rest else [(":nodeSelector", None)]
            why = (
                f"{len(fitting)} usable nodes fit without {key}.",
                f"{len(fitting)} nœuds utilisables conviennent sans {key}.",
            )
            drafts.append(
                Draft(
                    fix_kind="set_scheduling",
                    title=(f"Do not select nodes by {key}", f"Ne plus viser de nœuds par {key}"),
                    why=why,
                    changes=patch_workload(view, workload, change),
                    weight=0.6,
                    risks=[_SPREAD],
                )
            )
    return [*drafts, *rollback(finding, view)]


def affinity(finding: Finding, view: ClusterView) -> list[Draft]:
    """Required node affinity becomes preferred, or its values those that nodes have."""
    workload = finding.facts["workload"]
    path = ":affinity.nodeAffinity"
    current = at(workload.spec, "affinity", "nodeAffinity")
    terms = items(
        at(current, "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    )
    drafts = []
    for t, term in enumerate(terms):
        for e, entry in enumerate(items(mapping(term).get("matchExpressions"))):
            have = Counter(
                str(labels_of(n)[entry["key"]])
                for n in usable(view, workload)
                if entry.get("key") in labels_of(n)
            )
            values = [str(v) for v in items(entry.get("values"))]
            if entry.get("operator") == "In" and have and not set(values) & set(have):
                best = max(have, key=lambda v: (have[v], v))
                place = f"{path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{t}].matchExpressions[{e}].values"
                why = (
                    f"{have[best]} nodes have {entry['key']}={best}, none one of {values}.",
                    f"{have[best]} nœuds ont {entry['key']}={best}, aucun parmi {values}.",
                )
                drafts.append(
                    Draft(
                        fix_kind="set_scheduling",
                        title=(
                            f"Accept nodes with {entry['key']}={best}",
                            f"Accepter les nœuds {entry['key']}={best}",
                        ),
                        why=why,
                        changes=patch_workload(view, workload, [(place, [best])]),
                        weight=0.75,
                        risks=[_SPREAD],
                    )
                )
    if terms:
        soft = [{"weight": 100, "preference": term} for term in terms]
        keep = {k: v for k, v in mapping(current).items() if not k.startswith("required")}
        keep["preferredDuringSchedulingIgnoredDuringExecution"] = [
            *items(keep.get("preferredDuringSchedulingIgnoredDuringExecution")),
            *soft,
        ]
        why = (
            "No node satisfies the required affinity; as a preference it no longer blocks.",
            "Aucun nœud ne satisfait l'affinité requise ; en préférence elle ne bloque plus.",
        )
        drafts.append(
            Draft(
                fix_kind="set_scheduling",
                title=(
                    "Prefer instead of require the node affinity",
                    "Préférer au lieu d'exiger l'affinité de nœud",
                ),
                why=why,
                changes=patch_workload(view, workload, exchange(path, mapping(current), keep)),
                weight=0.65,
                risks=[_SPREAD],
            )
        )
    return drafts


def anti_affinity(finding: Finding, view: ClusterView) -> list[Draft]:
    """As many replicas as nodes can hold, or anti-affinity as a preference."""
    workload = finding.facts["workload"]
    drafts = []
    if workload.kind == "Deployment" and 0 < workload.ready < workload.desired:
        why = (
            f"{workload.ready} of {workload.desired} replicas found a node of their own.",
            f"{workload.ready} réplicas sur {workload.desired} ont trouvé un nœud.",
        )
        drafts.append(
            Draft(
                fix_kind="set_replicas",
                title=(
                    f"Run {workload.ready} replicas of {workload.name}",
                    f"Passer {workload.name} à {workload.ready} réplicas",
                ),
                why=why,
                changes=patch(
                    view, workload.ref, workload.obj, [("spec.replicas", workload.ready)]
                ),
                weight=0.78,
                risks=[("Fewer replicas carry the load", "Moins de réplicas portent la charge")],
            )
        )
    current = mapping(at(workload.spec, "affinity", "podAntiAffinity"))
    terms = items(current.get("requiredDuringSchedulingIgnoredDuringExecution"))
    if terms:
        soft = [{"weight": 100, "podAffinityTerm": term} for term in terms]
        keep = {k: v for k, v in current.items() if not k.startswith("required")}
        keep["preferredDuringSchedulingIgnoredDuringExecution"] = [
            *items(keep.get("preferredDuringSchedulingIgnoredDuringExecution")),
            *soft,
        ]
        why = (
            "Required anti-affinity leaves no node; as a preference the pods still spread where they can.",
            "L'anti-affinité requise ne laisse aucun nœud ; en préférence les pods restent répartis si possible.",
        )
        drafts.append(
            Draft(
                fix_kind="set_scheduling",
                title=(
                    "Prefer instead of require pod anti-affinity",
                    "Préférer au lieu d'exiger l'anti-affinité",
                ),
                why=why,
                changes=patch_workload(
                    view, workload, exchange(":affinity.podAntiAffinity", current, keep)
                ),
                weight=0.7,
                risks=[
                    ("Two pods may share a node", "Deux pods peuvent partager un nœud"),
                    (
                        "Pods of the old revision still keep new ones off: where each node holds one, a pod of the old revision must go first",
                        "Les pods de l'ancienne révision écartent encore les nouveaux : si chaque nœud en porte un, l'un d'eux doit partir d'abord",
                    ),
                ],
            )
        )
    return drafts


def toleration(finding: Finding, view: ClusterView) -> list[Draft]:
    """Tolerate the taint of the nodes that fit, unless the taint says that the node is sick."""
    workload = finding.facts["workload"]
    pod = finding.facts["pod"]
    fitting = [
        n
        for n in view.nodes
        if selector_fits(pod.spec, n) and affinity_fits(pod.spec, n) and not cordoned(n)
    ]
    taints: Counter[tuple[str, str, str]] = Counter()
    for node in fitting:
        for taint in untolerated(pod.spec, node):
            taints[
                (str(taint.get("key")), str(taint.get("value") or ""), str(taint.get("effect")))
            ] += 1
    if not taints:
        return []
    key, value, effect = max(taints, key=lambda t: (taints[t], t))
    entry = (
        {"key": key, "operator": "Equal", "value": value, "effect": effect}
        if value
        else {"key": key, "operator": "Exists", "effect": effect}
    )
    old = items(workload.spec.get("tolerations"))
    why = (
        f"Nodes that fit carry {key}={value}:{effect}, which the pods do not tolerate.",
        f"Les nœuds possibles portent {key}={value}:{effect}, non toléré.",
    )
    return [
        Draft(
            fix_kind="set_scheduling",
            title=(f"Tolerate {key}={value}:{effect}", f"Tolérer {key}={value}:{effect}"),
            why=why,
            changes=patch_workload(view, workload, [(":tolerations", [*old, entry])]),
            weight=0.6,
            risks=[
                (
                    "The taint may be there for a reason: ask who set it",
                    "Le taint a peut-être une raison : demander à son auteur",
                )
            ],
        )
    ]


#: Words of taints that keep pods off a sick or reserved node: tolerating them hides the trouble.
_SICK = re.compile(
    r"unhealthy|maintenance|drain|outage|broken|problem|degraded|evict|shutdown", re.I
)


def tolerates_sickness(finding: Finding) -> bool:
    """The taint says that its node is sick."""
    return bool(_SICK.search(str(finding.facts.get("message") or "")))
