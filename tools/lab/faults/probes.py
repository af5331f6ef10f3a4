"""Probes that ask the wrong thing. What the prober says of it is rendered."""

from __future__ import annotations

from dataclasses import replace

from tools.lab.apps import probe
from tools.lab.faults import ANY, fault, sick
from tools.lab.scene import App, Obj, Scene


def _probed(app: App, scene: Scene, kind: str, speaks: str = "") -> Obj:
    if speaks:
        app.program = replace(app.program, speaks=speaks)
    for name in ("livenessProbe", "readinessProbe"):
        if name in app.container or name == kind:
            app.container[name] = probe(app.program, scene.rng, name, network=True)
    wrong: Obj = app.container[kind]
    return wrong


def _handler(wrong: Obj) -> Obj:
    found: Obj = next(wrong[k] for k in ("httpGet", "tcpSocket", "grpc") if k in wrong)
    return found


@fault("configuration", "liveness_probe_port", "synthetic", outage=True, kinds=ANY)
def liveness_port(scene: Scene, app: App) -> str:
    """The liveness probe asks a port at which nothing listens."""
    sick(scene, app)
    _handler(_probed(app, scene, "livenessProbe"))["port"] = app.program.port + scene.pick(
        (1, 10, 80)
    )
    return ""


@fault("configuration", "readiness_probe_port", "synthetic", outage=True, kinds=ANY)
def readiness_port(scene: Scene, app: App) -> str:
    """The readiness probe asks a port at which nothing listens."""
    sick(scene, app)
    _handler(_probed(app, scene, "readinessProbe"))["port"] = app.program.port + scene.pick(
        (1, 10, 80)
    )
    return ""


@fault("configuration", "readiness_probe_port", "synthetic", outage=True, kinds=ANY)
def readiness_port_name(scene: Scene, app: App) -> str:
    """The readiness probe names a port that the container does not have."""
    sick(scene, app)
    _handler(_probed(app, scene, "readinessProbe", scene.pick(("http", "tcp"))))["port"] = (
        "healthport"
    )
    return ""


@fault("configuration", "liveness_probe_path", "synthetic", kinds=ANY)
def liveness_path(scene: Scene, app: App) -> str:
    """The liveness probe asks a path that the program does not know."""
    sick(scene, app)
    _probed(app, scene, "livenessProbe", "http")["httpGet"]["path"] = scene.pick(
        ("/alive", "/-/healthy", "/api/health")
    )
    return ""


@fault("configuration", "readiness_probe_path", "synthetic", outage=True, kinds=ANY)
def readiness_path(scene: Scene, app: App) -> str:
    """The readiness probe asks a path that the program does not know."""
    sick(scene, app)
    _probed(app, scene, "readinessProbe", "http")["httpGet"]["path"] = scene.pick(
        ("/is-ready", "/-/ready", "/api/ready")
    )
    return ""


@fault("configuration", "liveness_probe_protocol", "synthetic", kinds=ANY)
def liveness_protocol(scene: Scene, app: App) -> str:
    """The liveness probe speaks HTTP to a gRPC server, or the other way round, or TLS."""
    sick(scene, app)
    _speak(_probed(app, scene, "livenessProbe", scene.pick(("http", "grpc"))), app, scene)
    return ""


@fault("configuration", "readiness_probe_protocol", "synthetic", outage=True, kinds=ANY)
def readiness_protocol(scene: Scene, app: App) -> str:
    """The readiness probe speaks HTTP to a gRPC server, or the other way round, or TLS."""
    sick(scene, app)
    _speak(_probed(app, scene, "readinessProbe", scene.pick(("http", "grpc"))), app, scene)
    return ""


def _speak(wrong: Obj, app: App, scene: Scene) -> None:
    port = app.program.port
    if app.program.speaks == "grpc":
        wrong.pop("grpc")
        wrong["httpGet"] = {"path": "/healthz", "port": port}
    elif scene.rng.random() < 0.5:
        wrong["httpGet"]["scheme"] = "HTTPS"
    else:
        wrong.pop("httpGet")
        wrong["grpc"] = {"port": port}


@fault("configuration", "liveness_probe_timing", "synthetic", kinds=ANY)
def liveness_timing(scene: Scene, app: App) -> str:
    """The liveness probe gives up before the program listens."""
    sick(scene, app)
    app.program = replace(app.program, start_s=scene.rng.randint(40, 90))
    wrong = _probed(app, scene, "livenessProbe")
    wrong |= {
        "initialDelaySeconds": scene.pick((0, 2, 5)),
        "periodSeconds": scene.pick((2, 5)),
        "failureThreshold": scene.pick((1, 2)),
    }
    return ""


@fault("configuration", "startup_probe_port", "synthetic", outage=True, kinds=ANY)
def startup_port(scene: Scene, app: App) -> str:
    """The startup probe asks a port at which nothing listens."""
    sick(scene, app)
    wrong = probe(app.program, scene.rng, "livenessProbe", network=True)
    _handler(wrong)["port"] = app.program.port + scene.pick((1, 10, 80))
    app.container["startupProbe"] = wrong
    return ""


@fault("configuration", "startup_probe_timing", "synthetic", outage=True, kinds=ANY)
def startup_timing(scene: Scene, app: App) -> str:
    """The startup probe gives up before the program listens."""
    sick(scene, app)
    app.program = replace(app.program, start_s=scene.rng.randint(60, 120))
    wrong = probe(app.program, scene.rng, "livenessProbe", network=True)
    wrong |= {
        "initialDelaySeconds": 0,
        "periodSeconds": scene.pick((2, 5)),
        "failureThreshold": scene.pick((1, 2)),
    }
    app.container["startupProbe"] = wrong
    return ""
