"""R16: tricks to make K-Fix call somewhere else end without a connection outside the allowlist."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from kfix.infra.clients.aiohttp import open_session
from kfix.infra.clients.egress import BaseUrl, Egress
from kfix.infra.clients.http import Bounds, open_http
from kfix.infra.clients.retries import Retries
from schemas import errors

BOUNDS = Bounds(timeout_s=1.0, total_s=2.0, max_bytes=10_000, retries=Retries(3, 0.001, 0.01))
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Served:
    """A server on loopback that counts connections and answers what it is told."""

    port: int = 0
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[Served]:
    served = Served(answers=list(answers))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        try:
            served.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(served.answers.pop(0) if served.answers else OK)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    async with server:
        yield served


def tricks(target: int) -> list[str]:
    """Addresses that someone might get into K-Fix; ``target`` is the port of a server that must not be called."""
    return [
        f"http://127.0.0.1:{target}/",
        f"http://localhost:{target}/",
        f"http://127.1:{target}/",
        f"http://2130706433:{target}/",
        f"http://0x7f000001:{target}/",
        f"http://0x7f.0.0.1:{target}/",
        f"http://0177.0.0.1:{target}/",
        f"http://017700000001:{target}/",
        f"http://0:{target}/",
        f"http://0.0.0.0:{target}/",
        f"http://[::1]:{target}/",
        f"http://[::ffff:127.0.0.1]:{target}/",
        f"http://[::ffff:7f00:1]:{target}/",
        f"http://[0:0:0:0:0:ffff:127.0.0.1]:{target}/",
        f"http://127.0.0.1.:{target}/",
        f"http://①②⑦.0.0.1:{target}/",
        f"http://127。0。0。1:{target}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://metadata.google.internal/",
        f"http://api.example.com@127.0.0.1:{target}/",
        f"http://127.0.0.1:{target}#@api.example.com/",
        f"http://127.0.0.1:{target}\\@api.example.com/",
        f"http://api.example.com\t@127.0.0.1:{target}/",
        f"//127.0.0.1:{target}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "ftp://127.0.0.1/",
        "unix:///var/run/docker.sock",
        "https://127.0.0.1/",
        f"http://127.0.0.1:{target}/\r\nHost: api.example.com",
        f"http://%31%32%37.0.0.1:{target}/",
    ]


def test_there_are_about_thirty_tricks() -> None:
    assert len(tricks(1)) >= 30


async def test_no_trick_reaches_a_server_that_is_not_configured() -> None:
    async with serving() as allowed, serving() as forbidden:
        async with open_http(allowed.base, bounds=BOUNDS) as http:
            for url in tricks(forbidden.port):
                with pytest.raises(errors.Rejected) as caught:
                    await http._once("GET", url, ())
                assert caught.value.reason == "egress_refused", url
        assert forbidden.connections == 0
        assert allowed.connections == 0


async def test_no_trick_gets_through_an_aiohttp_session() -> None:
    async with serving() as allowed, serving() as forbidden:
        async with open_session((allowed.base,), BOUNDS) as session:
            for url in tricks(forbidden.port):
                with pytest.raises((errors.Rejected, ValueError, aiohttp.ClientError)):
                    await session.get(url)
            async with session.get(allowed.base + "/x") as answer:
                assert answer.status == 200
        assert forbidden.connections == 0
        assert allowed.connections == 1


PATHS = [
    "/../admin",
    "/%2e%2e/admin",
    "/%252e%252e/admin",
    "/x/..%2fadmin",
    "/..;/admin",
    "/x\\..\\admin",
    "@127.0.0.1/",
    ".evil.example/",
    "/x\r\nHost: evil",
]


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_does_not_leave_the_base_url(path: str) -> None:
    async with serving() as allowed:
        async with open_http(allowed.base, bounds=BOUNDS) as http:
            with pytest.raises(errors.Rejected):
                await http.request("GET", path)
        assert allowed.connections == 0


async def _with_httpx(base: str) -> None:
    async with open_http(base, bounds=BOUNDS) as http:
        await http.request("GET", "/x")


async def _with_aiohttp(base: str) -> None:
    async with open_session((base,), BOUNDS) as session:
        await session.get(base + "/x")


@pytest.mark.parametrize("client", ["httpx", "aiohttp"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(client: str, status: int) -> None:
    async with serving() as forbidden:
        moved = f"HTTP/1.1 {status} Moved\r\nlocation: http://127.0.0.1:{forbidden.port}/\r\ncontent-length: 0\r\n\r\n"
        async with serving(moved.encode()) as allowed:
            call = _with_httpx if client == "httpx" else _with_aiohttp
            with pytest.raises(errors.Rejected):
                await call(allowed.base)
        assert forbidden.connections == 0


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as allowed, serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with open_http(allowed.base, bounds=BOUNDS) as http:
            await http.request("GET", "/x")
        assert (allowed.connections, proxy.connections) == (1, 0)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "0.0.0.0",
        "::ffff:169.254.169.254",
        "224.0.0.1",
    ],
)
async def test_a_name_that_resolves_to_a_forbidden_address_is_not_connected_to(
    address: str,
) -> None:
    class Rebound(asyncio.SelectorEventLoop):
        async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
            assert host == "api.example.com"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async def call() -> None:
        async with open_http("http://api.example.com", bounds=BOUNDS) as http:
            await http.request("GET", "/x")

    def run() -> None:
        with asyncio.Runner(loop_factory=Rebound) as runner:
            runner.run(call())

    with pytest.raises(errors.Rejected) as caught:
        await asyncio.to_thread(run)
    assert caught.value.reason == "egress_refused"


def test_a_configured_name_may_be_in_a_private_network() -> None:
    Egress.to(("https://gitlab.corp.example",)).check_address("gitlab.corp.example", "10.0.0.7")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "http://",
        "http://u:p@h/",
        "http://h/?a=1",
        "http://h/#f",
        "http://2130706433/",
        "http://h h/",
    ],
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any message will do
        BaseUrl.parse(url)


def answer(status: int, *headers: str, body: bytes = b"{}") -> bytes:
    head = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


CASES: list[tuple[int, type[errors.KFixError], int]] = [
    (400, errors.Rejected, 1),
    (401, errors.Unauthorized, 1),
    (403, errors.Unauthorized, 1),
    (404, errors.NotFound, 1),
    (409, errors.Moved, 3),
    (422, errors.Rejected, 1),
    (429, errors.RateLimited, 3),
    (500, errors.Unavailable, 3),
    (504, errors.TimedOut, 3),
]


@pytest.mark.parametrize(("status", "failure", "calls"), CASES)
async def test_an_answer_becomes_its_failure(
    status: int, failure: type[errors.KFixError], calls: int
) -> None:
    async with serving(*[answer(status)] * 9) as served:
        async with open_http(served.base, bounds=BOUNDS) as http:
            with pytest.raises(failure):
                await http.request("GET", "/x")
        assert served.connections == calls


async def test_what_may_not_be_repeated_is_sent_once() -> None:
    async with serving(*[answer(503)] * 3) as served:
        async with open_http(served.base, bounds=BOUNDS) as http:
            with pytest.raises(errors.Unavailable):
                await http.request("POST", "/x", json={})
        assert served.connections == 1


async def test_a_longer_wait_than_ours_goes_up_at_once_with_the_wish() -> None:
    async with serving(*[answer(429, "retry-after: 60")] * 3) as served:
        async with open_http(served.base, bounds=BOUNDS) as http:
            with pytest.raises(errors.RateLimited) as caught:
                await http.request("GET", "/x")
        assert caught.value.retry_after_s == 60
        assert served.connections == 1


async def test_a_service_that_recovers_is_asked_again() -> None:
    async with (
        serving(answer(500), answer(200, body=b'{"a":1}')) as served,
        open_http(served.base, bounds=BOUNDS) as http,
    ):
        assert (await http.request("GET", "/x")).json() == {"a": 1}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(200, body=b"x" * 20_000), "too_large"),
        (answer(200, "content-encoding: gzip"), "compressed"),
    ],
)
async def test_an_answer_that_memory_cannot_hold_is_refused(reply: bytes, reason: str) -> None:
    async with serving(reply) as served, open_http(served.base, bounds=BOUNDS) as http:
        with pytest.raises(errors.Rejected) as caught:
            await http.request("GET", "/x")
        assert caught.value.reason == reason


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    async with serving() as served:
        base = served.base
    async with open_http(base, bounds=BOUNDS) as http:
        with pytest.raises(errors.Unavailable):
            await http.request("GET", "/x")


async def test_a_service_that_says_nothing_times_out() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client gives up
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bounds = Bounds(timeout_s=0.1, total_s=0.3, retries=Retries(1))
    async with server, open_http(f"http://127.0.0.1:{port}", bounds=bounds) as http:
        with pytest.raises(errors.TimedOut):
            await http.request("GET", "/x")
        await asyncio.sleep(0.05)
