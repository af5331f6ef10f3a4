"""Containers that do not start: references, commands, volumes, and what waits for an image.

Messages: kubelet pkg/kubelet/kuberuntime, runc.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from decide.core.facts import Facts
from decide.core.families.admission.facts import RefusedPods
from decide.core.families.resources.facts import KilledContainer
from decide.core.families.startup.facts import (
    AbsentReference,
    UnrunnableCommand,
    UnusableImage,
)
from decide.core.families.startup.pulling import pull
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, Event, node_ref
from kfix.incident.images.waiting import PULLING
from kfix.texts import say
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import at, items, mapping, number
from manifests.objects.workloads import Workload

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
    ("container_create_failed", 0.93, re.compile(r"seccomp|apparmor|selinux|no runtime for", re.I)),
    (
        "bad_command",
        0.93,
        re.compile(
            rf"(?:exec|starting container process|\bstat )[^\n]*(?:{_EXEC.pattern})|"
            r"executable file not found|no command specified",
            re.I,
        ),
    ),
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
                    container.ends_first and container.terminated.get("exitCode") == 0
                ):
                    yield pod, container


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
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
) -> Iterator[Finding[Facts]]:
    reason = str(container.waiting.get("reason") or "")
    if reason in PULLING:
        yield pull(view, workload, pod, container)
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        yield _create(view, workload, pod, container)
    if reason in ("ContainerCreating", "PodInitializing"):
        yield from _mounts(view, workload, pod)
    died = container.terminated
    if died and not container.ready and died.get("exitCode") not in (0, None):
        yield from _start_error(view, workload, container)


def _create(
    view: ClusterView, workload: Workload, pod: Pod, container: Container
) -> Finding[Facts]:
    """The runtime does not create the container."""
    text = str(container.waiting.get("message") or "")
    if not text:
        events = reversed(view.events_of("Pod", pod.namespace, pod.name))
        text = next((e.message for e in events if e.reason == "Failed"), "")
    missing = _MISSING.search(text) or _MISSING_KEY.search(text)
    class_id, score = next(
        ((c, n) for c, n, pattern in _CREATING if pattern.search(text)),
        ("container_create_failed", 0.75),
    )
    if missing is not None:
        class_id, score = "config_reference_missing", 0.95
    return Finding(
        failure_class=class_id,
        object=workload.ref,
        score=score,
        detail=quote(text),
        evidence=[Fact(source="event", statement=quote(text), object=workload.ref)],
        facts=(
            _reference(workload, missing.groupdict())
            if missing is not None
            else _facts(class_id, workload, container, text)
        ),
    )


def _facts(class_id: str, workload: Workload, container: Container, text: str) -> Facts:
    """What the plans of a class read of a container that is not created."""
    if class_id == "oom_killed":
        return KilledContainer(workload=workload, container=container.name)
    if class_id == "image_platform_mismatch":
        return _arrived(workload, container)
    if class_id == "pod_security_violation":
        return RefusedPods(workload=workload, message=text)
    if class_id == "bad_command":
        return _command(workload, container, text)
    return Facts(workload=workload)


#: The word that a runtime, or a shell, found no program for.
_WORD = re.compile(
    r'exec: "(?P<runtime>[^"]+)"|\bstat (?P<stat>/\S+): no such file|'
    r"^(?:/\S*/)?(?:sh|bash|ash|dash|zsh): (?:(?:line )?\d+: )?(?P<shell>[^\s:]+): "
    r"(?:(?:command )?not found|[Pp]ermission denied)"
)


def _command(workload: Workload, container: Container, text: str) -> UnrunnableCommand:
    """The word that names no program, as the runtime's or the shell's sentence has it."""
    said = _WORD.search(text)
    return UnrunnableCommand(
        workload=workload,
        container=container.name,
        word=next((w for w in said.groups() if w), "") if said is not None else "",
        denied="permission denied" in text.lower(),
    )


def _shell_said(view: ClusterView, workload: Workload, container: Container) -> str:
    """The last line in which a shell says that it found or could run no program; empty without one."""
    lines = [
        line
        for log in view.logs_of(workload)
        if log.container in ("", container.name)
        for line in log.lines[-_LAST:]
    ]
    return next((line for line in reversed(lines) if (m := _WORD.search(line)) and m["shell"]), "")


#: Lines from the end of a log in which a shell's complaint is looked for.
_LAST = 60


def _arrived(workload: Workload, container: Container) -> UnusableImage:
    image = str(container.spec.get("image") or "")
    return UnusableImage(workload=workload, container=container.name, image=image, arrived=True)


def _reference(workload: Workload, said: Mapping[str, str | None]) -> AbsentReference:
    """What a message says of a reference: its groups are ``kind``, ``name`` and ``key``."""
    config = (said.get("kind") or "").lower() == "configmap"
    return AbsentReference(
        workload=workload,
        kind="configmap" if config else "secret",
        name=said.get("name") or "",
        key=said.get("key") or "",
    )


_UNPREPARED = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")


#: The kubelet waited for what another event gives the reason of.
_WAITED = re.compile(r"timed out waiting for the condition\s*$|context deadline exceeded\s*$")


def _mounts(view: ClusterView, workload: Workload, pod: Pod) -> Iterator[Finding[Facts]]:
    """What the newest event says that keeps volumes or the sandbox from the pod, one that gives a reason before others."""
    events = view.events_of("Pod", pod.namespace, pod.name)
    told = [e for e in reversed(events) if e.reason in _UNPREPARED]
    if not told:
        return
    event = next((e for e in told if not _WAITED.search(e.message)), told[0])
    fact = Fact(source="event", statement=quote(event.message), object=workload.ref)
    named = _unprepared(workload, event)
    if named is not None:
        class_id, score, facts = named
        yield Finding(
            failure_class=class_id,
            object=node_ref(pod.node)
            if class_id.startswith("node_") and pod.node
            else workload.ref,
            score=score,
            detail=quote(event.message),
            evidence=[fact],
            facts=facts,
        )


def _unprepared(workload: Workload, event: Event) -> tuple[str, float, Facts] | None:
    """Class, belief and facts of an event about volumes or a sandbox; ``None`` where it says nothing exact."""
    text = event.message
    if "OOM" in text:
        return "oom_killed", 0.93, KilledContainer(workload=workload)
    special = next((c for c, pattern in _SANDBOX if pattern.search(text)), "")
    if special:
        return special, 0.88, Facts(workload=workload)
    missing = _MISSING.search(text) or _REFERENCE_KEY.search(text)
    if missing is not None:
        return "config_reference_missing", 0.93, _reference(workload, missing.groupdict())
    if event.reason == "FailedCreatePodSandBox":
        return None
    return "volume_mount_failed", 0.85, Facts(workload=workload)


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


def _start_error(
    view: ClusterView, workload: Workload, container: Container
) -> Iterator[Finding[Facts]]:
    """The container was created and its program could not be started, or ended as an init container."""
    died = container.terminated
    text, code = str(died.get("message") or ""), number(died.get("exitCode"))
    if "OOM" in text:
        return  # told by the memory rules
    ended = {"container": container.name, "code": str(code)}
    fact = Fact(
        source="object",
        statement=(
            say("startup.ended_with", message=quote(text), **ended)
            if text
            else say("startup.ended", **ended)
        ),
        object=workload.ref,
    )
    named = _unstarted(text, code)
    if named is not None:
        class_id, score = named
        yield Finding(
            failure_class=class_id,
            object=workload.ref,
            score=score,
            detail=quote(text) if score > _BY_CODE else say("startup.exit_code", code=str(code)),
            evidence=[fact],
            facts=_facts(
                class_id, workload, container, text or _shell_said(view, workload, container)
            ),
        )
    if container.ends_first:
        yield Finding(
            failure_class="init_container_failing",
            object=workload.ref,
            score=0.8,
            detail=say("startup.init_failed", **ended),
            evidence=[fact],
            facts=Facts(workload=workload),
        )


#: Belief where the exit code alone says that a shell did not find or run its command.
_BY_CODE = 0.85


def _unstarted(text: str, code: int) -> tuple[str, float] | None:
    """Class and belief, by the runtime's words, else by the exit code."""
    if "exec format error" in text:
        return "image_platform_mismatch", 0.93
    if _MOUNTING.search(text):
        return "volume_mount_failed", 0.9
    if _EXEC.search(text) and ("exec" in text or "stat" in text or "starting container" in text):
        return "bad_command", 0.93
    return ("bad_command", _BY_CODE) if code in (126, 127) else None


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
