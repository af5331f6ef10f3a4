"""Identities: the delivery, the alert's cycle, the incident's fingerprint and everything named after it. Pure.

Two keys, never one: the *delivery id* tells an exact retry, the *fingerprint* tells the same trouble.
Identity fields are an allowlist; times, values and pod hashes never take part.
"""

from __future__ import annotations

import hashlib
import re

from schemas.base import ObjectRef

_POD_OF_REPLICASET = re.compile(
    r"-[a-f0-9]{6,10}-[a-z0-9]{5}$|-[bcdfghjklmnpqrstvwxz2456789]{4,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$"
)
_POD_OF_CONTROLLER = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}$|-\d{1,5}$")
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


def cycle_of(*, monitor_id: int | None, scope: str, cycle_key: str, delivery_id: str) -> str:
    """Identity of one alert episode, shared by trigger, renotification and recovery.

    The sender's cycle key is best; monitor and scope (order and case of its tags do not count) are next;
    a delivery that says neither stands alone.
    """
    tags = ",".join(sorted(part.strip().lower() for part in scope.split(",") if part.strip()))
    if cycle_key:
        return stable_id("cy", monitor_id or "", tags, cycle_key)
    if monitor_id is not None:
        return stable_id("cy", monitor_id, tags)
    return stable_id("cy", delivery_id)


def branch_of(incident_id: str) -> str:
    """The merge request's source branch, a function of the incident: GitLab allows one open MR per branch."""
    return BRANCH_PREFIX + incident_id


def incident_of_branch(branch: str) -> str | None:
    """The incident a branch belongs to; ``None`` for a branch that is not ours."""
    match = re.fullmatch(re.escape(BRANCH_PREFIX) + r"(inc-[a-z0-9-]{1,64})", branch)
    return match.group(1) if match else None
