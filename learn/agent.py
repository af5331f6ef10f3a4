"""The life of merge requests comes in, outcomes go out."""

from __future__ import annotations

from kfix.engine import topics
from kfix.engine.runtime.stage import Stage
from learn.ports import LearnPorts
from learn.service.following import check_due, follow, kept
from learn.wiring import open_ports
from schemas.merge_requests import MergeRequestEvent
from schemas.outcomes import Outcome

app: Stage[LearnPorts] = Stage("learn", ports=open_ports)


@app.handles(topics.MR_EVENTS, writes=(topics.OUTCOMES,))
async def learn(event: MergeRequestEvent, ports: LearnPorts) -> Outcome | None:
    """Follows a merge request; one that was closed, and feedback on one that ended, is an outcome."""
    return await follow(event, ports)


@app.handles(topics.OUTCOMES, writes=(topics.OUTCOMES,))
async def keep(outcome: Outcome, ports: LearnPorts) -> Outcome | None:
    """Stores an outcome once the broker has it: only then its check is done."""
    return await kept(outcome, ports)


@app.every(seconds=lambda ports: ports.settings.poll_s, writes=(topics.OUTCOMES,))
async def check(ports: LearnPorts) -> list[Outcome]:
    """Looks at merged fixes whose time has come."""
    return await check_due(ports)


@app.every(seconds=lambda ports: ports.sweep_every_s)
async def sweep(ports: LearnPorts) -> None:
    """Deletes the store's old rows, of all stages."""
    if ports.sweep is not None:
        await ports.sweep.sweep()
