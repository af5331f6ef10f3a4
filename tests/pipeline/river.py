"""The whole river under test: the sandbox in this process, the real stages as workers to be killed.

async with company() as sandbox:
    river = River(cluster, sandbox, tmp_path)
    with river.worker(): ...
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from kfix.engine import topics
from kfix.engine.topics import Topic
from sandbox.control import merge_as_reviewer
from sandbox.running import Sandbox, running
from sandbox.scenario import scenarios
from sandbox.world import Pace
from tests.pipeline.harness import Cluster, Worker, drained, new_prefix, start_worker, stored

STAGES = ("ingest", "enrich", "decide", "safety", "publish", "learn")
DATADOG_TOKEN = "datadog-token-of-this-test-0123456789"
GITLAB_TOKEN = "gitlab-token-of-this-test-0123456789"


@asynccontextmanager
async def company() -> AsyncIterator[Sandbox]:
    """A fast company."""
    async with running(pace=Pace(sync_s=0.3, recovery_s=0.2, tick_s=0.05)) as sandbox:
        yield sandbox


class River:
    """One run of the river: own topics, own store, one sandbox."""

    def __init__(self, cluster: Cluster, sandbox: Sandbox, folder: Path, **more: str) -> None:
        self.cluster = cluster
        self.sandbox = sandbox
        self.folder = folder
        self.prefix = new_prefix()
        self.environment: dict[str, str] = {
            **sandbox.environment,
            "KFIX_DATABASE_URL": f"sqlite:///{folder}/kfix.db",
            "KFIX_INGEST_PORT": "0",
            "KFIX_INGEST_DATADOG_TOKENS": DATADOG_TOKEN,
            "KFIX_INGEST_GITLAB_TOKENS": GITLAB_TOKEN,
            "KFIX_INGEST_GITLAB_BOT": "kfix-bot",
            "KFIX_LEARN_CHECK_AFTER_S": "1.5",
            "KFIX_LEARN_LOOK_EVERY_S": "0.5",
            "KFIX_LEARN_SETTLE_S": "25",  # metrics have a point every 10 s
            "KFIX_LEARN_POLL_S": "0.5",
            "KFIX_LEARN_LEASE_S": "3",
            # The company does not answer while its loop waits for the stages to start.
            "KFIX_SAFETY_LOCK_CHECK_S": "1",
            "KFIX_RUNTIME_BACKOFF_S": "0.1",
            "KFIX_RUNTIME_RETRY_DELAY_S": "1",
            **({} if cluster.embedded else {"KFIX_RUNTIME_INSTANCE": "one"}),
            **more,
        }

    def start(self, stages: Sequence[str] = STAGES, **more: str) -> Worker:
        """Starts these stages in one process."""
        return start_worker(
            self.cluster,
            stages,
            self.folder,
            prefix=self.prefix,
            environment={**self.environment, **more},
        )

    @contextmanager
    def worker(self, stages: Sequence[str] = STAGES, **more: str) -> Iterator[Worker]:
        """Running stages, with the webhooks pointed at them when the door is there; killed at the end."""
        worker = self.start(stages, **more)
        try:
            told = worker.wait_ready()
            if "ingest" in stages:
                self.connect(told)
            yield worker
        finally:
            if worker.process.poll() is None:
                worker.kill()

    def connect(self, told: Mapping[str, Any]) -> None:
        """Points Datadog's and GitLab's webhooks at the door."""
        door = told["urls"]["ingest"]
        self.sandbox.connect(
            datadog_url=f"{door}/datadog-webhook",
            datadog_token=DATADOG_TOKEN,
            gitlab_url=f"{door}/gitlab-webhook",
            gitlab_token=GITLAB_TOKEN,
        )

    async def break_(self, scenario: str) -> None:
        """Breaks the company; Datadog sends its native webhook."""
        await self.sandbox.world.break_(scenarios()[scenario])

    async def merge(self) -> None:
        """Merges the newest merge request, as a reviewer."""
        answer = await merge_as_reviewer(self.sandbox, self.sandbox.project.merge_requests[-1].iid)
        assert answer.get("state") == "merged", answer

    async def records(self, topic: Topic[Any]) -> list[Any]:
        """Everything in a topic."""
        return await drained(self.cluster.brokers(self.prefix), topic)

    async def outcomes(self) -> list[Any]:
        return await self.records(topics.OUTCOMES)

    def branches(self) -> list[str]:
        """Source branches of all merge requests ever opened."""
        return [mr.source_branch for mr in self.sandbox.project.merge_requests]

    async def until(self, holds: Callable[[], bool], *, within_s: float, what: str) -> None:
        """Waits while the company goes on living."""
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}\n{self.logs()}"
            await asyncio.sleep(0.05)

    async def until_records(
        self, topic: Topic[Any], enough: Callable[[list[Any]], bool], *, within_s: float
    ) -> list[Any]:
        """The topic's records once there are enough."""
        deadline = time.monotonic() + within_s
        while not enough(found := await self.records(topic)):
            assert time.monotonic() < deadline, f"{topic.name} has {len(found)}\n{self.logs()}"
            await asyncio.sleep(0.3)
        return found

    async def until_dead(self, topic: Topic[Any], *, within_s: float = 40) -> None:
        """Waits for a dead letter of a topic."""
        deadline = time.monotonic() + within_s
        while not await stored(self.cluster.brokers(self.prefix), topic.dlq):
            assert time.monotonic() < deadline, f"no dead letter of {topic.name}\n{self.logs()}"
            await asyncio.sleep(0.3)

    def logs(self) -> str:
        """What the workers last said."""
        return "\n".join(
            f"--- {log.name}\n{log.read_text()[-2500:]}" for log in self.folder.glob("*.log")
        )
