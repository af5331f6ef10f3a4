"""Weaviate's official client against a real Weaviate: one server for all tests, collections of its own for each."""

from __future__ import annotations

import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kfix.infra.memory.index import VectorIndex
from kfix.infra.memory.weaviate import WeaviateIndex
from tests.support.loopback import nobody

MARKS = pytest.mark.weaviate
_NAMES = itertools.count(1)


@asynccontextmanager
async def _on(url: str, grpc_url: str, key: str, timeout_s: float) -> AsyncIterator[VectorIndex]:
    made = WeaviateIndex(
        url=url,
        grpc_url=grpc_url,
        api_key=key,
        prefix=f"tests{next(_NAMES)}",
        timeout_s=timeout_s,
    )
    yield made
    await made.close()


def opened(request: pytest.FixtureRequest, folder: Path) -> object:
    server = request.getfixturevalue("weaviate_server")
    return _on(server.url, server.grpc_url, server.api_key, 20)


def strangers(request: pytest.FixtureRequest, folder: Path) -> object:
    server = request.getfixturevalue("weaviate_server")
    return _on(server.url, server.grpc_url, "wrong", 20)


@asynccontextmanager
async def silent(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[VectorIndex]:
    """Ports that take connections and never say a word."""
    with (
        socket.create_server(("127.0.0.1", 0)) as http,
        socket.create_server(("127.0.0.1", 0)) as grpc,
    ):
        urls = [f"http://127.0.0.1:{server.getsockname()[1]}" for server in (http, grpc)]
        async with _on(*urls, "key", 0.5) as index:
            yield index


def away(request: pytest.FixtureRequest, folder: Path) -> object:
    return _on(nobody(), nobody(), "key", 0.5)
