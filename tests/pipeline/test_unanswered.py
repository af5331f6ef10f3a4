"""A cluster that cannot be asked: people are told so, and the same incident goes on when it can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfix.engine import topics
from sandbox.faults import Fault
from tests.pipeline.harness import Cluster, stored
from tests.pipeline.river import River, company


@pytest.mark.broker
@pytest.mark.slow
async def test_an_alert_that_could_not_be_checked_is_told_with_the_reason_and_later_mended(
    embedded_cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(embedded_cluster, sandbox, tmp_path, KFIX_ENRICH_REPEATS_S="0")
        sandbox.faults.switch_on(Fault("kubernetes", "error", status=503))
        with river.worker():
            await river.break_("oom")
            (told,) = await river.until_records(topics.PLANS_VALIDATED, bool, within_s=90)
            await river.until(
                lambda: bool(sandbox.slack.messages), within_s=10, what="a Slack message"
            )
            assert (told.status, told.reason, told.role) == ("needs_human", "not_checked", "first")
            assert river.branches() == []
            text = str(sandbox.slack.messages[0])
            assert "could not be checked because kubernetes.objects" in text
            assert "503" in text
            sandbox.faults.clear()
            await river.break_("oom")
            await river.until(lambda: bool(river.branches()), within_s=60, what="a merge request")
            records = await river.records(topics.PLANS_VALIDATED)
            dead = [
                str(x)
                for t in topics.ALL
                for x in await stored(embedded_cluster.brokers(river.prefix), t.dlq)
            ]
        assert {record.incident_id for record in records} == {told.incident_id}
        assert dead == []


@pytest.mark.broker
@pytest.mark.slow
async def test_a_dry_run_that_fails_for_a_while_is_asked_for_again_and_is_no_verdict(
    embedded_cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(embedded_cluster, sandbox, tmp_path)
        fault = Fault("kubernetes", "error", method="PATCH", status=503, times=5)
        sandbox.faults.switch_on(fault)
        with river.worker():
            await river.break_("oom")
            await river.until(lambda: bool(river.branches()), within_s=60, what="a merge request")
            records = await river.records(topics.PLANS_VALIDATED)
        assert fault.times == 0
        assert len(records) == 1
        assert len(sandbox.slack.messages) <= 1
