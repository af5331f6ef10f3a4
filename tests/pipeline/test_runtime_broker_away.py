"""R5: the broker is away; the door says 503 in time and in bounded memory, and nothing that was accepted is lost."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.pipeline import small_stages as small
from tests.pipeline.harness import FULL, Cluster, make_topics, new_prefix, until, worker
from tools.realparts.kafka import Kafka

AWAY_S = 60.0 if FULL else 15.0
#: Seconds a sender may wait for its answer: Datadog gives up after 15.
ANSWER_WITHIN_S = 8.0
MEMORY_MIB = 100


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_door_answers_503_while_the_broker_is_away_and_loses_nothing(
    kafka_cluster: Cluster, kafka_node: Kafka, tmp_path: Path
) -> None:
    prefix = new_prefix()
    await make_topics(kafka_cluster.brokers(prefix), [small.RAW, small.RELAYED])
    stages = ["tests.pipeline.small_stages:door", "tests.pipeline.small_stages:relay"]
    knobs = {"KFIX_RUNTIME_DOOR_TIMEOUT_S": "2", "KFIX_RUNTIME_DOOR_PENDING": "200"}
    with worker(kafka_cluster, stages, tmp_path, prefix=prefix, environment=knobs) as running:
        url = running.wait_ready()["urls"]["door"]
        process = psutil.Process(running.process.pid)
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
            accepted = await knock(client, range(50), expect=202)
            before = process.memory_info().rss
            kafka_node.kill()
            refused, slowest = await knock_for(client, AWAY_S)
            grown_mib = (process.memory_info().rss - before) / 2**20
            kafka_node.start()
            accepted |= await comes_back(client)
        await until(
            lambda: accepted <= {w[0] for w in small.journal_of(tmp_path / "journal", "relay")},
            within_s=60,
            what=f"all accepted; {running.log.read_text()[-2000:]}",
        )
        assert await asyncio.to_thread(running.stop) == 0
    assert refused > 50
    assert slowest < ANSWER_WITHIN_S
    assert grown_mib < MEMORY_MIB
    print(f"R5: {refused} refused in {AWAY_S:g} s, slowest {slowest:.1f} s, +{grown_mib:.0f} MiB")


async def knock(client: httpx.AsyncClient, numbers: range, *, expect: int) -> set[str]:
    """Sends deliveries side by side; all must be answered as expected."""
    answers = await asyncio.gather(*(client.post(f"/raw/{n}") for n in numbers))
    assert {answer.status_code for answer in answers} == {expect}
    return {f"d{n}" for n in numbers}


async def knock_for(client: httpx.AsyncClient, seconds: float) -> tuple[int, float]:
    """Knocks with the broker away: how many were refused, and the slowest answer in seconds."""
    deadline = time.monotonic() + seconds
    refused, slowest, number = 0, 0.0, 10_000
    while time.monotonic() < deadline:
        started = time.monotonic()
        answers = await asyncio.gather(
            *(client.post(f"/raw/{n}") for n in range(number, number + 40))
        )
        assert {answer.status_code for answer in answers} == {503}
        refused += len(answers)
        number += 40
        slowest = max(slowest, time.monotonic() - started)
    return refused, slowest


async def comes_back(client: httpx.AsyncClient) -> set[str]:
    """Knocks until a delivery is accepted again."""
    deadline = time.monotonic() + 60
    number = 50_000
    while (await client.post(f"/raw/{number}")).status_code != 202:
        assert time.monotonic() < deadline
        number += 1
        await asyncio.sleep(0.2)
    return {f"d{number}"}
