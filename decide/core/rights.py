"""What roles grant and bindings give, as the API server's RBAC authorizer reads it: within one namespace. Pure.

Source: kubernetes.io/docs/reference/access-authn-authz/rbac; k8s.io/kubernetes pkg/apis/rbac/v1/evaluation_helpers.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.view import ClusterView
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, items, mapping, mappings, text

#: The API server's words, quotes escaped or not.
_DENIED = re.compile(
    r'User "system:serviceaccount:(?P<space>[a-z0-9.-]+):(?P<account>[a-z0-9.-]+)" cannot (?P<verb>[a-z]+) '
    r'resource "(?P<resource>[a-z0-9./-]+)"(?: in API group "(?P<group>[a-z0-9.-]*)")?'
    r'(?: in the namespace "(?P<where>[a-z0-9-]+)")?'
)
_READ = frozenset({"get", "list", "watch"})


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a resource of a group, in a namespace; ``where`` is empty at the cluster's scope."""

    verb: str
    resource: str
    group: str
    where: str

    @property
    def harmless(self) -> bool:
        """Reads something in one namespace that holds nothing secret."""
        return self.verb in _READ and bool(self.where) and _plain(self.resource)


@dataclass(frozen=True, slots=True)
class DeniedRight:
    """A right that the API server says an account lacks."""

    space: str
    account: str
    right: Right


def denied(line: str) -> DeniedRight | None:
    """What a line says; ``None`` where it names no ServiceAccount."""
    said = _DENIED.search(line.replace('\\"', '"'))
    if said is None:
        return None
    right = Right(said["verb"], said["resource"], said["group"] or "", said["where"] or "")
    return DeniedRight(said["space"], said["account"], right)


def _plain(resource: str) -> bool:
    """No wildcard, no secret, and no way into a program: what a log holds is read, what a shell would do is not."""
    named, _, part = resource.partition("/")
    return named not in ("*", "secrets", "") and part in ("", "status", "log", "scale")


def rules_of(role: Obj) -> list[Obj]:
    """Rules of a Role."""
    return mappings(role, "rules")


def grants(role: Obj, right: Right) -> bool:
    """One of its rules allows it for every name."""
    return any(
        _has(rule, "verbs", right.verb)
        and _has(rule, "resources", right.resource)
        and _has(rule, "apiGroups", right.group)
        and not items(rule, "resourceNames")
        for rule in rules_of(role)
    )


def _has(rule: Obj, key: str, word: str) -> bool:
    return any(str(one) in (word, "*") for one in items(rule, key))


def only_reads(role: Obj) -> bool:
    """Whoever is bound to it can read plain things of a namespace, and nothing else."""
    return bool(rules_of(role)) and all(
        {str(verb) for verb in items(rule, "verbs")} <= _READ
        and all(_plain(str(one)) for one in items(rule, "resources"))
        and "*" not in items(rule, "apiGroups")
        for rule in rules_of(role)
    )


def roles(view: ClusterView, namespace: str) -> dict[str, Obj]:
    """Roles of a namespace by name, as declared where they are, else as they live."""
    return _both(view, "roles", "Role", namespace)


def bindings(view: ClusterView, namespace: str) -> dict[str, Obj]:
    """RoleBindings of a namespace by name, as declared where they are, else as they live."""
    return _both(view, "rolebindings", "RoleBinding", namespace)


def _both(view: ClusterView, plural: str, kind: str, namespace: str) -> dict[str, Obj]:
    found = {name_of(o): o for o in view.inside(plural, namespace)}
    return found | {
        name: obj
        for (what, space, name), obj in view.declared.items()
        if (what, space) == (kind, namespace)
    }


def role_of(binding: Obj) -> str:
    """Name of the Role that it refers to; empty for a ClusterRole."""
    ref = mapping(binding, "roleRef")
    return text(ref, "name") if text(ref, "kind") == "Role" else ""


def subjects(binding: Obj) -> Iterator[tuple[int, str, str]]:
    """Place, namespace and name of each ServiceAccount of a binding."""
    for n, one in enumerate(items(binding, "subjects")):
        if text(one, "kind") == "ServiceAccount":
            yield n, text(one, "namespace") or namespace_of(binding), text(one, "name")


def bound(view: ClusterView, asked: DeniedRight) -> list[Obj]:
    """Bindings of the right's namespace that name the account."""
    who = (asked.space, asked.account)
    found = bindings(view, asked.right.where).values()
    return [b for b in found if who in [(space, name) for _, space, name in subjects(b)]]


def allowed(view: ClusterView, asked: DeniedRight) -> bool:
    """A Role of the namespace, bound to the account there, grants the right."""
    have = roles(view, asked.right.where)
    return any(grants(have.get(role_of(b), {}), asked.right) for b in bound(view, asked))
