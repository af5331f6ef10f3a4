"""What is not proposed again: a kind of fix that failed twice on the same spec of an object, until a person lifts it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from decide.core.experience.trials import (
    Experience,
    KnownTrial,
    LiftedVeto,
    near,
    object_of,
    same_spec,
    spec_of,
)
from kfix.texts import say
from schemas.context import ContextBundle, Pattern
from schemas.plans import ActionPlan

#: So many failures are enough.
ENOUGH = 2


@dataclass(frozen=True, slots=True)
class StandingVeto:
    """A kind of fix that is not proposed on an object while its spec is as it was, and the attempts in which it failed."""

    object_key: str
    fix_kind: str
    cluster: str
    incidents: tuple[str, ...]


def of_the_same(plan: ActionPlan, cluster: str, known: Iterable[KnownTrial]) -> list[KnownTrial]:
    """Trials of the plan's kind of fix on its object and spec, oldest first. An unknown cluster is any."""
    spec, object_key = spec_of(plan), object_of(plan)
    found = (
        one
        for one in known
        if (one.fix_kind, one.object_key) == (plan.fix_kind, object_key)
        and near(one.cluster, cluster)
        and same_spec(one.spec, spec)
    )
    return sorted(found, key=lambda one: (one.at, one.incident_id, one.plan_id))


def standing(trials: Sequence[KnownTrial], lifted: Sequence[LiftedVeto]) -> list[KnownTrial]:
    """Failures that no person has lifted since, one of each incident's attempt; trials that wait do not count."""
    counted: dict[str, KnownTrial] = {}
    for one in trials:
        if one.failed and not any(_lifts(word, one) for word in lifted):
            counted.setdefault(one.incident_id, one)
    return list(counted.values())


def veto(plan: ActionPlan, cluster: str, experience: Experience) -> str:
    """Why the plan is not proposed again, as a sentence; empty where it may be."""
    failed = standing(of_the_same(plan, cluster, experience.known), experience.lifted)
    return _failed_twice(plan, failed) if len(failed) >= ENOUGH else ""


def refusal(
    plan: ActionPlan,
    cluster: str,
    experience: Experience,
    *,
    incident_id: str,
    at: datetime,
    waits: timedelta,
) -> str:
    """The same at the moment of proposing it: what other incidents have proposed and wait for counts as a failure.

    A proposal waits for its outcome no longer than ``waits``.
    """
    same = [
        one
        for one in of_the_same(plan, cluster, experience.known)
        if one.incident_id != incident_id
    ]
    failed = standing(same, experience.lifted)
    if len(failed) >= ENOUGH:
        return _failed_twice(plan, failed)
    open_now = {one.incident_id for one in same if not one.failed and at - one.at < waits}
    open_now -= {one.incident_id for one in failed}
    if len(failed) + len(open_now) < ENOUGH:
        return ""
    others = sorted({one.incident_id for one in failed} | open_now)
    return say("decide.experience.waits", object=object_of(plan), incidents=others)


def standing_vetoes(
    failures: Iterable[KnownTrial], lifted: Sequence[LiftedVeto]
) -> list[StandingVeto]:
    """Every veto that these failures make, by object, kind of fix and cluster."""
    found: dict[tuple[str, str, str], set[str]] = {}
    failed = [one for one in failures if not any(_lifts(word, one) for word in lifted)]
    for one in failed:
        same = {
            other.incident_id
            for other in failed
            if (other.object_key, other.fix_kind) == (one.object_key, one.fix_kind)
            and near(other.cluster, one.cluster)
            and same_spec(other.spec, one.spec)
        }
        if len(same) >= ENOUGH:
            found.setdefault((one.object_key, one.fix_kind, one.cluster), set()).update(same)
    return [StandingVeto(*key, tuple(sorted(names))) for key, names in sorted(found.items())]


def without_lifted(bundle: ContextBundle, lifted: Sequence[LiftedVeto]) -> ContextBundle:
    """The evidence without failures that a person has lifted since; one of which nobody knows the time stays."""
    at = {one.incident_id: one.at for one in bundle.similar_incidents}
    kept = tuple(
        pattern
        for pattern in bundle.failed_patterns
        if not any(_lifts_pattern(word, pattern, at.get(pattern.incident_id)) for word in lifted)
    )
    if len(kept) == len(bundle.failed_patterns):
        return bundle
    return bundle.model_copy(update={"failed_patterns": kept})


def _lifts_pattern(word: LiftedVeto, failed: Pattern, at: datetime | None) -> bool:
    return (
        at is not None
        and (word.object_key, word.fix_kind) == (failed.object_key, failed.fix_kind)
        and near(word.cluster, failed.cluster)
        and word.lifted_at >= at
    )


def _failed_twice(plan: ActionPlan, failed: Sequence[KnownTrial]) -> str:
    return say(
        "decide.experience.veto",
        count=len(failed),
        object=object_of(plan),
        incidents=[one.incident_id for one in failed[-3:]],
        kind=plan.fix_kind,
    )


def _lifts(word: LiftedVeto, failed: KnownTrial) -> bool:
    about = word.about(failed.object_key, failed.fix_kind, failed.cluster)
    return about and word.lifted_at >= failed.at
