"""Figures of trust in the console's store: one row for an attempt, put together from its records as they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, exists, func, select, true, update

from console.core.trust_facts import (
    Facts,
    attempt_named_by,
    facts_of,
    fix_of,
    model_use_of,
    together,
)
from kfix.engine import topics
from kfix.incident.trust.figures import (
    MOST_LISTED,
    Counted,
    Group,
    ModelPrice,
    ModelUse,
    Offender,
    Span,
    TrustFigures,
    figures_of,
)
from kfix.incident.trust.fixes import FALSE, MERGED, FixFacts
from kfix.infra.store.console_tables import incident_records, model_uses, trust_facts
from kfix.infra.store.transactions import aware, insert_missing
from schemas.base import Record
from schemas.identity import attempt_of

_R, _T, _M = incident_records.c, trust_facts.c, model_uses.c
#: Topics whose records tell of an attempt.
_TELLING = (
    topics.PLANS_CANDIDATE.name,
    topics.PLANS_VALIDATED.name,
    topics.MR_EVENTS.name,
    topics.OUTCOMES.name,
    topics.DEAD_LETTERS.name,
)
#: Columns that are ``FixFacts``' fields, in its order.
_FIELDS = tuple(FixFacts.__dataclass_fields__)


def keep(connection: Connection, record: Record) -> None:
    """Puts what the record tells into its attempt's row, in the transaction that has just kept the record."""
    attempt, told = attempt_named_by(record), facts_of(record)
    if not attempt or not told:
        return
    if not _has_row(connection, attempt):
        _make(connection, attempt_of(attempt).incident_id)
        return
    _count_use(connection, attempt, record)
    _add(connection, attempt, told)


def fill(connection: Connection, after: str, most: int) -> str | None:
    """Makes missing rows of up to ``most`` incidents whose id is above ``after``; the last id looked at, ``None``: no more."""
    query = (
        select(_R.incident_id)
        .where(_R.incident_id > after)
        .group_by(_R.incident_id)
        .order_by(_R.incident_id)
        .limit(most)
    )
    found = [row.incident_id for row in connection.execute(query)]
    for incident_id in found:
        if not _has_row(connection, incident_id):
            _make(connection, incident_id)
    return found[-1] if len(found) == most else None


def figures(
    connection: Connection,
    prices: Mapping[str, ModelPrice],
    *,
    since: datetime | None,
    until: datetime,
) -> TrustFigures:
    """The figures of attempts whose alert happened from ``since`` on, before ``until``; of all where ``since`` is ``None``."""
    # Without a condition all rows are read in their order, which is three times as fast as by the index.
    within = true() if since is None else (_T.began_at >= since) & (_T.began_at < until)
    incidents = select(func.count(_T.root_id.distinct())).where(within)
    counted = Counted(
        int(connection.execute(incidents).scalar_one()),
        _groups(connection, within),
        _spans(connection, within),
        _offenders(connection, within, _T.cluster, _T.object_key),
        _offenders(connection, within, None, _T.monitor),
        _came_back(connection, within),
    )
    uses = _uses(connection, since, until)
    return figures_of(counted, uses, prices, since=since, until=until)


def _groups(connection: Connection, within: ColumnElement[bool]) -> list[Group]:
    alike = (
        _T.failure_class,
        _T.status,
        _T.reason,
        _T.state,
        _T.came_back_at.is_not(None),
        _T.judgement == "bad",
        _T.wrong_cause,
    )
    query = select(*alike, func.count()).where(within).group_by(*alike)
    return [
        Group(name, status, reason, state, bool(back), bool(bad), bool(wrong), int(count))
        for name, status, reason, state, back, bad, wrong, count in connection.execute(query)
    ]


def _spans(connection: Connection, within: ColumnElement[bool]) -> list[Span]:
    seconds = (_T.to_merge_request_s, _T.to_merge_s, _T.to_recovery_s)
    query = select(_T.failure_class, *seconds).where(within, _T.state != "none")
    return [tuple(row) for row in connection.execute(query)]


def _offenders(
    connection: Connection,
    within: ColumnElement[bool],
    cluster: ColumnElement[str] | None,
    name: ColumnElement[str],
) -> tuple[Offender, ...]:
    """What has several incidents, the most first. Its title is one of its alerts'. ``cluster``: what tells equal names apart."""
    keys = (name,) if cluster is None else (name, cluster)
    incidents, false = func.count(_T.root_id.distinct()), _sum_of(FALSE)
    query = (
        select(func.max(_T.title), incidents, _sum_of(MERGED), false, *keys)
        .where(within, name != "")
        .group_by(*keys)
        .having(incidents > 1)
        .order_by(incidents.desc(), false.desc(), *keys)
        .limit(MOST_LISTED)
    )
    return tuple(
        Offender("" if cluster is None else row[5], row[4], row[0], row[1], row[2], row[3])
        for row in connection.execute(query)
    )


def _sum_of(states: Iterable[str]) -> ColumnElement[int]:
    return func.sum(case((_T.state.in_(sorted(states)), 1), else_=0))


def _came_back(connection: Connection, within: ColumnElement[bool]) -> tuple[FixFacts, ...]:
    query = (
        select(*(_T[name] for name in _FIELDS))
        .where(within, _T.came_back_at.is_not(None), _T.state.in_(sorted(MERGED)))
        .order_by(_T.came_back_at.desc(), _T.incident_id)
        .limit(MOST_LISTED)
    )
    return tuple(FixFacts(*map(_aware, row)) for row in connection.execute(query))


def _aware(value: Any) -> Any:
    """A column's value, a time with its zone."""
    return aware(value) if isinstance(value, datetime) else value


def _uses(connection: Connection, since: datetime | None, until: datetime) -> Sequence[ModelUse]:
    sums = (func.sum(_M.calls), func.sum(_M.input_tokens), func.sum(_M.output_tokens))
    query = select(_M.model, *sums).where(_M.asked_at < until).group_by(_M.model)
    if since is not None:
        query = query.where(_M.asked_at >= since)
    return [ModelUse(row[0], *map(int, row[1:])) for row in connection.execute(query)]


def _has_row(connection: Connection, attempt: str) -> bool:
    return bool(connection.execute(select(exists().where(_T.incident_id == attempt))).scalar())


def _make(connection: Connection, incident_id: str) -> None:
    """Makes the rows of all attempts at an incident from the records that are kept."""
    attempts: dict[str, Facts] = {}
    query = select(_R.topic, _R.payload).where(
        _R.incident_id == incident_id, _R.topic.in_(_TELLING)
    )
    for row in connection.execute(query).all():
        record = topics.BY_NAME[row.topic].model.model_validate_json(row.payload)
        attempt, told = attempt_named_by(record), facts_of(record)
        if told:
            attempts[attempt] = together(attempts.get(attempt, {}), told)
            _count_use(connection, attempt, record)
    # In one order, so that two that make rows of an incident at once wait for each other.
    for attempt in sorted(attempts):
        _add(connection, attempt, attempts[attempt])


def _add(connection: Connection, attempt: str, told: Facts) -> None:
    """Adds facts to a row, which is made where there is none, under its lock."""
    insert_missing(connection, trust_facts, _row(attempt, {}))
    mine = _T.incident_id == attempt
    known: Facts = connection.execute(select(_T.facts).where(mine).with_for_update()).scalar_one()
    values = _row(attempt, together(known, told))
    connection.execute(update(trust_facts).where(mine).values(**values))


def _count_use(connection: Connection, attempt: str, record: Record) -> None:
    use = model_use_of(record)
    if use is not None:
        row = {
            "event_id": record.event_id,
            "incident_id": attempt,
            "model": use.model[:200],
            "asked_at": record.occurred_at,
            "calls": use.calls,
            "input_tokens": use.input_tokens,
            "output_tokens": use.output_tokens,
        }
        insert_missing(connection, model_uses, row)


def _row(attempt: str, facts: Facts) -> dict[str, Any]:
    fix = fix_of(attempt, facts)
    values: dict[str, Any] = {name: getattr(fix, name) for name in _FIELDS}
    for name, column in trust_facts.columns.items():
        length = getattr(column.type, "length", None)
        if length is not None and name in values:
            values[name] = values[name][:length]
    counted = ("state", "to_merge_request_s", "to_merge_s", "to_recovery_s")
    return values | {name: getattr(fix, name) for name in counted} | {"facts": facts}
