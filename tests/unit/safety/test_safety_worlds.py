"""Verdicts are made again from what was heard for them, whatever that was, and a changed question finds no answer."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kfix.engine.runtime.comparing import decision
from kfix.engine.runtime.worlds import Told
from kfix.incident.cluster_names import Fleet, Own
from manifests.proposal.proof import EditProof
from manifests.proposal.propose import EditProposal
from manifests.refused import EditRefused
from safety.adapters.schemas import PublishedSchemas
from safety.adapters.worlds import of_then
from safety.agent import validate
from safety.core import Policy
from safety.core.policy import EnvironmentPolicy
from safety.ports import ClusterChecks, SafetyPorts
from schemas import errors
from schemas.base import Json
from schemas.places import ClusterClaim
from schemas.plans import CandidatePlans
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.unit.safety import test_safety_images as with_images
from tests.unit.safety.test_safety_examination import (
    FAILURES,
    OURS,
    Cluster,
    Held,
    Repository,
    proposed,
)

RULES = SafetyPorts(
    None, None, PublishedSchemas(""), Policy(), 0.05, fleet=OURS, basis={"policy": 1}
)


@dataclass(frozen=True)
class Saying:
    """A repository with one answer."""

    found: EditProposal | EditRefused

    async def propose(self, *_: object) -> EditProposal | EditRefused:
        return self.found


async def decided(ports: SafetyPorts, candidate: CandidatePlans) -> ValidatedPlans:
    """As the topic has it."""
    try:
        found: object = await validate(candidate, ports)
    except errors.Unanswered as failure:
        found = failure.otherwise
    assert isinstance(found, ValidatedPlans)
    return ValidatedPlans.model_validate_json(found.model_dump_json())


async def again(
    then: ValidatedPlans, candidate: CandidatePlans, rules: SafetyPorts = RULES
) -> tuple[ValidatedPlans, Told]:
    told = Told(then.world)
    return await decided(of_then(rules, told, then), candidate), told


WORLDS = [
    RULES,
    replace(RULES, repository=Repository()),
    replace(RULES, repository=Repository(), cluster=Cluster(), lock=Held()),
    replace(RULES, repository=Repository(), cluster=Cluster()),
    replace(RULES, repository=Saying(EditRefused("STALE", "it is not what the plan saw"))),
    *(replace(RULES, repository=Repository(failure)) for failure in FAILURES),
    *(
        replace(RULES, repository=Repository(), cluster=Cluster(failure), lock=Held())
        for failure in (*FAILURES, errors.RateLimited("429"))
    ),
    replace(RULES, repository=Repository(wait_s=60), cluster=Cluster(wait_s=60), lock=Held()),
]


@pytest.mark.parametrize("ports", WORLDS)
async def test_the_same_was_heard_and_the_same_is_decided(ports: SafetyPorts) -> None:
    then = await decided(ports, proposed())
    now, told = await again(then, proposed())
    assert decision(now) == decision(then)
    assert told.never_asked == []
    assert told.basis == {"policy": 1}


@pytest.mark.parametrize(
    "said", [with_images.answer(exists="no"), with_images.answer(exists="yes"), errors.TimedOut("")]
)
async def test_what_a_registry_said_is_told_again(said: object) -> None:
    ports = replace(RULES, images=with_images.Registries(said))  # type: ignore[arg-type]
    candidate = with_images.proposed()
    then = await decided(ports, candidate)
    assert any(check.name == "image_exists" for check in then.plans[0].checks)
    now, _ = await again(then, candidate)
    assert decision(now) == decision(then)


async def test_another_rule_in_the_same_world_decides_otherwise() -> None:
    then = await decided(replace(RULES, repository=Repository(), cluster=Cluster()), proposed())
    production = EnvironmentPolicy(forbidden_fixes=("set_cpu",))
    strict = replace(RULES, policy=Policy(production=production))
    now, told = await again(then, proposed(), strict)
    assert "fix_policy" not in then.plans[0].rejected_by
    assert "fix_policy" in now.plans[0].rejected_by
    assert told.never_asked == []


async def test_another_plan_asks_what_nobody_asked_then() -> None:
    world = replace(RULES, repository=Repository(), cluster=Cluster(), lock=Held())
    then = await decided(world, proposed())
    plan = sample.plan()
    (change,) = plan.kubernetes_changes
    (field, *rest) = change.fields
    fields = (field.model_copy(update={"after": "999Mi"}), *rest)
    other = plan.model_copy(
        update={"kubernetes_changes": (change.model_copy(update={"fields": fields}),)}
    )
    candidate = proposed().model_copy(update={"plans": (other,)})
    now, told = await again(then, candidate)
    assert told.never_asked[0] == f"repository about {change.object.key}"
    assert not now.plans[0].accepted
    # Another title is the same question.
    retitled = plan.model_copy(update={"title": "Said otherwise"})
    _, told = await again(then, proposed().model_copy(update={"plans": (retitled,)}))
    assert told.never_asked == []


async def test_objects_are_masked_before_they_are_noted_and_are_the_same_question_still() -> None:
    secret = "hunter2-hunter2"
    env = {"name": "DB_PASSWORD", "value": secret}
    item: Json = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"containers": [{"name": "api", "image": "a:1", "env": [env]}]},
    }
    usual = await Repository().propose(sample.plan().kubernetes_changes, "production", {})
    assert isinstance(usual, EditProposal)
    proof = EditProof("pass", "rendered", {}, {"Pod/shop/api": item})
    ports = replace(
        RULES,
        repository=Saying(replace(usual, proof=proof)),
        cluster=Cluster(),
        lock=Held(),
    )
    then = await decided(ports, proposed())
    notes = zlib.decompress(then.world.notes or b"").decode()
    assert "DB_PASSWORD" in notes
    assert secret not in notes
    assert usual.edits[0].after not in notes
    now, told = await again(then, proposed())
    assert decision(now) == decision(then)
    assert told.never_asked == []


@pytest.mark.parametrize("verdict", ["ours", "foreign", "unclaimed"])
async def test_of_one_cluster_the_repository_answers_whosever_the_alert_is(verdict: Any) -> None:
    candidate = proposed(ClusterClaim(verdict=verdict, named=("as-1",)))
    world = replace(RULES, repository=Repository(), cluster=Cluster(), lock=Held())
    then = await decided(world, candidate)
    assert then.plans[0].edits
    now, told = await again(then, candidate)
    assert decision(now) == decision(then)
    assert told.never_asked == []


async def test_of_several_clusters_the_one_of_then_answers_whoever_is_asked_today() -> None:
    known = Fleet.of(Own("eu-1"), Own("us-1"))
    checks = ClusterChecks(Repository(), Cluster(), Held())
    rules = replace(RULES, fleet=known)
    claim = ClusterClaim(verdict="ours", named=("eu-1",), own="eu-1")
    foreign = ClusterClaim(verdict="foreign", named=("as-1",))
    for told_claim, asked in ((claim, True), (foreign, False)):
        candidate = proposed(told_claim)
        then = await decided(replace(rules, several={"eu-1": checks}), candidate)
        assert bool(then.plans[0].edits) is asked
        now, told = await again(then, candidate, rules)
        assert decision(now) == decision(then)
        assert told.never_asked == []
