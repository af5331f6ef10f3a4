"""R16 for the clients of language models: the same tricks on the third library, also through an official client."""

from __future__ import annotations

import asyncio
import gzip
import socket
from typing import Any

import httpx2
import pytest

from kfix.infra.clients import anthropic, mistral, openai
from kfix.infra.clients.httpx2 import MAX_BYTES, open_client, within
from schemas import errors
from tests.unit.kfix.infra.clients.test_clients_egress import PATHS, answer, serving, tricks

#: The policy's own refusal, or the library's of an address that it cannot read.
REFUSED = (errors.Rejected, httpx2.InvalidURL)
CLIENTS = {
    "mistral": (mistral, lambda c: c.models.list_async()),
    "anthropic": (anthropic, lambda c: c.models.list()),
    "openai": (openai, lambda c: c.models.list()),
}


async def _typed(name: str, call: Any) -> Any:
    return await CLIENTS[name][0].typed(call, 5.0)


async def test_no_trick_reaches_a_server_that_is_not_configured() -> None:
    async with serving() as allowed, serving() as forbidden:
        async with open_client(allowed.base, 1.0) as client:
            for url in tricks(forbidden.port):
                with pytest.raises(REFUSED):
                    await client.get(url)
            assert (await client.get(allowed.base + "/x")).status_code == 200
        assert forbidden.connections == 0
        assert allowed.connections == 1


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_does_not_leave_the_base_url(path: str) -> None:
    async with serving() as allowed:
        async with open_client(allowed.base, 1.0) as client:
            with pytest.raises(REFUSED):
                await client.get(allowed.base + path)
        assert allowed.connections == 0


@pytest.mark.parametrize("name", CLIENTS)
async def test_an_official_client_uses_no_proxy_and_follows_no_redirect(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, ask = CLIENTS[name]
    async with serving() as elsewhere:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{elsewhere.port}")
        moved = answer(307, f"location: http://127.0.0.1:{elsewhere.port}/")
        async with serving(*[moved] * 5) as allowed:
            client = module.connect(api_key="k", url=allowed.base, timeout_s=2.0)  # type: ignore[attr-defined]
            with pytest.raises(errors.Rejected):
                await _typed(name, ask(client))
            await (mistral.close(client) if name == "mistral" else client.close())
        assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0", "224.0.0.1"]
)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_name_that_resolves_to_a_forbidden_address_is_not_connected_to(
    name: str, address: str
) -> None:
    class Rebound(asyncio.SelectorEventLoop):
        async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
            assert host == "api.example.com"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async def call() -> None:
        module, ask = CLIENTS[name]
        client = module.connect(api_key="k", url="http://api.example.com", timeout_s=2.0)  # type: ignore[attr-defined]
        try:
            await _typed(name, ask(client))
        finally:
            await (mistral.close(client) if name == "mistral" else client.close())

    with (
        pytest.raises(errors.Rejected) as caught,
        asyncio.Runner(loop_factory=Rebound) as runner,
    ):
        runner.run(call())
    assert caught.value.reason == "egress_refused"


async def test_a_name_without_an_address_is_unavailable() -> None:
    async with open_client("http://nowhere.invalid", 1.0) as client:
        with pytest.raises(errors.Unavailable):
            await within(client.get("http://nowhere.invalid/x"), 2.0, "it")


async def test_compressed_and_endless_answers_are_refused() -> None:
    bomb = answer(200, "content-encoding: gzip", body=gzip.compress(b"0" * 10_000))
    long = f"HTTP/1.1 200 OK\r\ncontent-length: {MAX_BYTES + 1}\r\n\r\n".encode()
    async with (
        serving(bomb, long + b"0" * (MAX_BYTES + 1)) as served,
        open_client(served.base, 5.0) as client,
    ):
        for reason in ("compressed", "too_large"):
            with pytest.raises(errors.Rejected) as caught:
                await client.get(served.base + "/x")
            assert caught.value.reason == reason
