"""Plans for what programs need: heap, pools, variables, ports, names, Services."""

from __future__ import annotations

import math
import re
from collections import Counter
from decimal import Decimal
from typing import Any

from decide.core import measure
from decide.core.families.admission.plans import quantity
from decide.core.families.services.rules import alike
from decide.core.findings import Finding
from decide.core.graph import addresses_of, service_name
from decide.core.objects import Container, at, items, mapping, name_of, number
from decide.core.plans import sizing
from decide.core.plans.drafts import (
    COST,
    RESTART,
    SECONDS,
    Draft,
    container_path,
    patch,
    patch_workload,
)
from decide.core.plans.heaps import heap_of
from decide.core.plans.history import rollback
from decide.core.view import ClusterView
from manifests.objects import quantities
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange

_XMX = re.compile(r"-Xmx(?P<size>\d+)(?P<unit>[kKmMgG]?)")


_OLD_SPACE = re.compile(r"--max-old-space-size=(?P<size>\d+)")


_MIB = {"": 1 / 2**20, "k": 1 / 2**10, "m": 1.0, "g": 1024.0}


_POOL = re.compile(
    r"(?:POOL_?SIZE|MAX(?:IMUM)?_?POOL|POOL_?MAX|MAX_?CONN(?:ECTION)?S|CONNECTION_LIMIT)", re.I
)


def container_of(finding: Finding) -> Container | None:
    """The container that the finding names, else the workload's first."""
    found = finding.facts["workload"].containers(init=True)
    name = str(finding.facts.get("container") or "")
    plain = [c for c in found if not c.init]
    return next((c for c in found if c.name == name), plain[0] if plain else None)


def _env(container: Container, name: str) -> str:
    group = "initContainers" if container.init else "containers"
    return f":{group}[name={container.name}].env[name={name}].value"


def heap(finding: Finding, view: ClusterView) -> list[Draft]:
    """Half as much heap again where the environment fixes it and the limit has room; else more memory."""
    workload, container = finding.facts["workload"], container_of(finding)
    if container is None:
        return rollback(finding, view)
    limit = quantity(container, "limits", "memory")
    room = float(limit) / 2**20 * 0.75 if limit is not None else math.inf
    drafts = []
    for entry in container.env:
        name, value = str(entry.get("name")), str(entry.get("value") or "")
        for pattern in (_XMX, _OLD_SPACE):
            said = pattern.search(value)
            if said is None:
                continue
            unit = said["unit"].lower() if pattern is _XMX else "m"
            now = int(said["size"]) * _MIB[unit]
            more = min(now * 1.5, room)
            if more > now * 1.1:
                text = (
                    f"-Xmx{int(more)}m" if pattern is _XMX else f"--max-old-space-size={int(more)}"
                )
                why = (
                    f"{finding.detail}; the heap is fixed at {now:.0f} MiB, the container may use {_show(limit)}.",
                    f"{finding.detail} ; le tas est fixé à {now:.0f} MiB, le conteneur dispose de {_show(limit)}.",
                )
                drafts.append(
                    Draft(
                        "set_env",
                        (
                            f"A heap of {int(more)} MiB for {container.name}",
                            f"Un tas de {int(more)} MiB pour {container.name}",
                        ),
                        why,
                        patch_workload(
                            view, workload, [(_env(container, name), value.replace(said[0], text))]
                        ),
                        0.8,
                        [
                            ("A leak only lasts longer", "Une fuite dure seulement plus longtemps"),
                            RESTART,
                        ],
                    )
                )
    if limit is not None:
        size = sizing.memory(measure.Usage(), float(limit), heap_of(container), killed=True)
        if size is None:
            return [*drafts, *rollback(finding, view)]
        text = quantities.format_memory(size.limit)
        paths = [
            container_path(workload, container.name, f"resources.{which}.memory")
            for which in ("limits", "requests")
        ]
        why = (
            f"{finding.detail}; heaps that follow the limit grow with it.",
            f"{finding.detail} ; un tas proportionnel grandit avec la limite.",
        )
        drafts.append(
            Draft(
                "set_memory",
                (
                    f"Raise memory of {container.name} to {text}",
                    f"Porter la mémoire de {container.name} à {text}",
                ),
                why,
                patch_workload(view, workload, [(p, text) for p in paths]),
                0.65 if drafts else 0.75,
                [COST, RESTART],
            )
        )
    return [*drafts, *rollback(finding, view)]


def _show(limit: Decimal | None) -> str:
    return quantities.format_memory(limit) if limit is not None else "-"


def pool(finding: Finding, view: ClusterView) -> list[Draft]:
    """Half as many connections again, where a variable sets their number."""
    workload, container = finding.facts["workload"], container_of(finding)
    if container is None:
        return []
    drafts = []
    for entry in container.env:
        name, value = str(entry.get("name")), str(entry.get("value") or "")
        if _POOL.search(name) and value.isdigit() and 0 < int(value) <= 200:
            more = max(int(value) + 1, math.ceil(int(value) * 1.5))
            why = (
                f"{finding.detail}; {name} is {value}.",
                f"{finding.detail} ; {name} vaut {value}.",
            )
            risk = (
                "The database must allow that many connections",
                "La base doit accepter autant de connexions",
            )
            drafts.append(
                Draft(
                    "set_env",
                    (f"{name} = {more}", f"{name} = {more}"),
                    why,
                    patch_workload(view, workload, [(_env(container, name), str(more))]),
                    0.72,
                    [risk, RESTART],
                )
            )
    return [*drafts, *rollback(finding, view)]


def names(finding: Finding, view: ClusterView) -> list[Draft]:
    """The DNS runs again."""
    owner = finding.facts.get("owner")
    if owner is None or number(at(owner, "spec", "replicas"), 1) > 0:
        return []
    why = (
        f"{finding.detail}; two are the usual number.",
        f"{finding.detail} ; deux sont le nombre usuel.",
    )
    return [
        Draft(
            "set_replicas",
            ("Run 2 replicas of the DNS", "Passer le DNS à 2 réplicas"),
            why,
            patch(view, finding.object, owner, [("spec.replicas", 2)]),
            0.85,
            [("Somebody may be at work on it", "Une intervention est peut-être en cours")],
        )
    ]


def variable(finding: Finding, view: ClusterView) -> list[Draft]:
    """The variable as it was, as a neighbour of the namespace has it, or under the name that it was given by mistake."""
    workload, container = finding.facts["workload"], container_of(finding)
    name = str(finding.facts.get("subject") or "")
    drafts = rollback(finding, view)
    if container is None or not name:
        return drafts
    told: Counter[str] = Counter()
    entries: dict[str, Any] = {}
    for other in view.workloads:
        for found in other.containers() if other.ref.key != workload.ref.key else []:
            for entry in found.env:
                if entry.get("name") == name:
                    told[repr(entry)] += 1
                    entries[repr(entry)] = dict(entry)
    group = "initContainers" if container.init else "containers"
    path = f":{group}[name={container.name}].env"
    slip = next((e for e in container.env if alike(str(e.get("name")), name) >= 0.85), None)
    if slip is not None:
        index = [e.get("name") for e in container.env].index(slip.get("name"))
        why = (
            f"{finding.detail}; {slip.get('name')} is set.",
            f"{finding.detail} ; {slip.get('name')} est défini.",
        )
        drafts.append(
            Draft(
                "set_env",
                (f"Call it {name}", f"La nommer {name}"),
                why,
                patch_workload(view, workload, [(f"{path}[{index}].name", name)]),
                0.82,
                [RESTART],
            )
        )
    elif len(told) == 1:
        entry = next(iter(entries.values()))
        where = f"{path}[{len(container.env)}]" if container.env else path
        value: Any = entry if container.env else [entry]
        why = (
            f"{finding.detail}; {sum(told.values())} other workloads set it alike.",
            f"{finding.detail} ; {sum(told.values())} autres applications la définissent de même.",
        )
        risk = (
            "A neighbour's value may not be meant for this program",
            "La valeur d'un voisin ne convient peut-être pas",
        )
        drafts.append(
            Draft(
                "set_env",
                (f"Set {name} as its neighbours do", f"Définir {name} comme ses voisins"),
                why,
                patch_workload(view, workload, [(where, value)]),
                0.66,
                [risk, RESTART],
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
                    _port_draft(finding, view, _env(container, key), key, str(ports[0]), ports[0])
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
        "set_env",
        (f"{key} = {value}", f"{key} = {value}"),
        why,
        patch_workload(view, workload, [(path, value)]),
        0.88,
        [RESTART],
    )


def service(finding: Finding, view: ClusterView) -> list[Draft]:
    """The Service that is declared, else one made of what callers ask for and what the container offers."""
    workload, name = finding.facts["workload"], str(finding.facts.get("service_name") or "")
    ports = [number(p.get("containerPort")) for c in workload.containers() for p in c.ports]
    labels = dict(mapping(at(workload.obj, "spec", "selector", "matchLabels")))
    asked = finding.facts.get("port")
    target = asked if asked in ports else ports[0] if len(set(ports)) == 1 else None
    if finding.facts.get("declared") or not name or not labels or target is None:
        return []  # what the repository declares needs no new file
    ref = ObjectRef(api_version="v1", kind="Service", namespace=workload.namespace, name=name)
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": workload.namespace},
        "spec": {"selector": labels, "ports": [{"port": asked or target, "targetPort": target}]},
    }
    why = (
        f"{finding.detail}; the container listens on {target}.",
        f"{finding.detail} ; le conteneur écoute sur {target}.",
    )
    return [
        Draft(
            "create_object",
            (f"Create Service {name}", f"Créer le Service {name}"),
            why,
            [KubernetesChange(object=ref, action="create", manifest=manifest, beside=workload.ref)],
            0.82,
            [("Somebody may have removed it on purpose", "Sa suppression était peut-être voulue")],
            SECONDS,
        )
    ]
