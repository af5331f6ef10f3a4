"""Watches merged fixes: first for the change in the cluster, then over what it does there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from kfix.texts import say
from learn.core.alerts import standing
from learn.core.judgement import (
    AlertReading,
    Judgement,
    WorkloadState,
    compare,
    judge,
    lower_of,
    not_arrived,
)
from learn.core.watch import (
    RECENT,
    Watch,
    WatchPolicy,
    arrived,
    is_given_up,
    is_late,
    looked,
    next_look,
    verdict,
)
from learn.ports import DueLook, Followed, LearnPorts
from learn.service.telling import outcome_of, remembered
from learn.settings import Learn
from schemas import errors
from schemas.identity import attempt_of, stable_id, taken_back_by
from schemas.merge_requests import MergeRequestEvent, Proposal
from schemas.outcomes import Outcome

log = structlog.get_logger(__name__)
T = TypeVar("T")
S = TypeVar("S")
#: Seconds a measurement may take before it counts as unknown.
_DEADLINE_S = 30.0
#: After an alert that belongs to the trouble still: metrics are reported late.
_LATE = timedelta(seconds=60)
#: What the usual level is taken of: an hour, a day and a week before the change was live.
_HOUR, _BEFORE = timedelta(hours=1), (timedelta(days=1), timedelta(days=7))
Records = list[Outcome | MergeRequestEvent]


def policy_of(settings: Learn) -> WatchPolicy:
    """The times of a watch."""
    return WatchPolicy(
        window_s=settings.check_after_s,
        every_s=settings.look_every_s,
        late_every_s=settings.late_every_s,
        live_within_s=settings.live_within_s,
        give_up_s=settings.give_up_after_s,
        settle_s=settings.settle_s,
    )


async def look(due: DueLook, ports: LearnPorts, now: datetime) -> Records:
    """One look at a merged change; what is to be told of it.

    Whatever is decided is kept before it is told, and told again as it is until the pipeline has it.
    """
    proposal = await _proposal(due.followed, ports)
    if proposal is None:
        await ports.ledger.told(due.followed.incident_id, "over", now)
        return []
    if due.verdict is not None:
        return [*_live(due), await remembered(due.verdict, due.followed, ports)]
    since = due.watch.since
    state = await known(ports.cluster.state(proposal, since), WorkloadState(), "cluster")
    watch = arrived(due.watch, state, now)
    if watch.live_at is None or due.watch.live_at is None:
        return await _looked_for(replace(due, watch=watch), state, ports, now)
    if attempt_of(due.followed.incident_id).revert:
        return await _looked_for(due, state, ports, now)
    return await _judged(due, proposal, state, ports, now)


async def _proposal(followed: Followed, ports: LearnPorts) -> Proposal | None:
    """What is looked for: the plan's values; of a revert those from before the plan of the attempt that it takes back."""
    if not attempt_of(followed.incident_id).revert:
        return followed.proposal
    attempt = await ports.ledger.find(taken_back_by(followed.incident_id))
    if attempt is None or attempt.proposal is None:
        return None
    plan = attempt.proposal.plan
    back = plan.model_copy(update={"kubernetes_changes": plan.rollback_changes})
    return attempt.proposal.model_copy(update={"plan": back})


async def _looked_for(
    due: DueLook, state: WorkloadState, ports: LearnPorts, now: datetime
) -> Records:
    """A look before the change was live, the one that found it, or one at a revert: that is looked for and not judged."""
    policy, watch = policy_of(ports.settings), due.watch
    incident_id = due.followed.incident_id
    is_revert = attempt_of(incident_id).revert
    done = is_revert and due.told_live
    if done or is_given_up(watch, now, policy):
        await ports.ledger.told(incident_id, "over", now)
        return []
    await ports.ledger.looked(due, watch, next_at=next_look(watch, now, policy))
    if watch.live_at is not None:
        return [*_live(due)]
    if not is_late(watch, now, policy) or due.told_late or is_revert:
        return []
    said = not_arrived(state) if state.arrived is False else _untold()
    judgement = Judgement("partial", (), said, unsettled=True)
    late = await outcome_of(due.followed, judgement, ports, at=now, merged_at=watch.merged_at)
    return [late] if late is not None else []


def _untold() -> str:
    return say("learn.not_measured", what=[say("learn.whether_arrived")])


def _live(due: DueLook) -> list[MergeRequestEvent]:
    """That the change is live, until the pipeline has it."""
    followed, watch = due.followed, due.watch
    if due.told_live or watch.live_at is None:
        return []
    return [
        MergeRequestEvent(
            event_id=stable_id("dep", followed.incident_id, watch.merged_at.isoformat()),
            trace_id=followed.trace_id,
            occurred_at=watch.live_at,
            incident_id=followed.incident_id,
            fingerprint=followed.fingerprint,
            action="deployed",
            merge_request=followed.merge_request,
            merged_at=watch.merged_at,
        )
    ]


async def _judged(
    due: DueLook, proposal: Proposal, state: WorkloadState, ports: LearnPorts, now: datetime
) -> Records:
    """A look at a live change."""
    policy = policy_of(ports.settings)
    watch = await _with_baselines(due.watch, proposal, ports)
    found = await _found(replace(due, watch=watch), proposal, state, ports, now)
    watch = looked(watch, found, state.deaths)
    ended = verdict(watch, found, now, policy)
    if ended is None or not due.told_live:
        # A verdict waits for the pipeline to know of what it is about.
        await ports.ledger.looked(due, watch, next_at=next_look(watch, now, policy))
        return [*_live(due)]
    outcome = await outcome_of(
        due.followed, ended, ports, at=now, merged_at=watch.merged_at, checked_at=now
    )
    if outcome is None:
        return []
    kept = await ports.ledger.decided(due, outcome)
    return [await remembered(kept, due.followed, ports)] if kept is not None else []


async def _found(
    due: DueLook, proposal: Proposal, state: WorkloadState, ports: LearnPorts, now: datetime
) -> Judgement:
    """What this look comes to."""
    watch = due.watch
    since = watch.measured_from(now)
    measured, asked = await asyncio.gather(
        known(ports.signals.measure(proposal, since, now), {}, "signals"),
        known(ports.alerts.reading(proposal, since, now), AlertReading("silent"), "alert"),
    )
    live_at = watch.live_at or now
    heard = await ports.ledger.alerts_like(due.followed, proposal.context.alerted_at, now)
    alert = replace(standing(asked, heard, live_at), before=watch.measure_before)
    baseline, usual = proposal.context.baseline, dict(watch.usual)
    if state.arrived is False:
        signals = compare(baseline, measured, usual)
        return Judgement("partial", signals, say("learn.taken_back"), unsettled=True)
    return judge(
        proposal.analysis.failure_class,
        state,
        baseline,
        measured,
        usual=usual,
        alert=alert,
        clean=watch.clean + 1,
    )


async def _with_baselines(watch: Watch, proposal: Proposal, ports: LearnPorts) -> Watch:
    """What the alert's measure was around the alert, and what is usual at this hour: asked until it is answered, then kept."""
    if watch.asked or watch.live_at is None:
        return watch
    at, live_at = proposal.context.alerted_at, watch.live_at
    hours = [live_at - back for back in _BEFORE]
    before, days = await asyncio.gather(
        known(ports.alerts.measure(proposal, at - RECENT, at + _LATE), "away", "alert"),
        asyncio.gather(
            *(
                known(ports.signals.measure(proposal, h, h + _HOUR), "away", "signals")
                for h in hours
            )
        ),
    )
    levels = [day for day in days if isinstance(day, dict)]
    if isinstance(before, str) or len(levels) < len(days):
        return watch
    usual = tuple(lower_of(*levels).items())
    return replace(watch, asked=True, measure_before=before, usual=usual)


async def known(question: Awaitable[T], otherwise: S, source: str) -> T | S:
    """The answer; ``otherwise`` when the source failed: the look then says that it is unknown."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await question
    except TimeoutError:
        log.warning("measurement.missing", source=source, reason="timed_out")
    except errors.KFixError as failure:
        log.warning("measurement.missing", source=source, reason=failure.reason)
    return otherwise
