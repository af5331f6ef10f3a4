"""Where a program takes what it shows to those it calls: users, passwords, tokens, the hosts that they are for. Pure.

Whoever refuses them stands outside of the pod template. Another template helps only where it takes them from elsewhere, and
pods of an older one that are ready tell nothing: their connections were opened when the credentials still held.
Sources: kubernetes.io "Distribute Credentials Securely Using Secrets", "Server-Side Apply" (``managedFields``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from decide.core.clock import lasted
from decide.core.findings import Fact, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import containers_in
from manifests.objects.shapes import Obj, at, items, mappings
from manifests.objects.times import instant
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

#: Names of variables and options that say who asks, with what, or whom.
_NAMES = re.compile(
    r"passw|pwd|secret|token|key|user|login|cred|auth|account|role|cert|host|addr|url|uri|dsn|endpoint|server|"
    r"database|db_?name|project|tenant|region|profile|conn|broker",
    re.I,
)
#: Volumes that hold what a program authenticates with, or its configuration.
_VOLUMES = ("secret", "projected", "csi", "configMap")
#: Secrets that are told of, and how long ago a change of one may be why it is refused now.
_MOST = 3
_USER = re.compile(r"user \"([^\"]+)\"|user '([^'@]+)'")


def read_from(spec: Obj, line: str = "") -> object:
    """What in a pod spec says with which credentials whom its programs ask; equal ones ask alike.

    ``line`` is what was said when they were refused: a variable whose value stands in it counts, whatever its name.
    """
    volumes = {
        str(v.get("name")): v for v in mappings(spec, "volumes") if any(v.get(k) for k in _VOLUMES)
    }
    containers = [
        (
            one.get("name"),
            sorted(map(repr, _variables(one, line))),
            items(one, "envFrom"),
            _options(one),
            [m for m in mappings(one, "volumeMounts") if str(m.get("name")) in volumes],
        )
        for one in containers_in(spec)
    ]
    account = spec.get("serviceAccountName") or "default"
    return containers, sorted(map(repr, volumes.values())), account


def _variables(container: Obj, line: str) -> Iterator[Obj]:
    for entry in mappings(container, "env"):
        value = entry.get("value")
        told = isinstance(value, str) and len(value) > 1 and value in line
        chosen = any(at(entry, "valueFrom", k) for k in ("secretKeyRef", "configMapKeyRef"))
        if chosen or told or _NAMES.search(str(entry.get("name") or "")):
            yield entry


def _options(container: Obj) -> list[str]:
    """Options of the command line that name credentials or addresses, with the word behind each."""
    words = [str(w) for w in (*items(container, "command"), *items(container, "args"))]
    kept = [n for n, word in enumerate(words) if _NAMES.search(word) or "://" in word]
    return [w for n in kept for w in words[n : n + (1 if "=" in words[n] else 2)]]


def another_user(spec: Obj, line: str) -> bool:
    """The line names a user, and the pod spec one too, but another: the program itself chose it."""
    found = _USER.search(line)
    user = next(filter(None, found.groups()), "") if found else ""
    entries = [entry for one in containers_in(spec) for entry in mappings(one, "env")]
    said = [
        str(e["value"]) for e in entries if "USER" in str(e.get("name")).upper() and e.get("value")
    ]
    return bool(user and said) and user not in said


def secrets_of(spec: Obj) -> dict[str, str]:
    """Names of the Secrets that the containers take something from, with the variable or volume that does; in order."""
    found: dict[str, str] = {}
    for one in containers_in(spec):
        for entry in mappings(one, "env"):
            name = str(at(entry, "valueFrom", "secretKeyRef", "name") or "")
            found.setdefault(name, str(entry.get("name") or ""))
        for source in mappings(one, "envFrom"):
            found.setdefault(str(at(source, "secretRef", "name") or ""), "envFrom")
    for volume in mappings(spec, "volumes"):
        inner = [at(s, "secret", "name") for s in mappings(volume, "projected", "sources")]
        for name in (at(volume, "secret", "secretName"), *inner):
            found.setdefault(str(name or ""), str(volume.get("name") or ""))
    found.pop("", None)
    return found


def written(view: ClusterView, namespace: str, secret: str) -> tuple[datetime, str] | None:
    """When a Secret was written last, and by which manager; ``None`` where nothing tells."""
    fields = mappings(view.get("secrets", namespace, secret) or {}, "metadata", "managedFields")
    told = [(when, str(f.get("manager") or "")) for f in fields if (when := instant(f.get("time")))]
    return max(told, default=None)


def told_of_secrets(view: ClusterView, workload: Workload) -> Iterator[Fact]:
    """Which Secrets the workload's credentials come from, and when each was written last."""
    now = view.bundle.alerted_at
    for name, reader in list(secrets_of(workload.spec).items())[:_MOST]:
        ref = ObjectRef(api_version="v1", kind="Secret", namespace=workload.namespace, name=name)
        last = written(view, workload.namespace, name)
        if last is None:
            text = say("decide.credentials.from", secret=name, reader=reader)
        else:
            text = say(
                "decide.credentials.written",
                secret=name,
                reader=reader,
                at=f"{last[0]:%Y-%m-%d %H:%M}",
                by=quote(last[1]),
                ago=lasted(now - last[0]),
            )
        yield Fact(source="object", statement=text, object=ref)
        old = (
            _older(workload, last[0])
            if last is not None and reader in _variables_of(workload)
            else ""
        )
        if old:
            text = say("decide.credentials.older", pod=old, secret=name, reader=reader)
            yield Fact(source="object", statement=text, object=workload.ref)


def _variables_of(workload: Workload) -> set[str]:
    """Names of the variables that are read once, when a container starts."""
    entries = (entry for one in containers_in(workload.spec) for entry in mappings(one, "env"))
    return {"envFrom", *(str(entry.get("name")) for entry in entries)}


def _older(workload: Workload, written_at: datetime) -> str:
    """A pod whose container has run since before that; empty without one."""
    for pod in () if any(not p.ready for p in workload.pods) else workload.pods:
        for container in pod.containers():
            started = instant(at(container.status, "state", "running", "startedAt"))
            if started is not None and started < written_at:
                return pod.name
    return ""
