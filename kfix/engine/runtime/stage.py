"""How a stage says what it reads, what it writes and what it needs. Imports no stream library.

    app = Stage("decide", ports=open_ports)

    @app.handles(topics.CONTEXT_BUNDLE, writes=(topics.PLANS_CANDIDATE,))
    async def decide(bundle: ContextBundle, ports: DecidePorts) -> CandidatePlans:
        ...

    @app.every(seconds=lambda ports: ports.settings.poll_s, writes=(topics.OUTCOMES,))
    async def check_due(ports: LearnPorts) -> Sequence[Outcome]:
        ...

A handler takes the record type of the topic that it reads and returns one record, several, or ``None``; the runtime
sends each to the topic of its type, which must be among ``writes`` (else the import fails, and mypy says so), and acknowledges the input only after the broker has all of them. Handlers run again after a crash,
so every external effect has a natural key. Handlers raise from ``schemas.errors`` and catch nothing for the runtime's
sake: time-out, retry, dead letter, metrics and log context are the runtime's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar, overload

from kfix.engine.runtime.handler_types import check_answer, check_parameter
from kfix.engine.runtime.worlds import Past
from kfix.engine.topics import Topic
from schemas.base import Record

P = TypeVar("P")
R = TypeVar("R", bound=Record)
W = TypeVar("W", bound=Record)
V = TypeVar("V", bound=Record)
Records = Record | Sequence[Record] | None
#: What a handler that writes records of a type answers, and how it is registered.
Answer = Awaitable[W | Sequence[W] | None]
Registers = Callable[[Callable[[R, P], Answer[W]]], Callable[[R, P], Answer[W]]]
RegistersSink = Callable[[Callable[[R, P], Awaitable[None]]], Callable[[R, P], Awaitable[None]]]
RegistersTimer = Callable[[Callable[[P], Answer[W]]], Callable[[P], Answer[W]]]
RegistersSinkTimer = Callable[[Callable[[P], Awaitable[None]]], Callable[[P], Awaitable[None]]]


class Publisher(Protocol):
    """Sends records outside of a handler, for HTTP doors."""

    async def send(self, record: Record) -> None:
        """Returns once all in-sync replicas have the record. Raises ``errors.Unavailable`` or ``errors.TimedOut``."""
        ...

    async def dead_letter(
        self,
        topic: Topic[Any],
        raw: bytes,
        *,
        reason: str,
        message: str,
        headers: dict[str, str],
        about: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Keeps bytes that are no record of ``topic``, with the reason, and tells of them. Raises as ``send`` does.

        ``about``: fields of ``schemas.dead_letters.DeadLetter`` that say who sent them and what they are about.
        """
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
    ``past`` is for replay: from today's ports, or from none, it makes what opens the ports in the world of one decision.
    ``publishes`` names topics that the door writes besides those of ``kfix.engine.topics``.
    """

    name: str
    ports: Callable[[], AbstractAsyncContextManager[P]]
    http: Callable[[P, Publisher], Asgi] | None = None
    listen: Callable[[P], tuple[str, int]] | None = None
    publishes: tuple[Topic[Any], ...] = ()
    past: Callable[[P | None], Callable[[Any], Past[P]]] | None = None
    handlers: list[Handler[P]] = field(default_factory=list)
    timers: list[Timer[P]] = field(default_factory=list)

    @overload
    def handles(
        self, reads: Topic[R], *, writes: tuple[()] = ..., timeout_s: float = ...
    ) -> RegistersSink[R, P]: ...

    @overload
    def handles(
        self, reads: Topic[R], *, writes: tuple[Topic[W]], timeout_s: float = ...
    ) -> Registers[R, P, W]: ...

    @overload
    def handles(
        self, reads: Topic[R], *, writes: tuple[Topic[W], Topic[V]], timeout_s: float = ...
    ) -> Registers[R, P, W | V]: ...

    def handles(
        self, reads: Topic[Any], *, writes: tuple[Topic[Any], ...] = (), timeout_s: float = 120.0
    ) -> Callable[[Any], Any]:
        """Subscribes a function to a topic. A stage subscribes to a topic once.

        Raises errors.Defect when the function's types are not those of its topics.
        """

        def register(call: Callable[[Any, P], Awaitable[Records]]) -> Any:
            if any(handler.reads.name == reads.name for handler in self.handlers):
                raise ValueError(f"{self.name} already reads {reads.name}")
            check_parameter(call, reads)
            check_answer(call, writes)
            name = getattr(call, "__name__", "handler")
            self.handlers.append(Handler(reads, writes, call, name, timeout_s))
            return call

        return register

    @overload
    def every(
        self, *, seconds: Callable[[P], float], writes: tuple[()] = ...
    ) -> RegistersSinkTimer[P]: ...

    @overload
    def every(
        self, *, seconds: Callable[[P], float], writes: tuple[Topic[W]]
    ) -> RegistersTimer[P, W]: ...

    @overload
    def every(
        self, *, seconds: Callable[[P], float], writes: tuple[Topic[W], Topic[V]]
    ) -> RegistersTimer[P, W | V]: ...

    def every(
        self, *, seconds: Callable[[P], float], writes: tuple[Topic[Any], ...] = ()
    ) -> Callable[[Any], Any]:
        """Runs a function again and again, ``seconds`` after it last ended, on every replica of the stage.

        Raises errors.Defect when the function returns what is of none of ``writes``.
        """

        def register(call: Callable[[P], Awaitable[Records]]) -> Any:
            check_answer(call, writes)
            self.timers.append(Timer(seconds, writes, call, getattr(call, "__name__", "timer")))
            return call

        return register
