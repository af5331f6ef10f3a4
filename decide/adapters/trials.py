"""The book of proposed fixes and their ends on SQL (SQLite and PostgreSQL). Each call is one transaction in a thread."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import aliased

from decide.core.experience.calibrating import LEAST, counted
from decide.core.experience.trials import (
    MEASURED,
    EndedTrial,
    Experience,
    ExperienceAsked,
    FaredTrial,
    KnownTrial,
    LiftedVeto,
    Predictions,
    object_of,
    spec_of,
)
from decide.core.experience.vetoes import refusal
from decide.ports import Proposed
from kfix.infra.store.decide_tables import fix_lifts, fix_trials
from kfix.infra.store.transactions import aware, insert_missing, transact
from schemas.identity import stable_id

T = TypeVar("T")
#: The newest trials of a class that a decision looks at, and the newest outcomes that confidence is recalibrated by.
MOST_TRIALS, MOST_PREDICTIONS = 400, 1000
#: Results that tell of the fix: one that nobody decided on tells nothing.
TELLING = (*sorted(MEASURED), "rejected")


class SqlTrialBook:
    """``decide.ports.TrialBook`` on the relational store. ``waits``: how long a proposal may wait for its outcome."""

    def __init__(self, engine: Engine, waits: timedelta) -> None:
        self._engine = engine
        self._waits = waits

    async def experience(self, asked: ExperienceAsked) -> Experience:
        """See ``ports.TrialBook``. Predictions are told from ``calibrating.LEAST`` of them on."""

        def work(connection: Connection) -> Experience:
            found = connection.execute(_fared(asked.failure_class)).all()
            predictions = _predictions(connection)
            enough = sum(one.count for one in predictions) >= LEAST
            failed = fix_trials.c.result == "failure"
            return Experience(
                fared=tuple(_fared_trial(row) for row in found),
                known=_known(connection, asked.objects, failed),
                lifted=_lifted(connection, asked.objects),
                predictions=predictions if enough else (),
            )

        return await self._transact(work)

    async def admit(self, proposals: Sequence[Proposed], *, at: datetime) -> Mapping[str, str]:
        """See ``ports.TrialBook``. The objects are held until all is counted and noted."""

        def work(connection: Connection) -> dict[str, str]:
            objects = sorted({object_of(one.plan) for one in proposals})
            _hold(connection, objects)
            counts = or_(fix_trials.c.result == "failure", _waits())
            experience = Experience(
                known=_known(connection, objects, counts), lifted=_lifted(connection, objects)
            )
            there = _there(connection, {one.incident_id for one in proposals})
            refused = {}
            for one in proposals:
                why = refused_of(one, experience, at, self._waits)
                if why:
                    refused[one.plan.plan_id] = why
                else:
                    _propose(connection, one, at, there=one.plan.plan_id in there)
            return refused

        return await self._transact(work)

    async def ended(self, trial: EndedTrial) -> None:
        """See ``ports.TrialBook``."""
        await self._transact(lambda connection: _end(connection, trial))

    async def lift(self, word: LiftedVeto) -> None:
        """See ``ports.TrialBook``."""
        values = word.model_dump()
        key = stable_id("lift", *values.values())
        await self._transact(
            lambda connection: insert_missing(connection, fix_lifts, {"lift_id": key, **values})
        )

    async def lifted(self) -> Sequence[LiftedVeto]:
        """See ``ports.TrialBook``."""
        return await self._transact(lambda connection: _lifted(connection, None))

    async def failures(self) -> Sequence[KnownTrial]:
        """See ``ports.TrialBook``."""
        failed = fix_trials.c.result == "failure"
        found = await self._transact(lambda connection: _known(connection, None, failed))
        return found[::-1]

    async def predictions(self) -> tuple[Predictions, ...]:
        """Predicted confidence and results of the newest outcomes, however few."""
        return await self._transact(_predictions)

    async def _transact(self, work: Callable[[Connection], T]) -> T:
        return await transact(self._engine, work, what="the book of fixes")


def refused_of(one: Proposed, experience: Experience, at: datetime, waits: timedelta) -> str:
    """Why a plan may not be proposed again, by what is known of its object; empty where it may be."""
    return refusal(
        one.plan, one.cluster, experience, incident_id=one.incident_id, at=at, waits=waits
    )


def _there(connection: Connection, incidents: set[str]) -> set[str]:
    """Plans of these incidents that the book knows."""
    query = select(fix_trials.c.plan_id).where(fix_trials.c.incident_id.in_(incidents))
    return set(connection.execute(query).scalars())


def _fared(failure_class: str) -> Select[Any]:
    known = fix_trials.c
    return (
        select(fix_trials)
        .where(known.failure_class == failure_class, known.result.in_(TELLING))
        .order_by(known.ended_at.desc(), known.incident_id, known.plan_id)
        .limit(MOST_TRIALS)
    )


def _predictions(connection: Connection) -> tuple[Predictions, ...]:
    known = fix_trials.c
    rows = connection.execute(
        select(known.predicted, known.result, known.doubted)
        .where(known.predicted.is_not(None), known.result.in_(sorted(MEASURED)))
        .order_by(known.ended_at.desc(), known.incident_id, known.plan_id)
        .limit(MOST_PREDICTIONS)
    )
    return counted((row.predicted, "failure" if row.doubted else row.result) for row in rows)


def _waits() -> ColumnElement[bool]:
    """It was proposed, and nothing is known of how its incident ended."""
    other = aliased(fix_trials)
    ended = select(other.c.plan_id).where(
        other.c.incident_id == fix_trials.c.incident_id, other.c.result != ""
    )
    return and_(fix_trials.c.result == "", ~ended.exists())


def _known(
    connection: Connection, objects: Sequence[str] | None, which: ColumnElement[bool]
) -> tuple[KnownTrial, ...]:
    """Trials of these objects, of all where none are named; oldest first."""
    query = select(fix_trials).where(which)
    if objects is not None:
        query = query.where(fix_trials.c.object_key.in_(objects))
    found = [_known_trial(row) for row in connection.execute(query)]
    return tuple(sorted(found, key=lambda one: (one.at, one.incident_id, one.plan_id)))


def _lifted(connection: Connection, objects: Sequence[str] | None) -> tuple[LiftedVeto, ...]:
    known = fix_lifts.c
    query = select(fix_lifts).order_by(known.lifted_at.desc(), known.lift_id)
    if objects is not None:
        query = query.where(known.object_key.in_(objects))
    return tuple(
        LiftedVeto.model_validate(dict(row)) for row in connection.execute(query).mappings()
    )


def _hold(connection: Connection, objects: Sequence[str]) -> None:
    """Keeps others from proposing for these objects until the transaction ends; SQLite's write lock does so already."""
    if connection.dialect.name != "postgresql":
        return
    for one in objects:
        digest = hashlib.sha256(f"fix_trials {one}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _propose(connection: Connection, one: Proposed, at: datetime, *, there: bool) -> None:
    plan, known = one.plan, fix_trials.c
    predicted = None if one.predicted is None else round(1000 * one.predicted)
    insert_missing(
        connection,
        fix_trials,
        {
            "incident_id": one.incident_id,
            "plan_id": plan.plan_id,
            "failure_class": one.failure_class,
            "workload_kind": plan.workload_kind,
            "fix_kind": plan.fix_kind,
            "cluster": one.cluster,
            "environment": one.environment,
            "object_key": object_of(plan),
            "changes_hash": plan.changes_hash,
            "spec": orjson.dumps(spec_of(plan), option=orjson.OPT_SORT_KEYS).decode(),
            "predicted": predicted,
            "proposed_at": at,
            "result": "",
            "event_id": "",
            "judged_by": "",
            "doubted": False,
        },
    )
    if not there:
        return
    mine = and_(known.incident_id == one.incident_id, known.plan_id == plan.plan_id)
    first = update(fix_trials).where(mine, known.proposed_at.is_(None))
    connection.execute(first.values(predicted=predicted, proposed_at=at))
    # An outcome of an older version does not say where its fix was.
    connection.execute(
        update(fix_trials).where(mine, known.cluster == "").values(cluster=one.cluster)
    )
    unknown = update(fix_trials).where(mine, known.environment == "unknown")
    connection.execute(unknown.values(environment=one.environment))


def _end(connection: Connection, trial: EndedTrial) -> None:
    known = fix_trials.c
    values: dict[str, Any] = {
        "failure_class": trial.failure_class,
        "workload_kind": trial.workload_kind,
        "fix_kind": trial.fix_kind,
        "object_key": trial.object_key,
        "changes_hash": trial.changes_hash,
        "spec": orjson.dumps(dict(trial.spec), option=orjson.OPT_SORT_KEYS).decode(),
        "result": trial.result,
        "ended_at": trial.ended_at,
        "told_at": trial.told_at,
        "event_id": trial.event_id,
        "judged_by": trial.judged_by,
        "doubted": trial.doubted,
    }
    where = {"cluster": trial.cluster, "environment": trial.environment}
    key = {"incident_id": trial.incident_id, "plan_id": trial.plan_id}
    insert_missing(connection, fix_trials, {**key, **values, **where})
    said = {name: value for name, value in where.items() if value not in ("", "unknown")}
    older = or_(
        known.told_at.is_(None),
        known.told_at < trial.told_at,
        and_(known.told_at == trial.told_at, known.event_id < trial.event_id),
    )
    mine = and_(known.incident_id == trial.incident_id, known.plan_id == trial.plan_id)
    connection.execute(update(fix_trials).where(mine, older).values(**values, **said))


def _fared_trial(row: Row[Any]) -> FaredTrial:
    return FaredTrial(
        incident_id=row.incident_id,
        workload_kind=row.workload_kind,
        fix_kind=row.fix_kind,
        environment=row.environment,
        result=row.result,
        ended_at=aware(row.ended_at),
    )


def _known_trial(row: Row[Any]) -> KnownTrial:
    failed = row.result == "failure"
    return KnownTrial(
        incident_id=row.incident_id,
        plan_id=row.plan_id,
        fix_kind=row.fix_kind,
        cluster=row.cluster,
        object_key=row.object_key,
        spec=orjson.loads(row.spec),
        failed=failed,
        at=aware(row.ended_at if failed else row.proposed_at),
    )
