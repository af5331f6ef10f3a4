"""Bounded retries with jitter, for calls that raise ``errors.Retryable``. One loop for all clients."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from schemas import errors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long. Waits are drawn evenly from 0 to the bound, so that clients do not march in step.

    A service that asks for more patience than ``longest_wait_s`` is not waited for here: the failure goes up at once,
    and the runtime puts the record back in line for as long as the service said.
    """

    attempts: int = 3
    first_wait_s: float = 0.3
    longest_wait_s: float = 5.0

    def wait_s(self, attempt: int, error: errors.Retryable) -> float | None:
        """Seconds before the attempt after number ``attempt`` (from 1); ``None``: give up."""
        if attempt >= self.attempts:
            return None
        if error.retry_after_s is not None:
            if error.retry_after_s > self.longest_wait_s:
                return None
            return error.retry_after_s + random.uniform(0, self.first_wait_s)
        return random.uniform(0, min(self.longest_wait_s, self.first_wait_s * 2**attempt))


#: For calls that must not happen twice.
ONCE = Retries(attempts=1)
THRICE = Retries()


async def retrying(call: Callable[[], Awaitable[T]], retries: Retries) -> T:
    """The call's result. Raises its last ``errors.Retryable``, and anything else at once."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return await call()
        except errors.Retryable as error:
            wait_s = retries.wait_s(attempt, error)
            if wait_s is None:
                raise
        await asyncio.sleep(wait_s)


def retrying_sync(call: Callable[[], T], retries: Retries) -> T:
    """The same for blocking clients, in a thread."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return call()
        except errors.Retryable as error:
            wait_s = retries.wait_s(attempt, error)
            if wait_s is None:
                raise
        time.sleep(wait_s)
