"""Fields whose values a chart that is kept elsewhere may have under the field's own name. Pure.

Nothing can be rendered there, so that a name alone says too little: a claim, a database and a container all have
``resources``. A value is a field's only where the kind of the object and the way to it say so as well.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from manifests.objects import paths, pods
from manifests.objects.shapes import text
from manifests.repository.declared import declared_objects
from manifests.repository.index import RepositoryIndex
from schemas.base import ObjectRef

#: Kinds that are known by a section of values, and what the section is called.
_SECTIONS = {
    "Service": frozenset({"service", "services"}),
    "ConfigMap": frozenset({"configmaps", "configmap", "config"}),
}
_KEYED = ("containers", "initContainers")
_COUNTED = ("Deployment", "StatefulSet", "ReplicaSet", "Rollout")
#: Fields that pods and their containers both have.
_OF_BOTH = ("resources", "securityContext", "restartPolicy")
_PODS = frozenset({"pod", "podspec"})
#: Keys by which values say the kind of a workload.
_TYPES = ("type", "kind", "workloadType", "workloadKind", "controllerType")
_KINDS = {kind.lower(): kind for kind in pods.TEMPLATED}
#: What is never made unless values say so.
_SAID = ("CronJob", "Job")
#: Words that the main container of a workload is called by.
_MAIN = frozenset({"main", "app", "application", "server", "service", "manager", "operator", "controller"})  # fmt: skip


def is_known(ref: ObjectRef, target: paths.Path) -> bool:
    """Can a value be told to be this field's at all? A container's, a pod's own and a workload's count; of other kinds
    only those that values have a section for."""
    if ref.kind in _SECTIONS:
        return all(isinstance(one, str) for one in target)
    if ref.kind not in pods.TEMPLATED:
        return False
    if target == ("spec", "replicas"):
        return ref.kind in _COUNTED
    head = (*pods.template_keys(ref.kind), "spec")
    rest = target[len(head) :]
    if target[: len(head)] != head or not rest:
        return all(isinstance(one, str) for one in target)
    if rest[0] in _KEYED:
        if len(rest) < 3 or not isinstance(rest[1], paths.Match):
            return False
        rest = rest[4:] if len(rest) == 5 and rest[2] == "env" else rest[2:]
    return all(isinstance(one, str) for one in rest)


def fits(
    ref: ObjectRef, target: paths.Path, before: paths.Path, values: Any, names: Iterable[str]
) -> bool:
    """May what stands ``before`` a value's own name be the field's? By sections, containers and the kind of workload
    that values say. ``names``: of the object, its release and its chart, in lower case."""
    words = [str(one).lower() for one in before]
    sections = _SECTIONS.get(ref.kind)
    if sections is not None:
        return bool(sections & set(words))
    if not _is_of_kind(ref.kind, before, values):
        return False
    head = (*pods.template_keys(ref.kind), "spec")
    rest = target[len(head) :] if target[: len(head)] == head else ()
    keyed = [one for one in before if one in _KEYED]
    if not rest or rest[0] not in _KEYED:
        both = bool(rest) and rest[0] in _OF_BOTH
        return not keyed and not (both and not _PODS & set(words))
    if _PODS & set(words[-1:]):
        return False
    if rest[0] == "initContainers":
        return keyed[-1:] == ["initContainers"] and says_container(target, before)
    return "initContainers" not in keyed and (
        says_container(target, before) or _is_main(container(target), set(names))
    )


def container(target: paths.Path) -> str:
    """The container that a field is of; empty for fields of other things."""
    for key, item in itertools.pairwise(target):
        if key in _KEYED and isinstance(item, paths.Match):
            return item.value
    return ""


def says_container(target: paths.Path, before: paths.Path) -> bool:
    """Does the way to a value name the field's container?"""
    named = container(target)
    return bool(named) and named.lower() in {str(one).lower() for one in before}


def _is_main(named: str, names: set[str]) -> bool:
    """Is a container called as the one of its workload that values without a container's name are of?"""
    lower = named.lower()
    if any(lower.startswith(name) and lower[len(name) :].isalnum() for name in names):
        return True
    known = {word for name in names for word in name.split("-")} | names | _MAIN
    return lower in names or all(word in known for word in lower.split("-"))


def _is_of_kind(kind: str, before: paths.Path, values: Any) -> bool:
    """Do the values on the way, where they say a kind of workload, say this one?"""
    said = {_KINDS[word] for word in (str(one).lower() for one in before) if word in _KINDS}
    for depth in range(1, len(before) + 1):
        node = paths.find(values, before[:depth], None)
        if not isinstance(node, Mapping):
            continue
        typed = (text(node, key).lower() for key in _TYPES)
        said |= {_KINDS[word] for word in typed if word in _KINDS}
        if "containers" in node:
            keys = (str(key).lower() for key, one in node.items() if isinstance(one, Mapping))
            said |= {_KINDS[word] for word in keys if word in _KINDS}
    return said == {kind} if said or kind in _SAID else True


def declared_as(index: RepositoryIndex, ref: ObjectRef) -> tuple[str, str]:
    """(file, name) of a declared object of the kind that a variable in its name may make this one; empty without."""
    for path, item in declared_objects(index, ref.kind.lower()):
        name = text(item, "metadata", "name")
        found = re.fullmatch(r"(?s)(.*?)\$\{.*\}(.*)", name)
        if found and re.fullmatch(f"{re.escape(found[1])}.+{re.escape(found[2])}", ref.name):
            return path, name
    return "", ""
