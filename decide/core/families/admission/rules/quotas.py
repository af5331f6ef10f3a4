"""Quotas that keep pods and objects out.

Messages: k8s.io/apiserver resourcequota.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from decide.core.families.admission.facts import FullQuota
from decide.core.findings import Fact, Finding
from decide.core.graph import addresses_of
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.kinds import plural_of
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, at, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

_QUOTA = re.compile(
    r"exceeded quota: (?P<name>[^,\s]+), requested: (?P<asked>.+?), used: (?P<used>.+?), limited: (?P<hard>.+)$"
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaBound:
    """One resource of a quota, in pieces, cores or bytes."""

    quota: Obj
    resource: str
    hard: Decimal
    used: Decimal

    def found(
        self, score: float, told: str, evidence: list[Fact], *, asked: str = "1", against: str = ""
    ) -> Finding[FullQuota]:
        """A finding at the quota, of the class of the resource."""
        return Finding(
            failure_class=f"quota_{quota_family(self.resource)}_exceeded",
            object=_quota_ref(namespace_of(self.quota), name_of(self.quota)),
            score=score,
            detail=told,
            evidence=evidence,
            against=[against] if against else [],
            facts=FullQuota(
                quota=self.quota,
                resource=self.resource,
                hard=str(self.hard),
                used=str(self.used),
                asked=asked,
            ),
        )


def bounds(view: ClusterView, namespace: str) -> Iterator[QuotaBound]:
    """What the namespace's quotas bound; what is no quantity is left out."""
    for quota in view.all("resourcequotas"):
        if namespace_of(quota) != namespace:
            continue
        hard = mapping(at(quota, "status", "hard")) or mapping(at(quota, "spec", "hard"))
        used = mapping(at(quota, "status", "used"))
        for resource, value in hard.items():
            try:
                most = quantities.parse(str(value))
                now = quantities.parse(str(used.get(resource, "0")))
            except quantities.BadQuantity:
                continue
            yield QuotaBound(quota=quota, resource=str(resource), hard=most, used=now)


def refused(
    view: ClusterView, workload: Workload, text: str, fact: Fact
) -> Finding[FullQuota] | None:
    """The quota that a refusal names; ``None`` where it names none."""
    said = _QUOTA.search(text)
    if said is None:
        return None
    asked, used, hard = (_pairs(said[part]) for part in ("asked", "used", "hard"))
    resource = _worst(asked, used, hard)
    return Finding(
        failure_class=f"quota_{quota_family(resource)}_exceeded",
        object=_quota_ref(workload.namespace, said["name"]),
        score=0.96,
        detail=say(
            "admission.quota.refused",
            resource=resource,
            used=used.get(resource, "?"),
            hard=hard.get(resource, "?"),
            workload=workload.ref.key,
            asked=asked.get(resource, "?"),
        ),
        evidence=[fact],
        facts=FullQuota(
            workload=workload,
            quota=view.get("resourcequotas", workload.namespace, said["name"]),
            resource=resource,
            hard=hard.get(resource, ""),
            used=used.get(resource, ""),
            asked=asked.get(resource, ""),
            missing=workload.desired - workload.created,
        ),
    )


def _pairs(text: str) -> dict[str, str]:
    return dict(part.strip().split("=", 1) for part in text.split(",") if "=" in part)


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


def find_services(view: ClusterView) -> Iterator[Finding[FullQuota]]:
    """A Service that is declared or that callers name, not there, and a quota on services that is full."""
    if not view.collected("services"):
        return
    declared = {
        (namespace, name): None
        for kind, namespace, name in view.declared
        if kind == "Service" and namespace in view.focus
    }
    wanted = dict.fromkeys([*declared, *_called_without_service(view)])
    for namespace, name in wanted:
        if view.get("services", namespace, name):
            continue
        for bound in _full(view, namespace, lambda r: quota_family(r) == "services"):
            told = say(
                "admission.quota.service_declared"
                if (namespace, name) in declared
                else "admission.quota.service_called",
                service=name,
                quota=name_of(bound.quota),
                resource=bound.resource,
                used=str(bound.used),
                hard=str(bound.hard),
            )
            yield bound.found(0.93, told, [Fact(source="object", statement=told)])


def find_objects(view: ClusterView) -> Iterator[Finding[FullQuota]]:
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
        for bound in _full(view, namespace, lambda r, of=plural: _counted(r) == of):  # type: ignore[misc]
            told = say(
                "admission.quota.object_declared",
                kind=kind,
                object=name,
                quota=name_of(bound.quota),
                resource=bound.resource,
                used=str(bound.used),
                hard=str(bound.hard),
            )
            yield bound.found(0.9, told, [Fact(source="object", statement=told)])


def _full(view: ClusterView, namespace: str, about: Callable[[str], bool]) -> Iterator[QuotaBound]:
    return (b for b in bounds(view, namespace) if about(b.resource) and b.used >= b.hard)


def _counted(resource: str) -> str:
    """The plural of the kind that a quota counts: ``count/deployments.apps`` → ``deployments``."""
    return resource.removeprefix("count/").split(".")[0]


def _called_without_service(view: ClusterView) -> Iterator[tuple[str, str]]:
    """Workloads that have pods and ports but no Service of their name, though others name it in addresses."""
    names = {(w.namespace, w.name) for w in view.workloads}
    for workload in view.workloads:
        for address in addresses_of(view, workload):
            key = (workload.namespace, address.host.split(".")[0])
            if key in names:
                yield key


def find_tight(view: ClusterView) -> Iterator[Finding[FullQuota]]:
    """A quota that is used up, and nothing else known: a guess that fills the ranking."""
    for namespace in dict.fromkeys(namespace_of(quota) for quota in view.all("resourcequotas")):
        if namespace not in view.focus:
            continue
        for bound in bounds(view, namespace):
            if bound.hard > 0 and bound.used >= bound.hard:
                told = say(
                    "admission.quota.tight",
                    quota=name_of(bound.quota),
                    resource=bound.resource,
                    used=str(bound.used),
                    hard=str(bound.hard),
                )
                evidence = [Fact(source="object", statement=told)]
                against = say("admission.quota.nothing_refused")
                yield bound.found(0.35, told, evidence, asked="", against=against)
