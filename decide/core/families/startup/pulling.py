"""Images that do not come: which class the runtime's words tell, and what the registry says to them.

Messages: containerd and CRI-O pull errors, kubelet pkg/kubelet/images.
"""

from __future__ import annotations

import re

from decide.core.drafting.images import answer_about
from decide.core.drafting.revisions import before, image_of
from decide.core.families.startup.facts import UnusableImage
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, Event
from kfix.incident.images import parse
from kfix.texts import say
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import items
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.images import ImageAnswer

#: The address that a runtime quotes of a registry's answer.
_ANSWERED = re.compile(r"https?://(?P<host>[A-Za-z0-9.:-]{1,255})/v2/")
#: Classes in which the image is right.
_RIGHT = ("image_not_reached", "image_pull_limited")
#: Belief where the registry itself says that the image is not there.
_TOLD = 0.95
#: What the runtime says of a pull, the first that fits answers.
_CLASSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "image_pull_limited",
        re.compile(r"toomanyrequests|429 Too Many Requests|pull rate limit", re.I),
    ),
    (
        "image_registry_unreachable",
        re.compile(
            r"no such host|server misbehaving|name resolution|registry is unavailable|"
            r"dial tcp [^ ]+: (i/o timeout|connect: )|"
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
    answer = answer_about(view, image)
    class_id, score = _corrected(class_id, score, text, answer)
    evidence = [Fact(source="event", statement=quote(t), object=workload.ref) for t in told]
    evidence += _registry_says(image, answer, workload.ref)
    evidence += _mirror_says(image, text, workload.ref)
    well = _running_yet(workload, container.name, image)
    if well:
        yet = say("startup.image.runs_yet", n=well, image=image)
        evidence.append(Fact(source="object", statement=yet, object=workload.ref))
    return Finding(
        failure_class=class_id,
        object=workload.ref,
        score=score,
        detail=quote(text),
        evidence=evidence,
        facts=UnusableImage(
            workload=workload,
            container=container.name,
            image=image,
            well=well,
            right=class_id in _RIGHT
            or _unreachable_before(class_id, view, workload, container, image),
        ),
    )


def _running_yet(workload: Workload, container: str, image: str) -> int:
    """The workload's pods that run the image and are ready: they pulled it while it was there."""
    return sum(
        one.name == container and one.ready and one.spec.get("image") == image
        for pod in workload.pods
        for one in pod.containers()
    )


def _unreachable_before(
    class_id: str, view: ClusterView, workload: Workload, container: Container, image: str
) -> bool:
    """Nobody answers for the registry, and the image of the last good revision comes from there too."""
    good = before(view, workload) if class_id == "image_registry_unreachable" else None
    then = parse(image_of(good, container.name)) if good is not None else None
    now = parse(image)
    return now is not None and then is not None and now.host == then.host


def _mirror_says(image: str, text: str, ref: ObjectRef) -> list[Fact]:
    """Who answered, where the nodes pull from somebody else than the image names."""
    named, answered = parse(image), _ANSWERED.search(text)
    if named is None or answered is None:
        return []
    host = answered["host"].lower()
    if host == named.host or (named.host == "docker.io" and host.endswith("docker.io")):
        return []
    said = say("startup.registry.mirror", mirror=quote(host), host=named.host)
    return [Fact(source="event", statement=said, object=ref)]


def _registry_says(image: str, answer: ImageAnswer, ref: ObjectRef) -> list[Fact]:
    """What the registry says of an image, as evidence; nothing where nobody was asked."""
    if answer.why == "not_asked":
        return []
    said = {"image": image, "platforms": answer.platforms[:6], "detail": answer.detail}
    if answer.exists == "yes":
        text = "startup.registry.has_for" if answer.platforms else "startup.registry.has"
    else:
        text = "startup.registry.has_not" if answer.exists == "no" else "startup.registry.silent"
    return [Fact(source="registry", statement=say(text, **said), object=ref)]


def _corrected(class_id: str, score: float, text: str, answer: ImageAnswer) -> tuple[str, float]:
    """What the registry's own answer makes of a class that the runtime's words tell."""
    if answer.exists == "yes" and class_id in ("image_not_found", "image_registry_unreachable"):
        return "image_not_reached", 0.9
    if answer.exists == "no" and class_id == "image_not_found":
        return class_id, max(score, _TOLD)
    refused = class_id == "image_pull_secret_missing" and "repository does not exist" in text
    if refused and answer.exists == "no" and answer.known_there:
        return "image_not_found", _TOLD
    return class_id, score


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
