"""Plans in the order that rules and outcomes give them, and how sure each is said to be. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from decide.core.experience.calibrating import ConfidenceMap, fitted
from decide.core.experience.chances import PlanChance, evidence_of, order
from decide.core.experience.trials import Experience
from schemas.plans import ActionPlan

#: A plan below this is not put forward by itself: people choose.
PLAN_FLOOR = 0.4


@dataclass(frozen=True, slots=True)
class WeighedPlan:
    """A plan with its chance, and the confidence that is told of it."""

    plan: ActionPlan
    chance: PlanChance
    said: float


def weighed(
    plans: Sequence[ActionPlan],
    own: Callable[[ActionPlan], float],
    rank: Callable[[ActionPlan], object],
    experience: Experience,
    *,
    environment: str,
    now: datetime,
) -> list[WeighedPlan]:
    """The plans, which the rules have put in order, as outcomes change it. ``own``: what the rules give a plan.

    Within one ``rank`` alone: outcomes make no plan that gives a requirement up, or is a guess, better than one that does not.
    """
    confidences = fitted(experience.predictions)
    out: list[WeighedPlan] = []
    for _, group in groupby(plans, rank):
        alike = [
            _weighed(plan, own(plan), confidences, experience, environment=environment, now=now)
            for plan in group
        ]
        out += [alike[n] for n in order([one.chance for one in alike])]
    return out


def _weighed(
    plan: ActionPlan,
    own: float,
    confidences: ConfidenceMap,
    experience: Experience,
    *,
    environment: str,
    now: datetime,
) -> WeighedPlan:
    """One plan, given ``own`` by the rules. Neither recalibration nor one incident alone carries it below the floor."""

    evidence = evidence_of(
        experience.fared,
        workload_kind=plan.workload_kind,
        fix_kind=plan.fix_kind,
        environment=environment,
        now=now,
    )
    plain, said = evidence.chance(own), evidence.chance(confidences.said(own)).said
    kept = own >= PLAN_FLOOR and plain.high >= PLAN_FLOOR
    return WeighedPlan(plan, plain, max(PLAN_FLOOR, said) if kept else said)
