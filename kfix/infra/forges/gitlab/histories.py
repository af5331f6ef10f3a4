"""What commits were and what they changed never becomes another: asked once, and kept while there is room."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Answers that never change, by key: each is asked for once, however many wait for it. Failures are not kept.

    ``room``: the most that all kept answers may weigh together; those not asked for longest go first.
    """

    def __init__(self, *, room: int, weight: Callable[[V], int]) -> None:
        self._room = room
        self._weight = weight
        self._answers: OrderedDict[K, V] = OrderedDict()
        self._asked: dict[K, asyncio.Task[V]] = {}
        self._weighs = 0

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """The answer, asked for by ``ask`` where it is not known. Raises what ``ask`` raises.

        A caller that is cancelled leaves the question to the others.
        """
        if key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.ensure_future(self._run(key, ask))
            # A failure that nobody waits for any more is nobody's.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _run(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        try:
            answer = await ask()
        finally:
            del self._asked[key]
        self._answers[key] = answer
        self._weighs += self._weight(answer)
        while self._weighs > self._room:
            _, oldest = self._answers.popitem(last=False)
            self._weighs -= self._weight(oldest)
        return answer
