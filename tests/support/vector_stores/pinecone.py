"""Pinecone's official client against the sandbox's Pinecone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kfix.infra.memory.index import VectorIndex
from kfix.infra.memory.pinecone import PineconeIndex
from sandbox import pinecone
from sandbox.serving import serve


@asynccontextmanager
async def opened(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[VectorIndex]:
    state = pinecone.Pinecone(dimension=3)
    async with serve(pinecone.create_app(state)) as url:
        made = PineconeIndex(api_key=state.api_key, host=url, timeout_s=5)
        yield made
        await made.close()
