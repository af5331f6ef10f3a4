"""Plans for a right to read that is missing: the slip that hides it, or exactly that right; never more.

Only where every right that is denied reads plain objects of one namespace. What a role's file or a binding's does not
declare is found out where the edit is made.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.drafting.drafts import SECONDS, PlanDraft, patch, patch_workload
from decide.core.families.admission.facts import DeniedRights
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.rights import (
    DeniedRight,
    Right,
    bindings,
    bound,
    grants,
    only_reads,
    role_of,
    roles,
    rules_of,
    subjects,
)
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, items
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange

_RBAC = "rbac.authorization.k8s.io/v1"
#: Words less alike than this are different words.
_ALIKE = 0.75


def rights(finding: Finding[DeniedRights], view: ClusterView) -> list[PlanDraft]:
    """The account that was meant, the binding or the rule that misses it by a word, else the one right that lacks."""
    workload, asked = finding.facts.workload, finding.facts.denied
    if not asked or not all(one.right.harmless for one in asked):
        return []
    places = {one.right.where for one in asked}
    if len(places) != 1 or (asked[0].space, asked[0].account) != _account(workload):
        return []
    first = asked[0]
    drafts = [
        *_other_account(finding, view, asked),
        *_slipped_subject(finding, view, asked),
        *_slipped_role(finding, view, asked),
    ]
    if not drafts:
        drafts = list(_rules(finding, view, asked))
    if not drafts and not bound(view, first):
        drafts = list(_unbound(finding, view, asked))
    return drafts


def _account(workload: Workload) -> tuple[str, str]:
    return workload.namespace, str(workload.spec.get("serviceAccountName") or "default")


def _all(role: Obj, asked: tuple[DeniedRight, ...]) -> bool:
    return all(grants(role, one.right) for one in asked)


def _ref(kind: str, obj: Obj) -> ObjectRef:
    return ObjectRef(api_version=_RBAC, kind=kind, namespace=namespace_of(obj), name=name_of(obj))


def _exists(view: ClusterView, space: str, account: str) -> bool | None:
    """Whether there is such an account; ``None`` where its namespace's accounts were not collected."""
    there = [name_of(o) for o in view.inside("serviceaccounts", space)]
    return account in there if there else None


def _absent(view: ClusterView, space: str, account: str) -> bool:
    """There is no such account for sure."""
    spaces = {name_of(o) for o in view.all("namespaces")}
    return (bool(spaces) and space not in spaces) or _exists(view, space, account) is False


def _other_account(
    finding: Finding[DeniedRights], view: ClusterView, asked: tuple[DeniedRight, ...]
) -> Iterator[PlanDraft]:
    """An account that may do it: the workload's namesake where none is named, else one of nearly the name."""
    workload, first = finding.facts.workload, asked[0]
    near = sorted(
        {
            name
            for binding in bindings(view, first.right.where).values()
            for _, space, name in subjects(binding)
            if space == workload.namespace
            and name != first.account
            and _exists(view, space, name)
            and _all(roles(view, first.right.where).get(role_of(binding), {}), asked)
            and (
                name == workload.name
                if first.account == "default"
                else alike(name, first.account) >= _ALIKE
            )
        }
    )
    if len(near) != 1:
        return
    wanted = [(":serviceAccountName", near[0])]
    if "serviceAccount" in workload.spec:
        wanted.append((":serviceAccount", near[0]))
    yield PlanDraft(
        fix_kind="set_service_account",
        title=say("admission.account.use", near=near[0]),
        why=say("admission.rights.other_account", account=first.account, near=near[0]),
        changes=patch_workload(view, workload, wanted),
        weight=0.9,
        risks=[say("admission.account.permissions")],
    )


def _slipped_subject(
    finding: Finding[DeniedRights], view: ClusterView, asked: tuple[DeniedRight, ...]
) -> Iterator[PlanDraft]:
    """A binding to a role that has the right, whose subject is an account that does not exist and nearly this one."""
    first = asked[0]
    for binding in bindings(view, first.right.where).values():
        role = roles(view, first.right.where).get(role_of(binding), {})
        if not _all(role, asked) or not only_reads(role):
            continue
        for n, space, name in subjects(binding):
            wanted = _meant(view, first, space, name)
            if wanted is None:
                continue
            yield PlanDraft(
                fix_kind="set_access",
                title=say("admission.rights.subject", binding=name_of(binding), who=wanted[1]),
                why=say(
                    "admission.rights.subject_why",
                    detail=finding.detail,
                    binding=name_of(binding),
                    said=f"{space}/{name}",
                ),
                changes=patch(
                    view,
                    _ref("RoleBinding", binding),
                    binding,
                    [(f"subjects[{n}].{wanted[0]}", wanted[1])],
                ),
                weight=0.9,
                risks=[say("admission.rights.risk")],
                time=SECONDS,
            )


def _meant(view: ClusterView, asked: DeniedRight, space: str, name: str) -> tuple[str, str] | None:
    """The one field of a subject that makes it the account; ``None`` where it is another account, or may be."""
    if not _absent(view, space, name):
        return None
    if space == asked.space and name != asked.account:
        return ("name", asked.account) if alike(name, asked.account) >= _ALIKE else None
    return ("namespace", asked.space) if name == asked.account and space != asked.space else None


def _slipped_role(
    finding: Finding[DeniedRights], view: ClusterView, asked: tuple[DeniedRight, ...]
) -> Iterator[PlanDraft]:
    """A binding of the account to a role that does not exist, while one of nearly that name has the right.

    A binding's role cannot be changed in place: one more binding does it at once.
    """
    first = asked[0]
    have = roles(view, first.right.where)
    for binding in bound(view, first):
        said = role_of(binding)
        near = [
            name
            for name, role in have.items()
            if alike(name, said) >= _ALIKE and _all(role, asked) and only_reads(role)
        ]
        if not said or said in have or len(near) != 1:
            continue
        why = say("admission.rights.role_why", binding=name_of(binding), said=said, meant=near[0])
        yield _binds(finding, view, near[0], why, weight=0.88)


def _binds(
    finding: Finding[DeniedRights], view: ClusterView, role: str, why: str, *, weight: float
) -> PlanDraft:
    """A binding of its own for exactly this account and role."""
    asked = finding.facts.denied[0]
    name = f"{asked.account}-{role}"[:63].rstrip("-.")
    ref = ObjectRef(api_version=_RBAC, kind="RoleBinding", namespace=asked.right.where, name=name)
    manifest = {
        "apiVersion": _RBAC,
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": asked.right.where},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": asked.account, "namespace": asked.space}],
    }
    beside = _ref("Role", roles(view, asked.right.where)[role])
    return PlanDraft(
        fix_kind="set_access",
        title=say("admission.rights.bind", account=asked.account, role=role),
        why=why,
        changes=[KubernetesChange(object=ref, action="create", manifest=manifest, beside=beside)],
        weight=weight,
        risks=[say("admission.rights.risk")],
        time=SECONDS,
    )


def _unbound(
    finding: Finding[DeniedRights], view: ClusterView, asked: tuple[DeniedRight, ...]
) -> Iterator[PlanDraft]:
    """The account's namesake of a role that has the right, reads only, and that nobody is bound to."""
    first = asked[0]
    taken = {role_of(b) for b in bindings(view, first.right.where).values()}
    near = [
        name
        for name, role in roles(view, first.right.where).items()
        if name not in taken
        and (name.startswith(first.account) or alike(name, first.account) >= _ALIKE)
        and _all(role, asked)
        and only_reads(role)
    ]
    if len(near) == 1 and first.account != "default":
        why = say("admission.rights.unbound", account=first.account, role=near[0])
        yield _binds(finding, view, near[0], why, weight=0.8)


def _rules(
    finding: Finding[DeniedRights], view: ClusterView, asked: tuple[DeniedRight, ...]
) -> Iterator[PlanDraft]:
    """The rules of the only role that the account is bound to: a slip mended, or exactly the rights that lack."""
    have = roles(view, asked[0].right.where)
    mine = {name for b in bound(view, asked[0]) if (name := role_of(b)) in have}
    if len(mine) != 1 or asked[0].account == "default":
        return
    role = have[mine.pop()]
    lacking = [one.right for one in asked if not grants(role, one.right)]
    for place, said, meant in _slips(role, lacking):
        yield _rule_draft(
            finding,
            view,
            role,
            [(place, meant)],
            title=say("admission.rights.slip", role=name_of(role), said=said, meant=meant),
            weight=0.9,
        )
    added = _added(role, lacking)
    if added:
        what = sorted({f"{right.verb} {right.resource}" for right in lacking})
        yield _rule_draft(
            finding,
            view,
            role,
            added,
            title=say("admission.rights.rule", role=name_of(role), what=what),
            weight=0.85,
        )


def _rule_draft(
    finding: Finding[DeniedRights],
    view: ClusterView,
    role: Obj,
    wanted: list[tuple[str, object]],
    *,
    title: str,
    weight: float,
) -> PlanDraft:
    return PlanDraft(
        fix_kind="set_access",
        title=title,
        why=say("admission.rights.rule_why", detail=finding.detail, role=name_of(role)),
        changes=patch(view, _ref("Role", role), role, wanted),
        weight=weight,
        risks=[say("admission.rights.risk")],
        time=SECONDS,
    )


def _slips(role: Obj, lacking: list[Right]) -> Iterator[tuple[str, str, str]]:
    """Place, word and meant word, where one word of one rule for one resource hides all that lacks."""
    named = {(right.resource, right.group) for right in lacking}
    if len(named) != 1:
        return
    ((resource, group),) = named
    for n, rule in enumerate(rules_of(role)):
        words = [str(one) for one in items(rule, "resources")]
        groups = [str(one) for one in items(rule, "apiGroups")]
        verbs = {str(one) for one in items(rule, "verbs")}
        if not {right.verb for right in lacking} <= verbs <= {"get", "list", "watch"}:
            continue
        if words == [resource] and len(groups) == 1 and group not in groups:
            yield f"rules[{n}].apiGroups[0]", groups[0], group
        elif len(words) == 1 and group in groups and alike(words[0], resource) >= _ALIKE:
            yield f"rules[{n}].resources[0]", words[0], resource


def _added(role: Obj, lacking: list[Right]) -> list[tuple[str, object]]:
    """Verbs of the rule that is for this resource alone, else a rule of its own; empty for more than one resource."""
    named = {(right.resource, right.group) for right in lacking}
    if len(named) != 1:
        return []
    ((resource, group),) = named
    verbs = sorted({right.verb for right in lacking})
    for n, rule in enumerate(rules_of(role)):
        alone = items(rule, "resources") == [resource] and items(rule, "apiGroups") == [group]
        if alone and not items(rule, "resourceNames"):
            there = len(items(rule, "verbs"))
            return [(f"rules[{n}].verbs[{there + m}]", verb) for m, verb in enumerate(verbs)]
    rule = {"apiGroups": [group], "resources": [resource], "verbs": verbs}
    return [(f"rules[{len(rules_of(role))}]", rule)]
