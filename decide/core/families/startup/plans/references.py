"""Plans for references to configuration that is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from decide.core.drafting.drafts import RESTART, PlanDraft, container_path, patch_workload
from decide.core.drafting.history import rollback
from decide.core.families.startup.facts import AbsentReference, UnmountedKey
from decide.core.families.startup.plans.lost import lost
from decide.core.families.startup.plans.mounts import another_key
from decide.core.findings import Finding
from decide.core.names import alike, renamed
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, items, mapping
from manifests.objects.workloads import Workload

#: How much alike two names, and two keys, must be: names of other workloads' objects are near too.
_NAMES, _KEYS = 0.88, 0.75
#: The same where the object alone has all keys that are asked for by name.
_FITTING = 0.6
_LIKE = say("startup.reference.risk")


def reference(finding: Finding[AbsentReference], view: ClusterView) -> list[PlanDraft]:
    """The ConfigMap or Secret that was meant: one that exists and is alike in name; or the key that was meant; or what was there."""
    facts, workload = finding.facts, finding.facts.workload
    there = list(lost(facts, view))
    if isinstance(facts, UnmountedKey):
        return [*there, *another_key(facts, view), *rollback(finding, view)]
    if facts.key:
        return [*there, *_key(facts, view), *rollback(finding, view)]
    near = _meant(facts, view)
    if not near:
        return there
    wanted = _reference_paths(workload, facts.kind, facts.name, near)
    return [
        *there,
        PlanDraft(
            fix_kind="set_reference",
            title=say("startup.reference.title", near=near, name=facts.name),
            why=say("startup.reference.why", kind=facts.kind, name=facts.name, near=near),
            changes=patch_workload(view, workload, wanted),
            weight=0.7,
            risks=[_LIKE, RESTART],
        ),
    ]


def _meant(facts: AbsentReference, view: ClusterView) -> str:
    """The object that exists and is alike in name, less so where it alone has every key that is asked for; empty for none."""
    space, plural = facts.workload.namespace, f"{facts.kind}s"
    have = [name_of(o) for o in view.inside(plural, space)]
    near = max((n for n in have if n != facts.name), key=lambda n: alike(n, facts.name), default="")
    if not facts.name or not near:
        return ""
    if alike(near, facts.name) >= _NAMES:
        return near
    picked = set(_picked(facts.workload, facts.kind, facts.name))
    fit = [n for n in have if picked and picked <= set(_keys(view, facts.workload, plural, n))]
    return fit[0] if len(fit) == 1 and alike(fit[0], facts.name) >= _FITTING else ""


def _picked(workload: Workload, kind: str, name: str) -> Iterator[str]:
    """The keys that containers and volumes ask of the object by name."""
    ref = "configMapKeyRef" if kind == "configmap" else "secretKeyRef"
    for container in workload.containers(init=True):
        for entry in container.env:
            if at(entry, "valueFrom", ref, "name") == name:
                yield str(at(entry, "valueFrom", ref, "key"))
    field, inner = ("configMap", "name") if kind == "configmap" else ("secret", "secretName")
    for volume in items(workload.spec.get("volumes")):
        if at(volume, field, inner) == name:
            yield from (str(mapping(i).get("key")) for i in items(at(volume, field, "items")))


def _key(facts: AbsentReference, view: ClusterView) -> Iterator[PlanDraft]:
    """The key that was meant: the one of the object that is much alike."""
    if not facts.name:
        yield from _item(facts, view)
        return
    workload = facts.workload
    keys = _keys(view, workload, f"{facts.kind}s", facts.name)
    asked = set(_picked(workload, facts.kind, facts.name))
    near = _near(keys, facts.key) or renamed(facts.key, set(keys) - asked)
    ref = "configMapKeyRef" if facts.kind == "configmap" else "secretKeyRef"
    wanted = [
        (_env_path(workload, container.name, entry.get("name"), f"{ref}.key"), near)
        for container in workload.containers(init=True)
        for entry in container.env
        if near
        and at(entry, "valueFrom", ref, "name") == facts.name
        and at(entry, "valueFrom", ref, "key") == facts.key
    ]
    if wanted:
        title = say("startup.key.title", near=near, name=facts.name)
        yield _key_draft(facts, view, title, facts.name, near, wanted)


def _item(facts: AbsentReference, view: ClusterView) -> Iterator[PlanDraft]:
    """The same for a volume that picks keys of a ConfigMap or Secret."""
    for volume in map(mapping, items(facts.workload.spec.get("volumes"))):
        for field, plural, inner in (
            ("configMap", "configmaps", "name"),
            ("secret", "secrets", "secretName"),
        ):
            name = str(at(volume, field, inner) or "")
            picked = [mapping(i).get("key") for i in items(at(volume, field, "items"))]
            near = _near(_keys(view, facts.workload, plural, name), facts.key)
            if facts.key in picked and near:
                n = picked.index(facts.key)
                path = f":volumes[name={volume.get('name')}].{field}.items[{n}].key"
                title = say("startup.key.mount_title", near=near, name=name)
                yield _key_draft(facts, view, title, name, near, [(path, near)])
                return


def _key_draft(  # noqa: PLR0917
    facts: AbsentReference,
    view: ClusterView,
    title: str,
    name: str,
    near: str,
    wanted: list[tuple[str, Any]],
) -> PlanDraft:
    return PlanDraft(
        fix_kind="set_reference",
        title=title,
        why=say("startup.key.why", name=name, key=facts.key, near=near),
        changes=patch_workload(view, facts.workload, wanted),
        weight=0.76,
        risks=[_LIKE, RESTART],
    )


def _keys(view: ClusterView, workload: Workload, plural: str, name: str) -> list[str]:
    """The keys of a ConfigMap or Secret."""
    found = view.get(plural, workload.namespace, name) or {}
    return [str(k) for k in (*mapping(found.get("data")), *mapping(found.get("binaryData")))]


def _near(keys: Iterable[str], wanted: str) -> str:
    """The key that is most alike; empty where none is."""
    scored = [(alike(key.lower(), wanted.lower()), key) for key in keys]
    score, key = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    return key if score >= _KEYS else ""


def _env_path(workload: Workload, container: str, variable: object, rest: str) -> str:
    return container_path(workload, container, f"env[name={variable}].valueFrom.{rest}")


def _reference_paths(workload: Workload, kind: str, old: str, new: str) -> list[tuple[str, Any]]:
    """Every place of the pod spec that names the object: sources of variables, variables, volumes."""
    whole, key = (
        ("configMapRef", "configMapKeyRef")
        if kind == "configmap"
        else ("secretRef", "secretKeyRef")
    )
    out: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        out += [
            (container_path(workload, container.name, f"envFrom[{i}].{whole}.name"), new)
            for i, source in enumerate(items(container.spec.get("envFrom")))
            if at(source, whole, "name") == old
        ]
        out += [
            (_env_path(workload, container.name, entry.get("name"), f"{key}.name"), new)
            for entry in container.env
            if at(entry, "valueFrom", key, "name") == old
        ]
    field, inner = ("configMap", "name") if kind == "configmap" else ("secret", "secretName")
    return out + [
        (f":volumes[name={mapping(volume).get('name')}].{field}.{inner}", new)
        for volume in items(workload.spec.get("volumes"))
        if at(volume, field, inner) == old
    ]
