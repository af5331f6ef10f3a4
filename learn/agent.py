"""The life of merge requests comes in, outcomes go out."""

from __future__ import annotations

from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from learn.ports import LearnPorts
from learn.service import coming_back
from learn.service.following import check_due, follow, kept
from learn.wiring import open_ports
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome
from schemas.validated import ValidatedPlans

app: Stage[LearnPorts] = Stage("learn", ports=open_ports)


@app.handles(topics.MR_EVENTS, writes=(topics.OUTCOMES,))
async def learn(event: MergeRequestEvent, ports: LearnPorts) -> Outcome | None:
    """Follows a merge request; one that was closed, and feedback on one that ended, is an outcome."""
    return await follow(event, ports)


@app.handles(topics.PLANS_VALIDATED, writes=(topics.OUTCOMES,))
async def hear(record: ValidatedPlans, ports: LearnPorts) -> list[Outcome]:
    """Keeps when alerts came and recovered; one that comes again within a day of a success counts against the fix."""
    return await coming_back.hear(record, ports)


@app.handles(topics.OUTCOMES, writes=(topics.OUTCOMES,))
async def keep(outcome: Outcome, ports: LearnPorts) -> list[Outcome]:
    """Stores an outcome once the broker has it: only then its watch is over."""
    return await kept(outcome, ports)


@app.every(seconds=lambda ports: ports.settings.poll_s, writes=(topics.OUTCOMES, topics.MR_EVENTS))
async def check(ports: LearnPorts) -> list[Outcome | MergeRequestEvent]:
    """Looks at merged changes whose time has come."""
    return await check_due(ports)


@app.every(seconds=lambda ports: ports.sweep_every_s)
async def sweep(ports: LearnPorts) -> None:
    """Deletes the store's old rows, of all stages."""
    if ports.sweep is not None:
        await ports.sweep.sweep()
