"""Pods and objects that the API server refuses: quotas, limits, accounts, policies, webhooks.

Messages: k8s.io/apiserver resourcequota and k8s.io/kubernetes limitranger, serviceaccount and podsecurity plugins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from decide.core.findings import Fact, Finding, quote
from decide.core.objects import (
    Obj,
    Workload,
    at,
    condition,
    items,
    mapping,
    name_of,
    namespace_of,
    number,
    plural_of,
)
from decide.core.view import ClusterView
from manifests.objects import quantities
from schemas.base import ObjectRef

_QUOTA = re.compile(
    r"exceeded quota: (?P<name>[^,\s]+), requested: (?P<asked>.+?), used: (?P<used>.+?), limited: (?P<hard>.+)$"
)
_ACCOUNT = re.compile(r'serviceaccounts? "(?P<name>[^"]+)" not found')
_FAMILY = (
    ("storage", re.compile(r"storage|persistentvolumeclaims")),
    ("cpu", re.compile(r"cpu$")),
    ("memory", re.compile(r"memory$")),
    ("pods", re.compile(r"^(count/)?pods$")),
    ("services", re.compile(r"^(count/)?services(\..*)?$")),
)


def quota_family(resource: str) -> str:
    """Which quota class a resource name belongs to: ``requests.cpu`` → ``cpu``."""
    for family, pattern in _FAMILY:
        if pattern.search(resource):
            return family
    return "objects"


#: Event reasons of controllers whose objects are refused.
_REFUSED = ("FailedCreate", "ReplicaSetCreateError")
#: What admission plugins and validation say, the first that fits answers.
_REFUSALS = (
    ("missing_service_account", re.compile(r"error looking up service account")),
    ("quota_needs_values", re.compile(r"failed quota:")),
    ("pod_security_violation", re.compile(r"violates PodSecurity|security context constraint")),
    ("webhook_unavailable", re.compile(r"failed calling webhook|failed to call webhook")),
    (
        "webhook_refused",
        re.compile(r"admission webhook|denied the request|ValidatingAdmissionPolicy"),
    ),
    (
        "limit_range_violated",
        re.compile(r"(?:maximum|minimum) \S+ usage per |limit to request ratio"),
    ),
    ("priority_class_missing", re.compile(r"no PriorityClass with name")),
    (
        "runtime_class_missing",
        re.compile(r"RuntimeClass .*not found|runtimeclass.*not found", re.I),
    ),
    ("namespace_terminating", re.compile(r"because it is being terminated")),
    ("rbac_denied", re.compile(r"cannot (?:create|patch|update|get) resource")),
    ("pod_spec_invalid", re.compile(r"is invalid: ")),
)


def _pairs(text: str) -> dict[str, str]:
    return dict(part.strip().split("=", 1) for part in text.split(",") if "=" in part)


def refusals(view: ClusterView, workload: Workload) -> list[str]:
    """What the API server says against this workload's pods, newest first; only while pods are missing."""
    if workload.kind == "Pod" or condition(workload.obj, "Complete").get("status") == "True":
        return []
    said = condition(workload.obj, "ReplicaFailure")
    out = [str(said.get("message"))] if said.get("status") == "True" else []
    there = (
        workload.created
        if view.collected("pods")
        else number(at(workload.obj, "status", "replicas"))
    )
    if there >= workload.desired:
        return out  # a rolling update may lack its new pods while the old ones serve
    events = [e for e in view.events_of_workload(workload) if e.reason in _REFUSED]
    return out + [e.message for e in reversed(events)]


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about refused objects."""
    for workload in view.workloads:
        texts = refusals(view, workload)
        if texts:
            yield _refused(view, workload, texts)
    yield from _missing_services(view)
    yield from _missing_objects(view)
    yield from _missing_claims(view)
    yield from _tight_quotas(view)


def _refused(view: ClusterView, workload: Workload, texts: list[str]) -> Finding:
    text = texts[0]
    fact = Fact(source="event", statement=quote(text), object=workload.ref)
    quota = _QUOTA.search(text)
    if quota is not None:
        return _quota(view, workload, quota, fact)
    account = _ACCOUNT.search(text)
    if account is not None and view.get("serviceaccounts", workload.namespace, account["name"]):
        return Finding(
            failure_class="pods_not_created",
            object=workload.ref,
            score=0.45,
            detail=quote(text),
            evidence=[fact],
            against=["the account exists now"],
        )
    for class_id, pattern in _REFUSALS:
        if pattern.search(text):
            name = account["name"] if account else ""
            return Finding(
                failure_class=class_id,
                object=workload.ref,
                score=0.95,
                detail=quote(text),
                evidence=[fact],
                against=[],
                facts={"account": name, "workload": workload, "message": text},
            )
    return Finding(
        failure_class="pods_not_created",
        object=workload.ref,
        score=0.6,
        detail=quote(text),
        evidence=[fact],
    )


def _quota(view: ClusterView, workload: Workload, said: re.Match[str], fact: Fact) -> Finding:
    asked, used, hard = (_pairs(said[part]) for part in ("asked", "used", "hard"))
    resource = _worst(asked, used, hard)
    quota = view.get("resourcequotas", workload.namespace, said["name"])
    return Finding(
        failure_class=f"quota_{quota_family(resource)}_exceeded",
        object=_quota_ref(workload.namespace, said["name"]),
        score=0.96,
        detail=f"{resource}: used {used.get(resource, '?')}, hard {hard.get(resource, '?')}, {workload.ref.key} asks for {asked.get(resource, '?')}",
        evidence=[fact],
        against=[],
        facts={
            "quota": quota,
            "resource": resource,
            "used": used.get(resource),
            "hard": hard.get(resource),
            "asked": asked.get(resource),
            "workload": workload,
            "missing": workload.desired - workload.created,
        },
    )


def _worst(asked: dict[str, str], used: dict[str, str], hard: dict[str, str]) -> str:
    """The resource furthest over its quota, relative to it."""

    def overshoot(resource: str) -> Decimal:
        try:
            need = quantities.parse(asked[resource]) + quantities.parse(used.get(resource, "0"))
            return need / max(quantities.parse(hard[resource]), Decimal("1e-9"))
        except (KeyError, quantities.BadQuantity):
            return Decimal(0)

    return max(hard or {"objects": ""}, key=overshoot)


def _quota_ref(namespace: str, name: str) -> ObjectRef:
    return ObjectRef(api_version="v1", kind="ResourceQuota", namespace=namespace, name=name)


def _hard_and_used(quota: Obj) -> Iterator[tuple[str, Decimal, Decimal]]:
    hard = mapping(at(quota, "status", "hard")) or mapping(at(quota, "spec", "hard"))
    used = mapping(at(quota, "status", "used"))
    for resource, value in hard.items():
        try:
            yield resource, quantities.parse(value), quantities.parse(used.get(resource, "0"))
        except quantities.BadQuantity:
            continue


def _missing_services(view: ClusterView) -> Iterator[Finding]:
    """A Service that is declared or that callers name, not there, and a quota on services that is full."""
    wanted: dict[tuple[str, str], str] = {}
    for kind, namespace, name in view.declared:
        if kind == "Service" and namespace in view.focus:
            wanted[(namespace, name)] = "declared in the deployment repository"
    for key in list(_called_without_service(view)):
        wanted.setdefault(key, "called by other workloads")
    missing = [k for k in wanted if view.collected("services") and not view.get("services", *k)]
    for namespace, name in missing:
        for quota in view.all("resourcequotas"):
            if namespace_of(quota) != namespace:
                continue
            for resource, hard, used in _hard_and_used(quota):
                if quota_family(resource) == "services" and used >= hard:
                    fact = Fact(
                        source="object",
                        statement=f"Service {name} is {wanted[(namespace, name)]} and does not exist; quota {name_of(quota)} has {resource} {used} of {hard} used",
                    )
                    yield Finding(
                        failure_class="quota_services_exceeded",
                        object=_quota_ref(namespace, name_of(quota)),
                        score=0.93,
                        detail=fact.statement,
                        evidence=[fact],
                        against=[],
                        facts={
                            "quota": quota,
                            "resource": resource,
                            "hard": str(hard),
                            "used": str(used),
                            "asked": "1",
                            "missing": 1,
                        },
                    )


def _missing_objects(view: ClusterView) -> Iterator[Finding]:
    """Any other object that is declared and not there, and a quota on the number of its kind that is full."""
    for kind, namespace, name in view.declared:
        plural = plural_of(kind)
        if (
            kind in ("Service", "PersistentVolumeClaim")
            or namespace not in view.focus
            or not view.collected(plural)
            or view.get(plural, namespace, name)
        ):
            continue
        for quota in view.all("resourcequotas"):
            for resource, hard, used in _hard_and_used(quota):
                counted = resource.removeprefix("count/").split(".")[0]
                if namespace_of(quota) == namespace and counted == plural and used >= hard:
                    text = f"{kind} {name} is declared and does not exist; quota {name_of(quota)} has {resource} {used} of {hard} used"
                    yield Finding(
                        failure_class=f"quota_{quota_family(resource)}_exceeded",
                        object=_quota_ref(namespace, name_of(quota)),
                        score=0.9,
                        detail=text,
                        evidence=[Fact(source="object", statement=text)],
                        against=[],
                        facts={
                            "quota": quota,
                            "resource": resource,
                            "hard": str(hard),
                            "used": str(used),
                            "asked": "1",
                            "missing": 1,
                        },
                    )


def _called_without_service(view: ClusterView) -> Iterator[tuple[str, str]]:
    """Workloads that have pods and ports but no Service of their name, though others name it in addresses."""
    from decide.core.graph import addresses_of

    names = {(w.namespace, w.name) for w in view.workloads}
    for workload in view.workloads:
        for address in addresses_of(view, workload):
            key = (workload.namespace, address.host.split(".")[0])
            if key in names:
                yield key


def _missing_claims(view: ClusterView) -> Iterator[Finding]:
    """A claim that pods mount, not there, and a quota on storage without room for what is declared."""
    for workload in view.workloads:
        for volume in items(workload.spec.get("volumes")):
            claim = str(at(volume, "persistentVolumeClaim", "claimName") or "")
            if not claim or not view.collected("persistentvolumeclaims"):
                continue
            if view.get("persistentvolumeclaims", workload.namespace, claim):
                continue
            yield _claim_missing(view, workload, claim)


def _claim_missing(view: ClusterView, workload: Workload, claim: str) -> Finding:
    declared = view.declared.get(("PersistentVolumeClaim", workload.namespace, claim), {})
    size = str(at(declared, "spec", "resources", "requests", "storage") or "")
    fact = Fact(
        source="object",
        statement=f'PersistentVolumeClaim "{claim}" of {workload.ref.key} does not exist',
        object=workload.ref,
    )
    for quota in view.all("resourcequotas"):
        if namespace_of(quota) != workload.namespace:
            continue
        for resource, hard, used in _hard_and_used(quota):
            if quota_family(resource) != "storage":
                continue
            need = _need(resource, size)
            full = used + need > hard if need is not None else True
            if full:
                text = f"quota {name_of(quota)} allows {resource} {hard}, {used} used, claim {claim} asks for {size or 'more'}"
                score = 0.95 if need is not None else 0.88
                return Finding(
                    failure_class="quota_storage_exceeded",
                    object=_quota_ref(workload.namespace, name_of(quota)),
                    score=score,
                    detail=text,
                    evidence=[fact, Fact(source="object", statement=text)],
                    against=[],
                    facts={
                        "quota": quota,
                        "resource": resource,
                        "hard": str(hard),
                        "used": str(used),
                        "asked": "1" if "persistentvolumeclaims" in resource else size,
                        "missing": 1,
                    },
                )
    score = 0.9 if view.collected("resourcequotas") else 0.55
    return Finding(
        failure_class="pvc_missing",
        object=workload.ref,
        score=score,
        detail=fact.statement,
        evidence=[fact],
        against=[],
        facts={"claim": claim, "declared": declared, "workload": workload},
    )


def _need(resource: str, size: str) -> Decimal | None:
    if "persistentvolumeclaims" in resource:
        return Decimal(1)
    try:
        return quantities.parse(size) if size else None
    except quantities.BadQuantity:
        return None


def _tight_quotas(view: ClusterView) -> Iterator[Finding]:
    """A quota that is used up, and nothing else known: a guess that fills the ranking."""
    for quota in view.all("resourcequotas"):
        if namespace_of(quota) not in view.focus:
            continue
        for resource, hard, used in _hard_and_used(quota):
            if hard > 0 and used >= hard:
                text = f"quota {name_of(quota)}: {resource} {used} of {hard} used"
                yield Finding(
                    failure_class=f"quota_{quota_family(resource)}_exceeded",
                    object=_quota_ref(namespace_of(quota), name_of(quota)),
                    score=0.35,
                    detail=text,
                    evidence=[Fact(source="object", statement=text)],
                    against=["no object is refused for it"],
                    facts={
                        "quota": quota,
                        "resource": resource,
                        "hard": str(hard),
                        "used": str(used),
                    },
                )
