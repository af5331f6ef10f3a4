"""The store's old rows, on the relational store."""

from __future__ import annotations

import structlog
from sqlalchemy import Engine

from kfix.infra.settings import Retention
from kfix.infra.store.sweeping import Sweeper
from kfix.infra.telemetry.metrics import SWEPT_AT, SWEPT_ROWS

log = structlog.get_logger(__name__)


class SqlSweep:
    """``learn.ports.Sweep`` on ``kfix.infra.store.sweeping``."""

    def __init__(self, engine: Engine, retention: Retention) -> None:
        self._sweeper = Sweeper(engine, retention)

    async def sweep(self) -> None:
        """Counts what goes by table. Raises errors.Unavailable."""
        done = await self._sweeper.sweep()
        if done is None:
            log.info("retention.swept_elsewhere")
            return
        for swept in done:
            SWEPT_ROWS.labels(swept.table).inc(swept.rows)
        SWEPT_AT.set_to_current_time()
        rows = {swept.table: swept.rows for swept in done if swept.rows}
        left = [swept.table for swept in done if swept.more]
        log.info("retention.swept", rows=rows, left=left)
