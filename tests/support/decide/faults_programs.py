"""Faults of containers, programs, their dependencies and what metrics show."""

from __future__ import annotations

from tests.support.decide.clusters import Cluster
from tests.support.decide.faults import fault

MIB = 2**20


def _crash(class_id: str, line: str, code: int = 1, variant: str = "") -> None:
    @fault(class_id, variant)
    def _(c: Cluster, app: str) -> None:
        c.crashed(app, code, "starting", line.replace("WORD", c.word()))


_crash(
    "heap_exhausted", 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space', 3
)
_crash(
    "heap_exhausted",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    134,
    "node",
)
_crash(
    "threads_exhausted",
    "java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process limits reached",
)
_crash("file_descriptors_exhausted", "accept tcp [::]:80: accept4: too many open files")
_crash(
    "connection_pool_exhausted",
    "HikariPool-1 - Connection is not available, request timed out after 30000ms.",
)
_crash("missing_env", "Error: environment variable WORD_URL is not set".replace("WORD", "STORE"))
_crash("missing_env", "KeyError: 'STORE_TOKEN'", 1, "python")
_crash("database_schema_missing", "ERROR 1049 (42000): Unknown database 'WORD'")
_crash("image_platform_mismatch", "exec /usr/bin/WORD: exec format error")
_crash(
    "rbac_denied",
    'pods is forbidden: User "system:serviceaccount:x:WORD" cannot list resource "pods" in API group ""',
)
_crash(
    "database_credentials_invalid", "MongoServerError: Authentication failed. (mongo)", 1, "mongo"
)
_crash("crash_code", "panic: runtime error: index out of range [3] with length 3", 2)
_crash(
    "external_dependency_unavailable",
    'Get "https://api.WORD.com/v1": dial tcp 203.0.113.9:443: i/o timeout',
)


@fault("file_permission_denied")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 1, "open /var/run/app.pid: permission denied")


@fault("volume_permission_denied")
def _(c: Cluster, app: str) -> None:
    c.container(app)["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    spec = c.get("deployments", app)["spec"]["template"]["spec"]
    spec |= {
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "x"}}],
        "securityContext": {"runAsUser": 1000},
    }
    c.objects["persistentvolumeclaims"].append(
        {
            "metadata": {"name": "x", "namespace": c.namespace},
            "spec": {},
            "status": {"phase": "Bound"},
        }
    )
    c.crashed(app, 1, "mkdir /data/x: permission denied")


@fault("container_exits_at_once")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 0)
    c.pod(app)["status"]["containerStatuses"][0]["lastState"]["terminated"]["reason"] = "Completed"


@fault("bad_rollout", "crash")
def _(c: Cluster, app: str) -> None:
    c.revise(app, image=f"registry.example/{app}:2.0")
    c.crashed(app, 1, "panic: boom")


@fault("bad_rollout", "latency")
def _(c: Cluster, app: str) -> None:
    c.revise(app, image=f"registry.example/{app}:2.0", minutes=9)
    c.series("service.p95latency", [20.0] * 24 + [300.0] * 36, service=app)
    c.series("service.cpu", [0.05] * 60, service=app)


@fault("load_surge")
def _(c: Cluster, app: str) -> None:
    c.series("service.rps", [10.0] * 30 + [40.0] * 30, service=app)
    c.series("service.cpu", [0.04] * 30 + [0.17] * 30, service=app)
    c.series("service.p95latency", [20.0] * 30 + [120.0] * 30, service=app)


@fault("error_rate_regression")
def _(c: Cluster, app: str) -> None:
    c.series("service.success_rate", [1.0] * 30 + [0.6] * 30, service=app)


@fault("noisy_neighbour")
def _(c: Cluster, app: str) -> None:
    victim, node = c.app(), c.pod(app)["spec"]["nodeName"]
    c.pod(victim)["spec"]["nodeName"] = node
    c.container(app)["resources"].pop("limits")
    c.series("service.cpu", [0.2] * 30 + [3.2] * 30, service=app)
    c.series("service.cpu", [0.05] * 60, service=victim)
    c.series("service.p95latency", [20.0] * 30 + [200.0] * 30, service=victim)
    c.series("node.cpu", [1.0] * 30 + [3.9] * 30, host=node)


@fault("pod_network_delay")
def _(c: Cluster, app: str) -> None:
    c.series("service.p95latency", [20.0] * 30 + [420.0] * 30, service=app)
    c.series("service.cpu", [0.05] * 60, service=app)


def _client(c: Cluster, server: str, line: str) -> None:
    for _ in range(2):
        caller = c.app()
        port = c.calls(caller, server)
        c.log(caller, line.replace("HOST", server).replace("PORT", str(port)))
        c.stopped(caller)


@fault("cache_unavailable")
def _(c: Cluster, app: str) -> None:
    c.container(app)["image"] = "registry.example/redis:7"
    _client(
        c,
        app,
        "redis.exceptions.ResponseError: OOM command not allowed when used memory > 'maxmemory'. HOST",
    )


@fault("broker_unavailable")
def _(c: Cluster, app: str) -> None:
    c.container(app)["image"] = "registry.example/kafka:3"
    c.stopped(app)
    _client(
        c,
        app,
        "[Producer clientId=p] Connection to node -1 (HOST/10.1.2.3:PORT) could not be established. Node may not be available.",
    )


@fault("broker_unavailable", "alarm")
def _(c: Cluster, app: str) -> None:
    c.container(app)["image"] = "registry.example/rabbitmq:3"
    c.log(app, "memory resource limit alarm set on node rabbit@x.")


@fault("ephemeral_storage_exceeded")
def _(c: Cluster, app: str) -> None:
    c.container(app)["resources"]["limits"]["ephemeral-storage"] = "1Gi"
    c.pod(app)["status"] = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ",
    }
    c.down(app)


@fault("volume_multi_attach")
def _(c: Cluster, app: str) -> None:
    c.get("deployments", app)["spec"]["template"]["spec"]["volumes"] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "x"}}
    ]
    c.objects["persistentvolumeclaims"].append(
        {
            "metadata": {"name": "x", "namespace": c.namespace},
            "spec": {"accessModes": ["ReadWriteOnce"]},
            "status": {"phase": "Bound"},
        }
    )
    c.waiting(app, "ContainerCreating")
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "FailedAttachVolume",
        'Multi-Attach error for volume "pv" Volume is already exclusively attached to one node',
    )


@fault("volume_mount_failed")
def _(c: Cluster, app: str) -> None:
    c.waiting(app, "ContainerCreating")
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "FailedMount",
        'MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32',
    )


@fault("pod_network_setup_failed")
def _(c: Cluster, app: str) -> None:
    c.waiting(app, "ContainerCreating")
    c.event(
        "Pod",
        c.pod(app)["metadata"]["name"],
        "FailedCreatePodSandBox",
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "1": plugin type="x" failed (add): no IP addresses available in range set',
    )


@fault("container_create_failed")
def _(c: Cluster, app: str) -> None:
    c.waiting(app, "CreateContainerError", "context deadline exceeded while creating")


@fault("init_container_failing")
def _(c: Cluster, app: str) -> None:
    spec = {"name": "prepare", "image": "x:1"}
    c.pod(app)["spec"]["initContainers"] = [spec]
    c.pod(app)["status"]["initContainerStatuses"] = [
        {
            "name": "prepare",
            "ready": False,
            "restartCount": 4,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1}},
        }
    ]
    c.waiting(app, "PodInitializing")


@fault("pvc_missing")
def _(c: Cluster, app: str) -> None:
    claim = c.word()
    c.objects["persistentvolumeclaims"].append(
        {
            "metadata": {"name": f"{claim}-data", "namespace": c.namespace},
            "spec": {},
            "status": {"phase": "Bound"},
        }
    )
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": f"{claim}-dat"}}]
    c.unschedulable(app, f'persistentvolumeclaim "{claim}-dat" not found')


@fault("database_read_only")
def _(c: Cluster, app: str) -> None:
    c.container(app)["image"] = "registry.example/postgres:16"
    _client(c, app, "ERROR: cannot execute INSERT in a read-only transaction HOST")


@fault("database_disk_full")
def _(c: Cluster, app: str) -> None:
    c.container(app)["image"] = "registry.example/postgres:16"
    c.crashed(app, 1, "PANIC: could not write to file: No space left on device")


@fault("database_credentials_invalid", "running")
def _(c: Cluster, app: str) -> None:
    c.log(app, *["MongoServerError: not authorized on wares to execute command { find: 'x' }"] * 3)
    c.stopped(app)


@fault("rbac_denied", "init")
def _(c: Cluster, app: str) -> None:
    c.pod(app)["spec"]["initContainers"] = [{"name": "wait", "image": "x:1"}]
    c.pod(app)["status"]["initContainerStatuses"] = [
        {
            "name": "wait",
            "ready": False,
            "restartCount": 4,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1}},
        }
    ]
    c.log(
        app,
        'services is forbidden: User "system:serviceaccount:x:y" cannot get resource "services"',
    )
    c.logs[-1] = c.logs[-1].model_copy(update={"container": "wait"})
    c.waiting(app, "PodInitializing")


@fault("missing_env", "job")
def _(c: Cluster, app: str) -> str:
    name = c.word()
    job = c.add(
        "jobs",
        name,
        api="batch/v1",
        kind="Job",
        spec={"template": {"spec": {"containers": [{"name": "main", "image": "x:1"}]}}},
        status={
            "conditions": [
                {
                    "type": "Failed",
                    "status": "True",
                    "reason": "BackoffLimitExceeded",
                    "lastTransitionTime": "2026-05-04T11:50:00Z",
                }
            ]
        },
    )
    pod = c.add(
        "pods",
        f"{name}-abcde",
        kind="Pod",
        spec={"containers": [{"name": "main", "image": "x:1"}]},
        status={
            "phase": "Failed",
            "containerStatuses": [
                {
                    "name": "main",
                    "ready": False,
                    "restartCount": 0,
                    "state": {"terminated": {"exitCode": 1}},
                }
            ],
        },
    )
    pod["metadata"] |= {
        "labels": {"app": name},
        "ownerReferences": [{"kind": "Job", "name": job["metadata"]["name"], "controller": True}],
    }
    c.log(name, "KeyError: 'STORE_URL'")
    return name


@fault("cluster_dns_down", "scaled")
def _(c: Cluster, app: str) -> str:
    c.objects["deployments"].append(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "coredns", "namespace": "kube-system"},
            "spec": {"replicas": 0, "template": {"spec": {"containers": [{"name": "coredns"}]}}},
        }
    )
    c.crashed(app, 1, f"dial tcp: lookup {c.word()} on 10.96.0.10:53: i/o timeout")
    return "coredns"


@fault("cluster_dns_down", "config")
def _(c: Cluster, app: str) -> str:
    text = ".:53 {\n  template ANY ANY svc.cluster.local {\n    rcode NXDOMAIN\n  }\n  kubernetes cluster.local\n}\n"
    c.objects["configmaps"].append(
        {"metadata": {"name": "coredns", "namespace": "kube-system"}, "data": {"Corefile": text}}
    )
    c.crashed(app, 1, f"dial tcp: lookup {c.word()}.{c.namespace}.svc.cluster.local: no such host")
    return "coredns"


@fault("missing_env", "beside an older kill for memory")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        1,
        "KeyError: 'STORE_URL'",
        startedAt="2026-05-04T11:57:00Z",
        finishedAt="2026-05-04T11:58:00Z",
    )
    name = c.pod(app)["metadata"]["name"]
    c.event("Pod", name, "OOMKilling", "Memory cgroup out of memory: Killed process 4121 (main)")
    c.objects["events"][-1]["lastTimestamp"] = "2026-05-04T11:02:00Z"


@fault("config_reference_missing", "after a kill for memory")
def _(c: Cluster, app: str) -> None:
    c.container(app)["envFrom"] = [{"secretRef": {"name": "store-login"}}]
    c.status(
        app,
        restartCount=2,
        state={
            "waiting": {
                "reason": "CreateContainerConfigError",
                "message": 'secret "store-login" not found',
            }
        },
        lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    )
