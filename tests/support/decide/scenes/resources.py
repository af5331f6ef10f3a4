"""Memory and local disk: what says that a container was killed for memory, climbs that are a leak, evictions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.support.decide.clusters import AT, Cluster
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import beside, warned

_FAMILY = "resources"
_MIB = 2.0**20


def _killed(
    sentence: str, *, varied: bool = False, memory: Sequence[float] = (), **status: Any
) -> None:
    @scene(_FAMILY, sentence, varied=varied)
    def _(c: Cluster, app: str) -> None:
        c.status(app, **status)
        if memory:
            c.series("kubernetes.memory.usage", [m * _MIB for m in memory], kube_deployment=app)


def _ended(reason: str | None, code: int = 137, **more: Any) -> dict[str, Any]:
    told = {"exitCode": code, **more} | ({"reason": reason} if reason else {})
    return {"terminated": told}


_WAITS = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}
_killed(
    "the kubelet says that memory killed it",
    varied=True,
    memory=[60.0] * 30 + [127.0] + [61.0] * 29,
    state=_WAITS,
    lastState=_ended("OOMKilled"),
    restartCount=4,
)
_killed(
    "memory killed it once, and it is ready",
    ready=True,
    restartCount=1,
    lastState=_ended("OOMKilled"),
)
_killed(
    "memory killed it, it is ready, and no restart is counted",
    ready=True,
    lastState=_ended("OOMKilled"),
)
_killed("memory killed it now", state=_ended("OOMKilled"))
_killed("it got SIGKILL from somebody", state=_WAITS, lastState=_ended("Error"))
_killed("it ended one below SIGKILL", state=_WAITS, lastState=_ended("Error", 136))
_killed("it ended one above SIGKILL", state=_WAITS, lastState=_ended("Error", 138))
_killed(
    "the runtime says that it could not start for memory",
    state=_WAITS,
    lastState=_ended(
        "StartError", 128, message="container init was OOM-killed (memory limit too low?)"
    ),
)
_killed(
    "the program itself writes of memory",
    state=_WAITS,
    lastState=_ended("Error", 1, message="I was OOMKilled, I say"),
)
_killed(
    "the program itself writes of memory and ends well",
    state=_WAITS,
    lastState=_ended("Completed", 0, message="I was OOMKilled, I say"),
)
_killed(
    "somebody writes of memory and gives no reason",
    state=_WAITS,
    lastState=_ended(None, 1, message="I was OOMKilled, I say"),
)
_killed(
    "it waits because of memory", state={"waiting": {"reason": "x", "message": "OOMKilled before"}}
)


def _settled(minutes: float, told: str, *, ready: bool = True) -> None:
    @scene(_FAMILY, f"memory killed it, it runs for {minutes} minutes now: {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        since = (AT - timedelta(minutes=minutes)).isoformat()
        running = {"running": {"startedAt": since}}
        c.status(app, ready=ready, restartCount=1, state=running, lastState=_ended("OOMKilled"))


_settled(60, "still of today")
_settled(61, "that is over")
_settled(61, "not ready", ready=False)


def _event(sentence: str, *events: tuple[str, str], watched: bool = True, **status: Any) -> None:
    @scene(_FAMILY, sentence, varied=False)
    def _(c: Cluster, app: str) -> None:
        for reason, message in events:
            warned(c, app, reason, message)
        if not watched:
            del c.objects["events"]
        c.status(app, **(status or {"state": _WAITS, "lastState": _ended("Error")}))


_event(
    "an event says that the kernel killed for memory", ("OOMKilling", "Memory cgroup out of memory")
)
_event("an event tells of an OOM-killed process", ("Failed", "it was OOM-killed"), state=_WAITS)
_event("SIGKILL while nobody watched", watched=False)
_event("SIGKILL after somebody stopped it", ("Killing", "Stopping container main"))
_event("SIGKILL after something else", ("Killing", "It was stopping container main"))
_event(
    "SIGKILL for liveness", ("Killing", "Container main failed liveness probe, will be restarted")
)
_event("SIGKILL for startup", ("Killing", "Container main failed startup probe, will be restarted"))
_event("SIGKILL for readiness", ("Killing", "Container main failed readiness probe"))
_event("SIGKILL while liveness failed", ("Unhealthy", "Container main failed liveness probe"))
_event(
    "two events, the second one of a deletion",
    ("Pulled", "all is well"),
    ("Killing", "Stopping container main"),
)


@scene(_FAMILY, "the second container of the second pod was killed, at its own limit")
def _(c: Cluster, app: str) -> None:
    spec = beside(c, app, ready=False, lastState=_ended("OOMKilled"), restartCount=2)
    spec["resources"] = {"limits": {"memory": "64Mi"}}
    usage = {"main": 100.0, "proxy": 63.0}
    for name, used in usage.items():
        values = [used * _MIB] * 60
        c.series("kubernetes.memory.usage", values, kube_deployment=app, kube_container_name=name)


@scene(_FAMILY, "both containers were killed: the first is told")
def _(c: Cluster, app: str) -> None:
    beside(c, app, ready=False, lastState=_ended("OOMKilled"), restartCount=2)
    c.crashed(app, 137, reason="OOMKilled")


@scene(_FAMILY, "a limit that is no quantity is no limit")
def _(c: Cluster, app: str) -> None:
    c.container(app)["resources"]["limits"]["memory"] = "plenty"
    c.crashed(app, 137, reason="OOMKilled")


def _climb(
    sentence: str, values: Sequence[float | None], *, varied: bool = False, limit: str = "100Mi"
) -> None:
    @scene(_FAMILY, f"memory at a limit of 100 MiB {sentence}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        c.container(app)["resources"]["limits"]["memory"] = limit
        told = [None if v is None else v * _MIB for v in values]
        c.series("kubernetes.memory.usage", told, kube_deployment=app)  # type: ignore[arg-type]


def _line(first: float, last: float, count: int) -> list[float]:
    return [first + (last - first) * n / (count - 1) for n in range(count)]


_climb("climbs to its limit", _line(20, 100, 41), varied=True)
_climb(
    "climbs with gaps",
    [v for pair in zip(_line(20, 100, 41), [None] * 41, strict=True) for v in pair],
)
_climb("climbs to seven tenths", _line(20, 70, 41))
_climb("climbs to less than seven tenths", _line(20, 69.9, 41))
_climb("climbs by three tenths", _line(70, 100, 31))
_climb("climbs by less than three tenths", _line(70.5, 100, 31))
_climb("climbs over fifteen samples", [20, *_line(10, 80, 15)])
_climb("climbs over fourteen samples", [40, *_line(10, 80, 14)])
_climb("is flat and noisy, then climbs", [20, 21, 20, 20.5] * 8 + _line(21, 90, 20))
_climb(
    "climbs, falls by two hundredths once, and climbs on",
    [*_line(50, 75, 10), *_line(73.5, 95, 10)],
)
_climb(
    "climbs, falls by more than two hundredths, and climbs on",
    [*_line(50, 75, 10), *_line(73.4, 95, 10)],
)
_climb("climbs in a saw", [v for _ in range(3) for v in _line(30, 90, 16)])
_climb("climbs longer after it fell", [*_line(30, 60, 16), *_line(40, 90, 26)])
_climb("climbs as long again after it fell", [*_line(30, 90, 20), *_line(40, 95, 20)])
_climb("jumps once", [20.0] * 20 + [95.0] * 20)
_climb("bends upwards", [20 + 75 * (n / 40) ** 4 for n in range(41)])
_climb("stays at the limit", [100.0] * 40)
_climb("climbs without a limit that can be read", _line(20, 100, 41), limit="plenty")


@scene(_FAMILY, "the second container leaks, one of its two series climbs")
def _(c: Cluster, app: str) -> None:
    beside(c, app)["resources"] = {"limits": {"memory": "100Mi"}}
    for values in ([50.0] * 40, _line(20, 100, 41), _line(30, 100, 41)):
        told = [value * _MIB for value in values]
        c.series("kubernetes.memory.usage", told, kube_deployment=app, kube_container_name="proxy")


def _evicted(told: str, message: str, *, reason: str = "Evicted", down: bool = True) -> None:
    @scene(_FAMILY, f"a pod was evicted: {told}")
    def _(c: Cluster, app: str) -> None:
        c.pod(app)["status"] |= {"phase": "Failed", "reason": reason, "message": message}
        if down:
            c.down(app)


_evicted(
    "its local disk was full", "Pod ephemeral local storage usage exceeds the total limit of 1Gi."
)
_evicted(
    "a volume was full", 'Usage of EmptyDir volume "cache" exceeds the limit "1Gi".', down=False
)
_evicted("the node ran out of memory", "The node was low on resource: memory.")
_evicted("or not, for another reason", "Pod ephemeral local storage usage", reason="Preempted")


@scene(_FAMILY, "of three pods the second and the third were evicted")
def _(c: Cluster, app: str) -> None:
    for n, size in enumerate(("2Gi", "3Gi")):
        pod = c.pod(app)
        message = f"Pod ephemeral local storage usage exceeds the total limit of {size}."
        status = {"phase": "Failed", "reason": "Evicted", "message": message}
        name = pod["metadata"]["name"][:-1] + f"{n}"
        c.objects["pods"].append(
            {**pod, "metadata": {**pod["metadata"], "name": name}, "status": status}
        )
