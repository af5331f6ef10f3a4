"""enrich and safety ask the sandbox's registry as the settings say, from the alert to the checked plan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from decide.core import candidate, diagnose, fingerprint_of
from enrich.ports import EnrichPorts
from enrich.wiring import open_ports as open_enrich
from safety.ports import SafetyPorts
from safety.service.validation import examination
from safety.wiring import open_ports as open_safety
from sandbox.faults import Fault
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from schemas.context import ContextBundle
from schemas.plans import CandidatePlans, SecondOpinion
from schemas.validated import CheckResult
from tests.contract.test_enrich_sources import bundle_of

HOST = "registry.shop.test"
WANTED, BEFORE = f"{HOST}/catalog:7.2.1", f"{HOST}/catalog:7.1.4"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(pace=Pace(sync_s=0.1, recovery_s=0.05, tick_s=0.05, index_s=0)) as found:
        yield found


@pytest.fixture
async def ports(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[EnrichPorts, SafetyPorts]]:
    url = f"sqlite:///{tmp_path / 'kfix.db'}"
    for name, value in {**sandbox.environment, "KFIX_DATABASE_URL": url}.items():
        monkeypatch.setenv(name, value)
    async with AsyncExitStack() as stack:
        enrich = await stack.enter_async_context(open_enrich())
        yield enrich, await stack.enter_async_context(open_safety())


async def broken(sandbox: Sandbox, ports: EnrichPorts) -> ContextBundle:
    event = await sandbox.world.break_(scenarios()["bad_image"], notify=False)
    return await bundle_of(ports, event.id)


def decided(bundle: ContextBundle) -> CandidatePlans:
    verdict = diagnose(bundle)
    return candidate(
        bundle,
        verdict,
        incident_id="inc-1",
        fingerprint=fingerprint_of(bundle, verdict),
        role="first",
        said=SecondOpinion(),
    )


async def checked(ports: SafetyPorts, record: CandidatePlans) -> list[CheckResult]:
    """The registry's verdict on each plan."""
    plans = (await examination(record, ports)).plans.plans
    return [check for plan in plans for check in plan.checks if check.name == "image_exists"]


async def test_the_wanted_image_the_one_before_and_the_nearest_are_asked_about(
    sandbox: Sandbox, ports: tuple[EnrichPorts, SafetyPorts]
) -> None:
    bundle = await broken(sandbox, ports[0])
    assert bundle.registry.of(WANTED).exists == "no"
    before = bundle.registry.of(BEFORE)
    assert (before.exists, before.platforms) == ("yes", ("linux/amd64", "linux/arm64"))
    assert bundle.registry.near == {WANTED: (f"{HOST}/catalog:7.2.0", BEFORE)}
    assert HOST in bundle.registry.hosts
    assert {s.state for s in bundle.sources if s.name == "registry"} == {"ok"}


async def test_the_plan_goes_back_and_the_registry_confirms_it(
    sandbox: Sandbox, ports: tuple[EnrichPorts, SafetyPorts]
) -> None:
    record = decided(await broken(sandbox, ports[0]))
    assert [plan.guess for plan in record.plans] == [False, True]
    assert [check.verdict for check in await checked(ports[1], record)] == ["pass", "pass"]


async def test_an_image_that_went_away_meanwhile_is_not_published(
    sandbox: Sandbox, ports: tuple[EnrichPorts, SafetyPorts]
) -> None:
    record = decided(await broken(sandbox, ports[0]))
    for key in [k for k in sandbox.registry.manifests if k[0] == "catalog"]:
        del sandbox.registry.manifests[key]
    assert {check.verdict for check in await checked(ports[1], record)} == {"fail"}


async def test_a_registry_that_is_down_delays_nobody_and_leaves_it_unknown(
    sandbox: Sandbox, ports: tuple[EnrichPorts, SafetyPorts]
) -> None:
    sandbox.faults.switch_on(Fault("registry", "error", status=503))
    bundle = await broken(sandbox, ports[0])
    assert bundle.registry.of(WANTED).why == "unanswered"
    assert {(s.state, s.why) for s in bundle.sources if s.name == "registry"} == {("degraded", "")}
    record = decided(bundle)
    assert record.status == "solution_proposed"
    assert {check.verdict for check in await checked(ports[1], record)} == {"unknown"}
    assert any(
        one.startswith("registry: ") for one in (await examination(record, ports[1])).unanswered
    )


async def test_nobody_is_asked_where_the_settings_say_so(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'kfix.db'}"
    more = {"KFIX_DATABASE_URL": url, "KFIX_IMAGES_ASK": "false"}
    for name, value in {**sandbox.environment, **more}.items():
        monkeypatch.setenv(name, value)
    async with open_enrich() as enrich, open_safety() as safety:
        record = decided(await broken(sandbox, enrich))
        assert await checked(safety, record) == []
    assert sandbox.faults.count("registry") == 0
