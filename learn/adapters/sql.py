"""Learn's ledger on SQL (SQLite and PostgreSQL). Each call is one transaction in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, Row, and_, exists, null, or_, select, update

from kfix.infra.store.learn_tables import (
    followed_merge_requests as followed_table,
)
from kfix.infra.store.learn_tables import (
    heard_alerts,
    incident_feedback,
    incident_outcomes,
    post_deploy_checks,
)
from kfix.infra.store.transactions import aware, insert_missing, transact
from learn.core.alerts import HeardAlert, rule_key
from learn.core.watch import Watch
from learn.ports import DueLook, Followed, State, Told
from schemas.feedback import Feedback
from schemas.identity import attempt_of
from schemas.merge_requests import MergeRequestRef, Proposal
from schemas.outcomes import Outcome

T = TypeVar("T")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
#: At the same instant the later of these words counts: webhooks may tell whole seconds.
_RANK = {"closed": 0, "open": 1, "merged": 2}
_WATCHES: TypeAdapter[Watch] = TypeAdapter(Watch)
#: Word to the column that keeps when it came back.
_TOLD = {"live": "live_told_at", "late": "late_told_at", "over": "done_at"}


class SqlLearnLedger:
    """``learn.ports.Ledger`` on the relational store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def opened(self, followed: Followed) -> Followed:
        """One transaction: the proposal joins what the forge said before. Raises errors.Unavailable when the store does not answer."""

        def work(connection: Connection) -> Followed:
            row = _locked(connection, followed.incident_id)
            values: dict[str, Any] = {
                "fingerprint": followed.fingerprint,
                "trace_id": followed.trace_id,
                # A later alert on the same merge request does not make it younger.
                "opened_at": row.opened_at or followed.changed_at,
                "proposal": _dumped(followed.proposal),
                "merge_request": _dumped(followed.merge_request),
                "rule_key": _rule_key(followed),
            }
            connection.execute(_update(followed.incident_id).values(**values))
            return _followed(_locked(connection, followed.incident_id))

        return await self._transact(work)

    async def moved(
        self, incident_id: str, state: State, at: datetime, ref: MergeRequestRef | None
    ) -> Followed:
        """One transaction under the incident's lock. Raises errors.Unavailable when the store does not answer."""

        def work(connection: Connection) -> Followed:
            row = _locked(connection, incident_id)
            # The opening is no word of the forge: whatever it says comes after that, by whichever clock.
            newer = (at, _RANK[state]) > (aware(row.changed_at), _RANK[row.state])
            if (newer or state == "merged") and row.state != "merged":
                values: dict[str, Any] = {"state": state, "changed_at": at}
                if row.merge_request is None and ref is not None:
                    values["merge_request"] = _dumped(ref)
                connection.execute(_update(incident_id).values(**values))
            return _followed(_locked(connection, incident_id))

        return await self._transact(work)

    async def find(self, incident_id: str) -> Followed | None:
        """One row. Raises errors.Unavailable when the store does not answer."""

        def work(connection: Connection) -> Followed | None:
            row = connection.execute(
                select(followed_table).where(followed_table.c.incident_id == incident_id)
            ).one_or_none()
            return _followed(row) if row is not None else None

        return await self._transact(work)

    async def schedule(self, incident_id: str, *, merged_at: datetime) -> None:
        """Inserted once; what is there stays. Raises errors.Unavailable when the store does not answer."""
        values = {
            "incident_id": incident_id,
            "merged_at": merged_at,
            "due_at": merged_at,
            "tries": 0,
        }
        await self._transact(
            lambda connection: insert_missing(connection, post_deploy_checks, values)
        )

    async def claim(self, now: datetime, *, lease_until: datetime, limit: int) -> list[DueLook]:
        """Takes looks by a lease until ``lease_until``, at most ``limit``. Raises errors.Unavailable when the store does not answer."""
        checks = post_deploy_checks.c

        def work(connection: Connection) -> list[DueLook]:
            free = or_(checks.leased_until.is_(None), checks.leased_until < now)
            due = connection.execute(
                select(post_deploy_checks)
                .where(checks.done_at.is_(None), checks.due_at <= now, free)
                .order_by(checks.due_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            ).all()
            claimed = []
            for row in due:
                connection.execute(
                    update(post_deploy_checks)
                    .where(checks.incident_id == row.incident_id)
                    .values(leased_until=lease_until, tries=row.tries + 1)
                )
                claimed.append(_due(_locked(connection, row.incident_id), row))
            return claimed

        return await self._transact(work)

    async def looked(self, due: DueLook, watch: Watch, *, next_at: datetime) -> None:
        """Keeps the look where it is still the newest, and ends its lease. Raises errors.Unavailable when the store does not answer."""
        values = {
            "watch": _WATCHES.dump_python(watch, mode="json"),
            "due_at": next_at,
            "leased_until": None,
        }
        await self._transact(lambda connection: connection.execute(_own_look(due).values(**values)))

    async def decided(self, due: DueLook, outcome: Outcome) -> Outcome | None:
        """Kept once, under the lease. Raises errors.Unavailable when the store does not answer."""
        checks = post_deploy_checks.c
        incident_id = due.followed.incident_id
        query = select(checks.verdict, checks.done_at).where(checks.incident_id == incident_id)

        def work(connection: Connection) -> Outcome | None:
            row = connection.execute(query.with_for_update()).one()
            if row.done_at is not None:
                return None
            if row.verdict is not None:
                return Outcome.model_validate(row.verdict)
            connection.execute(
                update(post_deploy_checks)
                .where(checks.incident_id == incident_id)
                .values(verdict=outcome.model_dump(mode="json"))
            )
            return outcome

        return await self._transact(work)

    async def told(self, incident_id: str, word: Told, at: datetime) -> None:
        """The first time is kept. Raises errors.Unavailable when the store does not answer."""
        column = post_deploy_checks.c[_TOLD[word]]
        await self._transact(
            lambda connection: connection.execute(
                update(post_deploy_checks)
                .where(post_deploy_checks.c.incident_id == incident_id, column.is_(None))
                .values({column: at})
            )
        )

    async def heard(self, alert: HeardAlert) -> None:
        """Inserted once for an event. Raises errors.Unavailable when the store does not answer."""
        values = {
            "event_id": alert.event_id,
            "incident_id": attempt_of(alert.incident_id).incident_id,
            "fingerprint": alert.fingerprint,
            "rule_key": alert.rule_key,
            "word": alert.word,
            "alerted_at": alert.at,
        }
        await self._transact(lambda connection: insert_missing(connection, heard_alerts, values))

    async def alerts_like(
        self, followed: Followed, since: datetime, until: datetime
    ) -> list[HeardAlert]:
        """By time, both ends included. Raises errors.Unavailable when the store does not answer."""
        alerts = heard_alerts.c
        root = attempt_of(followed.incident_id).incident_id
        like = [alerts.incident_id == root]
        if followed.fingerprint:
            like.append(alerts.fingerprint == followed.fingerprint)
        if key := _rule_key(followed):
            like.append(alerts.rule_key == key)
        query = (
            select(heard_alerts)
            .where(or_(*like), alerts.alerted_at >= since, alerts.alerted_at <= until)
            .order_by(alerts.alerted_at, alerts.event_id)
        )
        rows = await self._transact(lambda connection: connection.execute(query).all())
        return [
            HeardAlert(
                row.event_id,
                row.incident_id,
                row.fingerprint,
                row.rule_key,
                row.word,
                aware(row.alerted_at),
            )
            for row in rows
        ]

    async def merged_for(self, alert: HeardAlert) -> list[Followed]:
        """Those with an outcome. Raises errors.Unavailable when the store does not answer."""
        table = followed_table.c
        root = attempt_of(alert.incident_id).incident_id
        like = [table.incident_id == root, table.incident_id.like(f"{root}-try%")]
        if alert.fingerprint:
            like.append(table.fingerprint == alert.fingerprint)
        if alert.rule_key:
            like.append(table.rule_key == alert.rule_key)
        ended = exists().where(
            and_(
                incident_outcomes.c.incident_id == table.incident_id,
                incident_outcomes.c.result == "success",
            )
        )
        query = select(followed_table).where(table.state == "merged", or_(*like), ended)
        rows = await self._transact(lambda connection: connection.execute(query).all())
        return [_followed(row) for row in rows]

    async def stale(
        self, before: datetime, *, now: datetime, asked_before: datetime, limit: int
    ) -> list[Followed]:
        """Takes at most ``limit``, and keeps that they were given at ``now``. Raises errors.Unavailable when the store does not answer."""
        table = followed_table.c
        ended = exists().where(incident_outcomes.c.incident_id == table.incident_id)
        due = or_(table.asked_at.is_(None), table.asked_at <= asked_before)
        query = (
            select(followed_table)
            .where(table.state == "open", table.opened_at < before, due, ~ended)
            .order_by(table.opened_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )

        def work(connection: Connection) -> list[Followed]:
            found = [_followed(row) for row in connection.execute(query).all()]
            names = [followed.incident_id for followed in found]
            connection.execute(
                update(followed_table).where(table.incident_id.in_(names)).values(asked_at=now)
            )
            return found

        return await self._transact(work)

    async def keep(self, outcome: Outcome) -> None:
        """One transaction; a measured outcome ends its watch. Raises errors.Unavailable when the store does not answer."""
        plan = outcome.plan
        key = {"incident_id": outcome.incident_id, "plan_id": plan.plan_id if plan else ""}
        values = {
            "result": outcome.result,
            "failure_class": outcome.failure_class,
            "fix_kind": plan.fix_kind if plan else "",
            "workload_kind": plan.workload_kind if plan else "",
            "object_key": outcome.object.key,
            "occurred_at": outcome.occurred_at,
            "outcome": outcome.model_dump(mode="json"),
        }

        def work(connection: Connection) -> None:
            known = incident_outcomes.c
            insert_missing(connection, incident_outcomes, {**key, **values})
            connection.execute(
                update(incident_outcomes)
                .where(
                    known.incident_id == key["incident_id"],
                    known.plan_id == key["plan_id"],
                    known.occurred_at <= outcome.occurred_at,
                )
                .values(**values)
            )
            # A rejection ends no watch: what was closed can be reopened and merged. Nor does a change that is late.
            if outcome.checked_at is not None:
                connection.execute(
                    update(post_deploy_checks)
                    .where(post_deploy_checks.c.incident_id == outcome.incident_id)
                    .values(done_at=outcome.checked_at, verdict=null())
                )

        await self._transact(work)

    async def outcome_of(self, incident_id: str) -> Outcome | None:
        """The newest by its time. Raises errors.Unavailable when the store does not answer."""
        query = (
            select(incident_outcomes.c.outcome)
            .where(incident_outcomes.c.incident_id == incident_id)
            .order_by(incident_outcomes.c.occurred_at.desc())
            .limit(1)
        )
        found = await self._transact(lambda connection: connection.execute(query).scalar())
        return Outcome.model_validate(found) if found is not None else None

    async def add_feedback(
        self, event_id: str, incident_id: str, feedback: Feedback, at: datetime
    ) -> None:
        """Inserted once for an event. Raises errors.Unavailable when the store does not answer."""
        values = {"event_id": event_id, "incident_id": incident_id, "occurred_at": at}
        await self._transact(
            lambda connection: insert_missing(
                connection, incident_feedback, {**values, **feedback.model_dump(exclude={"at"})}
            )
        )

    async def feedback_of(self, incident_id: str) -> Sequence[Feedback]:
        """By time. Raises errors.Unavailable when the store does not answer."""
        table = incident_feedback.c
        query = (
            select(incident_feedback)
            .where(table.incident_id == incident_id)
            .order_by(table.occurred_at, table.event_id)
        )
        rows = await self._transact(lambda connection: connection.execute(query).mappings().all())
        return [Feedback.model_validate({**row, "at": row["occurred_at"]}) for row in rows]

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        return await transact(self._engine, work, what="learn's ledger")


def _locked(connection: Connection, incident_id: str) -> Row[Any]:
    """The incident's row, made when missing and held until the transaction ends."""
    made = {"incident_id": incident_id, "state": "open", "changed_at": _BEGINNING}
    query = select(followed_table).where(followed_table.c.incident_id == incident_id)
    while True:
        insert_missing(connection, followed_table, made)
        # One that was there may be swept between the two statements, once: then it is made anew.
        if (row := connection.execute(query.with_for_update()).one_or_none()) is not None:
            return row


def _own_look(due: DueLook) -> Any:
    """Nothing of a look that took longer than its lease is kept, when another was begun since."""
    checks = post_deploy_checks.c
    return update(post_deploy_checks).where(
        checks.incident_id == due.followed.incident_id, checks.tries == due.tries
    )


def _due(followed: Row[Any], row: Row[Any]) -> DueLook:
    watch = _WATCHES.validate_python(row.watch) if row.watch else Watch(aware(row.merged_at))
    return DueLook(
        followed=_followed(followed),
        watch=watch,
        tries=row.tries + 1,
        told_live=row.live_told_at is not None,
        told_late=row.late_told_at is not None,
        verdict=Outcome.model_validate(row.verdict) if row.verdict else None,
    )


def _rule_key(followed: Followed) -> str:
    return rule_key(followed.proposal.context) if followed.proposal is not None else ""


def _update(incident_id: str) -> Any:
    return update(followed_table).where(followed_table.c.incident_id == incident_id)


def _dumped(model: Proposal | MergeRequestRef | None) -> Any:
    return model.model_dump(mode="json") if model is not None else None


def _followed(row: Row[Any]) -> Followed:
    return Followed(
        incident_id=row.incident_id,
        fingerprint=row.fingerprint,
        trace_id=row.trace_id,
        state=cast(State, row.state),
        changed_at=aware(row.changed_at),
        merge_request=MergeRequestRef.model_validate(row.merge_request)
        if row.merge_request
        else None,
        proposal=Proposal.model_validate(row.proposal) if row.proposal else None,
    )
