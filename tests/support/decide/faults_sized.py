"""Sizes, quotas, limits of nodes and volumes that are repaired without a good revision to go back to."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.faults import fault


def _killed(c: Cluster, app: str, limit: str = "512Mi", **container: object) -> None:
    c.container(app).update(container)
    c.container(app)["resources"] = {"requests": {"memory": limit}, "limits": {"memory": limit}}
    c.crashed(app, 137, reason="OOMKilled")


def _env(**values: str) -> list[Obj]:
    return [{"name": name, "value": value} for name, value in values.items()]


@fault("oom_killed", "a heap above the limit")
def _(c: Cluster, app: str) -> None:
    _killed(c, app, "1Gi", env=_env(JAVA_OPTS="-server -Xms256m -Xmx2g"))


@fault("oom_killed", "a heap that no step reaches")
def _(c: Cluster, app: str) -> None:
    _killed(c, app, "256Mi", args=["--max-old-space-size=4096", "index.js"])


@fault("oom_killed", "a heap that leaves too little")
def _(c: Cluster, app: str) -> None:
    _killed(c, app, env=_env(JAVA_TOOL_OPTIONS="-XX:MaxRAMPercentage=95"))


@fault("oom_killed", "a collector that knows no limit")
def _(c: Cluster, app: str) -> None:
    _killed(c, app, env=_env(GOGC="200"))


@fault("oom_killed", "a small limit that nothing measured")
def _(c: Cluster, app: str) -> None:
    _killed(c, app, "96Mi")


@fault("cpu_throttling", "threads above the limit")
def _(c: Cluster, app: str) -> None:
    c.container(app)["env"] = _env(GOMAXPROCS="16", OMP_NUM_THREADS="1")
    c.container(app)["args"] = ["--workers=9"]
    c.container(app)["resources"]["limits"]["cpu"] = "1500m"
    c.series("service.cpu", [0.2] * 30 + [1.45] * 30, service=app)
    c.series("service.cpu_cfs", [0.0] * 30 + [0.7] * 30, service=app)


@fault("cpu_throttling", "its own series alone")
def _(c: Cluster, app: str) -> None:
    c.series("service.cpu_cfs", [0.0] * 30 + [0.7] * 30, service=app)


@fault("quota_cpu_exceeded", "it asks for far more than it uses")
def _(c: Cluster, app: str) -> str:
    c.container(app)["resources"] = {"requests": {"cpu": "2"}}
    c.objects["pods"].remove(c.pod(app))
    c.get("deployments", app)["spec"]["replicas"] = 2
    c.down(app)
    quota = {"hard": {"requests.cpu": "4"}, "used": {"requests.cpu": "3"}}
    c.add(
        "resourcequotas",
        "compute",
        kind="ResourceQuota",
        spec={"hard": quota["hard"]},
        status=quota,
    )
    child = next(
        r["metadata"]["name"]
        for r in c.objects["replicasets"]
        if r["metadata"]["ownerReferences"][0]["name"] == app
    )
    c.event(
        "ReplicaSet",
        child,
        "FailedCreate",
        f'Error creating: pods "{child}-x" is forbidden: exceeded quota: compute, requested: requests.cpu=2, used: requests.cpu=3, limited: requests.cpu=4',
    )
    c.series(
        "kubernetes.cpu.usage.total", [1e8] * 900, kube_deployment=app, kube_container_name="main"
    )
    return "compute"


def _keyed(c: Cluster, app: str, sub: str, path: str, *keys: str) -> None:
    c.add("configmaps", "settings", kind="ConfigMap", data=dict.fromkeys(keys, "x"))
    c.container(app)["volumeMounts"] = [{"name": "settings", "mountPath": path, "subPath": sub}]
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["volumes"] = [{"name": "settings", "configMap": {"name": "settings"}}]


def _over_a_file(c: Cluster, app: str, path: str) -> None:
    place = "/var/lib/kubelet/pods/0f/volume-subpaths/settings/main/0"
    c.crashed(
        app,
        128,
        message=f'failed to create task: error mounting "{place}" to rootfs at "{path}": mount {place}:{path}: not a directory: Are you trying to mount a directory onto a file',
        reason="StartError",
    )


@fault("config_reference_missing", "a subPath of another ending")
def _(c: Cluster, app: str) -> None:
    _keyed(c, app, "app.yml", "/etc/app/config.yml", "app.yaml", "logging.xml")
    _over_a_file(c, app, "/etc/app/config.yml")


@fault("config_reference_missing", "a subPath that the program finds a folder at")
def _(c: Cluster, app: str) -> None:
    _keyed(c, app, "conf", "/etc/app/server.toml", "server.toml", "client.toml")
    c.crashed(app, 1, "open /etc/app/server.toml: read: is a directory")


@fault("config_reference_missing", "a subPath that nothing is like")
def _(c: Cluster, app: str) -> None:
    _keyed(c, app, "zz", "/etc/app/zz", "server.toml", "client.toml")
    _over_a_file(c, app, "/etc/app/zz")


def _locked(c: Cluster, app: str, line: str, **strategy: object) -> None:
    deployment = c.get("deployments", app)
    for spec in (c.pod(app)["spec"], deployment["spec"]["template"]["spec"]):
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    c.add("persistentvolumeclaims", "data", spec={}, status={"phase": "Bound"})
    if strategy:
        deployment["spec"]["strategy"] = strategy
    c.crashed(app, 1, line)


def _old_pod(c: Cluster, app: str) -> None:
    old: dict[str, Any] = {
        **c.pod(app),
        "metadata": {**c.pod(app)["metadata"], "name": f"{app}-old"},
    }
    old["status"] = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}}
        ],
    }
    c.objects["pods"].append(old)


@fault("file_lock_held", "by the pod before")
def _(c: Cluster, app: str) -> None:
    line = "opening storage failed: lock DB directory: resource temporarily unavailable"
    _locked(c, app, line, type="RollingUpdate", rollingUpdate={"maxSurge": 1})
    _old_pod(c, app)


@fault("file_lock_held", "by another replica")
def _(c: Cluster, app: str) -> None:
    _locked(c, app, 'FATAL:  lock file "postmaster.pid" already exists', type="Recreate")
    c.get("deployments", app)["spec"]["replicas"] = 2
    _old_pod(c, app)


@fault("file_lock_held", "by nobody that is left")
def _(c: Cluster, app: str) -> None:
    _locked(c, app, "java.lang.IllegalStateException: failed to obtain node locks, tried [/data]")


@fault("node_inotify_limit")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app, 1, "Error: ENOSPC: System limit for number of file watchers reached, watch '/srv'"
    )


@fault("node_map_count_limit")
def _(c: Cluster, app: str) -> None:
    c.crashed(
        app,
        78,
        "max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]",
    )


@fault("node_conntrack_limit")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 1, "nf_conntrack: nf_conntrack: table full, dropping packet")


@fault("node_open_files_limit")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 1, "accept: too many open files in system")


@fault("node_pid_limit")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 1, "cgroup: fork rejected by pids controller in /kubepods/burstable")


@fault("insufficient_memory", "beside a pool that is kept for others")
def _(c: Cluster, app: str) -> None:
    for node in c.objects["nodes"][1:]:
        node["spec"]["taints"] = [{"key": "dedicated", "value": "batch", "effect": "NoSchedule"}]
    c.container(app)["resources"] = {"requests": {"memory": "6Gi"}}
    text = "0/3 nodes are available: 1 Insufficient memory, 2 node(s) had untolerated taint {dedicated: batch}."
    c.unschedulable(app, text)


def _rolling(c: Cluster, app: str, text: str, **strategy: object) -> None:
    """A rollout of three pods of which the new one finds no node, and all old ones are ready."""
    c.revise(app, args=["--new"])
    deployment = c.get("deployments", app)
    deployment["spec"] |= {"replicas": 3, "strategy": {"type": "RollingUpdate", **strategy}}
    old = next(
        r
        for r in c.objects["replicasets"]
        if r["metadata"]["name"].startswith(f"{app}-")
        and r["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    )
    template = old["spec"]["template"]["spec"]
    waiting = c.pod(app)
    for n in range(3):
        ready = {"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}}
        pod = c.add(
            "pods",
            f"{app}-old-{n}",
            kind="Pod",
            spec={"nodeName": c.nodes[n], **template},
            status={
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [ready],
            },
        )
        owner = {"kind": "ReplicaSet", "name": old["metadata"]["name"], "controller": True}
        pod["metadata"] |= {"labels": waiting["metadata"]["labels"], "ownerReferences": [owner]}
    old["status"] = {"replicas": 3, "readyReplicas": 3}
    c.unschedulable(app, text)
    deployment["status"] |= {"readyReplicas": 3}


@fault("pod_anti_affinity_conflict", "a rollout on as many nodes as pods")
def _(c: Cluster, app: str) -> None:
    text = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."
    _rolling(c, app, text)
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    c.get("deployments", app)["spec"]["template"]["spec"]["affinity"] = apart
    for one in c.objects["replicasets"]:
        if one["metadata"]["ownerReferences"][0]["name"] == app:
            one["spec"]["template"]["spec"]["affinity"] = apart
    for pod in c.objects["pods"]:
        if pod["metadata"]["labels"].get("app") == app:
            pod["spec"]["affinity"] = apart


@fault("insufficient_resource", "a rollout beside the old pods")
def _(c: Cluster, app: str) -> None:
    text = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    _rolling(c, app, text, rollingUpdate={"maxUnavailable": 0, "maxSurge": 1})


@fault("too_many_pods", "a rollout that may leave one out")
def _(c: Cluster, app: str) -> None:
    text = "0/3 nodes are available: 3 Too many pods."
    _rolling(c, app, text, rollingUpdate={"maxUnavailable": 1, "maxSurge": 1})
