"""Images that do not come, where a registry was asked: what is there, what is not, what keeps it from the nodes."""

from __future__ import annotations

from typing import Any

from schemas.images import ImageAnswer, RegistryAnswers
from tests.support.decide.clusters import Cluster
from tests.support.decide.faults import fault

_BOTH = ("linux/amd64", "linux/arm64")


def told(c: Cluster, *answers: ImageAnswer, near: dict[str, tuple[str, ...]] | None = None) -> None:
    """What registries say."""
    c.registry = RegistryAnswers(
        hosts=("registry.example",), images=(*c.registry.images, *answers), near=near or {}
    )


def there(image: str, *platforms: str) -> ImageAnswer:
    """A registry that has it."""
    return ImageAnswer(reference=image, exists="yes", digest="sha256:1", platforms=platforms)


def gone(image: str, **more: Any) -> ImageAnswer:
    """A registry that has it not."""
    detail = "HTTP 404 MANIFEST_UNKNOWN"
    return ImageAnswer(reference=image, exists="no", detail=detail, **more)


def released(c: Cluster, app: str) -> tuple[str, str]:
    """A new release half an hour ago that does not come; the image before it and its own."""
    before = str(c.container(app)["image"])
    stem = before.rpartition(":")[0]
    c.revise(app, image=f"{stem}:1.1")
    return before, f"{stem}:1.1"


def pulling(c: Cluster, app: str, why: str) -> None:
    """Its container waits for the image."""
    image = c.container(app)["image"]
    c.waiting(app, "ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {why}')


def nodes_of(c: Cluster, *architectures: str) -> None:
    """The nodes' processors, one after the other."""
    for number, node in enumerate(c.objects["nodes"]):
        labels = node["metadata"]["labels"]
        labels["kubernetes.io/os"] = "linux"
        labels["kubernetes.io/arch"] = architectures[number % len(architectures)]


def _not_found(image: str) -> str:
    return f"failed to resolve reference {image}: {image}: not found"


@fault("image_not_found", "the registry has the one before")
def _(c: Cluster, app: str) -> None:
    before, now = released(c, app)
    told(c, there(before, *_BOTH), gone(now), near={now: (before,)})
    pulling(c, app, _not_found(now))


@fault("image_not_found", "the registry has neither it nor the one before")
def _(c: Cluster, app: str) -> None:
    before, now = released(c, app)
    like = now.replace(":1.1", ":1.1.1")
    told(c, gone(before), gone(now), there(like, *_BOTH), near={now: (like,)})
    pulling(c, app, _not_found(now))


@fault("image_not_found", "the one before is for other nodes")
def _(c: Cluster, app: str) -> None:
    before, now = released(c, app)
    nodes_of(c, "arm64")
    told(c, there(before, "linux/amd64"), gone(now))
    pulling(c, app, _not_found(now))


@fault("image_not_found", "denied, and the registry knows who asks")
def _(c: Cluster, app: str) -> None:
    before, now = released(c, app)
    told(c, there(before, *_BOTH), gone(now, known_there=True))
    c.get("deployments", app)["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "pull"}]
    c.pod(app)["spec"]["imagePullSecrets"] = [{"name": "pull"}]
    pulling(c, app, "pull access denied, repository does not exist or may require authorization")


@fault("image_not_reached", "pushed after the pull")
def _(c: Cluster, app: str) -> None:
    before, now = released(c, app)
    told(c, there(before, *_BOTH), there(now, *_BOTH))
    pulling(c, app, _not_found(now))


@fault("image_not_reached", "a mirror lacks it")
def _(c: Cluster, app: str) -> None:
    before, now = released(c, app)
    told(c, there(before, *_BOTH), there(now, *_BOTH))
    path = now.partition("/")[2].replace(":", "/manifests/")
    mirror = f"https://mirror.corp.example/v2/{path}?ns=registry.example"
    pulling(c, app, f"failed to resolve reference {now}: unexpected status from HEAD request to "
                    f"{mirror}: 404 Not Found: not found")  # fmt: skip


@fault("image_not_reached", "the node's own way to it is shut")
def _(c: Cluster, app: str) -> None:
    _, now = released(c, app)
    told(c, there(now, *_BOTH))
    pulling(c, app, f"failed to do request: Head {now}: dial tcp 10.9.8.7:443: i/o timeout")


@fault("image_pull_limited")
def _(c: Cluster, app: str) -> None:
    pulling(c, app, "unexpected status code: 429 Too Many Requests - toomanyrequests: "
                    "You have reached your unauthenticated pull rate limit")  # fmt: skip


@fault("image_pull_limited", "of a new release")
def _(c: Cluster, app: str) -> None:
    before, now = released(c, app)
    told(c, there(before, *_BOTH), there(now, *_BOTH))
    pulling(c, app, "toomanyrequests: retry-after: 812.6µs, allowed: 44000/minute")


@fault("image_registry_unreachable", "for the one before too")
def _(c: Cluster, app: str) -> None:
    released(c, app)
    pulling(c, app, "dial tcp: lookup registry.example on 10.0.0.10:53: no such host")


@fault("image_platform_mismatch", "nodes of two kinds")
def _(c: Cluster, app: str) -> None:
    image = c.container(app)["image"]
    nodes_of(c, "amd64", "arm64", "amd64")
    told(c, there(image, "linux/arm64"))
    pulling(c, app, f"no match for platform in manifest of {image}: not found")


@fault("image_pull_secret_missing", "the registry has it for those who may")
def _(c: Cluster, app: str) -> None:
    image = c.container(app)["image"]
    told(c, ImageAnswer(reference=image, exists="yes", platforms=_BOTH, known_there=True))
    pulling(c, app, "unexpected status from HEAD request: 401 Unauthorized")
