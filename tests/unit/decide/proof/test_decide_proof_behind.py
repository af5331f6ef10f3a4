"""Faults behind the first one: they are mended in the same plan, each with its own proof, or named as what remains."""

from __future__ import annotations

from decide.core.diagnosis import diagnose
from decide.core.planning import ProposedPlans, propose
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


def ground() -> tuple[Cluster, str]:
    cluster = Cluster(9)
    cluster.app("bystander")
    return cluster, cluster.app("shop")


def proposed(cluster: Cluster, class_id: str) -> ProposedPlans:
    found = diagnose(cluster.bundle())
    assert found.findings[0].failure_class == class_id
    return propose(found)


def specs(cluster: Cluster, app: str) -> list[dict[str, object]]:
    """Its pod's spec and its template's."""
    template = cluster.get("deployments", app)["spec"]["template"]["spec"]
    return [cluster.pod(app)["spec"], template]


def test_a_second_reference_that_is_misspelt_is_mended_in_the_same_plan() -> None:
    cluster, app = ground()
    FAULTS["config_reference_missing/configmap misnamed in envFrom"](cluster, app)
    cluster.add("secrets", "shop-login", data={"password": ""})
    for spec in specs(cluster, app):
        spec["containers"][0]["env"] = [  # type: ignore[index]
            {
                "name": "PASSWORD",
                "valueFrom": {"secretKeyRef": {"name": "shop-logim", "key": "password"}},
            }
        ]
    plan = proposed(cluster, "config_reference_missing").plans[0]
    assert plan.repairs.verdict == "pass"
    assert plan.repairs.also == ("set_reference",)
    (change,) = plan.kubernetes_changes
    assert len(change.fields) == 2
    assert "shop-login" in {field.after for field in change.fields}
    assert len(plan.rollback_changes[0].fields) == 2


def test_a_secret_that_nobody_can_name_is_what_remains() -> None:
    cluster, app = ground()
    FAULTS["config_reference_missing/configmap misnamed in envFrom"](cluster, app)
    for spec in specs(cluster, app):
        spec["volumes"] = [  # type: ignore[index]
            *spec.get("volumes", []),  # type: ignore[misc]
            {"name": "keys", "secret": {"secretName": "signing-keys"}},
        ]
    plan = proposed(cluster, "config_reference_missing").plans[0]
    assert plan.repairs.also == ()
    assert len(plan.repairs.remains) == 1
    assert "Secret/signing-keys" in plan.repairs.remains[0]
    assert plan.repairs.verdict == "unknown"
    assert "Secret/signing-keys" in plan.repairs.reason


def test_another_workload_s_trouble_is_not_mended_in_the_subject_s_name() -> None:
    cluster, app = ground()
    FAULTS["config_reference_missing/configmap misnamed in envFrom"](cluster, app)
    for spec in specs(cluster, "bystander"):
        spec["volumes"] = [{"name": "keys", "secret": {"secretName": "signing-keys"}}]  # type: ignore[index]
    cluster.down("bystander")
    found = diagnose(cluster.bundle(app))
    for plan in propose(found).plans:
        assert plan.repairs.remains == ()
        assert {c.object.name for c in plan.kubernetes_changes} == {app}


def test_a_plan_that_does_not_repair_is_not_proposed_and_says_why() -> None:
    cluster, app = ground()
    cluster.refused(
        app,
        'pods "shop-1" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true), '
        'privileged (container "main" must not set securityContext.privileged=true)',
    )
    for spec in (cluster.get("deployments", app)["spec"]["template"]["spec"],):
        spec["hostPID"] = True
        spec["containers"][0]["securityContext"] = {"privileged": True}
    kept = cluster.objects["replicasets"]
    old = next(r for r in kept if r["metadata"]["name"].startswith(f"{app}-"))
    old["spec"]["template"]["spec"] = {
        "hostPID": True,
        "containers": [{"name": "main", "image": "registry.example/shop:0"}],
    }
    found = proposed(cluster, "pod_security_violation")
    assert all(plan.repairs.verdict != "fail" for plan in found.plans)
    for plan in found.plans:
        assert "hostPID" in str(plan.kubernetes_changes)
