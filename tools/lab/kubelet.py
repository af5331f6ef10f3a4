"""What a kubelet would write about a bound pod: a pure function of the pod, its program and the objects it refers to.

Everything that comes from here is rendered, not observed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tools.lab import words
from tools.lab.fleet import stamp
from tools.lab.scene import App, Obj, Scene
from tools.lab.starting import Lookup, Said, Start, Told, started


@dataclass
class Outcome:
    """A pod's status, the events and the logs by container, as (current, previous)."""

    status: Obj
    events: list[Said]
    logs: dict[str, tuple[list[str], list[str]]]


def outcome(scene: Scene, app: App, pod: Obj, ip: str, lookup: Lookup) -> Outcome:
    """What becomes of a pod that was bound to a node."""
    rng = random.Random(f"{scene.seed}/{pod['metadata']['name']}")
    spec = pod["spec"]

    def fate(one: Obj, *, init: bool = False) -> Told:
        told = Told(one["name"], one["image"])
        return started(Start(scene, app, pod, one, ip, lookup, rng, told), init=init)

    blocked = _volumes(pod, lookup)
    init = [] if blocked else [fate(one, init=True) for one in spec.get("initContainers", [])]
    held = "ContainerCreating" if blocked else ""
    held = held or ("PodInitializing" if any(not t.finished for t in init) else "")
    told = [_held(one, held) if held else fate(one) for one in spec["containers"]]
    events = [blocked] if blocked else [e for t in (*init, *told) for e in t.events]
    logs = {t.name: (t.logs, t.previous) for t in (*init, *told) if t.logs or t.previous}
    return Outcome(_status(pod, init, told, ip, rng, blocked=bool(blocked)), events, logs)


def running(pod: Obj, ip: str) -> Outcome:
    """A pod that nothing is known about simply runs."""
    told = [Told(one["name"], one["image"]) for one in pod["spec"]["containers"]]
    rng = random.Random(pod["metadata"]["name"])
    return Outcome(_status(pod, [], told, ip, rng, blocked=False), [], {})


def _held(spec: Obj, reason: str) -> Told:
    return Told(spec["name"], spec["image"], False, waiting=(reason, ""))


def _volumes(pod: Obj, lookup: Lookup) -> Said | None:
    """The first volume whose ConfigMap, Secret or key is not there."""
    for volume in pod["spec"].get("volumes", []):
        for key, kind, name in (
            ("configMap", "configmap", "name"),
            ("secret", "secret", "secretName"),
        ):
            source = volume.get(key)
            if source and not source.get("optional"):
                why = _unmountable(kind, source[name], source, lookup)
                if why:
                    text = words.FAILED_MOUNT.format(volume=volume["name"], why=why)
                    return Said("FailedMount", text, True, 6)
    return None


def _unmountable(kind: str, name: str, source: Obj, lookup: Lookup) -> str:
    found = lookup(f"{kind}s", name)
    if found is None:
        return f'{kind} "{name}" not found'
    gone = [i["key"] for i in source.get("items", []) if i["key"] not in (found.get("data") or {})]
    return words.NO_ITEM[kind].format(key=gone[0]) if gone else ""


def _status(
    pod: Obj, init: list[Told], told: list[Told], ip: str, rng: random.Random, *, blocked: bool
) -> Obj:
    now = datetime.now(UTC)
    job = pod["spec"].get("restartPolicy") == "Never"
    done = job and all(t.finished for t in told)
    ready = all(t.ready for t in told) and not blocked
    unready = [t.name for t in told if not t.ready]
    why = {
        "reason": "ContainersNotReady",
        "message": f"containers with unready status: [{' '.join(unready)}]",
    }
    if done:
        why = {"reason": "PodCompleted"}
    conditions = [
        _condition("PodReadyToStartContainers", not blocked),
        _condition("Initialized", all(t.finished for t in init)),
    ]
    conditions += [
        _condition(kind, ready and not done, why) for kind in ("ContainersReady", "Ready")
    ]
    status: Obj = {
        "phase": _phase(told, done=done, job=job),
        "conditions": conditions,
        "startTime": stamp(now - timedelta(seconds=1)),
        "containerStatuses": [_container_status(t, now, rng) for t in told],
    }
    if init:
        status["initContainerStatuses"] = [_container_status(t, now, rng) for t in init]
    if not blocked:
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    return status


def _phase(told: list[Told], *, done: bool, job: bool) -> str:
    if done:
        return "Succeeded"
    if job and any(t.died and not t.waiting for t in told):
        return "Failed"
    return "Running" if any(not t.waiting or t.died for t in told) else "Pending"


def _condition(kind: str, good: bool, why: Obj | None = None) -> Obj:
    base = {"type": kind, "status": "True" if good else "False", "lastTransitionTime": stamp()}
    return base if good or not why else {**base, **why}


def _container_status(told: Told, now: datetime, rng: random.Random) -> Obj:
    number = f"containerd://{rng.getrandbits(256):064x}"
    out: Obj = {
        "name": told.name,
        "image": told.image,
        "imageID": "",
        "ready": told.ready,
        "restartCount": told.restarts,
        "lastState": {},
        "started": told.waiting is None,
    }
    gone = None
    if told.died:
        reason, code, message = told.died
        gone = {
            "reason": reason,
            "exitCode": code,
            "startedAt": stamp(now - timedelta(seconds=9)),
            "finishedAt": stamp(now - timedelta(seconds=5)),
            "containerID": number,
        }
        gone |= {"message": message} if message else {}
    if told.finished:
        ended = {
            "reason": "Completed",
            "exitCode": 0,
            "startedAt": stamp(now),
            "finishedAt": stamp(now),
            "containerID": number,
        }
        return {**out, "state": {"terminated": ended}, "started": False, "containerID": number}
    if told.waiting:
        reason, message = told.waiting
        out["state"] = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        out["lastState"] = {"terminated": gone} if gone else {}
        return out
    if gone and not told.restarts:
        return {**out, "state": {"terminated": gone}, "started": False}
    return {
        **out,
        "containerID": number,
        "state": {"running": {"startedAt": stamp(now)}},
        "lastState": {"terminated": gone} if gone else {},
    }
