"""Made-up applications that are well: manifests and programs that agree with each other."""

from __future__ import annotations

import random
from typing import Any

from tools.lab.names import Words
from tools.lab.scene import App, Fleet, Obj, Program, Scene

_LANGUAGES = ("go", "java", "node", "python")
_TLDS = ("example.com", "example.net", "example.org")
_HEALTH = ("/healthz", "/health", "/readyz", "/status", "/live", "/actuator/health", "/ping")
_KEYS = ("{}_ADDR", "{}_URL", "{}_HOST", "{}_SERVICE_ADDR", "{}_ENDPOINT")
_COMMANDS = {
    "go": ["/app/{}"],
    "java": ["java", "-jar", "/srv/{}.jar"],
    "node": ["node", "/srv/{}/main.js"],
    "python": ["python", "-m", "{}"],
}


def scene(name: str, seed: int, fleet: Fleet) -> Scene:
    """A namespace of three to six applications, sometimes many, that call each other, without any fault."""
    rng = random.Random(seed)
    words = Words(rng)
    made = Scene(name, words.word(), seed, fleet, rng, words)
    registry = f"{rng.choice(('registry', 'images', 'cr'))}.{words.word()}.{rng.choice(_TLDS)}"
    style = rng.choice(("app", "app.kubernetes.io/name", "component"))
    many = rng.randint(12, 18) if rng.random() < 0.08 else rng.randint(3, 6)
    for number in range(many):
        longer = number == 1 and rng.random() < 0.15  # a name that begins with another's
        called = (
            f"{made.apps[0].name}-{rng.choice(('v2', 'jobs', 'edge'))}" if longer else words.app()
        )
        made.apps.append(_application(made, called, registry, style))
    _wire(made)
    made.images |= {c["image"] for app in made.apps for c in app.spec["containers"]}
    return made


def another(made: Scene) -> App:
    """One more application, from the registry and with the labels of the others."""
    first = made.apps[0]
    registry = first.container["image"].partition("/")[0]
    style = next(iter(first.template["metadata"]["labels"]))
    app = _application(made, made.words.app(), registry, style)
    made.apps.append(app)
    made.images |= {c["image"] for c in app.spec["containers"]}
    return app


def _application(made: Scene, name: str, registry: str, style: str) -> App:
    rng, words = made.rng, made.words
    program = _program(rng, name)
    image = f"{registry}/{words.word()}/{name}:{rng.randint(0, 4)}.{rng.randint(0, 20)}.{rng.randint(0, 9)}"
    labels = {style: name}
    if rng.random() < 0.4:
        labels["tier"] = rng.choice(("front", "back", "data"))
    container = _container(rng, words, name, image, program)
    replicas = rng.choice((1, 1, 2, 2, 3))
    workload = deployment(name, made.namespace, labels, {"containers": [container]}, replicas)
    app = App(name, made.namespace, program, workload)
    if rng.random() < 0.2:  # what scrapers read
        container["ports"].append({"name": "metrics", "containerPort": 9102})
    app.service = service(name, made.namespace, labels, container, rng)
    if rng.random() < 0.15:
        _beside(app, registry, rng)
    if made.apps and rng.random() < 0.15:
        become(app, "StatefulSet")
    return app


def _beside(app: App, registry: str, rng: random.Random) -> None:
    """A second container that has nothing to do with anything."""
    name = rng.choice(("shipper", "tracer", "reloader"))
    resources = {
        "requests": {"cpu": "5m", "memory": "16Mi"},
        "limits": {"cpu": "20m", "memory": "32Mi"},
    }
    app.beside[name] = Program("go", 0, "tcp", "", f"/bin/{name}", 12, 5, 1)
    app.spec["containers"].append(
        {"name": name, "image": f"{registry}/tools/{name}:1.9.0", "resources": resources}
    )


def become(app: App, kind: str, pool: str = "") -> None:
    """Makes another kind of workload of it; a DaemonSet on the nodes of a pool."""
    spec = app.workload["spec"]
    app.workload["kind"] = kind
    if kind == "StatefulSet":
        spec |= {"serviceName": app.name, "podManagementPolicy": "Parallel"}
    else:
        spec.pop("replicas", None)
        app.spec["nodeSelector"] = {"pool": pool}


def _program(rng: random.Random, name: str) -> Program:
    language = rng.choice(_LANGUAGES)
    speaks = rng.choice(("http", "http", "http", "grpc", "tcp"))
    port = rng.choice((3000, 5000, 7000, 8000, 8080, 8443, 9000, 9090, rng.randint(4000, 9999)))
    return Program(
        language=language,
        port=port,
        speaks=speaks,
        health=rng.choice(_HEALTH),
        command=_COMMANDS[language][0].format(name),
        memory_mib=rng.choice((48, 64, 90, 120, 180)),
        cpu_milli=rng.choice((10, 20, 40, 60)),
        start_s=rng.choice((1, 2, 4, 8)),
    )


def _container(
    rng: random.Random, words: Words, name: str, image: str, program: Program
) -> dict[str, Any]:
    port: Obj = {"containerPort": program.port}
    if rng.random() < 0.7:
        port["name"] = rng.choice(("web", "main", program.speaks, "svc"))
    if rng.random() < 0.5:
        port["protocol"] = "TCP"
    memory = _round(program.memory_mib * rng.uniform(1.7, 2.6))
    container: Obj = {
        "name": rng.choice((name, "main", "app", "server")),
        "image": image,
        "ports": [port],
        "resources": {
            "requests": {
                "cpu": f"{max(10, program.cpu_milli)}m",
                "memory": f"{program.memory_mib}Mi",
            },
            "limits": {"cpu": f"{program.cpu_milli * 5}m", "memory": f"{memory}Mi"},
        },
        "env": [{"name": "LOG_LEVEL", "value": rng.choice(("info", "warn"))}],
    }
    if rng.random() < 0.5:
        command = [part.format(name) for part in _COMMANDS[program.language]]
        container["command"] = command
    for kind in ("readinessProbe", "livenessProbe"):
        if kind == "readinessProbe" or rng.random() < 0.8:
            container[kind] = probe(program, rng, kind)
    return container


def _round(value: float) -> int:
    return int(value // 16 * 16 + 16)


def probe(program: Program, rng: random.Random, kind: str, *, network: bool = False) -> Obj:
    """A probe that the program answers, patient enough for its start; with ``network`` it asks a port."""
    handlers: dict[str, Obj] = {
        "http": {"httpGet": {"path": program.health, "port": program.port}},
        "grpc": {"grpc": {"port": program.port}},
        "tcp": {"tcpSocket": {"port": program.port}},
    }
    if program.speaks == "tcp" and not network and rng.random() < 0.4:
        handlers["tcp"] = {"exec": {"command": ["/bin/check"]}}
    wait = program.start_s * 2 + 5 + (20 if kind == "livenessProbe" else 0)
    return {
        **handlers[program.speaks],
        "initialDelaySeconds": wait,
        "periodSeconds": rng.choice((5, 10, 15)),
        "timeoutSeconds": rng.choice((1, 2, 3)),
        "failureThreshold": 3,
    }


def deployment(
    name: str, namespace: str, labels: dict[str, str], spec: Obj, replicas: int = 1
) -> Obj:
    """A Deployment whose pods carry these labels."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(labels)},
            "template": {"metadata": {"labels": dict(labels)}, "spec": spec},
        },
    }


def service(
    name: str, namespace: str, labels: dict[str, str], container: Obj, rng: random.Random
) -> Obj:
    """A Service in front of the container's first port, by number or by name."""
    port = container["ports"][0]
    target: Any = port["containerPort"]
    if "name" in port and rng.random() < 0.4:
        target = port["name"]
    ports: list[Obj] = [{"port": rng.choice((80, port["containerPort"])), "targetPort": target}]
    for more in container["ports"][1:]:
        ports[0]["name"] = "main"
        ports.append(
            {"name": more["name"], "port": more["containerPort"], "targetPort": more["name"]}
        )
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {
            "selector": dict(labels),
            "ports": ports,
        },
    }


def _wire(made: Scene) -> None:
    """Each application calls up to two that come after it: no circles."""
    for number, caller in enumerate(made.apps):
        rest = made.apps[number + 1 :]
        for callee in made.rng.sample(rest, min(len(rest), made.rng.randint(0, 2))):
            connect(made, caller, callee)
    if len(made.apps) > 1 and not made.apps[0].calls:
        connect(made, made.apps[0], made.apps[1])


def connect(made: Scene, caller: App, callee: App) -> str:
    """Puts the callee's address into the caller's environment; returns the variable."""
    key = made.rng.choice(_KEYS).format(callee.name.upper().replace("-", "_"))
    assert callee.service is not None
    port = callee.service["spec"]["ports"][0]["port"]
    host = made.rng.choice((callee.name, f"{callee.name}.{made.namespace}.svc.cluster.local"))
    value = f"http://{host}:{port}" if key.endswith("_URL") else f"{host}:{port}"
    caller.container["env"].append({"name": key, "value": value})
    caller.calls[key] = callee.name
    return key
