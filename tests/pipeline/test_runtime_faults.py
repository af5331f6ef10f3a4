"""A stage that stands still and says that it is well: whatever the broker does to whichever request, everything gets
through within a bound, or the process ends by itself and the next one gets everything through.

In CI a sample at a part of full size (see ``faults``). ``KFIX_TEST_FULL=1`` runs the whole matrix on every stage; it
keeps each verdict in ``var/fault-matrix.json``, goes on where it was interrupted, and prints the table.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest

from kfix.cli.stage_registry import NAMES
from kfix.engine.runtime.process import STOOD_STILL
from sandbox.running import running
from tests.pipeline import faults
from tests.pipeline import small_stages as small
from tests.pipeline.faults import Run, Subject, Trial, Verdict, scaled, side_by_side, small_effect
from tests.pipeline.harness import (
    ROOT,
    Cluster,
    make_topics,
    new_prefix,
    publish,
    start_worker,
    until,
    worker,
)
from tools.realparts.kafka_proxy import Fault, Proxy

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SILENT_S = faults.SILENCE_S * faults.SCALE
#: Seconds after a fault within which everything is through: the silence, the longest bound but that for a handler, a
#: restart and a session of the group.
WITHIN_S = 120.0
AT_ONCE = int(os.environ.get("KFIX_TEST_AT_ONCE", "6"))
MATRIX = ROOT / "var" / "fault-matrix.json"

SAMPLE = (
    Trial(Fault("OffsetFetch", "frozen", seconds=SILENT_S), "idle", "rebalance"),
    Trial(Fault("OffsetFetch", "error", code=16, times=2), "busy", "rebalance"),
    Trial(Fault("OffsetFetch", "error", code=-1, times=2), "idle", "start"),
    Trial(Fault("SyncGroup", "error", code=-1), "busy", "rebalance"),
    Trial(Fault("SyncGroup", "error", code=-1), "idle", "rebalance"),
    Trial(Fault("JoinGroup", "error", code=-1, times=2), "busy", "start"),
    Trial(Fault("JoinGroup", "frozen", seconds=SILENT_S), "busy", "rebalance"),
    Trial(Fault("Heartbeat", "error", code=-1), "busy", "steady"),
    Trial(Fault("Heartbeat", "error", code=25), "idle", "steady"),
    Trial(Fault("FindCoordinator", "error", code=15, times=2), "idle", "start"),
    Trial(Fault("Metadata", "error", code=5, times=2), "busy", "start"),
    Trial(Fault("ListOffsets", "error", code=43, times=2), "idle", "start"),
    Trial(Fault("Fetch", "frozen", seconds=SILENT_S), "busy", "steady"),
    Trial(Fault("Fetch", "cut", times=2), "busy", "steady"),
    Trial(Fault("OffsetCommit", "error", code=22), "busy", "steady"),
    Trial(Fault("Produce", "frozen", seconds=SILENT_S), "busy", "steady"),
    Trial(Fault("Produce", "error", code=-1), "busy", "steady"),
)
REAL_SAMPLE = (
    Trial(Fault("OffsetFetch", "frozen", seconds=SILENT_S), "busy", "rebalance"),
    Trial(Fault("SyncGroup", "error", code=-1), "busy", "rebalance"),
    Trial(Fault("Fetch", "frozen", seconds=SILENT_S), "idle", "start"),
)


async def test_everything_gets_through_whatever_the_broker_does_to_a_request(
    kafka_cluster: Cluster, tmp_path: Path
) -> None:
    async with running() as sandbox:
        decide = faults.real_stage("decide", sandbox.environment)
        runs = {
            f"{subject.stage}: {trial.name}": partial(
                tried, kafka_cluster, subject, trial, tmp_path
            )
            for subject, some in ((small_effect(), SAMPLE), (decide, REAL_SAMPLE))
            for trial in some
        }
        verdicts = await side_by_side(runs, at_once=AT_ONCE, done=tell)
    assert all(verdict.met for verdict in verdicts.values())
    nothing_was_lost(verdicts)


@pytest.mark.full
async def test_the_whole_matrix_on_every_stage(kafka_cluster: Cluster, tmp_path: Path) -> None:
    kept: dict[str, str] = json.loads(MATRIX.read_text()) if MATRIX.exists() else {}
    wanted = re.compile(os.environ.get("KFIX_TEST_TRIALS", ""))
    async with running() as sandbox:
        subjects = [small_effect()]
        subjects += [
            faults.real_stage(name, sandbox.environment) for name in NAMES if name != "ingest"
        ]
        runs = {}
        for subject in subjects:
            for trial in faults.trials():
                name = f"{subject.stage}: {trial.name}"
                if name not in kept and wanted.search(name):
                    runs[name] = partial(tried, kafka_cluster, subject, trial, tmp_path)

        def keep(name: str, verdict: Verdict) -> None:
            tell(name, verdict)
            if not verdict.lost:
                kept[name] = verdict.words
                MATRIX.parent.mkdir(exist_ok=True)
                MATRIX.write_text(json.dumps(kept, indent=1, sort_keys=True))

        verdicts = await side_by_side(runs, at_once=AT_ONCE, done=keep)
    print(table(kept))
    nothing_was_lost(verdicts)


async def tried(cluster: Cluster, subject: Subject, trial: Trial, folder: Path) -> Verdict:
    """One trial at the scale of this file."""
    place = folder / re.sub(r"\W+", "-", f"{subject.stage} {trial.name}")
    run = Run(cluster, subject, trial, place, scaled(faults.SCALE))
    return await run.verdict(within_s=WITHIN_S)


def tell(name: str, verdict: Verdict) -> None:
    print(f"{name}: {verdict.words}", flush=True)


def nothing_was_lost(verdicts: dict[str, Verdict]) -> None:
    lost = {name: verdict for name, verdict in verdicts.items() if verdict.lost}
    assert not lost, "\n".join(f"{name}: {v.words}\n{v.log}" for name, v in lost.items())


def table(kept: dict[str, str]) -> str:
    """How many trials of each stage ended how."""
    counts: dict[tuple[str, str], int] = {}
    for name, words in kept.items():
        key = (name.partition(":")[0], re.sub(r",? ?\d+ s|\[.*\]", "", words))
        counts[key] = counts.get(key, 0) + 1
    return "\n".join(f"{stage:24} {words:28} {n:5}" for (stage, words), n in sorted(counts.items()))


@pytest.mark.full
@pytest.mark.parametrize("load", ["idle", "busy"])
async def test_a_broker_that_does_not_answer_for_a_hundred_seconds_after_a_rebalance(
    kafka_cluster: Cluster, tmp_path: Path, load: faults.Load
) -> None:
    trial = Trial(Fault("OffsetFetch", "frozen", seconds=faults.SILENCE_S), load, "rebalance")
    session = {"KFIX_RUNTIME_SESSION_TIMEOUT_S": "6", "KFIX_RUNTIME_HEARTBEAT_S": "1"}
    verdict = await Run(kafka_cluster, small_effect(), trial, tmp_path, session).verdict(
        within_s=300
    )
    tell(trial.name, verdict)
    assert verdict.met
    nothing_was_lost({trial.name: verdict})


async def test_a_stage_that_stands_still_says_so_tells_its_tasks_and_ends(
    kafka_cluster: Cluster, tmp_path: Path
) -> None:
    """The group refuses it for ever: no error, no empty lag, but no assignment either."""
    prefix = new_prefix()
    await make_topics(kafka_cluster.brokers(prefix), [small.FANNED, small.EFFECTED])
    port = int(kafka_cluster.bootstrap.rpartition(":")[2])
    knobs = scaled(faults.SCALE) | {"KFIX_RUNTIME_HEALTH_PORT": "0"}
    stages = ["tests.pipeline.small_stages:effect"]
    async with Proxy(port) as proxy:
        behind = Cluster(proxy.bootstrap, embedded=False)
        one = start_worker(behind, stages, tmp_path, prefix=prefix, environment=knobs)
        guest = start_worker(kafka_cluster, [*stages], tmp_path, prefix=prefix, environment=knobs)
        try:
            for each in (one, guest):
                await asyncio.to_thread(each.wait_ready)
            async with httpx.AsyncClient(
                base_url=one.told["urls"]["health"], trust_env=False
            ) as client:
                await says(client, "/readyz", 200, within_s=60)
                await metrics(client, until='kfix_lag_unknown{stage="effect"} 0.0')
                proxy.arm(Fault("SyncGroup", "error", code=-1, times=10**6))
                await asyncio.to_thread(guest.stop)
                await says(client, "/readyz", 503, within_s=60)
                text = await metrics(client, until='kfix_lag_unknown{stage="effect"} 1.0')
                assert 'kfix_lag_records{stage="effect"} NaN' in text
                await says(client, "/healthz", 503, within_s=90)
            assert await asyncio.to_thread(one.wait_dead, 60) == STOOD_STILL
        finally:
            for each in (one, guest):
                if each.process.poll() is None:
                    each.kill()
    said = one.log.read_text()
    assert '"event":"stage.stands_still"' in said
    assert "the group has given no assignment" in said
    assert "effect.worker" in said


async def says(client: httpx.AsyncClient, path: str, status: int, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while (await client.get(path)).status_code != status:
        assert time.monotonic() < deadline, f"{path} is not {status} within {within_s:g} s"
        await asyncio.sleep(0.1)


async def metrics(client: httpx.AsyncClient, until: str = "") -> str:
    """The metrics once they have a line."""
    deadline = time.monotonic() + 20
    while until not in (text := (await client.get("/metrics")).text):
        assert time.monotonic() < deadline, text
        await asyncio.sleep(0.2)
    return text


async def test_a_loop_that_hangs_is_seen_from_outside_and_the_process_ends(
    kafka_cluster: Cluster, tmp_path: Path
) -> None:
    prefix = new_prefix()
    brokers = kafka_cluster.brokers(prefix)
    await make_topics(brokers, [small.FANNED, small.EFFECTED])
    knobs = scaled(faults.SCALE) | {"KFIX_RUNTIME_HANG_S": "4"}
    with worker(
        kafka_cluster,
        ["tests.pipeline.small_stages:effect"],
        tmp_path,
        prefix=prefix,
        environment=knobs,
    ) as one:
        hanging = small.Fanned(
            event_id="h", occurred_at=datetime.now(UTC), key="k", number=1, part=0, behaviour="hang"
        )
        await publish(brokers, [(small.FANNED, hanging)])
        assert await asyncio.to_thread(one.wait_dead, 60) == STOOD_STILL
        said = one.log.read_text()
    assert "the event loop has not answered" in said
    assert "small_stages.py" in said
    with worker(
        kafka_cluster,
        ["tests.pipeline.small_stages:effect"],
        tmp_path,
        prefix=prefix,
        environment=scaled(faults.SCALE) | {"KFIX_TEST_WORLD": "healed"},
    ):
        await until(
            lambda: ["h"] in small.journal_of(tmp_path / "journal", "effect"),
            within_s=60,
            what="the record after the restart",
        )


async def test_a_process_that_was_stopped_for_longer_than_every_bound_goes_on(
    kafka_cluster: Cluster, tmp_path: Path
) -> None:
    prefix = new_prefix()
    brokers = kafka_cluster.brokers(prefix)
    await make_topics(brokers, [small.FANNED, small.EFFECTED])
    stages = ["tests.pipeline.small_stages:effect"]
    knobs = scaled(faults.SCALE)
    with worker(kafka_cluster, stages, tmp_path, prefix=prefix, environment=knobs) as one:
        one.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(float(knobs["KFIX_RUNTIME_IDLE_STALL_S"]) + 2)
        record = small.Fanned(
            event_id="s", occurred_at=datetime.now(UTC), key="k", number=1, part=0
        )
        await publish(brokers, [(small.FANNED, record)])
        one.process.send_signal(signal.SIGCONT)
        await until(
            lambda: ["s"] in small.journal_of(tmp_path / "journal", "effect"),
            within_s=90,
            what=f"the record after the stop; {one.log.read_text()[-2000:]}",
        )
        assert await asyncio.to_thread(one.stop) == 0
