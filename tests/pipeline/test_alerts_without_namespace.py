"""Alerts of every kind that name no namespace, through the whole chain: each trouble an incident of its own, each told once."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from kfix.engine import topics
from tests.pipeline.harness import Cluster
from tests.pipeline.river import DATADOG_TOKEN, River, company
from tests.support.alerts import WITHOUT_NAMESPACE, payload_of


@pytest.mark.broker
@pytest.mark.slow
async def test_each_alert_without_a_namespace_is_an_incident_of_its_own_and_is_told_once(
    embedded_cluster: Cluster, tmp_path: Path
) -> None:
    kinds = len(WITHOUT_NAMESPACE)
    async with company() as sandbox:
        river = River(embedded_cluster, sandbox, tmp_path, KFIX_ENRICH_REPEATS_S="0")
        with river.worker() as worker:
            door = f"{worker.wait_ready()['urls']['ingest']}/datadog-webhook"

            async def deliver(event: int, transition: str) -> None:
                async with httpx.AsyncClient(headers={"X-KFix-Token": DATADOG_TOKEN}) as client:
                    for kind in WITHOUT_NAMESPACE:
                        body = payload_of(kind, event=event, transition=transition)
                        assert (await client.post(door, json=body)).status_code == 202

            await deliver(1, "Triggered")
            first = await river.until_records(
                topics.PLANS_VALIDATED, lambda found: len(found) >= kinds, within_s=60
            )
            await deliver(2, "Re-Triggered")
            await river.until_records(
                topics.PLANS_VALIDATED, lambda found: len(found) >= 2 * kinds, within_s=60
            )
            await deliver(3, "Recovered")
            every = await river.until_records(
                topics.PLANS_VALIDATED, lambda found: len(found) >= 3 * kinds, within_s=60
            )
            await river.until(
                lambda: len(sandbox.slack.messages) >= kinds, within_s=20, what="the messages"
            )
        incidents = {record.incident_id for record in first}
        assert len(incidents) == kinds
        assert {record.incident_id for record in every} == incidents
        roles = [record.role for record in every]
        assert {role: roles.count(role) for role in set(roles)} == {
            "first": kinds,
            "repeat": kinds,
            "recovery": kinds,
        }
        assert len(sandbox.slack.messages) == kinds
        assert "Namespace/default" not in str([m.text for m in sandbox.slack.messages])
