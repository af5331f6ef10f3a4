"""The ledger in the relational store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, exists, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from kfix.infra.store.publish_tables import (
    fix_outcomes,
    merge_request_words,
    merge_requests,
    notifications,
    proposals,
    reverts,
)
from kfix.infra.store.transactions import insert_missing, transact
from publish.adapters import claims
from publish.adapters.clock import SqlClock
from publish.core.claims import Claim
from publish.core.decision import TrackedMergeRequest
from publish.core.failed import Fate
from publish.core.history import Fix
from publish.core.notice import NoticeKind
from publish.core.spoken import Word, standing_of
from publish.ports import PublishedProposal
from schemas import errors
from schemas.identity import revert_of
from schemas.merge_requests import MergeRequestRef, Notification
from schemas.validated import ValidatedPlans

T = TypeVar("T")
#: Rows of a repository that caps and breaker look at.
_RECENT = 200
#: Fixes of one kind that its record is made of, the newest ones.
_MOST_FIXES = 5_000
#: What the id of a revert ends with.
_REVERT = revert_of("")


class SqlPublishLedger(SqlClock):
    """Rows with natural keys: keeping the same thing twice leaves one row."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of_incident(self, incident_id: str) -> TrackedMergeRequest | None:
        """See ``ports.Ledger``."""
        rows = await self._known(merge_requests.c.incident_id == incident_id)
        return rows[0] if rows else None

    async def of_fingerprint(self, fingerprint: str) -> Sequence[TrackedMergeRequest]:
        """See ``ports.Ledger``. Newest first."""
        return await self._known(merge_requests.c.fingerprint == fingerprint)

    async def of_project(self, project: str) -> Sequence[TrackedMergeRequest]:
        """See ``ports.Ledger``. Newest first."""
        return await self._known(merge_requests.c.project == project)

    async def _known(self, condition: Any) -> list[TrackedMergeRequest]:
        query = (
            select(merge_requests)
            .where(condition)
            .order_by(merge_requests.c.opened_at.desc())
            .limit(_RECENT)
        )
        return [_as_known(row) for row in await _in_thread(self._rows, query)]

    def _rows(self, query: Any) -> list[Mapping[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    async def opened(self, known: TrackedMergeRequest, ref: MergeRequestRef) -> None:
        """See ``ports.Ledger``. The first row stays: a retry does not make a merge request younger."""
        row = {
            "incident_id": known.incident_id,
            "fingerprint": known.fingerprint,
            "project": known.project,
            "iid": known.iid,
            "state": known.state,
            "opened_at": known.opened_at,
            "changes_hash": known.changes_hash,
            "url": ref.url,
            "branch": ref.branch,
            "target_branch": ref.target_branch,
            "title": ref.title,
            "sha": ref.sha,
        }
        await _in_thread(self._insert, merge_requests, row)

        # GitLab may have spoken first.
        def work(connection: Connection) -> None:
            _moved(connection, known.incident_id)

        await transact(self._engine, work, what="publish's ledger")

    def _insert(self, table: Table, row: Mapping[str, Any]) -> bool:
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(table).values(**row))
        except IntegrityError:
            return False
        return True

    async def heard(self, word: Word) -> TrackedMergeRequest | None:
        """See ``ports.Ledger``."""

        def work(connection: Connection) -> TrackedMergeRequest | None:
            row = {
                "event_id": word.event_id,
                "incident_id": word.incident_id,
                "action": word.action,
                "at": word.at,
                "told": word.told,
            }
            insert_missing(connection, merge_request_words, row)
            if word.told:
                known = merge_request_words.c.event_id == word.event_id
                connection.execute(update(merge_request_words).where(known).values(told=True))
            return _moved(connection, word.incident_id)

        return await transact(self._engine, work, what="publish's ledger")

    async def words_of(self, incident_ids: Sequence[str]) -> Sequence[Word]:
        """See ``ports.Ledger``."""
        query = select(merge_request_words).where(
            merge_request_words.c.incident_id.in_(incident_ids)
        )
        return [_as_word(row) for row in await _in_thread(self._rows, query)]

    async def noted(self, incident_id: str, at: datetime) -> None:
        """See ``ports.Ledger``."""
        await self._update(incident_id, {"noted_at": at})

    async def read_through(self, incident_id: str, changed_at: datetime) -> None:
        """See ``ports.Ledger``."""
        await self._update(incident_id, {"read_through": changed_at})

    async def snooze(self, incident_id: str, until: datetime | None) -> None:
        """See ``ports.Ledger``."""
        await self._update(incident_id, {"snoozed_until": until})

    async def claim(
        self,
        incident_id: str,
        targets: Sequence[str],
        changes_hash: str,
        *,
        at: datetime,
        stale_before: datetime,
    ) -> Claim | None:
        """See ``ports.Ledger``."""
        wish = claims.ClaimRequest(incident_id, tuple(targets), changes_hash, at, stale_before)
        return await transact(
            self._engine, lambda connection: claims.claim(connection, wish), what="publish's ledger"
        )

    async def release(self, incident_id: str) -> None:
        """See ``ports.Ledger``."""
        await transact(
            self._engine,
            lambda connection: claims.release(connection, incident_id),
            what="publish's ledger",
        )

    async def keep_proposal(self, incident_id: str, proposed: PublishedProposal) -> None:
        """See ``ports.Ledger``."""
        row = {
            "incident_id": incident_id,
            "plan_id": proposed.plan_id,
            "record": proposed.record.model_dump(mode="json", exclude={"world"}),
        }
        await _in_thread(self._insert, proposals, row)

    async def proposal_of(self, incident_id: str) -> PublishedProposal | None:
        """See ``ports.Ledger``."""
        query = select(proposals).where(proposals.c.incident_id == incident_id)
        rows = await _in_thread(self._rows, query)
        if not rows:
            return None
        return PublishedProposal(
            ValidatedPlans.model_validate(rows[0]["record"]), rows[0]["plan_id"]
        )

    async def switched(
        self, incident_id: str, changes_hash: str, ref: MergeRequestRef, proposed: PublishedProposal
    ) -> None:
        """See ``ports.Ledger``."""
        row = {"changes_hash": changes_hash, "sha": ref.sha, "title": ref.title}
        await _in_thread(self._switch, incident_id, row, proposed.plan_id)

    def _switch(self, incident_id: str, row: Mapping[str, Any], plan_id: str) -> None:
        ours = merge_requests.c.incident_id == incident_id
        with self._engine.begin() as connection:
            connection.execute(update(merge_requests).where(ours).values(**row))
            connection.execute(
                update(proposals)
                .where(proposals.c.incident_id == incident_id)
                .values(plan_id=plan_id)
            )

    async def _update(self, incident_id: str, values: Mapping[str, Any]) -> None:
        def run() -> None:
            with self._engine.begin() as connection:
                connection.execute(
                    update(merge_requests)
                    .where(merge_requests.c.incident_id == incident_id)
                    .values(**values)
                )

        await _in_thread(run)

    async def ref_of(self, incident_id: str) -> MergeRequestRef | None:
        """See ``ports.Ledger``."""
        query = select(merge_requests).where(merge_requests.c.incident_id == incident_id)
        rows = await _in_thread(self._rows, query)
        return MergeRequestRef.model_validate(rows[0]) if rows else None

    async def fate_of(self, incident_id: str) -> Fate | None:
        """See ``ports.Ledger``."""
        query = select(reverts).where(reverts.c.incident_id == incident_id)
        rows = await _in_thread(self._rows, query)
        return Fate(rows[0]["why"], rows[0]["reason"]) if rows else None

    async def keep_fate(self, incident_id: str, fate: Fate, at: datetime) -> None:
        """See ``ports.Ledger``."""
        row = {"incident_id": incident_id, "why": fate.why, "reason": fate.reason, "at": at}
        await _in_thread(self._insert, reverts, row)

    async def told(self, incident_id: str, kind: NoticeKind) -> Sequence[Notification]:
        """See ``ports.Ledger``."""
        query = select(notifications).where(
            notifications.c.incident_id == incident_id, notifications.c.kind == kind
        )
        rows = await _in_thread(self._rows, query)
        return [Notification.model_validate(row) for row in rows]

    async def told_since(self, kind: NoticeKind, since: datetime) -> int:
        """See ``ports.Ledger``."""
        known = notifications.c
        query = select(func.count(known.incident_id.distinct()).label("many")).where(
            known.kind == kind, known.sent, known.at >= since
        )
        (row,) = await _in_thread(self._rows, query)
        return int(row["many"])

    async def keep_told(self, incident_id: str, kind: NoticeKind, message: Notification) -> None:
        """See ``ports.Ledger``. A message that was sent is never overwritten by one that was not."""
        key = {"incident_id": incident_id, "kind": kind, "channel": message.channel}
        values = {
            "sent": message.sent,
            "target": message.target,
            "message_id": message.message_id,
            "reason": message.reason,
            "at": datetime.now(UTC),
        }
        await _in_thread(self._keep, key, values)

    def _keep(self, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        if self._insert(notifications, {**key, **values}):
            return
        with self._engine.begin() as connection:
            connection.execute(
                update(notifications)
                .where(
                    *(notifications.c[name] == value for name, value in key.items()),
                    notifications.c.sent.is_(False),
                )
                .values(**values)
            )

    async def ended(self, incident_id: str, plan_id: str, fix: Fix) -> None:
        """See ``ports.Ledger``."""
        key = {"incident_id": incident_id, "plan_id": plan_id}
        values = {
            "failure_class": fix.failure_class,
            "workload_kind": fix.workload_kind,
            "fix_kind": fix.fix_kind,
            "result": fix.result,
            "occurred_at": fix.at,
        }
        await _in_thread(self._end, key, values)

    def _end(self, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        if self._insert(fix_outcomes, {**key, **values}):
            return
        known = fix_outcomes.c
        with self._engine.begin() as connection:
            connection.execute(
                update(fix_outcomes)
                .where(
                    *(known[name] == value for name, value in key.items()),
                    known.occurred_at <= values["occurred_at"],
                )
                .values(**values)
            )

    async def fixes_like(
        self, failure_class: str, workload_kind: str, fix_kind: str
    ) -> Sequence[Fix]:
        """See ``ports.Ledger``. Newest first."""
        known, said = fix_outcomes.c, merge_request_words.c
        reverted = exists().where(
            said.incident_id == known.incident_id + _REVERT, said.action == "merged"
        )
        query = (
            select(fix_outcomes, reverted.label("taken_back"))
            .where(
                known.failure_class == failure_class,
                known.workload_kind == workload_kind,
                known.fix_kind == fix_kind,
            )
            .order_by(known.occurred_at.desc())
            .limit(_MOST_FIXES)
        )
        rows = await _in_thread(self._rows, query)
        return [
            Fix(
                row["failure_class"],
                row["workload_kind"],
                row["fix_kind"],
                row["result"],
                _utc(row["occurred_at"]),
                bool(row["taken_back"]),
            )
            for row in rows
        ]


def _moved(connection: Connection, incident_id: str) -> TrackedMergeRequest | None:
    """Moves a merge request to where all words together say; as it is then."""
    ours = merge_requests.c.incident_id == incident_id
    row = connection.execute(select(merge_requests).where(ours).with_for_update()).one_or_none()
    if row is None:
        return None
    said = merge_request_words.c
    words = connection.execute(select(merge_request_words).where(said.incident_id == incident_id))
    standing = standing_of([_as_word(dict(word._mapping)) for word in words])
    if standing.since is not None:
        closed_at = None if standing.state == "opened" else standing.since
        values = {"state": standing.state, "closed_at": closed_at}
        connection.execute(update(merge_requests).where(ours).values(**values))
    return _as_known(dict(connection.execute(select(merge_requests).where(ours)).one()._mapping))


def _as_word(row: Mapping[str, Any]) -> Word:
    return Word(row["event_id"], row["incident_id"], row["action"], _utc(row["at"]), row["told"])


async def _in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Runs ``work`` in a thread. A database that does not answer is worth another try."""
    try:
        return await asyncio.to_thread(work, *arguments)
    except DBAPIError as failure:
        raise errors.Unavailable(f"publish's ledger: {failure.orig}") from failure


def _as_known(row: Mapping[str, Any]) -> TrackedMergeRequest:
    return TrackedMergeRequest(
        incident_id=row["incident_id"],
        fingerprint=row["fingerprint"],
        project=row["project"],
        iid=row["iid"],
        state=row["state"],
        opened_at=_utc(row["opened_at"]),
        changes_hash=row["changes_hash"],
        closed_at=_utc(row["closed_at"]) if row["closed_at"] else None,
        noted_at=_utc(row["noted_at"]) if row["noted_at"] else None,
        snoozed_until=_utc(row["snoozed_until"]) if row["snoozed_until"] else None,
        read_through=_utc(row["read_through"]) if row["read_through"] else None,
    )


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
