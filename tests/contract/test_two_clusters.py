"""One instance, two control planes: each incident is read, checked, claimed and measured in its own cluster, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

import decide.agent
import decide.wiring
import enrich.agent
import enrich.wiring
import learn.wiring
import publish.agent
import publish.wiring
import safety.agent
import safety.wiring
from decide.ports import DecidePorts
from enrich.ports import EnrichPorts
from kfix.infra.store.engine import open_store
from learn.ports import LearnPorts
from publish.ports import PublishPorts
from safety.ports import SafetyPorts
from sandbox.faults import Fault
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from schemas import errors
from schemas.alerts import Alert, FiredRule, RawAlert
from schemas.context import ContextBundle
from schemas.identity import stable_id
from schemas.merge_requests import MergeRequestEvent
from schemas.plans import CandidatePlans
from schemas.validated import ValidatedPlans

EU, US = "prod-eu", "prod-us"
PACE = Pace(sync_s=0.1, recovery_s=0.05, tick_s=0.05)


@dataclass
class House:
    """The stages' ports, on two clusters, one Datadog and one GitLab."""

    worlds: dict[str, Sandbox]
    enrich: EnrichPorts
    decide: DecidePorts
    safety: SafetyPorts
    publish: PublishPorts
    learn: LearnPorts

    @property
    def merge_requests(self) -> list[str]:
        return [mr.description for mr in self.worlds[EU].project.merge_requests]

    def asked(self, cluster: str, method: str = "") -> int:
        return self.worlds[cluster].faults.count("kubernetes", method)

    async def evidence(self, cluster: str, **labels: str) -> ContextBundle:
        raw = alert(cluster, **labels)
        bundle = await enrich.agent.enrich(raw, self.enrich)
        assert isinstance(bundle, ContextBundle)
        return bundle

    async def checked(self, cluster: str) -> ValidatedPlans:
        candidate = await decide.agent.decide(await self.evidence(cluster), self.decide)
        assert isinstance(candidate, CandidatePlans), candidate
        return await safety.agent.validate(candidate, self.safety)

    async def published(self, record: ValidatedPlans) -> MergeRequestEvent:
        event = await publish.agent.publish(record, self.publish)
        assert isinstance(event, MergeRequestEvent)
        return event


def alert(cluster: str, **labels: str) -> RawAlert:
    names = {"kube_namespace": "shop", "kube_deployment": "cart", "env": "prod", **labels}
    if cluster:
        names["kube_cluster_name"] = cluster
    return RawAlert(
        event_id=f"dd-{cluster or 'nowhere'}",
        trace_id=stable_id("t", cluster, digits=32).removeprefix("t-"),
        occurred_at=datetime.now(UTC),
        body_sha256="0" * 64,
        body=b"{}",
        alert=Alert(
            source="other",
            notification_id=f"n-{cluster}",
            state="firing",
            title="cart restarts",
            rule=FiredRule(id="restarts", group="kube_namespace:shop,kube_deployment:cart"),
            labels=names,
        ),
    )


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        worlds = {name: await stack.enter_async_context(running(pace=PACE)) for name in (EU, US)}
        for name, world in worlds.items():
            world.cluster.name = name
            (tmp_path / name).write_text(world.tokens["kubernetes"])
            await world.world.break_(scenarios()["oom"], notify=False)
        listed = [
            {
                "name": name,
                "aliases": [f"eks-{name}"],
                "environment": "production",
                "kubernetes": {
                    "url": world.urls["kubernetes"],
                    "token_file": str(tmp_path / name),
                    "timeout_s": 5,
                },
            }
            for name, world in worlds.items()
        ]
        (tmp_path / "clusters.yaml").write_text(yaml.safe_dump(listed))
        told = worlds[EU].environment
        settings = {k: v for k, v in told.items() if not k.startswith("KFIX_KUBERNETES_")}
        settings |= {
            "KFIX_CLUSTERS_FILE": str(tmp_path / "clusters.yaml"),
            "KFIX_DATABASE_URL": f"sqlite:///{tmp_path / 'kfix.db'}",
            "KFIX_DATADOG_URL": "",
            "KFIX_PROMETHEUS_URL": "",
            "KFIX_SAFETY_ASK_AGAIN": "0",
        }
        policy = tmp_path / "policy.yaml"
        policy.write_text(f"clusters: {{{US}: {{forbidden_fixes: [set_image]}}}}")
        settings["KFIX_SAFETY_POLICY_FILE"] = str(policy)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        open_store(settings["KFIX_DATABASE_URL"]).dispose()
        yield House(
            worlds,
            await stack.enter_async_context(enrich.wiring.open_ports()),
            await stack.enter_async_context(decide.wiring.open_ports()),
            await stack.enter_async_context(safety.wiring.open_ports()),
            await stack.enter_async_context(publish.wiring.open_ports()),
            await stack.enter_async_context(learn.wiring.open_ports()),
        )


async def test_each_record_is_checked_against_its_own_control_plane_alone(house: House) -> None:
    before = house.asked(US)
    record = await house.checked(EU)
    assert record.status == "solution_proposed", record.explanation
    assert record.context.cluster == EU
    assert house.asked(US) == before, "the other control plane was asked"
    assert house.asked(EU, "PATCH") > 0
    (dry_run,) = [
        c for p in record.plans for c in p.checks if c.name == "server_dry_run" and p.accepted
    ][:1]
    assert dry_run.verdict == "pass"


async def test_the_same_workload_in_two_clusters_is_two_incidents_and_one_change(
    house: House,
) -> None:
    first, second = await house.checked(EU), await house.checked(US)
    assert first.incident_id != second.incident_id
    assert first.fingerprint != second.fingerprint
    assert (await house.published(first)).action == "opened"
    (opened,) = house.worlds[EU].project.merge_requests
    assert opened.title.endswith(f"({EU})")
    assert f"**Cluster** `{EU}`" in opened.description
    assert EU in str(house.worlds[EU].slack.messages[-1])
    told = len(house.worlds[EU].slack.messages)
    event = await house.published(second)
    assert event.action == "declined"
    assert len(house.merge_requests) == 1
    notes = [n.body for mr in house.worlds[EU].project.merge_requests for n in mr.notes]
    (note,) = [text for text in notes if second.incident_id in text]
    assert "this very change" in note
    assert US in note
    assert len(house.worlds[EU].slack.messages) == told + 1, "who watches the other one is told"
    again = await house.published(second)
    assert again.action == "declined"
    assert len(house.merge_requests) == 1


async def test_a_control_plane_that_is_away_holds_back_nobody_elses(house: House) -> None:
    house.worlds[US].faults.switch_on(Fault("kubernetes", "error", status=503))
    record = await house.checked(EU)
    assert record.status == "solution_proposed", record.explanation
    assert (await house.published(record)).action == "opened"


@pytest.mark.parametrize("cluster", ["", "staging-ap", f"{EU},{US}"])
async def test_an_alert_of_no_cluster_of_ours_or_of_two_reads_nothing_and_asks_a_person(
    house: House, cluster: str
) -> None:
    before = {name: house.asked(name) for name in (EU, US)}
    bundle = await house.evidence(cluster)
    candidate = await decide.agent.decide(bundle, house.decide)
    assert isinstance(candidate, CandidatePlans)
    assert candidate.status == "needs_human"
    assert EU in candidate.explanation, candidate.explanation
    assert {name: house.asked(name) for name in (EU, US)} == before


async def test_an_alias_names_its_cluster(house: House) -> None:
    assert (await house.checked(f"eks-{US}")).context.cluster == US


async def test_a_change_is_measured_in_the_cluster_that_it_was_for(house: House) -> None:
    record = await house.checked(US)
    event = await house.published(record)
    assert event.proposal is not None
    before = house.asked(EU)
    state = await house.learn.cluster.state(event.proposal, datetime.now(UTC))
    assert state.desired
    assert house.asked(EU) == before
    lost = event.proposal.context.model_copy(update={"cluster": "gone"})
    with pytest.raises(errors.NotFound):
        await house.learn.cluster.state(
            event.proposal.model_copy(update={"context": lost}), datetime.now(UTC)
        )


async def test_each_cluster_has_its_own_policy(house: House) -> None:
    eu, us = [house.safety.about((await house.checked(name)).context) for name in (EU, US)]
    assert us.policy.production.forbidden_fixes == ("set_image",)
    assert eu.policy.production.forbidden_fixes == ()
