"""Merge requests that are merged while the door is away: every stage knows in the end, and none says expired."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from kfix.engine import topics
from kfix.infra.store.learn_tables import followed_merge_requests
from kfix.infra.store.publish_tables import merge_requests
from sandbox.control import merge_as_reviewer
from tests.pipeline.harness import Cluster
from tests.pipeline.river import STAGES, River, company

BROKEN = ("oom", "cpu_throttling", "hpa_ceiling")
#: A second without a decision is long here.
IMPATIENT = {
    "KFIX_LEARN_EXPIRY_DAYS": "0.00001",
    "KFIX_PUBLISH_REREAD_EVERY_S": "1",
}
#: A reader that is killed while it reads keeps its lease, two minutes by default.
SHORT_LEASE = {"KFIX_PUBLISH_REREAD_LEASE_S": "2"}


@pytest.mark.slow
async def test_three_merges_while_the_door_is_away_are_checked_and_never_expire(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(cluster, sandbox, tmp_path, **SHORT_LEASE)
        with river.worker():
            for number, scenario in enumerate(BROKEN, 1):
                await river.break_(scenario)
                await river.until(
                    lambda wanted=number: len(river.branches()) == wanted,  # type: ignore[misc]
                    within_s=40,
                    what=f"merge request {number}",
                )
            await river.until_records(
                topics.MR_EVENTS,
                lambda events: sum(e.action == "opened" for e in events) == len(BROKEN),
                within_s=30,
            )
        for mr in sandbox.project.merge_requests:
            assert (await merge_as_reviewer(sandbox, mr.iid)).get("state") == "merged"
        # The door never comes back.
        with river.worker([stage for stage in STAGES if stage != "ingest"], **IMPATIENT):
            outcomes = await river.until_records(
                topics.OUTCOMES, lambda told: len({o.incident_id for o in told}) == 3, within_s=60
            )
            # learn asks GitLab by itself before anything expires; publish tells what it read again to everybody.
            events = await river.until_records(
                topics.MR_EVENTS,
                lambda told: len({e.event_id for e in told if e.action == "merged"}) == len(BROKEN),
                within_s=60,
            )
        assert {o.result for o in outcomes} <= {"success", "partial", "failure"}, "all are measured"
        assert all(o.merged_at is not None for o in outcomes)
        merged = [e.event_id for e in events if e.action == "merged"]
        assert len(set(merged)) == len(BROKEN)
        engine = create_engine(f"sqlite:///{tmp_path}/kfix.db")
        with engine.connect() as connection:
            # What does not hold has a way back and a next attempt, which nobody merges here.
            first = {e.incident_id for e in events if e.action == "merged"}
            published, learned = (
                connection.execute(
                    select(table.c.state).where(table.c.incident_id.in_(first))
                ).scalars()
                for table in (merge_requests, followed_merge_requests)
            )
            assert [*published, *learned] == ["merged"] * 6
        engine.dispose()
