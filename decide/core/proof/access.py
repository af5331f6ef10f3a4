"""What no plan does on its own: open access that nobody asked for, take away what the API requires. Pure.

Source: kubernetes.io Pod Security Standards (what baseline and restricted forbid), k8s.io/api ``core/v1`` (required fields).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from decide.core.netpol import present
from decide.core.proof.counterfactual import Counterfactual
from kfix.texts import say
from manifests.objects import paths, pods
from manifests.objects.kinds import plural_of
from manifests.objects.meta import namespace_of
from manifests.objects.selectors import selects
from manifests.objects.shapes import Obj, at, items, mapping, mappings, number
from schemas.plans import FieldChange, KubernetesChange

#: Fields of a pod spec, and of a container's security context, that open the node when they are true.
_OF_POD = ("hostPID", "hostIPC", "hostNetwork")
_OF_CONTAINER = ("privileged", "allowPrivilegeEscalation")
#: Verbs that only read.
_READS = frozenset({"get", "list", "watch"})
_ROLES = ("Role", "ClusterRole")
_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
#: What a NetworkPolicy is about.
_SELECTS = "podSelector"
_ABSENT = object()


def forbidden(after: Counterfactual, changes: Sequence[KubernetesChange]) -> str:
    """Why no such plan is proposed, whatever it repairs; empty where nothing speaks against it."""
    for change in changes:
        ref = change.object
        old = after.before.get(plural_of(ref.kind), ref.namespace, ref.name) or {}
        new = after.get(plural_of(ref.kind), ref.namespace, ref.name)
        if new is None:
            return say("proof.access.removed", object=ref.key)
        opened = next(_opened(ref.kind, old, new), "")
        if opened == _SELECTS and not _guards_somebody(after, old):
            opened = ""  # a policy that selected nobody guarded nobody
        if opened:
            return say("proof.access.opened", object=ref.key, what=opened)
        missing = next(_missing(ref.kind, old, new), "") or next(_nulled(change), "")
        if missing:
            return say("proof.access.required", object=ref.key, field=missing)
    return ""


def _guards_somebody(after: Counterfactual, policy: Obj) -> bool:
    """The policy selects pods that are there."""
    return any(
        selects(mapping(policy, "spec", "podSelector"), peer.labels)
        for peer in present(after.before)
        if peer.namespace == namespace_of(policy)
    )


def _opened(kind: str, old: Obj, new: Obj) -> Iterator[str]:
    """What the new object may do that the old one might not."""
    if kind in pods.TEMPLATED or kind == "Pod":
        had = set(_rights(pods.pod_spec(old, kind)))
        yield from (right for right in _rights(pods.pod_spec(new, kind)) if right not in had)
    elif kind in _ROLES:
        known = items(old, "rules")
        yield from ("rules" for rule in mappings(new, "rules") if rule not in known and _wide(rule))
    elif kind in _BINDINGS and old and at(old, "roleRef") != at(new, "roleRef"):
        yield "roleRef"
    elif kind == "NetworkPolicy" and old:
        yield from _unguarded(old, new)
    elif kind == "Namespace":
        yield from _laxer(old, new)


def _rights(spec: Obj) -> Iterator[str]:
    yield from (name for name in _OF_POD if spec.get(name) is True)
    for volume in mappings(spec, "volumes"):
        if volume.get("hostPath"):
            yield f"hostPath {at(volume, 'hostPath', 'path')}"
    for one in pods.containers_in(spec):
        context = mapping(one, "securityContext")
        yield from (name for name in _OF_CONTAINER if context.get(name) is True)
        yield from (f"capability {word}" for word in items(context, "capabilities", "add"))
    contexts = [mapping(spec, "securityContext")]
    contexts += [mapping(one, "securityContext") for one in pods.containers_in(spec)]
    if any(c.get("runAsUser") == 0 for c in contexts):
        yield "runAsUser 0"
    if any(c.get("runAsNonRoot") is False for c in contexts):
        yield "runAsNonRoot false"


def _wide(rule: Obj) -> bool:
    """It allows more than to read what it names."""
    verbs = {str(verb) for verb in items(rule, "verbs")}
    named = [*items(rule, "resources"), *items(rule, "apiGroups")]
    return not verbs <= _READS or "*" in named or "secrets" in named


def _unguarded(old: Obj, new: Obj) -> Iterator[str]:
    """The policy selects other pods, guards a direction less, or lets anybody through that it did not."""
    if at(old, "spec", "podSelector") != at(new, "spec", "podSelector"):
        yield _SELECTS
    if at(old, "spec", "policyTypes") != at(new, "spec", "policyTypes"):
        yield "policyTypes"
    for direction, who in (("ingress", "from"), ("egress", "to")):
        known = items(old, "spec", direction)
        added = [rule for rule in mappings(new, "spec", direction) if rule not in known]
        if any(not items(rule, who) and not items(rule, "ports") for rule in added):
            yield direction


def _laxer(old: Obj, new: Obj) -> Iterator[str]:
    ranks = {"restricted": 2, "baseline": 1, "privileged": 0}
    key = "pod-security.kubernetes.io/enforce"
    before, now = (str(at(o, "metadata", "labels", key) or "privileged") for o in (old, new))
    if ranks.get(now, 0) < ranks.get(before, 0):
        yield key


def _missing(kind: str, old: Obj, new: Obj) -> Iterator[str]:
    """Fields that the API demands, that the old object had and the new one has not."""
    if kind in pods.TEMPLATED:
        spec, had = pods.pod_spec(new, kind), pods.pod_spec(old, kind)
        if (not old or items(had, "containers")) and not items(spec, "containers"):
            yield "containers"
        lacked = set(_incomplete(had))
        yield from (place for place in _incomplete(spec) if place not in lacked)
    if kind == "Service":
        yield from ("ports.port" for p in mappings(new, "spec", "ports") if not p.get("port"))
        if at(old, "spec", "ports") and not at(new, "spec", "ports"):
            yield "ports"
    if kind in ("Deployment", "StatefulSet", "DaemonSet") and not at(new, "spec", "selector"):
        yield from ("selector" for _ in [0] if at(old, "spec", "selector"))


def _incomplete(spec: Obj) -> Iterator[str]:
    for one in pods.containers_in(spec):
        name = str(one.get("name") or "")
        yield from (f"{name}.{key}" for key in ("name", "image") if not one.get(key))
        yield from (f"{name}.env.name" for entry in mappings(one, "env") if not entry.get("name"))
        for mount in mappings(one, "volumeMounts"):
            known = any(v.get("name") == mount.get("name") for v in mappings(spec, "volumes"))
            yield from (
                f"{name}.volumeMounts.{k}" for k in ("name", "mountPath") if not mount.get(k)
            )
            if not known:
                yield f"volumes[name={mount.get('name')}]"
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            yield from (f"{name}.{probe}.{p}" for p in _no_probe(one.get(probe)))
    for volume in mappings(spec, "volumes"):
        if len([key for key, value in volume.items() if key != "name" and value is not None]) != 1:
            yield f"volumes[name={volume.get('name')}]"


def _no_probe(probe: object) -> Iterator[str]:
    """What a probe that is stated lacks: exactly one handler, and its port."""
    if not probe:
        return
    handlers = [k for k in ("httpGet", "tcpSocket", "grpc", "exec") if mapping(probe).get(k)]
    if len(handlers) != 1:
        yield "handler"
    elif handlers[0] != "exec" and not at(probe, handlers[0], "port"):
        yield f"{handlers[0]}.port"


def _nulled(change: KubernetesChange) -> Iterator[str]:
    """A field that is set to nothing instead of being taken away: the API refuses null where it demands a value."""
    yield from (one.path for one in change.fields if _is_null(one))


def _is_null(one: FieldChange) -> bool:
    return one.op != "remove" and one.after is None


def loosened(changes: Sequence[KubernetesChange]) -> Iterator[str]:
    """Paths of what was required, of the scheduler or as a number of replicas, and after the changes is wished for, or less."""
    for change in changes:
        yield from (one.path for one in change.fields if _is_looser(one))


def _is_looser(one: FieldChange) -> bool:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    segments = paths.parse(one.path)
    last = str(segments[-1])
    if one.path == "spec.replicas":
        return number(one.after) < number(one.before, 1)
    if last == "whenUnsatisfiable":
        return bool(one.after == "ScheduleAnyway")
    if last == "maxSkew":
        return number(one.after, 1) > number(one.before, 1)
    gone = required in one.path or last == "affinity" or "nodeSelector" in segments
    return (one.op == "remove" and gone) or bool(
        at(one.before, required) and not at(one.after, required)
    )
