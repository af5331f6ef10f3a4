"""Replay of the demo company's incidents: nothing changed changes nothing; one change changes what it is about, and no more.

The services that were asked then are gone when decisions are made again. A few incidents suffice for a look;
``KFIX_TEST_FULL=1`` records more than 200.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiokafka
import aiokafka.admin
import pytest

from decide.agent import app as decide
from decide.core.drafting import sizing
from decide.core.measure import Usage
from kfix.engine.broker.reading import read
from kfix.engine.runtime.comparing import Compared
from kfix.engine.runtime.replay import Replay, Which
from kfix.engine.runtime.stage import Stage
from kfix.engine.topics import CONTEXT_BUNDLE, PLANS_CANDIDATE, PLANS_VALIDATED
from kfix.engine.wire import codec_for
from kfix.infra.settings import Kafka
from safety.agent import app as safety
from sandbox import crowd
from sandbox.scenario import scenarios
from schemas.plans import CandidatePlans
from tests.pipeline.harness import FULL, make_topics, new_prefix, publish_raw
from tests.pipeline.harness import Cluster as BrokerUnderTest
from tests.pipeline.test_runtime_replay import kfix
from tests.support.broker import Admin, Cluster, Consumer, brokers
from tests.support.recorded import Recorded, record, recorder
from tests.unit.kfix.engine.runtime.test_runtime_doors import Producer

pytestmark = pytest.mark.slow
CODEC = codec_for(Kafka(_env_file=None))
SEEDS, SERVICES = (9, 21) if FULL else (1, 7)
LEAST = 200 if FULL else 10

PLAYBOOK = """\
id: price_list_too_large
title: {en: The price list is too large, fr: Le tarif est trop grand}
family: resources
severity: high
source: the house's own
confounders: none
for: Deployment
needs: [metadata.name]
when:
  - object.metadata.name.endsWith("1x") || object.metadata.name.endsWith("4x")
score: 0.95
diagnosis: {en: "%s", fr: "%s"}
evidence:
  - source: object
    text: {en: its name says so, fr: son nom le dit}
handoff: outside_manifests
"""


@dataclass(frozen=True)
class Company:
    """Incidents in the topics, and the settings by which they were decided."""

    recorded: Recorded
    cluster: Cluster
    settings: dict[str, str]


@pytest.fixture(scope="module")
def recorded_company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    playbooks = tmp_path_factory.mktemp("playbooks")
    (playbooks / "own.yaml").write_text(PLAYBOOK % ("too many prices", "trop de prix"), "utf-8")
    policy = playbooks / "policy"
    policy.write_text("production: {forbidden_fixes: [set_replicas]}", "utf-8")
    recorded, cluster = Recorded(), Cluster()
    with pytest.MonkeyPatch.context() as patch:
        for variable, told in {
            "KFIX_DECIDE_PLAYBOOKS_DIR": str(playbooks),
            "KFIX_DECIDE_UNSURE_BELOW": "0.9",
            "KFIX_DECIDE_QUESTIONS_PER_HOUR": "100000",
            "KFIX_DECIDE_TOKENS_PER_HOUR": "1000000000",
            "KFIX_SAFETY_POLICY_FILE": str(policy),
        }.items():
            patch.setenv(variable, told)
        for seed in range(SEEDS):
            folder = tmp_path_factory.mktemp("company")
            asyncio.run(record(recorded, seed=seed, services=SERVICES, patch=patch, folder=folder))
        settings = {name: told for name, told in os.environ.items() if name.startswith("KFIX_")}
    recorded.put_into(cluster, CODEC)
    return Company(recorded, cluster, settings)


@pytest.fixture
def company(recorded_company: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    """The settings are those of then; the services are gone."""
    for variable, told in recorded_company.settings.items():
        monkeypatch.setenv(variable, told)
    read_from(recorded_company.cluster, monkeypatch)
    return recorded_company


def read_from(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker is this stand-in."""
    monkeypatch.setattr(Consumer, "cluster", cluster, raising=False)
    monkeypatch.setattr(Admin, "cluster", cluster, raising=False)
    monkeypatch.setattr(aiokafka, "AIOKafkaConsumer", Consumer)
    monkeypatch.setattr(aiokafka.admin, "AIOKafkaAdminClient", Admin)


async def again(*stages: Stage[Any], world: Which = "then") -> list[Compared]:
    """All of them, decided again by the settings of now."""
    found: list[Compared] = []
    first = stages[0].handlers[0].reads
    async with AsyncExitStack() as stack:
        replay = Replay(
            stages,
            brokers=brokers(),
            codec=CODEC,
            producer=Producer(),  # type: ignore[arg-type]
            world=world,
        )
        await replay.open(stack)
        async for stored in read(brokers(), [first.name]):
            found += await replay.run(first, stored)
    return found


def changed(found: Sequence[Compared]) -> set[str]:
    """Causes of what changes. Nothing may have been left out, nor be undecidable."""
    assert undecided(found) == {}
    return {one.cause for one in found if one.changed}


def undecided(found: Sequence[Compared]) -> dict[str, str]:
    """Causes of what cannot be decided in the world of then, and why."""
    return {one.cause: one.failed for one in found if one.failed or one.skipped}


def expected(company: Company, *, where: Any) -> tuple[set[str], set[str]]:
    """Bundles whose candidate is meant, and those of them about which the model was asked."""
    found = {cause: c for cause, c in company.recorded.candidates if where(c)}
    assert 0 < len(found) < len(company.recorded.candidates)
    return set(found), {cause for cause, c in found.items() if c.second_opinion.asked}


async def test_nothing_changed_changes_nothing(company: Company) -> None:
    recorded = company.recorded
    assert len(recorded.incidents) >= LEAST
    found = await again(decide, safety)
    assert changed(found) == set()
    assert len(found) == len(recorded.candidates) + len(recorded.validated)
    assert {one.not_as_then for one in found} == {()}
    # All kinds of answers are among them.
    roles = {candidate.role for _, candidate in recorded.candidates}
    assert roles == {"first", "repeat", "recovery"}
    verdicts = {c.verdict for _, v in recorded.validated for p in v.plans for c in p.checks}
    assert verdicts == {"pass", "fail", "unknown"}
    assert any(v.recommended for _, v in recorded.validated)
    assert any(c.second_opinion.asked for _, c in recorded.candidates)


async def test_a_changed_rule_changes_what_it_decides(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = sizing.memory

    def generous(usage: Usage, limit: float | None, heap: Any, *, killed: bool) -> Any:
        size = memory(usage, limit, heap, killed=killed)
        more = 256 * sizing.MIB if killed else 0
        return size and replace(size, request=size.request + more, limit=size.limit + more)

    monkeypatch.setattr(sizing, "memory", generous)
    killed, asked = expected(company, where=_of_class("oom_killed"))
    assert asked == set()
    found = await again(decide)
    assert changed(found) == killed
    assert {one.because for one in found if one.changed} == {"policy"}
    # What safety would say of plans that nobody showed to the cluster then is not known.
    both = await again(decide, safety)
    examined = [one for one in both if one.stage == "safety"]
    refused = undecided(examined)
    assert set(refused) == {company.recorded.decided(cause)[0].event_id for cause in killed}
    assert {reason.partition(" about ")[0] for reason in refused.values()} == {
        "in its world nobody asked: repository"
    }
    assert [one for one in examined if one.changed] == []


async def test_a_changed_policy_changes_what_it_forbids(
    company: Company, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("production: {forbidden_fixes: [set_replicas, set_memory]}", "utf-8")
    monkeypatch.setenv("KFIX_SAFETY_POLICY_FILE", str(policy))
    meant, _ = expected(company, where=_with_fix("set_memory"))
    found = await again(safety)
    assert changed(found) == {company.recorded.decided(cause)[0].event_id for cause in meant}
    assert {one.because for one in found if one.changed} == {"policy"}
    assert {one.not_as_then for one in found} == {
        ("policy.production.forbidden_fixes: ['set_replicas'] → ['set_replicas', 'set_memory']",)
    }
    assert changed(await again(decide)) == set()


async def test_a_changed_playbook_changes_what_it_speaks_of(
    company: Company, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text(PLAYBOOK % ("a price too many", "un prix de trop"), "utf-8")
    monkeypatch.setenv("KFIX_DECIDE_PLAYBOOKS_DIR", str(tmp_path))
    meant, asked = expected(company, where=_speaks_of("price_list_too_large"))
    found = await again(decide)
    assert {one.cause for one in found if one.changed} == meant - asked
    # The model was asked in the playbook's words: what it says to others is not known.
    assert set(undecided(found)) == asked
    (told,) = {one.not_as_then for one in found}
    assert [line.partition(":")[0] for line in told] == ["playbooks.price_list_too_large"]


async def test_a_changed_prompt_asks_what_nobody_asked_then(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFIX_DECIDE_PROMPT", "diagnose.v1")
    _, asked = expected(company, where=lambda candidate: candidate.second_opinion.asked)
    found = await again(decide)
    reason = "in its world nobody asked: model about mistral/mistral-large-latest"
    assert undecided(found) == dict.fromkeys(asked, reason)
    assert [one for one in found if one.changed] == []
    # What the rules say is shown beside what was decided then.
    assert all(one.then and one.now for one in found if one.failed)


async def test_what_the_world_changed_is_told_apart_from_what_the_policy_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recorded, cluster = Recorded(), Cluster()
    async with recorder(recorded, 2, monkeypatch, tmp_path) as stages:
        for name, trouble in zip(crowd.names(2), ("oom", "cpu_throttling"), strict=True):
            events = crowd.strike(stages.sandbox.world, scenarios()[trouble], [name])
            await stages.alert(events[0])
        recorded.put_into(cluster, CODEC)
        read_from(cluster, monkeypatch)
        assert changed(await again(decide, safety, world="now")) == set()

        stages.sandbox.cluster.delete("Deployment", "shop", crowd.names(2)[1])
        policy = tmp_path / "policy.yaml"
        policy.write_text("production: {forbidden_fixes: [set_memory]}", "utf-8")
        monkeypatch.setenv("KFIX_SAFETY_POLICY_FILE", str(policy))
        found = await again(safety, world="now")
        killed, throttled = (candidate.incident_id for _, candidate in recorded.candidates)
        assert {one.incident: one.because for one in found} == {
            killed: "policy",
            throttled: "world",
        }
        # In the world of then the workload is there.
        then = await again(safety)
        assert {one.incident: one.because for one in then} == {killed: "policy", throttled: ""}


@pytest.mark.broker
async def test_the_command_line_compares_them_and_its_exit_code_says_what_changes(
    recorded_company: Company, embedded_cluster: BrokerUnderTest, tmp_path: Path
) -> None:
    recorded = recorded_company.recorded
    prefix = new_prefix()
    there = embedded_cluster.brokers(prefix)
    await make_topics(there, [CONTEXT_BUNDLE, PLANS_CANDIDATE, PLANS_VALIDATED])
    await publish_raw(there, list(recorded.values(CODEC)))
    settings = recorded_company.settings

    async def replay(*args: str, **more: str) -> tuple[int, list[Any], str]:
        told = {**settings, **more}
        code, out, err = await kfix(embedded_cluster, prefix, tmp_path, "replay", *args, **told)
        return code, [json.loads(line) for line in out.splitlines()], err

    both = ("--topic", "context.bundle", "--stage", "decide,safety", "--output", "json")
    code, lines, err = await replay(*both)
    assert (code, lines) == (0, []), err
    assert err == f"{len(recorded.candidates) + len(recorded.validated)} decisions, 0 change\n"

    policy = tmp_path / "policy.yaml"
    policy.write_text("production: {forbidden_fixes: [set_replicas, set_memory]}", "utf-8")
    stricter = {"KFIX_SAFETY_POLICY_FILE": str(policy)}
    code, lines, err = await replay(*both, "--fail-on", "production", **stricter)
    assert code == 1, err
    assert {(one["stage"], one["because"]) for one in lines} == {("safety", "policy")}
    assert "not as then: policy.production.forbidden_fixes" in err

    incident = lines[0]["incident"]
    one = ("--incident", incident, "--stage", "decide,safety", "--output", "json", "--all")
    code, lines, err = await replay(*one)
    assert code == 0, err
    assert {found["incident"] for found in lines} == {incident}
    assert {found["stage"] for found in lines} == {"decide", "safety"}
    code, lines, err = await replay("--incident", "inc-nobody", "--incident", incident)
    assert (code, lines, err) == (2, [], "kfix: no record of inc-nobody\n")


def test_worlds_are_small(company: Company) -> None:
    for records, most in (
        (company.recorded.candidates, 2_000),
        (company.recorded.validated, 6_000),
    ):
        sizes = sorted(len(one.world.notes or b"") for _, one in records)
        print(f"{len(sizes)} worlds of {sizes[0]} to {sizes[-1]}, median {sizes[len(sizes) // 2]}")
        assert 0 < sizes[0] <= sizes[-1] < most


def _of_class(failure_class: str) -> Any:
    def meant(candidate: CandidatePlans) -> bool:
        found = candidate.analysis
        return found is not None and found.failure_class == failure_class and bool(candidate.plans)

    return meant


def _speaks_of(failure_class: str) -> Any:
    def meant(candidate: CandidatePlans) -> bool:
        found = candidate.analysis
        return found is not None and any(
            one.failure_class == failure_class for one in found.hypotheses
        )

    return meant


def _with_fix(kind: str) -> Any:
    return lambda candidate: any(plan.fix_kind == kind for plan in candidate.plans)
