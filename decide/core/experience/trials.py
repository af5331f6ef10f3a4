"""A proposed fix and how it ended, and what a decision knows of earlier ones. Pure.

A trial is known by its incident (the attempt's id) and its plan. Its *spec* is what stood in the fields that the plan
changes, a digest of each value: two trials are of the same spec when at least one field is changed by both and every such
field held the same value before. A value that somebody changes makes another spec; a new image, a label or a status does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import orjson

from kfix.incident import judgements
from kfix.incident.fix_record import diagnosis_doubted, result_with_feedback
from schemas.base import Instant, Json, Model
from schemas.context import OutcomeResult
from schemas.identity import attempt_of
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan

#: Measured after a merge.
MEASURED: frozenset[str] = frozenset({"success", "partial", "failure"})
#: Hexadecimal digits of a value's digest.
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class EndedTrial:
    """A fix and its end, as one outcome tells it; ``result`` has people's newest judgement in it."""

    incident_id: str
    plan_id: str
    failure_class: str
    workload_kind: str
    fix_kind: str
    cluster: str
    environment: str
    #: ``Kind/namespace/name`` of what the plan changes first.
    object_key: str
    changes_hash: str
    #: Digests of the values before, by object and field.
    spec: Mapping[str, str]
    result: OutcomeResult
    #: When it was measured, or ended otherwise.
    ended_at: Instant
    #: When that was told, and by which record: of two words the later one counts, whatever order they come in.
    told_at: Instant
    event_id: str
    #: Whose judgement of the fix counts; empty: nobody's.
    judged_by: str
    #: A person says that the diagnosis was wrong: as a prediction it failed, whatever became of the fix.
    doubted: bool


class FaredTrial(Model):
    """How one fix of the cause's class ended."""

    incident_id: str
    workload_kind: str
    fix_kind: str
    environment: str
    result: OutcomeResult
    ended_at: Instant


class KnownTrial(Model):
    """A fix of one of the decision's objects that failed, or (``failed`` unset) waits for its outcome."""

    incident_id: str
    plan_id: str
    fix_kind: str
    cluster: str
    object_key: str
    spec: dict[str, str]
    failed: bool
    #: When it failed, or was proposed.
    at: Instant


class LiftedVeto(Model):
    """A person allows a kind of fix on an object again: what failed up to then does not count. Empty ``cluster``: any."""

    cluster: str
    object_key: str
    fix_kind: str
    lifted_at: Instant
    lifted_by: str
    reason: str = ""

    def about(self, object_key: str, fix_kind: str, cluster: str) -> bool:
        """Is it a word about this kind of fix on this object?"""
        named = (self.object_key, self.fix_kind) == (object_key, fix_kind)
        return named and near(self.cluster, cluster)


class Predictions(Model):
    """Trials whose predicted confidence lay in one twentieth. ``predicted`` and ``held`` are sums of thousandths."""

    twentieth: int
    count: int
    predicted: int
    held: int


class Experience(Model):
    """Earlier trials as one decision knows them; the defaults are what is known where nothing happened."""

    fared: tuple[FaredTrial, ...] = ()
    known: tuple[KnownTrial, ...] = ()
    lifted: tuple[LiftedVeto, ...] = ()
    predictions: tuple[Predictions, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing in it can change a decision."""
        return not (self.fared or self.known or self.predictions)


@dataclass(frozen=True, slots=True)
class ExperienceAsked:
    """What a decision asks of the ledger: the cause's class, and the objects that its plans change first."""

    failure_class: str
    cluster: str
    objects: tuple[str, ...]


NOTHING = Experience()


@lru_cache(maxsize=4096)
def incident_of(incident_id: str) -> str:
    """The incident that an attempt belongs to: attempts at one incident are no independent evidence."""
    return attempt_of(incident_id).incident_id


def object_of(plan: ActionPlan) -> str:
    """Key of the object that a plan changes first; empty for a plan that changes nothing."""
    return plan.kubernetes_changes[0].object.key if plan.kubernetes_changes else ""


def spec_of(plan: ActionPlan) -> dict[str, str]:
    """Digests of the values that a plan replaces, by object and field; a new or deleted object is one field."""
    found = {}
    for change in plan.kubernetes_changes:
        if change.action != "patch":
            found[f"{change.object.key} {change.action}"] = ""
        for one in change.fields:
            found[f"{change.object.key} {one.path}"] = _digest(one.before)
    return found


def near(one: str, other: str) -> bool:
    """May both clusters be the same? An unknown one is any."""
    return not (one and other) or one == other


def same_spec(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Do both change a field, and did all such fields hold the same values?"""
    shared = one.keys() & other.keys()
    return bool(shared) and all(one[name] == other[name] for name in shared)


def ended_trial(outcome: Outcome) -> EndedTrial | None:
    """What an outcome tells of its fix; ``None`` for one without a plan, for what takes a change back, and for a change that is
    not live yet."""
    plan = outcome.plan
    if plan is None or outcome.is_late or attempt_of(outcome.incident_id).revert:
        return None
    judged = judgements.on_the_fix(outcome.feedback)
    return EndedTrial(
        incident_id=outcome.incident_id,
        plan_id=plan.plan_id,
        failure_class=outcome.failure_class,
        workload_kind=plan.workload_kind,
        fix_kind=plan.fix_kind,
        cluster=outcome.cluster,
        environment=outcome.environment,
        object_key=object_of(plan),
        changes_hash=plan.changes_hash,
        spec=spec_of(plan),
        result=result_with_feedback(outcome.result, outcome.feedback),
        ended_at=outcome.came_back_at or outcome.checked_at or outcome.occurred_at,
        told_at=outcome.occurred_at,
        event_id=outcome.event_id,
        judged_by=judged.author if judged else "",
        doubted=diagnosis_doubted(outcome.feedback),
    )


def _digest(value: Json) -> str:
    written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(written).hexdigest()[:_DIGITS]
