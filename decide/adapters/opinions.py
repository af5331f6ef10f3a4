"""The book of second opinions: a hard budget, and answers by content. In memory: it forgets when the process ends."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from decide.core.question import Answer
from decide.ports import Allowance

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
#: Answers kept.
_KEPT = 256


@dataclass(slots=True)
class _Call:
    key: str
    model: str
    incident: str
    at: float
    tokens: int


class MemoryBook:
    """``decide.ports.OpinionBook`` for one process."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float] = time.time) -> None:
        self._allowance = allowance
        self._clock = clock
        self._calls: dict[str, _Call] = {}
        self._answers: OrderedDict[tuple[str, str], Answer] = OrderedDict()
        self._count = 0

    async def answer(self, key: str, model: str) -> Answer | None:
        return self._answers.get((key, model))

    async def reserve(self, key: str, model: str, incident: str, tokens: int) -> str:
        now, most = self._clock(), self._allowance
        self._calls = {i: c for i, c in self._calls.items() if now - c.at < DAY_S}
        hour = [c.tokens for c in self._calls.values() if now - c.at < HOUR_S]
        mine = [c.tokens for c in self._calls.values() if c.incident == incident]
        if len(hour) >= most.calls_per_hour or sum(hour) + tokens > most.tokens_per_hour:
            return ""
        if len(mine) >= most.calls_per_incident or sum(mine) + tokens > most.tokens_per_incident:
            return ""
        self._count += 1
        self._calls[str(self._count)] = _Call(key, model, incident, now, tokens)
        return str(self._count)

    async def settle(self, call: str, tokens: int, answer: Answer | None) -> None:
        made = self._calls[call]
        made.tokens = tokens
        if answer is not None:
            self._answers[made.key, made.model] = answer
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
