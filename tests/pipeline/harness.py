"""Workers as processes, on a broker, to be killed: for tests of what survives.

    with worker(cluster, ["decide"], folder) as running: ...
    await publish(cluster.brokers(prefix), [(topic, record), ...])
    records = await drained(brokers, topic)

Each test takes a prefix of its own, so that tests share one broker.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from kfix.engine.broker.administration import create_topics, with_sides
from kfix.engine.broker.connection import Brokers
from kfix.engine.broker.embedded import die_with_parent
from kfix.engine.broker.reading import Stored, read
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.settings import Runtime
from kfix.engine.topics import Topic
from kfix.engine.wire import Codec, codec_for
from kfix.infra.settings import Kafka, Retention
from schemas.base import Record

KFIX = Path(sys.executable).parent / "kfix"
ROOT = Path(__file__).resolve().parents[2]
#: Whole matrices and minutes of storm instead of samples: KFIX_TEST_FULL=1.
FULL = os.environ.get("KFIX_TEST_FULL") == "1"
READY_WITHIN_S = 60.0


@dataclass(frozen=True)
class Cluster:
    """A broker under test."""

    bootstrap: str
    embedded: bool
    partitions: int = 4

    @property
    def name(self) -> str:
        return "embedded" if self.embedded else "kafka"

    def kafka(self, prefix: str) -> Kafka:
        """Connection settings with a prefix."""
        return Kafka(
            _env_file=None,
            bootstrap=self.bootstrap,
            embedded=self.embedded,
            prefix=prefix,
            partitions=self.partitions,
        )

    def brokers(self, prefix: str) -> Brokers:
        return Brokers(self.bootstrap, self.kafka(prefix), embedded=self.embedded)

    def environment(self, prefix: str) -> dict[str, str]:
        """The same for a worker's process."""
        return {
            "KFIX_KAFKA_BOOTSTRAP": self.bootstrap,
            "KFIX_KAFKA_EMBEDDED": str(self.embedded).lower(),
            "KFIX_KAFKA_PREFIX": prefix,
            "KFIX_KAFKA_PARTITIONS": str(self.partitions),
        }


def new_prefix() -> str:
    return f"t{uuid4().hex[:8]}."


@dataclass
class Worker:
    """A process running stages. ``log`` holds its stderr."""

    process: subprocess.Popen[str]
    log: Path
    ready: threading.Event = field(default_factory=threading.Event)
    told: dict[str, Any] = field(default_factory=dict)

    def wait_ready(self) -> dict[str, Any]:
        """The ready line. Raises AssertionError with the log's end when the worker ends instead."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not self.ready.wait(0.1):
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
        return self.told

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        self.process.kill()
        self.process.wait()

    def stop(self, within_s: float = 30.0) -> int:
        """SIGTERM and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def wait_dead(self, within_s: float = READY_WITHIN_S) -> int:
        """The exit code, once the worker has ended by itself."""
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still alive: {self.log.read_text()[-3000:]}") from None


def start_worker(
    cluster: Cluster,
    stages: Sequence[str],
    folder: Path,
    *,
    prefix: str,
    environment: Mapping[str, str] | None = None,
) -> Worker:
    """Starts ``kfix up --only <stages>`` with the small stages importable."""
    log = folder / f"worker-{uuid4().hex[:6]}.log"
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "KFIX_TEST_JOURNAL": str(folder / "journal"),
        "KFIX_RUNTIME_SESSION_TIMEOUT_S": "6",
        "KFIX_RUNTIME_HEARTBEAT_S": "1",
        **cluster.environment(prefix),
        **(environment or {}),
    }
    with log.open("w") as errors_:
        process = subprocess.Popen(
            [str(KFIX), "up", "--only", ",".join(stages)],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors_,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - prctl alone, no locks taken
        )
    worker = Worker(process, log)
    threading.Thread(target=_listen, args=(worker,), daemon=True).start()
    return worker


def _listen(worker: Worker) -> None:
    assert worker.process.stdout is not None
    with worker.process.stdout as lines:
        for line in lines:
            if line.startswith("{"):
                worker.told |= json.loads(line)
                worker.ready.set()


@contextmanager
def worker(
    cluster: Cluster,
    stages: Sequence[str],
    folder: Path,
    *,
    prefix: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Worker]:
    """A ready worker, killed at the end if it still runs."""
    running = start_worker(cluster, stages, folder, prefix=prefix, environment=environment)
    try:
        running.wait_ready()
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()


async def make_topics(brokers: Brokers, topics: Sequence[Topic[Any]]) -> None:
    """Topics with their sides, before anybody reads them."""
    await create_topics(brokers, with_sides(topics, brokers.kafka.partitions), Retention())


async def publish(brokers: Brokers, records: Sequence[tuple[Topic[Any], Record]]) -> None:
    """Sends records and returns when the broker has all of them."""
    codec = codec_for(brokers.kafka)
    await publish_raw(
        brokers,
        [
            (
                topic.name,
                topic.key(record).encode(),
                codec.encode(record),
                {hd.EVENT_ID: record.event_id},
            )
            for topic, record in records
        ],
    )


async def publish_raw(
    brokers: Brokers, values: Sequence[tuple[str, bytes | None, bytes, dict[str, str]]]
) -> None:
    """Sends bytes as they are."""
    outbox = Producer(brokers, Runtime(_env_file=None))
    await outbox.start()
    try:
        sent = [
            await outbox.send(topic, key, value, hd.write(headers))
            for topic, key, value, headers in values
        ]
        await asyncio.gather(*sent)
    finally:
        await outbox.stop()


async def stored(brokers: Brokers, topic: str) -> list[Stored]:
    """Everything in a topic now."""
    return [record async for record in read(brokers, [topic])]


async def drained(brokers: Brokers, topic: Topic[Any]) -> list[Any]:
    """Everything in a topic now, decoded."""
    codec: Codec = codec_for(brokers.kafka)
    return [codec.decode(topic, r.value, r.headers) for r in await stored(brokers, topic.name)]


async def until(condition: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Waits for a condition on files or processes."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(0.1)
