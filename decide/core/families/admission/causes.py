"""What makes the API server refuse pods: quotas, ranges, standards, names that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from decide.core.drafting.containers import quantity
from decide.core.drafting.replicas import beside
from decide.core.facts import Facts
from decide.core.families.admission.facts import AbsentClaim, DeniedRights, FullQuota, RefusedPods
from decide.core.families.admission.plans.values import within_bounds
from decide.core.families.admission.rules.quotas import QuotaBound, bounds, quota_family
from decide.core.families.admission.standards import pod_security
from decide.core.families.parts import Cause, cause
from decide.core.findings import Finding
from decide.core.proof import asking
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.rights import allowed
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import name_of
from manifests.objects.resources import Amounts, per_pod
from manifests.objects.rollouts.reading import course
from manifests.objects.shapes import Misshapen, Obj, at, mapping, mappings
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True)
class Need:
    """What a whole rollout takes of a quota's resource, in its unit: at its end, and at its widest."""

    settled: Decimal
    widest: Decimal
    #: It does not get through: a pod that it cannot do without is refused.
    stops: bool


def quota(finding: Finding[FullQuota], view: ClusterView) -> Standing:
    """Whether used − leaving + the whole rollout is above the hard value."""
    facts, ref = finding.facts, finding.object
    found = view.get("resourcequotas", ref.namespace, ref.name)
    hard = _amount(mapping(found or {}, "spec", "hard").get(facts.resource, facts.hard))
    used = _amount(facts.used or "0")
    if hard is None or used is None:
        return untold(say("proof.quota.unknown", quota=ref.name, resource=facts.resource))
    need = _need(facts, view, used, hard)
    if need is None:
        return untold(say("proof.quota.unknown", quota=ref.name, resource=facts.resource))
    told: Told = {
        "quota": ref.name,
        "resource": facts.resource,
        "hard": _shown(facts.resource, hard),
        "need": _shown(facts.resource, need.widest),
    }
    if need.settled > hard:
        return stands(say("proof.quota.full", **told))
    if need.stops:
        return stands(say("proof.quota.tight", **told))
    return gone(say("proof.quota.room", **told))


def _need(facts: FullQuota, view: ClusterView, used: Decimal, hard: Decimal) -> Need | None:
    """Of the workload's rollout; of single objects what is used and what is missing."""
    asked = _amount(facts.asked or "1")
    if facts.workload is None:
        missing = None if asked is None else used + asked * max(1, facts.missing)
        return None if missing is None else Need(missing, missing, stops=missing > hard)
    workload = view.workload(facts.workload.kind, facts.workload.namespace, facts.workload.name)
    if workload is None:
        return None
    each = _each(workload, facts.resource)
    before = _each(facts.workload, facts.resource)
    if asked is not None and each == before and facts.asked:
        each = asked  # the API server counts what a LimitRange fills in
    return rollout(view, workload, (facts.resource, used, hard), each)


def rollout(
    view: ClusterView,
    workload: Workload,
    bound: tuple[str, Decimal, Decimal],
    each: Decimal | None,
) -> Need | None:
    """What the workload's rollout takes from where it stands now; ``bound``: the quota's resource, used and hard.

    ``each``: what a pod of the template counts for, as the API server said it where it did.
    """
    resource, used, hard = bound
    owner = seen(view).workload(workload.kind, workload.namespace, workload.name)
    if each is None or owner is None:
        return None

    declared_each = _each(workload, resource)

    def counts(spec: Obj) -> Amounts:
        own = _counted(spec, resource)
        return {resource: each if own is None or own == declared_each else own}

    played = partial(course, owner.obj, workload.obj, counts, beside(seen(view), owner))
    try:
        free, bounded = played(), played(room={resource: hard - used})
    except (quantities.BadQuantity, Misshapen):
        return None
    if free is None or bounded is None:
        more = (workload.desired - owner.created) * each
        return Need(used + more, used + max(more, Decimal(0)), stops=used + more > hard)
    steady, growth = (
        free.steady().get(resource, Decimal(0)),
        free.growth().get(resource, Decimal(0)),
    )
    return Need(used + steady, used + growth, stops=bounded.stop == "no_room")


def _each(workload: Workload, resource: str) -> Decimal | None:
    """What one pod of the template counts for; ``None`` where the template does not say."""
    return _counted(workload.spec, resource)


def _counted(spec: Obj, resource: str) -> Decimal | None:
    family = quota_family(resource)
    if family == "pods":
        return Decimal(1)
    if family not in ("cpu", "memory"):
        return None
    which, _, name = resource.rpartition(".")
    try:
        return per_pod(spec, "limits" if which == "limits" else "requests").get(name)
    except (quantities.BadQuantity, Misshapen):
        return None


def _amount(value: object) -> Decimal | None:
    try:
        return quantities.parse(str(value))
    except quantities.BadQuantity:
        return None


def _shown(resource: str, value: Decimal) -> str:
    family = quota_family(resource)
    if family == "cpu":
        return quantities.format_cpu(value)
    if family in ("memory", "storage") and value > 2**20:
        return quantities.format_memory(value)
    return f"{value.normalize():f}"


def claim(finding: Finding[AbsentClaim], view: ClusterView) -> Standing:
    """Whether the pods mount a claim that is not there."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    mounted = [
        str(at(v, "persistentVolumeClaim", "claimName") or "")
        for v in mappings(workload.spec, "volumes")
    ]
    for name in filter(None, mounted):
        if view.get("persistentvolumeclaims", workload.namespace, name) is None:
            return stands(say("proof.absent", object=f"PersistentVolumeClaim/{name}"))
    return gone(say("proof.claims_there", workload=workload.name))


def account(finding: Finding[RefusedPods], view: ClusterView) -> Standing:
    """Whether the pods' ServiceAccount is there."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    name = str(workload.spec.get("serviceAccountName") or "default")
    there = view.get("serviceaccounts", workload.namespace, name)
    if there is not None or name == "default":  # every namespace has that one
        return gone(say("proof.exists", object=f"ServiceAccount/{name}"))
    if name == finding.facts.account or view.collected("serviceaccounts"):
        return stands(say("proof.absent", object=f"ServiceAccount/{name}"))
    return untold(say("proof.reference.uncollected", kinds="serviceaccounts"))


def priority_class(finding: Finding[RefusedPods], view: ClusterView) -> Standing:
    """Whether the pods' PriorityClass is there."""
    return _named(finding, view, "priorityClassName", "priorityclasses", "PriorityClass")


def runtime_class(finding: Finding, view: ClusterView) -> Standing:
    """Whether the pods' RuntimeClass is there."""
    return _named(finding, view, "runtimeClassName", "runtimeclasses", "RuntimeClass")


def _named(finding: Finding, view: ClusterView, field: str, plural: str, kind: str) -> Standing:
    workload, before = subject(finding, view), subject(finding, seen(view))
    if workload is None or before is None:
        return not_there(finding)
    name = str(workload.spec.get(field) or "")
    if not name:
        return gone(say("proof.names_none", workload=workload.name, field=field))
    if view.get(plural, "", name) is not None or name.startswith("system-"):
        return gone(say("proof.exists", object=f"{kind}/{name}"))
    if name == before.spec.get(field) or view.collected(plural):
        return stands(say("proof.absent", object=f"{kind}/{name}"))
    return untold(say("proof.reference.uncollected", kinds=plural))


def needs_values(finding: Finding[RefusedPods], view: ClusterView) -> Standing:
    """Whether each container states what the quota demands."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    for name in _demanded(finding.facts.message):
        which, _, resource = name.rpartition(".")
        which = which if which in ("limits", "requests") else "requests"
        for container in workload.containers():
            silent = quantity(container, which, resource) is None
            if silent and (which == "limits" or quantity(container, "limits", resource) is None):
                return stands(say("proof.value_missing", container=container.name, value=name))
    return gone(say("proof.values_stated", workload=workload.name))


def _demanded(text: str) -> list[str]:
    _, _, listed = text.partition("must specify ")
    parts = listed.split(";") if " for: " in listed else listed.split(",")
    return [found for part in parts if (found := part.partition(" for: ")[0].strip())]


def limit_range(finding: Finding[RefusedPods], view: ClusterView) -> Standing:
    """Whether every container's values are within the namespace's ranges."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    ranges = view.inside("limitranges", workload.namespace)
    outside = next(_outside(workload, ranges), "")
    if not outside:
        outside = next((path for path, _ in within_bounds(workload, finding.facts.message)), "")
    if outside:
        return stands(say("proof.range.outside", what=outside))
    return gone(say("proof.range.within", workload=workload.name))


def _outside(workload: Workload, ranges: list[Obj]) -> Iterator[str]:
    """Values that a LimitRange does not allow, as ``app limits.memory 2Gi > 1Gi``."""
    for entry in (e for r in ranges for e in mappings(r, "spec", "limits")):
        if entry.get("type") == "Container":
            for container in workload.containers(init=True):
                values = {
                    f"{container.name} {which}.{name}": (
                        which,
                        name,
                        quantity(container, which, name),
                    )
                    for which in ("requests", "limits")
                    for name in ("cpu", "memory")
                }
                yield from _beyond(entry, values)
                yield from _ratio(entry, values)
        elif entry.get("type") == "Pod":
            yield from _of_pod(entry, workload)


def _beyond(entry: Obj, values: dict[str, tuple[str, str, Decimal | None]]) -> Iterator[str]:
    for label, (which, name, stated) in values.items():
        most, least = (_amount(at(entry, side, name)) for side in ("max", "min"))
        default = at(entry, "default" if which == "limits" else "defaultRequest", name)
        value = stated if stated is not None else _amount(default)
        if value is not None and most is not None and value > most:
            yield f"{label} {_shown(name, value)} > {_shown(name, most)}"
        if value is not None and least is not None and value < least:
            yield f"{label} {_shown(name, value)} < {_shown(name, least)}"
        if value is None and which == "limits" and most is not None:
            yield f"{label} –"


def _ratio(entry: Obj, values: dict[str, tuple[str, str, Decimal | None]]) -> Iterator[str]:
    found = {(which, name): value for which, name, value in values.values()}
    for name in ("cpu", "memory"):
        most = _amount(at(entry, "maxLimitRequestRatio", name))
        limit, request = found["limits", name], found["requests", name]
        if most is not None and limit is not None and request and limit / request > most:
            yield f"{name} {limit / request:.2f} > {most}"


def _of_pod(entry: Obj, workload: Workload) -> Iterator[str]:
    for which in ("requests", "limits"):
        for name in ("cpu", "memory"):
            most = _amount(at(entry, "max", name))
            stated = [quantity(c, which, name) or Decimal(0) for c in workload.containers()]
            total = sum(stated, Decimal(0))
            if most is not None and total > most:
                yield f"Pod {which}.{name} {_shown(name, total)} > {_shown(name, most)}"


_ABOVE = re.compile(r"must be less than or equal to (?P<resource>\S+) limit")


def invalid(finding: Finding[RefusedPods], view: ClusterView) -> Standing:
    """Whether a request stands above its limit, where that was refused; else whether the template is the refused one."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    said = _ABOVE.search(finding.facts.message)
    if said is None:
        return asking.by_template(finding, view)
    resource = said["resource"]
    for container in workload.containers(init=True):
        request = quantity(container, "requests", resource)
        limit = quantity(container, "limits", resource) or _default(view, workload, resource)
        if request is not None and limit is not None and request > limit:
            told: Told = {"asked": _shown(resource, request), "limit": _shown(resource, limit)}
            return stands(say("proof.request_above", container=container.name, **told))
    return gone(say("proof.requests_below", workload=workload.name, resource=resource))


def _default(view: ClusterView, workload: Workload, resource: str) -> Decimal | None:
    """The limit that a LimitRange fills in."""
    for found in view.inside("limitranges", workload.namespace):
        for entry in mappings(found, "spec", "limits"):
            value = at(entry, "default", resource)
            if entry.get("type") == "Container" and value is not None:
                return _amount(value)
    return None


def declared(view: ClusterView, workload: Workload) -> Iterator[Finding]:
    """Quotas that the workload's whole rollout does not fit into."""
    for bound in bounds(view, workload.namespace):
        if quota_family(bound.resource) not in ("cpu", "memory", "pods"):
            continue
        hard = _amount(at(bound.quota, "spec", "hard", bound.resource))
        scoped = at(bound.quota, "spec", "scopes") or at(bound.quota, "spec", "scopeSelector")
        need = rollout(
            view,
            workload,
            (bound.resource, bound.used, bound.hard),
            _each(workload, bound.resource),
        )
        if scoped or hard is None or need is None or need.settled <= hard:
            continue
        yield _over(workload, bound, hard)


def _over(workload: Workload, bound: QuotaBound, hard: Decimal) -> Finding:
    told: Told = {"quota": name_of(bound.quota), "resource": bound.resource}
    found = bound.found(0.9, say("proof.quota.refuses", workload=workload.ref.key, **told), [])
    each = _each(workload, bound.resource)
    facts = replace(
        found.facts,
        workload=workload,
        hard=f"{hard:f}",
        used=f"{bound.used:f}",
        asked="" if each is None else f"{each:f}",
        missing=max(1, workload.desired - workload.created),
    )
    return replace(found, evidence=[], facts=facts)


_QUOTA = cause(FullQuota, quota)


def rights(finding: Finding[DeniedRights], view: ClusterView) -> Standing:
    """Whether the account that the template names lacks a right that was denied."""
    workload, asked = subject(finding, view), finding.facts.denied
    if workload is None or not asked:
        return not_there(finding)
    account = str(workload.spec.get("serviceAccountName") or "default")
    for one in asked:
        who = replace(one, space=workload.namespace, account=account)
        told: Told = {"account": account, "verb": one.right.verb, "resource": one.right.resource}
        if one.right.where and not allowed(view, who):
            return stands(say("proof.rights.lacks", **told))
        if not one.right.where:
            return untold(say("proof.rights.cluster", **told))
    return gone(say("proof.rights.has", account=account))


#: By id of the class.
CAUSES: dict[str, Cause] = {
    "quota_cpu_exceeded": _QUOTA,
    "quota_memory_exceeded": _QUOTA,
    "quota_pods_exceeded": _QUOTA,
    "quota_services_exceeded": _QUOTA,
    "quota_storage_exceeded": _QUOTA,
    "quota_objects_exceeded": _QUOTA,
    "quota_needs_values": cause(RefusedPods, needs_values, certain=True),
    "limit_range_violated": cause(RefusedPods, limit_range, certain=True),
    "missing_service_account": cause(RefusedPods, account, certain=True),
    "pod_security_violation": cause(RefusedPods, pod_security, certain=True),
    "priority_class_missing": cause(RefusedPods, priority_class, certain=True),
    "runtime_class_missing": cause(Facts, runtime_class, certain=True),
    "pod_spec_invalid": cause(RefusedPods, invalid),
    "rbac_denied": cause(DeniedRights, rights, certain=True),
    "pvc_missing": cause(AbsentClaim, claim, certain=True),
}
