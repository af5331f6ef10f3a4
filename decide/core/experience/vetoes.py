"""What is not proposed again: a kind of fix that failed twice on the same spec of an object, until a person lifts it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from decide.core.experience.trials import (
    Experience,
    KnownTrial,
    LiftedVeto,
    object_of,
    same_spec,
    spec_of,
)
from kfix.texts import say
from schemas.plans import ActionPlan

#: So many failures are enough.
ENOUGH = 2


def of_the_same(plan: ActionPlan, cluster: str, known: Iterable[KnownTrial]) -> list[KnownTrial]:
    """Trials of the plan's kind of fix on its object and spec, oldest first. An unknown cluster is any."""
    spec, object_key = spec_of(plan), object_of(plan)
    found = (
        one
        for one in known
        if (one.fix_kind, one.object_key) == (plan.fix_kind, object_key)
        and _near(one.cluster, cluster)
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


def _failed_twice(plan: ActionPlan, failed: Sequence[KnownTrial]) -> str:
    return say(
        "decide.experience.veto",
        count=len(failed),
        object=object_of(plan),
        incidents=[one.incident_id for one in failed[-3:]],
        kind=plan.fix_kind,
    )


def _near(one: str, other: str) -> bool:
    return not (one and other) or one == other


def _lifts(word: LiftedVeto, failed: KnownTrial) -> bool:
    return (
        (word.object_key, word.fix_kind) == (failed.object_key, failed.fix_kind)
        and _near(word.cluster, failed.cluster)
        and word.lifted_at >= failed.at
    )
