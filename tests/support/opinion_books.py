"""The book of second opinions in memory: a fake for tests of what uses one, held to the same cases as the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from decide.core.question import ModelAnswer
from decide.ports import Allowance


@dataclass
class Call:
    key: str
    model: str
    incident: str
    at: datetime
    tokens: int
    answer: ModelAnswer | None = None


@dataclass
class MemoryBook:
    """``decide.ports.OpinionBook``."""

    allowance: Allowance
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    calls: list[Call] = field(default_factory=list)

    async def answer(self, key: str, model: str) -> ModelAnswer | None:
        fresh = self.clock() - timedelta(days=30)
        found = [c.answer for c in self.calls if (c.key, c.model) == (key, model) and c.at > fresh]
        return next((a for a in reversed(found) if a is not None), None)

    async def reserve(self, key: str, model: str, incident: str, tokens: int) -> str:
        now, most = self.clock(), self.allowance
        hour = [c.tokens for c in self.calls if c.at > now - timedelta(hours=1)]
        mine = [
            c.tokens
            for c in self.calls
            if c.at > now - timedelta(days=1) and c.incident == incident
        ]
        if len(hour) >= most.calls_per_hour or sum(hour) + tokens > most.tokens_per_hour:
            return ""
        if len(mine) >= most.calls_per_incident or sum(mine) + tokens > most.tokens_per_incident:
            return ""
        self.calls.append(Call(key, model, incident, now, tokens))
        return str(len(self.calls))

    async def settle(self, call: str, tokens: int, answer: ModelAnswer | None) -> None:
        made = self.calls[int(call) - 1]
        made.tokens, made.answer = tokens, answer
