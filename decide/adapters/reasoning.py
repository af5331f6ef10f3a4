"""One question to a model: cached, budgeted, repaired once, retried once, and left alone while it is down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError

from decide.core.question import MOST_TOKENS, Message, ModelAnswer, Opinion, Question
from decide.ports import ChatModel, Completion, OpinionBook
from schemas import errors

#: Characters of a bad answer that go back to the model.
_SHOWN = 4_000
#: Characters a token stands for at least, over the languages and JSON that prompts are made of.
_TOKEN_CHARACTERS = 3


class Breaker:
    """Opens after ``limit`` failures in a row; after ``rest_s`` lets one call through to see."""

    def __init__(
        self, limit: int = 3, rest_s: float = 120.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._rest_s = rest_s
        self._clock = clock
        self._failures = 0
        self._opened = 0.0

    def allows(self) -> bool:
        """Whether a call may be made now. While open, one per ``rest_s``."""
        if self._failures < self._limit:
            return True
        if self._clock() - self._opened < self._rest_s:
            return False
        self._opened = self._clock()
        return True

    def note(self, *, well: bool) -> None:
        """How a call went: did the service answer?"""
        self._failures = 0 if well else self._failures + 1
        if self._failures >= self._limit:
            self._opened = self._clock()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one opinion may take."""

    #: Seconds for all calls of one question together.
    total_s: float = 60.0
    #: Longest wait that a throttling service may ask for before the one retry.
    wait_s: float = 2.0


@dataclass(slots=True)
class _Spent:
    """What one question has cost so far. Where a service does not say, what was set aside for the call counts."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class ModelReasoner:
    """``decide.ports.Reasoner`` over any chat."""

    def __init__(
        self,
        chat: ChatModel,
        book: OpinionBook,
        *,
        patience: Patience | None = None,
        breaker: Breaker | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._chat = chat
        self._book = book
        self._patience = patience or Patience()
        self._breaker = breaker or Breaker()
        self._sleep = sleep

    async def consider(self, question: Question) -> Opinion:
        """A kept answer, else one from the model within the budget, asked again once where it is malformed. Never raises from ``schemas.errors``: the opinion has a ``failure``."""
        started = time.monotonic()
        answer, failure, spent = None, "", _Spent()
        try:
            async with asyncio.timeout(self._patience.total_s):
                answer, failure = await self._recall_or_ask(question, spent)
        except TimeoutError:
            self._breaker.note(well=False)
            failure = "timed_out"
        except errors.KFixError as trouble:
            failure = trouble.reason
        elapsed_ms = (time.monotonic() - started) * 1000
        return Opinion(
            self._chat.provider,
            self._chat.model,
            answer,
            failure,
            elapsed_ms,
            spent.calls,
            spent.input_tokens,
            spent.output_tokens,
        )

    async def close(self) -> None:
        """Closes the chat's connections."""
        await self._chat.close()

    async def _recall_or_ask(
        self, question: Question, spent: _Spent
    ) -> tuple[ModelAnswer | None, str]:
        kept = await self._book.answer(question.key, self._name)
        return (kept, "") if kept is not None else await self._ask(question, spent)

    @property
    def _name(self) -> str:
        return f"{self._chat.provider}/{self._chat.model}"

    async def _ask(self, question: Question, spent: _Spent) -> tuple[ModelAnswer | None, str]:
        """At most three calls: the first, one repair of a malformed answer, one retry of a passing failure."""
        messages = [Message("user", question.user)]
        repaired = retried = False
        while True:
            if not self._breaker.allows():
                return None, "circuit_open"
            try:
                done, answer = await self._call(question, messages, spent)
            except errors.Retryable as trouble:
                wait_s = trouble.retry_after_s or 0.2
                if retried or wait_s > self._patience.wait_s:
                    return None, trouble.reason
                retried = True
                await self._sleep(wait_s)
                continue
            if answer is not None:
                return answer, ""
            if done.ended != "done":
                return None, done.ended
            if repaired:
                return None, "malformed_answer"
            repaired = True
            messages = [
                *messages,
                Message("assistant", done.text[:_SHOWN] or "-"),
                Message("user", question.repair),
            ]

    async def _call(
        self, question: Question, messages: list[Message], spent: _Spent
    ) -> tuple[Completion, ModelAnswer | None]:
        size = len(question.system) + sum(len(m.text) for m in messages)
        reserved = size // _TOKEN_CHARACTERS + MOST_TOKENS
        call = await self._book.reserve(question.key, self._name, question.incident, reserved)
        if not call:
            raise errors.Rejected("the budget for second opinions is spent", reason="no_budget")
        spent.calls += 1
        try:
            done = await self._chat.complete(question.system, messages)
        except errors.KFixError as trouble:
            self._breaker.note(well=isinstance(trouble, errors.Rejected))
            raise
        self._breaker.note(well=True)
        spent.input_tokens += done.input_tokens if done.tokens else reserved - MOST_TOKENS
        spent.output_tokens += done.output_tokens if done.tokens else MOST_TOKENS
        answer = _read(done) if done.ended == "done" else None
        with suppress(
            errors.KFixError
        ):  # then the reservation stands, and the answer is still good
            await self._book.settle(call, done.tokens or reserved, answer)
        return done, answer


def _read(done: Completion) -> ModelAnswer | None:
    """The typed answer; models without structured output wrap it in a code fence."""
    text = done.text.strip()
    if text.startswith("```"):
        text = text.strip("`").removeprefix("json").strip()
    try:
        return ModelAnswer.model_validate_json(text)
    except ValidationError:
        return None
