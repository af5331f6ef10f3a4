"""Plans for references to configuration that is not there."""

from __future__ import annotations

from typing import Any

from decide.core.drafting.drafts import RESTART, Draft, container_path, patch_workload
from decide.core.drafting.history import rollback
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import at, items, mapping
from manifests.objects.workloads import Workload


def reference(finding: Finding, view: ClusterView) -> list[Draft]:
    """The ConfigMap or Secret that was meant: one that exists, alike in name, and that nobody else owns."""
    workload = finding.facts["workload"]
    missing, kind = (
        str(finding.facts.get("name") or ""),
        str(finding.facts.get("kind") or "").lower(),
    )
    plural = "configmaps" if kind.startswith("config") else "secrets"
    key = str(finding.facts.get("key") or "")
    if key:
        return _key(finding, view, workload, plural, missing, key) + rollback(finding, view)
    have = [name_of(o) for o in view.all(plural) if namespace_of(o) == workload.namespace]
    near = sorted((n for n in have if n != missing), key=lambda n: -alike(n, missing))[:1]
    if not missing or not near or alike(near[0], missing) < 0.88:
        return []
    wanted = _reference_paths(workload, plural, missing, near[0])
    why = (
        f"There is no {plural[:-1]} {missing}; {near[0]} exists.",
        f"Pas de {plural[:-1]} {missing} ; {near[0]} existe.",
    )
    return [
        Draft(
            fix_kind="set_reference",
            title=(
                f"Refer to {near[0]} instead of {missing}",
                f"Utiliser {near[0]} au lieu de {missing}",
            ),
            why=why,
            changes=patch_workload(view, workload, wanted),
            weight=0.7,
            risks=[
                (
                    "A like name is not proof: check what it holds",
                    "Un nom proche n'est pas une preuve : vérifier le contenu",
                ),
                RESTART,
            ],
        )
    ]


def _key(  # noqa: PLR0917
    finding: Finding, view: ClusterView, workload: Workload, plural: str, name: str, key: str
) -> list[Draft]:
    """The key that was meant: the one of the object that is much alike."""
    if not name:
        return _item(finding, view, workload, key)
    found = view.get(plural, workload.namespace, name) or {}
    keys = {**mapping(found.get("data")), **mapping(found.get("binaryData"))}
    near = max(
        (k for k in keys if alike(k.lower(), key.lower()) >= 0.75),
        key=lambda k: alike(k.lower(), key.lower()),
        default="",
    )
    ref = "configMapKeyRef" if plural == "configmaps" else "secretKeyRef"
    wanted: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        for entry in container.env:
            if (
                near
                and at(entry, "valueFrom", ref, "name") == name
                and at(entry, "valueFrom", ref, "key") == key
            ):
                wanted.append(
                    (
                        container_path(
                            workload,
                            container.name,
                            f"env[name={entry.get('name')}].valueFrom.{ref}.key",
                        ),
                        near,
                    )
                )
    why = (
        f"{name} has no key {key}; {near} exists.",
        f"{name} n'a pas de clé {key} ; {near} existe.",
    )
    risk = (
        "A like name is not proof: check what it holds",
        "Un nom proche n'est pas une preuve : vérifier le contenu",
    )
    return [
        Draft(
            fix_kind="set_reference",
            title=(f"Read key {near} of {name}", f"Lire la clé {near} de {name}"),
            why=why,
            changes=patch_workload(view, workload, wanted),
            weight=0.76,
            risks=[risk, RESTART],
        )
    ]


def _item(finding: Finding, view: ClusterView, workload: Workload, key: str) -> list[Draft]:
    """The same for a volume that picks keys of a ConfigMap or Secret."""
    for volume in map(mapping, items(workload.spec.get("volumes"))):
        for field, plural, inner in (
            ("configMap", "configmaps", "name"),
            ("secret", "secrets", "secretName"),
        ):
            name = str(at(volume, field, inner) or "")
            picked = [mapping(i).get("key") for i in items(at(volume, field, "items"))]
            keys = mapping((view.get(plural, workload.namespace, name) or {}).get("data"))
            near = max(
                (k for k in keys if alike(k.lower(), key.lower()) >= 0.75),
                key=lambda k: alike(k.lower(), key.lower()),
                default="",
            )
            if key in picked and near:
                path = f":volumes[name={volume.get('name')}].{field}.items[{picked.index(key)}].key"
                why = (
                    f"{name} has no key {key}; {near} exists.",
                    f"{name} n'a pas de clé {key} ; {near} existe.",
                )
                risk = (
                    "A like name is not proof: check what it holds",
                    "Un nom proche n'est pas une preuve : vérifier le contenu",
                )
                return [
                    Draft(
                        fix_kind="set_reference",
                        title=(f"Mount key {near} of {name}", f"Monter la clé {near} de {name}"),
                        why=why,
                        changes=patch_workload(view, workload, [(path, near)]),
                        weight=0.76,
                        risks=[risk, RESTART],
                    )
                ]
    return []


def _reference_paths(workload: Workload, plural: str, old: str, new: str) -> list[tuple[str, Any]]:
    ref, key = (
        ("configMapRef", "configMapKeyRef")
        if plural == "configmaps"
        else ("secretRef", "secretKeyRef")
    )
    out: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        for i, source in enumerate(items(container.spec.get("envFrom"))):
            if at(source, ref, "name") == old:
                out.append(
                    (container_path(workload, container.name, f"envFrom[{i}].{ref}.name"), new)
                )
        for entry in container.env:
            if at(entry, "valueFrom", key, "name") == old:
                out.append(
                    (
                        container_path(
                            workload,
                            container.name,
                            f"env[name={entry.get('name')}].valueFrom.{key}.name",
                        ),
                        new,
                    )
                )
    for volume in items(workload.spec.get("volumes")):
        for field, inner in (("configMap", "name"), ("secret", "secretName")):
            if at(volume, field, inner) == old:
                out.append((f":volumes[name={mapping(volume).get('name')}].{field}.{inner}", new))
    return out
