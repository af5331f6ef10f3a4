"""A TCP proxy that knows Kafka's frames: it freezes, cuts, or answers with errors, at a request of one's choice.

Brokers tell their own addresses in Metadata and FindCoordinator; the proxy writes its own there, so that one broker
serves many proxies. Frames are read as the protocol guide lays them out (https://kafka.apache.org/protocol): length,
key and version of the API, correlation id; an answer has the correlation id of its request. Bodies are read with the
client's own tables of fields.

    async with Proxy(broker_port) as proxy:
        proxy.arm(Fault("OffsetFetch", "frozen", seconds=100))
        ...  # clients use proxy.bootstrap
        await proxy.struck.wait()
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import pkgutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from types import TracebackType
from typing import Any, Literal

import aiokafka.protocol
from aiokafka.protocol.api import Response
from aiokafka.protocol.types import Array, Schema

#: The requests that a stage makes, by name.
APIS = {
    "Produce": 0,
    "Fetch": 1,
    "ListOffsets": 2,
    "Metadata": 3,
    "OffsetCommit": 8,
    "OffsetFetch": 9,
    "FindCoordinator": 10,
    "JoinGroup": 11,
    "Heartbeat": 12,
    "SyncGroup": 14,
}
#: Answers that tell where brokers are.
_WITH_ADDRESSES = (APIS["Metadata"], APIS["FindCoordinator"])

Kind = Literal["frozen", "cut", "error"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the next ``times`` requests of an API.

    ``frozen``: no connection, present or new, is answered for ``seconds``. ``cut``: the connection breaks, unanswered.
    ``error``: the broker does as asked, and its answer says ``code`` in each place that can say one.
    """

    api: str
    kind: Kind
    code: int = 0
    seconds: float = 0.0
    times: int = 1


class Proxy:
    """Listens on a free loopback port in front of ``127.0.0.1:broker_port``."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._fault: Fault | None = None
        self._left = 0
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._port = 0
        self._closing = False
        #: Set when an armed fault has happened for the first time.
        self.struck = asyncio.Event()

    @property
    def bootstrap(self) -> str:
        """Where clients connect."""
        return f"127.0.0.1:{self._port}"

    def arm(self, fault: Fault) -> None:
        """The next requests of this kind meet the fault."""
        self.struck.clear()
        self._fault, self._left = fault, fault.times

    def disarm(self) -> None:
        """Whatever was armed does not happen any more; what is frozen goes on."""
        self._fault = None
        self._open.set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._closing = True
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        self._pumps.add(me)
        try:
            await self._open.wait()
            there = await asyncio.open_connection("127.0.0.1", self._broker_port)
            await _Connection(self, (reader, writer), there).run()
        except (OSError, asyncio.IncompleteReadError):
            pass  # either side has gone
        except asyncio.CancelledError:
            if not self._closing:  # asyncio's streams would report the cancelled task as an error
                raise
        finally:
            self._pumps.discard(me)
            writer.transport.abort()

    def meets(self, key: int) -> Fault | None:
        """The fault that a request of this API meets now."""
        fault = self._fault
        if fault is None or APIS[fault.api] != key:
            return None
        self._left -= 1
        if self._left <= 0:
            self._fault = None
        self.struck.set()
        if fault.kind == "frozen":
            self._open.clear()
            asyncio.get_running_loop().call_later(fault.seconds, self._open.set)
        return fault

    async def thawed(self) -> None:
        """Returns when nothing is frozen."""
        await self._open.wait()

    def rewritten(self, key: int, version: int, frame: bytes, fault: Fault | None) -> bytes:
        """An answer with our address, and with the fault's code."""
        if key not in _WITH_ADDRESSES and fault is None:
            return frame
        kind = _answers()[key, version]
        body = kind.SCHEMA.decode(BytesIO(frame[4:]))
        port = self._port if key in _WITH_ADDRESSES else None
        code = fault.code if fault is not None else None
        return frame[:4] + kind.SCHEMA.encode(_changed(kind.SCHEMA, body, code, port))


class _Connection:
    """A client's connection and ours to the broker."""

    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        broker: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._broker = broker
        #: Correlation id → API, version, and the fault that its answer meets.
        self._asked: dict[int, tuple[int, int, Fault | None]] = {}

    async def run(self) -> None:
        """Passes frames on until one side has gone."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._requests())
                group.create_task(self._answers())
        except* (OSError, asyncio.IncompleteReadError, _Cut):
            pass
        finally:
            self._broker[1].transport.abort()
            self._client[1].transport.abort()

    async def _requests(self) -> None:
        while True:
            frame = await _frame(self._client[0])
            key, version, correlation = struct.unpack(">hhi", frame[:8])
            fault = self._proxy.meets(key)
            if fault is not None and fault.kind == "cut":
                raise _Cut
            wrong = fault if fault is not None and fault.kind == "error" else None
            self._asked[correlation] = (key, version, wrong)
            await self._proxy.thawed()
            await _send(self._broker[1], frame)

    async def _answers(self) -> None:
        while True:
            frame = await _frame(self._broker[0])
            (correlation,) = struct.unpack(">i", frame[:4])
            key, version, fault = self._asked.pop(correlation)
            await self._proxy.thawed()
            await _send(self._client[1], self._proxy.rewritten(key, version, frame, fault))


class _Cut(Exception):
    """This connection is broken on purpose."""


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(length)


async def _send(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(struct.pack(">i", len(frame)) + frame)
    with contextlib.suppress(ConnectionResetError):
        await writer.drain()


def _changed(schema: Any, values: Any, code: int | None, port: int | None) -> list[Any]:
    """A decoded body with other error codes and ports."""
    changed = []
    for name, field, value in zip(schema.names, schema.fields, values, strict=True):
        if name == "error_code" and code is not None:
            changed.append(code)
        elif name == "port" and port is not None and value > 0:
            changed.append(port)
        elif isinstance(field, Array) and isinstance(field.array_of, Schema) and value:
            changed.append([_changed(field.array_of, item, code, port) for item in value])
        else:
            changed.append(value)
    return changed


_known: dict[tuple[int, int], Any] = {}


def _answers() -> dict[tuple[int, int], Any]:
    """The client's tables of answers by API and version."""
    if not _known:
        for module in pkgutil.iter_modules(aiokafka.protocol.__path__):
            importlib.import_module(f"aiokafka.protocol.{module.name}")
        for kind in _subclasses(Response):
            key, version = getattr(kind, "API_KEY", None), getattr(kind, "API_VERSION", None)
            if isinstance(key, int) and isinstance(version, int):
                _known[key, version] = kind
    return _known


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from _subclasses(one)
