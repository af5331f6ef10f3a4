"""The book of proposed fixes in this process's memory: for simulated years, and wherever nothing has to outlive the process."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from decide.adapters.trials import MOST_PREDICTIONS, MOST_TRIALS, TELLING, refused_of
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
from decide.ports import Proposed

#: Incident (or attempt) and plan.
_Key = tuple[str, str]


@dataclass(slots=True)
class _Row:
    """One trial: what was proposed, and how it ended once that is known."""

    fix_kind: str
    object_key: str
    spec: dict[str, str]
    cluster: str
    environment: str
    predicted: int | None = None
    proposed_at: datetime | None = None
    ended: EndedTrial | None = None
    #: How it is told, once asked for.
    fared: FaredTrial | None = None


class RecalledTrialBook:
    """``decide.ports.TrialBook`` that is gone with the process. ``waits``: how long a proposal may wait for its outcome."""

    def __init__(self, waits: timedelta) -> None:
        self._waits = waits
        self._rows: dict[_Key, _Row] = {}
        self._of_object: dict[str, dict[_Key, None]] = {}
        self._lifts: list[LiftedVeto] = []
        self._ended_incidents: set[str] = set()
        #: Ended trials by class, and those whose prediction is known, oldest first.
        self._of_class: dict[str, list[tuple[datetime, _Key]]] = {}
        self._predicted: list[tuple[datetime, _Key]] = []

    async def experience(self, asked: ExperienceAsked) -> Experience:
        """See ``ports.TrialBook``."""
        newest = self._of_class.get(asked.failure_class, [])[-MOST_TRIALS:]
        predictions = await self.predictions()
        enough = sum(one.count for one in predictions) >= LEAST
        return Experience.model_construct(
            fared=tuple(self._fared(key) for _, key in reversed(newest)),
            known=self._known(asked.objects, waiting=False),
            lifted=self._lifted(asked.objects),
            predictions=predictions if enough else (),
        )

    async def admit(self, proposals: Sequence[Proposed], *, at: datetime) -> Mapping[str, str]:
        """See ``ports.TrialBook``."""
        objects = sorted({object_of(one.plan) for one in proposals})
        known = Experience(known=self._known(objects, waiting=True), lifted=self._lifted(objects))
        refused = {}
        for one in proposals:
            why = refused_of(one, known, at, self._waits)
            if why:
                refused[one.plan.plan_id] = why
            else:
                self._propose(one, at)
        return refused

    async def ended(self, trial: EndedTrial) -> None:
        """See ``ports.TrialBook``."""
        key = (trial.incident_id, trial.plan_id)
        row = self._row(
            key,
            _Row(
                trial.fix_kind,
                trial.object_key,
                dict(trial.spec),
                trial.cluster,
                trial.environment,
            ),
        )
        before = row.ended
        if before and (before.told_at, before.event_id) >= (trial.told_at, trial.event_id):
            return
        self._forget(key, row)
        row.ended, row.spec = trial, dict(trial.spec)
        row.cluster = trial.cluster or row.cluster
        row.environment = trial.environment if trial.environment != "unknown" else row.environment
        self._ended_incidents.add(trial.incident_id)
        self._enter(key, row)

    async def lift(self, word: LiftedVeto) -> None:
        """See ``ports.TrialBook``."""
        if word not in self._lifts:
            self._lifts.append(word)

    async def lifted(self) -> Sequence[LiftedVeto]:
        """See ``ports.TrialBook``."""
        return self._lifted(None)

    async def failures(self) -> Sequence[KnownTrial]:
        """See ``ports.TrialBook``."""
        return self._known(tuple(self._of_object), waiting=False)[::-1]

    async def predictions(self) -> tuple[Predictions, ...]:
        """Predicted confidence and results of the newest outcomes, however few."""
        newest = [self._rows[key] for _, key in self._predicted[-MOST_PREDICTIONS:]]
        return counted(
            (row.predicted, "failure" if row.ended.doubted else row.ended.result)
            for row in newest
            if row.ended is not None and row.predicted is not None
        )

    def _row(self, key: _Key, new: _Row) -> _Row:
        found = self._rows.setdefault(key, new)
        self._of_object.setdefault(found.object_key, {})[key] = None
        return found

    def _propose(self, one: Proposed, at: datetime) -> None:
        plan, key = one.plan, (one.incident_id, one.plan.plan_id)
        predicted = None if one.predicted is None else round(1000 * one.predicted)
        new = _Row(plan.fix_kind, object_of(plan), spec_of(plan), one.cluster, one.environment)
        row = self._row(key, new)
        if row.proposed_at is None:
            self._forget(key, row)
            row.predicted, row.proposed_at = predicted, at
            self._enter(key, row)
        row.cluster = row.cluster or one.cluster
        if row.environment == "unknown":
            row.environment, row.fared = one.environment, None

    def _enter(self, key: _Key, row: _Row) -> None:
        row.fared = None
        if row.ended is None:
            return
        place = (row.ended.ended_at, key)
        if row.ended.result in TELLING:
            insort(self._of_class.setdefault(row.ended.failure_class, []), place)
        if row.predicted is not None and row.ended.result in MEASURED:
            insort(self._predicted, place)

    def _forget(self, key: _Key, row: _Row) -> None:
        if row.ended is None:
            return
        place = (row.ended.ended_at, key)
        for places in (self._of_class.get(row.ended.failure_class, []), self._predicted):
            if place in places:
                places.remove(place)

    def _fared(self, key: _Key) -> FaredTrial:
        row = self._rows[key]
        assert row.ended is not None
        if row.fared is None:
            row.fared = FaredTrial(
                incident_id=key[0],
                workload_kind=row.ended.workload_kind,
                fix_kind=row.fix_kind,
                environment=row.environment,
                result=row.ended.result,
                ended_at=row.ended.ended_at,
            )
        return row.fared

    def _known(self, objects: Sequence[str], *, waiting: bool) -> tuple[KnownTrial, ...]:
        found = []
        for key in (key for one in objects for key in self._of_object.get(one, ())):
            row = self._rows[key]
            failed = row.ended is not None and row.ended.result == "failure"
            waits = row.ended is None and key[0] not in self._ended_incidents
            if failed or (waiting and waits):
                found.append(_known_trial(key, row))
        return tuple(sorted(found, key=lambda one: (one.at, one.incident_id, one.plan_id)))

    def _lifted(self, objects: Sequence[str] | None) -> tuple[LiftedVeto, ...]:
        about = [one for one in self._lifts if objects is None or one.object_key in objects]
        return tuple(sorted(about, key=lambda one: one.lifted_at, reverse=True))


def _known_trial(key: _Key, row: _Row) -> KnownTrial:
    failed = row.ended is not None
    return KnownTrial.model_validate(
        {
            "incident_id": key[0],
            "plan_id": key[1],
            "fix_kind": row.fix_kind,
            "cluster": row.cluster,
            "object_key": row.object_key,
            "spec": row.spec,
            "failed": failed,
            "at": row.ended.ended_at if row.ended is not None else row.proposed_at,
        }
    )
