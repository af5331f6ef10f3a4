"""HTTP in the stage's own event loop: the stage's door, its publisher, and health for stages without a door."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import uvicorn

import kfix
from kfix.engine import topics
from kfix.engine.runtime import failure_headers
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.sending import Sender
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Asgi, Stage
from kfix.engine.topics import Topic
from kfix.engine.wire import Codec
from kfix.infra.telemetry import notes
from kfix.infra.telemetry.redaction import mask
from schemas import errors
from schemas.base import Record
from schemas.identity import stable_id

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
#: Seconds given to requests under way when the door closes.
_CLOSE_S = 5


class HttpPublisher:
    """A ``Publisher``: waits for the broker a bounded time, with a bounded number of records."""

    def __init__(
        self, stage: Stage[Any], *, codec: Codec, producer: Producer, settings: Runtime
    ) -> None:
        self._stage = stage.name
        self._producer = producer
        self._settings = settings
        self._pending = 0
        self._sender = Sender(
            stage.name,
            [*topics.ALL, *stage.publishes],
            codec=codec,
            producer=producer,
            max_bytes=settings.max_record_bytes,
        )

    async def send(self, record: Record) -> None:
        """See ``Publisher.send``."""
        trace = record.trace_id if _TRACE_ID.fullmatch(record.trace_id) else ""
        parent = f"00-{trace}-{'1' * 16}-01" if trace else ""
        traced = hd.next_traceparent(parent).encode()
        await self._put(*self._sender.prepare(record, trace=traced))

    async def dead_letter(
        self,
        topic: Topic[Any],
        raw: bytes,
        *,
        reason: str,
        message: str,
        headers: dict[str, str],
        about: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """See ``Publisher.dead_letter``."""
        now = datetime.now(UTC)
        dead = failure_headers.dead_headers(
            headers,
            stage=self._stage,
            version=kfix.__version__,
            origin=failure_headers.Origin(topic.name, -1, -1, now.isoformat(timespec="seconds")),
            failure=failure_headers.Failure(
                errors.Undecodable.__name__, reason, failure_headers.capped(mask(message))
            ),
            attempt=0,
        )
        await self._put(topic.dlq, None, raw, hd.write(dead))
        if topics.is_told(topic):
            name = stable_id("dl", self._stage, topic.name, sha256(raw).hexdigest(), now)
            told = {field: mask(text) for field, text in about.items() if text}
            await self.send(
                failure_headers.letter_of(dead, event_id=name, at=now, size=len(raw), about=told)
            )

    async def _put(self, topic: str, key: bytes | None, value: bytes, wire: hd.Wire) -> None:
        if self._pending >= self._settings.door_pending:
            raise errors.Unavailable("too many records wait for the broker", reason="broker_away")
        self._pending += 1
        delivery = asyncio.ensure_future(self._deliver(topic, key, value, wire))
        delivery.add_done_callback(self._settled)
        try:
            # Shielded: a record in a batch cannot be taken back; it may still arrive, and its event id tells.
            async with asyncio.timeout(self._settings.door_timeout_s):
                await asyncio.shield(delivery)
        except TimeoutError:
            raise errors.TimedOut(
                f"the broker took longer than {self._settings.door_timeout_s:g} s",
                reason="broker_away",
            ) from None
        except errors.KFixError:
            raise
        except Exception as failure:  # aiokafka's tree has no single root for these
            raise errors.Unavailable(
                f"the broker did not take the record: {failure!r}", reason="broker_away"
            ) from failure

    async def _deliver(self, topic: str, key: bytes | None, value: bytes, wire: hd.Wire) -> None:
        await (await self._producer.send(topic, key, value, wire))

    def _settled(self, delivery: asyncio.Future[None]) -> None:
        self._pending -= 1
        if not delivery.cancelled():
            delivery.exception()  # seen: the caller was told, or has gone with a time-out


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """A listening HTTP server. ``url`` is where it is reached."""

    def __init__(self, app: Asgi, host: str, port: int) -> None:
        self._socket = _bound(host, port)
        address = self._socket.getsockname()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        self.url = f"http://{shown}:{address[1]}"
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_CLOSE_S,
            lifespan="auto",
        )
        self._server = _Server(config)
        self._serving: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Serves from now on. Raises errors.Unavailable when the application does not start."""
        self._serving = asyncio.create_task(self._serve())
        while not self._server.started:
            if self._serving.done():
                raise errors.Unavailable(f"the door at {self.url} did not open")
            await asyncio.sleep(0.005)

    async def _serve(self) -> None:
        # uvicorn asks for the end of the process when the application does not start; who opens the door decides that.
        with contextlib.suppress(SystemExit):
            await self._server.serve(sockets=[self._socket])

    async def close(self) -> None:
        """Finishes the requests under way and closes."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as failure:
        listener.close()
        raise errors.Unavailable(f"cannot listen on {host}:{port}: {failure}") from failure
    return listener


def health(ready: Callable[[], bool], trouble: Callable[[], str]) -> Asgi:
    """``/healthz``, ``/readyz`` and ``/metrics`` (Prometheus text).

    ``/healthz`` is 503 with the reason once a stage stands still, and does not answer when the loop hangs.
    ``/readyz`` shows the notes of the stages below its verdict. It is 200 while every stage has its assignment and polls it, and the broker tells its lag.
    """
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        status, kind, body = 404, "text/plain", b"not found\n"
        if scope["path"] == "/healthz":
            why = trouble()
            status, body = (503, f"{why}\n".encode()) if why else (200, b"ok\n")
        elif scope["path"] == "/readyz":
            status, body = (200, b"ready\n") if ready() else (503, b"not ready\n")
            body += notes.lines().encode()
        elif scope["path"] == "/metrics":
            status, kind, body = 200, CONTENT_TYPE_LATEST, generate_latest()
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app
