"""Identities: the delivery, the alert's cycle, the incident's fingerprint and everything named after it. Pure.

Two keys, never one: the *delivery id* tells an exact retry, the *fingerprint* tells the same trouble.
Identity fields are an allowlist; times, values and pod hashes never take part.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from schemas.base import ObjectRef

_POD_OF_REPLICASET = re.compile(
    r"-[a-f0-9]{6,10}-[a-z0-9]{5}$|-[bcdfghjklmnpqrstvwxz2456789]{4,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$"
)
_POD_OF_CONTROLLER = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}$|-\d{1,5}$")
#: Tags whose value is a pod's name.
_POD_TAGS = frozenset({"pod_name", "pod", "kube_pod"})
#: What Datadog puts before a notification's title: priority, then the transition, with its group.
_ANNOUNCED = re.compile(
    r"^\s*(?:\[P[1-5]\]\s*)?(?:\[(?:re-?)?(?:triggered|warn|no data|recovered|renotify|alert|resolved|ok)"
    r"(?: on \{[^}]*\})?\]\s*)?",
    re.IGNORECASE,
)
#: A measured value in a title: a percentage, or a number with a fraction.
_MEASURED = re.compile(r"(?<![\w.])\d+(?:\.\d+(?:\s?%)?|\s?%)(?![\w.])")
#: Tags that change from one notification to the next, or with each rollout.
_VOLATILE_TAGS = frozenset(
    {
        "alert_status",
        "alert_transition",
        "container_id",
        "display_container_name",
        "docker_image",
        "event_id",
        "event_type",
        "git.commit.sha",
        "image_id",
        "image_tag",
        "kube_replica_set",
        "pod_ip",
        "pod_phase",
        "pod_uid",
        "priority",
        "snapshot",
        "status",
        "timestamp",
        "transition",
        "uid",
        "version",
    }
)
BRANCH_PREFIX = "kfix/incident-"


def stable_id(prefix: str, *parts: object, digits: int = 16) -> str:
    """``prefix-<hex>`` from the parts; the same parts in the same order give the same id."""
    text = "\x1f".join(str(part) for part in parts)
    return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:digits]}"


def workload_of_pod(pod: str) -> str:
    """The controller's name as far as a pod's name tells: ``api-6d4cf56db6-x2x8k`` → ``api``, ``db-0`` → ``db``.

    A guess from the generated suffix (Kubernetes' safe alphabet has no vowels, 0, 1 or 3); owner references
    are better where the pod still exists.
    """
    trimmed = _POD_OF_REPLICASET.sub("", pod)
    return trimmed if trimmed != pod else _POD_OF_CONTROLLER.sub("", pod)


def fingerprint(*, cluster: str, failure_class: str, object_ref: ObjectRef) -> str:
    """Identity of a trouble: cluster, cause's object and failure class; case and outer whitespace do not count.

    Pods count as the workload their name tells, so a pod's hash never splits an incident.
    """
    name = workload_of_pod(object_ref.name) if object_ref.kind.lower() == "pod" else object_ref.name
    kind = "workload" if object_ref.kind.lower() in ("pod", "replicaset") else object_ref.kind
    parts = (cluster, object_ref.namespace, kind, name, failure_class)
    return stable_id("fp", *(part.strip().lower() for part in parts))


def trouble_of(
    *,
    monitor_id: int | None,
    org_id: str = "",
    scope: str = "",
    tags: Mapping[str, str] | None = None,
    title: str = "",
    aggregation_key: str = "",
    event_id: str = "",
    exact: bool = False,
) -> str:
    """Identity of what an alert is about while no cause is known; empty when it says nothing of the kind.

    A monitor and its group, else the sender's words. Order, case and spaces do not count, nor do a pod's hash, a
    title's announcement and the value it quotes. Where no scope is said the tags stand for it, without the volatile.
    ``exact``: pods count by their own names.
    """
    where = _scope(scope, exact) or _labels(tags or {}, exact)
    if monitor_id is not None:
        return stable_id("tr", "monitor", org_id, monitor_id, *where)
    about = _words(title)
    if not (about or where or aggregation_key):
        return stable_id("tr", "event", org_id, event_id) if event_id else ""
    return stable_id("tr", "words", org_id, aggregation_key.strip().lower(), about, *where)


def _scope(scope: str, exact: bool) -> list[str]:
    parts = {_part(part, exact) for part in scope.split(",")}
    return sorted(parts - {"", "*"})


def _labels(tags: Mapping[str, str], exact: bool) -> list[str]:
    return sorted(
        _part(f"{name}:{value}", exact)
        for name, value in tags.items()
        if name.strip().lower() not in _VOLATILE_TAGS
    )


def _part(text: str, exact: bool) -> str:
    """One tag, folded; a pod counts as the workload that its name tells, unless ``exact``."""
    name, colon, value = (piece.strip() for piece in text.lower().partition(":"))
    folded = name in _POD_TAGS and not exact
    return f"{name}{colon}{workload_of_pod(value) if folded else value}"


def _words(title: str) -> str:
    return _MEASURED.sub("#", " ".join(_ANNOUNCED.sub("", title).lower().split()))


def cycle_of(
    *,
    monitor_id: int | None,
    scope: str,
    cycle_key: str,
    delivery_id: str,
    org_id: str = "",
    trouble: str = "",
) -> str:
    """Identity of one alert episode, shared by trigger, renotification and recovery.

    The sender's cycle key is best; monitor and scope (order and case of its tags do not count) are next, then
    ``trouble_of`` the alert; a delivery that says none of them stands alone.
    """
    tags = ",".join(sorted(part.strip().lower() for part in scope.split(",") if part.strip()))
    org = (org_id,) if org_id else ()
    if cycle_key:
        return stable_id("cy", monitor_id or "", tags, cycle_key)
    if monitor_id is not None and (tags or not trouble):
        return stable_id("cy", monitor_id, tags, *org)
    return stable_id("cy", trouble or delivery_id)


def branch_of(incident_id: str) -> str:
    """The merge request's source branch, a function of the incident: GitLab allows one open MR per branch."""
    return BRANCH_PREFIX + incident_id


def incident_of_branch(branch: str) -> str | None:
    """The incident a branch belongs to; ``None`` for a branch that is not ours."""
    match = re.fullmatch(re.escape(BRANCH_PREFIX) + r"(inc-[a-z0-9-]{1,64})", branch)
    return match.group(1) if match else None
