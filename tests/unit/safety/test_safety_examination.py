"""Whatever a port does, an examination ends with verdicts: what could not be asked is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from kfix.incident.cluster_names import Fleet, Own
from kfix.infra.clients.kubernetes import LockProof
from manifests.proposal.propose import EditBase, EditProposal, propose_on
from manifests.refused import EditRefused
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.index import build
from manifests.repository.locate import Hints
from safety.adapters.schemas import PublishedSchemas
from safety.agent import validate
from safety.core import Policy
from safety.ports import SafetyPorts
from safety.service.validation import examination, examine_offline
from schemas import errors
from schemas.base import Json
from schemas.places import ClusterClaim
from schemas.plans import CandidatePlans, KubernetesChange
from schemas.validated import CheckResult, FileEdit, ValidatedPlan, ValidatedPlans
from tests.support import publish as sample

#: The sample's cluster.
OURS = Fleet.of(Own("eu-1"))
#: What ports raise: failures of our tree, and those of a bug or of a client that nobody mapped.
FAILURES = [
    errors.Unavailable("gone"),
    errors.Unauthorized("no"),
    errors.Defect("ours"),
    RuntimeError("theirs"),
    KeyError("items"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    AttributeError("'NoneType' object has no attribute 'spec'"),
]


@dataclass(frozen=True)
class Repository:
    failure: Exception | None = None
    wait_s: float = 0.0

    async def propose(
        self,
        changes: Sequence[KubernetesChange],
        environment: str,
        live: Mapping[str, Mapping[str, str]],
    ) -> EditProposal | EditRefused:
        await asyncio.sleep(self.wait_s)
        if self.failure is not None:
            raise self.failure
        base = EditBase("shop/d", "main", "", {})
        return propose_on(build(sample.FILES), changes, base, Hints(environment), BuiltIn())


@dataclass(frozen=True)
class Cluster:
    failure: Exception | None = None
    wait_s: float = 0.0
    asked: list[str] = field(default_factory=list)

    async def bounds(self, namespaces: Sequence[str]) -> Mapping[str, Sequence[Json]]:
        self.asked.append("bounds")
        await self._trouble()
        return {}

    async def dry_run(
        self,
        changes: Sequence[KubernetesChange],
        edits: Sequence[FileEdit],
        rendered: Mapping[str, Json],
    ) -> CheckResult:
        self.asked.append("dry_run")
        await self._trouble()
        return CheckResult(name="server_dry_run", verdict="pass", reason="taken")

    async def _trouble(self) -> None:
        await asyncio.sleep(self.wait_s)
        if self.failure is not None:
            raise self.failure


class Held:
    """A lock that is proven."""

    def lock(self) -> LockProof:
        return LockProof("locked")


async def examined(
    repository: Repository,
    cluster: Cluster,
    deadline_s: float = 5.0,
    *,
    fleet: Fleet | None = None,
    claim: ClusterClaim | None = None,
) -> tuple[ValidatedPlan, dict[str, CheckResult]]:
    ports = SafetyPorts(
        repository,
        cluster,
        PublishedSchemas(""),
        Policy(),
        deadline_s,
        fleet=OURS if fleet is None else fleet,
        lock=Held(),
    )
    found = (await examination(proposed(claim), ports)).plans
    (plan,) = found.plans
    assert found.recommended == ""
    return plan, {check.name: check for check in plan.checks}


def proposed(claim: ClusterClaim | None = None) -> CandidatePlans:
    record = sample.record()
    return CandidatePlans(
        event_id="cand-1",
        occurred_at=sample.NOW,
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        status="solution_proposed",
        context=record.context.model_copy(update={"claim": claim} if claim else {}),
        analysis=record.analysis,
        plans=(sample.plan(),),
    )


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: type(f).__name__)
async def test_a_repository_that_fails_leaves_the_edit_unknown(failure: Exception) -> None:
    plan, checks = await examined(Repository(failure), Cluster())
    assert checks["manifest_edit"].verdict == "unknown"
    assert checks["server_dry_run"].verdict == "unknown"
    assert not plan.accepted
    assert plan.edits == ()


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: type(f).__name__)
async def test_a_cluster_that_fails_leaves_the_dry_run_unknown(failure: Exception) -> None:
    plan, checks = await examined(Repository(), Cluster(failure))
    assert checks["manifest_edit"].verdict == "pass"
    assert checks["server_dry_run"].verdict == "unknown"
    assert checks["resource_quota"].verdict == "unknown"
    assert not plan.accepted


async def test_ports_that_do_not_answer_are_given_up() -> None:
    _, checks = await examined(Repository(wait_s=60), Cluster(wait_s=60), deadline_s=0.05)
    assert checks["manifest_edit"].verdict == "unknown"
    assert "no answer within" in checks["manifest_edit"].reason


async def test_what_a_failure_says_does_not_leave_the_house() -> None:
    _, checks = await examined(Repository(RuntimeError("password=hunter2")), Cluster())
    assert "hunter2" not in checks["manifest_edit"].reason
    assert "RuntimeError" in checks["manifest_edit"].reason


@pytest.mark.parametrize(
    ("repository", "cluster", "silent"),
    [
        (Repository(), Cluster(errors.Unavailable("503")), "server_dry_run"),
        (Repository(), Cluster(errors.RateLimited("429", retry_after_s=400)), "server_dry_run"),
        (Repository(errors.TimedOut("slow")), Cluster(), "repository"),
        (Repository(wait_s=60), Cluster(), "repository"),
    ],
)
async def test_one_silence_is_no_verdict_the_plans_are_examined_again_and_then_unknown(
    repository: Repository, cluster: Cluster, silent: str
) -> None:
    ports = SafetyPorts(
        repository,
        cluster,
        PublishedSchemas(""),
        Policy(),
        0.05,
        ask_again=3,
        fleet=OURS,
        lock=Held(),
    )
    with pytest.raises(errors.Unanswered) as raised:
        await validate(proposed(), ports)
    assert raised.value.rounds == 3
    assert silent in str(raised.value)
    goes_on = raised.value.otherwise
    assert isinstance(goes_on, ValidatedPlans)
    (plan,) = goes_on.plans
    assert not plan.accepted
    assert "unknown" in {check.verdict for check in plan.checks}


@pytest.mark.parametrize("failure", [errors.Unauthorized("no"), errors.Rejected("422")])
async def test_a_servers_refusal_is_a_verdict_and_is_not_asked_for_again(
    failure: Exception,
) -> None:
    ports = SafetyPorts(
        Repository(),
        Cluster(failure),
        PublishedSchemas(""),
        Policy(),
        5.0,
        ask_again=3,
        fleet=OURS,
        lock=Held(),
    )
    assert isinstance(await validate(proposed(), ports), ValidatedPlans)


@pytest.mark.parametrize(
    ("fleet", "claim"),
    [
        (Fleet.of(Own("other-us")), None),
        (Fleet(), None),
        (OURS, ClusterClaim(verdict="foreign", named=("other-us",))),
        (OURS, ClusterClaim(verdict="unclaimed")),
    ],
)
async def test_a_plan_for_another_cluster_is_neither_looked_up_nor_dry_run(
    fleet: Fleet, claim: ClusterClaim | None
) -> None:
    cluster = Cluster()
    plan, checks = await examined(Repository(), cluster, fleet=fleet, claim=claim)
    assert cluster.asked == []
    assert checks["server_dry_run"].verdict == "fail"
    assert "server_dry_run" in plan.rejected_by


async def test_a_plan_for_our_cluster_is_dry_run() -> None:
    cluster = Cluster()
    _, checks = await examined(Repository(), cluster)
    assert cluster.asked == ["bounds", "dry_run"]
    assert checks["server_dry_run"].verdict == "pass"


def offline(files: Mapping[str, bytes] | None) -> tuple[ValidatedPlan, dict[str, CheckResult]]:
    done = examine_offline(proposed(), files, Policy(), PublishedSchemas(""))
    (plan,) = done.plans
    return plan, {check.name: check for check in plan.checks}


def test_a_captured_case_is_examined_with_its_repository_and_without_a_server() -> None:
    files = {path: text.encode() for path, text in sample.FILES.items()}
    plan, checks = offline(files)
    assert checks["manifest_edit"].verdict == "pass"
    assert checks["render"].verdict == "pass"
    assert checks["server_dry_run"].verdict == "unknown"
    assert plan.accepted, plan.rejected_by
    assert plan.edits


def test_a_captured_case_without_a_repository_has_no_edit_and_nothing_unknown_rejects_it() -> None:
    plan, checks = offline(None)
    assert checks["manifest_edit"].verdict == "unknown"
    assert checks["schema"].verdict == "unknown"
    assert plan.accepted
    assert plan.edits == ()


def test_a_captured_case_whose_repository_declares_something_else_is_refused() -> None:
    plan, checks = offline({"README.md": b"nothing here"})
    assert checks["manifest_edit"].verdict == "fail"
    assert not plan.accepted
