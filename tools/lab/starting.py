"""What becomes of one container: image, references, command, memory, the program itself, probes, in a kubelet's order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from manifests.objects import quantities
from tools.lab import words
from tools.lab.probing import failing
from tools.lab.scene import App, Obj, Program, Scene

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
    """A container's fate. ``waiting`` is reason and message; ``died`` reason, exit code and message."""

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
class Start:
    """A container that a kubelet starts, and what there is to know about it."""

    scene: Scene
    app: App
    pod: Obj
    spec: Obj
    ip: str
    lookup: Lookup
    rng: random.Random
    told: Told

    @property
    def program(self) -> Program:
        """What runs in it."""
        return self.app.beside.get(self.spec["name"], self.app.program)

    @property
    def names(self) -> dict[str, str]:
        """What the kubelet's texts are about."""
        meta = self.pod["metadata"]
        return {
            "container": self.spec["name"],
            "pod": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
        }

    def die(self, reason: str, code: int, message: str = "") -> None:
        """It ended, was restarted some times, and waits for the next."""
        told = self.told
        told.restarts = self.rng.randint(3, 9)
        delay = self.rng.choice(("40s", "1m20s", "2m40s", "5m0s"))
        told.waiting = ("CrashLoopBackOff", words.BACKOFF.format(delay=delay, **self.names))
        told.died = (reason, code, message)
        said = words.BACKOFF_EVENT.format(**self.names)
        told.events.append(Said("BackOff", said, True, told.restarts * 3))


def started(start: Start, *, init: bool = False) -> Told:
    """The container's fate."""
    told, program = start.told, start.program
    for step in (_image, _references, _command, _memory, _program):
        step(start)
        if told.waiting or told.died:
            told.ready = False
            return told
    if init or program.finishes:
        told.finished, told.ready = True, init
        return told
    told.logs = [words.STARTED[program.language].format(port=program.port), *program.says]
    _probes(start)
    return told


def _image(start: Start) -> None:
    image, told = start.spec["image"], start.told
    rest, _, tag = image.rpartition(":")
    host, _, path = rest.partition("/")
    secrets = [s["name"] for s in start.pod["spec"].get("imagePullSecrets", [])]
    gone = [s for s in secrets if start.lookup("secrets", s) is None]
    text = _pull_error(start, host, credentials=bool(secrets) and not gone)
    if not text:
        told.events.append(Said("Pulled", f'Container image "{image}" already present on machine'))
        return
    why = text.format(
        image=image, host=host, path=path, tag=tag, repository=rest, resolver="10.0.0.2"
    )
    if gone:
        said = words.MISSING_PULL_SECRET.format(names=", ".join(gone))
        told.events.append(Said("FailedToRetrieveImagePullSecret", said, True, 7))
    told.events += [
        Said("Pulling", f'Pulling image "{image}"', count=4),
        Said("Failed", f'Failed to pull image "{image}": {why}', True, 4),
        Said("Failed", "Error: ErrImagePull", True, 4),
        Said("BackOff", f'Back-off pulling image "{image}"', count=11),
        Said("Failed", "Error: ImagePullBackOff", True, 11),
    ]
    backing = ("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {why}')
    told.waiting = start.rng.choice((backing, backing, ("ErrImagePull", why)))


def _pull_error(start: Start, host: str, *, credentials: bool) -> str:
    """What a runtime answers to the pull, empty where it succeeds."""
    image, scene = start.spec["image"], start.scene
    if host not in {known.partition("/")[0] for known in scene.images}:
        return words.PULL_NO_HOST
    if start.program.architecture != "amd64":
        return words.PULL_PLATFORM
    if image in scene.private and not credentials:
        return words.PULL_UNAUTHORIZED
    if image not in scene.images:
        return start.rng.choice((words.PULL_UNKNOWN_TAG, words.PULL_MANIFEST))
    return ""


def _references(start: Start) -> None:
    why = next(_missing(start), "")
    mine = start.spec.get("securityContext", {})
    security = {**start.pod["spec"].get("securityContext", {}), **mine}
    rootless = security.get("runAsNonRoot") and not security.get("runAsUser")
    if not why and start.program.root and rootless:
        why = words.RUNS_AS_ROOT.format(**start.names)
    if why:
        start.told.waiting = ("CreateContainerConfigError", why)
        start.told.events.append(Said("Failed", f"Error: {why}", True, 8))


def _missing(start: Start) -> Iterator[str]:
    """ConfigMaps, Secrets and keys that its environment comes from and that are not there."""
    kinds = (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret"))
    for entry in start.spec.get("env", []):
        for key, kind in kinds:
            ref = (entry.get("valueFrom") or {}).get(key)
            if not ref or ref.get("optional"):
                continue
            found = start.lookup(f"{kind.lower()}s", ref["name"])
            if found is None:
                yield f'{kind.lower()} "{ref["name"]}" not found'
            elif ref["key"] not in (found.get("data") or {}):
                yield words.NO_KEY.format(
                    key=ref["key"], kind=kind, namespace=start.names["namespace"], name=ref["name"]
                )
    for entry in start.spec.get("envFrom", []):
        for key, kind in (("configMapRef", "configmap"), ("secretRef", "secret")):
            ref = entry.get(key)
            if ref and not ref.get("optional") and start.lookup(f"{kind}s", ref["name"]) is None:
                yield f'{kind} "{ref["name"]}" not found'


def _command(start: Start) -> None:
    command = (start.spec.get("command") or [start.program.command])[0]
    if command == start.program.command:
        return
    text = words.NO_FILE if command.startswith("/") else words.NO_EXECUTABLE
    why = words.CREATE_FAILED.format(why=text.format(command=command))
    start.told.events += [
        Said("Created", "Container created", count=5),
        Said("Failed", f"Error: {why}", True, 5),
    ]
    start.die("StartError", 128, why)


def _memory(start: Start) -> None:
    limit = start.spec.get("resources", {}).get("limits", {}).get("memory")
    if limit is None or quantities.parse(str(limit)) >= start.program.memory_mib * 2**20:
        return
    program = start.program
    start.told.previous = [words.STARTED[program.language].format(port=program.port)]
    start.die("OOMKilled", 137)


def _program(start: Start) -> None:
    lines, code = _last_words(start), start.program.exit_code
    if not lines:
        return
    start.told.previous = start.told.logs = list(lines)
    if start.pod["spec"].get("restartPolicy") == "Never":
        start.told.died = ("Error", code, "")
        return
    start.die("Error" if code else "Completed", code)


def _last_words(start: Start) -> tuple[str, ...]:
    """What the program prints before it ends by itself, empty where it runs on."""
    program, main = start.program, start.app.program
    language = program.language
    env = {e["name"]: _value(start, e) for e in start.spec.get("env", [])}
    unset = [key for key in program.needs_env if key not in env]
    if unset:
        return (words.MISSING_ENV[language].format(key=unset[0]),)
    wrong = [key for key in program.numeric_env if not env.get(key, "0").isdigit()]
    if wrong:
        return (words.BAD_CONFIG[language].format(key=wrong[0], line=len(wrong[0])),)
    if program.writes_to and "fsGroup" not in start.pod["spec"].get("securityContext", {}):
        return (words.DENIED_FILE[language].format(path=program.writes_to),)
    if program is not main and program.port == main.port and not program.finishes:
        return (words.PORT_TAKEN[language].format(port=program.port),)
    sound = program.broken_image and start.spec["image"] != program.broken_image
    return () if sound else program.dying_words


def _value(start: Start, entry: Obj) -> str:
    ref = (entry.get("valueFrom") or {}).get("configMapKeyRef")
    if not ref:
        return str(entry.get("value", ""))
    found = start.lookup("configmaps", ref["name"]) or {}
    return str((found.get("data") or {}).get(ref["key"], ""))


def _probes(start: Start) -> None:
    told, program = start.told, start.program
    for kind in ("startup", "liveness", "readiness"):
        probe = start.spec.get(f"{kind}Probe")
        why = failing(program, kind, probe, start.spec, start.ip) if probe else ""
        if not why:
            continue
        said = why if why.startswith("errored") else f"failed: {why}"
        text = f"{kind.capitalize()} probe {said}"
        told.events.append(Said("Unhealthy", text, True, start.rng.randint(6, 30)))
        told.ready = False
        if kind != "readiness":
            _restarted(start, kind)
            return


def _restarted(start: Start, kind: str) -> None:
    """Killed for a failed probe, again and again; seen while it runs or while it waits."""
    told = start.told
    told.restarts = start.rng.randint(3, 9)
    killing = f"Container {told.name} failed {kind} probe, will be restarted"
    told.events.append(Said("Killing", killing, count=told.restarts))
    told.died = start.rng.choice((("Error", 137, ""), ("Error", 143, ""), ("Completed", 0, "")))
    told.previous = list(told.logs)
    if start.rng.random() < 0.5:
        start.die(*told.died)
