"""A real Apache Kafka for tests: one KRaft node from Maven Central's jars on free loopback ports.

The jars are fetched once into the cache (``~/.cache/kfix`` or ``KFIX_TEST_CACHE``) and checked against the list of
sha256 sums beside the pom. The node is tied to this process: it dies when the process does.

    with running() as kafka:
        kafka.bootstrap          # 127.0.0.1:port
        kafka.kill(); kafka.start()   # the same data, the same port
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from kfix.engine.broker.embedded import die_with_parent, free_port

HERE = Path(__file__).parent / "kafka_jars"
SUMS = HERE / "sha256"
_READY_WITHIN_S = 60.0
#: Any 16 bytes in base64url; a fixed one, so that a restarted node knows its data again.
_CLUSTER = "kfixTestsKafkaCluster0"

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=5242880
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
"""

_LOG4J = """\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders><Console name="err" target="SYSTEM_ERR"><PatternLayout pattern="%d %p %c %m%n"/></Console></Appenders>
  <Loggers><Root level="ERROR"><AppenderRef ref="err"/></Root></Loggers>
</Configuration>
"""


class Unobtainable(Exception):
    """Kafka cannot be had on this machine; the text is one line and says why."""


def jars() -> Path:
    """The folder with Kafka's jars, fetched when missing. Raises Unobtainable."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Unobtainable(f"no {tool} on this machine")
    key = hashlib.sha256((HERE / "pom.xml").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("KFIX_TEST_CACHE", Path.home() / ".cache" / "kfix"))
    folder = cache / f"kafka-{key}"
    if not folder.is_dir():
        _fetch(folder)
    _check(folder)
    return folder


def _fetch(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        target = Path(scratch) / "jars"
        plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
        mvn = ("mvn", "-B", "-ntp", "-q", "-C", "-f")
        done = subprocess.run(
            [
                *mvn,
                HERE / "pom.xml",
                plugin,
                "-DincludeScope=runtime",
                f"-DoutputDirectory={target}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stdout.strip().splitlines() or ["no reason given"])[0]
            raise Unobtainable(f"Maven cannot fetch Kafka: {last[:200]}")
        try:
            target.rename(folder)
        except OSError:
            if not folder.is_dir():  # another run was faster
                raise


def sums(folder: Path) -> str:
    """The list of sha256 sums, as ``sha256sum`` prints it."""
    lines = [
        f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}"
        for jar in sorted(folder.glob("*.jar"))
    ]
    return "\n".join(lines) + "\n"


def _check(folder: Path) -> None:
    if sums(folder) != SUMS.read_text():
        raise Unobtainable(f"the jars in {folder} are not those of {SUMS.name}; delete the folder")


class Kafka:
    """One node. ``start``, ``stop``, ``kill`` as often as wished; the data stays until the end."""

    def __init__(self, folder: Path) -> None:
        self._jars = jars()
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap = f"127.0.0.1:{self._port}"
        (folder / "log4j2.xml").write_text(_LOG4J)
        (folder / "server.properties").write_text(
            _PROPERTIES.format(port=self._port, controller=free_port(), data=folder / "data")
        )
        format_ = self._java("-Xmx128m", "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c")
        subprocess.run([*format_, folder / "server.properties"], check=True, capture_output=True)

    def _java(self, heap: str, main: str, *args: str) -> list[str]:
        return [
            "java",
            heap,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            f"-Dlog4j2.configurationFile={self._folder / 'log4j2.xml'}",
            "-cp",
            f"{self._jars}/*",
            main,
            *args,
        ]

    def start(self) -> None:
        """Starts the node and returns when it serves."""
        with (self._folder / "kafka.log").open("ab") as output:
            self._process = subprocess.Popen(
                [*self._java("-Xmx512m", "kafka.Kafka"), self._folder / "server.properties"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - prctl alone, no locks taken
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        import asyncio

        from kfix.engine.broker.connection import Brokers, wait_until_up
        from kfix.infra.settings import Kafka as KafkaSettings

        brokers = Brokers(self.bootstrap, KafkaSettings(_env_file=None))
        deadline = time.monotonic() + _READY_WITHIN_S
        while not _listens(self._port):
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError((self._folder / "kafka.log").read_text()[-2000:])
            if time.monotonic() > deadline:
                raise RuntimeError("Kafka does not come up")
            time.sleep(0.05)
        # In a thread: the caller may have an event loop of its own running.
        with ThreadPoolExecutor(1) as thread:
            waiting = wait_until_up(brokers, within_s=_READY_WITHIN_S)
            thread.submit(asyncio.run, waiting).result()

    def stop(self) -> None:
        """Ends the node in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the node at once."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(20)
        self._process = None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running() -> Iterator[Kafka]:
    """A started node, gone with its data when the context ends. Raises Unobtainable."""
    with tempfile.TemporaryDirectory(prefix="kfix-kafka-") as folder:
        kafka = Kafka(Path(folder))
        try:
            kafka.start()
            yield kafka
        finally:
            kafka.kill()
