"""Identities: the delivery, the alert's cycle, the incident's fingerprint and everything named after it. Pure.

Two keys, never one: the *delivery id* tells an exact retry, the *fingerprint* tells the same trouble.
Identity fields are an allowlist; times, values and pod hashes never take part.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.base import ObjectRef

_POD_OF_REPLICASET = re.compile(
    r"-[a-f0-9]{6,10}-[a-z0-9]{5}$|-[bcdfghjklmnpqrstvwxz2456789]{4,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$"
)
_POD_OF_CONTROLLER = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}$|-\d{1,5}$")
#: Tags whose value is a pod's name.
_POD_TAGS = frozenset({"pod_name", "pod", "kube_pod"})
#: What sources put before a notification's title: priority, then the state, with its group.
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
    rule_id: str,
    account: str = "",
    group: str = "",
    labels: Mapping[str, str] | None = None,
    title: str = "",
    group_key: str = "",
    notification_id: str = "",
    exact: bool = False,
) -> str:
    """Identity of what an alert is about while no cause is known; empty when it says nothing of the kind.

    A rule and its group, else the sender's words. Order, case and spaces do not count, nor do a pod's hash, a
    title's announcement and the value it quotes. Where no group is said the labels stand for it, without the volatile.
    ``exact``: pods count by their own names.
    """
    where = _group(group, exact) or _labels(labels or {}, exact)
    if rule_id:
        return stable_id("tr", "monitor", account, rule_id, *where)
    about = _words(title)
    if not (about or where or group_key):
        return stable_id("tr", "event", account, notification_id) if notification_id else ""
    return stable_id("tr", "words", account, group_key.strip().lower(), about, *where)


def _group(group: str, exact: bool) -> list[str]:
    parts = {_part(part, exact) for part in group.split(",")}
    return sorted(parts - {"", "*"})


def _labels(labels: Mapping[str, str], exact: bool) -> list[str]:
    return sorted(
        _part(f"{name}:{value}", exact)
        for name, value in labels.items()
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
    rule_id: str,
    group: str,
    fingerprint: str,
    delivery_id: str,
    account: str = "",
    trouble: str = "",
    cluster: str = "",
) -> str:
    """Identity of one alert episode, shared by trigger, renotification and recovery.

    The sender's fingerprint of the episode is best; rule and group (order and case of its tags do not count) are next, then
    ``trouble_of`` the alert; a delivery that says none of them stands alone. ``cluster``: which of several, where that
    tells episodes apart.
    """
    tags = ",".join(sorted(part.strip().lower() for part in group.split(",") if part.strip()))
    owner = (account,) if account else ()
    place = ("cluster", cluster.lower()) if cluster else ()
    if fingerprint:
        return stable_id("cy", rule_id, tags, fingerprint, *place)
    if rule_id and (tags or not trouble):
        return stable_id("cy", rule_id, tags, *owner, *place)
    return stable_id("cy", trouble or delivery_id, *place)


_ATTEMPT = re.compile(r"(?P<incident>.+?)(?:-try(?P<number>[2-9]|[1-9][0-9]))?(?P<revert>-revert)?")


def branch_of(incident_id: str) -> str:
    """The merge request's source branch, a function of the incident: GitLab allows one open MR per branch."""
    return BRANCH_PREFIX + incident_id


def incident_of_branch(branch: str) -> str | None:
    """The incident a branch belongs to; ``None`` for a branch that is not ours."""
    match = re.fullmatch(re.escape(BRANCH_PREFIX) + r"(inc-[a-z0-9-]{1,64})", branch)
    return match.group(1) if match else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which attempt at an incident an id names. ``incident_id``: the incident's own, which is its first attempt's.

    ``number`` counts from 1. ``revert``: the merge request that takes this attempt's change back.
    """

    incident_id: str
    number: int = 1
    revert: bool = False


def attempt_of(incident_id: str) -> Attempt:
    """Reads ``inc-…``, ``inc-…-try2`` and ``inc-…-try2-revert``; any other text is the first attempt of itself."""
    match = _ATTEMPT.fullmatch(incident_id)
    if match is None:
        return Attempt(incident_id)
    return Attempt(match["incident"], int(match["number"] or 1), match["revert"] is not None)


def attempt_id(incident_id: str, number: int) -> str:
    """The id of an incident's attempt of that number, which counts from 1. ``incident_id``: the incident's own."""
    return incident_id if number == 1 else f"{incident_id}-try{number}"


def next_attempt(incident_id: str) -> str:
    """The id of the attempt after the one that ``incident_id`` names."""
    attempt = attempt_of(incident_id)
    return attempt_id(attempt.incident_id, attempt.number + 1)


def revert_of(incident_id: str) -> str:
    """The id under which the change of that attempt is taken back."""
    return incident_id if attempt_of(incident_id).revert else f"{incident_id}-revert"


def taken_back_by(incident_id: str) -> str:
    """The attempt whose change the merge request of that id takes back; an attempt's id is its own."""
    attempt = attempt_of(incident_id)
    return attempt_id(attempt.incident_id, attempt.number)
