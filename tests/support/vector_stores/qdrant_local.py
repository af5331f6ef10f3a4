"""Qdrant's official client on its own local mode, which is Qdrant's own second implementation, in the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kfix.infra.memory.index import VectorIndex
from kfix.infra.memory.qdrant import LOCAL, QdrantIndex


@asynccontextmanager
async def opened(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[VectorIndex]:
    made = QdrantIndex(url=LOCAL, api_key="", prefix="kfix", timeout_s=5)
    yield made
    await made.close()
