"""What keeps pods off every node: a template tried on the nodes that are there, filter by filter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from decide.core.families.parts import Cause, cause
from decide.core.families.scheduling.domains import unmeetable
from decide.core.families.scheduling.facts import Unplaced
from decide.core.families.scheduling.plans.capacity import held
from decide.core.families.scheduling.rules import cordoned, untolerated
from decide.core.findings import Finding
from decide.core.proof import asking
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView, node_ready
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import labels_of, name_of, namespace_of
from manifests.objects.pods import containers_in
from manifests.objects.resources import per_pod
from manifests.objects.scheduling import affinity_takes, selector_takes
from manifests.objects.selectors import selects
from manifests.objects.shapes import Misshapen, Obj, at, mapping, mappings, number
from manifests.objects.workloads import Workload, rounded

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The nodes that are left for a template after each filter, and how many of its pods they hold."""

    labelled: int
    tolerated: int
    #: Pods that fit by CPU, memory and number.
    room: int
    waiting: int


def places(view: ClusterView, workload: Workload) -> Places:
    """The template tried on the nodes, beside everything that runs there now."""
    spec = workload.spec
    labelled = [n for n in view.nodes if selector_takes(spec, n) and affinity_takes(spec, n)]
    open_ = [
        n
        for n in labelled
        if not cordoned(n) and node_ready(n) == "True" and not untolerated(spec, n)
    ]
    before = seen(view).workload(workload.kind, workload.namespace, workload.name)
    ready = before.ready if before is not None else 0
    return Places(
        labelled=len(labelled),
        tolerated=len(open_),
        room=sum(_holds(seen(view), spec, node) for node in open_),
        waiting=max(1, workload.desired - ready),
    )


def _holds(view: ClusterView, spec: Obj, node: Obj) -> int:
    """How many pods of this spec fit on the node beside those that are there."""
    asked = _asks(spec)
    name = name_of(node)
    pods, _ = held(view, "cpu")
    fits = number(at(node, "status", "allocatable", "pods"), 110) - pods[name]
    for resource in ("cpu", "memory"):
        wanted = asked.get(resource, Decimal(0))
        if wanted <= 0:
            continue
        _, used = held(view, resource)
        free = _amount(at(node, "status", "allocatable", resource)) - Decimal(str(used[name]))
        fits = min(fits, int(free // wanted) if free > 0 else 0)
    return max(0, fits)


def _amount(value: object) -> Decimal:
    try:
        return quantities.parse(str(value))
    except quantities.BadQuantity:
        return Decimal(0)


def by_labels(finding: Finding[Unplaced], view: ClusterView) -> Standing:
    """Whether any node has the labels that the template asks for, and takes the pods."""
    workload = subject(finding, view)
    if workload is None or not view.nodes:
        return not_there(finding)
    found = places(view, workload)
    if not found.labelled:
        return stands(say("proof.nodes.no_label", workload=workload.name, n=len(view.nodes)))
    return _placed(found, workload)


def by_taints(finding: Finding[Unplaced], view: ClusterView) -> Standing:
    """Whether any node that the labels let in has no taint which the template does not tolerate."""
    workload = subject(finding, view)
    if workload is None or not view.nodes:
        return not_there(finding)
    found = places(view, workload)
    if not found.tolerated:
        return stands(say("proof.nodes.tainted", workload=workload.name, n=found.labelled))
    return _placed(found, workload)


def by_room(finding: Finding[Unplaced], view: ClusterView) -> Standing:
    """Whether the pods that wait fit beside everything that runs, by CPU and memory."""
    workload = subject(finding, view)
    if workload is None or not view.nodes:
        return not_there(finding)
    good = asking.as_it_worked(view, workload)
    if (
        good is not None
        and good.ready >= workload.desired
        and _asks(good.spec) == _asks(workload.spec)
    ):
        return gone(say("proof.as_worked", workload=workload.name, revision=good.number))
    if _takes_the_place(view, workload):
        return gone(say("proof.nodes.one_leaves", workload=workload.name))
    found = places(view, workload)
    if found.room and not _all_pods_are_seen(view):
        return untold(say("proof.nodes.other_namespaces", workload=workload.name))
    return _placed(found, workload)


#: Namespaces that every cluster has and that mostly hold no pods.
_BARE = frozenset({"default", "kube-node-lease", "kube-public"})


def _all_pods_are_seen(view: ClusterView) -> bool:
    """Whether pods of every namespace of the cluster were read: whose were not may run on any node."""
    spaces = {name_of(space) for space in view.all("namespaces")}
    return "kube-system" in spaces and spaces - _BARE <= {namespace_of(p) for p in view.all("pods")}


def _asks(spec: Obj) -> dict[str, Decimal]:
    try:
        return per_pod(spec, "requests")
    except (quantities.BadQuantity, Misshapen):
        return {}


def _takes_the_place(view: ClusterView, workload: Workload) -> bool:
    """One old pod may go before its successor is ready, and the new pod asks for no more than it leaves behind."""
    before = seen(view).workload(workload.kind, workload.namespace, workload.name)
    if before is None or workload.kind != "Deployment" or before.ready < workload.desired:
        return False
    rolling = mapping(workload.obj, "spec", "strategy")
    most = at(rolling, "rollingUpdate", "maxUnavailable")
    try:
        leaves = rounded("25%" if most is None else most, workload.desired, math.floor)
    except Misshapen:
        return False
    if rolling.get("type") != "Recreate" and leaves < 1:
        return False
    asked = _asks(workload.spec)
    running = [_asks(pod.spec) for pod in before.pods if pod.ready]
    return bool(running) and all(
        asked.get(name, Decimal(0)) <= one.get(name, Decimal(0))
        for one in running
        for name in asked
    )


def _rolled(view: ClusterView, workload: Workload) -> Standing | None:
    """Of a rollout whose old pods are all ready: whether one of them leaves first; ``None`` where none is under way."""
    before = seen(view).workload(workload.kind, workload.namespace, workload.name)
    if before is None or before.kind != "Deployment" or not 1 < before.desired <= before.ready:
        return None
    good = asking.as_it_worked(view, workload)
    if good is not None and good.ready >= workload.desired:
        return gone(say("proof.as_worked", workload=workload.name, revision=good.number))
    if _takes_the_place(view, workload):
        return gone(say("proof.nodes.one_leaves", workload=workload.name))
    said = at(workload.obj, "spec", "strategy", "rollingUpdate", "maxUnavailable")
    what = "spec.strategy.rollingUpdate.maxUnavailable"
    return stands(say("proof.still", what=what, value=str("25%" if said is None else said)))


def _placed(found: Places, workload: Workload) -> Standing:
    told: Told = {"workload": workload.name, "room": found.room, "waiting": found.waiting}
    if not found.room:
        return stands(say("proof.nodes.full", workload=workload.name, n=found.tolerated))
    if found.room < found.waiting:
        return untold(say("proof.nodes.some", **told))
    return gone(say("proof.nodes.room", **told))


def apart(finding: Finding[Unplaced], view: ClusterView) -> Standing:
    """Whether more pods are wanted than nodes may hold of them one each."""
    workload, before = subject(finding, view), subject(finding, seen(view))
    if workload is None or before is None:
        return not_there(finding)
    terms = mappings(workload.spec, "affinity", "podAntiAffinity", _REQUIRED)
    told: Told = {"workload": workload.name, "desired": workload.desired, "ready": before.ready}
    rolled = _rolled(view, workload) if terms or _kept_off(view, workload) else None
    if rolled is not None:
        return rolled
    if workload.desired <= before.ready < finding.facts.workload.desired:
        return gone(say("proof.replicas_fit", **told))
    if terms and workload.desired > before.ready:
        return stands(say("proof.apart.required", **told))
    if terms or _kept_off(view, workload) or not _meets(view, before):
        return untold(say("proof.apart.old_pods", workload=workload.name))
    return _placed(places(view, workload), workload)


def _running(view: ClusterView, workload: Workload) -> list[Obj]:
    found = seen(view).inside("pods", workload.namespace)
    return [pod for pod in found if at(pod, "spec", "nodeName")]


def _kept_off(view: ClusterView, workload: Workload) -> bool:
    """A pod that runs demands to be apart from pods with the template's labels."""
    return any(
        selects(mapping(term, "labelSelector"), workload.labels)
        for pod in _running(view, workload)
        for term in mappings(pod, "spec", "affinity", "podAntiAffinity", _REQUIRED)
    )


def _meets(view: ClusterView, workload: Workload) -> bool:
    """A pod that runs is one that the template demands to be apart from."""
    return any(
        selects(mapping(term, "labelSelector"), labels_of(pod))
        for pod in _running(view, workload)
        for term in mappings(workload.spec, "affinity", "podAntiAffinity", _REQUIRED)
    )


def near(finding: Finding[Unplaced], view: ClusterView) -> Standing:
    """Whether a pod that runs has the labels which the template must be near to."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    running = [labels_of(p) for p in view.inside("pods", workload.namespace)]
    for term in mappings(workload.spec, "affinity", "podAffinity", _REQUIRED):
        if term.get("namespaces") or term.get("namespaceSelector"):
            return untold(say("proof.near.elsewhere", workload=workload.name))
        if not any(selects(mapping(term, "labelSelector"), labels) for labels in running):
            return stands(say("proof.near.nobody", workload=workload.name))
    return _placed(places(view, workload), workload)


def spread(finding: Finding[Unplaced], view: ClusterView) -> Standing:
    """Whether the template still demands the spread that no node meets."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    constraints = mappings(workload.spec, "topologySpreadConstraints")
    hard = [c for c in constraints if c.get("whenUnsatisfiable") != "ScheduleAnyway"]
    if not hard:
        return _placed(places(view, workload), workload)
    ready = finding.facts.workload.ready
    if workload.desired <= ready < finding.facts.workload.desired:
        told: Told = {"workload": workload.name, "desired": workload.desired, "ready": ready}
        return gone(say("proof.replicas_fit", **told))
    before = mappings(finding.facts.workload.spec, "topologySpreadConstraints")
    if len(hard) == 1 and _met(view, workload, hard[0], before):
        return gone(say("proof.spread.met", workload=workload.name))
    if constraints == before and workload.desired >= finding.facts.workload.desired:
        return stands(say("proof.spread.required", workload=workload.name))
    return untold(say("proof.spread.another", workload=workload.name))


def _met(view: ClusterView, workload: Workload, constraint: Obj, before: list[Obj]) -> bool:
    """The one constraint asked for more domains than there are, or counted closed ones, and no longer does."""
    was = next((c for c in before if c.get("topologyKey") == constraint.get("topologyKey")), None)
    fault = unmeetable(view, workload, was) if was is not None else ""
    return bool(fault) and not unmeetable(view, workload, constraint)


def host_ports(finding: Finding[Unplaced], view: ClusterView) -> Standing:
    """Whether more pods are wanted than nodes have the port free."""
    workload, before = subject(finding, view), subject(finding, seen(view))
    if workload is None or before is None:
        return not_there(finding)
    told: Told = {"workload": workload.name, "desired": workload.desired, "ready": before.ready}
    asked = {p.get("hostPort") for p in _ports(workload)} - {None}
    if not asked:
        return _placed(places(view, workload), workload)
    rolled = _rolled(view, workload)
    if rolled is not None:
        return rolled
    if workload.desired <= before.ready:
        return gone(say("proof.replicas_fit", **told))
    if asked == {p.get("hostPort") for p in _ports(before)} - {None}:
        return stands(say("proof.host_port", **told))
    return untold(say("proof.only_a_run", workload=workload.name))


def _ports(workload: Workload) -> list[Obj]:
    return [port for one in containers_in(workload.spec) for port in mappings(one, "ports")]


def others(finding: Finding[Unplaced], view: ClusterView) -> Standing:
    """Whether the template asks for the same devices and amounts as the one that finds no node."""
    workload, before = subject(finding, view), subject(finding, seen(view))
    if workload is None or before is None:
        return not_there(finding)
    rolled = _rolled(view, workload)
    if rolled is not None:
        return rolled
    try:
        same = per_pod(workload.spec, "requests") == per_pod(before.spec, "requests")
    except (quantities.BadQuantity, Misshapen):
        return untold(say("proof.only_a_run", workload=workload.name))
    if same:
        return stands(say("proof.same_requests", workload=workload.name))
    return untold(say("proof.only_a_run", workload=workload.name))


def too_many(finding: Finding[Unplaced], view: ClusterView) -> Standing:
    """Whether the nodes have a place for one pod more, or an old one leaves its own first."""
    workload = subject(finding, view)
    if workload is None or not view.nodes:
        return not_there(finding)
    return _rolled(view, workload) or _placed(places(view, workload), workload)


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "insufficient_cpu": cause(Unplaced, by_room, certain=True),
    "insufficient_memory": cause(Unplaced, by_room, certain=True),
    "insufficient_resource": cause(Unplaced, others),
    "node_selector_mismatch": cause(Unplaced, by_labels, certain=True),
    "node_affinity_mismatch": cause(Unplaced, by_labels, certain=True),
    "pod_affinity_mismatch": cause(Unplaced, near),
    "pod_anti_affinity_conflict": cause(Unplaced, apart),
    "taint_not_tolerated": cause(Unplaced, by_taints, certain=True),
    "topology_spread_unsatisfied": cause(Unplaced, spread),
    "host_port_conflict": cause(Unplaced, host_ports),
    "too_many_pods": cause(Unplaced, too_many),
}
