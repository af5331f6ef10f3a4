"""Plans for pods that their own rules keep off the nodes: selectors, affinity, taints."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from decide.core.drafting.drafts import PlanDraft, exchange, patch_workload
from decide.core.drafting.history import rollback
from decide.core.drafting.replicas import as_many_as_fit
from decide.core.families.scheduling.facts import Unplaced
from decide.core.families.scheduling.plans.capacity import usable
from decide.core.families.scheduling.plans.wishes import REQUIRED, wished
from decide.core.families.scheduling.rules import (
    cordoned,
    untolerated,
)
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import labels_of
from manifests.objects.scheduling import affinity_takes, selector_takes
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload

_SPREAD = say("scheduling.elsewhere")


def selector(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """One key less wrong: the value that lets most usable nodes fit, else without the key."""
    workload = finding.facts.workload
    wanted = dict(mapping(workload.spec.get("nodeSelector")))
    nodes = [dict(labels_of(n)) for n in usable(view, workload)]
    drafts: list[PlanDraft] = []
    for key, value in wanted.items():
        rest = {k: v for k, v in wanted.items() if k != key}
        fitting = [n for n in nodes if rest.items() <= n.items()]
        have = Counter(str(n[key]) for n in fitting if key in n)
        if have:
            drafts.append(_other_value(view, workload, key, str(value), have))
        if fitting:
            drafts.append(_without_key(view, workload, key, len(fitting), alone=not rest))
    return [*drafts, *rollback(finding, view)]


def _selector_path(key: str) -> str:
    dotted = any(c in str(key) for c in "./[]")
    return f":nodeSelector['{key}']" if dotted else f":nodeSelector.{key}"


def _other_value(
    view: ClusterView, workload: Workload, key: str, value: str, have: Counter[str]
) -> PlanDraft:
    """The value that most nodes have, the likest to the wanted one among equals."""
    best = max(have, key=lambda v: (have[v], alike(v, value), v))
    return PlanDraft(
        fix_kind="set_scheduling",
        title=say("scheduling.selector.title", label=f"{key}={best}"),
        why=say(
            "scheduling.selector.why",
            n=have[best],
            label=f"{key}={best}",
            wanted=f"{key}={value}",
        ),
        changes=patch_workload(view, workload, [(_selector_path(key), best)]),
        weight=0.8,
        risks=[_SPREAD],
    )


def _without_key(
    view: ClusterView, workload: Workload, key: str, fitting: int, *, alone: bool
) -> PlanDraft:
    """The selector without one of its keys, which goes whole where it has no other."""
    label = f"{key}={mapping(workload.spec.get('nodeSelector')).get(key)}"
    change: list[tuple[str, Any]] = [(":nodeSelector" if alone else _selector_path(key), None)]
    return PlanDraft(
        fix_kind="set_scheduling",
        title=say("scheduling.selector.drop", key=key),
        why=say("scheduling.selector.without", n=fitting, key=key),
        changes=patch_workload(view, workload, change),
        weight=0.6,
        risks=[say("scheduling.selector.gives_up", label=label), _SPREAD],
    )


def affinity(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """Required node affinity becomes preferred, or its values those that nodes have."""
    workload = finding.facts.workload
    path = ":affinity.nodeAffinity"
    current = mapping(at(workload.spec, "affinity", "nodeAffinity"))
    terms = items(at(current, REQUIRED, "nodeSelectorTerms"))
    drafts = []
    for t, term in enumerate(terms):
        for e, entry in enumerate(items(term, "matchExpressions")):
            place = f"{path}.{REQUIRED}.nodeSelectorTerms[{t}].matchExpressions[{e}].values"
            drafts += _values(view, workload, mapping(entry), place)
    if terms:
        drafts.append(
            PlanDraft(
                fix_kind="set_scheduling",
                title=say("scheduling.affinity.prefer"),
                why=say("scheduling.affinity.wish"),
                changes=patch_workload(
                    view, workload, exchange(path, current, wished(current, "preference"))
                ),
                weight=0.65,
                risks=[say("scheduling.affinity.gives_up"), _SPREAD],
            )
        )
    return drafts


def _values(view: ClusterView, workload: Workload, entry: Obj, place: str) -> list[PlanDraft]:
    """The value of the key that most usable nodes have, where none has one of those that are asked for."""
    key = str(entry.get("key") or "")
    labels = [labels_of(n) for n in usable(view, workload)]
    have = Counter(str(one[key]) for one in labels if key in one)
    values = [str(v) for v in items(entry.get("values"))]
    if entry.get("operator") != "In" or not have or set(values) & set(have):
        return []
    best = max(have, key=lambda v: (have[v], v))
    label = f"{key}={best}"
    return [
        PlanDraft(
            fix_kind="set_scheduling",
            title=say("scheduling.affinity.title", label=label),
            why=say("scheduling.affinity.why", n=have[best], label=label, values=values),
            changes=patch_workload(view, workload, [(place, [best])]),
            weight=0.75,
            risks=[_SPREAD],
        )
    ]


def anti_affinity(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """As many replicas as nodes can hold, or anti-affinity as a preference."""
    workload = finding.facts.workload
    drafts = []
    if workload.kind == "Deployment" and 0 < workload.ready < workload.desired:
        why = say("scheduling.apart.found", n=workload.ready, desired=workload.desired)
        drafts.append(as_many_as_fit(view, workload, workload.ready, why=why, weight=0.78))
    current = mapping(at(workload.spec, "affinity", "podAntiAffinity"))
    if items(current.get(REQUIRED)):
        keys = sorted(
            {str(mapping(term).get("topologyKey") or "?") for term in items(current.get(REQUIRED))}
        )
        wish = exchange(":affinity.podAntiAffinity", current, wished(current, "podAffinityTerm"))
        drafts.append(
            PlanDraft(
                fix_kind="set_scheduling",
                title=say("scheduling.apart.prefer"),
                why=say("scheduling.apart.wish"),
                changes=patch_workload(view, workload, wish),
                weight=0.7,
                risks=[
                    say("scheduling.apart.gives_up", keys=keys),
                    say("scheduling.apart.share"),
                    say("scheduling.apart.old_pods"),
                ],
            )
        )
    return drafts


def toleration(finding: Finding[Unplaced], view: ClusterView) -> list[PlanDraft]:
    """Tolerate the taint of the nodes that fit, unless the taint says that the node is sick."""
    workload, spec = finding.facts.workload, finding.facts.pod.spec
    fitting = [
        n
        for n in view.nodes
        if selector_takes(spec, n) and affinity_takes(spec, n) and not cordoned(n)
    ]
    taints = Counter(
        (str(taint.get("key")), str(taint.get("value") or ""), str(taint.get("effect")))
        for node in fitting
        for taint in untolerated(spec, node)
    )
    if not taints:
        return []
    key, value, effect = max(taints, key=lambda t: (taints[t], t))
    entry = (
        {"key": key, "operator": "Equal", "value": value, "effect": effect}
        if value
        else {"key": key, "operator": "Exists", "effect": effect}
    )
    taint = f"{key}={value}:{effect}" if value else f"{key}:{effect}"
    old = items(workload.spec, "tolerations")
    return [
        PlanDraft(
            fix_kind="set_scheduling",
            title=say("scheduling.taint.title", taint=taint),
            why=say("scheduling.taint.why", taint=taint),
            changes=patch_workload(view, workload, [(":tolerations", [*old, entry])]),
            weight=0.6,
            risks=[say("scheduling.taint.reason")],
        )
    ]


#: Words of taints that keep pods off a sick or reserved node: tolerating them hides the trouble.
_SICK = re.compile(
    r"unhealthy|maintenance|drain|outage|broken|problem|degraded|evict|shutdown", re.I
)


def tolerates_sickness(finding: Finding) -> bool:
    """The taint says that its node is sick."""
    facts = finding.facts
    return isinstance(facts, Unplaced) and bool(_SICK.search(facts.message))
