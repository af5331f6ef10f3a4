"""R1: whatever is killed, at whatever point, nothing is lost and each effect happens, by its natural key, once."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.pipeline import small_stages as small
from tests.pipeline.harness import (
    FULL,
    Cluster,
    make_topics,
    new_prefix,
    publish,
    start_worker,
    until,
)

STAGES = ("relay", "fan", "effect", "ending")
POINTS = (
    "after_consume",
    "after_compute",
    "before_produce",
    "after_produce",
    "before_ack",
    "after_ack",
)
#: Where the small stages themselves can be killed: around an external effect.
EFFECT_POINTS = ("before_effect", "after_effect")
NOT_FOR_ENDING = ("before_produce", "after_produce")
TOPICS = [small.RAW, small.RELAYED, small.FANNED, small.EFFECTED]
RECORDS = 40


def crashes() -> list[str]:
    """All pairs of stage and point; without KFIX_TEST_FULL each point once and each stage more than once."""
    pairs = [
        (stage, point)
        for stage in STAGES
        for point in POINTS
        if not (stage == "ending" and point in NOT_FOR_ENDING)
    ]
    if not FULL:
        pairs = [pairs[i] for i in (0, 7, 14, 3, 10, 17)] + [("ending", "before_ack")]
    # Intake and commits pass once a batch, the other points once a record.
    passes = {"after_consume": 1, "after_ack": 1}
    return [f"{point}@{stage}:{passes.get(point, 9)}" for stage, point in pairs] + [*EFFECT_POINTS]


def batches(crash_points: list[str], size: int) -> list[list[str]]:
    return [crash_points[i : i + size] for i in range(0, len(crash_points), size)]


@pytest.mark.slow
async def test_a_worker_killed_at_any_point_loses_nothing_and_repeats_no_effect_by_key(
    cluster: Cluster, tmp_path: Path
) -> None:
    for batch in batches(crashes(), 5):
        folders = {crash: tmp_path / crash for crash in batch}
        for folder in folders.values():
            folder.mkdir()
        async with asyncio.TaskGroup() as group:
            for crash, folder in folders.items():
                group.create_task(survives(cluster, folder, crash))


async def survives(cluster: Cluster, folder: Path, crash: str) -> None:
    """One run: a worker with a bomb, then one without, then everything must be there."""
    prefix = new_prefix()
    brokers = cluster.brokers(prefix)
    await make_topics(brokers, TOPICS)
    now = datetime.now(UTC)
    records = [
        small.Raw(event_id=f"e{n}", occurred_at=now, key=f"k{n % 8}", number=n)
        for n in range(RECORDS)
    ]
    stages = [f"tests.pipeline.small_stages:{stage}" for stage in STAGES]
    static = {} if cluster.embedded else {"KFIX_RUNTIME_INSTANCE": "one"}
    await publish(brokers, [(small.RAW, record) for record in records[: RECORDS // 2]])
    bombed = start_worker(
        cluster,
        stages,
        folder,
        prefix=prefix,
        environment={"KFIX_TEST_CRASH": crash, "KFIX_RUNTIME_WINDOW": "16", **static},
    )
    code = await asyncio.to_thread(bombed.wait_dead)
    assert code == -signal.SIGKILL, f"{crash}: {bombed.log.read_text()[-2000:]}"
    await publish(brokers, [(small.RAW, record) for record in records[RECORDS // 2 :]])
    healthy = start_worker(
        cluster, stages, folder, prefix=prefix, environment={"KFIX_RUNTIME_WINDOW": "16", **static}
    )
    wanted = {f"{record.event_id}/{part}" for record in records for part in (0, 1)}
    journal = folder / "journal"
    try:
        await until(
            lambda: wanted <= {words[0] for words in small.journal_of(journal, "end")},
            within_s=60,
            what=f"{crash}: all records at the end; {healthy.log.read_text()[-1500:]}",
        )
        code = await asyncio.to_thread(healthy.stop)
    finally:
        healthy.kill()
    assert code == 0, healthy.log.read_text()[-2000:]
    effects = [words[0] for words in small.journal_of(journal, "effect")]
    assert set(effects) == wanted
    # At most one window of each partition is done again, and only what was under way when the bomb went off.
    assert len(effects) - len(wanted) <= 2 * RECORDS
