"""Deletes rows that are older than their table's rule says, a batch a transaction, by one process at a time."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, func, or_, select, tuple_, update

from kfix.infra.settings import Retention
from kfix.infra.store.housekeeping_tables import retention_sweeps
from kfix.infra.store.retention import RULES, RetentionRule
from kfix.infra.store.transactions import insert_missing, transact

_WHAT = "the sweep of old rows"
_NAME = "store"


@dataclass(frozen=True, slots=True)
class Swept:
    """One table, so far: rows deleted by this sweep, and whether old ones may be left for the next."""

    table: str
    rows: int
    more: bool = False


def _no_word(_: Swept) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Sweeps the store by ``retention``. ``holder`` names this process in the lease."""

    engine: Engine
    retention: Retention
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rules: tuple[RetentionRule, ...] = RULES
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)

    async def due(self) -> dict[str, int]:
        """Rows that a sweep would delete, by table. Raises errors.Unavailable."""
        now = self.now()

        def count(connection: Connection) -> dict[str, int]:
            return {
                rule.table.name: connection.scalar(
                    select(func.count())
                    .select_from(rule.table)
                    .where(rule.due(rule.before(self.retention, now)))
                )
                or 0
                for rule in self.rules
            }

        return await transact(self.engine, count, what=_WHAT)

    async def sweep(self, tell: Callable[[Swept], None] = _no_word) -> tuple[Swept, ...] | None:
        """Deletes old rows of every table, at most ``sweep_at_most`` of each; ``None`` while another process does.

        ``tell`` hears of each batch. Raises errors.Unavailable; what was deleted stays so, and the next sweep goes on.
        """
        now = self.now()
        done = []
        for rule in self.rules:
            rows, more = 0, True
            while more and rows < self.retention.sweep_at_most:
                if not await self._lease():
                    return None
                gone = await self._batch(rule, rule.before(self.retention, now))
                rows += gone
                more = gone == self.retention.sweep_batch
                tell(Swept(rule.table.name, rows, more))
            done.append(Swept(rule.table.name, rows, more))
        await self._end()
        return tuple(done)

    async def _batch(self, rule: RetentionRule, before: datetime) -> int:
        old = old_rows(rule, before, self.retention.sweep_batch)
        keys = tuple_(*rule.table.primary_key.columns)

        def work(connection: Connection) -> int:
            return connection.execute(delete(rule.table).where(keys.in_(old))).rowcount

        return await transact(self.engine, work, what=_WHAT)

    async def _lease(self) -> bool:
        """Takes the lease or holds it longer; ``False`` while it is another's."""
        row, now = retention_sweeps.c, self.now()
        free = or_(row.leased_until.is_(None), row.leased_until <= now, row.holder == self.holder)
        until = now + timedelta(seconds=self.retention.sweep_lease_s)

        def work(connection: Connection) -> bool:
            insert_missing(connection, retention_sweeps, {"name": _NAME})
            taken = connection.execute(
                update(retention_sweeps)
                .where(row.name == _NAME, free)
                .values(holder=self.holder, leased_until=until)
            )
            return taken.rowcount == 1

        return await transact(self.engine, work, what=_WHAT)

    async def _end(self) -> None:
        row = retention_sweeps.c
        ours = update(retention_sweeps).where(row.name == _NAME, row.holder == self.holder)
        ended = ours.values(holder="", leased_until=None, ended_at=self.now())
        await transact(self.engine, lambda connection: connection.execute(ended), what=_WHAT)


def old_rows(rule: RetentionRule, before: datetime, limit: int) -> Select[Any]:
    """The keys of up to ``limit`` rows of the rule's table that are old."""
    keys = tuple(rule.table.primary_key.columns)
    chosen = select(*keys).where(rule.due(before)).limit(limit)
    # Of two that delete at once neither waits for the other; SQLite has no such lock and needs none.
    return chosen.with_for_update(skip_locked=True)
