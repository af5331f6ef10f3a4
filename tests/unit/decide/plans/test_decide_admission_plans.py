"""What is drafted for accounts and claims that nobody made, and for pods that policies and names refuse."""

from __future__ import annotations

from decide.core.families.admission.facts import AbsentClaim, RefusedPods
from decide.core.families.admission.plans import accounts, claims, pods
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import BACK, Builder, changed_lately, drafted, pod_spec, shop


def _account(cluster: Cluster, missing: str) -> list[str]:
    return drafted(
        accounts.account, cluster, lambda w, _: RefusedPods(workload=w, message="", account=missing)
    )


def test_the_workloads_own_account_comes_before_one_alike_and_the_missing_one_is_made() -> None:
    cluster = shop()
    pod_spec(cluster)["serviceAccountName"] = "payer"
    cluster.add("serviceaccounts", "payers")
    changed_lately(cluster)
    assert _account(cluster, "payer") == [
        "set_service_account 0.88 admission.account.use near=web",
        "  why admission.account.near missing=payer near=web",
        "  risk admission.account.permissions",
        '  apps/v1 Deployment/shop/web :serviceAccountName: "payer" → "web"',
        "create_object 0.7 admission.account.create missing=payer",
        "  why admission.account.no_roles missing=payer",
        "  risk admission.account.roles_missing",
        '  create v1 ServiceAccount/shop/payer beside Deployment/shop/web: {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "payer", "namespace": "shop"}}',
        *BACK,
    ]


def test_an_account_alike_is_taken_where_the_workload_has_none_of_its_own() -> None:
    cluster = shop()
    pod_spec(cluster).update({"serviceAccountName": "payer", "serviceAccount": "payer"})
    cluster.objects["serviceaccounts"].clear()
    for name in ("default", "paying", "payers", "payer"):
        cluster.add("serviceaccounts", name)
    assert _account(cluster, "payer") == [
        "set_service_account 0.88 admission.account.use near=payers",
        "  why admission.account.near missing=payer near=payers",
        "  risk admission.account.permissions",
        '  apps/v1 Deployment/shop/web :serviceAccountName: "payer" → "payers"',
        '  apps/v1 Deployment/shop/web :serviceAccount: "payer" → "payers"',
        "create_object 0.7 admission.account.create missing=payer",
        "  why admission.account.no_roles missing=payer",
        "  risk admission.account.roles_missing",
        '  create v1 ServiceAccount/shop/payer beside Deployment/shop/web: {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "payer", "namespace": "shop"}}',
    ]


def test_an_account_of_another_namespace_or_of_another_name_is_not_taken() -> None:
    cluster = shop()
    cluster.objects["serviceaccounts"].clear()
    cluster.add("serviceaccounts", "somebody")
    cluster.add("serviceaccounts", "payers")["metadata"]["namespace"] = "bank"
    assert [line for line in _account(cluster, "payer") if line.startswith("set_")] == []


def test_an_account_of_just_four_fifths_is_not_alike_enough() -> None:
    for there, missing, near in (("abcdx", "abcde", False), ("abcdefx", "abcdefg", True)):
        cluster = shop()
        cluster.objects["serviceaccounts"].clear()
        cluster.add("serviceaccounts", there)
        assert _account(cluster, missing)[0].startswith("set_service_account") is near


def test_the_default_account_is_no_choice_however_much_it_is_alike() -> None:
    cluster = shop()
    cluster.objects["serviceaccounts"].clear()
    cluster.add("serviceaccounts", "default")
    assert [line for line in _account(cluster, "defaults") if line.startswith("set_")] == []


def test_without_a_missing_name_just_an_account_of_its_own_is_drafted() -> None:
    assert _account(shop(), "") == [
        "set_service_account 0.88 admission.account.use near=web",
        "  why admission.account.near missing= near=web",
        "  risk admission.account.permissions",
        '  apps/v1 Deployment/shop/web :serviceAccountName: + "web"',
    ]
    cluster = shop()
    cluster.objects["serviceaccounts"].clear()
    assert _account(cluster, "") == []


def _claiming(*claimed: str, there: tuple[str, ...]) -> Cluster:
    cluster = shop("web", "cart")
    pod_spec(cluster)["volumes"] = [
        {"name": f"v{n}", "persistentVolumeClaim": {"claimName": name}}
        for n, name in enumerate(claimed)
    ]
    for name in there:
        cluster.add("persistentvolumeclaims", name)
    return cluster


def _claim(cluster: Cluster, missing: str) -> list[str]:
    return drafted(claims.absent, cluster, lambda w, _: AbsentClaim(workload=w, claim=missing))


def test_the_claim_of_the_nearest_name_is_mounted_in_each_place() -> None:
    cluster = _claiming("data-1", "logs", "data-1", there=("data-12", "data", "data-123", "logs"))
    changed_lately(cluster)
    assert _claim(cluster, "data-1") == [
        *BACK,
        "set_volume 0.76 admission.claim.title near=data-12",
        "  why admission.claim.why missing=data-1 near=data-12",
        "  risk admission.claim.no_proof",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :volumes[name=v0].persistentVolumeClaim.claimName: "data-1" → "data-12"',
        "set_volume 0.76 admission.claim.title near=data-12",
        "  why admission.claim.why missing=data-1 near=data-12",
        "  risk admission.claim.no_proof",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :volumes[name=v2].persistentVolumeClaim.claimName: "data-1" → "data-12"',
    ]


def test_a_claim_that_another_workload_mounts_is_not_taken() -> None:
    cluster = _claiming("data-1", there=("data-2",))
    pod_spec(cluster, "cart")["volumes"] = [
        {"name": "v", "persistentVolumeClaim": {"claimName": "data-2"}}
    ]
    assert _claim(cluster, "data-1") == []


def test_a_claim_that_the_workload_itself_mounts_is_taken() -> None:
    cluster = _claiming("data-1", "data-2", there=("data-2",))
    assert [line for line in _claim(cluster, "data-1") if "→" in line] == [
        '  apps/v1 Deployment/shop/web :volumes[name=v0].persistentVolumeClaim.claimName: "data-1" → "data-2"',
    ]


def test_a_claim_is_near_by_likeness_or_by_having_the_other_name_in_its_own() -> None:
    for missing, there, near in (
        ("abcde", "abcdx", True),
        ("abcd", "abcx", False),
        ("d", "data-of-the-shop", True),
        ("data-of-the-shop", "d", True),
    ):
        cluster = _claiming(missing, there=(there,))
        assert bool(_claim(cluster, missing)) is near, (missing, there)


def test_a_claim_of_another_namespace_is_not_taken() -> None:
    cluster = _claiming("data-1", there=("data-2",))
    cluster.objects["persistentvolumeclaims"][0]["metadata"]["namespace"] = "bank"
    assert _claim(cluster, "data-1") == []


def _refused(builder: Builder, cluster: Cluster, message: str = "") -> list[str]:
    return drafted(builder, cluster, lambda w, _: RefusedPods(workload=w, message=message))


def test_the_settings_that_a_standard_asks_for_are_set_in_every_container() -> None:
    cluster = shop()
    pod_spec(cluster)["initContainers"] = [{"name": "first", "image": "i:1"}]
    changed_lately(cluster)
    message = (
        'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container '
        '"main" must set it), unrestricted capabilities (...), runAsNonRoot != true (...), '
        "seccompProfile (pod or container must set it)"
    )
    assert _refused(pods.pod_security, cluster, message) == [
        "other 0.72 admission.security.title settings=[allowPrivilegeEscalation, capabilities, runAsNonRoot, seccompProfile]",
        "  why admission.security.why detail=seen settings=[allowPrivilegeEscalation, capabilities, runAsNonRoot, seccompProfile]",
        "  risk admission.security.root",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=first].securityContext: + {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}',
        '  apps/v1 Deployment/shop/web :containers[name=main].securityContext: + {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}',
        *BACK,
    ]


def test_only_the_settings_that_are_asked_for_are_set() -> None:
    for words, path in (
        ("allowPrivilegeEscalation != false", "allowPrivilegeEscalation"),
        ("unrestricted capabilities", "capabilities"),
        ("runAsNonRoot != true", "runAsNonRoot"),
        ("seccompProfile (must be set)", "seccompProfile"),
    ):
        found = _refused(pods.pod_security, shop(), f"violates PodSecurity: {words}")
        assert [line.partition("securityContext: + ")[2].split('"')[1] for line in found[-1:]] == [
            path
        ]


def test_what_a_program_asked_for_on_purpose_is_not_taken_away() -> None:
    for meant in (
        "privileged (container main)",
        "hostPath volumes (volume data)",
        "hostNetwork=true",
        "hostPID",
        "hostIPC",
        "hostPort (container main uses 80)",
        "restricted volume types (volume data uses nfs)",
        "non-default capabilities (NET_ADMIN)",
        "runAsUser=0 (container main)",
    ):
        cluster = shop()
        changed_lately(cluster)
        message = f"violates PodSecurity: runAsNonRoot != true, {meant}"
        assert _refused(pods.pod_security, cluster, message) == BACK


def _priority(wanted: str | None, *there: str) -> Cluster:
    cluster = shop()
    if wanted is not None:
        pod_spec(cluster)["priorityClassName"] = wanted
    for name in there:
        cluster.objects.setdefault("priorityclasses", []).append({"metadata": {"name": name}})
    changed_lately(cluster)
    return cluster


def test_the_nearest_priority_class_is_taken_else_none() -> None:
    cluster = _priority("high-prio", "high-priority", "high-priori", "low")
    assert _refused(pods.priority_class, cluster) == [
        *BACK,
        "set_scheduling 0.82 admission.priority.title near=high-priori",
        "  why drafting.because detail=seen",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :priorityClassName: "high-prio" → "high-priori"',
        "set_scheduling 0.68 admission.priority.none",
        "  why drafting.because detail=seen",
        "  risk admission.priority.evicted",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :priorityClassName: - "high-prio"',
    ]


def test_a_priority_class_that_is_not_alike_or_is_the_systems_is_not_taken() -> None:
    for wanted, there in (("high", "huge"), ("system-node-critica", "system-node-critical")):
        found = _refused(pods.priority_class, _priority(wanted, there))
        assert [line for line in found if line.startswith("set_")] == [
            "set_scheduling 0.68 admission.priority.none",
        ]
    found = _refused(pods.priority_class, _priority("abcd", "abce"))
    assert [line for line in found if line.startswith("set_")] == [
        "set_scheduling 0.82 admission.priority.title near=abce",
        "set_scheduling 0.68 admission.priority.none",
    ]


def test_without_a_priority_class_there_is_just_the_way_back() -> None:
    assert _refused(pods.priority_class, _priority(None, "high")) == BACK
