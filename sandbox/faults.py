"""Troubles that can be switched on for a service: throttled, failing, slow, down, answering garbage. And what was asked.

A fault hits requests of one service whose method and path it matches, ``times`` times or until it is cleared.
Every request is counted, hit or not, so that tests can say how often a client really asked.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Literal, get_args

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.serving import reply

#: Rounds of the event loop in which a closed connection surely gets to whoever waits for its request.
_ROUNDS = 10
FaultKind = Literal["rate_limited", "error", "slow", "down", "malformed"]
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


@dataclass(slots=True)
class Fault:
    """One switched-on trouble."""

    service: str
    kind: FaultKind
    #: Regular expression searched in the path; empty hits every path.
    route: str = ""
    #: HTTP method; empty hits every one.
    method: str = ""
    #: Answer of ``error``.
    status: int = 500
    #: ``slow``: delay before the real answer. ``rate_limited``: the wait asked for, in seconds.
    seconds: float = 1.0
    #: Requests still to hit; ``None``: until cleared.
    times: int | None = None

    def matches(self, service: str, method: str, path: str) -> bool:
        """Whether this fault hits the request."""
        return (
            self.service == service
            and self.times != 0
            and self.method in ("", method)
            and re.search(self.route, path) is not None
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that reached a service, with the fault that hit it, if any."""

    service: str
    method: str
    path: str
    fault: FaultKind | None
    at: float


@dataclass(slots=True)
class Capacity:
    """What a service can bear. An API server under load works like this: so many requests at once, a bounded line, then 429.

    A request whose connection is closed is cancelled, in line or under way, and its place is free.
    Source: kubernetes.io/docs/concepts/cluster-administration/flow-control, "Queuing" and ``Retry-After``; net/http's
    ``Request.Context``.
    """

    at_once: int
    #: Seconds that each request takes beside its work.
    seconds: float
    #: Requests that may wait in line; those beyond it are refused.
    waiting: int
    inside: int = 0
    most_inside: int = 0
    refused: int = 0
    gate: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.gate = asyncio.Semaphore(self.at_once)

    async def bears_another(self) -> bool:
        """Whether there is a place. Before a full line refuses, hang-ups that came and were not read yet are read."""
        for _ in range(_ROUNDS):
            if self.inside < self.at_once + self.waiting:
                return True
            await asyncio.sleep(0.002)
        return False


@dataclass(slots=True)
class Faults:
    """The switchboard of one sandbox. Safe to use from any thread."""

    active: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    #: By service; a service without one bears everything.
    capacities: dict[str, Capacity] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def switch_on(self, fault: Fault) -> Fault:
        """Adds a fault; the first one that matches a request hits it."""
        with self._lock:
            self.active.append(fault)
        return fault

    def clear(self, service: str = "") -> None:
        """Switches everything off, of one service or of all."""
        with self._lock:
            self.active[:] = [f for f in self.active if service and f.service != service]

    def take(self, service: str, method: str, path: str) -> Fault | None:
        """Records the request and returns the fault that hits it."""
        with self._lock:
            hit = next((f for f in self.active if f.matches(service, method, path)), None)
            if hit is not None and hit.times is not None:
                hit.times -= 1
            kind = hit.kind if hit else None
            self.asked.append(Asked(service, method, path, kind, time.time()))
            return hit

    def count(self, service: str, method: str = "", route: str = "") -> int:
        """How many requests reached ``service`` with that method and a path that ``route`` matches."""
        with self._lock:
            return sum(
                1
                for a in self.asked
                if a.service == service and method in ("", a.method) and re.search(route, a.path)
            )


def _throttled_headers(service: str, seconds: float) -> dict[str, str]:
    """The headers with which each service says how long to wait."""
    whole = str(max(1, round(seconds)))
    if service == "datadog":
        return {
            "X-RateLimit-Limit": "300",
            "X-RateLimit-Period": "3600",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": whole,
            "X-RateLimit-Name": "sandbox",
        }
    headers = {"Retry-After": whole}
    if service == "gitlab":
        headers |= {
            "RateLimit-Limit": "2000",
            "RateLimit-Observed": "2001",
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(int(time.time() + seconds)),
        }
    return headers


class WithFaults:
    """ASGI middleware: lets the switchboard decide before the service sees the request."""

    def __init__(self, app: ASGIApp, service: str, faults: Faults) -> None:
        self._app = app
        self._service = service
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self._app(scope, receive, send)
            return
        fault = self._faults.take(self._service, scope["method"], scope["path"])
        capacity = self._faults.capacities.get(self._service)
        if fault is None and capacity is not None:
            await self._in_line(capacity, scope, receive, send)
        elif fault is None:
            await self._app(scope, receive, send)
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        elif fault.kind == "down":
            await _hang_up(send)
        elif fault.kind == "rate_limited":
            headers = _throttled_headers(self._service, fault.seconds)
            await reply({"errors": ["Too many requests"]}, 429, headers)(scope, receive, send)
        elif fault.kind == "malformed":
            await _garbage(send)
        else:
            body = {"message": f"{fault.status} (sandbox fault)"}
            await reply(body, fault.status)(scope, receive, send)

    async def _in_line(
        self, capacity: Capacity, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if not await capacity.bears_another():
            capacity.refused += 1
            headers = _throttled_headers(self._service, 1.0)
            await reply({"errors": ["Too many requests"]}, 429, headers)(scope, receive, send)
            return
        capacity.inside += 1
        capacity.most_inside = max(capacity.most_inside, capacity.inside)
        try:
            await self._while_connected(capacity, scope, receive, send)
        finally:
            capacity.inside -= 1

    async def _while_connected(
        self, capacity: Capacity, scope: Scope, receive: Receive, send: Send
    ) -> None:
        sent = await _sent(receive)
        if sent is None:
            return
        request = iter(sent)

        async def again() -> Message:
            return next(request, None) or await receive()

        async def in_turn() -> None:
            async with capacity.gate:
                await asyncio.sleep(capacity.seconds)
                await self._app(scope, again, send)

        work, gone = asyncio.ensure_future(in_turn()), asyncio.ensure_future(receive())
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
                await asyncio.wait((work,))
        if not work.cancelled():
            work.result()


async def _sent(receive: Receive) -> list[Message] | None:
    """The request's messages to the end of its body; ``None`` when its client is gone before that."""
    messages: list[Message] = []
    while not messages or messages[-1].get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        messages.append(message)
    return messages


async def _hang_up(send: Send) -> None:
    """Cuts the connection without an answer, as a service does that dies.

    The transport belongs to uvicorn's request cycle, of which ``send`` is a method.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise RuntimeError("the server does not show its connection")
    transport.abort()
    await asyncio.sleep(0.02)


async def _garbage(send: Send) -> None:
    """An answer that says JSON and is none."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"data": [{"id": "1", "attr'})
