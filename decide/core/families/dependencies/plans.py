"""Plans for databases: a fuller claim, the right port."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from decide.core.drafting.addresses import moved
from decide.core.drafting.containers import env_path
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    PlanDraft,
    patch,
    patch_workload,
)
from decide.core.drafting.history import rollback
from decide.core.families.dependencies.facts import FullDisk, WrongPort
from decide.core.families.storage.rules import claims_of
from decide.core.findings import Finding
from decide.core.graph import Address, addresses_of, service_name
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef


def grown_claim(finding: Finding[FullDisk], view: ClusterView) -> list[PlanDraft]:
    """Half as large a claim again, where its class lets bound claims grow."""
    workload = finding.facts.workload
    growing = {
        name_of(c) for c in view.all("storageclasses") if c.get("allowVolumeExpansion") is True
    }
    drafts: list[PlanDraft] = []
    for name in claims_of(workload):
        found = view.get("persistentvolumeclaims", workload.namespace, name)
        size = at(found or {}, "spec", "resources", "requests", "storage")
        if (
            found is None
            or not size
            or at(found, "spec", "storageClassName") not in growing
            or at(found, "status", "phase") != "Bound"
        ):
            continue
        try:
            more = quantities.format_memory(quantities.parse(str(size)) * Decimal("1.5"))
        except quantities.BadQuantity:
            continue
        ref = ObjectRef(
            api_version="v1", kind="PersistentVolumeClaim", namespace=workload.namespace, name=name
        )
        drafts.append(
            PlanDraft(
                fix_kind="set_volume",
                title=say("dependencies.claim.title", claim=name, size=more),
                why=say(
                    "dependencies.claim.why", detail=finding.detail, claim=name, size=str(size)
                ),
                changes=patch(view, ref, found, [("spec.resources.requests.storage", more)]),
                weight=0.78,
                risks=[say("dependencies.claim.risk"), COST],
            )
        )
    return drafts


def database_port(finding: Finding[WrongPort], view: ClusterView) -> list[PlanDraft]:
    """The port that the database's Service has, in the variable that names another one."""
    workload, database = finding.facts.workload, finding.facts.database
    slips = port_slips(view, workload, database) if database is not None else None
    drafts = [
        PlanDraft(
            fix_kind="set_env",
            title=say("dependencies.port.title", key=found.key, value=found.value),
            why=say("dependencies.port.why", detail=finding.detail, port=found.port),
            changes=patch_workload(view, workload, [(found.path, found.value)]),
            weight=0.88,
            risks=[RESTART],
        )
        for found in slips or ()
    ]
    return [*drafts[:2], *rollback(finding, view)]


def port_slips(
    view: ClusterView, workload: Workload, database: Workload
) -> list[PortVariable] | None:
    """Variables of the workload that name a port which the database's Service does not have, with the one that it has.

    ``None`` where no variable names the Service.
    """
    services = view.services_of.get(database.ref.key, [])
    offered = {(namespace_of(s), name_of(s)): _ports(s) for s in services}
    asked = [
        (address, ports)
        for address in addresses_of(view, workload)
        if address.path and (ports := offered.get(_service(address, workload), ()))
    ]
    return [*_in_addresses(asked), *_by_themselves(workload, asked)] if asked else None


def _ports(service: Obj) -> tuple[int, ...]:
    return tuple(number(mapping(p).get("port")) for p in items(at(service, "spec", "ports")))


def _service(address: Address, workload: Workload) -> tuple[str, str]:
    """Namespace and name of the Service that an address means; both empty for the outside world."""
    return service_name(address.host, workload.namespace) or ("", "")


#: An address of the database with the ports of the Service that it names, at least one.
_Asked = tuple[Address, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class PortVariable:
    """A variable with the value that it should have, and the port in that."""

    path: str
    key: str
    value: str
    port: int


def _in_addresses(asked: list[_Asked]) -> Iterator[PortVariable]:
    """Variables with an address whose port the Service does not have."""
    for address, ports in asked:
        if address.port is not None and address.port not in ports:
            value = moved(address, address.host, ports[0])
            yield PortVariable(f":{address.path}", address.key, value, ports[0])


def _by_themselves(workload: Workload, asked: list[_Asked]) -> Iterator[PortVariable]:
    """Variables with nothing but a port, named like one with an address: ``DB_PORT`` beside ``DB_HOST``."""
    for container in workload.containers():
        for entry in container.env:
            key, value = str(entry.get("name") or ""), str(entry.get("value") or "")
            stem = key.upper().removesuffix("PORT").rstrip("_")
            kin = [ports for a, ports in asked if stem and a.key.upper().startswith(stem)]
            named = key.upper().endswith("PORT") and value.isdecimal()
            if kin and named and int(value) not in kin[0]:
                yield PortVariable(env_path(container, key), key, str(kin[0][0]), kin[0][0])
