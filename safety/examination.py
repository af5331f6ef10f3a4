"""Examines each plan of a candidate: edit it, ask the server, run the checks. Never raises for a check's sake."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from manifests import ladder
from manifests.index import Index, build
from manifests.locate import Hints
from manifests.plain_kustomize import BuiltIn
from manifests.proof import Proof
from manifests.proposing import Base, propose_on
from manifests.refused import Refused
from safety.adapters.schemas import check_schema
from safety.core import Edits, Findings, Policy, check_plan, render, validated
from safety.ports import BOUNDS, Cluster, Repository, Schemas
from schemas import errors
from schemas.base import Json
from schemas.plans import ActionPlan, CandidatePlans
from schemas.validated import CheckName, CheckResult, ValidatedPlans

log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Examiner:
    """Who is asked. ``None`` stands for what is not configured."""

    repository: Repository | None
    cluster: Cluster | None
    schemas: Schemas
    policy: Policy
    deadline_s: float

    async def examine(self, candidate: CandidatePlans) -> ValidatedPlans:
        """All plans with their verdicts. Each port has a deadline; what it does not tell in time is unknown."""
        if not candidate.plans:
            return validated(candidate, (), self.policy)
        objects = await self._objects(candidate)
        plans = [await self._plan(plan, candidate, objects) for plan in candidate.plans]
        return validated(
            candidate,
            [
                check_plan(plan, candidate, objects, self.policy, found)
                for plan, found in zip(candidate.plans, plans, strict=True)
            ],
            self.policy,
        )

    async def _objects(self, candidate: CandidatePlans) -> Mapping[str, Sequence[Json]]:
        """The bundle's objects, with bounds as they are now; kinds that cannot be refreshed are dropped: stale is unknown."""
        collected: Mapping[str, Sequence[Json]] = candidate.context.objects
        if self.cluster is None:
            return collected
        namespaces = sorted(
            {
                c.object.namespace
                for p in candidate.plans
                for c in p.kubernetes_changes
                if c.object.namespace
            }
        )
        fresh, _ = await self._ask(self.cluster.bounds(namespaces))
        if fresh is None:
            return {kind: items for kind, items in collected.items() if kind not in BOUNDS}
        return {**collected, **fresh}

    async def _plan(
        self, plan: ActionPlan, candidate: CandidatePlans, objects: Mapping[str, Sequence[Json]]
    ) -> Findings:
        started = time.perf_counter()
        edits, proof = await self._edits(plan, candidate.context.environment, objects)
        spent = {"elapsed_ms": round((time.perf_counter() - started) * 1000, 1)}
        rendered = proof.objects if proof else {}
        found: dict[CheckName, CheckResult] = {
            "render": render(proof).model_copy(update=spent),
            "schema": check_schema(self.schemas, edits, rendered),
            "server_dry_run": await self._dry_run(plan, edits, rendered),
        }
        return Findings(edits, found)

    async def _edits(
        self, plan: ActionPlan, environment: str, objects: Mapping[str, Sequence[Json]]
    ) -> tuple[Edits, Proof | None]:
        if self.repository is None:
            return "no deployment repository is configured", None
        live = ladder.marks(objects, [change.object for change in plan.kubernetes_changes])
        question = self.repository.propose(plan.kubernetes_changes, environment, live)
        found, why = await self._ask(question)
        if found is None:
            return why, None
        return (found, None) if isinstance(found, Refused) else (found.edits, found.proof)

    async def _dry_run(
        self, plan: ActionPlan, edits: Edits, rendered: Mapping[str, Json]
    ) -> CheckResult:
        started = time.perf_counter()
        if self.cluster is None:
            return CheckResult(
                name="server_dry_run", verdict="unknown", reason="no cluster is configured"
            )
        if isinstance(edits, str | Refused):
            return CheckResult(
                name="server_dry_run", verdict="unknown", reason="there is no edited document"
            )
        found, why = await self._ask(self.cluster.dry_run(plan.kubernetes_changes, edits, rendered))
        verdict = found or CheckResult(name="server_dry_run", verdict="unknown", reason=why)
        return verdict.model_copy(
            update={"elapsed_ms": round((time.perf_counter() - started) * 1000, 1)}
        )

    async def _ask(self, question: Awaitable[T]) -> tuple[T | None, str]:
        """The answer, or why there is none."""
        try:
            async with asyncio.timeout(self.deadline_s):
                return await question, ""
        except TimeoutError:
            return None, f"no answer within {self.deadline_s:g} s"
        except errors.KFixError as failure:
            return None, f"{failure.reason}: {failure}"[:300]
        except Exception as failure:  # a port's bug makes its answer unknown, not a dead letter
            log.exception("port.failed", error=type(failure).__name__)
            return None, f"an unforeseen failure: {type(failure).__name__}"


def examine_offline(
    candidate: CandidatePlans, files: Mapping[str, bytes] | None, policy: Policy, schemas: Schemas
) -> ValidatedPlans:
    """The examination of a captured case: no server is asked, and what is unknown for that reason rejects nothing.

    ``files`` is the deployment repository; ``None``: there is none. The dry-run's verdict is ``unknown``.
    """
    done = []
    index = None if files is None else build(files)
    for plan in candidate.plans:
        edits: Edits = "the case has no repository"
        proof: Proof | None = None
        if index is not None:
            refs = [change.object for change in plan.kubernetes_changes]
            live = ladder.marks(candidate.context.objects, refs)
            hints = Hints(candidate.context.environment, live=live)
            edits, proof = _offline(index, plan, hints)
        dry_run = CheckResult(
            name="server_dry_run", verdict="unknown", reason="offline: no server was asked"
        )
        rendered = proof.objects if proof else {}
        schema = check_schema(schemas, edits, rendered)
        results: dict[CheckName, CheckResult] = {
            "render": render(proof),
            "schema": schema,
            "server_dry_run": dry_run,
        }
        found = Findings(edits, results)
        done.append(
            check_plan(plan, candidate, candidate.context.objects, policy, found, offline=True)
        )
    return validated(candidate, done, policy)


def _offline(index: Index, plan: ActionPlan, hints: Hints) -> tuple[Edits, Proof | None]:
    base = Base("", "", "", {})
    found = propose_on(index, plan.kubernetes_changes, base, hints, BuiltIn())
    return (found, None) if isinstance(found, Refused) else (found.edits, found.proof)
