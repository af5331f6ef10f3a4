"""Programs that do not stay up: their last words, who says them, workloads without pods, rollouts that are stuck."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import beside, pod_specs, warned

_FAMILY = "runtime"
_LOOPS: dict[str, Any] = {"waiting": {"reason": "CrashLoopBackOff"}}
_DENIED = 'FATAL: password authentication failed for user "shop"'
_FORBIDDEN = 'pods is forbidden: User "system:serviceaccount:x:shop" cannot list resource "pods"'
_NO_DATABASE = "ERROR 1049 (42000): Unknown database 'shop'"
_NO_FILE = "open /data/app.pid: permission denied"
_WORDS = {
    "a port in use": "listen tcp :8080: bind: address already in use",
    "a file": _NO_FILE,
    "credentials": _DENIED,
    "a variable": "Error: environment variable STORE_URL is not set",
    "a variable without a name": "missing environment variable: it is required",
    "a warning about a variable": "WARN environment variable STORE_URL is not set",
    "a full disk": "write /data/wal: no space left on device",
    "a right": _FORBIDDEN,
    "a configuration": "fatal: invalid configuration value for limit",
    "an architecture": "exec /usr/bin/app: exec format error",
    "a schema": _NO_DATABASE,
}


def _last_words(told: str, *lines: str, code: int = 1, varied: bool = False) -> None:
    @scene(_FAMILY, f"it crashes, and its last words are about {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        c.crashed(app, code, "starting", *lines)


for _told, _line in _WORDS.items():
    _last_words(_told, _line)
_last_words(
    "a schema and its credentials", _NO_DATABASE, _DENIED, _NO_DATABASE + " again", varied=True
)
_last_words("nothing that is known", "good bye", varied=True)
_last_words("a panic", "panic: runtime error: index out of range", "panic: runtime error: nil map")
_last_words("its heap", "java.lang.OutOfMemoryError: Java heap space", code=3)
_last_words(
    "a panic and its heap", "java.lang.OutOfMemoryError: Java heap space", "panic: boom", code=2
)
for _code in (0, 136, 137, 138, 142, 143, 144):
    _last_words(f"nothing, and it ended with {_code}", code=_code)


@scene(_FAMILY, "it crashes and nobody knows its exit code")
def _(c: Cluster, app: str) -> None:
    c.status(app, restartCount=4, state=_LOOPS)


def _ended(sentence: str, code: int | None = 1, **status: Any) -> None:
    @scene(_FAMILY, sentence, varied=False)
    def _(c: Cluster, app: str) -> None:
        c.status(app, lastState={"terminated": {"exitCode": code}}, **status)


_ended("it ended with an error once and runs, not ready", restartCount=1, state={"running": {}})
_ended("it ended with an error and was not restarted", restartCount=0, state={"running": {}})
_ended("it ended well once and runs, not ready", 0, restartCount=1, state={"running": {}})
_ended("it ended with an error, and is ready now", restartCount=5, ready=True)
_ended("it ends well for the second time", 0, restartCount=2, state=_LOOPS)
_ended("it ends well for the third time", 0, restartCount=3, state=_LOOPS)


def _ends_well(told: str, policy: str = "", *events: tuple[str, str]) -> None:
    @scene(_FAMILY, f"it ends well again and again, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        for spec in pod_specs(c, app) if policy else ():
            spec["restartPolicy"] = policy
        for reason, message in events:
            warned(c, app, reason, message)
        c.crashed(app, 0)


_ends_well("and is meant to run on", "Always")
_ends_well("and is meant to be started on failure", "OnFailure")
_ends_well("and is never meant to be started again", "Never")
_ends_well("since a probe failed", "", ("Killing", "Container main failed liveness probe"))
_ends_well("since it was stopped", "", ("Killing", "Stopping container main"))
_ends_well("while a probe fails", "", ("Unhealthy", "Liveness probe failed"))


def _job(told: str, code: int, **status: Any) -> None:
    @scene(_FAMILY, f"a job's container ended with {code}, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        deployment = c.get("deployments", app)
        c.objects["deployments"].remove(deployment)
        c.objects["replicasets"].clear()
        template = deployment["spec"]["template"]
        c.add("jobs", app, api="batch/v1", kind="Job", spec={"template": template}, status={})
        c.pod(app)["metadata"]["ownerReferences"] = [{"kind": "Job", "name": app}]
        c.pod(app)["status"]["containerStatuses"][0] |= {
            "ready": False,
            "state": {"terminated": {"exitCode": code}},
            **status,
        }
        c.pod(app)["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
        c.log(app, _DENIED)


_job("and is not started again by itself", 1)
_job("and is done", 0)


@scene(_FAMILY, "the second of two containers crashes, the first one complains of something else")
def _(c: Cluster, app: str) -> None:
    beside(
        c, app, ready=False, restartCount=7, state=_LOOPS, lastState={"terminated": {"exitCode": 9}}
    )
    c.stopped(app)
    c.log(app, _DENIED)
    c.log(app, _NO_DATABASE)
    c.logs[-1] = c.logs[-1].model_copy(update={"container": "proxy"})


@scene(_FAMILY, "both containers crash, nobody knows which of them wrote the log")
def _(c: Cluster, app: str) -> None:
    beside(
        c, app, ready=False, restartCount=7, state=_LOOPS, lastState={"terminated": {"exitCode": 9}}
    )
    c.crashed(app, 1, "Error: environment variable STORE_URL is not set")
    c.logs[-1] = c.logs[-1].model_copy(update={"container": ""})


@scene(_FAMILY, "two pods crash alike: it is told once")
def _(c: Cluster, app: str) -> None:
    c.crashed(app, 1, _DENIED)
    pod = c.pod(app)
    name = pod["metadata"]["name"][:-1] + "0"
    c.objects["pods"].append({**pod, "metadata": {**pod["metadata"], "name": name}})


@scene(_FAMILY, "an init container crashes without a word")
def _(c: Cluster, app: str) -> None:
    for spec in pod_specs(c, app):
        spec["initContainers"] = [{"name": "prepare", "image": "registry.example/prepare:1"}]
    status = {"name": "prepare", "ready": False, "restartCount": 3, "state": _LOOPS}
    status["lastState"] = {"terminated": {"exitCode": 1}}
    c.pod(app)["status"]["initContainerStatuses"] = [status]
    c.stopped(app)


def _file(told: str, mounts: tuple[str, ...], volume: dict[str, Any] | None) -> None:
    @scene(_FAMILY, f"it may not write to its file, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        c.container(app)["volumeMounts"] = [{"name": "data", "mountPath": m} for m in mounts]
        for spec in pod_specs(c, app) if volume else ():
            spec["volumes"] = [{"name": "data", **(volume or {})}]
        c.crashed(app, 1, _NO_FILE)


_CLAIM = {"persistentVolumeClaim": {"claimName": "data"}}
_file("which is on a volume", ("/cache", "/data/"), {"emptyDir": {}})
_file("which is on a claim's volume", ("/data",), _CLAIM)
_file("while a claim's volume is mounted elsewhere", ("/cache",), _CLAIM)
_file("while a host's folder is mounted elsewhere", ("/cache",), {"hostPath": {"path": "/x"}})
_file("while an empty folder is mounted elsewhere", ("/cache", ""), {"emptyDir": {}})


def _ports(told: str, *, declared: bool, injected: bool) -> None:
    @scene(_FAMILY, f"its port is in use, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        if declared:
            beside(c, app)
        if injected:
            pod = c.pod(app)
            pod["spec"] = {
                **pod["spec"],
                "containers": [*pod["spec"]["containers"], {"name": "mesh"}],
            }
        c.pod(app)["spec"]["initContainers"] = [{"name": "prepare"}]
        c.crashed(app, 1, _WORDS["a port in use"])


_ports("and it is alone", declared=False, injected=False)
_ports("and a sidecar was injected", declared=False, injected=True)
_ports("and a sidecar is declared", declared=True, injected=False)


def _complains(told: str, *lines: str, down: bool = False, **spec: Any) -> None:
    @scene(_FAMILY, f"it runs on and complains {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        c.container(app).update(spec)
        c.log(app, *lines)
        if down:
            c.stopped(app)


_complains("of its credentials twice", f"{_DENIED} 1", f"{_DENIED} 2")
_complains("of its credentials three times", *(f"{_DENIED} {n}" for n in range(3)))
_complains("of its credentials, and is down", _DENIED, down=True)
_complains("of a schema and of a right", _NO_DATABASE, _FORBIDDEN)
_complains("of a full disk", _WORDS["a full disk"])
_complains("of strangers, being a database", _DENIED, image="registry.example/postgres:16")


def _zero(
    told: str,
    *,
    served: bool = True,
    declared: int | None = None,
    notes: dict[str, str] | None = None,
    kind: str = "Deployment",
    stated: bool = True,
) -> None:
    @scene(_FAMILY, f"it is scaled to zero, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        deployment = c.get("deployments", app)
        deployment["spec"]["replicas"] = 0
        deployment["metadata"]["annotations"] = notes or {}
        deployment["kind"] = kind
        if kind != "Deployment":
            c.objects["deployments"].remove(deployment)
            c.objects.setdefault(f"{kind.lower()}s", []).append(deployment)
        c.objects["pods"].remove(c.pod(app))
        if not served:
            c.drop("services", app)
        if declared is not None:
            meta = {"name": app, "namespace": c.namespace}
            spec = {"replicas": declared} if stated else {}
            c.declared.append({"kind": kind, "metadata": meta, "spec": spec})


_zero("and its Service needs it")
_zero("and nobody needs it", served=False)
_zero("and the repository declares two", declared=2)
_zero("and only the repository needs it", declared=2, served=False)
_zero("and the repository says so too", declared=0)
_zero("and the repository says no number", declared=9, stated=False)
_zero("by somebody who scales what is idle", notes={"scale-when-idle": "yes"})
_zero("by KEDA", notes={"autoscaling.keda.sh/paused": "true"})
_zero("with notes of something else", notes={"team": "shop"})
_zero("as a StatefulSet", kind="StatefulSet")
_zero("as a DaemonSet, which has no number", kind="DaemonSet")


def _rollout(
    told: str,
    *,
    restarts: int = 0,
    stuck: bool = False,
    up: bool = True,
    old: int = 1,
    new: int = 0,
    made: int = 1,
    ready: bool = False,
    varied: bool = False,
) -> None:
    @scene(_FAMILY, f"a rollout: {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        c.revise(app, image="registry.example/app:2")
        *_, newest, before = c.objects["replicasets"]
        newest["status"] = {"replicas": made, "readyReplicas": new}
        before["status"] = {"replicas": 1, "readyReplicas": old}
        newest["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "10"
        before["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "9"
        c.status(app, ready=ready, restartCount=restarts, state={"running": {}})
        status = c.get("deployments", app)["status"]
        status["conditions"] = [{"type": "Available", "status": str(up)}]
        status["readyReplicas"] = 1 if up else 0
        if stuck:
            status["conditions"].append(
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
            )


_rollout("it goes on, and the old pods serve")
_rollout("the new pod was restarted once", restarts=1)
_rollout("the new pod was restarted twice", restarts=2, varied=True)
_rollout("the new pod was restarted twice, and is ready now", restarts=2, ready=True)
_rollout("the deadline is over", stuck=True, varied=True)
_rollout("the deadline is over, and the new pod crashes", stuck=True, restarts=3)
_rollout("nothing is available", up=False)
_rollout("no old pod serves", old=0, stuck=True)
_rollout("two old pods serve", old=2, stuck=True)
_rollout("all new pods are ready", new=2, made=2, stuck=True)
_rollout("one new pod of two is ready", new=1, made=2, stuck=True)
_rollout("no new pod was made", made=0, stuck=True)


@scene(_FAMILY, "a rollout of which an older revision than the last serves, and one serves no more")
def _(c: Cluster, app: str) -> None:
    for n, ready in ((2, 0), (3, 1), (1, 1)):
        c.revise(app, image=f"registry.example/app:{n}")
        c.objects["replicasets"][-1]["status"] = {"replicas": 1, "readyReplicas": ready}
        c.objects["replicasets"][-1]["metadata"]["annotations"] = {
            "deployment.kubernetes.io/revision": f"{n}"
        }
    newest = next(r for r in c.objects["replicasets"] if r["status"]["readyReplicas"] == 0)
    newest["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "11"}
    c.crashed(app, 1)


_file("while a share of the network is mounted elsewhere", ("/cache",), {"nfs": {"path": "/x"}})


@scene(_FAMILY, "it may not write to a file on a volume that its init container mounts")
def _(c: Cluster, app: str) -> None:
    mounts = [{"name": "data", "mountPath": "/data"}]
    for spec in pod_specs(c, app):
        spec["initContainers"] = [{"name": "prepare", "volumeMounts": mounts}]
    c.crashed(app, 1, _NO_FILE)
