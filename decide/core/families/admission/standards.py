"""The Pod Security Standards, asked of a pod template: which of their demands it does not meet. Pure.

Source: kubernetes.io/docs/concepts/security/pod-security-standards (baseline and restricted, Linux).
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families.admission.facts import RefusedPods
from decide.core.findings import Finding
from decide.core.proof.asking import not_there, subject
from decide.core.proof.standing import Standing, gone, stands
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import pods
from manifests.objects.meta import labels_of, name_of
from manifests.objects.shapes import Obj, items, mapping, mappings

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
    }
)


def pod_security(finding: Finding[RefusedPods], view: ClusterView) -> Standing:
    """Whether the template meets every demand of the standard that the namespace enforces."""
    workload = subject(finding, view)
    if workload is None:
        return not_there(finding)
    message = finding.facts.message
    level = level_of(view, workload.namespace) or _named(message)
    # An older version of the standard demands less: what was broken and is not named was not demanded.
    before = violations(finding.facts.workload.spec, level)
    allowed = {one for one in before if not any(w in message for w in _words(one))}
    broken = [one for one in violations(workload.spec, level) if one not in allowed]
    told = {"workload": workload.name, "level": level}
    if broken:
        return stands(say("proof.standard.breaks", demands=broken[:4], **told))
    return gone(say("proof.standard.meets", **told))


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
    for holder in (spec, *pods.containers_in(spec)):
        if _seccomp(mapping(holder, "securityContext")) == "Unconfined":
            yield "seccompProfile Unconfined"


def _restricted(spec: Obj) -> Iterator[str]:
    for volume in mappings(spec, "volumes"):
        kinds = {k for k, v in volume.items() if k != "name" and v is not None}
        yield from (f"volume {kind}" for kind in sorted(kinds - _VOLUMES - {"hostPath"}))
    whole = mapping(spec, "securityContext")
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
