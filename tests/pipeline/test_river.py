"""The whole chain with real stages: an alert becomes one merge request and an outcome, whatever is killed when."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from kfix.engine import topics
from sandbox.faults import Fault
from tests.pipeline.harness import FULL, KFIX, Cluster
from tests.pipeline.river import STAGES, River, company

POINTS = (
    "after_consume",
    "after_compute",
    "before_produce",
    "after_produce",
    "before_ack",
    "after_ack",
)
#: Stages that an alert passes on its way to the merge request.
ON_THE_WAY = ("enrich", "decide", "safety", "publish")


async def test_an_alert_becomes_a_merge_request_and_its_merge_an_outcome(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(cluster, sandbox, tmp_path)
        with river.worker():
            await river.break_("oom")
            await river.until(lambda: bool(river.branches()), within_s=30, what="a merge request")
            opened = sandbox.project.merge_requests[0]
            await river.until(
                lambda: bool(sandbox.slack.messages), within_s=10, what="a Slack message"
            )
            await river.merge()
            outcomes = await river.until_records(topics.OUTCOMES, bool, within_s=40)
        assert [o.result for o in outcomes] == ["success"], outcomes[0].explanation
        assert outcomes[0].vector_db_stored
        assert opened.title
        assert sandbox.world.health("cart").condition == "healthy"
        events = await river.records(topics.MR_EVENTS)
        assert [e.action for e in events if e.action in ("opened", "merged")] == [
            "opened",
            "merged",
        ]
        assert not await dead_letters(river)


async def test_the_river_speaks_avro_and_french_when_told_to(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(cluster, sandbox, tmp_path, KFIX_KAFKA_FORMAT="avro", KFIX_LANGUAGE="fr")
        with river.worker():
            await river.break_("cpu_throttling")
            await river.until(lambda: bool(river.branches()), within_s=30, what="a merge request")
            validated = await river.until_records(topics.PLANS_VALIDATED, bool, within_s=10)
        from tests.pipeline.harness import stored

        raw = await stored(river.cluster.brokers(river.prefix), topics.PLANS_VALIDATED.name)
    assert not raw[0].value.startswith(b"{")
    assert validated[0].analysis.failure_class == "cpu_throttling"
    assert "Preuve" in sandbox.project.merge_requests[0].description


async def dead_letters(river: River) -> list[str]:
    from tests.pipeline.harness import stored

    brokers = river.cluster.brokers(river.prefix)
    return [str(letter) for topic in topics.ALL for letter in await stored(brokers, topic.dlq)]


def crashes() -> list[str]:
    """Stage and point; without KFIX_TEST_FULL a sample in which each stage and each point is once."""
    pairs = [(stage, point) for stage in ON_THE_WAY for point in POINTS]
    chosen = pairs if FULL else [pairs[0], pairs[8], pairs[15], pairs[19], pairs[22]]
    return [f"{point}@{stage}:1" for stage, point in chosen]


@pytest.mark.slow
@pytest.mark.parametrize("crash", crashes())
async def test_r1_a_stage_killed_on_the_way_loses_no_alert_and_opens_no_second_merge_request(
    cluster: Cluster, tmp_path: Path, crash: str
) -> None:
    async with company() as sandbox:
        river = River(cluster, sandbox, tmp_path)
        bombed = river.start(KFIX_TEST_CRASH=crash)
        river.connect(await asyncio.to_thread(bombed.wait_ready))
        await river.break_("oom")
        await asyncio.to_thread(bombed.wait_dead, 40)
        with river.worker():
            await river.until(lambda: bool(river.branches()), within_s=40, what="a merge request")
            await river.until_records(
                topics.MR_EVENTS,
                lambda events: any(e.action == "opened" for e in events),
                within_s=30,
            )
            await river.merge()
            await river.until_records(topics.OUTCOMES, bool, within_s=40)
        assert len(river.branches()) == 1
        assert {o.event_id for o in await river.outcomes()} == {
            (await river.outcomes())[0].event_id
        }


@pytest.mark.slow
@pytest.mark.parametrize(
    "route", ["repository/commits", "merge_requests$", "merge_requests/\\d+/notes"]
)
async def test_r1_publish_killed_around_an_external_call_opens_one_merge_request(
    cluster: Cluster, tmp_path: Path, route: str
) -> None:
    """The call is under way when the process dies: GitLab does it all the same, and nobody has recorded that."""
    async with company() as sandbox:
        river = River(cluster, sandbox, tmp_path)
        with river.worker() as worker:
            sandbox.faults.switch_on(
                Fault("gitlab", "slow", route=route, method="POST", seconds=1.0, times=1)
            )
            await river.break_("oom")
            if "notes" not in route:
                await river.until(
                    lambda: any(a.fault == "slow" for a in sandbox.faults.asked),
                    within_s=40,
                    what="the slow call",
                )
            else:
                await river.until(
                    lambda: bool(river.branches()), within_s=40, what="a merge request"
                )
            worker.kill()
        await asyncio.sleep(1.2)
        sandbox.faults.clear()
        with river.worker():
            await river.until_records(
                topics.MR_EVENTS,
                lambda events: any(e.action == "opened" for e in events),
                within_s=40,
            )
        assert len(river.branches()) == 1
        assert len(sandbox.project.repository.branches()) == 2  # the default one and ours


@pytest.mark.slow
async def test_r4_a_recovery_that_comes_before_its_alert_or_while_the_merge_request_opens_ends_right(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(cluster, sandbox, tmp_path)
        with river.worker():
            sandbox.faults.switch_on(
                Fault(
                    "gitlab",
                    "slow",
                    route="repository/commits",
                    method="POST",
                    seconds=2.0,
                    times=1,
                )
            )
            await river.break_("oom")
            await river.until(
                lambda: any(a.fault == "slow" for a in sandbox.faults.asked),
                within_s=40,
                what="the slow call",
            )
            sandbox.world.ease("cart")
            events = await river.until_records(
                topics.MR_EVENTS,
                lambda found: {"opened", "updated"} <= {e.action for e in found},
                within_s=40,
            )
        assert len(river.branches()) == 1
        assert [e.action for e in events].count("opened") == 1
        notes = [n.body for mr in sandbox.project.merge_requests for n in mr.notes]
        assert any("recover" in note.lower() for note in notes), notes


@pytest.mark.slow
async def test_r6_the_dead_letters_replayed_twice_make_the_same_merge_requests_as_once(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(
            cluster, sandbox, tmp_path, KFIX_RUNTIME_ATTEMPTS="1", KFIX_RUNTIME_RETRY_ROUNDS="0"
        )
        sandbox.faults.switch_on(Fault("gitlab", "error", route="merge_requests", status=503))
        with river.worker():
            await river.break_("oom")
            await river.until_dead(topics.PLANS_VALIDATED)
            sandbox.faults.clear()
            for _ in range(2):
                replay(river)
                await river.until(
                    lambda: bool(river.branches()), within_s=30, what="a merge request"
                )
                await asyncio.sleep(1.5)
        assert len(river.branches()) == 1


def replay(river: River) -> None:
    done = subprocess.run(
        [str(KFIX), "dlq", "replay", "--all"],
        cwd=river.folder,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(river.folder),
            **river.cluster.environment(river.prefix),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
async def test_r9_a_flapping_alert_is_one_merge_request_and_few_messages(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(cluster, sandbox, tmp_path)
        with river.worker():
            for _ in range(10):
                await river.break_("oom")
                sandbox.world.ease("cart")
                await river.until(
                    lambda: sandbox.datadog.events[-1].transition == "Recovered",
                    within_s=10,
                    what="the recovery",
                )
            # A look in a calm moment finds nothing to mend; in the end the trouble stays.
            await river.break_("oom")
            await river.until(lambda: bool(river.branches()), within_s=30, what="a merge request")
            await asyncio.sleep(3)
        told = [
            (c.incident_id, c.role, c.status, c.analysis and c.analysis.failure_class)
            for c in await river.records(topics.PLANS_CANDIDATE)
        ]
        assert len(river.branches()) == 1, told
        assert len(sandbox.slack.messages) <= 6


def test_all_stages_are_in_the_river() -> None:
    from kfix.cli.stage_registry import NAMES

    assert set(NAMES) - {"console"} == set(STAGES)
