"""A merge request as learn follows it, and a world that answers as a test says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from kfix.incident.forge.port import Stand
from learn.adapters.sql import SqlLearnLedger
from learn.core.judgement import AlertReading, WorkloadState
from learn.ports import LearnPorts
from learn.service.following import check_due, follow
from learn.settings import Learn
from schemas.base import ObjectRef
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef, Proposal
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan, Analysis, FieldChange, IncidentContext, KubernetesChange

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REF = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="cart")
MERGE_REQUEST = MergeRequestRef(project="shop/deployments", iid=7)
HEALTHY = WorkloadState(arrived=True, desired=2, ready=2, deaths=0)
CALM = {"throttled_ratio": 0.0}
_numbers = itertools.count(1)

PROPOSAL = Proposal(
    context=IncidentContext(
        cluster="c",
        namespace="shop",
        environment="production",
        service="cart",
        alert_title="CPU throttling on cart",
        alerted_at=T0,
        signature="cpu throttled",
        baseline={"throttled_ratio": 0.4},
        tags={"team": "shop"},
    ),
    analysis=Analysis(
        failure_class="cpu_throttling", object=REF, root_cause="limit too low", confidence=0.9
    ),
    plan=ActionPlan(
        plan_id="plan-1",
        title="More CPU",
        fix_kind="set_cpu",
        confidence=0.9,
        justification="j",
        kubernetes_changes=(
            KubernetesChange(
                object=REF,
                fields=(
                    FieldChange(
                        path="spec.template.spec.containers[name=app].resources.limits.cpu",
                        before="250m",
                        after="500m",
                    ),
                ),
            ),
        ),
    ),
)


def after(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def event(action: str, minutes: float = 0, **more: Any) -> MergeRequestEvent:
    """One event of incident ``inc-1``'s merge request."""
    if action in ("opened", "updated"):
        more.setdefault("proposal", PROPOSAL)
    fields = {
        "event_id": f"ev-{next(_numbers)}",
        "trace_id": "trace-1",
        "incident_id": "inc-1",
        "fingerprint": "fp-1",
        "merge_request": MERGE_REQUEST,
        **more,
    }
    return MergeRequestEvent(action=action, occurred_at=after(minutes), **fields)  # type: ignore[arg-type]


def outcome(**more: Any) -> Outcome:
    """An outcome of ``inc-1``, measured at minute 15."""
    fields = {
        "event_id": "out-1",
        "trace_id": "trace-1",
        "occurred_at": after(15),
        "incident_id": "inc-1",
        "fingerprint": "fp-1",
        "result": "success",
        "failure_class": "cpu_throttling",
        "object": REF,
        "plan": PROPOSAL.plan,
        "checked_at": after(15),
        **more,
    }
    return Outcome.model_validate(fields)


@dataclass
class World:
    """Signals, cluster and memory in one, as a test says; ``failing`` are raised instead of answers."""

    state_now: WorkloadState = HEALTHY
    measured: dict[str, float] = field(default_factory=lambda: dict(CALM))
    #: What the alert's source says of it, and what its measure was around the alert.
    alert: AlertReading = field(default_factory=AlertReading)
    measure_before: float | None = None
    #: Signals of the same hour of another day; none where empty.
    usual: dict[str, float] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    remembered: list[Outcome] = field(default_factory=list)
    #: What GitLab says of every merge request; ``None``: it does not tell.
    stand: Stand | None = field(default_factory=lambda: Stand("open", T0))
    asked: int = 0
    minute: float = 0
    #: Plans whose change the cluster was asked for.
    looked_for: list[ActionPlan] = field(default_factory=list)

    def _answer(self, source: str) -> None:
        if source in self.failing:
            raise self.failing[source]

    async def state(self, proposal: Proposal, since: datetime) -> WorkloadState:
        self._answer("cluster")
        self.looked_for.append(proposal.plan)
        return self.state_now

    async def measure(
        self, proposal: Proposal, since: datetime, until: datetime
    ) -> dict[str, float]:
        self._answer("signals")
        return dict(self.usual if until < self.now() - timedelta(hours=12) else self.measured)

    async def reading(self, proposal: Proposal, since: datetime, until: datetime) -> AlertReading:
        self._answer("alert")
        return self.alert

    async def remember(self, outcome: Outcome, proposal: Proposal) -> None:
        self._answer("memory")
        self.remembered.append(outcome)

    async def stands(self, asked: Sequence[MergeRequestRef]) -> Mapping[tuple[str, int], Stand]:
        self._answer("gitlab")
        self.asked += len(asked)
        stands = {(ref.project, ref.iid): self.stand for ref in asked}
        return {key: stand for key, stand in stands.items() if stand is not None}

    def now(self) -> datetime:
        return after(self.minute)


@dataclass
class AlertWorld:
    """The world's alert, as its source tells."""

    world: World

    async def reading(self, proposal: Proposal, since: datetime, until: datetime) -> AlertReading:
        return await self.world.reading(proposal, since, until)

    async def measure(self, proposal: Proposal, since: datetime, until: datetime) -> float | None:
        self.world._answer("alert")
        return self.world.measure_before


def ports(engine: Engine, world: World, *, language: str = "en", **settings: Any) -> LearnPorts:
    """Learn's ports on a real ledger and a made-up world."""
    clock: Callable[[], datetime] = world.now
    return LearnPorts(
        ledger=SqlLearnLedger(engine),
        signals=world,
        alerts=AlertWorld(world),
        cluster=world,
        forge=world,
        memory=world,
        settings=Learn(_env_file=None, **settings),  # type: ignore[call-arg]
        language=language,
        now=clock,
    )


async def watched(
    engine: Engine, world: World, until: float, *, every: float = 1, **settings: Any
) -> list[Outcome]:
    """Lives from the world's minute to ``until``, a look ``every`` minutes; what the watch tells comes back to it as through
    the broker. Stops at the first outcomes, which nobody has kept yet."""
    used = ports(engine, world, **settings)
    while True:
        outcomes = []
        for record in await check_due(used):
            if isinstance(record, MergeRequestEvent):
                await follow(record, used)
            else:
                outcomes.append(record)
        if outcomes or world.minute >= until:
            return outcomes
        world.minute += every
