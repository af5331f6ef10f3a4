"""The part of publish's ledger that goes by the clock: how alerts stand, and which projects are due to be read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, func, or_, select, update

from kfix.infra.store.publish_tables import alert_standings, merge_requests, rereads
from kfix.infra.store.transactions import insert_missing, transact
from publish.core.spoken import AlertStanding
from publish.ports import Reread

T = TypeVar("T")
#: Seconds before the last position that are read again: a forge's rows of one second may not become visible in their order,
#: and its replicas lag behind.
_OVERLAP = timedelta(seconds=300)
#: Projects that one look takes.
_AT_ONCE = 20


class SqlClock:
    """See ``ports.Ledger``. Times only ever grow, so that words may come in any order."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def alert(self, incident_id: str, at: datetime, *, over: bool) -> AlertStanding:
        """See ``ports.Ledger``."""
        column = alert_standings.c.recovered_at if over else alert_standings.c.alerted_at
        ours = alert_standings.c.incident_id == incident_id

        def work(connection: Connection) -> AlertStanding:
            insert_missing(connection, alert_standings, {"incident_id": incident_id, "marked": ""})
            # One statement: of two that come at once the later time stays.
            older = or_(column.is_(None), column < at)
            connection.execute(update(alert_standings).where(ours, older).values({column.name: at}))
            row = connection.execute(select(alert_standings).where(ours)).one()
            return AlertStanding(_utc(row.alerted_at), _utc(row.recovered_at), row.marked)

        return await self._transact(work)

    async def marked(self, incident_id: str, mark: str) -> None:
        """See ``ports.Ledger``."""
        ours = alert_standings.c.incident_id == incident_id
        await self._transact(
            lambda connection: connection.execute(
                update(alert_standings).where(ours).values(marked=mark)
            )
        )

    async def due_rereads(
        self, now: datetime, *, read_before: datetime, ended_after: datetime, lease_until: datetime
    ) -> Sequence[Reread]:
        """See ``ports.Ledger``."""
        known = merge_requests.c
        living = or_(known.state == "opened", known.closed_at > ended_after)
        oldest = select(known.project, func.min(known.opened_at)).where(living)

        def work(connection: Connection) -> list[Reread]:
            taken: list[Reread] = []
            for project, since in connection.execute(oldest.group_by(known.project)).all():
                if len(taken) == _AT_ONCE:
                    break
                insert_missing(connection, rereads, {"project": project, "began_at": now})
                row = self._take(connection, project, now, read_before, lease_until)
                if row is not None:
                    start = (_utc(row.position) or _utc(since) or now) - _OVERLAP
                    taken.append(Reread(project, start, _utc(row.began_at) or now))
            return taken

        return await self._transact(work)

    def _take(
        self,
        connection: Connection,
        project: str,
        now: datetime,
        read_before: datetime,
        lease_until: datetime,
    ) -> Row[Any] | None:
        table = rereads.c
        due = or_(table.read_at.is_(None), table.read_at <= read_before)
        free = or_(table.leased_until.is_(None), table.leased_until <= now)
        row = connection.execute(
            select(rereads)
            .where(table.project == project, due, free)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if row is not None:
            ours = update(rereads).where(table.project == project)
            connection.execute(ours.values(leased_until=lease_until))
        return row

    async def reread(
        self, project: str, *, position: datetime | None, read_at: datetime | None
    ) -> None:
        """See ``ports.Ledger``. A position never goes back."""
        table = rereads.c
        ours = update(rereads).where(table.project == project)

        def work(connection: Connection) -> None:
            connection.execute(ours.values(read_at=read_at, leased_until=None))
            if position is not None:
                older = or_(table.position.is_(None), table.position < position)
                connection.execute(ours.where(older).values(position=position))

        await self._transact(work)

    async def put_off(self, project: str, until: datetime) -> None:
        """See ``ports.Ledger``."""
        ours = update(rereads).where(rereads.c.project == project)
        await self._transact(lambda connection: connection.execute(ours.values(leased_until=until)))

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        return await transact(self._engine, work, what="publish's ledger")


def _utc(at: datetime | None) -> datetime | None:
    """SQLite forgets the zone; all times in the store are UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
