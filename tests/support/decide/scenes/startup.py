"""Containers that do not start: images, references, volumes, the runtime's words, init containers."""

from __future__ import annotations

from typing import Any

from tests.support.decide.clusters import Cluster
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import beside, pod_specs, warned

_FAMILY = "startup"
_IMAGE = "registry.example/shop:9"


def _pulling(
    told: str,
    message: str,
    *events: tuple[str, str],
    reason: str = "ErrImagePull",
    secret: bool = False,
    image: str = _IMAGE,
    varied: bool = False,
) -> None:
    @scene(_FAMILY, f"an image does not come: {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        c.container(app)["image"] = image
        for spec in pod_specs(c, app) if secret else ():
            spec["imagePullSecrets"] = [{"name": "registry"}]
        for why, text in events:
            warned(c, app, why, text)
        c.waiting(app, reason, message)


_pulling("it is not found", f"{_IMAGE}: not found", varied=True)
_pulling("nobody knows the registry", "dial tcp: lookup registry.example: no such host")
_pulling("another platform", "no match for platform in manifest: not found")
_pulling("it is denied", "401 Unauthorized", secret=True)
_pulling(
    "it is denied or not there",
    "pull access denied, repository does not exist or may require authorization",
)
_pulling(
    "it is denied or not there, with a secret",
    "pull access denied, repository does not exist",
    secret=True,
)
_pulling("nobody says why", "")
_pulling("nobody says why, in words", "it is what it is")
_pulling("its name is none", "couldn't parse image name", reason="InvalidImageName")
_pulling("its name is none, in other words", "401 Unauthorized", reason="InvalidImageName")
for _reason in (
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
):
    _pulling(f"it waits with {_reason}", "x509: unknown authority", reason=_reason)
_pulling(
    "it waits longer and longer, and events tell",
    f'Back-off pulling image "{_IMAGE}"',
    ("Failed", f"Failed to pull image {_IMAGE}: 403 Forbidden"),
    ("Failed", f"Failed to pull image {_IMAGE}: manifest unknown"),
    ("Failed", "Error: ErrImagePull"),
    ("Failed", "Failed to pull image of another: no such host"),
    ("Pulling", f"image {_IMAGE}: x509: bad"),
    reason="ImagePullBackOff",
    varied=True,
)
_pulling(
    "it waits longer and longer, and events tell of another image",
    f'Back-off pulling image "{_IMAGE}"',
    ("InspectFailed", "Failed to inspect image other: 401 Unauthorized"),
    ("Failed", "Failed to pull image third: no such host"),
    reason="ImagePullBackOff",
)
_pulling(
    "it waits longer and longer, and nobody tells",
    f'Back-off pulling image "{_IMAGE}"',
    reason="ImagePullBackOff",
)
_RETRIEVE = (
    "FailedToRetrieveImagePullSecret",
    "Unable to retrieve some image pull secrets (registry)",
)
_pulling("it is not found by a stranger", f"{_IMAGE}: not found", _RETRIEVE, ("x", "y"), _RETRIEVE)
_pulling("nobody says why, and a secret is missing", "it is what it is", _RETRIEVE)
_pulling("nobody knows the registry, and a secret is missing", "no such host", _RETRIEVE)
_pulling(
    "it is denied or not there, and a secret is missing",
    "denied: repository does not exist",
    _RETRIEVE,
)
_pulling("it has no name", "401 Unauthorized", image="")


@scene(_FAMILY, "the status alone knows the image")
def _(c: Cluster, app: str) -> None:
    c.container(app).pop("image")
    c.waiting(app, "ErrImagePull", "not found")
    c.pod(app)["status"]["containerStatuses"][0]["image"] = _IMAGE


def _creating(
    told: str,
    message: str,
    *events: tuple[str, str],
    reason: str = "CreateContainerError",
    varied: bool = False,
) -> None:
    @scene(_FAMILY, f"a container is not created: {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        for why, text in events:
            warned(c, app, why, text)
        c.waiting(app, reason, message)


_creating(
    "a ConfigMap is not there",
    'configmap "settings" not found',
    reason="CreateContainerConfigError",
    varied=True,
)
_creating("a Secret is not there", 'secret "token" not found', reason="CreateContainerConfigError")
_creating("a ConfigMap's key is not there", "couldn't find key url in ConfigMap shop/settings")
_creating("a Secret's key is not there", "couldn't find key url in Secret shop/token")
_creating("its limit is too low", "container init was OOM-killed: permission denied")
_creating("it would run as root", "container has runAsNonRoot and image will run as root")
_creating("its volume is no folder", "error mounting /x: not a directory: permission denied")
_creating("another platform", "exec format error: no such file or directory")
_creating(
    "its command is not there",
    "exec: shop: executable file not found in $PATH",
    reason="RunContainerError",
)
_creating("it has no command", "no command specified")
_creating("for a reason that nobody knows", "it is what it is")
_creating(
    "a ConfigMap is not there, whatever else", 'configmap "settings" not found: permission denied'
)
_creating(
    "events tell",
    "",
    ("Failed", "no command specified"),
    ("Failed", "runAsNonRoot"),
    ("Pulled", "OOM"),
)
_creating("nobody tells", "", ("Pulled", "OOM"))
_creating("for a reason of another kind", "no command specified", reason="CrashLoopBackOff")


def _mounting(
    told: str, *events: tuple[str, str], reason: str = "ContainerCreating", node: bool = True
) -> None:
    @scene(_FAMILY, f"a pod is not prepared: {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        for why, text in events:
            warned(c, app, why, text)
        c.waiting(app, reason)
        if not node:
            c.pod(app)["spec"].pop("nodeName")


_SANDBOX = "FailedCreatePodSandBox"
_mounting("nobody says why", ("Pulled", "all is well"))
_mounting("a ConfigMap is not there", ("FailedMount", 'configmap "settings" not found'))
_mounting(
    "a Secret is not there, of a pod that initialises",
    ("FailedMount", 'secret "token" not found'),
    reason="PodInitializing",
)
_mounting("a key is not there", ("FailedMount", "references non-existent config key: app.yaml"))
_mounting(
    "a Secret's key is not there", ("FailedMount", "references non-existent secret key: tls.crt")
)
_mounting(
    "a volume is held elsewhere", ("FailedAttachVolume", "Multi-Attach error for volume data")
)
_mounting("a volume does not come", ("FailedMount", "MountVolume.SetUp failed"))
_mounting("a sandbox does not come", (_SANDBOX, "it is what it is"))
_mounting("a sandbox has too little memory", (_SANDBOX, "container init was OOM-killed"))
_mounting(
    "its node has no network plugin",
    (_SANDBOX, "network plugin is not ready: cni config uninitialized"),
)
_mounting(
    "its node has no network plugin, and it has no node",
    (_SANDBOX, "cni plugin not initialized"),
    node=False,
)
_mounting("it gets no address", (_SANDBOX, "failed to assign an IP address to container"))
_mounting(
    "the newest event counts",
    ("FailedMount", 'configmap "settings" not found'),
    ("FailedMount", "Multi-Attach error for volume data"),
    ("Pulled", "all is well"),
)
_mounting(
    "what others wait for is no matter",
    ("FailedMount", "MountVolume.SetUp failed"),
    reason="CrashLoopBackOff",
)


def _ended(
    told: str, code: int, message: str = "", *, ready: bool = False, varied: bool = False
) -> None:
    @scene(_FAMILY, f"a container ended with {code}, {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        terminated = {"exitCode": code, "reason": "Error", "message": message}
        c.status(app, ready=ready, restartCount=2, lastState={"terminated": terminated})
        c.pod(app)["status"]["conditions"] = [{"type": "Ready", "status": "False"}]


for _code in (0, 1, 125, 126, 127, 128):
    _ended("without a word", _code)
_ended("its shell says why", 127, "sh: shop: not found")
_ended(
    "its command is not there", 128, 'exec: "shop": executable file not found in $PATH', varied=True
)
_ended("its command has no status", 128, "stat /shop: no such file or directory")
_ended("its command is not started", 128, "starting container process caused: permission denied")
_ended("a file of its own is not there", 1, "open /shop.yaml: no such file or directory")
_ended("another platform", 255, "exec /shop: exec format error")
_ended("its volume is no folder", 128, "error mounting /x: exec permission denied")
_ended("its memory was too little", 128, "container init was OOM-killed")
_ended("and is ready again", 128, "no command: exec: permission denied", ready=True)


def _initial(told: str, code: int, message: str = "") -> None:
    @scene(_FAMILY, f"an init container ended with {code}, {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        for spec in pod_specs(c, app):
            spec["initContainers"] = [{"name": "prepare", "image": "registry.example/prepare:1"}]
        state = {"terminated": {"exitCode": code, "message": message}}
        status = {"name": "prepare", "ready": False, "restartCount": 3, "state": state}
        c.pod(app)["status"]["initContainerStatuses"] = [status]
        c.waiting(app, "PodInitializing")
        warned(c, app, "FailedMount", "MountVolume.SetUp failed")


_initial("and is done", 0)
_initial("without a word", 1)
_initial("its shell did not find a command", 127)
_initial("its command is not there", 128, "exec: x: executable file not found in $PATH")


def _pods(told: str, **changes: Any) -> None:
    @scene(_FAMILY, f"a container waits for its image in a pod that {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        c.waiting(app, "ErrImagePull", "not found")
        c.pod(app)["metadata"] |= changes.get("metadata", {})
        c.pod(app)["status"] |= changes.get("status", {})


_pods("is being deleted", metadata={"deletionTimestamp": "2026-05-04T11:00:00Z"})
_pods(
    "is ready after all",
    status={"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": []},
)
_pods("has done its work", status={"phase": "Succeeded"})


@scene(_FAMILY, "two containers wait for two images, in two pods: each class is told once")
def _(c: Cluster, app: str) -> None:
    beside(
        c,
        app,
        ready=False,
        state={"waiting": {"reason": "ErrImagePull", "message": "no such host"}},
    )
    c.waiting(app, "ErrImagePull", f"{_IMAGE}: not found")
    pod = c.pod(app)
    name = pod["metadata"]["name"][:-1] + "0"
    c.objects["pods"].append({**pod, "metadata": {**pod["metadata"], "name": name}})
