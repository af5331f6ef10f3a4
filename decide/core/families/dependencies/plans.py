"""Plans for databases: a fuller claim, the right port."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

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
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, items, mapping, number
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
    services = view.services_of.get(database.ref.key, []) if database is not None else []
    ports = [
        number(mapping(p).get("port")) for s in services for p in items(at(s, "spec", "ports"))
    ]
    if not ports:
        return rollback(finding, view)
    names = {name_of(s) for s in services}
    asked = [
        a
        for a in addresses_of(view, workload)
        if (place := service_name(a.host, workload.namespace)) and place[1] in names and a.path
    ]
    variables = (*_in_addresses(asked, ports), *_by_themselves(workload, asked, ports))
    drafts = [
        PlanDraft(
            fix_kind="set_env",
            title=say("dependencies.port.title", key=key, value=value),
            why=say("dependencies.port.why", detail=finding.detail, port=ports[0]),
            changes=patch_workload(view, workload, [(path, value)]),
            weight=0.88,
            risks=[RESTART],
        )
        for path, key, value in variables
    ]
    return [*drafts[:2], *rollback(finding, view)]


def _in_addresses(asked: list[Address], ports: list[int]) -> Iterator[tuple[str, str, str]]:
    """Path, name and right value of variables with an address whose port the Service does not have."""
    for address in asked:
        if address.port is not None and address.port not in ports:
            value = address.value.replace(f":{address.port}", f":{ports[0]}", 1)
            yield f":{address.path}", address.key, value


def _by_themselves(
    workload: Workload, asked: list[Address], ports: list[int]
) -> Iterator[tuple[str, str, str]]:
    """The same of variables with nothing but a port, named like one with an address: ``DB_PORT`` beside ``DB_HOST``."""
    for container in workload.containers():
        for entry in container.env:
            key, value = str(entry.get("name") or ""), str(entry.get("value") or "")
            stem = key.upper().removesuffix("PORT").rstrip("_")
            kin = bool(stem) and any(a.key.upper().startswith(stem) for a in asked)
            if (
                kin
                and key.upper().endswith("PORT")
                and value.isdecimal()
                and int(value) not in ports
            ):
                yield env_path(container, key), key, str(ports[0])
