"""A loopback HTTP/1.1 server for clients under test: it keeps connections alive, and its answers come as slowly as asked.

    async with serving(answer) as url:
        ...

``answer`` is told what was asked and says what to send. It may be slow, cut the answer short, or stall in the middle
of the body, so that a caller who gives up does so at any point of an exchange.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server sends."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    #: Seconds before the first byte, and in the middle of the body.
    before_s: float = 0.0
    within_s: float = 0.0
    #: The connection is closed after the first half of the body.
    cut: bool = False

    @classmethod
    def of(cls, value: Any, **more: Any) -> Answer:
        """A JSON answer."""
        return cls(json.dumps(value).encode(), **more)


Answering = Callable[[Asked], Answer]


@asynccontextmanager
async def serving(answer: Answering) -> AsyncIterator[str]:
    """The server's base URL while it runs."""
    talking: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while (asked := await _read(reader)) is not None:
                    if not await _send(writer, answer(asked), asked.method == "HEAD"):
                        break
        finally:
            talking.discard(task)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    body = await _body(reader, headers)
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return Asked(method, unquote(parts.path), query, headers, body)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int((await reader.readline()).strip() or b"0", 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _send(writer: asyncio.StreamWriter, answer: Answer, bare: bool) -> bool:
    """Whether the connection may go on."""
    await asyncio.sleep(answer.before_s)
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} Said\r\n{head}\r\n".encode("latin-1"))
    half = len(answer.body) // 2
    if not bare:
        writer.write(answer.body[:half])
    if answer.within_s or answer.cut:
        await writer.drain()
        await asyncio.sleep(answer.within_s)
    if answer.cut:
        return False
    if not bare:
        writer.write(answer.body[half:])
    await writer.drain()
    return True


def nobody() -> str:
    """The base URL of a port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
