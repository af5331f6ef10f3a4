"""Settings to ports: where the console's composition is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from console.adapters.sql import SqlProjection
from console.ports import ConsolePorts
from console.settings import Console
from kfix.infra.settings import AppSettings, JudgementLinks, load
from kfix.infra.store.engine import open_store


@asynccontextmanager
async def open_ports() -> AsyncIterator[ConsolePorts]:
    """Opens the store, and brings the list to what an older version kept."""
    app = load(AppSettings)
    engine = await asyncio.to_thread(open_store, app.database_url.get_secret_value())
    try:
        projection = SqlProjection(engine)
        await projection.catch_up()
        yield ConsolePorts(
            projection,
            load(Console),
            app.language,
            lambda: datetime.now(UTC),
            lambda: secrets.token_hex(8),
            load(JudgementLinks).keys(),
        )
    finally:
        engine.dispose()
