"""The made-up company of a simulated year: which incidents there are, and how likely each kind of fix holds. Deterministic.

Of each failure class the rules give three kinds of fix a standing, best first. Whether that order is right is drawn: in half
of the classes it is, in some environments of a class another one holds, and in the middle of the year the truth of half of
the classes changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

from schemas.base import Environment, ObjectRef
from schemas.context import OutcomeResult
from schemas.plans import ActionPlan, FieldChange, FixKind, KubernetesChange

BEGAN = datetime(2027, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
CLASSES = (
    "oom_killed",
    "cpu_throttling",
    "probe_failing",
    "image_missing",
    "quota_full",
    "bad_config",
    "latency_high",
    "crash_loop",
)
KINDS: tuple[FixKind, ...] = ("set_memory", "rollback_revision", "set_replicas")
ENVIRONMENTS: tuple[Environment, ...] = ("production", "production", "staging", "development")
WORKLOADS = ("Deployment", "Deployment", "Deployment", "StatefulSet")
#: What the rules give the three kinds: the standing that the ranking begins with.
STANDINGS = (0.82, 0.74, 0.66)
#: How often the best, the second and the last kind of fix hold, least and most.
_HOLDS = ((0.75, 0.92), (0.45, 0.70), (0.15, 0.45))
#: Objects of each class, and how often a deployment has changed one's fields before its next incident.
_OBJECTS, _CHANGED = 40, 0.9
#: How often people merge, and turn down; else nobody decides. How often a person calls a fix bad that was measured as good.
_MERGED, _REJECTED, _HARSH = 0.85, 0.1, 0.02
Half = Literal[0, 1]


@dataclass(frozen=True, slots=True)
class YearIncident:
    """One incident of the year, with the plans that the rules propose, in their order."""

    number: int
    at: datetime
    failure_class: str
    environment: Environment
    workload: str
    plans: tuple[ActionPlan, ...]

    @property
    def incident_id(self) -> str:
        """As ``schemas.identity`` has them."""
        return f"inc-{self.at:%Y%m%d}-{self.number:08x}"

    @property
    def half(self) -> Half:
        """0 before the drift in the middle of the year, 1 after it."""
        return 0 if self.at < BEGAN + YEAR / 2 else 1


class YearWorld:
    """The truth of one seed: how likely a kind of fix holds for a class, workload and environment, and when."""

    def __init__(self, seed: int, incidents: int) -> None:
        self.seed = seed
        self.incidents = incidents
        self._orders = self._drawn()

    def _drawn(self) -> dict[tuple[str, Environment, Half], tuple[float, ...]]:
        rng = Random(f"truth {self.seed}")
        found: dict[tuple[str, Environment, Half], tuple[float, ...]] = {}
        for n, failure_class in enumerate(CLASSES):
            values = [rng.uniform(*bounds) for bounds in _HOLDS]
            before = values if n % 2 == 0 else _another(rng, values)
            after = _another(rng, before) if n % 4 in (0, 1) else before
            for environment in dict.fromkeys(ENVIRONMENTS):
                own = rng.random() < 0.25
                for half, order in ((0, before), (1, after)):
                    mine = _another(rng, order) if own else order
                    shift = rng.uniform(-0.05, 0.05)
                    key: tuple[str, Environment, Half] = (failure_class, environment, half)
                    found[key] = tuple(min(0.97, max(0.03, one + shift)) for one in mine)
        return found

    def holds(self, incident: YearIncident, kind: str) -> float:
        """The true chance that this kind of fix holds."""
        key = (incident.failure_class, incident.environment, incident.half)
        lower = 0.05 if incident.workload == "StatefulSet" else 0.0
        return max(0.02, self._orders[key][KINDS.index(kind)] - lower)  # type: ignore[arg-type]

    def year(self) -> Iterator[YearIncident]:
        """The incidents, oldest first."""
        rng = Random(f"incidents {self.seed}")
        weights = [1 / (n + 1) ** 0.6 for n in range(len(CLASSES))]
        versions: dict[str, int] = {}
        for number in range(self.incidents):
            (failure_class,) = rng.choices(CLASSES, weights)
            which = rng.randrange(_OBJECTS)
            name = f"{failure_class.replace('_', '-')}-{which}"
            versions[name] = versions.get(name, 0) + (rng.random() < _CHANGED)
            place = Random(f"place {self.seed} {name}")
            environment, workload = place.choice(ENVIRONMENTS), place.choice(WORKLOADS)
            target = ObjectRef(
                api_version="apps/v1", kind=workload, namespace=environment, name=name
            )
            yield YearIncident(
                number,
                BEGAN + YEAR * (number / self.incidents),
                failure_class,
                environment,
                workload,
                tuple(_plan(target, n, versions[name]) for n in range(len(KINDS))),
            )

    def ended(self, incident: YearIncident, plan: ActionPlan) -> tuple[OutcomeResult, bool]:
        """How this plan's merge request ends, and whether a person calls it bad: the same however often it is asked."""
        rng = Random(f"end {self.seed} {incident.number} {plan.fix_kind}")
        decided = rng.random()
        if decided >= _MERGED:
            return ("rejected" if decided < _MERGED + _REJECTED else "expired"), False
        drawn = rng.random()
        if drawn < self.holds(incident, plan.fix_kind):
            return ("partial" if rng.random() < 0.05 else "success"), rng.random() < _HARSH
        return "failure", False


def _another(rng: Random, order: list[float]) -> list[float]:
    """The same values in an order with another best."""
    while True:
        found = rng.sample(order, len(order))
        if found.index(max(found)) != order.index(max(order)):
            return found


def _plan(target: ObjectRef, n: int, version: int) -> ActionPlan:
    kind = KINDS[n]
    field = FieldChange(path=f"spec.of.{kind}", before=f"v{version}", after=f"v{version}-mended")
    return ActionPlan(
        plan_id=f"plan-{kind}-{version}",
        title=kind,
        fix_kind=kind,
        confidence=STANDINGS[n],
        justification=kind,
        kubernetes_changes=(KubernetesChange(object=target, fields=(field,)),),
    )
