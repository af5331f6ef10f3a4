"""Faults of admission, autoscalers, jobs, deletions, scheduling and the cluster's own components."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.faults import fault


def _refusal(class_id: str, text: str, variant: str = "") -> None:
    @fault(class_id, variant)
    def _(c: Cluster, app: str) -> None:
        c.refused(app, text.replace("WORD", c.word()))


_refusal("limit_range_violated", "maximum cpu usage per Container is 500m, but limit is 2")
_refusal(
    "limit_range_violated",
    "minimum memory usage per Container is 256Mi, but request is 64Mi",
    "minimum",
)
_refusal(
    "pod_security_violation",
    'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)',
)
_refusal(
    "pod_security_violation",
    "unable to validate against any security context constraint: [provider restricted: .spec.securityContext.fsGroup]",
    "scc",
)


def _secured(variant: str, demands: str, pod: Obj, container: Obj) -> None:
    @fault("pod_security_violation", variant)
    def _(c: Cluster, app: str) -> None:
        spec = c.get("deployments", app)["spec"]["template"]["spec"]
        spec["securityContext"] = dict(pod)
        c.container(app)["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
            **container,
        }
        c.refused(app, f'violates PodSecurity "restricted:latest": {demands}')


_secured(
    "the pod says against it what its containers say",
    "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
    {"runAsNonRoot": False, "runAsUser": 1000},
    {"runAsNonRoot": True},
)
_secured(
    "whose user the image alone knows",
    'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true)',
    {},
    {},
)
_secured(
    "beside a mount of all that the kernel tells",
    'procMount (container "main" must not set securityContext.procMount to "Unmasked"), runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true)',
    {},
    {"procMount": "Unmasked"},
)


@fault("quota_cpu_exceeded", "by both of its names, and memory behind it")
def _(c: Cluster, app: str) -> str:
    c.get("deployments", app)["spec"]["replicas"] = 3
    hard = {"cpu": "200m", "requests.cpu": "200m", "limits.memory": "200Mi"}
    used = {"cpu": "150m", "requests.cpu": "150m", "limits.memory": "128Mi"}
    c.add(
        "resourcequotas",
        "most",
        kind="ResourceQuota",
        spec={"hard": hard},
        status={"hard": hard, "used": used},
    )
    c.refused(
        app,
        "exceeded quota: most, requested: cpu=100m,requests.cpu=100m, used: cpu=150m,requests.cpu=150m, limited: cpu=200m,requests.cpu=200m",
    )
    return "most"


_refusal("webhook_refused", 'admission webhook "WORD.example" denied the request: no owner label')
_refusal(
    "webhook_refused",
    "ValidatingAdmissionPolicy 'WORD' with binding 'WORD' denied request: failed expression",
    "policy",
)
_refusal("priority_class_missing", "no PriorityClass with name WORD was found")
_refusal(
    "pod_spec_invalid",
    'Pod "WORD" is invalid: spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit',
)
_refusal(
    "namespace_terminating",
    "unable to create new content in namespace WORD because it is being terminated",
)


@fault("quota_needs_values")
def _(c: Cluster, app: str) -> None:
    del c.container(app)["resources"]
    c.refused(
        app, f"failed quota: {c.word()}: must specify limits.cpu for: main; limits.memory for: main"
    )


@fault("quota_needs_values", "old words")
def _(c: Cluster, app: str) -> None:
    del c.container(app)["resources"]
    c.refused(app, f"failed quota: {c.word()}: must specify limits.cpu,requests.memory")


@fault("webhook_unavailable")
def _(c: Cluster, app: str) -> None:
    c.refused(app, "x")
    c.objects["events"][-1]["message"] = (
        f'Error creating: Internal error occurred: failed calling webhook "{c.word()}.example": failed to call webhook: Post "https://x.y.svc:443/": context deadline exceeded'
    )


@fault("runtime_class_missing")
def _(c: Cluster, app: str) -> None:
    c.refused(app, f'pod rejected: RuntimeClass "{c.word()}" not found')


def _waiting(class_id: str, text: str, variant: str = "") -> None:
    @fault(class_id, variant)
    def _(c: Cluster, app: str) -> None:
        c.unschedulable(
            app,
            f"0/3 nodes are available: {text} preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
        )


_waiting("insufficient_resource", "3 Insufficient nvidia.com/gpu.")
_waiting(
    "insufficient_resource",
    "1 Insufficient ephemeral-storage, 2 node(s) were unschedulable.",
    "disk",
)
_waiting("too_many_pods", "3 Too many pods.")
_waiting("volume_limit_reached", "3 node(s) exceed max volume count.")
_waiting("volume_node_conflict", "3 node(s) had volume node affinity conflict.")
_waiting(
    "volume_node_conflict", "3 node(s) didn't match PersistentVolume's node affinity.", "new words"
)
_waiting("pod_affinity_mismatch", "3 node(s) didn't match pod affinity rules.")
_waiting("host_port_conflict", "3 node(s) didn't have free ports for the requested pod ports.")


@fault("topology_spread_unsatisfied")
def _(c: Cluster, app: str) -> None:
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": app}},
            }
        ]
    c.unschedulable(
        app, "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints."
    )


@fault("scheduling_gated")
def _(c: Cluster, app: str) -> None:
    c.unschedulable(app, "Scheduling is blocked due to non-empty scheduling gates")


@fault("scheduler_unknown")
def _(c: Cluster, app: str) -> None:
    name = c.word()
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["schedulerName"] = name
    c.unschedulable(app, "")
    c.pod(app)["status"] = {"phase": "Pending"}


def _scaler(c: Cluster, app: str, **status: Any) -> Obj:
    return c.add(
        "horizontalpodautoscalers",
        c.word(),
        api="autoscaling/v2",
        kind="HorizontalPodAutoscaler",
        status=status,
        spec={
            "minReplicas": 1,
            "maxReplicas": 4,
            "scaleTargetRef": {"kind": "Deployment", "name": app},
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"averageUtilization": 70}},
                }
            ],
        },
    )


@fault("autoscaler_without_metrics")
def _(c: Cluster, app: str) -> None:
    del c.container(app)["resources"]["requests"]
    c.container(app)["resources"].pop("limits")
    c.series("kubernetes.cpu.usage.total", [2e8] * 40, kube_deployment=app)
    _scaler(
        c,
        app,
        conditions=[
            {
                "type": "ScalingActive",
                "status": "False",
                "reason": "FailedGetResourceMetric",
                "message": f"the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container main of Pod {c.word()}",
            }
        ],
    )


@fault("autoscaler_target_missing")
def _(c: Cluster, app: str) -> str:
    name: str = _scaler(
        c,
        f"{app}x",
        conditions=[
            {
                "type": "AbleToScale",
                "status": "False",
                "reason": "FailedGetScale",
                "message": f'the HPA controller was unable to get the target\'s current scale: deployments.apps "{app}x" not found',
            }
        ],
    )["metadata"]["name"]
    return name


@fault("autoscaler_conflict", "vertical")
def _(c: Cluster, app: str) -> None:
    _scaler(c, app)
    c.add(
        "verticalpodautoscalers",
        c.word(),
        api="autoscaling.k8s.io/v1",
        kind="VerticalPodAutoscaler",
        spec={"targetRef": {"kind": "Deployment", "name": app}},
    )


@fault("autoscaler_conflict", "two")
def _(c: Cluster, app: str) -> None:
    _scaler(c, app)
    _scaler(c, app)


def _job(c: Cluster, owner: str, number: int, **status: Any) -> Obj:
    job = c.add(
        "jobs",
        f"{owner}-{number}",
        api="batch/v1",
        kind="Job",
        status=status,
        spec={"template": {"spec": {"containers": []}}},
    )
    job["metadata"] |= {
        "ownerReferences": [{"kind": "CronJob", "name": owner, "controller": True}],
        "creationTimestamp": f"2026-05-04T{number:02}:00:00Z",
    }
    return job


def _cron(c: Cluster, **spec: Any) -> str:
    name = c.word()
    c.add(
        "cronjobs",
        name,
        api="batch/v1",
        kind="CronJob",
        status={},
        spec={
            "schedule": "0 * * * *",
            "jobTemplate": {
                "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "x:1"}]}}}
            },
            **spec,
        },
    )
    return name


@fault("job_failing")
def _(c: Cluster, app: str) -> str:
    name = _cron(c)
    _job(c, name, 10, conditions=[{"type": "Complete", "status": "True"}])
    _job(
        c,
        name,
        11,
        conditions=[
            {
                "type": "Failed",
                "status": "True",
                "reason": "BackoffLimitExceeded",
                "message": "Job has reached the specified backoff limit",
            }
        ],
    )
    return name


@fault("job_deadline_exceeded")
def _(c: Cluster, app: str) -> str:
    name = _cron(c)
    c.get("cronjobs", name)["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] = 600
    for number in (8, 9, 10):
        _job(
            c,
            name,
            number,
            startTime=f"2026-05-04T{number:02}:00:00Z",
            completionTime=f"2026-05-04T{number:02}:09:30Z",
            conditions=[{"type": "Complete", "status": "True"}],
        )
    _job(
        c,
        name,
        11,
        conditions=[
            {
                "type": "Failed",
                "status": "True",
                "reason": "DeadlineExceeded",
                "message": "Job was active longer than specified deadline",
            }
        ],
    )
    return name


@fault("cron_suspended")
def _(c: Cluster, app: str) -> str:
    name = _cron(c, suspend=True)
    c.declared.append(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": name, "namespace": c.namespace},
            "spec": {"schedule": "0 * * * *"},
        }
    )
    return name


@fault("cron_not_starting")
def _(c: Cluster, app: str) -> str:
    name = _cron(c)
    c.event("CronJob", name, "UnparseableSchedule", "unparseable schedule: 0 x * * *")
    return name


@fault("finalizer_stuck")
def _(c: Cluster, app: str) -> str:
    name = c.word()
    claim = c.add(
        "persistentvolumeclaims",
        name,
        kind="PersistentVolumeClaim",
        spec={},
        status={"phase": "Bound"},
    )
    claim["metadata"] |= {
        "deletionTimestamp": "2026-05-04T08:00:00Z",
        "finalizers": ["backup.example/hold"],
    }
    return name


@fault("finalizer_stuck", "namespace")
def _(c: Cluster, app: str) -> str:
    said = {
        "type": "NamespaceFinalizersRemaining",
        "status": "True",
        "message": "Some content in the namespace has finalizers remaining",
    }
    c.objects["namespaces"] = [
        {
            "metadata": {"name": c.namespace, "deletionTimestamp": "2026-05-04T08:00:00Z"},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"conditions": [said]},
        }
    ]
    return c.namespace


@fault("rollout_stuck")
def _(c: Cluster, app: str) -> None:
    deployment = c.get("deployments", app)
    deployment["spec"]["paused"] = True
    deployment["status"]["updatedReplicas"] = 0


@fault("disruption_budget_blocks")
def _(c: Cluster, app: str) -> None:
    c.add(
        "poddisruptionbudgets",
        c.word(),
        api="policy/v1",
        kind="PodDisruptionBudget",
        spec={"minAvailable": 1, "selector": {"matchLabels": {"app": app}}},
        status={"disruptionsAllowed": 0},
    )
    node = c.pod(app)["spec"]["nodeName"]
    c.event(
        "Node",
        node,
        "FailedDraining",
        "Cannot evict pod as it would violate the pod's disruption budget.",
    )


@fault("controller_manager_unavailable")
def _(c: Cluster, app: str) -> str:
    for deployment in c.objects["deployments"]:
        deployment["metadata"]["generation"] = 4
        deployment["status"]["observedGeneration"] = 3
    c.objects["nodes"][0]["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = ""
    return c.nodes[0]


def _component(c: Cluster, name: str, node: str, *, ready: bool) -> None:
    c.objects["pods"].append(
        {
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "kube-system", "labels": {}},
            "spec": {"nodeName": node, "containers": [{"name": "main"}]},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": str(ready)}],
                "containerStatuses": [
                    {
                        "name": "main",
                        "ready": ready,
                        "restartCount": 3,
                        "state": {} if ready else {"waiting": {"reason": "CrashLoopBackOff"}},
                    }
                ],
            },
        }
    )


@fault("cluster_dns_down")
def _(c: Cluster, app: str) -> str:
    for _ in range(2):
        _component(c, f"coredns-{c.word()}-{c.word(5)}", c.nodes[0], ready=False)
    c.crashed(app, 1, f"dial tcp: lookup {c.word()} on 10.96.0.10:53: i/o timeout")
    return "coredns"


@fault("node_kube_proxy_unavailable")
def _(c: Cluster, app: str) -> str:
    for n, node in enumerate(c.nodes):
        _component(c, f"kube-proxy-{c.word(5)}", node, ready=n != 1)
    return c.nodes[1]


@fault("node_network_plugin_unavailable")
def _(c: Cluster, app: str) -> str:
    node: str = c.pod(app)["spec"]["nodeName"]
    c.waiting(app, "ContainerCreating")
    c.event("Pod", c.pod(app)["metadata"]["name"], "NetworkNotReady", "network is not ready")
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "FailedCreatePodSandBox",
        "Failed to create pod sandbox: container runtime network not ready: cni plugin not initialized",
    )
    return node


@fault("scheduler_unavailable")
def _(c: Cluster, app: str) -> str:
    _component(c, f"kube-scheduler-{c.nodes[0]}", c.nodes[0], ready=False)
    return c.nodes[0]


@fault("node_pressure")
def _(c: Cluster, app: str) -> str:
    node: str = c.pod(app)["spec"]["nodeName"]
    found = next(n for n in c.objects["nodes"] if n["metadata"]["name"] == node)
    found["status"]["conditions"].append(
        {"type": "DiskPressure", "status": "True", "reason": "KubeletHasDiskPressure"}
    )
    c.pod(app)["status"] = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node was low on resource: imagefs.",
    }
    c.down(app)
    return node
