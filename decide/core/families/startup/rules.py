"""Containers that do not start: images, references, commands, volumes.

Messages: containerd and CRI-O pull errors, kubelet pkg/kubelet/images and kuberuntime, runc.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.families.resources.facts import KilledContainer
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, node_ref
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import at, items, mapping
from manifests.objects.workloads import Workload

PULLING = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
}
_PULL_CLASSES: tuple[tuple[str, re.Pattern[str]], ...] = (
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
_MISSING = re.compile(r'(?P<kind>configmap|secret)s? "(?P<name>[^"]+)" not found', re.I)
_MISSING_KEY = re.compile(
    r"couldn't find key (?P<key>\S+) in (?P<kind>ConfigMap|Secret) (?P<ns>[^/\s]+)/(?P<name>\S+)"
)
_REFERENCE_KEY = re.compile(r"references non-existent (?:config|secret) key: (?P<key>\S+)")
_EXEC = re.compile(
    r"executable file not found|no such file or directory|exec format error|permission denied", re.I
)
_MOUNTING = re.compile(
    r"error mounting|failed to prepare subPath|failed to create subPath|not a directory|"
    r"hostPath type check",
    re.I,
)
#: Why the runtime cannot create a container, the first that fits answers.
_CREATING = (
    ("oom_killed", 0.95, re.compile(r"OOM")),
    ("pod_security_violation", 0.85, re.compile(r"runAsNonRoot|non-root")),
    ("volume_mount_failed", 0.88, _MOUNTING),
    ("image_platform_mismatch", 0.93, re.compile(r"exec format error")),
    ("bad_command", 0.93, re.compile(rf"{_EXEC.pattern}|no command specified", re.I)),
)
DENIED = re.compile(
    r"permission denied|read-only file system|operation not permitted|EACCES|EROFS", re.I
)


def suffering(workload: Workload) -> Iterator[tuple[Pod, Container]]:
    """Containers of existing pods that are not ready and should be."""
    for pod in workload.pods:
        if not pod.deleting and not pod.ready:
            for container in pod.containers():
                if container.status and not (
                    container.init and container.terminated.get("exitCode") == 0
                ):
                    yield pod, container


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about containers that cannot start."""
    for workload in view.workloads:
        seen: set[str] = set()
        for pod, container in suffering(workload):
            for finding in _container(view, workload, pod, container):
                if finding.failure_class not in seen:
                    seen.add(finding.failure_class)
                    yield finding


def _container(
    view: ClusterView, workload: Workload, pod: Pod, container: Container
) -> Iterator[Finding]:
    reason = str(container.waiting.get("reason") or "")
    if reason in PULLING:
        yield _pull(view, workload, pod, container)
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        yield _create(view, workload, pod, container)
    if reason in ("ContainerCreating", "PodInitializing"):
        yield from _mounts(view, workload, pod)
    died = container.terminated
    if died and not container.ready and died.get("exitCode") not in (0, None):
        yield from _start_error(workload, pod, container)


def _pull(view: ClusterView, workload: Workload, pod: Pod, container: Container) -> Finding:
    events = view.events_of("Pod", pod.namespace, pod.name)
    image = str(container.spec.get("image") or container.status.get("image") or "")
    texts = [str(container.waiting.get("message") or "")]
    texts += [
        e.message
        for e in reversed(events)
        if e.reason in ("Failed", "InspectFailed") and "image" in e.message
    ]
    told = [t for t in texts if t and not t.startswith("Back-off pulling")]
    text = next((t for t in told if not image or image in t), told[0] if told else texts[0])
    facts = [
        Fact(
            source="event",
            statement=quote(text or str(container.waiting.get("reason"))),
            object=workload.ref,
        )
    ]
    class_id = next((c for c, pattern in _PULL_CLASSES if pattern.search(text)), "")
    secrets = [e for e in events if e.reason == "FailedToRetrieveImagePullSecret"]
    score = 0.95
    if secrets and class_id in ("", "image_pull_secret_missing", "image_not_found"):
        facts.append(
            Fact(source="event", statement=quote(secrets[-1].message), object=workload.ref)
        )
        # Registries answer "not found" to strangers; with the credentials missing that says nothing of the image.
        class_id = "image_pull_secret_missing"
    if str(container.waiting.get("reason")) == "InvalidImageName":
        class_id = "image_not_found"
    if class_id == "image_pull_secret_missing" and "repository does not exist" in text:
        has_secrets = bool(items(pod.spec.get("imagePullSecrets")))
        class_id = "image_pull_secret_missing" if has_secrets or secrets else "image_not_found"
        score = 0.85
    data = {"workload": workload, "container": container.name, "image": image, "message": text}
    return Finding(
        failure_class=class_id or "image_not_found",
        object=workload.ref,
        score=score if class_id else 0.5,
        detail=quote(text),
        evidence=facts,
        against=[],
        facts=data,
    )


def _create(view: ClusterView, workload: Workload, pod: Pod, container: Container) -> Finding:
    events = view.events_of("Pod", pod.namespace, pod.name)
    text = str(container.waiting.get("message") or "")
    text = text or next((e.message for e in reversed(events) if e.reason == "Failed"), "")
    facts = [Fact(source="event", statement=quote(text), object=workload.ref)]
    data = {"workload": workload, "container": container.name, "message": text}
    missing = _MISSING.search(text) or _MISSING_KEY.search(text)
    if missing is not None:
        data |= {k: v for k, v in missing.groupdict().items() if v}
        return Finding(
            failure_class="config_reference_missing",
            object=workload.ref,
            score=0.95,
            detail=quote(text),
            evidence=facts,
            against=[],
            facts=data,
        )
    class_id, score = next(
        ((c, n) for c, n, pattern in _CREATING if pattern.search(text)),
        ("container_create_failed", 0.75),
    )
    killed = KilledContainer(workload=workload, container=container.name)
    return Finding(
        failure_class=class_id,
        object=workload.ref,
        score=score,
        detail=quote(text),
        evidence=facts,
        facts=killed if class_id == "oom_killed" else data,
    )


def _mounts(view: ClusterView, workload: Workload, pod: Pod) -> Iterator[Finding]:
    for event in reversed(view.events_of("Pod", pod.namespace, pod.name)):
        if event.reason not in ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"):
            continue
        facts = [Fact(source="event", statement=quote(event.message), object=workload.ref)]
        data = {"workload": workload, "message": event.message}
        if "OOM" in event.message:
            yield Finding(
                failure_class="oom_killed",
                object=workload.ref,
                score=0.93,
                detail=quote(event.message),
                evidence=facts,
                facts=KilledContainer(workload=workload),
            )
            return
        special = next((c for c, pattern in _SANDBOX if pattern.search(event.message)), "")
        if special:
            yield _special(workload, pod, special, quote(event.message), facts, data)
            return
        missing = _MISSING.search(event.message)
        key = _REFERENCE_KEY.search(event.message)
        if missing is not None or key is not None:
            data |= missing.groupdict() if missing else {"key": key["key"] if key else ""}
            yield Finding(
                failure_class="config_reference_missing",
                object=workload.ref,
                score=0.93,
                detail=quote(event.message),
                evidence=facts,
                against=[],
                facts=data,
            )
        elif event.reason != "FailedCreatePodSandBox":
            yield Finding(
                failure_class="volume_mount_failed",
                object=workload.ref,
                score=0.85,
                detail=quote(event.message),
                evidence=facts,
                against=[],
                facts=data,
            )
        return


#: What keeps a sandbox or a volume from a pod, the first that fits answers.
_SANDBOX = (
    (
        "node_network_plugin_unavailable",
        re.compile(
            r"cni (?:plugin|config) (?:not |un)initialized|network plugin is not ready|"
            r"cni\.go.*no such file|/var/run/calico|failed to find plugin",
            re.I,
        ),
    ),
    (
        "pod_network_setup_failed",
        re.compile(
            r"failed to setup network for sandbox|networkPlugin cni failed|"
            r"failed to assign an IP address|no (?:available )?IP addresses available|no free IP|"
            r"plugin type=\S+ .*failed \(add\)",
            re.I,
        ),
    ),
    ("volume_multi_attach", re.compile(r"Multi-Attach error")),
)


def _special(  # noqa: PLR0917
    workload: Workload,
    pod: Pod,
    class_id: str,
    text: str,
    facts: list[Fact],
    data: dict[str, object],
) -> Finding:
    ref = node_ref(pod.node) if class_id.startswith("node_") and pod.node else workload.ref
    return Finding(
        failure_class=class_id,
        object=ref,
        score=0.88,
        detail=text,
        evidence=facts,
        against=[],
        facts=data,
    )


def _start_error(workload: Workload, pod: Pod, container: Container) -> Iterator[Finding]:
    died = container.terminated
    text, code = str(died.get("message") or ""), died.get("exitCode")
    data = {"workload": workload, "container": container.name, "message": text, "exit_code": code}
    facts = [
        Fact(
            source="object",
            statement=quote(f"container {container.name} ended with exit code {code}: {text}"),
            object=workload.ref,
        )
    ]
    if "OOM" in text:
        return  # told by the memory rules
    if "exec format error" in text:
        yield Finding(
            failure_class="image_platform_mismatch",
            object=workload.ref,
            score=0.93,
            detail=quote(text),
            evidence=facts,
            against=[],
            facts=data,
        )
    elif _MOUNTING.search(text):
        yield Finding(
            failure_class="volume_mount_failed",
            object=workload.ref,
            score=0.9,
            detail=quote(text),
            evidence=facts,
            against=[],
            facts=data,
        )
    elif _EXEC.search(text) and ("exec" in text or "stat" in text or "starting container" in text):
        yield Finding(
            failure_class="bad_command",
            object=workload.ref,
            score=0.93,
            detail=quote(text),
            evidence=facts,
            against=[],
            facts=data,
        )
    elif code in (126, 127):
        yield Finding(
            failure_class="bad_command",
            object=workload.ref,
            score=0.85,
            detail=f"exit code {code}",
            evidence=facts,
            against=[],
            facts=data,
        )
    if container.init:
        yield Finding(
            failure_class="init_container_failing",
            object=workload.ref,
            score=0.8,
            detail=f"init container {container.name}: exit code {code}",
            evidence=facts,
            against=[],
            facts=data,
        )


def mount_paths(workload: Workload) -> list[str]:
    """Where a workload's volumes are mounted."""
    return [
        str(mapping(mount).get("mountPath"))
        for container in workload.containers(init=True)
        for mount in items(container.spec.get("volumeMounts"))
    ]


def claim_volumes(workload: Workload) -> list[str]:
    """Names of volumes that outlive the pod."""
    return [
        str(mapping(v).get("name"))
        for v in items(workload.spec.get("volumes"))
        if at(v, "persistentVolumeClaim") or at(v, "hostPath") or at(v, "nfs")
    ]
