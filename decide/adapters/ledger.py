"""The incident ledger on SQL (SQLite and PostgreSQL). Each call is one transaction in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, Row, Table, or_, select, update

from decide.ports import Membership, Recovered, Role
from kfix.infra.store.decide_tables import (
    alert_cycles,
    deliveries,
    failed_attempts,
    fingerprints,
    incidents,
)
from kfix.infra.store.transactions import aware, insert_missing, transact
from schemas.context import FailedAttempt
from schemas.identity import attempt_of, next_attempt, stable_id

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Windows:
    """How long an incident takes in further alerts of its fingerprint."""

    #: After its recovery: a flapping alert stays one incident.
    reopen: timedelta = timedelta(minutes=30)
    #: After its last alert, when no plan was put forward.
    quiet: timedelta = timedelta(hours=6)
    #: After its last alert, when a plan was put forward but no outcome came.
    expiry: timedelta = timedelta(days=7)


def _aware(at: datetime | None) -> datetime | None:
    return aware(at) if at is not None else None


@dataclass(frozen=True, slots=True)
class _Alert:
    """What ``join`` is told."""

    fingerprint: str
    cycle: str
    delivery_id: str
    at: datetime
    trouble: str


class SqlIncidentLedger:
    """``decide.ports.IncidentLedger`` on the relational store."""

    def __init__(self, engine: Engine, windows: Windows | None = None) -> None:
        self._engine = engine
        self._windows = windows or Windows()

    async def join(
        self, *, fingerprint: str, cycle: str, delivery_id: str, at: datetime, trouble: str = ""
    ) -> Membership:
        """One transaction; a delivery that was joined before has the same answer. Raises errors.Unavailable when the store does not answer."""
        alert = _Alert(fingerprint, cycle, delivery_id, at, trouble)
        return await self._transact(lambda connection: self._join(connection, alert))

    async def retry(
        self, failed: FailedAttempt, *, cycle: str, delivery_id: str, at: datetime
    ) -> Membership:
        """One transaction; the same delivery has the same answer. Raises errors.Unavailable when the store does not answer."""
        return await self._transact(
            lambda connection: self._retry(connection, failed, cycle, delivery_id, at)
        )

    async def recover(self, *, cycle: str, at: datetime) -> Recovered | None:
        """One transaction. Raises errors.Unavailable when the store does not answer."""
        return await self._transact(lambda connection: self._recover(connection, cycle, at))

    async def propose(self, incident_id: str) -> None:
        """Marks the incident; again is fine. Raises errors.Unavailable when the store does not answer."""
        await self._transact(
            lambda connection: connection.execute(
                update(incidents)
                .where(incidents.c.incident_id == incident_id)
                .values(proposed=True)
            )
        )

    async def close(self, incident_id: str, *, at: datetime) -> None:
        """Ends the incident; one that has ended stays so. Raises errors.Unavailable when the store does not answer."""
        await self._transact(
            lambda connection: connection.execute(
                update(incidents)
                .where(incidents.c.incident_id == incident_id, incidents.c.closed_at.is_(None))
                .values(closed_at=at)
            )
        )

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        return await transact(self._engine, work, what="the incident ledger")

    def _join(self, connection: Connection, alert: _Alert) -> Membership:
        # Locks, always in this order: the cycle's row, the cause's, the trouble's, the incident's.
        episode = self._locked(connection, alert_cycles, cycle=alert.cycle)
        known = connection.execute(
            select(deliveries.c.incident_id, deliveries.c.role).where(
                deliveries.c.delivery_id == alert.delivery_id
            )
        ).one_or_none()
        if known is not None:
            return self._membership(connection, known.incident_id, known.role)
        recovered_at = _aware(episode.recovered_at)
        too_late = recovered_at is not None and recovered_at >= alert.at
        incident_id, role = self._find_or_open(connection, alert, episode.incident_id)
        self._touch(connection, incident_id, alert.cycle, alert.at, recovered=too_late)
        if too_late:
            role = "after_recovery"
        insert_missing(
            connection,
            deliveries,
            {"delivery_id": alert.delivery_id, "incident_id": incident_id, "role": role},
        )
        return self._membership(connection, incident_id, role)

    def _retry(
        self,
        connection: Connection,
        failed: FailedAttempt,
        cycle: str,
        delivery_id: str,
        at: datetime,
    ) -> Membership:
        self._locked(connection, alert_cycles, cycle=cycle)
        known = connection.execute(
            select(deliveries).where(deliveries.c.delivery_id == delivery_id)
        ).one_or_none()
        if known is not None:
            return self._membership(connection, known.incident_id, known.role)
        before, opened = failed.incident_id, next_attempt(failed.incident_id)
        kept = {"attempt": failed.model_dump(mode="json"), "root": attempt_of(before).incident_id}
        insert_missing(connection, failed_attempts, {"incident_id": before, **kept})
        fingerprint = self._fingerprint(connection, before) or failed.fingerprint
        newest = self._locked(connection, fingerprints, fingerprint=fingerprint)
        if newest.incident_id is None:
            self._points_to(connection, fingerprint, before)
        attempts = self._attempts(connection, before)
        later = [one for one in attempts if attempt_of(one).number >= attempt_of(opened).number]
        # A failure that is told after the next attempt began adds to what that one knows.
        incident_id, role = (later[-1], "repeat") if later else (opened, "first")
        insert_missing(
            connection,
            incidents,
            {
                "incident_id": incident_id,
                "fingerprint": fingerprint,
                "opened_at": at,
                "last_alert_at": at,
                "proposed": False,
            },
        )
        self._hand_over(connection, [before, *attempts], incident_id, cycle, at)
        insert_missing(
            connection,
            deliveries,
            {"delivery_id": delivery_id, "incident_id": incident_id, "role": role},
        )
        return self._membership(connection, incident_id, role)

    def _attempts(self, connection: Connection, incident_id: str) -> list[str]:
        """The attempts at an incident that are known, the first one first."""
        root = attempt_of(incident_id).incident_id
        name = incidents.c.incident_id
        mine = or_(name == root, name.startswith(f"{root}-try", autoescape=True))
        found = connection.execute(select(name).where(mine)).scalars()
        return sorted(found, key=lambda one: attempt_of(one).number)

    def _hand_over(
        self,
        connection: Connection,
        attempts: Sequence[str],
        incident_id: str,
        cycle: str,
        at: datetime,
    ) -> None:
        """Alerts and recoveries of the attempts before are the new one's; those are over."""
        before = [one for one in attempts if one != incident_id]
        for table in (alert_cycles, fingerprints):
            mine = table.c.incident_id.in_(before)
            connection.execute(update(table).where(mine).values(incident_id=incident_id))
        episode = (alert_cycles.c.cycle == cycle, alert_cycles.c.incident_id.is_(None))
        connection.execute(update(alert_cycles).where(*episode).values(incident_id=incident_id))
        connection.execute(
            update(incidents)
            .where(incidents.c.incident_id.in_(before), incidents.c.closed_at.is_(None))
            .values(closed_at=at)
        )

    def _membership(self, connection: Connection, incident_id: str, role: str) -> Membership:
        """With the fixes of the incident that failed, whichever attempt it is."""
        mine = failed_attempts.c.root == attempt_of(incident_id).incident_id
        rows = connection.execute(select(failed_attempts.c.attempt).where(mine)).scalars()
        failed = sorted(
            (FailedAttempt.model_validate(row) for row in rows),
            key=lambda one: attempt_of(one.incident_id).number,
        )
        fingerprint = self._fingerprint(connection, incident_id)
        return Membership(incident_id, fingerprint, cast(Role, role), tuple(failed))

    def _find_or_open(
        self, connection: Connection, alert: _Alert, begun: str | None
    ) -> tuple[str, Role]:
        """The incident and the alert's role in it; ``begun`` is the one that its cycle began."""
        newest = self._locked(connection, fingerprints, fingerprint=alert.fingerprint)
        own = self._open_incident(connection, begun, alert.at)
        same = self._open_incident(connection, newest.incident_id, alert.at)
        unnamed = self._of_trouble(connection, alert)
        # One trouble has one merge request: an incident with a plan for it goes before the one its cycle began.
        found = same if same and self._proposed(connection, same) else own or same or unnamed
        incident_id = found or self._open(
            connection, alert.fingerprint, alert.delivery_id, alert.at
        )
        if found and same is None:
            # An incident that began as another trouble is this one's from now on.
            self._points_to(connection, alert.fingerprint, incident_id)
        if alert.trouble not in ("", alert.fingerprint) and unnamed is None:
            self._begin_at(connection, alert, incident_id)
        return incident_id, "repeat" if found else "first"

    def _of_trouble(self, connection: Connection, alert: _Alert) -> str | None:
        """The open incident that began at the alert's monitor and group without a cause."""
        if alert.trouble in ("", alert.fingerprint):
            return None
        row = self._locked(connection, fingerprints, fingerprint=alert.trouble)
        found = self._open_incident(connection, row.incident_id, alert.at)
        began = found is not None and self._fingerprint(connection, found) == alert.trouble
        return found if began else None

    def _begin_at(self, connection: Connection, alert: _Alert, incident_id: str) -> None:
        """Alerts of this monitor and group that name no cause are this incident's, unless they have an open one."""
        row = self._locked(connection, fingerprints, fingerprint=alert.trouble)
        if self._open_incident(connection, row.incident_id, alert.at) is None:
            self._points_to(connection, alert.trouble, incident_id)

    def _locked(self, connection: Connection, table: Table, **key: str) -> Row[Any]:
        """The row of ``key``, made when missing and held until the transaction ends."""
        ((name, value),) = key.items()
        while True:
            insert_missing(connection, table, key)
            query = select(table).where(table.c[name] == value).with_for_update()
            # One that was there may be swept between the two statements, once: then it is made anew.
            if (row := connection.execute(query).one_or_none()) is not None:
                return row

    def _open_incident(
        self, connection: Connection, incident_id: str | None, at: datetime
    ) -> str | None:
        """``incident_id`` when that incident still takes alerts that happened ``at``."""
        if incident_id is None:
            return None
        row = connection.execute(
            select(incidents).where(incidents.c.incident_id == incident_id)
        ).one_or_none()
        if row is None or row.closed_at is not None:
            return None
        last = cast(datetime, _aware(row.last_alert_at))
        recovered_at = _aware(row.recovered_at)
        if row.proposed:
            alive = at - last < self._windows.expiry
        elif recovered_at is not None:
            alive = at - recovered_at < self._windows.reopen
        else:
            alive = at - last < self._windows.quiet
        return incident_id if alive else None

    def _open(
        self, connection: Connection, fingerprint: str, delivery_id: str, at: datetime
    ) -> str:
        day = at.astimezone(UTC).strftime("%Y%m%d")
        incident_id = stable_id(f"inc-{day}", fingerprint, delivery_id, digits=8)
        insert_missing(
            connection,
            incidents,
            {
                "incident_id": incident_id,
                "fingerprint": fingerprint,
                "opened_at": at,
                "last_alert_at": at,
                "proposed": False,
            },
        )
        self._points_to(connection, fingerprint, incident_id)
        return incident_id

    def _points_to(self, connection: Connection, fingerprint: str, incident_id: str) -> None:
        connection.execute(
            update(fingerprints)
            .where(fingerprints.c.fingerprint == fingerprint)
            .values(incident_id=incident_id)
        )

    def _proposed(self, connection: Connection, incident_id: str) -> bool:
        query = select(incidents.c.proposed).where(incidents.c.incident_id == incident_id)
        return bool(connection.execute(query).scalar_one())

    def _touch(
        self, connection: Connection, incident_id: str, cycle: str, at: datetime, *, recovered: bool
    ) -> None:
        episode = alert_cycles.c.cycle == cycle
        older = or_(alert_cycles.c.alerted_at.is_(None), alert_cycles.c.alerted_at < at)
        connection.execute(update(alert_cycles).where(episode).values(incident_id=incident_id))
        # An older alert that comes late does not make the newest one older: its recovery would pass for the end.
        connection.execute(update(alert_cycles).where(episode, older).values(alerted_at=at))
        values: dict[str, Any] = {"last_alert_at": at}
        values["recovered_at"] = at if recovered else None
        connection.execute(
            update(incidents)
            .where(incidents.c.incident_id == incident_id, incidents.c.last_alert_at <= at)
            .values(**values)
        )

    def _recover(self, connection: Connection, cycle: str, at: datetime) -> Recovered | None:
        episode = self._locked(connection, alert_cycles, cycle=cycle)
        alerted_at, recovered_at = _aware(episode.alerted_at), _aware(episode.recovered_at)
        if alerted_at is not None and alerted_at > at:
            return None  # an older recovery, overtaken by a newer alert
        if recovered_at is None or recovered_at < at:
            connection.execute(
                update(alert_cycles).where(alert_cycles.c.cycle == cycle).values(recovered_at=at)
            )
        if episode.incident_id is None:
            return None
        # Its row is held: of two cycles that end at once, the second sees that the first has.
        connection.execute(
            select(incidents.c.incident_id)
            .where(incidents.c.incident_id == episode.incident_id)
            .with_for_update()
        )
        over_at = at
        others = connection.execute(
            select(alert_cycles).where(alert_cycles.c.incident_id == episode.incident_id)
        ).all()
        for other in others:
            alerted, ended = _aware(other.alerted_at), _aware(other.recovered_at)
            if other.cycle != cycle and (
                ended is None or (alerted is not None and ended < alerted)
            ):
                return None
            over_at = max(over_at, ended or over_at)
        connection.execute(
            update(incidents)
            .where(incidents.c.incident_id == episode.incident_id)
            .values(recovered_at=over_at)
        )
        mine = self._fingerprint(connection, episode.incident_id)
        return Recovered(episode.incident_id, mine, over_at)

    def _fingerprint(self, connection: Connection, incident_id: str) -> str:
        query = select(incidents.c.fingerprint).where(incidents.c.incident_id == incident_id)
        return cast(str, connection.execute(query).scalar_one_or_none() or "")
