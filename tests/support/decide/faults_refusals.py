"""Faults that stand outside of a pod template: who is called refuses what the program shows."""

from __future__ import annotations

from schemas.context import LogExcerpt
from tests.support.decide.clusters import AT, Cluster, Obj
from tests.support.decide.faults import fault


def reads_secret(c: Cluster, app: str, secret: str) -> Obj:
    """The application's password comes from the Secret; returns the Secret."""
    c.container(app).setdefault("env", []).append(
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": secret, "key": "word"}}}
    )
    return c.add("secrets", secret, kind="Secret")


def rotated(secret: Obj, minutes: int = 20) -> None:
    """It was written anew so long before the alert."""
    moment = AT.replace(hour=11, minute=60 - minutes).isoformat()
    secret["metadata"]["managedFields"] = [{"manager": "external-secrets", "time": moment}]


@fault("database_credentials_invalid", "rotated while a new image came")
def _(c: Cluster, app: str) -> None:
    rotated(reads_secret(c, app, c.word()))
    c.revise(app, image=f"registry.example/{app}:2.0")
    c.crashed(app, 1, f'FATAL: password authentication failed for user "{c.word()}"')


@fault("database_credentials_invalid", "another secret since the last revision")
def _(c: Cluster, app: str) -> None:
    reads_secret(c, app, "store-login")
    chosen = {"secretKeyRef": {"name": "store-login-ro", "key": "word"}}
    c.add("secrets", "store-login-ro", kind="Secret")
    c.revise(app, env=[{"name": "DB_PASSWORD", "valueFrom": chosen}])
    c.crashed(app, 1, "WRONGPASS invalid username-password pair or user is disabled.")


def _told(variant: str, line: str) -> None:
    @fault("credentials_refused", variant)
    def _(c: Cluster, app: str) -> None:
        c.crashed(app, 1, line.replace("WORD", c.word()))


_told(
    "",
    "AccessDenied: User: arn:aws:sts::111122223333:assumed-role/WORD is not authorized to perform: s3:GetObject",
)
_told(
    "over http",
    "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://WORD.example.com/v1",
)


@fault("credentials_refused", "of a pod that is ready")
def _(c: Cluster, app: str) -> None:
    line = "ERROR publish failed: rpc error: code = PermissionDenied desc = not authorized on WORD"
    c.log(app, *[f"2026-05-04T11:{n}:00Z {line}".replace("WORD", c.word()) for n in (10, 20, 30)])
    c.series("service.success_rate", [1.0] * 30 + [0.6] * 30, service=app)


@fault("upstream_errors", "of somebody that nobody knows")
def _(c: Cluster, app: str) -> None:
    c.log(app, *[f"2026-05-04T11:{n}:00Z ERROR the {c.word()} answered 500" for n in (40, 50)])
    c.series("service.success_rate", [1.0] * 30 + [0.6] * 30, service=app)


@fault("cluster_dns_down", "a loop of its own")
def _(c: Cluster, app: str) -> str:
    waits = {"waiting": {"reason": "CrashLoopBackOff"}}
    c.objects["pods"].append(
        {
            "kind": "Pod",
            "metadata": {"name": "coredns-1", "namespace": "kube-system", "labels": {}},
            "spec": {"containers": [{"name": "coredns", "image": "coredns:1"}]},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": [
                    {"name": "coredns", "ready": False, "restartCount": 9, "state": waits}
                ],
            },
        }
    )
    c.logs.append(
        LogExcerpt(
            namespace="kube-system",
            pod="coredns-1",
            container="coredns",
            lines=(
                ".:53",
                "[FATAL] plugin/loop: Loop (127.0.0.1:53391 -> :53) detected for zone .",
            ),
        )
    )
    c.crashed(app, 1, f"dial tcp: lookup {c.word()} on 10.96.0.10:53: i/o timeout")
    return "coredns"


@fault("env_address_mismatch", "in the command of an init container")
def _(c: Cluster, app: str) -> None:
    c.app(f"{app}-postgres", port=5432)
    host = f"{app}-postgresql"
    command = ["sh", "-c", f"until nc -z {host} 5432; do echo waiting for {host}; sleep 2; done"]
    spec = {"name": "wait", "image": "busybox:1.36", "command": command}
    for pod_spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        pod_spec["initContainers"] = [spec]
    running = {"name": "wait", "ready": False, "restartCount": 0, "state": {"running": {}}}
    c.pod(app)["status"]["initContainerStatuses"] = [running]
    c.log(app, f"waiting for {host}", f"nc: bad address '{host}'")
    c.logs[-1] = c.logs[-1].model_copy(update={"container": "wait"})
    c.waiting(app, "PodInitializing")


@fault("dns_config_broken", "on the node's network")
def _(c: Cluster, app: str) -> None:
    cache = c.app()
    for spec in (c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]):
        spec["hostNetwork"] = True
    c.calls(app, cache)
    c.crashed(app, 1, f"Error: getaddrinfo ENOTFOUND {cache}")


def presents(c: Cluster, app: str, host: str) -> str:
    """An Ingress that presents a Secret for the host, which leads to the application; returns its name."""
    name = c.word()
    c.add("secrets", f"{name}-tls", kind="Secret")
    port = c.get("services", app)["spec"]["ports"][0]["port"]
    path = {"path": "/", "backend": {"service": {"name": app, "port": {"number": port}}}}
    c.add(
        "ingresses",
        name,
        api="networking.k8s.io/v1",
        kind="Ingress",
        spec={
            "tls": [{"hosts": [host], "secretName": f"{name}-tls"}],
            "rules": [{"host": host, "http": {"paths": [path]}}],
        },
    )
    return name


@fault("certificate_invalid", "told by the ingress controller")
def _(c: Cluster, app: str) -> str:
    host = f"{c.word()}.example.com"
    name = presents(c, app, host)
    line = f'W0504 controller.go:1470] SSL certificate for server "{host}" is about to expire (2026-05-03 23:59:59 +0000 UTC)'
    c.logs.append(LogExcerpt(namespace="ingress", pod="controller-1", lines=(line,)))
    return name
