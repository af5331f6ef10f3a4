"""Claims of devices against what exists: the claim or its template, the class that it asks for, the devices on offer.

Source: k8s.io/api resource/v1; pkg/scheduler/framework/plugins/dynamicresources.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.facts import Facts
from decide.core.families.devices.facts import AbsentDevice
from decide.core.families.scheduling.rules import unscheduled
from decide.core.findings import Fact, Finding, quote
from decide.core.names import alike
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.shapes import Obj, mapping, mappings, text
from manifests.objects.workloads import Workload

#: A name this near to another is taken for a slip of it.
_SLIP = 0.8
#: The fields of an entry that name something, with the kind that they name.
KINDS = {
    "resourceClaimName": "resourceclaims",
    "resourceClaimTemplateName": "resourceclaimtemplates",
}


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about pods that wait for a device, at their workload."""
    for workload in view.workloads:
        entries = mappings(workload.spec, "resourceClaims")
        if not entries:
            continue
        waits = next((said for _, said in unscheduled(view, workload)), None)
        if waits is None and workload.created >= workload.desired:
            continue
        for entry in entries:
            yield from _entry(view, workload, entry, waits or "")


def _entry(
    view: ClusterView, workload: Workload, entry: Obj, said: str
) -> Iterator[Finding[Facts]]:
    for field, plural in KINDS.items():
        wanted = text(entry, field)
        if not wanted or not view.collected(plural):
            continue
        found = view.get(plural, workload.namespace, wanted)
        if found is None:
            yield _absent(view, workload, entry, (field, plural, wanted))
        else:
            yield from _classes(view, workload, found, said)


def _absent(
    view: ClusterView, workload: Workload, entry: Obj, what: tuple[str, str, str]
) -> Finding[Facts]:
    field, plural, wanted = what
    names = [name_of(o) for o in view.inside(plural, workload.namespace)]
    near = max(names, key=lambda n: alike(n, wanted), default="")
    told = say("devices.no_claim", workload=workload.name, kind=plural, claim=wanted)
    return _finding(
        "device_claim_missing",
        workload,
        0.93,
        told,
        AbsentDevice(
            workload=workload,
            entry=text(entry, "name"),
            field=field,
            near=near if near and alike(near, wanted) >= _SLIP else "",
        ),
    )


def _classes(
    view: ClusterView, workload: Workload, claim: Obj, said: str
) -> Iterator[Finding[Facts]]:
    if mapping(claim, "status", "allocation"):
        return
    spec = mapping(claim, "spec", "spec") or mapping(claim, "spec")
    wanted = {
        text(request, "exactly", "deviceClassName") or text(request, "deviceClassName")
        for request in mappings(spec, "devices", "requests")
    } - {""}
    known = {name_of(c) for c in view.all("deviceclasses")}
    for name in sorted(wanted - known) if view.collected("deviceclasses") else ():
        told = say("devices.no_class", claim=name_of(claim), device_class=name)
        yield _finding(
            "device_class_missing", workload, 0.92, told, Facts(workload=workload), said=said
        )
    offered = any(mappings(s, "spec", "devices") for s in view.all("resourceslices"))
    if "cannot allocate all claims" in said:
        empty = view.collected("resourceslices") and not offered
        told = say("devices.none_offered" if empty else "devices.none_free", claim=name_of(claim))
        yield _finding(
            "device_unavailable", workload, 0.86, told, Facts(workload=workload), said=said
        )


def _finding(
    failure_class: str,
    workload: Workload,
    score: float,
    told: str,
    facts: Facts,
    *,
    said: str = "",
) -> Finding[Facts]:
    words = [Fact(source="event", statement=quote(said), object=workload.ref)] if said else []
    return Finding(
        failure_class=failure_class,
        object=workload.ref,
        score=score,
        detail=told,
        evidence=[Fact(source="object", statement=told, object=workload.ref), *words],
        facts=facts,
    )
