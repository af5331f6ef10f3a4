"""Each stage is also a plain Faust app: what whoever knows Faust tries first works, with the same promises."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka.structs import TopicPartition
from faust.cli.base import find_app

from kfix.cli.stage_registry import NAMES
from kfix.engine import topics
from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.embedded import die_with_parent, free_port
from kfix.engine.broker.offsets import committed_offsets
from kfix.engine.topics import Topic
from tests.pipeline import small_stages as small
from tests.pipeline.harness import (
    ROOT,
    Cluster,
    drained,
    make_topics,
    new_prefix,
    publish,
    stored,
    until,
)
from tests.support.decide.clusters import Cluster as Shop

FAUST = Path(sys.executable).parent / "faust"


class FaustWorker:
    """``faust -A … worker`` as a process. ``log`` holds what it wrote."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    async def wait_for(self, event: str, *, within_s: float = 60.0) -> None:
        await until(
            lambda: f'"event":"{event}"' in self.log.read_text() or self.process.poll() is not None,
            within_s=within_s,
            what=f"{event}: {self.log}",
        )
        assert f'"event":"{event}"' in self.log.read_text(), self.log.read_text()[-3000:]

    async def ends(self, within_s: float = 40.0) -> int:
        return await asyncio.to_thread(self.process.wait, within_s)

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.ends()


@contextmanager
def faust_worker(
    app: str, folder: Path, name: str = "faust", **environment: str
) -> Iterator[FaustWorker]:
    log = folder / f"{name}.log"
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(ROOT),
        "KFIX_TEST_JOURNAL": str(folder / "journal"),
        "KFIX_RUNTIME_SESSION_TIMEOUT_S": "6",
        "KFIX_RUNTIME_HEARTBEAT_S": "1",
        "KFIX_RUNTIME_HEALTH_PORT": "-1",
        **environment,
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(FAUST), "-A", app, "worker", "-l", "info"],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - prctl alone, no locks taken
        )
    try:
        yield FaustWorker(process, log)
    finally:
        process.kill()
        process.wait()


async def lag(brokers: Brokers, group: str, topic: Topic[object]) -> int:
    """Records of a topic that the group has not committed."""
    wanted = [TopicPartition(brokers.named(topic.name), n) for n in range(brokers.kafka.partitions)]
    committed = await committed_offsets(brokers, brokers.named(group), wanted)
    return len(await stored(brokers, topic.name)) - sum(o or 0 for o in committed.values())


@pytest.mark.kafka
async def test_decide_started_by_fausts_command_line_answers_a_bundle_and_ends_in_order(
    kafka_cluster: Cluster, tmp_path: Path
) -> None:
    prefix = new_prefix()
    brokers = kafka_cluster.brokers(prefix)
    await make_topics(brokers, topics.ALL)
    shop = Shop()
    bundle = shop.bundle()
    environment = {
        **kafka_cluster.environment(prefix),
        "KFIX_DATABASE_URL": f"sqlite:///{tmp_path / 'kfix.db'}",
    }
    with faust_worker("decide", tmp_path, **environment) as worker:
        await worker.wait_for("process.ready")
        await publish(brokers, [(topics.CONTEXT_BUNDLE, bundle)])
        for _ in range(150):
            answers = await drained(brokers, topics.PLANS_CANDIDATE)
            if answers:
                break
            await asyncio.sleep(0.2)
        status = await worker.stop()
        text = worker.log.read_text()
    assert [answer.context.namespace for answer in answers] == [bundle.k8s_context.namespace], text
    assert status == 0, text[-3000:]
    assert '"event":"process.stopped"' in text
    assert await lag(brokers, "kfix-decide", topics.CONTEXT_BUNDLE) == 0


@pytest.mark.kafka
async def test_a_stage_below_fausts_worker_killed_at_work_loses_nothing(
    kafka_cluster: Cluster, tmp_path: Path
) -> None:
    prefix = new_prefix()
    brokers = kafka_cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED])
    now = datetime.now(UTC)
    records = [
        small.Raw(event_id=f"e{n}", occurred_at=now, key=f"k{n % 8}", number=n, behaviour="busy")
        for n in range(120)
    ]
    await publish(brokers, [(small.RAW, record) for record in records])
    journal = tmp_path / "journal"
    environment = {**kafka_cluster.environment(prefix), "KFIX_RUNTIME_WINDOW": "16"}
    app = "tests.pipeline.small_faust"
    with faust_worker(app, tmp_path, "killed", **environment) as killed:
        await until(
            lambda: len(small.journal_of(journal, "relay")) >= 20,
            within_s=60,
            what=f"some records at work: {killed.log}",
        )
    with faust_worker(app, tmp_path, "healthy", **environment) as healthy:
        await until(
            lambda: len({words[0] for words in small.journal_of(journal, "relay")}) == 120,
            within_s=60,
            what=f"all records relayed: {healthy.log}",
        )
        status = await healthy.stop()
    assert status == 0, healthy.log.read_text()[-3000:]
    relayed = {record.event_id for record in await drained(brokers, small.RELAYED)}
    assert relayed == {record.event_id for record in records}
    assert await lag(brokers, "kfix-relay", small.RAW) == 0
    # Again done is at most the window of each partition.
    assert len(small.journal_of(journal, "relay")) <= 120 + 4 * 16


async def test_a_worker_without_a_broker_says_so_and_ends_with_an_error(tmp_path: Path) -> None:
    with faust_worker(
        "tests.pipeline.small_faust",
        tmp_path,
        KFIX_KAFKA_BOOTSTRAP=f"127.0.0.1:{free_port()}",
        KFIX_RUNTIME_STARTUP_TIMEOUT_S="2",
    ) as worker:
        status = await worker.ends()
    assert status == 1
    assert "no Kafka broker at 127.0.0.1" in worker.log.read_text()


async def test_a_worker_asked_to_stop_while_it_starts_stops(tmp_path: Path) -> None:
    with faust_worker(
        "tests.pipeline.small_faust",
        tmp_path,
        KFIX_KAFKA_BOOTSTRAP=f"127.0.0.1:{free_port()}",
        KFIX_RUNTIME_STARTUP_TIMEOUT_S="600",
    ) as worker:
        await worker.wait_for("broker.waiting")
        status = await worker.stop()
    assert status == 0, worker.log.read_text()[-3000:]


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_has_its_app_where_fausts_command_line_looks_for_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFIX_KAFKA_PREFIX", "one.")
    monkeypatch.setenv("KFIX_KAFKA_BOOTSTRAP", "a:9092,b:9092")
    app = find_app(name)
    assert app.conf.id == f"one.kfix-{name}"
    assert [broker.host for broker in app.conf.broker] == ["a", "b"]
