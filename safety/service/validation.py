"""Examines each plan of a candidate: edit it, ask the server, run the checks. Never raises for a check's sake."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from kfix.incident import cluster_names
from kfix.incident.environments import called
from kfix.texts import say
from manifests.proposal.proof import EditProof
from manifests.proposal.propose import EditBase, EditProposal, propose_on
from manifests.refused import EditRefused
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository import provenance
from manifests.repository.index import RepositoryIndex, build
from manifests.repository.locate import Hints
from manifests.repository.reach import Reach
from manifests.repository.rendering import Renderer
from safety.core import Edits, Findings, Policy, check_plan, render, validated
from safety.core.images import by_name, image_exists, named_in
from safety.ports import BOUNDS, SafetyPorts, Schemas
from safety.service.schema import check_schema
from schemas import errors
from schemas.base import Json
from schemas.plans import ActionPlan, CandidatePlans
from schemas.text import cut
from schemas.validated import CheckName, CheckResult, ValidatedPlans

log = structlog.get_logger(__name__)
T = TypeVar("T")
_LOCK = {"unlocked": "safety.lock.unlocked", "unknown": "safety.lock.unknown"}
#: Why a registry has no answer that it may have later.
_MAY_ANSWER_LATER = ("unanswered", "rate_limited")
#: The edit, what rendering showed, and where the files deploy to.
Edited = tuple[Edits, EditProof | None, tuple[Reach, ...]]


@dataclass(frozen=True, slots=True)
class Examined:
    """The verdicts, and what could not be asked for them, as ``name: reason``: the same question may be answered later."""

    plans: ValidatedPlans
    unanswered: tuple[str, ...] = ()


async def examination(candidate: CandidatePlans, ports: SafetyPorts) -> Examined:
    """All plans with their verdicts. Each port has a deadline; what it does not tell in time is unknown."""
    if not candidate.plans:
        return Examined(validated(candidate, (), ports.policy))
    asked = _Examination(ports)
    plans_in_order = ports.policy.in_order(candidate.plans)
    candidate = candidate.model_copy(update={"plans": plans_in_order})
    silent: list[str] = []
    objects = await asked.objects(candidate, silent)
    plans = [await asked.plan(plan, candidate, objects, silent) for plan in candidate.plans]
    verdicts = [
        check_plan(plan, candidate, objects, ports.policy, found)
        for plan, found in zip(candidate.plans, plans, strict=True)
    ]
    return Examined(validated(candidate, verdicts, ports.policy), tuple(dict.fromkeys(silent)))


@dataclass(frozen=True, slots=True)
class _Examination:
    """The questions about one candidate."""

    ports: SafetyPorts

    async def objects(
        self, candidate: CandidatePlans, silent: list[str]
    ) -> Mapping[str, Sequence[Json]]:
        """The bundle's objects, with bounds as they are now; kinds that cannot be refreshed are dropped: stale is unknown."""
        collected: Mapping[str, Sequence[Json]] = candidate.context.objects
        if self.ports.cluster is None or self._strange(candidate):
            return collected
        namespaces = sorted(
            {
                c.object.namespace
                for p in candidate.plans
                for c in p.kubernetes_changes
                if c.object.namespace
            }
        )
        fresh, _ = await self._ask("bounds", self.ports.cluster.bounds(namespaces), silent)
        if fresh is None:
            return {kind: items for kind, items in collected.items() if kind not in BOUNDS}
        return {**collected, **fresh}

    async def plan(
        self,
        plan: ActionPlan,
        candidate: CandidatePlans,
        objects: Mapping[str, Sequence[Json]],
        silent: list[str],
    ) -> Findings:
        started = time.perf_counter()
        edits, proof, reaches = await self._edits(
            plan, called(candidate.context.proof), objects, silent
        )
        spent = {"elapsed_ms": round((time.perf_counter() - started) * 1000, 1)}
        rendered = proof.objects if proof else {}
        found: dict[CheckName, CheckResult] = {
            "render": render(proof).model_copy(update=spent),
            "schema": check_schema(self.ports.schemas, edits, rendered, self.ports.readings),
            "server_dry_run": self._strange(candidate)
            or await self._dry_run(
                plan, edits, rendered, silent, self._unlocked(candidate, silent)
            ),
        }
        exists = await self._images(plan, candidate, silent)
        return Findings(edits, found | _made(exists), reaches)

    async def _images(
        self, plan: ActionPlan, candidate: CandidatePlans, silent: list[str]
    ) -> CheckResult | None:
        """Whether the images that the plan names are there now, right before it may be published."""
        named, context = named_in(plan), candidate.context
        if not named or self.ports.images is None:
            return None
        question = self.ports.images.images(named, context.registry)
        answers, why = await self._ask("registry", question, silent)
        if answers is None:
            return CheckResult(name="image_exists", verdict="unknown", reason=why)
        silent += [f"registry: {a.detail}" for a in answers if a.why in _MAY_ANSWER_LATER]
        return image_exists(plan, by_name(named, answers), context.objects)

    def _strange(self, candidate: CandidatePlans) -> CheckResult | None:
        """Why nothing is asked of the cluster: the plan is not for the one that is connected here."""
        context = candidate.context
        claim = cluster_names.again(context.claim, context.cluster, self.ports.fleet)
        if cluster_names.is_ours(claim):
            return None
        named: str = ", ".join(claim.named) or say("safety.server.no_cluster_named")
        own: str = self.ports.fleet.names or say("safety.server.nameless")
        reason = say("safety.server.another_cluster", named=named, own=own)
        return CheckResult(name="server_dry_run", verdict="fail", reason=cut(reason, 300))

    async def _edits(
        self,
        plan: ActionPlan,
        environment: str,
        objects: Mapping[str, Sequence[Json]],
        silent: list[str],
    ) -> Edited:
        if self.ports.repository is None:
            return say("safety.repository.none"), None, ()
        live = provenance.marks(objects, [change.object for change in plan.kubernetes_changes])
        question = self.ports.repository.propose(plan.kubernetes_changes, environment, live)
        found, why = await self._ask("repository", question, silent)
        if found is None:
            return why, None, ()
        return _edited(found)

    def _unlocked(self, candidate: CandidatePlans, silent: list[str]) -> CheckResult | None:
        """Why nothing is sent to the cluster for these plans: in production its lock must be proven."""
        if not self.ports.policy.is_production(candidate.context.environment):
            return None
        if self.ports.lock is None:
            return CheckResult(
                name="server_dry_run",
                verdict="unknown",
                reason=say("safety.lock.unwatched"),
                numbers={"lock": say("safety.lock.unknown")},
            )
        proven = self.ports.lock.lock()
        if proven.state == "locked":
            return None
        if proven.state == "unknown":
            silent.append(f"lock: {proven.why}")
        state = say(_LOCK[proven.state])
        why = say("safety.lock.shut_out", state=state, why=proven.why)
        return CheckResult(
            name="server_dry_run",
            verdict="unknown",
            reason=why,
            numbers={"lock": state},
        )

    async def _dry_run(
        self,
        plan: ActionPlan,
        edits: Edits,
        rendered: Mapping[str, Json],
        silent: list[str],
        unlocked: CheckResult | None,
    ) -> CheckResult:
        started = time.perf_counter()
        if self.ports.cluster is None:
            return CheckResult(
                name="server_dry_run", verdict="unknown", reason=say("safety.server.none")
            )
        if unlocked is not None:
            return unlocked
        if isinstance(edits, str | EditRefused):
            return CheckResult(
                name="server_dry_run", verdict="unknown", reason=say("safety.edit.none")
            )
        asked = self.ports.cluster.dry_run(plan.kubernetes_changes, edits, rendered)
        found, why = await self._ask("server_dry_run", asked, silent)
        verdict = found or CheckResult(name="server_dry_run", verdict="unknown", reason=why)
        return verdict.model_copy(
            update={"elapsed_ms": round((time.perf_counter() - started) * 1000, 1)}
        )

    async def _ask(
        self, name: str, question: Awaitable[T], silent: list[str]
    ) -> tuple[T | None, str]:
        """The answer, or why there is none; ``silent`` takes what may answer when it is asked again."""
        try:
            async with asyncio.timeout(self.ports.deadline_s):
                return await question, ""
        except TimeoutError:
            why: str = say("safety.no_answer", seconds=self.ports.deadline_s)
        except errors.KFixError as failure:
            why = f"{failure.reason}: {failure}"[:300]
            if not isinstance(failure, errors.Retryable):
                return None, why
        except Exception as failure:  # a port's bug makes its answer unknown, not a dead letter
            log.exception("port.failed", error=type(failure).__name__)
            return None, say("safety.unforeseen", error=type(failure).__name__)
        silent.append(f"{name}: {why}")
        return None, why


def examine_offline(
    candidate: CandidatePlans,
    files: Mapping[str, bytes] | RepositoryIndex | None,
    policy: Policy,
    schemas: Schemas,
    renderer: Renderer | None = None,
) -> ValidatedPlans:
    """The examination of a captured case: no server is asked, and what is unknown for that reason rejects nothing.

    ``files`` is the deployment repository; ``None``: there is none. Without a ``renderer`` the built-in one stands in,
    which knows no Helm. The dry-run's verdict is ``unknown``.
    """
    index = build(files) if isinstance(files, Mapping) else files
    done = []
    for plan in candidate.plans:
        edits, proof, reaches = _offline(index, plan, candidate, renderer or BuiltIn())
        dry_run = CheckResult(
            name="server_dry_run", verdict="unknown", reason=say("safety.server.offline")
        )
        rendered = proof.objects if proof else {}
        schema = check_schema(schemas, edits, rendered, index.readings if index else None)
        results: dict[CheckName, CheckResult] = {
            "render": render(proof),
            "schema": schema,
            "server_dry_run": dry_run,
        }
        context = candidate.context
        told = by_name(named_in(plan), context.registry.images)
        exists = image_exists(plan, told, context.objects)
        found = Findings(edits, results | _made(exists), reaches)
        done.append(
            check_plan(plan, candidate, candidate.context.objects, policy, found, offline=True)
        )
    return validated(candidate, done, policy)


def _made(check: CheckResult | None) -> dict[CheckName, CheckResult]:
    return {} if check is None else {check.name: check}


def _offline(
    index: RepositoryIndex | None, plan: ActionPlan, candidate: CandidatePlans, renderer: Renderer
) -> Edited:
    if index is None:
        return say("safety.repository.not_in_case"), None, ()
    refs = [change.object for change in plan.kubernetes_changes]
    hints = Hints(
        called(candidate.context.proof), live=provenance.marks(candidate.context.objects, refs)
    )
    base = EditBase("", "", "", {})
    return _edited(propose_on(index, plan.kubernetes_changes, base, hints, renderer))


def _edited(found: EditProposal | EditRefused) -> Edited:
    if isinstance(found, EditRefused):
        return found, None, ()
    return found.edits, found.proof, found.reaches
