"""Made-up rollouts: replicas, strategy, sizes, a quota, templates that never get ready, and ways back. Pure."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from typing import Any

Json = dict[str, Any]
#: ``maxSurge`` and ``maxUnavailable``.
_BOUNDS: tuple[tuple[int | str, int | str], ...] = (
    *((1, 0), (1, 1), (0, 1), (2, 0), (0, 2), (3, 1), ("25%", "25%"), ("50%", 0)),
    *(("0%", "10%"), ("100%", 0), (0, "50%"), ("30%", "30%"), (1, "100%")),
)


@dataclass(frozen=True, slots=True)
class Step:
    """What is applied: a template by its letter, a number of replicas (nodes, for a DaemonSet)."""

    template: str
    replicas: int
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A workload's life; the last step is the one that is measured."""

    kind: str
    #: ``spec.strategy``, of other kinds ``spec.updateStrategy``.
    strategy: Json
    steps: tuple[Step, ...]
    #: Milli-cores of each template; templates that never get ready.
    cpu: dict[str, int]
    bad: tuple[str, ...] = ()
    #: A quota from the start: ``pods``, ``requests.cpu``.
    hard: dict[str, str] = field(default_factory=dict)
    parallel: bool = False

    def written(self) -> Json:
        """As JSON, without what is usual."""
        return {k: v for k, v in asdict(self).items() if v not in ((), {}, False)}


def read(row: Json) -> Case:
    """The case of a row of the table."""
    steps = tuple(Step(**step) for step in row["steps"])
    wanted = {k: row[k] for k in ("kind", "strategy", "cpu", "hard", "parallel") if k in row}
    return Case(steps=steps, bad=tuple(row.get("bad", ())), **wanted)


def made(seed: int, count: int) -> list[Case]:
    """``count`` different cases."""
    rng = random.Random(seed)
    found: dict[str, Case] = {}
    while len(found) < count:
        (made_up,) = rng.choices((_deployment, _stateful, _daemon), (66, 18, 16))
        case = made_up(rng)
        found.setdefault(repr(case), case)
    return list(found.values())


def _strategy(rng: random.Random) -> Json:
    if rng.random() < 0.1:
        return {"type": "Recreate"}
    surge, away = rng.choice(_BOUNDS)
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": away}}


def _story(rng: random.Random, count: int) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps, and the templates that never get ready."""
    first, stuck, second = Step("a", count), Step("x", count), Step("y", count)
    draw = rng.random()
    if draw < 0.25:
        return (first, Step("b", count)), ()
    if draw < 0.47:
        return (first, stuck, Step("b", count)), ("x",)
    if draw < 0.67:
        return (first, stuck, Step("a", count)), ("x",)
    if draw < 0.77:
        return (first, stuck, second, Step(rng.choice("ab"), count)), ("x", "y")
    other = rng.choice([n for n in (1, 2, 3, 5, 6, 8) if n != count])
    if draw < 0.87:
        return (first, Step(rng.choice("ab"), other)), ()
    if draw < 0.96:
        return (first, stuck, Step(rng.choice("axb"), other)), ("x",)
    return (first, Step("b", rng.choice([count, other]), paused=True)), ()


def _sizes(rng: random.Random) -> dict[str, int]:
    return {"a": 100} | {t: rng.choice([50, 100, 100, 150, 200, 300]) for t in "bxy"}


def _hard(
    rng: random.Random, cpu: dict[str, int], steps: tuple[Step, ...], extra: int
) -> dict[str, str]:
    """A quota that lets the first step in, and of the others perhaps not all."""
    if rng.random() < 0.25:
        return {}
    first, last = steps[0], steps[-1]
    if rng.random() < 0.25:
        most = max(step.replicas for step in steps)
        return {"pods": str(max(first.replicas, most) + rng.choice([0, 0, 1, extra]))}
    one = cpu[last.template]
    least = max(first.replicas * cpu["a"], last.replicas * one * rng.choice([0, 1, 1, 1]))
    more = rng.choice([0, 0, 50, one - 1, one, cpu.get("x", 0), extra * one, 2 * one])
    return {"requests.cpu": f"{least + more}m"}


def _deployment(rng: random.Random) -> Case:
    count = rng.choice([1, 2, 3, 4, 4, 5, 6, 7, 10])
    steps, bad = _story(rng, count)
    cpu = _sizes(rng)
    return Case("Deployment", _strategy(rng), steps, cpu, bad, _hard(rng, cpu, steps, 1))


def _stateful(rng: random.Random) -> Case:
    count = rng.choice([1, 2, 3, 3, 4, 5])
    steps, bad = _story(rng, count)
    steps = tuple(Step(s.template, s.replicas) for s in steps)
    rolling: Json = {"partition": rng.choice([0, 0, 0, 0, 1, 2])}
    rolling["maxUnavailable"] = rng.choice([1, 1, 1, 2, "50%"])
    strategy: Json = {"type": "RollingUpdate", "rollingUpdate": rolling}
    if rng.random() < 0.12:
        strategy = {"type": "OnDelete"}
    cpu = _sizes(rng)
    parallel = rng.random() < 0.5
    hard = _hard(rng, cpu, steps, 0)
    return Case("StatefulSet", strategy, steps, cpu, bad, hard, parallel=parallel)


def _daemon(rng: random.Random) -> Case:
    count = rng.choice([1, 2, 3, 4, 5, 6])
    steps, bad = _story(rng, count)
    steps = tuple(Step(s.template, count) for s in steps)
    surge, away = rng.choice([(0, 1), (0, 2), (0, "50%"), (1, 0), (2, 0), ("30%", 0), ("100%", 0)])
    strategy: Json = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": surge, "maxUnavailable": away},
    }
    if rng.random() < 0.1:
        strategy = {"type": "OnDelete"}
    cpu = _sizes(rng)
    return Case("DaemonSet", strategy, steps, cpu, bad, _hard(rng, cpu, steps, 1))
