"""Which alerts were gathered, on the relational store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

from enrich.core.repeats import Arrived, Gathered, repeats
from kfix.store.enrich_tables import gathered_alerts
from kfix.store.transactions import transact
from schemas import errors

_WHAT = "the book of alerts"
#: The row of an episode's recovery, beside one for each severity.
_RECOVERY = ""


class SqlAlertBook:
    """``enrich.ports.AlertBook``. Repetitions, which are many, only read."""

    def __init__(self, engine: Engine, within: timedelta) -> None:
        self._engine = engine
        self._within = within

    async def repeats(self, alert: Arrived) -> bool:
        try:
            known = await asyncio.to_thread(self._look, alert)
        except DBAPIError as failure:
            raise errors.Unavailable(f"{_WHAT}: {failure.orig}") from failure
        if repeats(alert, known, self._within):
            return True
        return await transact(
            self._engine, lambda connection: self._enter(connection, alert), what=_WHAT
        )

    async def recovered(self, alert: Arrived) -> None:
        await transact(
            self._engine, lambda connection: self._recover(connection, alert), what=_WHAT
        )

    def _look(self, alert: Arrived) -> Gathered | None:
        with self._engine.connect() as connection:
            return self._known(connection, alert)

    def _known(self, connection: Connection, alert: Arrived) -> Gathered | None:
        found = {
            row.severity: row
            for row in connection.execute(
                select(gathered_alerts).where(
                    gathered_alerts.c.cycle == alert.cycle,
                    gathered_alerts.c.severity.in_((alert.severity, _RECOVERY)),
                )
            )
        }
        mine, over = found.get(alert.severity), found.get(_RECOVERY)
        if mine is None:
            return None
        return Gathered(mine.delivery_id, _aware(mine.at), _aware(over.at) if over else None)

    def _enter(self, connection: Connection, alert: Arrived) -> bool:
        """Makes the alert the one that stands for its episode, unless another one was first."""
        if _insert(connection, alert, alert.severity):
            return False
        connection.execute(_row(select(gathered_alerts), alert, alert.severity).with_for_update())
        known = self._known(connection, alert)
        if repeats(alert, known, self._within):
            return True
        if known is not None and alert.at >= known.at:
            values = {"delivery_id": alert.delivery_id, "at": alert.at}
            connection.execute(_row(update(gathered_alerts), alert, alert.severity).values(values))
        return False

    def _recover(self, connection: Connection, alert: Arrived) -> None:
        if _insert(connection, alert, _RECOVERY):
            return
        later = _row(update(gathered_alerts), alert, _RECOVERY).where(
            gathered_alerts.c.at < alert.at
        )
        connection.execute(later.values(delivery_id=alert.delivery_id, at=alert.at))


def _row(statement: Any, alert: Arrived, severity: str) -> Any:
    return statement.where(
        gathered_alerts.c.cycle == alert.cycle, gathered_alerts.c.severity == severity
    )


def _insert(connection: Connection, alert: Arrived, severity: str) -> bool:
    insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
    row = {
        "cycle": alert.cycle,
        "severity": severity,
        "delivery_id": alert.delivery_id,
        "at": alert.at,
    }
    made = connection.execute(insert(gathered_alerts).values(**row).on_conflict_do_nothing())
    return made.rowcount == 1


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
