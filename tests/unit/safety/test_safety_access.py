"""Changes of access: exactly a right to read plain objects of one namespace may be proposed, and people merge it."""

from __future__ import annotations

from typing import Any

import pytest

from safety.core import Policy
from safety.core.access import narrow
from safety.core.policy import EnvironmentPolicy
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from tests.support.places import proof
from tests.unit.safety.test_safety_checks import examined, objects, plan, verdict

RBAC = "rbac.authorization.k8s.io/v1"


def ref(kind: str, namespace: str = "shop") -> ObjectRef:
    return ObjectRef(api_version=RBAC, kind=kind, namespace=namespace, name="reader")


def role(*rules: dict[str, Any]) -> dict[str, Any]:
    about = {"name": "reader", "namespace": "shop"}
    return {"apiVersion": RBAC, "kind": "Role", "metadata": about, "rules": list(rules)}


def rule(*resources: str, verbs: tuple[str, ...] = ("get",), **more: Any) -> dict[str, Any]:
    return {"apiGroups": [""], "resources": list(resources), "verbs": list(verbs), **more}


def allowed(before: dict[str, Any], *fields: FieldChange, after: dict[str, Any]) -> bool:
    change = KubernetesChange(object=ref(before["kind"]), fields=fields)
    return narrow(change, before, after)


ADDS = FieldChange(op="add", path="rules[1]", after={})


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        (rule("pods", verbs=("list",)), True),
        (rule("pods", verbs=("list", "watch")), True),
        (rule("pods/log"), True),
        (rule("secrets"), False),
        (rule("*"), False),
        (rule("pods", "services"), False),
        (rule("pods", verbs=("*",)), False),
        (rule("pods", verbs=("list", "delete")), False),
        (rule("pods/exec"), False),
        (rule("pods", resourceNames=["a"]), False),
        (rule("pods", nonResourceURLs=["/metrics"]), False),
    ],
)
def test_a_rule_more_reads_one_plain_resource(added: dict[str, Any], expected: bool) -> None:
    before = role(rule("configmaps"))
    assert allowed(before, ADDS, after=role(rule("configmaps"), added)) is expected


def test_a_verb_more_counts_for_every_resource_of_its_rule() -> None:
    adds = FieldChange(op="add", path="rules[0].verbs[1]", after="list")
    alone, both = (
        rule("pods", verbs=("get", "list")),
        rule("pods", "secrets", verbs=("get", "list")),
    )
    assert allowed(role(rule("pods")), adds, after=role(alone))
    assert not allowed(role(rule("pods", "secrets")), adds, after=role(both))


def test_a_rule_for_some_names_stays_one() -> None:
    named = rule("pods", resourceNames=["a"])
    gone = FieldChange(op="remove", path="rules[0].resourceNames", before=["a"])
    assert not allowed(role(named), gone, after=role(rule("pods")))


def _binding(kind: str = "Role", subject: str = "ServiceAccount") -> dict[str, Any]:
    return {
        "apiVersion": RBAC,
        "kind": "RoleBinding",
        "metadata": {"name": "reader", "namespace": "shop"},
        "roleRef": {"kind": kind, "name": "reader"},
        "subjects": [{"kind": subject, "name": "raeder", "namespace": "shop"}],
    }


@pytest.mark.parametrize(
    ("path", "before", "expected"),
    [
        ("subjects[0].name", _binding(), True),
        ("subjects[0].namespace", _binding(), True),
        ("roleRef.name", _binding(), False),
        ("subjects[0].kind", _binding(), False),
        ("roleRef.kind", _binding(), False),
        ("subjects[0].name", _binding("ClusterRole"), False),
        ("subjects[0].name", _binding(subject="Group"), False),
    ],
)
def test_one_word_of_a_binding_may_change(
    path: str, before: dict[str, Any], expected: bool
) -> None:
    change = FieldChange(path=path, before="raeder", after="reader")
    assert allowed(before, change, after=before) is expected


def _made(**other: Any) -> bool:
    manifest = {**_binding(), **other}
    return narrow(
        KubernetesChange(object=ref("RoleBinding"), action="create", manifest=manifest),
        None,
        manifest,
    )


def test_a_new_binding_is_of_one_account_to_a_role() -> None:
    assert _made()
    assert not _made(roleRef={"kind": "ClusterRole", "name": "admin"})
    assert not _made(subjects=[{"kind": "Group", "name": "system:authenticated"}])
    assert not _made(subjects=[*_binding()["subjects"], *_binding()["subjects"]])


@pytest.mark.parametrize("kind", ["ClusterRole", "ClusterRoleBinding"])
def test_nothing_of_the_clusters_scope_changes(kind: str) -> None:
    change = KubernetesChange(object=ref(kind, ""), fields=(ADDS,))
    before = role(rule("configmaps"))
    assert not narrow(change, before, role(rule("configmaps"), rule("pods")))


def _verdict(done: Any) -> str:
    return verdict(done, "fix_policy")[0]


def _examined(after: dict[str, Any], policy: Policy | None = None) -> Any:
    field = FieldChange(op="add", path="rules[1]", after=after)
    given = objects(roles=[role(rule("configmaps"))])
    return examined(plan(field, kind="set_access", ref=ref("Role")), given, policy=policy)


def test_the_check_of_fixes_permits_the_shape_and_refuses_more() -> None:
    assert _verdict(_examined(rule("pods", verbs=("list",)))) == "pass"
    assert _verdict(_examined(rule("secrets", verbs=("list",)))) == "fail"


def test_a_role_that_was_not_seen_is_not_changed() -> None:
    field = FieldChange(op="add", path="rules[1]", after=rule("pods"))
    done = examined(plan(field, kind="set_access", ref=ref("Role")))
    assert _verdict(done) == "fail"


def test_policy_may_forbid_it() -> None:
    policy = Policy(production=EnvironmentPolicy(forbidden_fixes=("set_access",)))
    assert _verdict(_examined(rule("pods"), policy)) == "fail"


def test_people_merge_it_wherever_other_fixes_merge_by_themselves() -> None:
    policy = Policy(staging=EnvironmentPolicy(auto_merge=True))
    assert policy.merges_by_itself(proof("staging"), "set_cpu")
    assert not policy.merges_by_itself(proof("staging"), "set_access")
