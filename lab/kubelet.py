"""What a kubelet would write about a bound pod: a pure function of the pod, its program and the objects it refers to.

The order is the kubelet's: volumes, image, references, command, memory, the program itself, probes. Everything that
comes from here is rendered, not observed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lab import words
from lab.fleet import stamp
from lab.probing import failing
from lab.scene import App, Obj, Program, Scene
from manifests import quantities

#: An object of the pod's namespace by plural and name; None: not there.
Lookup = Callable[[str, str], Obj | None]


@dataclass
class Said:
    """An event about the pod."""

    reason: str
    message: str
    warning: bool = False
    count: int = 1


@dataclass
class Told:
    """A container's fate. ``waiting`` and ``died`` are reason and message; ``died`` has the exit code too."""

    name: str
    image: str
    ready: bool = True
    restarts: int = 0
    waiting: tuple[str, str] | None = None
    died: tuple[str, int, str] | None = None
    finished: bool = False
    events: list[Said] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    previous: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """A pod's status, the events and the logs by container, as (current, previous)."""

    status: Obj
    events: list[Said]
    logs: dict[str, tuple[list[str], list[str]]]


def outcome(scene: Scene, app: App | None, pod: Obj, ip: str, lookup: Lookup) -> Outcome:
    """What becomes of a pod that was bound to a node. Without ``app`` it simply runs."""
    rng = random.Random(f"{scene.seed}/{pod['metadata']['name']}")
    spec = pod["spec"]
    blocked = _volumes(pod, lookup) if app else None
    init = [_container(scene, app, pod, c, ip, lookup, rng, init=True) for c in spec.get("initContainers", [])]  # fmt: skip
    held = any(not t.finished for t in init)
    told = []
    for one in spec["containers"]:
        if blocked or held:
            reason = "ContainerCreating" if blocked else "PodInitializing"
            told.append(Told(one["name"], one["image"], False, waiting=(reason, "")))
        else:
            told.append(_container(scene, app, pod, one, ip, lookup, rng))
    events = [blocked] if blocked else [e for t in (*init, *told) for e in t.events]
    logs = {t.name: (t.logs, t.previous) for t in (*init, *told) if t.logs or t.previous}
    return Outcome(_status(pod, init, told, ip, rng, blocked=bool(blocked)), events, logs)


def _volumes(pod: Obj, lookup: Lookup) -> Said | None:
    for volume in pod["spec"].get("volumes", []):
        for key, kind, name_key in (("configMap", "configmap", "name"), ("secret", "secret", "secretName")):  # fmt: skip
            source = volume.get(key)
            if not source or source.get("optional"):
                continue
            name = source.get(name_key)
            found = lookup(f"{kind}s", name)
            why = ""
            if found is None:
                why = f'{kind} "{name}" not found'
            else:
                gone = [i["key"] for i in source.get("items", []) if i["key"] not in (found.get("data") or {})]  # fmt: skip
                word = "configmap references non-existent config key" if kind == "configmap" else "references non-existent secret key"  # fmt: skip
                why = f"{word}: {gone[0]}" if gone else ""
            if why:
                text = words.FAILED_MOUNT.format(volume=volume["name"], why=why)
                return Said("FailedMount", text, True, 6)
    return None


def _container(
    scene: Scene, app: App | None, pod: Obj, spec: Obj, ip: str, lookup: Lookup, rng: random.Random, *, init: bool = False
) -> Told:  # fmt: skip
    out = Told(spec["name"], spec["image"])
    if app is None:
        return out
    program = app.beside.get(spec["name"], app.program)
    for step in (_image, _references, _command, _memory, _program):
        step(scene, app, program, pod, spec, lookup, out, rng)
        if out.waiting or out.died:
            out.ready = False
            return out
    if init or program.finishes:
        out.finished, out.ready = True, init
        return out
    out.logs = [words.STARTED[program.language].format(port=program.port), *program.says]
    _probes(program, pod, spec, ip, out, rng)
    return out


def _image(
    scene: Scene, app: App, program: Program, pod: Obj, spec: Obj, lookup: Lookup, out: Told, rng: random.Random
) -> None:  # fmt: skip
    image = spec["image"]
    rest, _, tag = image.rpartition(":")
    host, _, path = rest.partition("/")
    hosts = {known.partition("/")[0] for known in scene.images}
    secrets = [s["name"] for s in pod["spec"].get("imagePullSecrets", [])]
    gone = [s for s in secrets if lookup("secrets", s) is None]
    names = {"image": image, "host": host, "path": path, "tag": tag, "repository": rest, "resolver": "10.0.0.2", "address": words.address(rng)}  # fmt: skip
    if host not in hosts:
        why = words.PULL_NO_HOST
    elif program.architecture != "amd64":
        why = words.PULL_PLATFORM
    elif image in scene.private and (gone or not secrets):
        why = words.PULL_UNAUTHORIZED
    elif image not in scene.images:
        why = rng.choice((words.PULL_UNKNOWN_TAG, words.PULL_MANIFEST))
    else:
        out.events.append(Said("Pulled", f'Container image "{image}" already present on machine'))
        return
    if gone:
        out.events.append(Said("FailedToRetrieveImagePullSecret", words.MISSING_PULL_SECRET.format(names=", ".join(gone)), True, 7))  # fmt: skip
    text = f'Failed to pull image "{image}": {why.format(**names)}'
    out.events += [
        Said("Pulling", f'Pulling image "{image}"', count=4),
        Said("Failed", text, True, 4),
        Said("Failed", "Error: ErrImagePull", True, 4),
        Said("BackOff", f'Back-off pulling image "{image}"', count=11),
        Said("Failed", "Error: ImagePullBackOff", True, 11),
    ]
    backing = ("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {why.format(**names)}')  # fmt: skip
    out.waiting = rng.choice((backing, backing, ("ErrImagePull", why.format(**names))))


def _references(
    scene: Scene, app: App, program: Program, pod: Obj, spec: Obj, lookup: Lookup, out: Told, rng: random.Random
) -> None:  # fmt: skip
    why = _missing_reference(pod, spec, lookup)
    security = {**pod["spec"].get("securityContext", {}), **spec.get("securityContext", {})}
    if not why and program.root and security.get("runAsNonRoot") and not security.get("runAsUser"):
        why = words.RUNS_AS_ROOT.format(pod=pod["metadata"]["name"], namespace=scene.namespace, uid=pod["metadata"]["uid"], container=spec["name"])  # fmt: skip
    if why:
        out.waiting = ("CreateContainerConfigError", why)
        out.events.append(Said("Failed", f"Error: {why}", True, 8))


def _missing_reference(pod: Obj, spec: Obj, lookup: Lookup) -> str:
    namespace = pod["metadata"]["namespace"]
    for entry in spec.get("env", []):
        source = entry.get("valueFrom") or {}
        for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            ref = source.get(key)
            if not ref or ref.get("optional"):
                continue
            found = lookup(f"{kind.lower()}s", ref["name"])
            if found is None:
                return f'{kind.lower()} "{ref["name"]}" not found'
            if ref["key"] not in (found.get("data") or {}):
                return words.NO_KEY.format(key=ref["key"], kind=kind, namespace=namespace, name=ref["name"])  # fmt: skip
    for entry in spec.get("envFrom", []):
        for key, kind in (("configMapRef", "configmap"), ("secretRef", "secret")):
            ref = entry.get(key)
            if ref and not ref.get("optional") and lookup(f"{kind}s", ref["name"]) is None:
                return f'{kind} "{ref["name"]}" not found'
    return ""


def _command(
    scene: Scene, app: App, program: Program, pod: Obj, spec: Obj, lookup: Lookup, out: Told, rng: random.Random
) -> None:  # fmt: skip
    command = (spec.get("command") or [program.command])[0]
    if command == program.command:
        return
    text = words.NO_FILE if command.startswith("/") else words.NO_EXECUTABLE
    why = words.CREATE_FAILED.format(why=text.format(command=command))
    out.events.append(Said("Created", "Container created", count=5))
    out.events.append(Said("Failed", f"Error: {why}", True, 5))
    _die(pod, out, ("StartError", 128, why), rng)


def _memory(
    scene: Scene, app: App, program: Program, pod: Obj, spec: Obj, lookup: Lookup, out: Told, rng: random.Random
) -> None:  # fmt: skip
    limit = spec.get("resources", {}).get("limits", {}).get("memory")
    if limit is None or quantities.parse(str(limit)) >= program.memory_mib * 2**20:
        return
    out.previous = [words.STARTED[program.language].format(port=program.port)]
    _die(pod, out, ("OOMKilled", 137, ""), rng)


def _program(
    scene: Scene, app: App, program: Program, pod: Obj, spec: Obj, lookup: Lookup, out: Told, rng: random.Random
) -> None:  # fmt: skip
    lines = _last_words(app, program, pod, spec, lookup)
    if not lines:
        return
    out.previous = out.logs = list(lines)
    if pod["spec"].get("restartPolicy") == "Never":
        out.died, out.ready = ("Error", program.exit_code, ""), False
        return
    _die(pod, out, ("Error" if program.exit_code else "Completed", program.exit_code, ""), rng)


def _last_words(app: App, program: Program, pod: Obj, spec: Obj, lookup: Lookup) -> tuple[str, ...]:
    env = {e["name"]: _value(e, lookup) for e in spec.get("env", [])}
    for key in program.needs_env:
        if key not in env:
            return (words.MISSING_ENV[program.language].format(key=key),)
    for key in program.numeric_env:
        if not env.get(key, "0").isdigit():
            return (words.BAD_CONFIG[program.language].format(key=key, line=len(key)),)
    security = pod["spec"].get("securityContext", {})
    if program.writes_to and "fsGroup" not in security:
        return (words.DENIED_FILE[program.language].format(path=program.writes_to),)
    if program is not app.program and program.port == app.program.port and not program.finishes:
        return (words.PORT_TAKEN[program.language].format(port=program.port),)
    if program.broken_image and spec["image"] != program.broken_image:
        return ()
    return program.dying_words


def _value(entry: Obj, lookup: Lookup) -> str:
    ref = (entry.get("valueFrom") or {}).get("configMapKeyRef")
    if ref:
        return str(((lookup("configmaps", ref["name"]) or {}).get("data") or {}).get(ref["key"], ""))  # fmt: skip
    return str(entry.get("value", ""))


def _die(pod: Obj, out: Told, died: tuple[str, int, str], rng: random.Random) -> None:
    """It ended, was restarted some times, and waits for the next."""
    meta = pod["metadata"]
    names = {"container": out.name, "pod": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}  # fmt: skip
    out.restarts = rng.randint(3, 9)
    delay = rng.choice(("40s", "1m20s", "2m40s", "5m0s"))
    out.waiting = ("CrashLoopBackOff", words.BACKOFF.format(delay=delay, **names))
    out.died = died
    out.events.append(Said("BackOff", words.BACKOFF_EVENT.format(**names), True, out.restarts * 3))


def _probes(program: Program, pod: Obj, spec: Obj, ip: str, out: Told, rng: random.Random) -> None:
    for kind in ("startup", "liveness", "readiness"):
        probe = spec.get(f"{kind}Probe")
        why = failing(program, kind, probe, spec, ip, pod["metadata"]["name"]) if probe else ""
        if not why:
            continue
        said = why if why.startswith("errored") else f"failed: {why}"
        text = f"{kind.capitalize()} probe {said}"
        out.events.append(Said("Unhealthy", text, True, rng.randint(6, 30)))
        out.ready = False
        if kind != "readiness":
            out.restarts = rng.randint(3, 9)
            out.events.append(Said("Killing", f"Container {out.name} failed {kind} probe, will be restarted", count=out.restarts))  # fmt: skip
            out.died = rng.choice((("Error", 137, ""), ("Error", 143, ""), ("Completed", 0, "")))
            out.previous = list(out.logs)
            if rng.random() < 0.5:
                _die(pod, out, out.died, rng)
            return


def _status(
    pod: Obj, init: list[Told], told: list[Told], ip: str, rng: random.Random, *, blocked: bool
) -> Obj:
    now = datetime.now(UTC)
    job = pod["spec"].get("restartPolicy") == "Never"
    done = job and all(t.finished for t in told)
    failed = job and any(t.died and not t.waiting for t in told)
    ready = all(t.ready for t in told) and not blocked
    phase = "Succeeded" if done else "Failed" if failed else "Running" if any(not t.waiting or t.died for t in told) else "Pending"  # fmt: skip
    unready = [t.name for t in told if not t.ready]
    why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}  # fmt: skip
    if done:
        why = {"reason": "PodCompleted"}
    conditions = [_condition("PodReadyToStartContainers", not blocked), _condition("Initialized", all(t.finished for t in init))]  # fmt: skip
    conditions += [_condition(kind, ready and not done, why) for kind in ("ContainersReady", "Ready")]  # fmt: skip
    status: Obj = {
        "phase": phase,
        "conditions": conditions,
        "startTime": stamp(now - timedelta(seconds=1)),
        "containerStatuses": [_container_status(t, now, rng) for t in told],
    }
    if init:
        status["initContainerStatuses"] = [_container_status(t, now, rng) for t in init]
    if not blocked:
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    return status


def _condition(kind: str, good: bool, why: Obj | None = None) -> Obj:
    base = {"type": kind, "status": "True" if good else "False", "lastTransitionTime": stamp()}
    return base if good or not why else {**base, **why}


def _container_status(told: Told, now: datetime, rng: random.Random) -> Obj:
    number = f"containerd://{rng.getrandbits(256):064x}"
    out: Obj = {
        "name": told.name, "image": told.image, "imageID": "", "ready": told.ready, "restartCount": told.restarts, "lastState": {},
        "started": told.waiting is None,
    }  # fmt: skip
    gone = None
    if told.died:
        reason, code, message = told.died
        gone = {"reason": reason, "exitCode": code, "startedAt": stamp(now - timedelta(seconds=9)), "finishedAt": stamp(now - timedelta(seconds=5)), "containerID": number}  # fmt: skip
        gone |= {"message": message} if message else {}
    if told.finished:
        ended = {"reason": "Completed", "exitCode": 0, "startedAt": stamp(now), "finishedAt": stamp(now), "containerID": number}  # fmt: skip
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
