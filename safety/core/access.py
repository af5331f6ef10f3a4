"""Which changes of access may be proposed: a right to read plain objects of one namespace, given to one account. Pure.

A Role gets a verb or a rule for one resource, or one word of a rule changes; a RoleBinding's subject changes by one
word, or a binding of one account to a Role is created. Nothing of a cluster's scope, no wildcard, no secret, no other verb.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from manifests.objects import paths
from manifests.objects.shapes import items, mapping, text
from schemas.base import Json
from schemas.plans import FieldChange, KubernetesChange

_READ = frozenset({"get", "list", "watch"})
#: Parts of a resource that are no more than what the resource shows.
_SHOWN = frozenset({"", "status", "log", "scale"})
_SUBJECT = ("name", "namespace")
#: A right: group, resource, verb.
_Right = tuple[str, str, str]


def narrow(change: KubernetesChange, before: Json | None, after: Json | None) -> bool:
    """Whether the change is of a shape that is allowed; ``before`` and ``after``: the whole object, ``None`` where unseen."""
    kind = change.object.kind
    if not change.object.namespace:
        return False
    if kind == "Role":
        return change.action == "patch" and _one_right(change, before, after)
    if kind != "RoleBinding":
        return False
    if change.action == "create":
        return _one_account(change.manifest)
    return len(change.fields) == 1 and _one_word(change.fields[0], before)


def _one_right(change: KubernetesChange, before: Json | None, after: Json | None) -> bool:
    """What the role grants afterwards and did not before reads one resource; what goes was as little."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return False
    if not all(f.op in ("add", "replace") and f.path.startswith("rules[") for f in change.fields):
        return False
    had, has = set(_rights(before)), set(_rights(after))
    more, less = has - had, had - has
    plain = all(verb in _READ and _plain(resource) for _, resource, verb in more)
    one = len({(group, resource) for group, resource, _ in more}) == 1
    return one and plain and all(verb in _READ for _, _, verb in less) and _as_named(before, after)


def _as_named(before: Json, after: Json) -> bool:
    """No rule's list of names changes: without it a rule would be for all of them."""
    was = [items(rule, "resourceNames") for rule in items(before, "rules")]
    now = [items(rule, "resourceNames") for rule in items(after, "rules")]
    urls = [items(rule, "nonResourceURLs") for rule in items(after, "rules")]
    return now[: len(was)] == was and not any(now[len(was) :]) and not any(urls)


def _rights(role: Json) -> Iterator[_Right]:
    for rule in items(role, "rules"):
        for group in items(rule, "apiGroups"):
            for resource in items(rule, "resources"):
                yield from ((str(group), str(resource), str(v)) for v in items(rule, "verbs"))


def _plain(resource: str) -> bool:
    named, _, part = resource.partition("/")
    return named not in ("*", "", "secrets") and part in _SHOWN


def _one_account(manifest: Any) -> bool:
    """A binding of one ServiceAccount to a Role of the namespace."""
    subjects = items(manifest, "subjects")
    return (
        text(mapping(manifest, "roleRef"), "kind") == "Role"
        and len(subjects) == 1
        and text(subjects[0], "kind") == "ServiceAccount"
        and bool(text(subjects[0], "namespace"))
    )


def _one_word(field: FieldChange, before: Json | None) -> bool:
    """One word of a subject that is a ServiceAccount; a binding's role cannot be changed in place."""
    if text(mapping(before, "roleRef"), "kind") != "Role" or not isinstance(field.after, str):
        return False
    found = paths.parse(field.path)
    if len(found) != 3 or found[0] != "subjects" or found[2] not in _SUBJECT:
        return False
    there, place = items(before, "subjects"), found[1]
    one = there[place] if isinstance(place, int) and place < len(there) else None
    return text(one, "kind") == "ServiceAccount"
