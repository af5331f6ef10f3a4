"""The Pod Security Standards, asked of a pod template: which of their demands it does not meet. Pure.

Source: kubernetes.io/docs/concepts/security/pod-security-standards (baseline and restricted, Linux).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.families.admission.facts import RefusedPods
from decide.core.findings import Finding
from decide.core.proof.asking import Told, not_there, subject
from decide.core.proof.counterfactual import seen
from decide.core.proof.standing import Standing, gone, stands, untold
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import pods
from manifests.objects.meta import labels_of, name_of
from manifests.objects.shapes import Obj, items, mapping, mappings
from manifests.objects.workloads import Workload

_ENFORCED = "pod-security.kubernetes.io/enforce"
_HOST = ("hostPID", "hostIPC", "hostNetwork")
#: Capabilities that baseline lets a container add.
_HARMLESS = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
#: Volumes that restricted lets a pod mount.
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)

#: Names of demands as both the API server and ``violations`` write them.
_NAMED = frozenset(
    {
        *_HOST,
        "hostPath",
        "hostPort",
        "privileged",
        "allowPrivilegeEscalation",
        "runAsNonRoot",
        "runAsUser",
        "seccompProfile",
        "volume",
        "procMount",
        "sysctls",
        "seLinuxOptions",
        "AppArmor",
        "hostProcess",
        "lifecycle",
    }
)
#: What the API server calls the demands that ``violations`` asks.
_ASKED = frozenset(
    {
        "host namespaces",
        "privileged",
        "hostPath volumes",
        "hostPort",
        "non-default capabilities",
        "unrestricted capabilities",
        "allowPrivilegeEscalation != false",
        "runAsNonRoot != true",
        "runAsUser=0",
        "seccompProfile",
        "restricted volume types",
        "procMount",
        "forbidden sysctls",
        "seLinuxOptions",
        "forbidden AppArmor profile",
        "forbidden AppArmor profiles",
        "hostProcess",
        "probe or lifecycle host",
    }
)
_REFUSED = re.compile(r'violates PodSecurity "[^"]*": (?P<demands>.*)', re.S)
#: Settings of the kernel that baseline lets a pod make.
_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
_SELINUX = frozenset(
    {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)


def pod_security(finding: Finding[RefusedPods], view: ClusterView) -> Standing:
    """Whether the template meets every demand of the standard that the namespace enforces."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    message = finding.facts.message
    unasked = sorted(demands(message) - _ASKED)
    if unasked or "violates PodSecurity" not in message:
        return untold(
            say("proof.standard.unasked", demands=unasked or ["SecurityContextConstraints"])
        )
    level = level_of(view, workload.namespace) or _named(message)
    # An older version of the standard demands less: what was broken and is not named was not demanded.
    before = violations(finding.facts.workload.spec, level)
    allowed = {one for one in before if not any(w in message for w in _words(one))}
    broken = [one for one in violations(workload.spec, level) if one not in allowed]
    told: Told = {"workload": workload.name, "level": level}
    if broken:
        return stands(say("proof.standard.breaks", demands=broken[:4], **told))
    newly = _newly_rootless(subject(finding, seen(view)) or finding.facts.workload, workload)
    if newly:
        return untold(say("proof.standard.image_user", container=newly, **told))
    return gone(say("proof.standard.meets", **told))


def demands(message: str) -> frozenset[str]:
    """What a refusal calls the demands that are not met: ``privileged (container "a" must not …), hostPort (…)``."""
    said = _REFUSED.search(message)
    if said is None:
        return frozenset()
    flat, text = 0, ""
    for letter in said["demands"]:
        flat += (letter == "(") - (letter == ")")
        text += letter if flat == 0 and letter != ")" else ""
    return frozenset(part for one in text.split(",") if (part := one.strip()))


def _newly_rootless(before: Workload, after: Workload) -> str:
    """A container that must not run as root now and might before, and whose user the template leaves to its image."""
    was = {c.name: _rootless(before.spec, c.spec) for c in before.containers(init=True)}
    for one in after.containers(init=True):
        context, whole = (
            mapping(one.spec, "securityContext"),
            mapping(after.spec, "securityContext"),
        )
        user = context.get("runAsUser", whole.get("runAsUser"))
        if _rootless(after.spec, one.spec) and not was.get(one.name) and not user:
            return one.name
    return ""


def _rootless(spec: Obj, container: Obj) -> bool:
    whole = mapping(spec, "securityContext").get("runAsNonRoot")
    return mapping(container, "securityContext").get("runAsNonRoot", whole) is True


def _words(demand: str) -> list[str]:
    """What the API server calls a demand: ``app capabilities.drop`` → ``capabilities``."""
    return [part.partition(".")[0] for part in demand.split() if part in _NAMED or "." in part]


def level_of(view: ClusterView, namespace: str) -> str:
    """What the namespace enforces; empty where nothing, or where it was not collected."""
    found = next((n for n in view.all("namespaces") if name_of(n) == namespace), {})
    return str(labels_of(found).get(_ENFORCED) or "")


def _named(message: str) -> str:
    """``violates PodSecurity "restricted:latest"``: the level; the strictest where it names none."""
    return "baseline" if '"baseline' in message else "restricted"


def violations(spec: Obj, level: str) -> Iterator[str]:
    """The demands that a pod spec does not meet, by the field that breaks them."""
    if level in ("baseline", "restricted"):
        yield from _baseline(spec)
    if level == "restricted":
        yield from _restricted(spec)


def _baseline(spec: Obj) -> Iterator[str]:
    yield from (name for name in _HOST if spec.get(name) is True)
    yield from ("hostPath" for v in mappings(spec, "volumes") if v.get("hostPath"))
    for one in pods.containers_in(spec):
        context, name = mapping(one, "securityContext"), str(one.get("name"))
        if context.get("privileged") is True:
            yield f"{name} privileged"
        added = set(map(str, items(context, "capabilities", "add"))) - _HARMLESS
        yield from (f"{name} capabilities.add {word}" for word in sorted(added))
        yield from (f"{name} hostPort" for p in mappings(one, "ports") if p.get("hostPort"))
        if context.get("procMount") not in (None, "Default"):
            yield f"{name} procMount"
        yield from (f"{name} lifecycle host" for _ in _asked_hosts(one))
    for holder in (spec, *pods.containers_in(spec)):
        yield from _shared(mapping(holder, "securityContext"))


def _shared(context: Obj) -> Iterator[str]:
    """What a pod's context and a container's may both say."""
    if _seccomp(context) == "Unconfined":
        yield "seccompProfile Unconfined"
    if mapping(context, "appArmorProfile").get("type") == "Unconfined":
        yield "AppArmor Unconfined"
    if mapping(context, "windowsOptions").get("hostProcess") is True:
        yield "hostProcess"
    labels = mapping(context, "seLinuxOptions")
    if str(labels.get("type") or "") not in _SELINUX or labels.get("user") or labels.get("role"):
        yield "seLinuxOptions"
    named = (str(one.get("name")) for one in mappings(context, "sysctls"))
    yield from (f"sysctls {name}" for name in named if name not in _SYSCTLS)


def _asked_hosts(container: Obj) -> Iterator[str]:
    """Hosts that probes and hooks ask instead of the pod itself; Kubernetes 1.34 began to refuse them."""
    hooks = mapping(container, "lifecycle")
    asking = [mapping(container, f"{kind}Probe") for kind in ("liveness", "readiness", "startup")]
    asking += [mapping(hooks, "postStart"), mapping(hooks, "preStop")]
    for one in asking:
        for way in ("httpGet", "tcpSocket"):
            host = mapping(one, way).get("host")
            if host:
                yield str(host)


def _restricted(spec: Obj) -> Iterator[str]:
    for volume in mappings(spec, "volumes"):
        kinds = {k for k, v in volume.items() if k != "name" and v is not None}
        yield from (f"volume {kind}" for kind in sorted(kinds - _VOLUMES - {"hostPath"}))
    whole = mapping(spec, "securityContext")
    # What the pod says against a demand is refused even where each container says otherwise.
    if whole.get("runAsNonRoot") is False:
        yield "pod runAsNonRoot"
    if whole.get("runAsUser") == 0:
        yield "pod runAsUser 0"
    for one in pods.containers_in(spec):
        context, name = mapping(one, "securityContext"), str(one.get("name"))
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{name} allowPrivilegeEscalation"
        if "ALL" not in items(context, "capabilities", "drop"):
            yield f"{name} capabilities.drop"
        added = set(map(str, items(context, "capabilities", "add"))) - {"NET_BIND_SERVICE"}
        yield from (f"{name} capabilities.add {w}" for w in sorted(added & _HARMLESS))
        if context.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
            yield f"{name} runAsNonRoot"
        if (_seccomp(context) or _seccomp(whole)) not in ("RuntimeDefault", "Localhost"):
            yield f"{name} seccompProfile"
        if context.get("runAsUser", whole.get("runAsUser")) == 0:
            yield f"{name} runAsUser 0"


def _seccomp(context: Obj) -> str:
    return str(mapping(context, "seccompProfile").get("type") or "")
