"""What is older than the trouble of now, or befell somebody else, is not its cause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from decide.core import diagnose
from decide.core.diagnosis import diagnose as ranked
from tests.support.decide.clusters import AT, Cluster

_KILL = "Memory cgroup out of memory: Killed process 4121 (main)"


def ago(minutes: float) -> str:
    return (AT - timedelta(minutes=minutes)).isoformat()


def ended(reason: str, code: int, *, began: float, over: float) -> dict[str, Any]:
    """A termination, by minutes before the alert."""
    times = {"startedAt": ago(began), "finishedAt": ago(over)}
    return {"terminated": {"reason": reason, "exitCode": code, **times}}


def crashing() -> tuple[Cluster, str]:
    """It misses a variable since ten minutes, and ends with the program's own code."""
    cluster = Cluster(4)
    cluster.app()
    app = cluster.app("shop")
    cluster.status(
        app,
        restartCount=6,
        state={"waiting": {"reason": "CrashLoopBackOff"}},
        lastState=ended("Error", 1, began=3, over=2),
    )
    cluster.log(app, "KeyError: 'SHOP_TOKEN'", previous=True)
    return cluster, app


def killed(cluster: Cluster, app: str, minutes: float, container: str = "main") -> None:
    pod = cluster.pod(app)["metadata"]["name"]
    cluster.event("Pod", pod, "OOMKilling", _KILL)
    told = cluster.objects["events"][-1]
    told["lastTimestamp"] = ago(minutes)
    told["involvedObject"]["fieldPath"] = f"spec.containers{{{container}}}"


def classes(cluster: Cluster) -> dict[str, float]:
    return {f.failure_class: f.score for f in ranked(cluster.bundle()).findings}


@pytest.mark.parametrize(
    ("minutes", "container", "believed"),
    [(45, "main", False), (2.5, "main", True), (2.5, "proxy", False)],
    ids=["an older run's", "this run's", "another container's"],
)
def test_a_kill_for_memory_counts_for_the_run_that_it_ended(
    minutes: float, container: str, believed: bool
) -> None:
    cluster, app = crashing()
    killed(cluster, app, minutes, container)
    assert (classes(cluster).get("oom_killed", 0.0) > 0.5) is believed


def test_no_more_memory_is_proposed_for_an_old_kill_beside_a_newer_end() -> None:
    cluster, app = crashing()
    killed(cluster, app, 45)
    verdict = diagnose(cluster.bundle())
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "missing_env"
    assert all(plan.fix_kind != "set_memory" for plan in verdict.plans)


def test_a_kill_is_past_where_something_else_keeps_the_container_from_starting() -> None:
    cluster = Cluster(4)
    app = cluster.app("shop")
    waits = {"reason": "CreateContainerConfigError", "message": 'secret "token" not found'}
    gone = ended("OOMKilled", 137, began=60, over=40)
    cluster.status(app, restartCount=2, state={"waiting": waits}, lastState=gone)
    found = classes(cluster)
    assert found["config_reference_missing"] > 0.9
    assert found["oom_killed"] < 0.5


def test_a_kill_before_the_pod_was_ready_again_is_past() -> None:
    for broke, believed in ((39.9, True), (5, False)):
        cluster = Cluster(4)
        app = cluster.app("shop")
        gone = ended("OOMKilled", 137, began=70, over=40)
        cluster.status(
            app, restartCount=1, state={"running": {"startedAt": ago(39)}}, lastState=gone
        )
        ready = {"type": "Ready", "status": "False", "lastTransitionTime": ago(broke)}
        cluster.pod(app)["status"]["conditions"] = [ready]
        assert (classes(cluster)["oom_killed"] > 0.5) is believed


def test_a_kill_of_an_older_template_with_another_limit_is_past() -> None:
    for limit, believed in (("1Gi", False), ("128Mi", True)):
        cluster = Cluster(4)
        app = cluster.app("shop")
        old = cluster.pod(app)
        cluster.crashed(app, 137, reason="OOMKilled")
        old["metadata"]["labels"] |= {"pod-template-hash": "one"}
        resources = {"limits": {"memory": limit}, "requests": {"memory": "128Mi"}}
        new = {**cluster.container(app), "resources": resources}
        cluster.get("deployments", app)["spec"]["template"]["spec"]["containers"] = [new]
        cluster.objects["pods"].append(
            {
                **old,
                "metadata": {
                    **old["metadata"],
                    "name": f"{old['metadata']['name']}2",
                    "labels": {"app": app, "pod-template-hash": "two"},
                },
                "spec": {**old["spec"], "containers": [new]},
                "status": {
                    "phase": "Pending",
                    "conditions": [{"type": "Ready", "status": "False"}],
                    "containerStatuses": [
                        {
                            "name": "main",
                            "ready": False,
                            "restartCount": 0,
                            "state": {"waiting": {"reason": "ContainerCreating"}},
                        }
                    ],
                },
            }
        )
        assert (classes(cluster).get("oom_killed", 0.0) > 0.5) is believed


def test_a_sidecars_old_end_is_not_the_trouble_of_the_one_beside_it() -> None:
    cluster = Cluster(4)
    app = cluster.app("shop")
    cluster.status(app, state={"running": {"startedAt": ago(20)}})
    pod = cluster.pod(app)
    pod["spec"]["containers"] = [
        *pod["spec"]["containers"],
        {"name": "proxy", "image": "registry.example/proxy:1"},
    ]
    pod["status"]["containerStatuses"].append(
        {
            "name": "proxy",
            "ready": True,
            "restartCount": 1,
            "state": {"running": {"startedAt": ago(2000)}},
            "lastState": ended("Error", 1, began=2100, over=2001),
        }
    )
    assert "crash_code" not in classes(cluster)


def unready(told: float, *, broke: float = 30.0, **probe: Any) -> Cluster:
    cluster = Cluster(4)
    app = cluster.app("shop", port=8080)
    asked = {"httpGet": {"port": 9, "path": "/"}, **probe}
    cluster.container(app)["readinessProbe"] = asked
    cluster.stopped(app)
    pod = cluster.pod(app)
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": ago(broke)}
    pod["status"]["conditions"] = [ready]
    said = 'Readiness probe failed: Get "http://10.2.2.2:9/": dial tcp 10.2.2.2:9: connect: connection refused'
    cluster.event("Pod", pod["metadata"]["name"], "Unhealthy", said)
    cluster.objects["events"][-1]["lastTimestamp"] = ago(told)
    return cluster


def test_a_probes_failure_before_the_pod_was_ready_again_tells_nothing() -> None:
    assert "readiness_probe_port" in classes(unready(1))
    assert "readiness_probe_port" in classes(unready(35))
    assert "readiness_probe_port" not in classes(unready(55))


def test_a_probe_that_the_template_has_left_behind_is_not_mended_again() -> None:
    cluster = unready(1)
    spec = cluster.get("deployments", "shop")["spec"]["template"]["spec"]
    right = {"httpGet": {"port": 8080, "path": "/"}}
    spec["containers"] = [{**spec["containers"][0], "readinessProbe": right}]
    assert not any("probe" in name for name in classes(cluster))


def test_probes_that_a_mesh_turned_to_itself_are_those_of_the_template() -> None:
    cluster = unready(1)
    pod = cluster.pod("shop")
    own = dict(pod["spec"]["containers"][0])
    own["readinessProbe"] = {"httpGet": {"port": 15020, "path": "/app-health/main/readyz"}}
    pod["spec"]["containers"] = [own]
    assert "readiness_probe_port" in classes(cluster)


def test_a_refusal_before_pods_were_let_in_again_is_past() -> None:
    for let_in, believed in ((1, False), (None, True)):
        cluster = Cluster(4)
        app = cluster.app("shop")
        cluster.refused(
            app, "exceeded quota: most, requested: pods=1, used: pods=3, limited: pods=3"
        )
        cluster.objects["events"][-1]["lastTimestamp"] = ago(50)
        name = cluster.objects["events"][-1]["involvedObject"]["name"]
        if let_in is not None:
            cluster.event("ReplicaSet", name, "SuccessfulCreate", "Created pod: shop-x")
            cluster.objects["events"][-1]["lastTimestamp"] = ago(let_in)
        assert ("quota_pods_exceeded" in classes(cluster)) is believed
