"""Faults behind the first one: they are mended in the same plan, each with its own proof, or named as what remains."""

from __future__ import annotations

import pytest

from decide.core.diagnosis import diagnose
from decide.core.planning import ProposedPlans, propose
from decide.core.proof.behind import held_up
from decide.core.proof.counterfactual import counterfactual
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
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


@pytest.mark.parametrize(
    ("policy", "ready", "waits"),
    [
        ("OrderedReady", False, True),
        ("", False, True),
        ("Parallel", False, False),
        ("", True, False),
    ],
)
def test_pods_that_are_made_in_order_wait_for_the_one_that_does_not_get_ready(
    policy: str, ready: bool, waits: bool
) -> None:
    cluster = Cluster(9)
    app = cluster.app("shop")
    FAULTS["config_reference_missing/configmap misnamed in envFrom"](cluster, app)
    found = cluster.get("deployments", app)
    found |= {"kind": "StatefulSet", "status": {"replicas": 1, "readyReplicas": 0}}
    found["spec"] |= {"podManagementPolicy": policy} if policy else {}
    cluster.objects["deployments"].remove(found)
    cluster.objects["statefulsets"] = [found]
    pod = cluster.pod(app)
    owner = {"kind": "StatefulSet", "name": app, "controller": True}
    pod["metadata"] |= {"name": f"{app}-0", "ownerReferences": [owner]}
    view = diagnose(cluster.bundle()).view
    if ready:
        pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
        pod["status"]["containerStatuses"][0] |= {"ready": True, "state": {"running": {}}}
        state = counterfactual(view, [_labelled(cluster.namespace, app)])
        assert held_up(state) == []
        return
    plan = proposed(cluster, "config_reference_missing").plans[0]
    assert plan.repairs.verdict == ("unknown" if waits else "pass")
    assert any(f"{app}-0" in one for one in plan.repairs.remains) is waits


def _labelled(namespace: str, app: str) -> KubernetesChange:
    ref = ObjectRef(api_version="apps/v1", kind="StatefulSet", namespace=namespace, name=app)
    field = FieldChange(op="add", path="spec.template.metadata.annotations", after={"a": "b"})
    return KubernetesChange(object=ref, fields=(field,))
