"""Settings to ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from ingest.ports import IngestPorts
from ingest.settings import Ingest
from ingest.sources import open_sources
from kfix.infra.settings import load


@asynccontextmanager
async def open_ports() -> AsyncIterator[IngestPorts]:
    """The door's ports. It holds nothing open itself."""
    settings = load(Ingest)
    yield IngestPorts(settings, open_sources(settings), lambda: datetime.now(UTC))
