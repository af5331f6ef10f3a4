"""Faults whose answer is what was there before, or what leaves a guard where it is."""

from __future__ import annotations

from tests.support.decide.clusters import Cluster
from tests.support.decide.faults import fault


@fault("config_reference_missing", "a key by another name")
def _(c: Cluster, app: str) -> None:
    config = c.word()
    c.add("configmaps", config, kind="ConfigMap", data={"DB_HOST": "store-db", "CACHE_TTL": "300"})
    chosen = [
        {"name": key, "valueFrom": {"configMapKeyRef": {"name": config, "key": key}}}
        for key in ("DATABASE_HOST", "CACHE_TTL")
    ]
    c.container(app)["env"] = chosen
    text = f"couldn't find key DATABASE_HOST in ConfigMap {c.namespace}/{config}"
    c.waiting(app, "CreateContainerConfigError", text)


@fault("sidecar_port_conflict", "a container that came with the last revision")
def _(c: Cluster, app: str) -> None:
    c.revise(app)
    own = c.container(app)
    new = {"name": "metrics", "image": "exporter:1", "args": ["--listen=:8080"]}
    child = next(
        r
        for r in c.objects["replicasets"]
        if r["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
        and r["metadata"]["ownerReferences"][0]["name"] == app
    )
    pod = c.pod(app)
    for spec in (
        c.get("deployments", app)["spec"]["template"]["spec"],
        child["spec"]["template"]["spec"],
        pod["spec"],
    ):
        spec["containers"] = [own, new]
    pod["status"]["containerStatuses"].append(
        {
            "name": "metrics",
            "ready": False,
            "restartCount": 6,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1}},
        }
    )
    pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    c.down(app)
    c.log(app, "listen tcp :8080: bind: address already in use")
    c.logs[-1] = c.logs[-1].model_copy(update={"container": "metrics"})


@fault("file_permission_denied", "a read-only root")
def _(c: Cluster, app: str) -> None:
    c.container(app)["securityContext"] = {"readOnlyRootFilesystem": True}
    c.crashed(app, 1, f"Error: EROFS: read-only file system, mkdir '/tmp/{c.word()}'")
