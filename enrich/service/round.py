"""One alert's round of questions: each with a deadline; what failed is noted, never raised."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from kfix.texts import say
from schemas import errors
from schemas.context import SourceStatus
from schemas.text import cut, sentence_of

T = TypeVar("T")


@dataclass(slots=True)
class Round:
    """One alert's round of questions."""

    deadline_s: float
    statuses: list[SourceStatus] = field(default_factory=list)

    async def ask(self, name: str, question: Awaitable[T], otherwise: T) -> T:
        """The answer within the deadline, or ``otherwise`` with the reason noted."""
        started = time.perf_counter()
        reason: str = ""
        why: Literal["", "unanswered", "refused", "absent"] = ""
        try:
            async with asyncio.timeout(self.deadline_s):
                answer = await question
        except TimeoutError:
            answer, reason = otherwise, say("enrich.no_answer", seconds=self.deadline_s)
            why = "unanswered"
        except errors.KFixError as failure:
            answer, reason = otherwise, cut(_said(failure), 300)
            why = why_missing(failure)
        elapsed_ms = (time.perf_counter() - started) * 1000
        state = "missing" if reason else "ok"
        self.statuses.append(
            SourceStatus(
                name=name, state=state, reason=reason, why=why, elapsed_ms=round(elapsed_ms, 1)
            )
        )
        return answer

    def forget(self, name: str) -> None:
        """Takes back what was noted of a source that is asked anew."""
        self.statuses = [status for status in self.statuses if status.name != name]

    def lacking(self, name: str, reason: str) -> None:
        """Notes that a source that answered did not tell everything."""
        self.statuses = [
            status.model_copy(update={"state": "degraded", "reason": cut(reason, 300)})
            if status.name == name
            else status
            for status in self.statuses
        ]


def _said(failure: errors.KFixError) -> str:
    return say("enrich.failed", reason=failure.reason, why=sentence_of(failure))


def why_missing(failure: errors.KFixError) -> Literal["unanswered", "refused", "absent"]:
    """What a source's failure means for asking it again."""
    if isinstance(failure, errors.Retryable):
        return "unanswered"
    return "absent" if isinstance(failure, errors.NotFound) else "refused"
