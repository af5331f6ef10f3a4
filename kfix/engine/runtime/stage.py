"""How a stage says what it does: what it reads, what it writes, what it needs. No stream library in sight.

    app = Stage("decide", ports=open_ports)

    @app.handles(topics.CONTEXT_BUNDLE, writes=(topics.PLANS_CANDIDATE,))
    async def decide(bundle: ContextBundle, ports: Ports) -> CandidatePlans:
        ...

    @app.every(seconds=lambda ports: ports.settings.poll_s, writes=(topics.OUTCOMES,))
    async def check_due(ports: Ports) -> Sequence[Outcome]:
        ...

A handler returns one record, several, or ``None``; the runtime sends each to the topic of its type, which must be
among ``writes``, and acknowledges the input only after the broker has all of them. Handlers run again after a crash,
so every external effect has a natural key. Handlers raise from ``schemas.errors`` and catch nothing for the runtime's
sake: time-out, retry, dead letter, metrics and log context are the runtime's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from kfix.engine.topics import Topic
from schemas.base import Record

P = TypeVar("P")
Records = Record | Sequence[Record] | None


class Publisher(Protocol):
    """Sends records outside of a handler, for HTTP doors."""

    async def send(self, record: Record) -> None:
        """Returns once all in-sync replicas have the record. Raises ``errors.Unavailable`` or ``errors.TimedOut``."""
        ...

    async def dead_letter(
        self, topic: Topic[Any], raw: bytes, *, reason: str, message: str, headers: dict[str, str]
    ) -> None:
        """Keeps bytes that are no record of ``topic``, with the reason. Raises as ``send`` does."""
        ...


class Asgi(Protocol):
    """An ASGI application (FastAPI, Starlette)."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Handler(Generic[P]):
    """One subscription of a stage. ``timeout_s`` bounds one attempt."""

    reads: Topic[Any]
    writes: tuple[Topic[Any], ...]
    call: Callable[[Any, P], Awaitable[Records]]
    name: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Timer(Generic[P]):
    """Something a stage does on its own clock, for work that is due at a time and kept in a store."""

    seconds: Callable[[P], float]
    writes: tuple[Topic[Any], ...]
    call: Callable[[P], Awaitable[Records]]
    name: str


@dataclass(slots=True)
class Stage(Generic[P]):
    """A stage: its name (also its consumer group), its ports and its handlers.

    ``ports`` opens what the stage needs and closes it again; it is called once per process, after settings are read.
    ``http`` builds the stage's door from its ports and a publisher; ``listen`` says where, from the ports (port 0:
    any free one; the ready line of ``kfix up`` tells which).
    ``publishes`` names topics that the door writes besides those of ``kfix.engine.topics``.
    """

    name: str
    ports: Callable[[], AbstractAsyncContextManager[P]]
    http: Callable[[P, Publisher], Asgi] | None = None
    listen: Callable[[P], tuple[str, int]] | None = None
    publishes: tuple[Topic[Any], ...] = ()
    handlers: list[Handler[P]] = field(default_factory=list)
    timers: list[Timer[P]] = field(default_factory=list)

    def handles(
        self, reads: Topic[Any], *, writes: tuple[Topic[Any], ...] = (), timeout_s: float = 120.0
    ) -> Callable[[Callable[[Any, P], Awaitable[Records]]], Callable[[Any, P], Awaitable[Records]]]:
        """Subscribes a function to a topic. A stage subscribes to a topic once."""

        def register(
            call: Callable[[Any, P], Awaitable[Records]],
        ) -> Callable[[Any, P], Awaitable[Records]]:
            if any(handler.reads.name == reads.name for handler in self.handlers):
                raise ValueError(f"{self.name} already reads {reads.name}")
            name = getattr(call, "__name__", "handler")
            self.handlers.append(Handler(reads, writes, call, name, timeout_s))
            return call

        return register

    def every(
        self, *, seconds: Callable[[P], float], writes: tuple[Topic[Any], ...] = ()
    ) -> Callable[[Callable[[P], Awaitable[Records]]], Callable[[P], Awaitable[Records]]]:
        """Runs a function again and again, ``seconds`` after it last ended, on every replica of the stage."""

        def register(call: Callable[[P], Awaitable[Records]]) -> Callable[[P], Awaitable[Records]]:
            self.timers.append(Timer(seconds, writes, call, getattr(call, "__name__", "timer")))
            return call

        return register
