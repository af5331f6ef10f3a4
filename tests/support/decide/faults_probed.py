"""Probes that ask wrongly where no good revision tells what was right."""

from __future__ import annotations

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.faults import fault

_REFUSED = 'Get "http://10.2.2.2:PORT/": dial tcp 10.2.2.2:PORT: connect: connection refused'
_NOT_FOUND = "HTTP probe failed with statuscode: 404"


def _http(port: object, path: str = "/", **more: str) -> Obj:
    return {"httpGet": {"port": port, "path": path, **more}}


def _asked(
    c: Cluster, app: str, message: str, probe: str = "readiness", **container: object
) -> None:
    """Its container with these fields; the probe fails with the kubelet's message."""
    c.container(app).update(container)
    port = str(c.container(app)[f"{probe}Probe"].get("httpGet", {}).get("port", ""))
    told = f"{probe.title()} probe failed: {message.replace('PORT', port)}"
    if probe == "readiness":
        c.stopped(app)
    else:
        c.crashed(app, 137)
        c.event(
            "Pod", c.pod(app)["metadata"]["name"], "Killing", f"Container main failed {probe} probe"
        )
    c.event("Pod", c.pod(app)["metadata"]["name"], "Unhealthy", told, count=30)


@fault("readiness_probe_path", "the program is known")
def _(c: Cluster, app: str) -> None:
    args = ["--config.file=/etc/prometheus/prometheus.yml"]
    probe = _http(9090, "/health")
    _asked(
        c,
        app,
        _NOT_FOUND,
        image="quay.io/prometheus/prometheus:v3.1.0",
        args=args,
        readinessProbe=probe,
        ports=[{"containerPort": 9090}],
    )


@fault("readiness_probe_path", "the program is known and was told a prefix")
def _(c: Cluster, app: str) -> None:
    args = ["--web.route-prefix=/metrics-of-all"]
    probe = _http(9090, "/-/ready")
    _asked(
        c,
        app,
        _NOT_FOUND,
        image="prom/prometheus:v3.1.0",
        args=args,
        readinessProbe=probe,
        ports=[{"containerPort": 9090}],
    )


@fault("readiness_probe_path", "a name that ends like a known one")
def _(c: Cluster, app: str) -> None:
    _asked(
        c,
        app,
        _NOT_FOUND,
        image="registry.example/nginx:1.27",
        readinessProbe=_http(80, "/up"),
        ports=[{"containerPort": 80}],
    )


@fault("readiness_probe_path", "the other probe is well")
def _(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    _asked(
        c, app, _NOT_FOUND, readinessProbe=_http(port, "/redy"), livenessProbe=_http(port, "/livez")
    )


@fault("liveness_probe_path", "a sibling is asked another")
def _(c: Cluster, app: str) -> None:
    twin = c.app()
    c.container(twin).update(
        image="registry.example/ledger:4", livenessProbe=_http(8080, "/api/live")
    )
    _asked(
        c,
        app,
        _NOT_FOUND,
        "liveness",
        image="registry.example/ledger:5",
        livenessProbe=_http(8080, "/live"),
        ports=[{"containerPort": 8080}],
    )


@fault("readiness_probe_port", "the program is known")
def _(c: Cluster, app: str) -> None:
    probe = {"tcpSocket": {"port": 6380}}
    message = "dial tcp 10.2.2.2:6380: connect: connection refused"
    _asked(c, app, message, image="docker.io/library/redis:7.4", readinessProbe=probe, ports=[])


@fault("readiness_probe_port", "the program is known and was told a port")
def _(c: Cluster, app: str) -> None:
    probe = {"tcpSocket": {"port": 6380}}
    message = "dial tcp 10.2.2.2:6380: connect: connection refused"
    _asked(
        c, app, message, image="redis:7.4", args=["--port", "6399"], readinessProbe=probe, ports=[]
    )


@fault("readiness_probe_port", "a name that is nearly a port's")
def _(c: Cluster, app: str) -> None:
    ports = [{"name": "metrics", "containerPort": 9100}, {"name": "web-api", "containerPort": 8080}]
    _asked(
        c,
        app,
        'strconv.Atoi: parsing "webapi": invalid syntax',
        readinessProbe=_http("webapi"),
        ports=ports,
    )


@fault("readiness_probe_protocol", "it speaks TLS")
def _(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    message = "HTTP probe failed with statuscode: 400\nbody: Client sent an HTTP request to an HTTPS server."
    _asked(c, app, message, readinessProbe=_http(port))


@fault("readiness_probe_protocol", "the other probe fails as well")
def _(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    message = 'error: health rpc probe failed: rpc error: code = Unavailable desc = connection error: desc = "error reading server preface: http2: frame too large"'
    _asked(c, app, message, readinessProbe={"grpc": {"port": port}}, livenessProbe=_http(port))
    said = "Liveness probe failed: HTTP probe failed with statuscode: 404"
    c.event("Pod", c.pod(app)["metadata"]["name"], "Unhealthy", said)


@fault("startup_probe_protocol", "it speaks no TLS")
def _(c: Cluster, app: str) -> None:
    port = c.container(app)["ports"][0]["containerPort"]
    message = 'Get "https://10.2.2.2:PORT/": http: server gave HTTP response to HTTPS client'
    _asked(c, app, message, "startup", startupProbe=_http(port, scheme="HTTPS"))


@fault("readiness_probe_command", "slip")
def _(c: Cluster, app: str) -> None:
    probe = {"exec": {"command": ["/usr/bin/pg_isredy", "-U", "shop"]}}
    message = 'rpc error: code = Unknown desc = exec: "/usr/bin/pg_isredy": stat /usr/bin/pg_isredy: no such file or directory: unknown'
    _asked(c, app, message, readinessProbe=probe)


@fault("liveness_probe_command")
def _(c: Cluster, app: str) -> None:
    probe = {"exec": {"command": ["wget", "-q", "localhost:8080/up"]}}
    message = 'exec: "wget": executable file not found in $PATH: unknown'
    _asked(c, app, message, "liveness", livenessProbe=probe)


@fault("startup_probe_command")
def _(c: Cluster, app: str) -> None:
    probe = {"exec": {"command": ["/opt/up.sh"]}}
    message = 'exec: "/opt/up.sh": stat /opt/up.sh: no such file or directory: unknown'
    _asked(c, app, message, "startup", startupProbe=probe)


@fault("readiness_probe_command", "a program that the image lacks")
def _(c: Cluster, app: str) -> None:
    probe = {"exec": {"command": ["curl", "-f", "localhost:8080/up"]}}
    _asked(
        c, app, 'exec: "curl": executable file not found in $PATH: unknown', readinessProbe=probe
    )
