"""How likely a plan holds, by how plans like it fared. Pure.

A Beta posterior per (failure class, workload kind, fix kind, environment) that begins with what the rules say of the plan
and is backed off to coarser cells: trials of the class and fix kind on other kinds of workloads, then those of the kind in
other environments, then those of the very cell. Each step takes what the one before it says as at most ``MOST_PRIOR``
trials; no trial is counted twice. A trial of age *t* counts 2^(−t / 180 days), and one incident at most 1.

A plan goes before a better placed one only where that holds after any one incident is left out: one record, true or
poisoned, moves nothing alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from decide.core.experience.trials import FaredTrial, incident_of
from kfix.incident.fix_record import HALF_LIFE, worth

#: What the rules say of a plan weighs as much as so many trials.
PRIOR = 6.0
#: What coarser cells say weighs at most as much as so many trials of the finer one.
MOST_PRIOR = 8.0
#: Coarse to fine: another kind of workload, another environment, the very cell.
_LAYERS = 3
_NONE = (0.0, 0.0)
Layer = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlanChance:
    """How likely a plan holds. ``mean`` of the posterior; ``low`` and ``high``: its least and most with any one incident left out.

    ``merged`` and ``held`` count the trials of its class, workload kind and fix kind.
    """

    own: float
    mean: float
    low: float
    high: float
    merged: int = 0
    held: int = 0

    def beats(self, other: PlanChance) -> bool:
        """Is it the better one, whichever incident is left out?"""
        return self.low > other.high

    @property
    def said(self) -> float:
        """What is told of it: what counts against it at once, what counts for it once two incidents do."""
        return self.mean if self.mean < self.own else max(self.own, self.low)


@dataclass(slots=True)
class _Told:
    """What one incident's trials say: successes and failures by layer, and how many trials they are."""

    layers: list[list[float]] = field(default_factory=lambda: [[0.0, 0.0] for _ in range(_LAYERS)])
    trials: int = 0


@dataclass(frozen=True, slots=True)
class PlanEvidence:
    """What trials say of one plan: each incident's successes and failures by layer, coarse to fine, and plain counts."""

    parts: tuple[tuple[Layer, ...], ...] = ()
    merged: int = 0
    held: int = 0

    def chance(self, own: float) -> PlanChance:
        """The chance of the plan where the rules give it ``own``."""
        parts = self.parts
        if not parts:
            return PlanChance(own, own, own, own)
        whole = [(sum(p[n][0] for p in parts), sum(p[n][1] for p in parts)) for n in range(_LAYERS)]
        mean = posterior_mean(own, whole)
        without = [posterior_mean(own, _less(whole, part)) for part in _heaviest(parts)]
        low, high = min(mean, *without), max(mean, *without)
        return PlanChance(own, mean, low, high, self.merged, self.held)


def evidence_of(
    trials: Iterable[FaredTrial],
    *,
    workload_kind: str,
    fix_kind: str,
    environment: str,
    now: datetime,
) -> PlanEvidence:
    """What trials of its failure class say of a plan."""
    told: dict[str, _Told] = {}
    merged = held = 0
    for trial in trials:
        good, bad = worth(trial.result)
        if trial.fix_kind != fix_kind or not (good or bad):
            continue
        one = told.setdefault(incident_of(trial.incident_id), _Told())
        same_kind = trial.workload_kind == workload_kind
        layer = same_kind + (same_kind and trial.environment == environment)
        weight = _weight(now - trial.ended_at)
        one.layers[layer][0] += weight * good
        one.layers[layer][1] += weight * bad
        one.trials += 1
        merged += same_kind and trial.result != "rejected"
        held += same_kind and trial.result == "success"
    return PlanEvidence(tuple(_bounded(one) for _, one in sorted(told.items())), merged, held)


def posterior_mean(own: float, layers: Sequence[Layer]) -> float:
    """The mean that begins with ``own`` and takes up layers of successes and failures, coarse to fine; ``own`` without any."""
    if all(layer == _NONE for layer in layers):
        return own
    good, bad = own * PRIOR, (1 - own) * PRIOR
    for more_good, more_bad in layers:
        scale = min(1.0, MOST_PRIOR / (good + bad))
        good, bad = good * scale + more_good, bad * scale + more_bad
    return good / (good + bad)


def order(chances: Sequence[PlanChance]) -> list[int]:
    """The places of plans that the rules have put in order: each goes before the first one that it beats."""
    placed: list[int] = []
    for n, chance in enumerate(chances):
        place = next((at for at, m in enumerate(placed) if chance.beats(chances[m])), len(placed))
        placed.insert(place, n)
    return placed


def _weight(age: timedelta) -> float:
    return float(0.5 ** (max(timedelta(0), age) / HALF_LIFE))


def _bounded(told: _Told) -> tuple[Layer, ...]:
    """The incident's trials, which count as one trial whatever number there are."""
    return tuple((good / told.trials, bad / told.trials) for good, bad in told.layers)


def _heaviest(parts: Sequence[tuple[Layer, ...]]) -> list[tuple[Layer, ...]]:
    """Parts among which are those that move the mean most when they are left out.

    The mean grows with each success and falls with each failure, so that of parts which say one thing in one layer the
    heaviest is enough.
    """
    plain: dict[tuple[int, bool], tuple[float, tuple[Layer, ...]]] = {}
    mixed = []
    for part in parts:
        says = [(n, good > 0, good + bad) for n, (good, bad) in enumerate(part) if good or bad]
        if len(says) != 1 or all(part[says[0][0]]):
            mixed.append(part)
            continue
        ((layer, held, weight),) = says
        if weight > plain.get((layer, held), (0.0, ()))[0]:
            plain[layer, held] = weight, part
    return [*mixed, *(part for _, part in plain.values())]


def _less(whole: Sequence[Layer], part: Sequence[Layer]) -> list[Layer]:
    return [
        (max(0.0, good - less_good), max(0.0, bad - less_bad))
        for (good, bad), (less_good, less_bad) in zip(whole, part, strict=True)
    ]
