"""Which alerts were gathered, on the relational store."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import DBAPIError

from enrich.core.repeats import Arrived, RepeatedDelivery, repeats
from kfix.infra.store.enrich_tables import gathered_alerts
from kfix.infra.store.transactions import aware, insert_missing, transact
from schemas import errors

_WHAT = "the book of alerts"
#: The row of an episode's recovery, beside one for each severity.
_RECOVERY = ""
#: The row of an episode's newest alert, repetitions included: a recovery that is older is not the end.
_NEWEST = "newest"


class SqlAlertBook:
    """``enrich.ports.AlertBook``. Repetitions, which are many, only read."""

    def __init__(self, engine: Engine, within: timedelta) -> None:
        self._engine = engine
        self._within = within

    async def repeats(self, alert: Arrived) -> bool:
        """A look without a lock, then one transaction for who is first. Raises errors.Unavailable."""
        try:
            known = await asyncio.to_thread(self._look, alert)
        except DBAPIError as failure:
            raise errors.Unavailable(f"{_WHAT}: {failure.orig}") from failure
        if repeats(alert, known, self._within):
            await self._remember(alert, known)
            return True
        return await transact(
            self._engine, lambda connection: self._enter(connection, alert), what=_WHAT
        )

    async def _remember(self, alert: Arrived, known: RepeatedDelivery | None) -> None:
        """Keeps a repetition's time where it is newer than what is known, which the many of a storm are not."""
        if known is None or alert.at > max(known.at, known.newest_at or known.at):
            await transact(
                self._engine,
                lambda connection: _later(connection, alert, _NEWEST),
                what=_WHAT,
            )

    async def recovered(self, alert: Arrived) -> bool:
        """Keeps the recovery's time; ``False`` when a newer alert was kept. Raises errors.Unavailable."""

        def work(connection: Connection) -> bool:
            _later(connection, alert, _RECOVERY)
            newest = connection.execute(
                _row(select(gathered_alerts.c.at), alert, _NEWEST)
            ).scalar_one_or_none()
            return newest is None or aware(newest) <= alert.at

        return await transact(self._engine, work, what=_WHAT)

    def _look(self, alert: Arrived) -> RepeatedDelivery | None:
        with self._engine.connect() as connection:
            return self._known(connection, alert)

    def _known(self, connection: Connection, alert: Arrived) -> RepeatedDelivery | None:
        found = {
            row.severity: row
            for row in connection.execute(
                select(gathered_alerts).where(
                    gathered_alerts.c.cycle == alert.cycle,
                    gathered_alerts.c.severity.in_((alert.severity, _RECOVERY, _NEWEST)),
                )
            )
        }
        mine, over, newest = (found.get(key) for key in (alert.severity, _RECOVERY, _NEWEST))
        if mine is None:
            return None
        return RepeatedDelivery(
            mine.delivery_id,
            aware(mine.at),
            aware(over.at) if over else None,
            aware(newest.at) if newest else None,
        )

    def _enter(self, connection: Connection, alert: Arrived) -> bool:
        """Makes the alert the one that stands for its episode, unless another one was first."""
        if _insert(connection, alert, alert.severity):
            return False
        connection.execute(_row(select(gathered_alerts), alert, alert.severity).with_for_update())
        known = self._known(connection, alert)
        if repeats(alert, known, self._within):
            _later(connection, alert, _NEWEST)
            return True
        if known is not None and alert.at >= known.at:
            values = {"delivery_id": alert.delivery_id, "at": alert.at}
            connection.execute(_row(update(gathered_alerts), alert, alert.severity).values(values))
        return False


def _later(connection: Connection, alert: Arrived, severity: str) -> None:
    """Keeps the alert's time in that row unless a later one is there."""
    if _insert(connection, alert, severity):
        return
    later = _row(update(gathered_alerts), alert, severity).where(gathered_alerts.c.at < alert.at)
    connection.execute(later.values(delivery_id=alert.delivery_id, at=alert.at))


def _row(statement: Any, alert: Arrived, severity: str) -> Any:
    return statement.where(
        gathered_alerts.c.cycle == alert.cycle, gathered_alerts.c.severity == severity
    )


def _insert(connection: Connection, alert: Arrived, severity: str) -> bool:
    row = {
        "cycle": alert.cycle,
        "severity": severity,
        "delivery_id": alert.delivery_id,
        "at": alert.at,
    }
    return insert_missing(connection, gathered_alerts, row)
