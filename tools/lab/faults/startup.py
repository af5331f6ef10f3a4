"""Containers that do not start: references, images, commands. What kubelet and runtime say of it is rendered."""

from __future__ import annotations

from dataclasses import replace

from tools.lab.faults import ANY, fault, sick
from tools.lab.scene import App, Obj, Program, Scene


def _config(scene: Scene, app: App, kind: str, name: str, data: dict[str, str]) -> Obj:
    made: Obj = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": scene.namespace},
    }
    made["stringData" if kind == "Secret" else "data"] = data
    app.extras.append(made)
    return made


@fault("configuration", "config_reference_missing", "synthetic", outage=True, kinds=ANY)
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
        app.container["env"].append(
            {"name": "MODE", "valueFrom": {f"{prefix}KeyRef": {"name": name, "key": "MODE"}}}
        )
    return ""


@fault("configuration", "config_reference_missing", "synthetic", outage=True, kinds=ANY)
def missing_key(scene: Scene, app: App) -> str:
    """The ConfigMap or Secret is there, the key is not."""
    sick(scene, app)
    kind = scene.pick(("ConfigMap", "Secret"))
    name = f"{app.name}-settings"
    _config(scene, app, kind, name, {"mode": "on", "region": "north"})
    prefix = "configMap" if kind == "ConfigMap" else "secret"
    key = scene.pick(("MODE", "modes", "zone"))
    app.container["env"].append(
        {"name": "MODE", "valueFrom": {f"{prefix}KeyRef": {"name": name, "key": key}}}
    )
    return ""


@fault("configuration", "config_reference_missing", "synthetic", outage=True, kinds=ANY)
def missing_volume_source(scene: Scene, app: App) -> str:
    """A ConfigMap or Secret that it mounts is not there, or lacks an item."""
    sick(scene, app)
    name = f"{app.name}-files"
    way = scene.pick(("configMap", "secret", "item"))
    if way == "item":
        _config(scene, app, "ConfigMap", name, {"app.yaml": "mode: on"})
        source: Obj = {
            "configMap": {"name": name, "items": [{"key": "application.yaml", "path": "app.yaml"}]}
        }
    else:
        source = {way: {"name": name} if way == "configMap" else {"secretName": name}}
    app.spec["volumes"] = [{"name": "files", **source}]
    app.container["volumeMounts"] = [{"name": "files", "mountPath": "/etc/app"}]
    return ""


@fault("configuration", "image_not_found", "synthetic", outage=True, kinds=ANY)
def image_tag(scene: Scene, app: App) -> str:
    """The tag, or the repository, does not exist."""
    sick(scene, app)
    repository, _, tag = app.container["image"].rpartition(":")
    wrong = (
        f"{repository}:{tag}-rc9",
        f"{repository}:latest-stable",
        f"{scene.words.misspelt(repository)}:{tag}",
    )
    app.container["image"] = scene.pick(wrong[:2])
    if scene.rng.random() < 0.3:
        head, _, name = repository.rpartition("/")
        app.container["image"] = f"{head}/{scene.words.misspelt(name)}:{tag}"
    return ""


@fault("configuration", "image_registry_unreachable", "synthetic", outage=True, kinds=ANY)
def image_registry(scene: Scene, app: App) -> str:
    """The registry's name does not resolve."""
    sick(scene, app)
    host, _, rest = app.container["image"].partition("/")
    first, _, domain = host.partition(".")
    app.container["image"] = f"{scene.words.misspelt(first)}.{domain}/{rest}"
    return ""


@fault("configuration", "image_pull_secret_missing", "synthetic", outage=True, kinds=ANY)
def pull_secret(scene: Scene, app: App) -> str:
    """The registry wants credentials; the secret is not named, or not there."""
    sick(scene, app)
    scene.private.add(app.container["image"])
    if scene.rng.random() < 0.7:
        app.spec["imagePullSecrets"] = [{"name": f"{scene.words.word()}-pull"}]
    return ""


@fault("configuration", "image_platform_mismatch", "synthetic", outage=True, kinds=ANY)
def image_platform(scene: Scene, app: App) -> str:
    """The image is built for another processor."""
    sick(scene, app)
    app.program = replace(app.program, architecture="arm64")
    return ""


@fault("configuration", "bad_command", "synthetic", outage=True, kinds=ANY)
def command(scene: Scene, app: App) -> str:
    """The command does not exist in the image."""
    sick(scene, app)
    app.container["command"] = scene.pick(
        (
            ["/app/run.sh"],
            [f"/usr/local/bin/{app.name}"],
            ["serve"],
            ["/bin/bash", "-c", "exec server"],
        )
    )
    return ""


@fault("configuration", "init_container_failing", "synthetic", outage=True, kinds=ANY)
def init_container(scene: Scene, app: App) -> str:
    """An init container ends with an error."""
    sick(scene, app)
    name = scene.pick(("migrate", "prepare", "wait"))
    lines = (
        scene.pick(
            (
                'migration 0041 failed: column "kind" already exists',
                "schema version 17 is newer than this program",
                "step 3 of 7 failed",
            )
        ),
    )
    app.beside[name] = Program("go", 0, "tcp", "", f"/bin/{name}", 16, 10, 0, dying_words=lines)
    image = app.container["image"]
    app.spec["initContainers"] = [{"name": name, "image": image, "command": [f"/bin/{name}"]}]
    return ""


@fault("configuration", "pod_security_violation", "synthetic", outage=True, kinds=ANY)
def runs_as_root(scene: Scene, app: App) -> str:
    """The image runs as root, the manifest forbids it."""
    sick(scene, app)
    app.program = replace(app.program, root=True)
    app.spec["securityContext"] = {"runAsNonRoot": True}
    return ""
