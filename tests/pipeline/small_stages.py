"""A small river for the runtime's tests: raw → relay → fan (two each) → effect → ending.

Each stage notes what it did in the journal (``KFIX_TEST_JOURNAL``), one line an effect, so that a test can count what
was lost and what was done twice. ``Raw.behaviour`` makes ``relay`` fail in a chosen way.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, Response

from kfix.engine.runtime.stage import Asgi, Publisher, Stage
from kfix.engine.topics import Topic
from schemas import errors
from schemas.base import Record


class Raw(Record):
    key: str
    number: int
    behaviour: str = ""
    payload: str = ""


class Relayed(Raw):
    pass


class Fanned(Raw):
    part: int


class Effected(Raw):
    part: int


RAW = Topic("small.raw", Raw, lambda record: record.key)
RELAYED = Topic("small.relayed", Relayed, lambda record: record.key)
FANNED = Topic("small.fanned", Fanned, lambda record: record.key)
EFFECTED = Topic("small.effected", Effected, lambda record: record.key)


class Journal:
    """Appends lines to a file that several processes share; a line is one write."""

    def __init__(self) -> None:
        self._file = os.open(
            os.environ["KFIX_TEST_JOURNAL"], os.O_APPEND | os.O_CREAT | os.O_WRONLY
        )

    def note(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


@asynccontextmanager
async def ports() -> AsyncIterator[Journal]:
    yield Journal()


relay = Stage("relay", ports=ports)
fan = Stage("fan", ports=ports)
effect = Stage("effect", ports=ports)
ending = Stage("ending", ports=ports)
_failed: dict[str, int] = {}


@relay.handles(RAW, writes=(RELAYED,), timeout_s=1.0)
async def pass_on(raw: Raw, journal: Journal) -> Relayed:
    journal.note("relay", raw.event_id, raw.key, raw.number)
    await misbehave(raw)
    return Relayed(**raw.model_dump())


async def misbehave(raw: Raw) -> None:
    """What the world does to a handler."""
    if os.environ.get("KFIX_TEST_WORLD") == "healed":
        return
    kind, _, times = raw.behaviour.partition(":")
    if times and _failed.setdefault(raw.event_id, 0) >= int(times):
        return
    _failed[raw.event_id] = _failed.get(raw.event_id, 0) + 1
    match kind:
        case "slow":
            await asyncio.sleep(30)
        case "busy":
            await asyncio.sleep(0.2)
        case "unavailable":
            raise errors.Unavailable("the service answered 500")
        case "limited":
            raise errors.RateLimited("429", retry_after_s=3.0)
        case "unanswered":
            without = Relayed(**raw.model_dump())
            raise errors.Unanswered("the cluster", otherwise=without, rounds=3)
        case "rejected":
            raise errors.Rejected("the service answered 422 token=hunter2")
        case "bug":
            raise ZeroDivisionError("our own")
        case "wrong":
            raise errors.Defect("a rule contradicts itself")


@fan.handles(RELAYED, writes=(FANNED,))
async def split(relayed: Relayed, journal: Journal) -> list[Fanned]:
    values = relayed.model_dump(exclude={"event_id"})
    return [Fanned(**values, event_id=f"{relayed.event_id}/{n}", part=n) for n in (0, 1)]


@effect.handles(FANNED, writes=(EFFECTED,))
async def act(fanned: Fanned, journal: Journal) -> Effected:
    if os.environ.get("KFIX_TEST_CRASH") == "before_effect" and fanned.number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    if fanned.behaviour == "hang" and os.environ.get("KFIX_TEST_WORLD") != "healed":
        time.sleep(60)  # noqa: ASYNC251 - a computation that never ends
    await asyncio.sleep(0.1 if fanned.behaviour == "busy" else 0.001)
    journal.note("effect", fanned.event_id)
    if os.environ.get("KFIX_TEST_CRASH") == "after_effect" and fanned.number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return Effected(**fanned.model_dump())


@ending.handles(EFFECTED)
async def end(effected: Effected, journal: Journal) -> None:
    journal.note("end", effected.event_id)


def journal_of(path: Path, kind: str) -> list[list[str]]:
    """The journal's lines of one kind, without the kind."""
    if not path.exists():
        return []
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    return [words[1:] for words in lines if words[0] == kind]


def _door(_: Journal, publisher: Publisher) -> Asgi:
    app = FastAPI()

    @app.post("/raw/{number}")
    async def take(number: int, response: Response) -> dict[str, str]:
        record = Raw(
            event_id=f"d{number}",
            occurred_at=datetime.now(UTC),
            key=f"k{number % 8}",
            number=100,
            payload="x" * 10_000,
        )
        try:
            await publisher.send(record)
        except errors.Retryable as away:
            response.status_code = 503
            return {"reason": away.reason}
        response.status_code = 202
        return {}

    return app


door = Stage("door", ports=ports, http=_door, listen=lambda _: ("127.0.0.1", 0), publishes=(RAW,))
