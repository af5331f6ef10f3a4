"""Who merges: nothing merges by itself in production, whatever an alert says; elsewhere only what is proven and passed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enrich.core.bundle import GatheredEvidence, Rules, assemble
from ingest.sources.datadog.reading import alert_of
from kfix.incident import cluster_names
from kfix.incident.cluster_names import Fleet, Own
from publish.agent import follow, publish
from publish.core.decision import proven
from publish.core.repo_policy import FILE
from publish.service.open import open_merge_request
from safety.core import Findings, Policy, check_plan, validated
from safety.core.policy import EnvironmentPolicy
from sandbox.gitlab.merge_requests import set_pipeline
from sandbox.gitlab.state import DEVELOPER, PipelineStatus, Protection
from schemas.base import Json
from schemas.context import Monitor
from schemas.merge_requests import MergeRequestEvent
from schemas.places import Speaker
from schemas.plans import CandidatePlans
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.places import OURS, proof
from tests.support.publish_world import World, done, world  # noqa: F401

# ruff: noqa: F811  (fixtures are imported by name)

EAGER = Policy(
    production=EnvironmentPolicy(auto_merge=True),
    staging=EnvironmentPolicy(auto_merge=True),
    development=EnvironmentPolicy(auto_merge=True),
)
STAGING: tuple[Speaker, ...] = ("alert", "namespace", "repository")


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  source: {repoURL: https://git.example.com/shop/deployments.git, path: apps/checkout}
  destination: {name: staging-eu, namespace: shop}
"""


def deployed(world: World, cluster: str = "staging-eu") -> None:
    """The repository says which cluster the sample's file goes to."""
    text = APPLICATION.replace("staging-eu", cluster)
    known = any(
        e.path == "argocd/shop.yaml" for e in world.project.repository.tree("main", recursive=True)
    )
    (world.write(text, "argocd/shop.yaml") if known else world.add("argocd/shop.yaml", text))


@pytest.fixture(autouse=True)
def unprotected(world: World) -> None:
    """The forge lets K-Fix merge: whatever is not merged here is left by K-Fix alone."""
    world.project.protected["main"] = Protection(push=DEVELOPER, merge=DEVELOPER)


def another(at: int) -> dict[str, Any]:
    """Who an incident is. Its object is another one by its cluster's name: of one object only one change is open."""
    return {"incident_id": f"inc-{at}", "fingerprint": f"fp-{at}", "event_id": f"val-{at}"}


async def staged(
    world: World, sources: tuple[Speaker, ...] = STAGING, at: int = 1
) -> ValidatedPlans:
    """A record whose plan may merge by itself in staging, as far as these sources go."""
    record = await world.record(auto_merge=True, **another(at))
    place = proof("staging", sources)
    context = record.context.model_copy(
        update={
            "environment": place.environment,
            "proof": place,
            "claim": OURS,
            "cluster": f"eu-{at}",
        }
    )
    first = record.plans[0].model_copy(update={"proof": place})
    found = record.model_copy(update={"context": context, "plans": (first, *record.plans[1:])})
    return sample.of_its_own(found, at - 1)


def merged(world: World) -> list[str]:
    return [mr.state for mr in world.merge_requests if mr.state == "merged"]


def told(record: ValidatedPlans, status: str) -> MergeRequestEvent:
    return MergeRequestEvent(
        event_id=f"mre-{status}",
        occurred_at=sample.NOW,
        incident_id=record.incident_id,
        action="pipeline",
        text=status,
    )


async def test_a_proven_staging_merges_once_its_own_pipeline_has_passed(world: World) -> None:
    deployed(world)
    world.project.new_pipeline = "success"
    await publish(await staged(world), world.ports)
    assert merged(world) == ["merged"]
    assert "Merges by itself" in world.merge_requests[0].description


async def test_without_a_pipeline_of_its_own_commit_that_succeeded_a_person_merges(
    world: World,
) -> None:
    deployed(world)
    statuses: tuple[PipelineStatus, ...] = (
        "",
        "running",
        "failed",
        "canceled",
        "skipped",
        "manual",
        "success",
    )
    for at, status in enumerate(statuses):
        world.project.new_pipeline = status
        world.project.new_pipeline_sha = "f" * 40 if status == "success" else ""
        record = await staged(world, at=at)
        assert (await done(publish(record, world.ports))).action == "opened"
        await follow(told(record, "success"), world.ports)
    assert len(world.merge_requests) == len(statuses)
    assert merged(world) == []
    assert not any(mr.auto_merge for mr in world.merge_requests)


async def test_a_merge_request_that_was_set_onto_another_branch_is_left_to_people(
    world: World,
) -> None:
    deployed(world)
    world.project.new_pipeline = "running"
    record = await staged(world)
    await publish(record, world.ports)
    (mr,) = world.merge_requests
    repository = world.project.repository
    repository.create_branch("production", "main")
    world.project.protected["production"] = Protection(push=DEVELOPER, merge=DEVELOPER)
    mr.target_branch = "production"
    await set_pipeline(world.state, world.project, mr, "success")
    await follow(told(record, "success"), world.ports)
    assert merged(world) == []
    mr.target_branch = "main"
    await follow(told(record, "success"), world.ports)
    assert merged(world) == ["merged"]


async def test_a_pipeline_that_ends_later_merges_then(world: World) -> None:
    deployed(world)
    world.project.new_pipeline = "running"
    record = await staged(world)
    await publish(record, world.ports)
    (mr,) = world.merge_requests
    await set_pipeline(world.state, world.project, mr, "failed")
    await follow(told(record, "failed"), world.ports)
    assert merged(world) == []
    await set_pipeline(world.state, world.project, mr, "success")
    await follow(told(record, "success"), world.ports)
    assert merged(world) == ["merged"]
    await follow(told(record, "success"), world.ports)
    assert world.faults.count("gitlab", "PUT", "/merge$") == 1


async def test_what_somebody_else_pushed_to_the_branch_waits_for_a_person(world: World) -> None:
    deployed(world)
    world.project.new_pipeline = "running"
    record = await staged(world)
    await publish(record, world.ports)
    (mr,) = world.merge_requests
    mr.sha = world.write("a: 9\n", "apps/cart/deploy.yaml", mr.source_branch)
    await set_pipeline(world.state, world.project, mr, "success")
    await follow(told(record, "success"), world.ports)
    assert merged(world) == []


async def test_another_plan_than_the_asked_one_on_the_branch_waits_for_a_person(
    world: World,
) -> None:
    deployed(world)
    world.project.new_pipeline = "success"
    world.add(FILE, "version: 1\nmaximum: {cpu: 800m}\n")
    record = await staged(world)
    little = sample.validated("700m", base_commit=record.plans[0].edits[0].base_commit)
    record = record.model_copy(update={"plans": (record.plans[0], little)})
    forge = world.ports.forge
    assert forge is not None
    # The process ended before the ledger knew of it.
    await open_merge_request(record, [proven(p) for p in record.plans], world.ports, forge)
    made = await done(publish(record, world.ports))
    assert made.action == "opened"
    assert made.proposal is not None
    assert made.proposal.plan.plan_id == little.plan.plan_id, "the one on the branch"
    assert merged(world) == []


async def test_a_file_that_deploys_to_production_by_now_waits_for_a_person(world: World) -> None:
    deployed(world)
    world.project.new_pipeline = "running"
    record = await staged(world)
    await publish(record, world.ports)
    deployed(world, "prod-eu")
    (mr,) = world.merge_requests
    await set_pipeline(world.state, world.project, mr, "success")
    await follow(told(record, "success"), world.ports)
    assert merged(world) == []


async def test_two_sources_beside_the_alert_are_needed_and_a_cluster_that_was_named(
    world: World,
) -> None:
    deployed(world)
    world.project.new_pipeline = "success"
    too_few: tuple[tuple[Speaker, ...], ...] = (
        (),
        ("alert",),
        ("alert", "repository"),
        ("repository",),
        ("alert", "namespace", "workload"),
    )
    for at, sources in enumerate(too_few):
        record = await staged(world, sources, at=at)
        await publish(record, world.ports)
    record = await staged(world, at=9)
    unnamed = OURS.model_copy(update={"verdict": "unnamed", "named": ()})
    context = record.context.model_copy(update={"claim": unnamed})
    await publish(record.model_copy(update={"context": context}), world.ports)
    assert len(world.merge_requests) == len(too_few) + 1
    assert merged(world) == []


async def test_settings_protect_more_and_a_record_says_nothing_against_them(world: World) -> None:
    deployed(world)
    world.project.new_pipeline = "success"
    await publish(await staged(world), replace(world.ports, protected=("stg",)))
    assert merged(world) == []
    assert "Waits for a reviewer." in world.merge_requests[0].description


LIES = {
    "one": ["env:staging"],
    "all at once": ["env:prod", "env:staging", "stage:qa"],
    "another key": ["environment:development", "stage:qa"],
}


def objects(labels: dict[str, str]) -> dict[str, list[Json]]:
    about = {"name": "checkout", "namespace": "shop", "labels": labels}
    spec = {"template": {"metadata": {"labels": labels}}}
    return {
        "deployments": [{"kind": "Deployment", "metadata": about, "spec": spec}],
        "namespaces": [{"kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}],
    }


async def river(world: World, tags: list[str], **truth: Any) -> ValidatedPlans:
    """What the stages before publish make of an alert with these tags, where these things are true."""
    fleet = Fleet.of(Own("prod-eu" if truth.get("named") else "eu-1", aliases=("eu-1",)))
    labels = {"tags.datadoghq.com/env": "production"} if truth.get("labels") else {}
    scope = "{env:prod}" if truth.get("query") else "{*}"
    monitor = Monitor(
        rule_id="7",
        query=f"avg(last_5m):avg:cpu{scope} > 1",
        tags=("env:prod",) if truth.get("tagged") else (),
    )
    place = ["kube_cluster_name:eu-1", "kube_namespace:shop", "kube_deployment:checkout"]
    alert = alert_of({"id": "1", "title": "t", "tags": [*tags, *place], "monitor_id": "7"})
    bundle = assemble(
        GatheredEvidence(
            alert=alert,
            delivery_id="d",
            received_at=sample.NOW,
            monitor=monitor,
            objects=objects(labels),
            claim=cluster_names.claim(alert.labels, alert.rule.group, monitor, fleet),
        ),
        Rules(fleet=fleet),
    )
    record = await world.record()
    context = record.context.model_copy(
        update={
            "environment": bundle.environment,
            "proof": bundle.proof,
            "claim": bundle.claim,
            "objects": bundle.k8s_context.objects,
        }
    )
    candidate = CandidatePlans(
        event_id="c",
        occurred_at=sample.NOW,
        incident_id=record.incident_id,
        fingerprint="f",
        status="solution_proposed",
        context=context,
        analysis=record.analysis,
        plans=(record.plans[0].plan,),
    )
    findings = Findings(record.plans[0].edits)
    plan = check_plan(candidate.plans[0], candidate, context.objects, EAGER, findings, offline=True)
    return validated(candidate, [plan], EAGER)


TRUTHS = ("named", "labels", "query", "tagged", "nothing")


@pytest.mark.parametrize("lie", LIES)
async def test_a_lying_tag_never_merges_where_anything_says_production_or_nothing_says_more(
    world: World, lie: str
) -> None:
    world.project.new_pipeline = "success"
    for at, truth in enumerate(TRUTHS):
        record = await river(world, LIES[lie], **{truth: True})
        assert record.context.environment == "production"
        assert not record.auto_merge
        # Whatever the record claims, publish looks for itself.
        context = record.context.model_copy(update={"cluster": f"eu-{at}"})
        forced = {"auto_merge": True, "context": context, **another(at)}
        mine = sample.of_its_own(record.model_copy(update=forced), at)
        made = await done(publish(mine, world.ports))
        assert made.action == "opened"
    assert len(world.merge_requests) == len(TRUTHS)
    assert merged(world) == []
    for mr in world.merge_requests:
        assert not mr.auto_merge
        assert "env::production" in mr.labels
        assert "Nobody but people merges this" in mr.description
        assert "tag stage" in mr.description or "tag env" in mr.description


async def test_a_plan_for_another_cluster_is_not_opened(world: World) -> None:
    record = await world.record()
    context = record.context.model_copy(update={"cluster": "other-us"})
    event = await done(publish(record.model_copy(update={"context": context}), world.ports))
    assert event.action == "declined"
    assert "other-us" in event.text
    assert world.merge_requests == []


async def test_an_instance_without_a_cluster_name_opens_nothing(world: World) -> None:
    event = await done(publish(await world.record(), replace(world.ports, fleet=Fleet())))
    assert event.action == "declined"
    assert world.merge_requests == []
