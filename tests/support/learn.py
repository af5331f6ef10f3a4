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
from learn.core.judgement import WorkloadState
from learn.ports import LearnPorts
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
    failing: dict[str, Exception] = field(default_factory=dict)
    remembered: list[Outcome] = field(default_factory=list)
    #: What GitLab says of every merge request; ``None``: it does not tell.
    stand: Stand | None = field(default_factory=lambda: Stand("open", T0))
    asked: int = 0
    minute: float = 0

    def _answer(self, source: str) -> None:
        if source in self.failing:
            raise self.failing[source]

    async def state(self, proposal: Proposal, since: datetime) -> WorkloadState:
        self._answer("cluster")
        return self.state_now

    async def measure(
        self, proposal: Proposal, since: datetime, until: datetime
    ) -> dict[str, float]:
        self._answer("signals")
        return dict(self.measured)

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


def ports(engine: Engine, world: World, *, language: str = "en", **settings: Any) -> LearnPorts:
    """Learn's ports on a real ledger and a made-up world."""
    clock: Callable[[], datetime] = world.now
    return LearnPorts(
        ledger=SqlLearnLedger(engine),
        signals=world,
        cluster=world,
        forge=world,
        memory=world,
        settings=Learn(_env_file=None, **settings),  # type: ignore[call-arg]
        language=language,
        now=clock,
    )
