"""Containers that do not start, do not stay, or do not get ready; jobs, budgets, finalizers.

What the kubelet, the runtime and the program say is rendered: these cases are marked synthetic, except where the
controllers' own objects decide.
"""

from __future__ import annotations

from dataclasses import replace

from lab import words
from lab.api import Refused, path_of
from lab.apps import probe
from lab.faults import fault
from lab.live import Live
from lab.scene import App, Obj, Program, Scene


def sick(scene: Scene, app: App) -> None:
    """Its pods run on nodes and do not get ready."""
    scene.broken.add(app.name)
    scene.visible.append(lambda live: live.played(app))


def _config(scene: Scene, app: App, kind: str, name: str, data: dict[str, str]) -> Obj:
    made: Obj = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": scene.namespace}}  # fmt: skip
    made["stringData" if kind == "Secret" else "data"] = data
    app.extras.append(made)
    return made


@fault("configuration", "config_reference_missing", "synthetic", outage=True)
def missing_object(scene: Scene, app: App) -> str:
    """A ConfigMap or Secret that its environment comes from is not there."""
    sick(scene, app)
    kind = scene.pick(("ConfigMap", "Secret"))
    name = scene.pick((f"{app.name}-config", f"{app.name}-env", scene.words.word()))
    if scene.rng.random() < 0.5:  # it exists under another spelling
        _config(scene, app, kind, name, {"MODE": "on"})
        name = scene.words.misspelt(name)
    prefix = "configMap" if kind == "ConfigMap" else "secret"
    if scene.rng.random() < 0.5:
        app.container["envFrom"] = [{f"{prefix}Ref": {"name": name}}]
    else:
        app.container["env"].append({"name": "MODE", "valueFrom": {f"{prefix}KeyRef": {"name": name, "key": "MODE"}}})  # fmt: skip
    return ""


@fault("configuration", "config_reference_missing", "synthetic", outage=True)
def missing_key(scene: Scene, app: App) -> str:
    """The ConfigMap or Secret is there, the key is not."""
    sick(scene, app)
    kind = scene.pick(("ConfigMap", "Secret"))
    name = f"{app.name}-settings"
    _config(scene, app, kind, name, {"mode": "on", "region": "north"})
    prefix = "configMap" if kind == "ConfigMap" else "secret"
    key = scene.pick(("MODE", "modes", "zone"))
    app.container["env"].append({"name": "MODE", "valueFrom": {f"{prefix}KeyRef": {"name": name, "key": key}}})  # fmt: skip
    return ""


@fault("configuration", "config_reference_missing", "synthetic", outage=True)
def missing_volume_source(scene: Scene, app: App) -> str:
    """A ConfigMap or Secret that it mounts is not there, or lacks an item."""
    sick(scene, app)
    name = f"{app.name}-files"
    way = scene.pick(("configMap", "secret", "item"))
    if way == "item":
        _config(scene, app, "ConfigMap", name, {"app.yaml": "mode: on"})
        source: Obj = {"configMap": {"name": name, "items": [{"key": "application.yaml", "path": "app.yaml"}]}}  # fmt: skip
    else:
        source = {way: {"name": name} if way == "configMap" else {"secretName": name}}
    app.spec["volumes"] = [{"name": "files", **source}]
    app.container["volumeMounts"] = [{"name": "files", "mountPath": "/etc/app"}]
    return ""


@fault("configuration", "image_not_found", "synthetic", outage=True)
def image_tag(scene: Scene, app: App) -> str:
    """The tag, or the repository, does not exist."""
    sick(scene, app)
    repository, _, tag = app.container["image"].rpartition(":")
    wrong = (f"{repository}:{tag}-rc9", f"{repository}:latest-stable", f"{scene.words.misspelt(repository)}:{tag}")  # fmt: skip
    app.container["image"] = scene.pick(wrong[:2])
    if scene.rng.random() < 0.3:
        head, _, name = repository.rpartition("/")
        app.container["image"] = f"{head}/{scene.words.misspelt(name)}:{tag}"
    return ""


@fault("configuration", "image_registry_unreachable", "synthetic", outage=True)
def image_registry(scene: Scene, app: App) -> str:
    """The registry's name does not resolve."""
    sick(scene, app)
    host, _, rest = app.container["image"].partition("/")
    first, _, domain = host.partition(".")
    app.container["image"] = f"{scene.words.misspelt(first)}.{domain}/{rest}"
    return ""


@fault("configuration", "image_pull_secret_missing", "synthetic", outage=True)
def pull_secret(scene: Scene, app: App) -> str:
    """The registry wants credentials; the secret is not named, or not there."""
    sick(scene, app)
    scene.private.add(app.container["image"])
    if scene.rng.random() < 0.7:
        app.spec["imagePullSecrets"] = [{"name": f"{scene.words.word()}-pull"}]
    return ""


@fault("configuration", "image_platform_mismatch", "synthetic", outage=True)
def image_platform(scene: Scene, app: App) -> str:
    """The image is built for another processor."""
    sick(scene, app)
    app.program = replace(app.program, architecture="arm64")
    return ""


@fault("configuration", "bad_command", "synthetic", outage=True)
def command(scene: Scene, app: App) -> str:
    """The command does not exist in the image."""
    sick(scene, app)
    app.container["command"] = scene.pick((["/app/run.sh"], [f"/usr/local/bin/{app.name}"], ["serve"], ["/bin/bash", "-c", "exec server"]))  # fmt: skip
    return ""


def _probed(app: App, scene: Scene, kind: str, speaks: str = "") -> Obj:
    if speaks:
        app.program = replace(app.program, speaks=speaks)
    for name in ("livenessProbe", "readinessProbe"):
        if name in app.container or name == kind:
            app.container[name] = probe(app.program, scene.rng, name)
    wrong: Obj = app.container[kind]
    return wrong


def _handler(wrong: Obj) -> Obj:
    found: Obj = next(wrong[k] for k in ("httpGet", "tcpSocket", "grpc") if k in wrong)
    return found


@fault("configuration", "liveness_probe_port", "synthetic", outage=True)
def liveness_port(scene: Scene, app: App) -> str:
    """The liveness probe asks a port at which nothing listens."""
    sick(scene, app)
    _handler(_probed(app, scene, "livenessProbe"))["port"] = app.program.port + scene.pick((1, 10, 80))  # fmt: skip
    return ""


@fault("configuration", "readiness_probe_port", "synthetic", outage=True)
def readiness_port(scene: Scene, app: App) -> str:
    """The readiness probe asks a port at which nothing listens."""
    sick(scene, app)
    _handler(_probed(app, scene, "readinessProbe"))["port"] = app.program.port + scene.pick((1, 10, 80))  # fmt: skip
    return ""


@fault("configuration", "readiness_probe_port", "synthetic", outage=True)
def readiness_port_name(scene: Scene, app: App) -> str:
    """The readiness probe names a port that the container does not have."""
    sick(scene, app)
    _handler(_probed(app, scene, "readinessProbe", scene.pick(("http", "tcp"))))["port"] = "healthport"  # fmt: skip
    return ""


@fault("configuration", "liveness_probe_path", "synthetic")
def liveness_path(scene: Scene, app: App) -> str:
    """The liveness probe asks a path that the program does not know."""
    sick(scene, app)
    _probed(app, scene, "livenessProbe", "http")["httpGet"]["path"] = scene.pick(("/alive", "/-/healthy", "/api/health"))  # fmt: skip
    return ""


@fault("configuration", "readiness_probe_path", "synthetic", outage=True)
def readiness_path(scene: Scene, app: App) -> str:
    """The readiness probe asks a path that the program does not know."""
    sick(scene, app)
    _probed(app, scene, "readinessProbe", "http")["httpGet"]["path"] = scene.pick(("/is-ready", "/-/ready", "/api/ready"))  # fmt: skip
    return ""


@fault("configuration", "liveness_probe_protocol", "synthetic")
def liveness_protocol(scene: Scene, app: App) -> str:
    """The liveness probe speaks HTTP to a gRPC server, or the other way round, or TLS."""
    sick(scene, app)
    _speak(_probed(app, scene, "livenessProbe", scene.pick(("http", "grpc"))), app, scene)
    return ""


@fault("configuration", "readiness_probe_protocol", "synthetic", outage=True)
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


@fault("configuration", "liveness_probe_timing", "synthetic")
def liveness_timing(scene: Scene, app: App) -> str:
    """The liveness probe gives up before the program listens."""
    sick(scene, app)
    app.program = replace(app.program, start_s=scene.rng.randint(40, 90))
    wrong = _probed(app, scene, "livenessProbe")
    wrong |= {"initialDelaySeconds": scene.pick((0, 2, 5)), "periodSeconds": scene.pick((2, 5)), "failureThreshold": scene.pick((1, 2))}  # fmt: skip
    return ""


@fault("configuration", "oom_killed", "synthetic", outage=True)
def oom(scene: Scene, app: App) -> str:
    """The program needs more memory than its limit."""
    sick(scene, app)
    resources = app.container["resources"]
    less = int(app.program.memory_mib * scene.rng.uniform(0.3, 0.8)) or 8
    resources["limits"]["memory"] = f"{less}Mi"
    resources["requests"]["memory"] = f"{min(less, 16)}Mi"
    return ""


@fault("configuration", "missing_env", "synthetic", outage=True)
def env_missing(scene: Scene, app: App) -> str:
    """The program needs a variable that nobody sets."""
    sick(scene, app)
    key = f"{scene.words.word().upper()}_{scene.pick(('TOKEN', 'REGION', 'DSN', 'MODE'))}"
    app.program = replace(app.program, needs_env=(key,))
    return ""


@fault("configuration", "crash_bad_config", "synthetic", outage=True)
def bad_value(scene: Scene, app: App) -> str:
    """A variable has a value that the program refuses."""
    sick(scene, app)
    key = f"{scene.words.word().upper()}_{scene.pick(('LIMIT', 'TIMEOUT', 'WORKERS'))}"
    app.program = replace(app.program, numeric_env=(key,))
    app.container["env"].append({"name": key, "value": scene.pick(("ten", "5 s", "auto"))})
    return ""


@fault("configuration", "crash_code", "synthetic", outage=True)
def crash(scene: Scene, app: App) -> str:
    """The program has a bug: it ends by itself."""
    sick(scene, app)
    app.program = replace(app.program, dying_words=words.PANIC[app.program.language], exit_code=2 if app.program.language == "go" else 1)  # fmt: skip
    return ""


@fault("configuration", "bad_rollout", "synthetic")
def regression(scene: Scene, app: App) -> str:
    """A new image crashes; the pods of the one before still serve, the rollout is stuck."""
    repository = app.container["image"].rpartition(":")[0]
    image = f"{repository}:9.{scene.rng.randint(0, 9)}.0"
    scene.images.add(image)
    app.program = replace(app.program, dying_words=words.PANIC[app.program.language], broken_image=image)  # fmt: skip
    app.workload["spec"] |= {"progressDeadlineSeconds": 4, "replicas": max(2, app.replicas)}
    _new_revision(scene, app, image)
    return ""


@fault("configuration", "image_not_found", "synthetic")
def stuck_rollout(scene: Scene, app: App) -> str:
    """A new revision names an image that is not there; the pods of the one before still serve."""
    image = f"{app.container['image']}-{scene.words.word()}"
    app.workload["spec"] |= {"progressDeadlineSeconds": 4, "replicas": max(2, app.replicas)}
    _new_revision(scene, app, image)
    return ""


def _new_revision(scene: Scene, app: App, image: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": app.container["name"], "image": image}]}}}}  # fmt: skip

    def step(live: Live) -> None:
        live.api.merge(path_of(app.workload, app.name), patch, strategic=True)
        app.container["image"] = image

    def stuck(live: Live) -> bool:
        found = live.api.get(path_of(app.workload, app.name))
        conditions = (found.get("status") or {}).get("conditions") or []
        return any(c.get("reason") == "ProgressDeadlineExceeded" for c in conditions)

    scene.steps.append(step)
    scene.visible.append(stuck)


@fault("configuration", "volume_permission_denied", "synthetic", outage=True)
def volume_permission(scene: Scene, app: App) -> str:
    """The program's user may not write to its volume."""
    sick(scene, app)
    path = scene.pick(("/data", "/var/lib/store", "/srv/state"))
    app.program = replace(app.program, writes_to=path)
    app.spec["volumes"] = [{"name": "state", "emptyDir": {}}]
    app.spec["securityContext"] = {"runAsUser": 10001, "runAsNonRoot": True}
    app.container["volumeMounts"] = [{"name": "state", "mountPath": path}]
    return ""


@fault("configuration", "sidecar_port_conflict", "synthetic", outage=True)
def sidecar(scene: Scene, app: App) -> str:
    """A second container of the pod wants the port of the first."""
    sick(scene, app)
    name = scene.pick(("exporter", "proxy", "agent"))
    beside = replace(app.program, language="go", command=f"/bin/{name}")
    image = f"{app.container['image'].rpartition('/')[0]}/{name}:1.4.2"
    scene.images.add(image)
    app.beside[name] = beside
    app.spec["containers"].append({"name": name, "image": image, "ports": [{"containerPort": app.program.port}]})  # fmt: skip
    return ""


@fault("configuration", "init_container_failing", "synthetic", outage=True)
def init_container(scene: Scene, app: App) -> str:
    """An init container ends with an error."""
    sick(scene, app)
    name = scene.pick(("migrate", "prepare", "wait"))
    lines = (scene.pick(("migration 0041 failed: column \"kind\" already exists", "schema version 17 is newer than this program", "step 3 of 7 failed")),)  # fmt: skip
    app.beside[name] = Program("go", 0, "tcp", "", f"/bin/{name}", 16, 10, 0, dying_words=lines)
    image = app.container["image"]
    app.spec["initContainers"] = [{"name": name, "image": image, "command": [f"/bin/{name}"]}]
    return ""


@fault("configuration", "pod_security_violation", "synthetic", outage=True)
def runs_as_root(scene: Scene, app: App) -> str:
    """The image runs as root, the manifest forbids it."""
    sick(scene, app)
    app.program = replace(app.program, root=True)
    app.spec["securityContext"] = {"runAsNonRoot": True}
    return ""


@fault("configuration", "rbac_denied", "synthetic", outage=True)
def rbac(scene: Scene, app: App) -> str:
    """The program may not read what it needs from the API server."""
    sick(scene, app)
    line = words.FORBIDDEN.format(plural=scene.pick(("pods", "configmaps", "endpoints")), namespace=scene.namespace, account="default")  # fmt: skip
    app.program = replace(app.program, dying_words=(f"fatal: {line}",))
    return ""


def _job(scene: Scene, name: str, image: str, kind: str, spec: Obj) -> Obj:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "task", "image": image, "resources": {"requests": {"cpu": "10m"}}}]}}  # fmt: skip
    job: Obj = {"backoffLimit": 0, "template": template}
    body = job if kind == "Job" else {"schedule": "*/5 * * * *", "jobTemplate": {"spec": job}, **spec}  # fmt: skip
    return {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": name, "namespace": scene.namespace}, "spec": body}  # fmt: skip


@fault("configuration", "job_failing", "synthetic")
def failing_job(scene: Scene, app: App) -> str:
    """A job's pod ends with an error and may not be tried again."""
    name = f"{scene.words.word()}-import"
    scene.title = scene.pick(("Job {app} failed", ""))
    image = app.container["image"]
    program = replace(app.program, needs_env=(), dying_words=("import failed: 3 of 41 records are invalid",), finishes=True)  # fmt: skip
    scene.apps.append(App(name, scene.namespace, program, _job(scene, name, image, "Job", {})))
    scene.visible.append(lambda live: live.said(scene.app(name), "BackoffLimitExceeded", "backoff limit"))  # fmt: skip
    scene.broken.add(name)
    return f"app/{name}"


@fault("configuration", "cron_suspended")
def suspended(scene: Scene, app: App) -> str:
    """A cron job that should run does not: somebody suspended it. The repository does not say so."""
    name = f"{scene.words.word()}-nightly"
    cron = _job(scene, name, app.container["image"], "CronJob", {"suspend": True})
    made = App(name, scene.namespace, replace(app.program, finishes=True), cron)
    made.declared = _job(scene, name, app.container["image"], "CronJob", {})
    scene.title = "No run of {app} for a day"
    scene.apps.append(made)
    return f"app/{name}"


@fault("configuration", "disruption_budget_blocks")
def budget(scene: Scene, app: App) -> str:
    """The budget allows no disruption at all: a node cannot be drained."""
    labels = dict(app.template["metadata"]["labels"])
    scene.title = "A node drain does not finish"
    spec = scene.pick(({"minAvailable": app.replicas}, {"maxUnavailable": 0}, {"minAvailable": "100%"}))  # fmt: skip
    made: Obj = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": f"{app.name}-pdb", "namespace": scene.namespace}}  # fmt: skip
    app.extras.append({**made, "spec": {**spec, "selector": {"matchLabels": labels}}})

    def step(live: Live) -> None:
        from lab.kubelet import Said
        from lab.nodes_agent import event

        live.wait(lambda: live.played(app), "no pod to evict")
        pod = live.pods(app)[0]
        place = path_of(pod | {"apiVersion": "v1", "kind": "Pod"}, pod["metadata"]["name"])
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod["metadata"]["name"], "namespace": scene.namespace}}  # fmt: skip

        def kept() -> bool:
            try:
                live.api.call("POST", f"{place}/eviction?dryRun=All", eviction)
            except Refused as refused:
                words_ = refused.message
                live.api.create(event(pod, Said("FailedEviction", words_, True, 7), "", scene.namespace, component="drainer"))  # fmt: skip
                return "disruption budget" in words_
            return False

        live.wait(kept, "the budget lets the pod go")

    scene.steps.append(step)
    return ""


@fault("configuration", "finalizer_stuck")
def finalizer(scene: Scene, app: App) -> str:
    """Its workload was deleted and waits for a finalizer whose controller is gone."""
    name = f"{scene.words.word()}.example.com/cleanup"
    scene.title = "Deletion of {app} does not finish"
    app.workload["metadata"]["finalizers"] = [name]

    def step(live: Live) -> None:
        live.wait(lambda: live.played(app), f"{app.name} is not there")
        live.api.call("DELETE", path_of(app.workload, app.name), {"propagationPolicy": "Background"})  # fmt: skip

    scene.steps.append(step)
    scene.broken.add(app.name)
    return ""
