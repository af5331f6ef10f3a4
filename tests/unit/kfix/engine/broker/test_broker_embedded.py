"""Waiting for a broker, ending one's own, and what is told of one that ended by itself."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiokafka.admin
import pytest
import structlog

from kfix.engine.broker import embedded
from kfix.engine.broker.connection import PAUSE_S, Brokers, longer, wait_until_up
from kfix.engine.broker.embedded import connect, free_port, stop
from kfix.infra.settings import Kafka
from schemas import errors
from tests.support.broker import Cluster


@asynccontextmanager
async def listening(*, after_s: float = 0.0) -> AsyncIterator[str]:
    """An address at which somebody listens, from the start or a little later."""
    port = free_port()

    async def hang_up(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def listen() -> asyncio.Server:
        await asyncio.sleep(after_s)
        return await asyncio.start_server(hang_up, "127.0.0.1", port)

    opening = asyncio.create_task(listen())
    if not after_s:
        await opening
    yield f"127.0.0.1:{port}"
    server = await opening
    server.close()
    await server.wait_closed()


def refusing() -> str:
    return f"127.0.0.1:{free_port()}"


def brokers(*addresses: str) -> Brokers:
    return Brokers(",".join(addresses), Kafka(_env_file=None))


# --- a broker that is waited for


async def test_a_broker_is_up_when_its_cluster_has_one_registered(cluster: Cluster) -> None:
    async with listening() as address:
        await wait_until_up(brokers(address), within_s=0)
        assert cluster.clients[0]["request_timeout_ms"] == 3000
        cluster.brokers = 0
        with pytest.raises(errors.Unavailable, match="within 0 s: no broker is registered"):
            await wait_until_up(brokers(address), within_s=0)
    assert cluster.open == 0


async def test_one_address_that_listens_is_enough(cluster: Cluster) -> None:
    async with listening() as address:
        await wait_until_up(brokers(refusing(), address), within_s=0)


async def test_while_nobody_listens_no_client_is_opened(cluster: Cluster) -> None:
    one, other = refusing(), refusing()
    with pytest.raises(errors.Unavailable, match=re.escape(f"{one},{other} within 0 s: ")) as told:
        await wait_until_up(brokers(one, other), within_s=0)
    assert one.partition(":")[2] in str(told.value).rpartition("within")[2]
    assert cluster.clients == []


@pytest.mark.parametrize("address", ["127.0.0.1:x", "[::ffff]:y", ":1z"])
async def test_an_address_that_is_none_is_said_to_be_away(cluster: Cluster, address: str) -> None:
    with pytest.raises(errors.Unavailable, match="invalid literal"):
        await wait_until_up(brokers(address), within_s=0)


async def test_what_the_cluster_says_against_it_is_told(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Admin(aiokafka.admin.AIOKafkaAdminClient):  # type: ignore[misc]
        async def describe_cluster(self) -> Any:
            raise failures.pop(0)

    failures: list[Exception] = [RuntimeError("no controller"), TimeoutError()]
    monkeypatch.setattr(aiokafka.admin, "AIOKafkaAdminClient", Admin)
    async with listening() as address:
        for why in ("no controller", "TimeoutError"):
            with pytest.raises(errors.Unavailable, match=f"within 0 s: {why}"):
                await wait_until_up(brokers(address), within_s=0)
    assert cluster.open == 0


async def test_a_broker_that_starts_late_is_waited_for_and_said_so_once(cluster: Cluster) -> None:
    with structlog.testing.capture_logs() as lines:
        async with listening(after_s=3.2) as address:
            began = time.monotonic()
            await wait_until_up(brokers(address), within_s=30)
            assert 3.0 <= time.monotonic() - began < 20
    (told,) = [line for line in lines if line["event"] == "broker.waiting"]
    assert (told["bootstrap"], told["within_s"]) == (address, 30)


async def test_a_wait_is_not_told_of_before_two_seconds(cluster: Cluster) -> None:
    with structlog.testing.capture_logs() as lines, pytest.raises(errors.Unavailable):
        await wait_until_up(brokers(refusing()), within_s=0.2)
    assert lines == []


def test_looks_at_a_broker_grow_rarer_up_to_one_a_second() -> None:
    pauses = [PAUSE_S]
    for _ in range(6):
        pauses.append(longer(pauses[-1]))
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


# --- the configured one


@pytest.mark.parametrize("inside", [True, False])
async def test_a_configured_cluster_is_taken_as_it_is_named(cluster: Cluster, inside: bool) -> None:
    async with listening() as address:
        kafka = Kafka(_env_file=None, bootstrap=address, embedded=inside)
        async with connect(kafka, within_s=5, lost=print) as found:
            assert (found.bootstrap, found.embedded, found.kafka) == (address, inside, kafka)


async def test_a_configured_cluster_that_is_away_is_waited_for_as_long_as_told(
    cluster: Cluster,
) -> None:
    kafka = Kafka(_env_file=None, bootstrap=refusing())
    with pytest.raises(errors.Unavailable, match=r"within 0\.1 s"):
        async with connect(kafka, within_s=0.1, lost=print):
            raise AssertionError("it is away")


# --- one's own


def child(code: str) -> subprocess.Popen[bytes]:
    found = subprocess.Popen(
        [sys.executable, "-c", f"{code}; print(flush=True); import time; time.sleep(60)"],
        stdout=subprocess.PIPE,
    )
    assert found.stdout is not None
    found.stdout.readline()
    found.stdout.close()
    return found


def test_a_broker_is_asked_to_end_before_it_is_killed() -> None:
    polite = child("pass")
    stop(polite)
    assert polite.returncode == -15
    stop(polite)


@pytest.mark.slow
def test_a_broker_that_does_not_listen_is_killed_after_five_seconds() -> None:
    deaf = child("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    began = time.monotonic()
    stop(deaf)
    assert deaf.returncode == -9
    assert time.monotonic() - began >= 5


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))


async def test_a_broker_that_ends_by_itself_is_told_once_with_its_status(
    cluster: Cluster,
) -> None:
    """The child is a stand-in for the broker's own program: it opens the port, and ends when told."""
    begun: list[subprocess.Popen[bytes]] = []

    def program(port: int) -> subprocess.Popen[bytes]:
        code = f"import socket; s = socket.socket(); s.bind(('127.0.0.1', {port})); s.listen()"
        begun.append(child(code))
        return begun[0]

    lost: list[str] = []
    kafka = Kafka(_env_file=None)
    async with embedded.embedded(kafka, lost=lost.append, program=program) as found:
        assert found.embedded
        assert found.bootstrap.startswith("127.0.0.1:")
        await asyncio.sleep(0.7)
        assert lost == []
        begun[0].kill()
        await asyncio.sleep(1.5)
    assert lost == ["the embedded broker ended with status -9; what it held is gone"]
    lost.clear()
    begun.clear()
    async with embedded.embedded(kafka, lost=lost.append, program=program):
        pass
    assert begun[0].returncode == -15
    await asyncio.sleep(0.6)
    assert lost == []
