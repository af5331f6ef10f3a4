"""Qdrant's official client against the sandbox's Qdrant, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kfix.infra.memory.index import VectorIndex
from kfix.infra.memory.qdrant import QdrantIndex
from sandbox import qdrant
from sandbox.faults import Fault, Faults
from sandbox.serving import serve
from tests.support.loopback import nobody


@asynccontextmanager
async def _served(
    *, key: str = "", fault: Fault | None = None, timeout_s: float = 5
) -> AsyncIterator[VectorIndex]:
    state, faults = qdrant.Qdrant(), Faults()
    if fault is not None:
        faults.switch_on(fault)
    async with serve(qdrant.create_app(state, faults)) as url:
        made = QdrantIndex(
            url=url, api_key=key or state.api_key, prefix="kfix", timeout_s=timeout_s
        )
        yield made
        await made.close()


def opened(request: pytest.FixtureRequest, folder: Path) -> object:
    return _served()


def silent(request: pytest.FixtureRequest, folder: Path) -> object:
    return _served(fault=Fault("qdrant", "slow", seconds=2), timeout_s=0.5)


def strangers(request: pytest.FixtureRequest, folder: Path) -> object:
    return _served(key="wrong")


@asynccontextmanager
async def away(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[VectorIndex]:
    made = QdrantIndex(url=nobody(), api_key="k", prefix="kfix", timeout_s=0.5)
    yield made
    await made.close()
