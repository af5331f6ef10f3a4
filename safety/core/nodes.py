"""Nodes: does one pod fit on the largest, and do the pods of the rollout find places. Pure.

A dry-run does not schedule. Where the rollout stops is asked of the arithmetic that quotas are asked of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import labels_of, name_of, namespace_of
from manifests.objects.pods import Pod
from manifests.objects.resources import Amounts, per_pod
from manifests.objects.rollouts.reading import course
from manifests.objects.scheduling import affinity_takes, selector_takes, untolerated
from manifests.objects.selectors import matches
from manifests.objects.shapes import Obj, strict_mapping
from manifests.objects.workloads import replicas
from safety.core import workloads
from safety.core.checks import CheckInput, out_of, result, shown
from safety.core.workloads import Changed
from schemas.base import Json
from schemas.validated import CheckResult

_RESOURCES = ("cpu", "memory")
#: What a pod counts for in the rollout: a place that the new pods could have.
_PLACE = "places"
#: How many pods a node takes that does not say.
_PODS = Decimal(110)
#: What makes nodes where pods find none, by the label of its nodes or the name of its pods.
_MAKERS = ("karpenter.sh/", "cluster-autoscaler")


def node_fit(case: CheckInput) -> CheckResult:
    """Does one pod fit on the largest node, and do the nodes hold what the rollout cannot do without?"""
    if case.changed is None:
        return result("node_fit", "unknown", case.unseen)
    items = [one for one in case.changed if one.after and workloads.pod_spec(one.after)]
    if not items:
        return result("node_fit", "pass", say("safety.nodes.no_pod"))
    if not case.objects.get("nodes"):
        return result("node_fit", "unknown", say("safety.nodes.not_collected"))
    largest = _largest(case.objects["nodes"])
    if not set(_RESOURCES) <= largest.keys():
        return result("node_fit", "unknown", say("safety.nodes.silent"))
    numbers: dict[str, str] = {}
    for item in items:
        trouble = _too_large(item, largest, numbers) or _no_place(case, item)
        if trouble:
            return result("node_fit", "fail", trouble, **numbers)
    return result("node_fit", "pass", say("safety.nodes.fits"), **numbers)


def _largest(nodes: Sequence[Json]) -> Amounts:
    found: Amounts = {}
    for node in nodes:
        if not strict_mapping(node, "spec").get("unschedulable"):
            for name, amount in strict_mapping(node, "status", "allocatable").items():
                found[name] = max(found.get(name, Decimal(0)), quantities.parse(amount))
    return found


def _too_large(item: Changed, largest: Amounts, numbers: dict[str, str]) -> str:
    wanted = workloads.per_pod(item.after or {}, "requests")
    for name in _RESOURCES:
        if name in wanted:
            numbers[name] = out_of(shown(name, wanted[name]), shown(name, largest[name]))
            if wanted[name] > largest[name]:
                return say(
                    "safety.nodes.too_small",
                    wanted=shown(name, wanted[name]),
                    resource=name,
                    largest=shown(name, largest[name]),
                )
    return ""


def _no_place(case: CheckInput, item: Changed) -> str:
    """The rollout cannot be held by the nodes that are open to it, whatever leaves first.

    Told only where it is sure: pods that nobody read would take still more room, and what leaves is taken to free as much
    as it can.
    """
    after, running = item.after or {}, case.objects.get("pods")
    spec = workloads.pod_spec(after) or {}
    nodes = [node for node in case.objects["nodes"] if _takes(spec, node)]
    if running is None or not nodes or _grows(case.objects):
        return ""  # whom its labels and taints keep off which node is another question
    asked = per_pod(spec, "requests")
    others = [pod for pod in running if not _is_own(item, pod)]
    alone = sum(_places(node, asked, _taken(others).get(name_of(node), [])) for node in nodes)
    places = sum(_places(node, asked, _taken(running).get(name_of(node), [])) for node in nodes)
    wanted = replicas(after)

    def counts(one: Obj) -> Amounts:
        return {_PLACE: Decimal(1 if one == spec else _frees(per_pod(one, "requests"), asked))}

    room = {_PLACE: Decimal(places)}
    played = course(item.before, after, counts, workloads.beside(case.objects), room)
    stops = played is not None and played.stop == "no_room"
    if wanted <= alone and not stops:
        return ""
    return say(
        "safety.nodes.no_place",
        workload=item.ref.name,
        places=places,
        asked=[f"{name} {shown(name, asked[name])}" for name in _RESOURCES if name in asked],
    )


def _is_own(item: Changed, pod: Json) -> bool:
    """A pod of the workload as it is now, by its selector."""
    selector = strict_mapping(item.before or {}, "spec", "selector")
    same = namespace_of(pod) == item.ref.namespace
    return same and bool(selector) and matches(selector, labels_of(pod))


def _frees(leaving: Amounts, asked: Amounts) -> int:
    """How many new pods may come at most where an old one leaves: one, or more where they ask for less."""
    ratios = [leaving.get(name, Decimal(0)) / asked[name] for name in _RESOURCES if asked.get(name)]
    return max(1, *(math.ceil(one) for one in ratios)) if ratios else 1


def _takes(spec: Obj, node: Json) -> bool:
    closed = strict_mapping(node, "spec").get("unschedulable") or untolerated(spec, node)
    return not closed and selector_takes(spec, node) and affinity_takes(spec, node)


def _grows(objects: Mapping[str, Sequence[Json]]) -> bool:
    """Somebody makes nodes for pods that find none."""
    labels = (str(key) for node in objects["nodes"] for key in labels_of(node))
    names = (name_of(one) for kind in ("pods", "deployments") for one in objects.get(kind, ()))
    return any(word.startswith(_MAKERS) for word in (*labels, *names))


def _taken(running: Sequence[Json]) -> dict[str, list[Amounts]]:
    """What the pods of each node ask for."""
    found: dict[str, list[Amounts]] = {}
    for pod in map(Pod, running):
        if pod.node and pod.phase not in ("Succeeded", "Failed"):
            found.setdefault(pod.node, []).append(per_pod(pod.spec, "requests"))
    return found


def _places(node: Json, asked: Amounts, taken: Sequence[Amounts]) -> int:
    """How many such pods fit on a node beside those that are there."""
    has = {n: quantities.parse(v) for n, v in strict_mapping(node, "status", "allocatable").items()}
    fits = has.get("pods", _PODS) - len(taken)
    for name in _RESOURCES:
        wanted = asked.get(name, Decimal(0))
        if wanted > 0 and name in has:
            free = has[name] - sum((one.get(name, Decimal(0)) for one in taken), Decimal(0))
            fits = min(fits, free // wanted)
    return max(0, int(fits))
