"""Probes that fail: what each of the kubelet's words means for each kind of probe, and how patient a probe is."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import beside, warned

_FAMILY = "probes"
_REFUSED = "dial tcp 10.1.1.1:{port}: connect: connection refused"
_SLOW = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"


def _port(c: Cluster, app: str) -> int:
    found: int = c.container(app)["ports"][0]["containerPort"]
    return found


def _suffers(c: Cluster, app: str, probe: str, **status: Any) -> None:
    """What a failing probe does to the container."""
    c.status(app, restartCount=0 if probe == "readiness" else 3, **status)


def _failing(
    sentence: str,
    probe: str,
    said: str,
    spec: Obj,
    *,
    varied: bool = False,
    declared: bool = True,
    others: Obj | None = None,
    status: Obj | None = None,
) -> None:
    """A probe that fails; ``PORT`` in its spec and in what is said is the container's own."""

    @scene(_FAMILY, sentence, varied=varied)
    def _(c: Cluster, app: str) -> None:
        port = _port(c, app)
        container = c.container(app)
        container[f"{probe}Probe"] = _with_port(spec, port)
        for other, asks in (others or {}).items():
            container[f"{other}Probe"] = _with_port(asks, port)
        if not declared:
            container["ports"] = []
        text = f"{probe.title()} probe failed: {said.replace('{port}', str(port))}"
        warned(c, app, "Unhealthy", text, 9)
        _suffers(c, app, probe, **(status or {}))


def _with_port(spec: Obj, port: int) -> Obj:
    return {
        key: _with_port(value, port)
        if isinstance(value, dict)
        else port
        if value == "PORT"
        else value
        for key, value in spec.items()
    }


_HTTP = {"httpGet": {"port": "PORT", "path": "/healthz"}}
_TCP = {"tcpSocket": {"port": "PORT"}}
_GRPC = {"grpc": {"port": "PORT"}}
_ELSEWHERE = {"httpGet": {"port": 9999, "path": "/healthz"}}
_NAMED = {"httpGet": {"port": "web", "path": "/healthz"}}

for _kind, _spec in (("httpGet", {"path": "/"}), ("tcpSocket", {}), ("grpc", {})):
    _failing(
        f"a {_kind} probe asks a port by a name that the container does not have",
        "readiness",
        "strconv.ParseInt: parsing web: invalid syntax",
        {_kind: {"port": "web", **_spec}},
        varied=_kind == "httpGet",
    )
_failing("a command fails", "readiness", "command failed: exit 1", {"exec": {"command": ["x"]}})
_failing(
    "a command says nothing in time",
    "liveness",
    f"command timed out: {_SLOW}",
    {"exec": {"command": ["x"]}},
)
_failing("a probe asks nothing that is known", "readiness", "who knows", {"periodSeconds": 5})
_failing("another protocol is spoken", "readiness", "malformed HTTP response", _HTTP, varied=True)
_failing("another protocol is spoken to startup", "startup", "frame too large", _GRPC)
_failing(
    "a connection that is refused says nothing of the protocol",
    "liveness",
    f"unsupported protocol; {_REFUSED}",
    _HTTP,
)
_failing("nothing listens at the port", "readiness", _REFUSED, _ELSEWHERE, varied=True)
_failing("nothing answers at the port in time", "readiness", _SLOW, _ELSEWHERE)
_failing(
    "the port answers with an error",
    "readiness",
    "HTTP probe failed with statuscode: 500",
    _ELSEWHERE,
)
_failing("the declared port refuses", "readiness", _REFUSED, _HTTP)
_failing(
    "of a container that declares no port, the other probe asks another",
    "liveness",
    _REFUSED,
    _ELSEWHERE,
    declared=False,
    others={"startup": {"exec": {"command": ["x"]}}, "readiness": _HTTP},
    varied=True,
)
_failing(
    "of a container that declares no port, the other probe asks the same",
    "readiness",
    _REFUSED,
    _ELSEWHERE,
    declared=False,
    others={"liveness": _ELSEWHERE},
)
_failing(
    "of a container that declares no port, the other probe asks by a name",
    "readiness",
    _REFUSED,
    _ELSEWHERE,
    declared=False,
    others={"liveness": _NAMED},
)
_failing(
    "of a container that declares no port, the other probe asks another in another way",
    "readiness",
    _REFUSED,
    _ELSEWHERE,
    declared=False,
    others={"liveness": _TCP},
)
_failing(
    "of a container that declares no port, the probe is slow and the other asks another",
    "readiness",
    _SLOW,
    {**_ELSEWHERE, "timeoutSeconds": 5},
    declared=False,
    others={"liveness": _HTTP},
)
_failing(
    "the other probe speaks another protocol at the same port",
    "readiness",
    "HTTP probe failed with statuscode: 404",
    _HTTP,
    others={"liveness": _GRPC},
    varied=True,
)
_failing(
    "the other probe speaks the same protocol at the same port",
    "readiness",
    "HTTP probe failed with statuscode: 404",
    _HTTP,
    others={"liveness": _HTTP},
)
_failing(
    "the other probe speaks another protocol at another port",
    "readiness",
    "HTTP probe failed with statuscode: 404",
    _HTTP,
    others={"liveness": {"tcpSocket": {"port": 9999}}},
)
_failing(
    "the other probe runs a command",
    "readiness",
    "HTTP probe failed with statuscode: 404",
    _HTTP,
    others={"liveness": {"exec": {"command": ["x"]}}, "startup": {"periodSeconds": 3}},
)
_failing(
    "a command's other probe asks a port",
    "readiness",
    "statuscode: 404",
    {"exec": {"command": ["x"]}},
    others={"liveness": _TCP},
)
for _status in (200, 301, 302, 400, 401, 403, 404, 405, 500, 503):
    _failing(
        f"the path answers {_status}",
        "readiness",
        f"HTTP probe failed with statuscode: {_status}",
        _HTTP,
    )
_failing("no path is asked for", "liveness", "statuscode: 404", {"httpGet": {"port": "PORT"}})


def _patient(told: str, probe: str = "liveness", said: str = _REFUSED, **times: int) -> None:
    _failing(f"{probe} with {told}", probe, said, {**_HTTP, **times})


_patient("patience of 15 s", periodSeconds=5)
_patient("patience of 16 s", initialDelaySeconds=1, periodSeconds=5)
_patient("patience of 45 s", initialDelaySeconds=15)
_patient("patience of 46 s", initialDelaySeconds=16)
_patient("the usual patience")
_patient("the usual patience, slow", said=_SLOW)
_patient("the usual patience, at the start", probe="startup")
_patient("one failure too many", failureThreshold=1, periodSeconds=60)
_patient("two failures too many", failureThreshold=2, periodSeconds=60)
_patient("a question every two seconds", failureThreshold=60, periodSeconds=2)
_patient("a question every three seconds", failureThreshold=60, periodSeconds=3)
_patient("an answer that is another", said="HTTP probe failed with statuscode: 500")
_failing(
    "liveness is guarded by startup",
    "liveness",
    _REFUSED,
    {**_HTTP, "failureThreshold": 1},
    others={"startup": _HTTP},
)
_failing(
    "startup is not guarded by startup",
    "startup",
    _REFUSED,
    {**_HTTP, "failureThreshold": 1},
    others={"liveness": _HTTP},
)
_failing(
    "liveness is not guarded by readiness", "liveness", _REFUSED, _HTTP, others={"readiness": _HTTP}
)
_failing("readiness is slow in the usual second", "readiness", _SLOW, _HTTP)
_failing("readiness is slow in one second", "readiness", _SLOW, {**_HTTP, "timeoutSeconds": 1})
_failing("readiness is slow in two seconds", "readiness", _SLOW, {**_HTTP, "timeoutSeconds": 2})
_failing("readiness is not slow", "readiness", "statuscode: 500", {**_HTTP, "timeoutSeconds": 1})

_LOOPS: Obj = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
for _code in (0, 1, 2, 3, 137, 143):
    _failing(
        f"the program ended with {_code} and waits to be restarted",
        "liveness",
        _REFUSED,
        {**_HTTP, "failureThreshold": 1},
        status={**_LOOPS, "lastState": {"terminated": {"exitCode": _code}}},
    )
_failing(
    "the program ended with 1 and runs again",
    "liveness",
    _REFUSED,
    {**_HTTP, "failureThreshold": 1},
    status={"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}},
)
for _what, _said_then in (("startup", _REFUSED), ("liveness", "malformed HTTP response")):
    _failing(
        f"the program ended with 1, and {_what} fails for: {_said_then[:9]}",
        _what,
        _said_then,
        _HTTP,
        status={**_LOOPS, "lastState": {"terminated": {"exitCode": 1}}},
    )


@scene(
    _FAMILY, "the kubelet kills the container for its probe, and says most of it in another event"
)
def _(c: Cluster, app: str) -> None:
    port = _port(c, app)
    c.container(app)["livenessProbe"] = {**_HTTP, "httpGet": {"port": port}, "failureThreshold": 1}
    warned(c, app, "Unhealthy", "Liveness probe failed: statuscode: 404", 2, "11:58")
    warned(c, app, "Unhealthy", f"Liveness probe failed: {_REFUSED.format(port=port)}", 5, "11:50")
    warned(c, app, "ProbeError", f"Liveness probe errored: {_SLOW}", 5, "11:40")
    warned(c, app, "Killing", "Container main failed liveness probe, will be restarted", 2)
    _suffers(c, app, "liveness")


@scene(_FAMILY, "a killed container whose belief is high already")
def _(c: Cluster, app: str) -> None:
    c.container(app)["livenessProbe"] = {"httpGet": {"port": "web"}}
    warned(c, app, "Unhealthy", "Liveness probe failed: no such port")
    warned(c, app, "Killing", "Container main failed liveness probe, will be restarted")
    _suffers(c, app, "liveness")


@scene(
    _FAMILY,
    "the kubelet kills the container for another probe, and somebody else speaks of this one",
)
def _(c: Cluster, app: str) -> None:
    c.container(app)["livenessProbe"] = {"httpGet": {"port": "web"}}
    warned(c, app, "Unhealthy", "Liveness probe failed: no such port")
    warned(c, app, "Killing", "Container main failed startup probe, will be restarted")
    warned(c, app, "Pulled", "Container main failed liveness probe, will be restarted")
    _suffers(c, app, "liveness")


@scene(
    _FAMILY,
    "words that are no failing probe: of another reason, of the mesh's own, of another probe",
)
def _(c: Cluster, app: str) -> None:
    c.container(app)["readinessProbe"] = _with_port(_HTTP, _port(c, app))
    warned(c, app, "Pulled", "Readiness probe failed: statuscode: 404")
    warned(c, app, "Unhealthy", "Readiness probe failed: 15021/healthz/ready: statuscode: 404")
    warned(c, app, "Unhealthy", "Liveness probe failed: statuscode: 404")
    warned(c, app, "Unhealthy", "The Readiness probe failed: statuscode: 404")
    _suffers(c, app, "readiness")


def _unmoved(told: str, probe: str, **status: Any) -> None:
    @scene(_FAMILY, f"a {probe} probe failed, and {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        c.container(app)[f"{probe}Probe"] = {"httpGet": {"port": "web"}}
        warned(c, app, "Unhealthy", f"{probe.title()} probe failed: no such port")
        c.status(app, **{"state": {"running": {}}, **status})


_unmoved("the container is ready again", "readiness", ready=True, restartCount=4)
_unmoved("the container is not ready", "readiness")
_unmoved("the container was never restarted", "liveness", restartCount=0)
_unmoved("the container was restarted once", "liveness", ready=True, restartCount=1)


@scene(_FAMILY, "the probe is the second container's, and the first one suffers for other reasons")
def _(c: Cluster, app: str) -> None:
    probe = {"readinessProbe": {"httpGet": {"port": "web"}}, "ports": [{"containerPort": 80}]}
    beside(c, app).update(probe)
    warned(c, app, "Unhealthy", "Readiness probe failed: no such port")
    c.stopped(app)


@scene(_FAMILY, "both containers have probes that fail, of two pods one is well")
def _(c: Cluster, app: str) -> None:
    probe = {"readinessProbe": {"httpGet": {"port": "web"}}, "ports": [{"containerPort": 80}]}
    beside(c, app, ready=False).update(probe)
    c.container(app)["readinessProbe"] = {"tcpSocket": {"port": "81"}, "timeoutSeconds": 1}
    c.container(app)["ports"] += [{"containerPort": 80}, {"name": "nothing"}]
    warned(c, app, "Unhealthy", f"Readiness probe failed: {_REFUSED.format(port=81)}", 1)
    c.stopped(app)


@scene(_FAMILY, "an init container of the same name is no concern of the probe")
def _(c: Cluster, app: str) -> None:
    c.container(app)["readinessProbe"] = {"httpGet": {"port": "web"}}
    warned(c, app, "Unhealthy", "Readiness probe failed: no such port")
    c.status(app, ready=True)
    pod = c.pod(app)
    pod["spec"]["initContainers"] = [{"name": "main", "image": "registry.example/init:1"}]
    pod["status"]["initContainerStatuses"] = [{"name": "main", "ready": False, "restartCount": 1}]


@scene(_FAMILY, "the probe asks a port by a name that two ports of the container have")
def _(c: Cluster, app: str) -> None:
    ports = [{"name": "web", "containerPort": port} for port in (81, 82)]
    c.container(app).update(readinessProbe=_NAMED, ports=ports)
    c.container(app)["livenessProbe"] = {"grpc": {"port": 81}}
    warned(c, app, "Unhealthy", "Readiness probe failed: statuscode: 404")
    c.stopped(app)
