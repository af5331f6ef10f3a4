"""Programs that start and do not stay: memory, configuration, bugs, files, ports, databases. Their words are rendered."""

from __future__ import annotations

from dataclasses import replace

from tools.lab import words
from tools.lab.apps import connect, deployment, service
from tools.lab.faults import ANY, fault, sick
from tools.lab.scene import App, Obj, Program, Scene


@fault("configuration", "oom_killed", "synthetic", outage=True, kinds=ANY)
def oom(scene: Scene, app: App) -> str:
    """The program needs more memory than its limit."""
    sick(scene, app)
    resources = app.container["resources"]
    less = int(app.program.memory_mib * scene.rng.uniform(0.3, 0.8)) or 8
    resources["limits"]["memory"] = f"{less}Mi"
    resources["requests"]["memory"] = f"{min(less, 16)}Mi"
    return ""


@fault("configuration", "missing_env", "synthetic", outage=True, kinds=ANY)
def env_missing(scene: Scene, app: App) -> str:
    """The program needs a variable that nobody sets."""
    sick(scene, app)
    key = f"{scene.words.word().upper()}_{scene.pick(('TOKEN', 'REGION', 'DSN', 'MODE'))}"
    app.program = replace(app.program, needs_env=(key,))
    return ""


@fault("configuration", "crash_bad_config", "synthetic", outage=True, kinds=ANY)
def bad_value(scene: Scene, app: App) -> str:
    """A variable has a value that the program refuses."""
    sick(scene, app)
    key = f"{scene.words.word().upper()}_{scene.pick(('LIMIT', 'TIMEOUT', 'WORKERS'))}"
    app.program = replace(app.program, numeric_env=(key,))
    app.container["env"].append({"name": key, "value": scene.pick(("ten", "5 s", "auto"))})
    return ""


@fault("configuration", "crash_code", "synthetic", outage=True, kinds=ANY)
def crash(scene: Scene, app: App) -> str:
    """The program has a bug: it ends by itself."""
    sick(scene, app)
    app.program = replace(
        app.program,
        dying_words=words.PANIC[app.program.language],
        exit_code=2 if app.program.language == "go" else 1,
    )
    return ""


@fault("configuration", "volume_permission_denied", "synthetic", outage=True, kinds=ANY)
def volume_permission(scene: Scene, app: App) -> str:
    """The program's user may not write to its volume."""
    sick(scene, app)
    path = scene.pick(("/data", "/var/lib/store", "/srv/state"))
    app.program = replace(app.program, writes_to=path)
    app.spec["volumes"] = [{"name": "state", "emptyDir": {}}]
    app.spec["securityContext"] = {"runAsUser": 10001, "runAsNonRoot": True}
    app.container["volumeMounts"] = [{"name": "state", "mountPath": path}]
    return ""


@fault("configuration", "sidecar_port_conflict", "synthetic", outage=True, kinds=ANY)
def sidecar(scene: Scene, app: App) -> str:
    """A second container of the pod wants the port of the first."""
    sick(scene, app)
    name = scene.pick(("exporter", "proxy", "agent"))
    beside = replace(app.program, language="go", command=f"/bin/{name}")
    image = f"{app.container['image'].rpartition('/')[0]}/{name}:1.4.2"
    scene.images.add(image)
    app.beside[name] = beside
    app.spec["containers"].append(
        {"name": name, "image": image, "ports": [{"containerPort": app.program.port}]}
    )
    return ""


@fault("configuration", "rbac_denied", "synthetic", outage=True, kinds=ANY)
def rbac(scene: Scene, app: App) -> str:
    """The program may not read what it needs from the API server."""
    sick(scene, app)
    line = words.FORBIDDEN.format(
        plural=scene.pick(("pods", "configmaps", "endpoints")),
        namespace=scene.namespace,
        account="default",
    )
    app.program = replace(app.program, dying_words=(f"fatal: {line}",))
    return ""


def _dies(scene: Scene, app: App, line: str, code: int = 1) -> None:
    sick(scene, app)
    app.program = replace(app.program, dying_words=(line,), exit_code=code)


@fault("configuration", "heap_exhausted", "synthetic", outage=True, kinds=ANY)
def heap(scene: Scene, app: App) -> str:
    """The runtime's heap is full below the container's limit."""
    _dies(
        scene,
        app,
        scene.pick(
            (
                "java.lang.OutOfMemoryError: Java heap space",
                "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            )
        ),
    )
    return ""


@fault("configuration", "file_descriptors_exhausted", "synthetic", outage=True, kinds=ANY)
def descriptors(scene: Scene, app: App) -> str:
    """The program may open no more files."""
    _dies(
        scene,
        app,
        scene.pick(
            (
                f"fatal: accept tcp [::]:{app.program.port}: accept4: too many open files",
                "java.net.SocketException: Too many open files",
                "Error: EMFILE: too many open files, open '/srv/data/index'",
                "OSError: [Errno 24] Too many open files",
            )
        ),
    )
    return ""


@fault("configuration", "container_exits_at_once", "synthetic", outage=True, kinds=ANY)
def ends(scene: Scene, app: App) -> str:
    """The program does its work and ends, although it should run on."""
    _dies(scene, app, scene.pick(("done", "nothing to do", "usage: server [options]")), 0)
    return ""


@fault("configuration", "file_permission_denied", "synthetic", outage=True, kinds=ANY)
def file_permission(scene: Scene, app: App) -> str:
    """Another user than the image's may not touch the image's files."""
    _dies(scene, app, words.DENIED_FILE[app.program.language].format(path="/opt/app"))
    app.spec["securityContext"] = {"runAsUser": 65532, "runAsNonRoot": True}
    return ""


#: Product, image and port of databases as everybody runs them.
_PRODUCTS = {
    "mysql": ("docker.io/library/mysql:8.4.3", 3306),
    "postgres": ("docker.io/library/postgres:17.2", 5432),
    "redis": ("docker.io/library/redis:7.4.1", 6379),
    "mongo": ("docker.io/library/mongo:8.0.4", 27017),
}
_REFUSED = {
    "mysql": "ERROR 1045 (28000): Access denied for user 'app'@'10.244.0.7' (using password: YES)",
    "postgres": 'FATAL:  password authentication failed for user "app"',
    "redis": "WRONGPASS invalid username-password pair or user is disabled.",
    "mongo": "MongoServerError: Authentication failed.",
}
_FULL = {
    "mysql": "ERROR 1040 (HY000): Too many connections",
    "postgres": "FATAL:  sorry, too many clients already",
    "redis": "ERR max number of clients reached",
}
_CLOSED = {
    "mysql": "ERROR 1290 (HY000): The MySQL server is running with the --read-only option so it cannot execute this statement",
    "postgres": "ERROR:  cannot execute INSERT in a read-only transaction",
    "redis": "READONLY You can't write against a read only replica.",
}


def _database(scene: Scene, caller: App, product: str) -> App:
    """A database that is well, and that the caller calls."""
    image, port = _PRODUCTS[product]
    name = scene.words.app()
    container: Obj = {
        "name": "db",
        "image": image,
        "ports": [{"containerPort": port}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    labels = {"app": name}
    scene.images.add(image)
    workload = deployment(name, scene.namespace, labels, {"containers": [container]}, 1)
    program = Program("go", port, "tcp", "", "", 60, 20, 2, says=("ready to accept connections",))
    made = App(
        name,
        scene.namespace,
        program,
        workload,
        service(name, scene.namespace, labels, container, scene.rng),
    )
    scene.apps.append(made)
    connect(scene, caller, made)
    return made


@fault("configuration", "database_credentials_invalid", "synthetic", outage=True, kinds=ANY)
def database_password(scene: Scene, app: App) -> str:
    """The database does not know its user or password."""
    product = scene.pick(sorted(_REFUSED))
    _database(scene, app, product)
    _dies(scene, app, _REFUSED[product])
    return ""


@fault("configuration", "database_connections_exhausted", "synthetic")
def database_full(scene: Scene, app: App) -> str:
    """The database has no connection left: its callers say so and run on."""
    product = scene.pick(sorted(_FULL))
    database = _database(scene, app, product)
    app.program = replace(app.program, says=(_FULL[product],) * 3)
    return f"app/{database.name}"


@fault("configuration", "database_read_only", "synthetic")
def database_closed(scene: Scene, app: App) -> str:
    """The database accepts no writes: its callers say so and run on."""
    product = scene.pick(sorted(_CLOSED))
    database = _database(scene, app, product)
    app.program = replace(app.program, says=(_CLOSED[product],) * 3)
    return f"app/{database.name}"
