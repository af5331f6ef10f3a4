"""A rollout as the objects tell it. Strict: for checks and for numbers in plans."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from manifests.objects.meta import labels_of, name_of, namespace_of, owners_of
from manifests.objects.pods import Pod
from manifests.objects.resources import Amounts
from manifests.objects.rollouts import deployments, members
from manifests.objects.rollouts.course import Course, PodSet
from manifests.objects.rollouts.deployments import Rolling, fenceposts
from manifests.objects.rollouts.members import Member, Members
from manifests.objects.shapes import Obj, at, mapping, strict_mapping, strict_number
from manifests.objects.workloads import replicas, rounded, said
from schemas.base import Json

#: What a pod of a pod spec counts for.
Counted = Callable[[Obj], Amounts]
_NEVER_SAME = ("pod-template-hash", "controller-revision-hash", "pod-template-generation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the cluster has of the workload; ``None`` where it was not collected."""

    replicasets: Sequence[Obj] | None = None
    revisions: Sequence[Obj] = ()
    pods: Sequence[Obj] | None = None


def course(
    before: Obj | None,
    after: Obj,
    counted: Counted,
    beside: Beside = Beside(),
    room: Mapping[str, Decimal] | None = None,
) -> Course | None:
    """How the change from ``before`` (``None``: it is created) to ``after`` goes; ``None`` for what is not rolled out.

    ``room``: what may be added to what the workload's pods count for now. Raises BadQuantity, Misshapen.
    """
    kind = after.get("kind")
    if kind == "Deployment":
        return deployments.roll(_deployment(before, after, counted, beside), room)
    if kind in ("StatefulSet", "DaemonSet"):
        return members.roll(_members(before, after, counted, beside), room)
    return None


def _spec(item: Obj) -> Obj:
    return strict_mapping(item, "spec", "template", "spec")


def _deployment(before: Obj | None, after: Obj, counted: Counted, beside: Beside) -> Rolling:
    desired = replicas(after)
    surge, unavailable, recreate = strategy(after)
    sets, new = _sets(before, after, counted, beside)
    scaled_from = None
    if before is not None and replicas(before) != desired:
        scaled_from = replicas(before) + strategy(before)[0]
    return Rolling(
        desired=desired,
        surge=surge,
        unavailable=unavailable,
        sets=sets,
        new=new,
        scaled_from=scaled_from,
        paused=at(after, "spec", "paused") is True,
        recreate=recreate,
    )


def strategy(item: Obj) -> tuple[int, int, bool]:
    """A Deployment's surge (rounded up), unavailable (rounded down), and whether all pods go at once; defaults 25 % each.

    Raises Misshapen.
    """
    stated, desired = strict_mapping(item, "spec", "strategy"), replicas(item)
    if stated.get("type") == "Recreate":
        return 0, 0, True
    rolling = strict_mapping(stated, "rollingUpdate")
    surge = rounded(said(rolling, "maxSurge", "25%"), desired, math.ceil)
    away = rounded(said(rolling, "maxUnavailable", "25%"), desired, math.floor)
    return *fenceposts(surge, away, desired), False


def _sets(
    before: Obj | None, after: Obj, counted: Counted, beside: Beside
) -> tuple[tuple[PodSet, ...], int]:
    fresh = PodSet(each=counted(_spec(after)), works=True)
    if before is None:
        return (fresh,), 0
    kept = None if beside.replicasets is None else _owned(beside.replicasets, before)
    if not kept:
        return _by_status(before, after, counted, fresh)
    found = sorted(kept, key=_age)
    same = [n for n, one in enumerate(found) if same_template(one, after)]
    sets = [_set(one, counted, beside, works=n in same) for n, one in enumerate(found)]
    if not same:
        return (*sets, fresh), len(sets)
    return tuple(sets), same[0]


def _set(one: Obj, counted: Counted, beside: Beside, *, works: bool) -> PodSet:
    """By its pods where some were collected: its status may be older."""
    own = [Pod(pod) for pod in _owned(beside.pods or (), {**one, "kind": "ReplicaSet"})]
    alive = [pod for pod in own if not pod.deleting]
    made = len(alive) or strict_number(one, "status", "replicas", default=0)
    told = strict_number(one, "status", "readyReplicas", default=0)
    ready = sum(pod.ready for pod in alive) if alive else min(made, told)
    return PodSet(
        wanted=strict_number(one, "spec", "replicas", default=made),
        made=made,
        ready=ready,
        each=counted(_spec(one)),
        works=works or (made > 0 and made == ready),
    )


def _by_status(
    before: Obj, after: Obj, counted: Counted, fresh: PodSet
) -> tuple[tuple[PodSet, ...], int]:
    """Where no ReplicaSet was collected: all its pods are of the template before, and what is more than wanted may be ending."""
    told, ready = _said(before)
    same, made = same_template(before, after), min(told, replicas(before))
    one = PodSet(
        wanted=replicas(before) if same else made,
        made=made,
        ready=min(made, ready),
        each=counted(_spec(before)),
        works=same or told == ready,
    )
    return ((one,), 0) if same else ((one, fresh), 1)


def _owned(candidates: Iterable[Obj], owner: Obj) -> list[Obj]:
    key = (str(owner.get("kind")), name_of(owner))
    return [c for c in candidates if namespace_of(c) == namespace_of(owner) and key in owners_of(c)]


def _age(item: Obj) -> tuple[str, str]:
    return str(at(item, "metadata", "creationTimestamp") or ""), name_of(item)


def same_template(one: Obj, other: Obj) -> bool:
    """The controller takes their pods for the same: equal templates but for the hash that it adds itself."""
    return bool(_bare(one) == _bare(other))


def _bare(item: Obj) -> Json:
    template = strict_mapping(item, "spec", "template")
    labels = {k: v for k, v in labels_of(template).items() if k not in _NEVER_SAME}
    notes = strict_mapping(template, "metadata", "annotations")
    return {"labels": labels, "annotations": dict(notes), "spec": template.get("spec")}


def _members(before: Obj | None, after: Obj, counted: Counted, beside: Beside) -> Members:
    desired, spec = replicas(after), strict_mapping(after, "spec", "updateStrategy")
    rolling = strict_mapping(spec, "rollingUpdate")
    daemon = after.get("kind") == "DaemonSet"
    direction = math.ceil if daemon else math.floor  # each as its controller does
    away = rounded(said(rolling, "maxUnavailable", 1), desired, direction)
    surge = rounded(said(rolling, "maxSurge", 0), desired, math.ceil) if daemon else 0
    pods = () if before is None else _there(before, after, counted, beside)
    new = counted(_spec(after))
    return Members(
        desired=desired,
        unavailable=max(away, 0 if surge else 1),
        surge=surge,
        partition=0 if daemon else strict_number(rolling, "partition", default=0),
        ordered=not daemon and at(after, "spec", "podManagementPolicy") != "Parallel",
        on_delete=spec.get("type") == "OnDelete",
        pods=pods,
        new=new,
        old=new if before is None else counted(_spec(before)),
        old_works=all(pod is None or pod.ready for pod in pods),
    )


def _there(before: Obj, after: Obj, counted: Counted, beside: Beside) -> tuple[Member | None, ...]:
    """Its pods by number; by its status where none was collected."""
    own = None if beside.pods is None else _owned(beside.pods, before)
    if not own:
        made, ready = _said(before)
        each, same = counted(_spec(before)), same_template(before, after)
        return tuple(Member(new=same, ready=n < ready, each=each) for n in range(made))
    hashes = _hashes(before, after, beside.revisions)
    found: dict[int, Member] = {}
    for n, pod in enumerate(Pod(one) for one in own):
        if not pod.deleting:
            new = str(labels_of(pod.obj).get("controller-revision-hash")) in hashes
            number = n if before.get("kind") == "DaemonSet" else _number(pod.name)
            found[number] = Member(new=new, ready=pod.ready, each=counted(pod.spec))
    if before.get("kind") == "DaemonSet":  # of two on a node the unready one goes
        return tuple(sorted(found.values(), key=lambda one: not one.ready))
    return tuple(found.get(n) for n in range(max(found, default=-1) + 1))


def _hashes(before: Obj, after: Obj, revisions: Iterable[Obj]) -> set[str]:
    """What pods of the template that is wanted say as their revision: its whole name, or the hash alone."""
    found = set()
    for one in _owned(revisions, before):
        if same_template(mapping(one, "data"), after):
            name = name_of(one)
            found |= {name, name.removeprefix(f"{name_of(before)}-")}
    return found


def _number(name: str) -> int:
    last = name.rpartition("-")[2]
    return int(last) if last.isdecimal() and len(last) < 5 else 0


def _said(item: Obj) -> tuple[int, int]:
    if not item.get("status"):
        return replicas(item), replicas(item)
    daemon = item.get("kind") == "DaemonSet"
    made = "currentNumberScheduled" if daemon else "replicas"
    ready = "numberReady" if daemon else "readyReplicas"
    return strict_number(item, "status", made, default=0), strict_number(
        item, "status", ready, default=0
    )
