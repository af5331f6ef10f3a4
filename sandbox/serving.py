"""Runs ASGI applications, on loopback unless told otherwise, in this event loop or in a thread, and answers JSON.

``serve`` is for asynchronous callers; ``serve_in_thread`` for callers that block (python-gitlab, requests).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping

import orjson
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from schemas.base import Json

HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """A server that leaves the process's signals alone: its owner stops it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class CannotStart(RuntimeError):
    """The port is taken or the application refuses to start."""


def _bind(port: int, host: str = HOST) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise CannotStart(f"port {port}: {error}") from error
    return sock


def _server(app: ASGIApp) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=30,
            server_header=False,
        )
    )


@contextlib.asynccontextmanager
async def serve(
    app: ASGIApp, port: int = 0, *, host: str = HOST, shown: str = HOST
) -> AsyncIterator[str]:
    """Yields the base URL (no trailing slash) while the application is served. Raises CannotStart.

    ``host`` is the address to listen on, ``shown`` the name under which others reach it.
    """
    sock = _bind(port, host)
    server = _server(app)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        while not server.started:
            if task.done():
                raise CannotStart(f"port {sock.getsockname()[1]}") from task.exception()
            await asyncio.sleep(0.005)
        yield f"http://{shown}:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        sock.close()


@contextlib.asynccontextmanager
async def serve_all(
    apps: Mapping[str, tuple[ASGIApp, int]], *, host: str = HOST, shown: str = HOST
) -> AsyncIterator[dict[str, str]]:
    """Serves several applications, each with its port or 0; yields base URLs by name. Raises CannotStart.

    They stop together, as one alone takes a tenth of a second to notice.
    """
    contexts = {
        name: serve(app, port, host=host, shown=shown) for name, (app, port) in apps.items()
    }
    urls: dict[str, str] = {}
    try:
        for name, context in contexts.items():
            urls[name] = await context.__aenter__()
        yield urls
    finally:
        started = [contexts[name] for name in urls]
        await asyncio.gather(*(context.__aexit__(None, None, None) for context in started))


@contextlib.contextmanager
def serve_in_thread(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """As ``serve``, with the server in a thread of its own. Raises CannotStart."""
    sock = _bind(port)
    server = _server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise CannotStart(f"port {sock.getsockname()[1]}")
            time.sleep(0.005)
        yield f"http://{HOST}:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        sock.close()


def reply(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(
        orjson.dumps(body), status, headers=dict(headers or {}), media_type="application/json"
    )


class BadBody(ValueError):
    """The request's body is not the JSON object that was asked for."""


async def json_body(request: Request) -> dict[str, Json]:
    """The request's JSON object; an empty body is an empty object. Raises BadBody."""
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadBody(str(error)) from error
    if not isinstance(body, dict):
        raise BadBody("the body is no JSON object")
    return body
