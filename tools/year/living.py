"""One simulated year, incident by incident, with decide's own ledger and cores. Deterministic."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from decide.adapters.recalled import RecalledTrialBook
from decide.core.experience.trials import ExperienceAsked, ended_trial, object_of, spec_of
from decide.core.planning import in_experience
from decide.ports import Proposed, TrialBook
from schemas.feedback import Feedback
from schemas.identity import next_attempt
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan
from tools.year.world import YearIncident, YearWorld

_ATTEMPTS = 3
_MEASURED_AFTER = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class FirstPlan:
    """What was proposed first for one incident: how likely it truly held, and how likely the best and the rules' first did.

    ``chosen`` is 0 where nothing was proposed and a person had to look.
    """

    failure_class: str
    at: float
    chosen: float
    best: float
    static: float


@dataclass(frozen=True, slots=True)
class LivedYear:
    """A year's first plans, and how often at most one kind of fix was tried in vain on one spec."""

    seed: int
    firsts: tuple[FirstPlan, ...]
    most_in_vain: int
    handed_over: int


def lived(seed: int, incidents: int, book: TrialBook | None = None) -> LivedYear:
    """The year of this seed; its outcomes are kept in ``book``, else in memory, which keeps the same promises as a store."""
    life = _Life(YearWorld(seed, incidents), book or RecalledTrialBook(timedelta(days=7)))
    return asyncio.run(life.year())


class _Life:
    def __init__(self, world: YearWorld, book: TrialBook) -> None:
        self._world = world
        self._book = book
        self._in_vain: Counter[tuple[str, str, str]] = Counter()

    async def year(self) -> LivedYear:
        firsts = [await self._incident(one) for one in self._world.year()]
        most = max(self._in_vain.values(), default=0)
        handed = sum(not one.chosen for one in firsts)
        return LivedYear(self._world.seed, tuple(firsts), most, handed)

    async def _incident(self, incident: YearIncident) -> FirstPlan:
        """Attempts at one incident, until a fix holds, people turn one down or nothing is left to propose."""
        attempt, tried, first = incident.incident_id, set[str](), ""
        for _ in range(_ATTEMPTS):
            plan = await self._proposed(incident, attempt, tried)
            if plan is None:
                break
            first = first or plan.fix_kind
            tried.add(plan.fix_kind)
            if not await self._failed(incident, attempt, plan):
                break
            attempt = next_attempt(attempt)
        holds = {one.fix_kind: self._world.holds(incident, one.fix_kind) for one in incident.plans}
        return FirstPlan(
            incident.failure_class,
            incident.number / self._world.incidents,
            holds.get(first, 0.0) if first else 0.0,  # type: ignore[call-overload]
            max(holds.values()),
            holds[incident.plans[0].fix_kind],
        )

    async def _proposed(
        self, incident: YearIncident, attempt: str, tried: set[str]
    ) -> ActionPlan | None:
        plans = [one for one in incident.plans if one.fix_kind not in tried]
        if not plans:
            return None
        asked = ExperienceAsked(incident.failure_class, "prod", (object_of(plans[0]),))
        known = await self._book.experience(asked)
        ranked, _ = in_experience(
            plans, known, cluster="prod", environment=incident.environment, now=incident.at
        )
        offered = [one.plan for one in ranked]
        predicted: Mapping[str, float] = {one.plan_id: one.confidence for one in plans}
        refused = await self._book.admit(
            [
                Proposed(
                    attempt,
                    one,
                    incident.failure_class,
                    "prod",
                    incident.environment,
                    predicted[one.plan_id],
                )
                for one in offered
            ],
            at=incident.at,
        )
        return next((one for one in offered if one.plan_id not in refused), None)

    async def _failed(self, incident: YearIncident, attempt: str, plan: ActionPlan) -> bool:
        """Whether it was merged and did not hold; what became of it is told to the ledger."""
        result, harsh = self._world.ended(incident, plan)
        at = incident.at + _MEASURED_AFTER
        trial = ended_trial(
            Outcome(
                event_id=f"out-{attempt}",
                occurred_at=at,
                incident_id=attempt,
                fingerprint="fp",
                result=result,
                failure_class=incident.failure_class,
                object=plan.kubernetes_changes[0].object,
                plan=plan,
                feedback=(Feedback(author="a person", verdict="bad"),) if harsh else (),
                checked_at=at,
                cluster="prod",
                environment=incident.environment,
            )
        )
        if trial is not None:
            await self._book.ended(trial)
            if trial.result == "failure":
                spec = ",".join(sorted(spec_of(plan).values()))
                self._in_vain[object_of(plan), plan.fix_kind, spec] += 1
        return result == "failure"
