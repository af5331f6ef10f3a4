"""Images that do not come: which class the runtime's words tell.

Messages: containerd and CRI-O pull errors, kubelet pkg/kubelet/images.
"""

from __future__ import annotations

import re

from decide.core.families.startup.facts import UnusableImage
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, Event
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import items
from manifests.objects.workloads import Workload

#: Waiting reasons of a container whose image does not come.
PULLING = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
}
#: What the runtime says of a pull, the first that fits answers.
_CLASSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "image_registry_unreachable",
        re.compile(
            r"no such host|server misbehaving|name resolution|registry is unavailable|"
            r"toomanyrequests|Too Many Requests|dial tcp [^ ]+: (i/o timeout|connect: )|"
            r"connection refused|"
            r"TLS handshake timeout|context deadline exceeded|network is unreachable|x509:|EOF$|"
            r"503 Service Unavailable",
            re.I,
        ),
    ),
    (
        "image_platform_mismatch",
        re.compile(
            r"no match for platform|does not match the specified platform|"
            r"no image found in (?:image index|manifest list) for architecture",
            re.I,
        ),
    ),
    (
        "image_pull_secret_missing",
        re.compile(
            r"401 Unauthorized|403 Forbidden|authorization failed|authentication required|"
            r"no basic auth credentials|"
            r"pull access denied|insufficient_scope|denied: |status code from registry 40[13]",
            re.I,
        ),
    ),
    (
        "image_not_found",
        re.compile(
            r"not found|manifest unknown|InvalidImageName|invalid reference format|"
            r"couldn't parse image|repository does not exist|"
            r"not present with pull policy of Never|name unknown",
            re.I,
        ),
    ),
)


def pull(
    view: ClusterView, workload: Workload, pod: Pod, container: Container
) -> Finding[UnusableImage]:
    """The finding about a container that waits for its image."""
    events = view.events_of("Pod", pod.namespace, pod.name)
    image = str(container.spec.get("image") or container.status.get("image") or "")
    text = _words(container, events, image)
    secrets = [e for e in events if e.reason == "FailedToRetrieveImagePullSecret"]
    class_id, score = _class_of(pod, container, text, without_secret=bool(secrets))
    told = [text or str(container.waiting.get("reason"))]
    if class_id == "image_pull_secret_missing":
        told += [e.message for e in secrets[-1:]]
    return Finding(
        failure_class=class_id,
        object=workload.ref,
        score=score,
        detail=quote(text),
        evidence=[Fact(source="event", statement=quote(t), object=workload.ref) for t in told],
        facts=UnusableImage(workload=workload, container=container.name, image=image),
    )


def _words(container: Container, events: list[Event], image: str) -> str:
    """What the runtime says of the pull, best with the image's name in it; that it waits longer and longer says nothing."""
    waits = str(container.waiting.get("message") or "")
    texts = [waits] + [
        e.message
        for e in reversed(events)
        if e.reason in ("Failed", "InspectFailed") and "image" in e.message
    ]
    told = [t for t in texts if t and not t.startswith("Back-off pulling")]
    return next((t for t in told if not image or image in t), told[0] if told else waits)


def _class_of(
    pod: Pod, container: Container, text: str, *, without_secret: bool
) -> tuple[str, float]:
    """The class and the belief in it. ``without_secret``: the kubelet could not read a pull secret that the pod names."""
    class_id = next((c for c, pattern in _CLASSES if pattern.search(text)), "")
    denied = class_id == "image_pull_secret_missing"
    if without_secret and (denied or class_id in ("", "image_not_found")):
        # Registries answer "not found" to strangers; with the credentials missing that says nothing of the image.
        denied, class_id = True, "image_pull_secret_missing"
    if str(container.waiting.get("reason")) == "InvalidImageName":
        return "image_not_found", 0.95
    if denied and "repository does not exist" in text:
        named = bool(items(pod.spec.get("imagePullSecrets"))) or without_secret
        return ("image_pull_secret_missing" if named else "image_not_found"), 0.85
    return (class_id, 0.95) if class_id else ("image_not_found", 0.5)
