"""The book of second opinions on the relational store: a budget that outlives the process, answers by content."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select, text, update

from decide.core.question import ModelAnswer
from decide.ports import Allowance
from kfix.infra.store.decide_tables import opinions
from kfix.infra.store.transactions import transact

T = TypeVar("T")
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
#: Answers are kept so long: a cause that comes back later deserves a fresh look.
_KEPT = timedelta(days=30)


def _now() -> datetime:
    return datetime.now(UTC)


class SqlBook:
    """``decide.ports.OpinionBook``; each call is one transaction in a thread."""

    def __init__(
        self, engine: Engine, allowance: Allowance, clock: Callable[[], datetime] = _now
    ) -> None:
        self._engine = engine
        self._allowance = allowance
        self._clock = clock

    async def answer(self, key: str, model: str) -> ModelAnswer | None:
        """The newest kept answer of this model to this question; ``None`` without one, or when its shape is another version's. Raises errors.Unavailable when the store does not answer."""
        query = (
            select(opinions.c.answer)
            .where(
                opinions.c.question == key,
                opinions.c.model == model,
                opinions.c.answer.is_not(None),
                opinions.c.asked_at > self._clock() - _KEPT,
            )
            .order_by(opinions.c.asked_at.desc())
            .limit(1)
        )
        kept = await self._transact(lambda connection: connection.execute(query).scalar())
        try:
            return ModelAnswer.model_validate_json(kept) if kept else None
        except ValidationError:  # written by a version with another shape
            return None

    async def reserve(self, key: str, model: str, incident: str, tokens: int) -> str:
        """An id for the call, empty where the budget of the hour or the incident does not allow it. ``tokens``: the most that it may cost. Raises errors.Unavailable when the store does not answer."""

        def work(connection: Connection) -> str:
            if connection.dialect.name == "postgresql":
                # Who counts must see what others have reserved; SQLite's transaction holds the whole store.
                connection.execute(text("LOCK TABLE opinions IN SHARE ROW EXCLUSIVE MODE"))
            now = self._clock()
            connection.execute(delete(opinions).where(opinions.c.asked_at < now - _KEPT))
            if not self._allows(connection, incident, tokens, now):
                return ""
            call = uuid.uuid4().hex
            connection.execute(
                opinions.insert().values(
                    call_id=call,
                    question=key,
                    model=model[:128],
                    incident=incident,
                    asked_at=now,
                    tokens=tokens,
                )
            )
            return call

        return await self._transact(work)

    async def settle(self, call: str, tokens: int, answer: ModelAnswer | None) -> None:
        """What the call did cost, and its answer; ``None``: there was none. Raises errors.Unavailable when the store does not answer."""
        said = answer.model_dump_json() if answer is not None else None
        change = (
            update(opinions).where(opinions.c.call_id == call).values(tokens=tokens, answer=said)
        )
        await self._transact(lambda connection: connection.execute(change))

    def _allows(self, connection: Connection, incident: str, tokens: int, now: datetime) -> bool:
        most = self._allowance
        calls, spent = _sum(connection, opinions.c.asked_at > now - _HOUR)
        if calls >= most.calls_per_hour or spent + tokens > most.tokens_per_hour:
            return False
        mine = (opinions.c.asked_at > now - _DAY) & (opinions.c.incident == incident)
        calls, spent = _sum(connection, mine)
        return calls < most.calls_per_incident and spent + tokens <= most.tokens_per_incident

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        return await transact(self._engine, work, what="the book of second opinions")


def _sum(connection: Connection, which: ColumnElement[bool]) -> tuple[int, int]:
    query = select(func.count(), func.coalesce(func.sum(opinions.c.tokens), 0)).where(which)
    calls, tokens = connection.execute(query).one()
    return int(calls), int(tokens)
