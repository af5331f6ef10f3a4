"""Each of the sandbox's scenarios gets the answer it should, through the real stages' handlers, without a broker."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from decide.agent import decide
from decide.wiring import open_ports as open_decide
from enrich.agent import enrich
from enrich.wiring import open_ports as open_enrich
from safety.agent import validate
from safety.wiring import open_ports as open_safety
from sandbox.running import running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from schemas.alerts import Alert, RawAlert
from schemas.validated import ValidatedPlans


@pytest.mark.parametrize("name", sorted(scenarios()))
async def test_a_scenario_gets_its_answer(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenarios()[name]
    async with running(pace=Pace(sync_s=0.1, recovery_s=0.05, tick_s=0.05, index_s=0)) as sandbox:
        url = f"sqlite:///{tmp_path / 'kfix.db'}"
        for variable, value in {**sandbox.environment, "KFIX_DATABASE_URL": url}.items():
            monkeypatch.setenv(variable, value)
        event = await sandbox.world.break_(scenario, notify=False)
        if scenario.recovers_by_itself:
            for _ in range(20):
                await sandbox.world.tick()
        validated = await answer(str(event.id))
    expected = scenario.expected
    assert validated.status == expected.status, validated.explanation
    changed = [
        (change.object.key, field.path)
        for plan in validated.plans
        if plan.plan.plan_id == validated.recommended
        for change in plan.plan.kubernetes_changes
        for field in change.fields
    ]
    if expected.object:
        assert expected.object in [key for key, _ in changed]
    if expected.path:
        assert expected.path in [path for _, path in changed]


async def answer(event_id: str) -> ValidatedPlans:
    """What the three stages make of a native alert."""
    raw = RawAlert(
        event_id="dd-1",
        occurred_at=datetime.now(UTC),
        body_sha256="0" * 64,
        body=b"{}",
        template="native",
        alert=Alert(notification_id=event_id, title="[Triggered] something"),
    )
    async with open_enrich() as sources, open_decide() as ledger, open_safety() as examiner:
        bundle = await enrich(raw, sources)
        candidate = await decide(bundle, ledger)
        assert candidate is not None
        return await validate(candidate, examiner)
