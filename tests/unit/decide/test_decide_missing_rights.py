"""A right that a program lacks at the API server: the word that hides it is mended, or exactly it is given; all else is a person's."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from decide.core.rights import denied
from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.rules_say import shop

RBAC = "rbac.authorization.k8s.io/v1"


def forbidden(verb: str = "list", resource: str = "pods", group: str = "", **who: str) -> str:
    where = who.get("where", "shop")
    place = f' in the namespace "{where}"' if where else " at the cluster scope"
    account = who.get("account", "shop:lister")
    return (
        f'{resource} is forbidden: User "system:serviceaccount:{account}" cannot {verb} '
        f'resource "{resource}" in API group "{group}"{place}'
    )


def rule(resource: str = "pods", *verbs: str, group: str = "") -> Obj:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs or ("get",))}


def role(c: Cluster, name: str, *rules: Obj, kind: str = "Role") -> None:
    c.add("roles", name, api=RBAC, kind=kind, rules=list(rules))


def binding(c: Cluster, name: str, to: str, account: str = "lister", **other: str) -> Obj:
    subject = {"kind": "ServiceAccount", "name": account, "namespace": other.get("space", "shop")}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": other.get("kind", "Role"), "name": to}
    return c.add(
        "rolebindings", name, api=RBAC, kind="RoleBinding", roleRef=ref, subjects=[subject]
    )


def lister(*lines: str, account: str = "lister") -> Cluster:
    """``watcher`` runs as ServiceAccount ``lister`` and ends over what it is told."""
    c = shop("watcher", "other")
    c.add("serviceaccounts", "lister", kind="ServiceAccount")
    if account:
        c.get("deployments", "watcher")["spec"]["template"]["spec"]["serviceAccountName"] = account
    c.crashed("watcher", 1, *(lines or (forbidden(),)))
    return c


def answer(c: Cluster) -> Verdict:
    verdict = diagnose(c.bundle("watcher"))
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "rbac_denied"
    return verdict


def changes(verdict: Verdict, plan: int = 0) -> list[tuple[str, str, Any]]:
    return [
        (change.object.key, f.path, f.after)
        for change in verdict.plans[plan].kubernetes_changes
        for f in change.fields
    ]


def left_to_people(c: Cluster) -> bool:
    verdict = answer(c)
    return (verdict.status, verdict.plans) == ("needs_human", ())


def test_a_verb_is_added_to_the_rule_that_is_for_this_resource_alone() -> None:
    c = lister()
    role(c, "lister", rule("configmaps", "get"), rule("pods", "get"))
    binding(c, "lister", "lister")
    assert changes(answer(c)) == [("Role/shop/lister", "rules[1].verbs[1]", "list")]


def test_a_rule_for_more_than_this_resource_is_left_and_a_rule_of_its_own_is_added() -> None:
    c = lister()
    role(c, "lister", {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get"]})
    binding(c, "lister", "lister")
    assert changes(answer(c)) == [("Role/shop/lister", "rules[1]", rule("pods", "list"))]


def test_a_rule_for_some_names_is_not_made_one_for_all() -> None:
    c = lister()
    role(c, "lister", rule("pods", "get") | {"resourceNames": ["web-0"]})
    binding(c, "lister", "lister")
    assert changes(answer(c)) == [("Role/shop/lister", "rules[1]", rule("pods", "list"))]


def test_two_verbs_that_are_denied_are_both_given() -> None:
    c = lister(forbidden("list"), forbidden("watch"))
    role(c, "lister", rule("configmaps", "get"))
    binding(c, "lister", "lister")
    assert changes(answer(c)) == [("Role/shop/lister", "rules[1]", rule("pods", "list", "watch"))]


def test_the_slip_of_a_resource_is_mended_first() -> None:
    c = lister(forbidden("list", "deployments", "apps"))
    role(c, "lister", rule("deployment", "get", "list", "watch", group="apps"))
    binding(c, "lister", "lister")
    verdict = answer(c)
    assert changes(verdict) == [("Role/shop/lister", "rules[0].resources[0]", "deployments")]
    assert changes(verdict, 1)[0][1] == "rules[1]"


def test_the_group_of_a_rule_is_mended() -> None:
    c = lister(forbidden("list", "deployments", "apps"))
    role(c, "lister", rule("deployments", "get", "list", group="extensions"))
    binding(c, "lister", "lister")
    assert changes(answer(c)) == [("Role/shop/lister", "rules[0].apiGroups[0]", "apps")]


def test_the_subject_of_a_binding_is_mended() -> None:
    c = lister()
    role(c, "lister", rule("pods", "get", "list"))
    binding(c, "lister", "lister", account="listr")
    assert changes(answer(c)) == [("RoleBinding/shop/lister", "subjects[0].name", "lister")]


def test_a_subject_in_a_namespace_that_is_not_there_is_moved_home() -> None:
    c = lister()
    c.objects["namespaces"] = [{"metadata": {"name": "shop"}}]
    role(c, "lister", rule("pods", "get", "list"))
    binding(c, "lister", "lister", space="shopp")
    assert changes(answer(c)) == [("RoleBinding/shop/lister", "subjects[0].namespace", "shop")]


def test_a_subject_that_exists_keeps_its_right() -> None:
    c = lister()
    c.add("serviceaccounts", "lister2", kind="ServiceAccount")
    role(c, "readers", rule("pods", "get", "list"))
    binding(c, "readers", "readers", account="lister2")
    c.get("deployments", "watcher")["spec"]["template"]["spec"]["serviceAccountName"] = "lister"
    verdict = answer(c)
    assert all(
        change.object.kind == "Deployment" for p in verdict.plans for change in p.kubernetes_changes
    )


def test_a_binding_to_a_role_that_is_not_there_is_made_anew_since_it_cannot_be_changed() -> None:
    c = lister()
    role(c, "pod-reader", rule("pods", "get", "list"))
    binding(c, "lister", "pod-raeder")
    verdict = answer(c)
    made = verdict.plans[0].kubernetes_changes[0]
    assert (made.action, made.object.kind) == ("create", "RoleBinding")
    assert isinstance(made.manifest, dict)
    assert made.manifest["roleRef"]["name"] == "pod-reader"
    assert [s["name"] for s in made.manifest["subjects"]] == ["lister"]
    assert len(verdict.plans) == 1


def test_a_role_that_nobody_is_bound_to_is_bound_to_its_namesake() -> None:
    c = lister()
    role(c, "lister-reads", rule("pods", "get", "list"))
    made = answer(c).plans[0].kubernetes_changes[0]
    assert isinstance(made.manifest, dict)
    assert made.manifest["roleRef"]["name"] == "lister-reads"


def test_the_workload_runs_as_the_account_that_is_named_like_it() -> None:
    c = lister(forbidden(account="shop:default"), account="")
    role(c, "watcher", rule("pods", "get", "list"))
    binding(c, "watcher", "watcher", account="watcher")
    place = "spec.template.spec.serviceAccountName"
    assert changes(answer(c)) == [("Deployment/shop/watcher", place, "watcher")]


@pytest.mark.parametrize(
    "line",
    [
        forbidden("create"),
        forbidden("delete"),
        forbidden("list", "secrets"),
        forbidden("get", "pods/exec"),
        forbidden("list", "nodes", where=""),
        forbidden("escalate", "roles", "rbac.authorization.k8s.io"),
    ],
)
def test_a_right_to_more_than_reading_plain_things_of_a_namespace_is_a_persons(line: str) -> None:
    c = lister(line)
    role(c, "lister", rule("pods", "get", "list"))
    binding(c, "lister", "lister")
    assert left_to_people(c)


def test_one_denied_right_to_write_leaves_all_to_people() -> None:
    c = lister(forbidden("list"), forbidden("create"))
    role(c, "lister", rule("configmaps", "get"))
    binding(c, "lister", "lister")
    assert left_to_people(c)


def test_a_role_of_the_whole_cluster_is_a_persons() -> None:
    c = lister()
    binding(c, "lister", "view", kind="ClusterRole")
    assert left_to_people(c)


def test_the_default_account_gets_no_right() -> None:
    c = lister(forbidden(account="shop:default"), account="")
    role(c, "defaults", rule("configmaps", "get"))
    binding(c, "defaults", "defaults", account="default")
    assert left_to_people(c)


def test_a_role_that_writes_is_not_given_to_another_account() -> None:
    c = lister()
    role(c, "lister", rule("pods", "list", "delete"))
    binding(c, "lister", "lister", account="listr")
    assert left_to_people(c)


def test_an_account_that_the_template_does_not_name_is_a_persons() -> None:
    c = lister(forbidden(account="shop:former"))
    role(c, "former", rule("configmaps", "get"))
    binding(c, "former", "former", account="former")
    assert left_to_people(c)


def test_words_are_read_with_their_quotes_escaped_too() -> None:
    said = denied('{"msg":"' + forbidden().replace('"', '\\"') + '"}')
    assert said is not None
    assert (said.space, said.account, said.right.verb) == ("shop", "lister", "list")
    assert denied('pods is forbidden: User "alice" cannot list resource "pods"') is None
