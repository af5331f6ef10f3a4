"""What changed comes first: the very field that the trouble is about goes back to what worked."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from tests.support.decide.clusters import Cluster


def resources(memory: str, cpu: str = "200m") -> dict[str, Any]:
    return {
        "requests": {"cpu": "100m", "memory": memory},
        "limits": {"cpu": cpu, "memory": memory},
    }


def changes(verdict: Verdict, plan: int = 0) -> dict[str, object]:
    found = verdict.plans[plan].kubernetes_changes
    return {field.path.rpartition("].")[2]: field.after for c in found for field in c.fields}


def killed(before: str, now: str) -> Verdict:
    cluster = Cluster(seed=21)
    app = cluster.app(resources=resources(before))
    cluster.revise(app, resources=resources(now))
    cluster.crashed(app, 137, reason="OOMKilled")
    return diagnose(cluster.bundle(app))


def test_a_memory_limit_that_was_lowered_goes_back_before_any_formula() -> None:
    verdict = killed("768Mi", "128Mi")
    first = verdict.plans[0]
    assert first.fix_kind == "rollback_revision"
    assert changes(verdict) == {
        "resources.limits.memory": "768Mi",
        "resources.requests.memory": "768Mi",
    }
    assert "768Mi" in first.title
    assert len(verdict.plans) > 1


@pytest.mark.parametrize("before", ["64Mi", "128Mi"])
def test_a_limit_that_was_no_larger_before_is_no_way_back(before: str) -> None:
    verdict = killed(before, "128Mi")
    assert verdict.plans[0].fix_kind == "set_memory"


def test_a_probes_port_of_before_is_no_answer_where_the_program_moved() -> None:
    cluster = Cluster(seed=25)
    app = cluster.app(port=8080, readinessProbe={"tcpSocket": {"port": 8080}})
    moved = {"ports": [{"containerPort": 9090}], "readinessProbe": {"tcpSocket": {"port": 9091}}}
    cluster.revise(app, **moved)
    said = "Readiness probe failed: dial tcp 10.1.1.1:9091: connect: connection refused"
    cluster.event("Pod", cluster.pod(app)["metadata"]["name"], "Unhealthy", said, 9)
    cluster.stopped(app)
    first = diagnose(cluster.bundle(app)).plans[0]
    (change,) = first.kubernetes_changes
    assert (first.fix_kind, [field.after for field in change.fields]) == ("set_probe", [9090])


def test_a_request_that_was_raised_beyond_the_nodes_goes_back() -> None:
    cluster = Cluster(seed=26)
    app = cluster.app(resources=resources("128Mi"))
    cluster.revise(app, resources=resources("128Mi") | {"requests": {"cpu": "9", "memory": "64Mi"}})
    cluster.container(app)["resources"]["limits"]["cpu"] = "9"
    cluster.unschedulable(app, "0/2 nodes are available: 2 Insufficient cpu.")
    verdict = diagnose(cluster.bundle(app))
    asked = [changes(verdict, n).get("resources.requests.cpu") for n in range(len(verdict.plans))]
    assert "100m" in asked


def test_going_back_is_the_whole_difference_of_the_template() -> None:
    cluster = Cluster(seed=22)
    app = cluster.app()
    cluster.revise(app, image="registry.example/x:9")
    for obj in (*cluster.objects["deployments"], cluster.objects["replicasets"][0]):
        obj["spec"]["template"]["spec"] |= {"hostPID": True}
    cluster.refused(app, 'violates PodSecurity "baseline:latest": host namespaces (hostPID=true)')
    back = next(p for p in diagnose(cluster.bundle(app)).plans if p.fix_kind == "rollback_revision")
    (change,) = back.kubernetes_changes
    fields = {field.path: (field.op, field.after) for field in change.fields}
    assert fields["spec.template.spec.hostPID"] == ("remove", None)


@pytest.mark.parametrize(
    ("made", "room"),
    [
        # used 2944 - 3 old of 128 + 3 new of 450 + 1 old beside them = 4038 MiB, and a tenth more
        (0, "4442Mi"),
        # used 2944 - 3 old of 128 - 1 new of 450 + 3 new + 1 old = 3588 MiB, and a tenth more
        (1, "3947Mi"),
    ],
)
def test_a_quota_holds_the_whole_rollout_and_asking_for_less_comes_first(
    made: int, room: str
) -> None:
    cluster = Cluster(seed=23)
    app = cluster.app(resources=resources("128Mi"))
    pod = cluster.pod(app)
    cluster.revise(app, resources=resources("450Mi"))
    new, old = cluster.objects["replicasets"]
    new["status"] = {"replicas": made, "readyReplicas": 0}
    old["status"] = {"replicas": 3, "readyReplicas": 3}
    cluster.get("deployments", app)["spec"]["replicas"] = 3
    said = (
        "exceeded quota: compute, requested: limits.memory=450Mi, used: limits.memory=2944Mi,"
        " limited: limits.memory=3169Mi"
    )
    quota = {"hard": {"limits.memory": "3169Mi"}}
    cluster.add("resourcequotas", "compute", kind="ResourceQuota", spec=quota, status=quota)
    cluster.refused(app, said)
    failure = {"type": "ReplicaFailure", "status": "True", "message": said}
    cluster.get("deployments", app)["status"]["conditions"].append(failure)
    for n in range(3):
        one = copy.deepcopy(pod)
        one["metadata"]["name"] += str(n)
        one["metadata"]["ownerReferences"] = [
            {"kind": "ReplicaSet", "name": old["metadata"]["name"], "controller": True}
        ]
        one["spec"]["containers"][0]["resources"] = resources("128Mi")
        cluster.objects["pods"].append(one)
    verdict = diagnose(cluster.bundle(app))
    assert changes(verdict)["resources.limits.memory"] == "128Mi"
    raised = next(p for p in verdict.plans if p.fix_kind == "set_quota")
    (change,) = raised.kubernetes_changes
    assert str(change.fields[0].after) == room


def test_one_old_pod_leaves_first_where_there_is_no_room_beside_them() -> None:
    cluster = Cluster(seed=24)
    app = cluster.app()
    old_pod = copy.deepcopy(cluster.pod(app))
    cluster.revise(app, image="registry.example/x:9")
    old = cluster.objects["replicasets"][1]
    old["status"] = {"replicas": 2, "readyReplicas": 2}
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    cluster.get("deployments", app)["spec"] |= {"replicas": 2, "strategy": rolling}
    cluster.unschedulable(app, "0/2 nodes are available: 2 Insufficient cpu.")
    for n in range(2):
        one = copy.deepcopy(old_pod)
        one["metadata"]["name"] += str(n)
        one["metadata"]["ownerReferences"] = [
            {"kind": "ReplicaSet", "name": old["metadata"]["name"], "controller": True}
        ]
        cluster.objects["pods"].append(one)
    verdict = diagnose(cluster.bundle(app))
    assert verdict.plans[0].fix_kind == "set_strategy"
    assert changes(verdict) == {"spec.strategy.rollingUpdate.maxUnavailable": 1}
