"""Plans for databases: a fuller claim, the right port."""

from __future__ import annotations

from decimal import Decimal

from decide.core.drafting.containers import env_path
from decide.core.drafting.drafts import (
    COST,
    RESTART,
    Draft,
    patch,
    patch_workload,
)
from decide.core.drafting.history import rollback
from decide.core.families.storage.rules import claims_of
from decide.core.findings import Finding
from decide.core.graph import addresses_of, service_name
from decide.core.view import ClusterView
from manifests.objects import quantities
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, items, mapping, number
from schemas.base import ObjectRef


def grown_claim(finding: Finding, view: ClusterView) -> list[Draft]:
    """Half as large a claim again, where its class lets bound claims grow."""
    workload = finding.facts["workload"]
    growing = {
        name_of(c) for c in view.all("storageclasses") if c.get("allowVolumeExpansion") is True
    }
    drafts: list[Draft] = []
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
        more = quantities.format_memory(quantities.parse(str(size)) * Decimal("1.5"))
        ref = ObjectRef(
            api_version="v1", kind="PersistentVolumeClaim", namespace=workload.namespace, name=name
        )
        why = (
            f"{finding.detail}; claim {name} has {size} and its class allows expansion.",
            f"{finding.detail} ; le PVC {name} a {size} et sa classe permet l'extension.",
        )
        risk = ("A claim never shrinks again", "Un PVC ne rétrécit plus")
        drafts.append(
            Draft(
                fix_kind="set_volume",
                title=(f"Grow claim {name} to {more}", f"Porter le PVC {name} à {more}"),
                why=why,
                changes=patch(view, ref, found, [("spec.resources.requests.storage", more)]),
                weight=0.78,
                risks=[risk, COST],
            )
        )
    return drafts


def database_port(finding: Finding, view: ClusterView) -> list[Draft]:
    """The port that the database's Service has, in the variable that names another one."""
    workload, database = finding.facts["workload"], finding.facts.get("database")
    services = view.services_of.get(database.ref.key, []) if database is not None else []
    ports = [
        number(mapping(p).get("port")) for s in services for p in items(at(s, "spec", "ports"))
    ]
    drafts: list[Draft] = []
    if not ports:
        return rollback(finding, view)
    names = {name_of(s) for s in services}
    asked = [
        a
        for a in addresses_of(view, workload)
        if (place := service_name(a.host, workload.namespace)) and place[1] in names and a.path
    ]
    for address in asked:
        if address.port is not None and address.port not in ports:
            value = address.value.replace(f":{address.port}", f":{ports[0]}", 1)
            drafts.append(
                _port_draft(finding, view, f":{address.path}", address.key, value, ports[0])
            )
    for container in workload.containers():
        for entry in container.env:
            key, value = str(entry.get("name") or ""), str(entry.get("value") or "")
            stem = key.upper().removesuffix("PORT").rstrip("_")
            kin = any(a.key.upper().startswith(stem) for a in asked) if stem else False
            if key.upper().endswith("PORT") and value.isdigit() and int(value) not in ports and kin:
                drafts.append(
                    _port_draft(
                        finding, view, env_path(container, key), key, str(ports[0]), ports[0]
                    )
                )
    return [*drafts[:2], *rollback(finding, view)]


def _port_draft(  # noqa: PLR0917
    finding: Finding, view: ClusterView, path: str, key: str, value: str, port: int
) -> Draft:
    workload = finding.facts["workload"]
    why = (
        f"{finding.detail}; the database's Service has port {port}.",
        f"{finding.detail} ; le Service de la base a le port {port}.",
    )
    return Draft(
        fix_kind="set_env",
        title=(f"{key} = {value}", f"{key} = {value}"),
        why=why,
        changes=patch_workload(view, workload, [(path, value)]),
        weight=0.88,
        risks=[RESTART],
    )
