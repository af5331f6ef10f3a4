"""Which cases a seed makes: one fault, two at once, or none; what the alert says; what only looks like trouble."""

from __future__ import annotations

import random
from collections.abc import Iterator

from lab import apps
from lab.decoys import disturb
from lab.faults import Fault, inject, load
from lab.scene import Answer, App, Fleet, Scene

#: Shares of cases that have no fault, and that have a second one.
_HEALTHY, _TWO = 0.08, 0.1
#: What monitors say; none tells the cause.
_TITLES = (
    "Deployment {app} has fewer available replicas than desired", "{app}: error rate above threshold", "Pods of {app} are not ready",
    "Service {app} is unreachable", "Requests to {app} fail", "{app} is degraded",
)  # fmt: skip
_VAGUE = ("Partial service unreachability", "Error rate above threshold", "Some workloads are not available", "Synthetic check fails")  # fmt: skip


def scenes(seed: int, numbers: range, fleet: Fleet, only: tuple[str, ...] = ()) -> Iterator[Scene]:
    """The cases with these numbers. Faults come round robin in a shuffled order, so that each is there."""
    faults = [f for name, f in sorted(load().items()) if not only or name in only or f.family in only]  # fmt: skip
    for number in numbers:
        rng = random.Random(f"{seed}/{number}")
        order = random.Random(f"{seed}/{number // len(faults)}").sample(faults, len(faults))
        yield _scene(seed, number, rng, fleet, order[number % len(faults)], faults, only)


def _scene(
    seed: int, number: int, rng: random.Random, fleet: Fleet, one: Fault, faults: list[Fault], only: tuple[str, ...]
) -> Scene:  # fmt: skip
    made = apps.scene(f"lab-{seed}-{number:04}", rng.getrandbits(48), fleet)
    kind = rng.random()
    if kind < _HEALTHY and not only:
        _well(made)
        return made
    target = _target(made)
    made.answer = inject(made, target, one)
    made.family = one.family
    made.notes.append(f"fault: {one.id} at {target.name}")
    second = _second(made, target, one, faults) if kind > 1 - _TWO and not one.alone else None
    if second:
        made.family = "two"
    elif rng.random() < 0.4:
        disturb(made, target)
    _alert(made, target, named=bool(second) or rng.random() < 0.6)
    return made


def _target(made: Scene) -> App:
    """The application to break. Mostly one that others call."""
    called = [a for a in made.apps if any(a.name in b.calls.values() for b in made.apps)]
    target: App = made.pick(called if called and made.rng.random() < 0.7 else made.apps)
    return target


def _second(made: Scene, first: App, one: Fault, faults: list[Fault]) -> App | None:
    """Another fault at an application that has nothing to do with the first: not the alert's."""
    near = {first.name, *_below(made, first)}
    far = [a for a in made.apps if a.name not in near]
    usable = [f for f in faults if not f.alone and f.id != one.id]
    if not far or not usable:
        return None
    other: App = made.pick(far)
    fault = made.pick(usable)
    inject(made, other, fault)
    made.notes.append(f"also: {fault.id} at {other.name}")
    return other


def _below(made: Scene, app: App) -> set[str]:
    out: set[str] = set()
    waiting = list(app.calls.values())
    while waiting:
        name = waiting.pop()
        if name not in out:
            out.add(name)
            waiting += made.app(name).calls.values()
    return out


def _well(made: Scene) -> None:
    """Nothing is wrong; something may look like it."""
    made.family = "healthy"
    target: App = made.pick(made.apps)
    if made.rng.random() < 0.8:
        disturb(made, target)
    named = made.rng.random() < 0.5
    _alert(made, target, named=named)
    where = f"app/{target.name}" if named else f"namespace/{made.namespace}"
    made.answer = Answer("healthy", where, "real", "no_action")


def _alert(made: Scene, target: App, *, named: bool) -> None:
    if not named:
        made.title = made.pick(_VAGUE)
        return
    made.title = made.pick(_TITLES).format(app=target.name)
    kind = {"Deployment": "kube_deployment", "StatefulSet": "kube_stateful_set", "Job": "kube_job", "CronJob": "kube_cronjob"}  # fmt: skip
    tag = kind.get(target.workload["kind"], "service")
    made.subject = f"{made.pick((tag, tag, 'service'))}:{target.name}"
