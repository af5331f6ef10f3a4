"""One trial of a stage against one fault of the broker: what is put in, when, under which load, and what came of it.

A trial is a stage behind a proxy that knows Kafka's frames, records sent past the proxy, and a supervisor that starts
the process again whenever it ends by itself, as production does. All of the runtime's bounds are ``SCALE`` of their
defaults, and so is the time for which a broker gives no answer; one test runs at full size.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from kfix.cli.stage_registry import find
from kfix.engine import topics
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.settings import Runtime
from kfix.engine.topics import Topic
from kfix.engine.wire import codec_for
from tests.pipeline import small_stages as small
from tests.pipeline.harness import (
    Cluster,
    Worker,
    make_topics,
    new_prefix,
    publish_raw,
    start_worker,
    stored,
    until,
)
from tools.realparts.kafka_proxy import APIS, Fault, Proxy

#: Part of the defaults. Waits that no knob scales (back-offs, polls of a second) bound it from below.
SCALE = 0.12
#: How long "no answer" is at full size: longer than any request's time-out, and than three quarters of the bounds.
SILENCE_S = 100.0
_SCALED = (
    "request_timeout_s",
    "rebalance_timeout_s",
    "produce_timeout_s",
    "delivery_timeout_s",
    "stall_s",
    "assign_s",
    "poll_stall_s",
    "idle_stall_s",
    "hang_s",
)
#: Seconds for a group's session: the least that leaves room for a heartbeat on a busy machine.
_SESSION = {"KFIX_RUNTIME_SESSION_TIMEOUT_S": "4", "KFIX_RUNTIME_HEARTBEAT_S": "0.5"}
#: Seconds to wait for a fault to meet its request before records are sent; some requests are not made in some moments,
#: some only for records. A process needs a while before it asks for the first time.
_MEETS_WITHIN_S = {"start": 20.0, "rebalance": 5.0, "steady": 5.0}
_BUSY_EVERY_S = 0.01
#: Seconds for a stage without any fault to become ready, beside other trials.
_READY_WITHIN_S = 180.0
#: Seconds for which the load goes on after the fault.
_UNDER_WAY_S = 1.0
#: Error codes of the protocol by API: the client's own words for a retry, and one that it does not know (-1).
CODES: dict[str, tuple[int, ...]] = {
    "Produce": (7, 6, -1),
    "Fetch": (6, 3, -1),
    "ListOffsets": (6, 43, -1),
    "Metadata": (5, 3, -1),
    "OffsetCommit": (14, 22, -1),
    "OffsetFetch": (14, 16, -1),
    "FindCoordinator": (15, -1),
    "JoinGroup": (14, 25, -1),
    "Heartbeat": (15, 25, -1),
    "SyncGroup": (27, 22, -1),
}

Load = Literal["idle", "busy"]
Moment = Literal["start", "rebalance", "steady"]


def scaled(scale: float) -> dict[str, str]:
    """The runtime's bounds at a part of their defaults, as a process's environment."""
    defaults = Runtime(_env_file=None)
    return {
        f"KFIX_RUNTIME_{name.upper()}": f"{getattr(defaults, name) * scale:.2f}" for name in _SCALED
    } | _SESSION


@dataclass(frozen=True)
class Subject:
    """A stage under test: how it is started, and how one knows which records are through."""

    stage: str
    reads: Topic[Any]
    #: Topics that must be there.
    topics: tuple[Topic[Any], ...]
    record: Callable[[Cluster, str], bytes]
    environment: Mapping[str, str] = field(default_factory=dict)


def small_effect() -> Subject:
    """A small stage with an effect: each record is through when its result stands in the next topic."""

    def record(cluster: Cluster, event_id: str) -> bytes:
        made = small.Fanned(
            event_id=event_id, occurred_at=datetime.now(UTC), key="k", number=100, part=0
        )
        return codec_for(cluster.kafka("")).encode(made)

    return Subject(
        "tests.pipeline.small_stages:effect", small.FANNED, (small.FANNED, small.EFFECTED), record
    )


def real_stage(name: str, environment: Mapping[str, str]) -> Subject:
    """A stage of the house: each record is bytes that it cannot read, and is through when it is a dead letter."""
    reads = find(name).handlers[0].reads
    return Subject(
        name, reads, tuple(topics.ALL), lambda _, event_id: event_id.encode(), environment
    )


@dataclass(frozen=True)
class Trial:
    """Which fault, when, under which load."""

    fault: Fault
    load: Load
    moment: Moment

    @property
    def name(self) -> str:
        """For tables and logs."""
        fault = self.fault
        what = f"error {fault.code}" if fault.kind == "error" else fault.kind
        return f"{fault.api}, {what}, {self.load}, {self.moment}"


def trials(scale: float = SCALE) -> list[Trial]:
    """The whole matrix."""
    found = []
    for api in APIS:
        faults = [Fault(api, "frozen", seconds=SILENCE_S * scale), Fault(api, "cut", times=2)]
        faults += [Fault(api, "error", code=code, times=2) for code in CODES[api]]
        for fault in faults:
            for moment in ("start", "rebalance", "steady"):
                found += [Trial(fault, load, moment) for load in ("idle", "busy")]
    return found


@dataclass
class Verdict:
    """What came of a trial."""

    met: bool
    #: Statuses of processes that ended by themselves.
    ended: list[int]
    lost: set[str]
    seconds: float
    sent: int
    log: str = ""

    @property
    def words(self) -> str:
        """For a table."""
        if self.lost:
            return f"LOST {len(self.lost)} of {self.sent}"
        went = f"ended {self.ended}, restarted" if self.ended else "went on"
        return f"{went}, {self.seconds:.0f} s" + ("" if self.met else " (not asked)")


class Run:
    """One trial at work."""

    def __init__(
        self,
        cluster: Cluster,
        subject: Subject,
        trial: Trial,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._cluster = cluster
        self._subject = subject
        self._trial = trial
        self._folder = folder
        self._environment = {
            "KFIX_DATABASE_URL": f"sqlite:///{folder}/kfix.db",
            **environment,
            **subject.environment,
        }
        self._prefix = new_prefix()
        self._brokers = cluster.brokers(self._prefix)
        self._sent: set[str] = set()
        self._ended: list[int] = []
        self._worker: Worker | None = None
        self._loading = True
        self._over = False

    async def verdict(self, *, within_s: float) -> Verdict:
        """Runs the trial; everything sent must be through within ``within_s`` seconds of the fault."""
        self._folder.mkdir(parents=True, exist_ok=True)
        await make_topics(self._brokers, self._subject.topics)
        port = int(self._cluster.bootstrap.rpartition(":")[2])
        async with Proxy(port) as proxy:
            behind = Cluster(proxy.bootstrap, embedded=self._cluster.embedded)
            jobs: list[asyncio.Task[None]] = []
            try:
                jobs.append(asyncio.create_task(self._supervise(behind)))
                await self._strike(proxy, jobs)
                struck = time.monotonic()
                await asyncio.sleep(_UNDER_WAY_S)
                self._loading = False
                await self._send(4)
                lost = await self._through(struck + within_s)
                return Verdict(
                    proxy.struck.is_set(),
                    self._ended,
                    lost,
                    time.monotonic() - struck,
                    len(self._sent),
                    self._said() if lost else "",
                )
            finally:
                await self._end(jobs)

    async def _strike(self, proxy: Proxy, jobs: list[asyncio.Task[None]]) -> None:
        """Brings the stage to the moment, puts the fault in, and waits a while for it to meet its request."""
        moment, fault = self._trial.moment, self._trial.fault
        if moment == "start":
            proxy.arm(fault)
        if self._trial.load == "busy":
            jobs.append(asyncio.create_task(self._load()))
        guest = self._start(self._cluster) if moment == "rebalance" else None
        try:
            if moment != "start":
                await self._until_ready()
                if guest is not None:
                    await asyncio.to_thread(guest.wait_ready)
                await self._send(4)
                proxy.arm(fault)
            if guest is not None:
                await asyncio.to_thread(guest.stop)
            with suppress(TimeoutError):
                async with asyncio.timeout(_MEETS_WITHIN_S[moment]):
                    await proxy.struck.wait()
        finally:
            if guest is not None and guest.process.poll() is None:
                guest.kill()

    def _start(self, cluster: Cluster) -> Worker:
        return start_worker(
            cluster,
            [self._subject.stage],
            self._folder,
            prefix=self._prefix,
            environment=self._environment,
        )

    async def _supervise(self, behind: Cluster) -> None:
        """Starts the stage, and again whenever it ends by itself."""
        while not self._over:
            self._worker = worker = self._start(behind)
            while worker.process.poll() is None:  # noqa: ASYNC110 - a process tells nobody
                await asyncio.sleep(0.1)
            if not self._over:
                self._ended.append(worker.process.returncode)
                await asyncio.sleep(0.5)

    async def _until_ready(self) -> None:
        await until(
            lambda: self._worker is not None and self._worker.ready.is_set(),
            within_s=_READY_WITHIN_S,
            what="a first ready process",
        )

    async def _load(self) -> None:
        """Records without a pause, so that some are under way whenever the fault happens."""
        while self._loading:
            await self._send(20)
            await asyncio.sleep(_BUSY_EVERY_S * 20)

    async def _send(self, count: int) -> None:
        names = [f"r{len(self._sent) + n}" for n in range(count)]
        self._sent |= set(names)
        await publish_raw(
            self._brokers,
            [
                (
                    self._subject.reads.name,
                    f"k{name[-1]}".encode(),
                    self._subject.record(self._cluster, name),
                    {hd.EVENT_ID: name},
                )
                for name in names
            ],
        )

    async def _through(self, deadline: float) -> set[str]:
        """Waits until all that was sent is through; what is not."""
        while True:
            missing = self._sent - await self._arrived()
            late = time.monotonic() > deadline
            if not missing or late:
                return missing
            await asyncio.sleep(0.3)

    async def _arrived(self) -> set[str]:
        if self._subject.stage == "tests.pipeline.small_stages:effect":
            found = await stored(self._brokers, small.EFFECTED.name)
            return {record.text(hd.EVENT_ID) for record in found}
        dead = await stored(self._brokers, self._subject.reads.dlq)
        return {record.value.decode() for record in dead}

    async def _end(self, jobs: list[asyncio.Task[None]]) -> None:
        self._over = True
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        if self._worker is not None and self._worker.process.poll() is None:
            self._worker.kill()

    def _said(self) -> str:
        return "\n".join(
            f"--- {log.name}\n{log.read_text()[-3000:]}" for log in self._folder.glob("*.log")
        )


async def side_by_side(
    runs: Mapping[str, Callable[[], Awaitable[Verdict]]],
    *,
    at_once: int,
    done: Callable[[str, Verdict], None],
) -> dict[str, Verdict]:
    """Runs trials, some at once; ``done`` hears of each."""
    free = asyncio.Semaphore(at_once)
    verdicts: dict[str, Verdict] = {}

    async def one(name: str, run: Callable[[], Awaitable[Verdict]]) -> None:
        async with free:
            verdicts[name] = await run()
            done(name, verdicts[name])

    async with asyncio.TaskGroup() as group:
        for name, run in runs.items():
            group.create_task(one(name, run))
    return verdicts
