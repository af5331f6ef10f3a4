"""Which cases a seed makes: one fault, two at once, or none; what the alert says; what only looks like trouble."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import astuple, replace

from tools.lab import apps
from tools.lab.decoys import disturb
from tools.lab.faults import FAMILIES, Fault, inject, load
from tools.lab.scene import Answer, App, Fleet, Program, Scene

#: Shares of cases that have no fault, and that have a second one.
_HEALTHY, _TWO = 0.08, 0.1
#: Shares of cases with something that looks like trouble, and where the repository is not what runs.
_DECOY, _DRIFT = 0.4, 0.15
#: Share of cases whose events the cluster keeps no more; conditions stay.
_EXPIRED = 0.08
#: Share of cases where a source is missing.
_BLIND = 0.08
#: Faults that only the repository tells: what it declares is not there.
_BY_REPOSITORY = frozenset({"quota_services", "zero", "suspended"})
#: Datadog's tag of a workload.
_TAGS = {
    "Deployment": "kube_deployment",
    "StatefulSet": "kube_stateful_set",
    "DaemonSet": "kube_daemon_set",
    "Job": "kube_job",
    "CronJob": "kube_cronjob",
}
#: What monitors say; none tells the cause.
_TITLES = (
    "Deployment {app} has fewer available replicas than desired",
    "{app}: error rate above threshold",
    "Pods of {app} are not ready",
    "Service {app} is unreachable",
    "Requests to {app} fail",
    "{app} is degraded",
)
#: Words of the titles whose trouble would show in statuses.
_SHOWN = ("available", "not ready")
_VAGUE = (
    "Partial service unreachability",
    "Error rate above threshold",
    "Some workloads are not available",
    "Synthetic check fails",
)


def scenes(seed: int, numbers: range, fleet: Fleet, only: tuple[str, ...] = ()) -> Iterator[Scene]:
    """The cases with these numbers. Families come round robin, and within each its faults in a shuffled order."""
    known = load()
    pools = [[f for _, f in sorted(known.items()) if f.family == family] for family in FAMILIES]
    pools = [[f for f in pool if not only or f.id in only or f.family in only] for pool in pools]
    pools = [pool for pool in pools if pool]
    for number in numbers:
        rng = random.Random(f"{seed}/{number}")
        pool = pools[number % len(pools)]
        turn, place = divmod(number // len(pools), len(pool))
        one = random.Random(f"{seed}/{turn}/{len(pool)}").sample(pool, len(pool))[place]
        yield _scene(
            f"lab-{seed}-{number:04}", rng, fleet, one, list(known.values()), plain=bool(only)
        )


def _scene(
    name: str, rng: random.Random, fleet: Fleet, one: Fault, faults: list[Fault], *, plain: bool
) -> Scene:
    made = apps.scene(name, rng.getrandbits(48), fleet)
    kind = rng.random()
    if kind < _HEALTHY and not plain:
        _well(made)
        return made
    target = _target(made)
    _break(made, target, one)
    made.family = one.family
    second = _second(made, target, one, faults) if kind > 1 - _TWO and not one.alone else None
    if second:
        made.family = "two"
    elif rng.random() < _DECOY:
        disturb(made, target)
    if (
        one.family != "configuration"
        and target.workload["kind"] == "Deployment"
        and rng.random() < _EXPIRED
    ):
        made.expired = True
        made.notes.append("events are gone")
    if one.id not in _BY_REPOSITORY and rng.random() < _BLIND:
        made.without.add("repository")
    if one.evidence == "real" and one.family != "services" and rng.random() < _BLIND:
        made.without.add("logs")
    made.notes += [f"no {source}" for source in sorted(made.without)]
    _alert(made, target, one, named=bool(second) or rng.random() < 0.6)
    return made


def _break(made: Scene, target: App, one: Fault) -> None:
    if one.kinds and made.rng.random() < 0.25:
        kind = made.pick(one.kinds)
        apps.become(target, kind, made.fleet.workers[0]["metadata"]["labels"]["pool"])
        made.notes.append(f"a {kind}")
    before = json.loads(json.dumps(target.workload))
    program, labels = target.program, dict(made.labels)
    made.answer = inject(made, target, one)
    made.notes.append(f"fault: {one.id} at {target.name}")
    well = made.labels == labels and _runs_as(target.program) == _runs_as(program)
    if target.declared is None and made.rng.random() < _DRIFT and well:
        target.declared = before
        made.notes.append("drift: the repository declares what was well")


def _runs_as(program: Program) -> tuple[object, ...]:
    """What a manifest has to fit: one that fitted another program, or another standard, declares nothing that is well."""
    fits = replace(program, dying_words=(), exit_code=1, broken_image="", says=())
    return astuple(fits)


def _target(made: Scene) -> App:
    """The application to break. Mostly one that others call."""
    usable = [a for a in made.apps if a.workload["kind"] == "Deployment"]
    called = [a for a in usable if any(a.name in b.calls.values() for b in made.apps)]
    target: App = made.pick(called if called and made.rng.random() < 0.7 else usable)
    return target


def _second(made: Scene, first: App, one: Fault, faults: list[Fault]) -> App | None:
    """Another fault at an application that has nothing to do with the first: not the alert's."""
    near = {first.name, *_below(made, first)}
    far = [a for a in made.apps if a.name not in near and a.workload["kind"] == "Deployment"]
    usable = [f for f in faults if not f.alone and f.id != one.id]
    if not far or not usable:
        return None
    other: App = made.pick(far)
    fault: Fault = made.pick(usable)
    title = made.title
    made.apart = {a.name for a in made.apps if first.name in _below(made, a)} | near
    inject(made, other, fault)
    made.title = title
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
    _alert(made, target, None, named=named)
    where = f"app/{target.name}" if made.subject else f"namespace/{made.namespace}"
    # What statuses show, statuses speak against; of anything else nothing was measured here, and a person has to look.
    shown = any(word in made.title for word in _SHOWN)
    if shown:
        made.answer = Answer("healthy", where, "real", "no_action")
    else:
        made.answer = Answer("undetermined", where, "real", "needs_human")


def _alert(made: Scene, target: App, one: Fault | None, *, named: bool) -> None:
    """Names the application at fault, or one that calls it, or nobody."""
    _, _, name = made.answer.object.partition("app/") if made.answer else ("", "", "")
    subject = made.app(name) if name and any(a.name == name for a in made.apps) else target
    callers = [a for a in made.apps if subject.name in a.calls.values()]
    if one and one.outage and callers and made.rng.random() < 0.2 and made.family != "two":
        subject = made.pick(callers)
        made.notes.append(f"alert: names the caller {subject.name}")
        named = True
    if not named:
        made.title = made.title.format(app=subject.name) or made.pick(_VAGUE)
        return
    made.title = (made.title or made.pick(_TITLES)).format(app=subject.name)
    tag = made.pick(
        (_TAGS[subject.workload["kind"]],) * 2 + (("service",) if subject.service else ())
    )
    roll = made.rng.random()
    if roll < 0.15:
        tag = "pod_name"
    elif roll > 0.92 and not made.others:
        made.placed = False
        made.notes.append("alert: names no namespace")
    made.subject = f"{tag}:{subject.name}"
