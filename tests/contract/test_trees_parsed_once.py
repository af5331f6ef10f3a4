"""Counted around the real YAML parser over one alert: no stage parses a file of a deployment repository twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from enrich.adapters.repositories import DeclaredInRepositories
from kfix.infra.forges.gitlab.client import GitLab as Client
from kfix.infra.forges.gitlab.client import open_gitlab
from kfix.infra.forges.gitlab.settings import GitLabConnection
from manifests.repository.indexes import Indexes
from manifests.text.readings import Readings
from safety.adapters.repositories import DeploymentRepositories
from safety.adapters.schemas import PublishedSchemas
from safety.core import Policy
from safety.ports import SafetyPorts
from safety.service.validation import examination
from sandbox.faults import Faults
from sandbox.gitlab import create_app
from sandbox.gitlab.state import DEVELOPER, GitLab
from sandbox.serving import serve
from schemas.plans import CandidatePlans
from tests.support import publish as sample
from tests.support.parses import counted

OVERLAY = "namespace: shop\nresources: [../apps/checkout, ../apps/cart]\n"
KUSTOMIZATION = "resources: [deploy.yaml]\n"
TREE = {
    "apps/checkout/deploy.yaml": sample.MANIFEST,
    "apps/checkout/kustomization.yaml": KUSTOMIZATION,
    "apps/cart/deploy.yaml": sample.MANIFEST.replace("checkout", "cart"),
    "apps/cart/kustomization.yaml": KUSTOMIZATION + "# cart\n",
    "production/kustomization.yaml": OVERLAY,
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    state = GitLab(tmp_path)
    bot = state.add_user("kfix-bot", "K-Fix", "bot-token", bot=True)
    state.add_project("shop/deployments", TREE, {bot: DEVELOPER})
    async with serve(create_app(state, Faults())) as url:
        state.url = url
        connection = GitLabConnection(url=url, token=SecretStr("bot-token"), timeout_s=5.0)
        async with open_gitlab(connection) as opened:
            yield opened


def candidate() -> CandidatePlans:
    record = sample.record()
    return CandidatePlans(
        event_id="cand-1",
        occurred_at=sample.NOW,
        incident_id=record.incident_id,
        fingerprint=record.fingerprint,
        status="solution_proposed",
        context=record.context,
        analysis=record.analysis,
        plans=tuple(sample.plan(cpu) for cpu in ("700m", "900m", "1200m")),
    )


async def test_safety_parses_each_file_once_for_an_alert_and_for_the_next(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = Readings()
    ports = SafetyPorts(
        DeploymentRepositories(
            client, projects=["shop/deployments"], indexes=Indexes(readings=readings)
        ),
        None,
        PublishedSchemas(""),
        Policy(),
        deadline_s=30.0,
        readings=readings,
    )
    asked = candidate()
    parses = counted(monkeypatch)
    for _ in range(2):
        found = (await examination(asked, ports)).plans
        assert [len(plan.edits) for plan in found.plans] == [1, 1, 1]
    counts = parses.of(TREE)
    assert set(counts) == set(TREE), "the whole build was to be rendered"
    assert set(counts.values()) == {1}
    afters = {plan.plan.plan_id: plan.edits[0].after for plan in found.plans}
    assert set(parses.of(afters).values()) == {1}


async def test_enrich_parses_each_file_once_for_an_alert_and_for_the_next(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = DeclaredInRepositories(client, projects=["shop/deployments"], commits=0)
    parses = counted(monkeypatch)
    for _ in range(2):
        declared, _ = await evidence.declared(sample.OBJECT, "production")
        assert [found.path for found in declared] == ["apps/checkout/deploy.yaml"]
    counts = parses.of(TREE)
    assert "apps/checkout/deploy.yaml" in counts
    assert set(counts.values()) == {1}
