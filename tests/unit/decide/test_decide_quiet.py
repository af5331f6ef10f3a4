"""Clusters that need no change, with the noise that real ones have: no fix is proposed, and the reason fits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from decide.core import diagnose
from schemas.context import ContextBundle, Monitor
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import AT, Cluster

Noise = Callable[[Cluster, str], None]
NOISES: dict[str, Noise] = {}
NET = "networking.k8s.io/v1"


def noise(call: Noise) -> Noise:
    NOISES[call.__name__] = call
    return call


def _ago(**time: float) -> str:
    return (AT - timedelta(**time)).isoformat().replace("+00:00", "Z")


@noise
def deaths_of_last_week(c: Cluster, app: str) -> None:
    c.status(
        app,
        ready=True,
        restartCount=12,
        state={"running": {"startedAt": _ago(days=2)}},
        lastState={
            "terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": _ago(days=2)}
        },
    )


@noise
def warnings_about_pods_that_are_gone(c: Cluster, app: str) -> None:
    gone = f"{app}-7d4b9c6f5-x2x8k"
    c.event("Pod", gone, "Failed", 'Failed to pull image "x:1": not found')
    c.event("Pod", gone, "FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.")
    c.event(
        "Pod",
        gone,
        "Unhealthy",
        "Liveness probe failed: HTTP probe failed with statuscode: 404",
        40,
    )
    c.event(
        "Pod", gone, "FailedMount", 'MountVolume.SetUp failed for volume "x" : secret "y" not found'
    )


@noise
def probes_that_failed_at_the_start(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    c.container(app)["readinessProbe"] = {"httpGet": {"port": port, "path": "/ready"}}
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "Unhealthy",
        f'Readiness probe failed: Get "http://10.1.1.1:{port}/ready": dial tcp: connect: connection refused',
        2,
    )


@noise
def jobs_that_are_done(c: Cluster, app: str) -> None:
    name = c.word()
    c.add(
        "cronjobs",
        name,
        api="batch/v1",
        kind="CronJob",
        spec={"schedule": "@daily", "jobTemplate": {}},
        status={},
    )
    for day, said in ((3, "Failed"), (2, "Complete"), (1, "Complete")):
        job = c.add(
            "jobs",
            f"{name}-{day}",
            api="batch/v1",
            kind="Job",
            spec={},
            status={
                "conditions": [
                    {
                        "type": said,
                        "status": "True",
                        "reason": "BackoffLimitExceeded" if said == "Failed" else "",
                    }
                ]
            },
        )
        job["metadata"] |= {
            "ownerReferences": [{"kind": "CronJob", "name": name, "controller": True}],
            "creationTimestamp": _ago(days=day),
        }
        pod = c.add(
            "pods",
            f"{name}-{day}-abcde",
            kind="Pod",
            spec={"containers": [{"name": "main"}]},
            status={"phase": "Succeeded" if said == "Complete" else "Failed"},
        )
        pod["metadata"] |= {
            "labels": {},
            "ownerReferences": [{"kind": "Job", "name": f"{name}-{day}", "controller": True}],
        }


@noise
def a_job_that_failed_days_ago(c: Cluster, app: str) -> None:
    c.add(
        "jobs",
        c.word(),
        api="batch/v1",
        kind="Job",
        spec={},
        status={
            "conditions": [
                {
                    "type": "Failed",
                    "status": "True",
                    "reason": "BackoffLimitExceeded",
                    "lastTransitionTime": _ago(days=3),
                }
            ]
        },
    )


@noise
def a_node_drained_yesterday(c: Cluster, app: str) -> None:
    c.objects["nodes"][2]["spec"]["unschedulable"] = True
    for pod in c.objects["pods"]:
        pod["spec"]["nodeName"] = c.nodes[0]


@noise
def a_node_that_came_back(c: Cluster, app: str) -> None:
    c.objects["events"].append(
        {
            "metadata": {"namespace": "default", "name": "n"},
            "type": "Normal",
            "reason": "NodeNotReady",
            "message": "Node is not ready",
            "involvedObject": {"kind": "Node", "name": c.nodes[1]},
            "lastTimestamp": _ago(hours=5),
        }
    )


@noise
def pods_evicted_long_ago(c: Cluster, app: str) -> None:
    old = c.add(
        "pods",
        f"{app}-gone",
        kind="Pod",
        spec={"nodeName": c.nodes[0], "containers": [{"name": "main"}]},
        status={
            "phase": "Failed",
            "reason": "Evicted",
            "message": "The node was low on resource: ephemeral-storage.",
        },
    )
    old["metadata"] |= {
        "labels": {"app": app},
        "ownerReferences": c.pod(app)["metadata"]["ownerReferences"],
    }
    c.objects["pods"].remove(old)
    c.objects["pods"].append(old)


@noise
def a_pod_on_its_way_out(c: Cluster, app: str) -> None:
    leaving = c.add(
        "pods",
        f"{app}-old",
        kind="Pod",
        spec=c.pod(app)["spec"],
        status={"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]},
    )
    leaving["metadata"] |= {
        "labels": {"app": app},
        "deletionTimestamp": _ago(seconds=5),
        "ownerReferences": c.pod(app)["metadata"]["ownerReferences"],
    }
    c.objects["pods"].remove(leaving)
    c.objects["pods"].append(leaving)


@noise
def a_quota_that_is_full(c: Cluster, app: str) -> None:
    hard = {"pods": "4", "requests.cpu": "400m"}
    c.add(
        "resourcequotas",
        c.word(),
        kind="ResourceQuota",
        spec={"hard": hard},
        status={"hard": hard, "used": dict(hard)},
    )


@noise
def policies_that_allow_what_is_called(c: Cluster, app: str) -> None:
    caller = c.app()
    port = c.calls(caller, app)
    c.add(
        "networkpolicies",
        c.word(),
        api=NET,
        kind="NetworkPolicy",
        spec={
            "podSelector": {"matchLabels": {"app": app}},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [
                        {
                            "podSelector": {
                                "matchExpressions": [
                                    {"key": "app", "operator": "In", "values": [caller]}
                                ]
                            }
                        }
                    ],
                    "ports": [{"port": port}],
                }
            ],
        },
    )
    c.add(
        "networkpolicies",
        c.word(),
        api=NET,
        kind="NetworkPolicy",
        spec={"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]},
    )
    c.log(caller, f"dial tcp {app}:{port}: i/o timeout, will try again", "ok")


@noise
def a_budget_of_one_replica(c: Cluster, app: str) -> None:
    c.add(
        "poddisruptionbudgets",
        c.word(),
        api="policy/v1",
        kind="PodDisruptionBudget",
        spec={"minAvailable": 1, "selector": {"matchLabels": {"app": app}}},
        status={"disruptionsAllowed": 0},
    )


@noise
def a_cron_job_that_is_meant_to_rest(c: Cluster, app: str) -> None:
    name = c.word()
    c.declared.append(
        c.add("cronjobs", name, api="batch/v1", kind="CronJob", spec={"suspend": True})
    )


@noise
def a_deployment_that_nobody_needs(c: Cluster, app: str) -> None:
    idle = c.app()
    c.get("deployments", idle)["spec"]["replicas"] = 0
    c.objects["pods"].remove(c.pod(idle))
    c.drop("services", idle)


@noise
def old_revisions(c: Cluster, app: str) -> None:
    for number in range(3):
        old = c.add(
            "replicasets",
            f"{app}-{number}",
            api="apps/v1",
            kind="ReplicaSet",
            spec={
                "replicas": 0,
                "template": {"spec": {"containers": [{"name": "main", "image": "old:1"}]}},
            },
            status={"replicas": 0},
        )
        old["metadata"] |= {
            "ownerReferences": [{"kind": "Deployment", "name": app, "controller": True}],
            "annotations": {"deployment.kubernetes.io/revision": str(number - 3)},
            "creationTimestamp": _ago(days=9 - number),
        }


@noise
def services_of_every_kind(c: Cluster, app: str) -> None:
    c.add(
        "services",
        c.word(),
        kind="Service",
        spec={"type": "ExternalName", "externalName": "db.example"},
    )
    c.add(
        "services",
        c.word(),
        kind="Service",
        spec={"ports": [{"port": 5432}], "clusterIP": "10.9.9.9"},
    )
    c.add(
        "services",
        c.word(),
        kind="Service",
        spec={
            "clusterIP": "None",
            "selector": {"app": app},
            "ports": [{"port": 1, "targetPort": 1}],
        },
    )


@noise
def claims_in_order(c: Cluster, app: str) -> None:
    c.objects["storageclasses"].append(
        {
            "metadata": {"name": "fast"},
            "provisioner": "x.example",
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    )
    c.add(
        "persistentvolumeclaims",
        c.word(),
        kind="PersistentVolumeClaim",
        spec={"storageClassName": "fast"},
        status={"phase": "Pending"},
    )
    c.objects["persistentvolumes"].append(
        {"metadata": {"name": "spare"}, "spec": {}, "status": {"phase": "Available"}}
    )


@noise
def certificates_in_order(c: Cluster, app: str) -> None:
    secret = c.word()
    c.add("secrets", secret, kind="Secret")
    c.add(
        "certificates",
        c.word(),
        api="cert-manager.io/v1",
        kind="Certificate",
        spec={"secretName": secret},
        status={
            "notAfter": "2026-05-24T00:00:00Z",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    )
    service = {"name": app, "port": {"number": c.get("services", app)["spec"]["ports"][0]["port"]}}
    c.add(
        "ingresses",
        c.word(),
        api=NET,
        kind="Ingress",
        spec={
            "tls": [{"secretName": secret}],
            "rules": [{"http": {"paths": [{"path": "/", "backend": {"service": service}}]}}],
        },
    )


@noise
def an_autoscaler_at_rest(c: Cluster, app: str) -> None:
    c.add(
        "horizontalpodautoscalers",
        c.word(),
        api="autoscaling/v2",
        kind="HorizontalPodAutoscaler",
        spec={
            "minReplicas": 1,
            "maxReplicas": 4,
            "scaleTargetRef": {"kind": "Deployment", "name": app},
        },
        status={
            "currentReplicas": 1,
            "conditions": [
                {"type": "AbleToScale", "status": "True"},
                {"type": "ScalingActive", "status": "True"},
                {"type": "ScalingLimited", "status": "True", "reason": "TooFewReplicas"},
            ],
        },
    )


@noise
def steady_measures(c: Cluster, app: str) -> None:
    wave = [0.04 + 0.004 * (n % 5) for n in range(60)]
    c.series("service.cpu", wave, service=app)
    c.series("service.cpu_cfs", [0.01] * 60, service=app)
    c.series("service.p95latency", [20.0 + n % 7 for n in range(60)], service=app)
    c.series("service.success_rate", [1.0] * 60, service=app)
    c.series(
        "kubernetes.memory.usage", [60e6 + 1e5 * (n % 9) for n in range(60)], kube_deployment=app
    )
    c.series("node.tcp_retrans", [0.1] * 60, host=c.nodes[0])


@noise
def more_traffic_and_no_slower(c: Cluster, app: str) -> None:
    c.series("service.rps", [10.0] * 30 + [30.0] * 30, service=app)
    c.series("service.cpu", [0.02] * 30 + [0.06] * 30, service=app)
    c.series("service.p95latency", [20.0] * 30 + [22.0] * 30, service=app)


@noise
def chatty_logs(c: Cluster, app: str) -> None:
    c.log(
        app,
        "WARN retrying: connection refused",
        "connected",
        "GET /x 404 2ms",
        "deprecated option, see docs",
        "0 errors",
    )


@noise
def a_rollout_that_begins(c: Cluster, app: str) -> None:
    c.get("deployments", app)["spec"]["replicas"] = 1
    new = c.add(
        "pods",
        f"{app}-new",
        kind="Pod",
        spec=c.pod(app)["spec"],
        status={
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
    )
    new["metadata"] |= {
        "labels": {"app": app},
        "ownerReferences": c.pod(app)["metadata"]["ownerReferences"],
    }
    c.objects["pods"].remove(new)
    c.objects["pods"].append(new)


@pytest.mark.parametrize("seed", [31, 32])
@pytest.mark.parametrize("name", sorted(NOISES))
def test_noise_is_no_fault(name: str, seed: int) -> None:
    cluster = Cluster(seed)
    for _ in range(3):
        cluster.app()
    app = cluster.app()
    NOISES[name](cluster, app)
    for subject in ("", app):
        verdict = diagnose(cluster.bundle(subject))
        assert verdict.plans == ()
        said = (
            [(h.failure_class, h.object.name, h.confidence) for h in verdict.analysis.hypotheses]
            if verdict.analysis
            else []
        )
        assert (verdict.status, verdict.reason) == ("no_action", "healthy"), said


@pytest.mark.parametrize("seed", range(3))
def test_all_noise_at_once_is_no_fault(seed: int) -> None:
    cluster = Cluster(seed + 60)
    for name in sorted(NOISES):
        NOISES[name](cluster, cluster.app())
    verdict = diagnose(cluster.bundle())
    assert (verdict.status, verdict.reason, verdict.plans) == ("no_action", "healthy", ())


def _bundle(cluster: Cluster, **fields: Any) -> ContextBundle:
    return cluster.bundle().model_copy(update=fields)


def _reason(bundle: ContextBundle) -> tuple[str, str]:
    verdict = diagnose(bundle)
    assert verdict.plans == ()
    assert verdict.analysis is not None
    return verdict.status, verdict.reason


def _calm() -> Cluster:
    cluster = Cluster(77)
    for _ in range(3):
        cluster.app()
    return cluster


def test_a_restart_minutes_ago_that_is_ready_again_has_recovered() -> None:
    cluster = _calm()
    app = cluster.app()
    cluster.status(
        app,
        ready=True,
        restartCount=2,
        state={"running": {"startedAt": _ago(minutes=9)}},
        lastState={"terminated": {"exitCode": 1}},
    )
    assert _reason(cluster.bundle()) == ("no_action", "recovered")


def test_a_monitor_that_says_ok_has_recovered() -> None:
    monitor = Monitor(rule_id="1", overall_state="OK")
    bundle = _bundle(_calm(), monitor=monitor)
    assert _reason(bundle) == ("no_action", "recovered")
    said = diagnose(bundle).explanation
    assert "no change" in said
    assert "people must look" not in said


def test_a_monitor_that_recovers_again_and_again_flaps() -> None:
    lines = tuple(
        f"2026-05-04T0{n}:00:00Z {'recovered' if n % 2 else 'triggered'} x" for n in range(8)
    )
    monitor = Monitor(rule_id="1", overall_state="Alert", history=lines)
    assert _reason(_bundle(_calm(), monitor=monitor)) == ("no_action", "flapping_within_bounds")


def test_no_data_of_what_runs_is_noise() -> None:
    cluster = _calm()
    alert = cluster.bundle().alert.model_copy(update={"state": "no_data"})
    assert _reason(_bundle(cluster, alert=alert)) == ("no_action", "alert_noise")


def test_a_threshold_that_was_never_crossed_is_noise() -> None:
    cluster = _calm()
    cluster.series("kubernetes.cpu.usage.total", [1e8] * 30, kube_deployment="x")
    monitor = Monitor(
        rule_id="1",
        query="avg(last_5m):avg:kubernetes.cpu.usage.total{*} > 500000000",
        overall_state="Alert",
    )
    assert _reason(_bundle(cluster, monitor=monitor)) == ("no_action", "alert_noise")


def test_a_node_cordoned_a_moment_ago_is_maintenance() -> None:
    cluster = _calm()
    cluster.objects["nodes"][1]["spec"]["unschedulable"] = True
    for pod in cluster.objects["pods"]:
        pod["spec"]["nodeName"] = cluster.nodes[0]
    cluster.objects["events"].append(
        {
            "metadata": {"namespace": "default", "name": "n"},
            "type": "Normal",
            "reason": "NodeNotSchedulable",
            "message": "Node status is now: NodeNotSchedulable",
            "involvedObject": {"kind": "Node", "name": cluster.nodes[1]},
            "lastTimestamp": _ago(minutes=4),
        }
    )
    assert _reason(cluster.bundle()) == ("no_action", "maintenance")


def test_a_pod_that_keeps_failing_is_never_nothing() -> None:
    cluster = _calm()
    app = cluster.app()
    cluster.crashed(app, 1)
    cluster.get("deployments", app)["status"]["conditions"] = [
        {"type": "Available", "status": "True"}
    ]
    assert diagnose(cluster.bundle()).status != "no_action"


def test_a_port_that_nobody_declared_brings_no_fix() -> None:
    cluster = _calm()
    app = cluster.app()
    cluster.get("services", app)["spec"]["ports"].append(
        {"name": "metrics", "port": 9090, "targetPort": 9090}
    )
    for subject in ("", app):
        assert diagnose(cluster.bundle(subject)).plans == ()


@pytest.mark.parametrize("key", sorted(FAULTS))
def test_an_alert_about_another_workload_brings_no_fix_for_this_one(key: str) -> None:
    cluster = Cluster(91)
    calm, app = cluster.app(), cluster.app()
    FAULTS[key](cluster, app)
    plans = diagnose(cluster.bundle(calm)).plans
    changed = [c.object for p in plans for c in p.kubernetes_changes]
    # a quota is its whole namespace's, and the DNS the whole cluster's
    own = [o for o in changed if o.kind != "ResourceQuota" and o.namespace != "kube-system"]
    assert own == [], [p.title for p in plans]


@pytest.mark.parametrize(
    "key",
    sorted(
        k
        for k in FAULTS
        if k not in ("network_policy_blocks/egress", "network_policy_blocks/names")
    ),
)
def test_a_fault_is_found_among_all_the_noise(key: str) -> None:
    """Policies add up, so the noise's open egress would undo the two that are left out."""
    cluster = Cluster(92)
    for name in sorted(NOISES):
        NOISES[name](cluster, cluster.app())
    app = cluster.app()
    app = FAULTS[key](cluster, app) or app
    analysis = diagnose(cluster.bundle()).analysis
    assert analysis is not None
    said = [(h.failure_class, h.object.name, h.confidence) for h in analysis.hypotheses]
    assert said[0][:2] == (key.partition("/")[0], app), said
