"""Alerts that were gathered for, on the relational store, for when their fix does not hold."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, select

from enrich.core.retrying import KeptAlert
from kfix.infra.store.enrich_tables import kept_alerts, retries
from kfix.infra.store.transactions import aware, insert_missing, transact
from schemas.alerts import Alert

_WHAT = "the archive of alerts"


class SqlAlertArchive:
    """``enrich.ports.AlertArchive``. An alert older than ``keep`` is dropped when another one comes."""

    def __init__(self, engine: Engine, keep: timedelta) -> None:
        self._engine = engine
        self._keep = keep

    async def keep(self, kept: KeptAlert, at: datetime) -> None:
        """One transaction; again is fine. Raises errors.Unavailable."""

        def work(connection: Connection) -> None:
            row = {
                "delivery_id": kept.delivery_id,
                "cycle": kept.cycle,
                "trouble": kept.trouble,
                "alerted_at": kept.alerted_at,
                "alert": kept.alert.model_dump(mode="json"),
                "kept_at": at,
            }
            insert_missing(connection, kept_alerts, row)
            connection.execute(delete(kept_alerts).where(kept_alerts.c.kept_at < at - self._keep))

        await transact(self._engine, work, what=_WHAT)

    async def find(self, delivery_id: str) -> KeptAlert | None:
        """The alert. Raises errors.Unavailable."""
        query = select(kept_alerts).where(kept_alerts.c.delivery_id == delivery_id)
        row = await transact(
            self._engine, lambda connection: connection.execute(query).one_or_none(), what=_WHAT
        )
        if row is None:
            return None
        return KeptAlert(
            row.delivery_id,
            row.cycle,
            row.trouble,
            aware(row.alerted_at),
            Alert.model_validate(row.alert),
        )

    async def begin_retry(self, incident_id: str, outcome_id: str, at: datetime) -> bool:
        """The first word of a failure counts, however often it is told. Raises errors.Unavailable."""

        def work(connection: Connection) -> bool:
            row = {"incident_id": incident_id, "outcome_id": outcome_id, "at": at}
            insert_missing(connection, retries, row)
            mine = select(retries.c.outcome_id).where(retries.c.incident_id == incident_id)
            return bool(connection.execute(mine).scalar_one() == outcome_id)

        return await transact(self._engine, work, what=_WHAT)
