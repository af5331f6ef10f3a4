"""Mistral through its official client: one question, one strict JSON answer, one repair try, a hard budget."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from decide.core.question import Answer, Opinion, Question
from kfix.clients import mistral
from schemas import errors

#: Answers kept, by content of the question.
_CACHED = 256
_REPAIR = "Your answer was not the JSON object asked for. Answer again with that object only."


class Budget:
    """At most ``per_hour`` questions in any sixty minutes."""

    def __init__(self, per_hour: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_hour = per_hour
        self._clock = clock
        self._asked: deque[float] = deque()

    def take(self) -> bool:
        """Takes one question from the budget; False when it is spent."""
        now = self._clock()
        while self._asked and now - self._asked[0] >= 3600:
            self._asked.popleft()
        if len(self._asked) >= self._per_hour:
            return False
        self._asked.append(now)
        return True


class MistralReasoner:
    """``decide.ports.Reasoner`` on ``mistralai``."""

    def __init__(
        self,
        *,
        api_key: str,
        url: str,
        model: str,
        timeout_s: float,
        per_hour: int,
        per_incident: int,
    ) -> None:
        self._api_key = api_key
        self._url = url
        self._model = model
        self._timeout_s = timeout_s
        self._per_incident = per_incident
        self._budget = Budget(per_hour)
        self._client: Any = None
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    async def consider(self, question: Question) -> Opinion:
        started = time.monotonic()
        answer = self._answers.get(question.key)
        failure = ""
        if answer is None:
            answer, failure = await self._ask(question)
        if answer is not None:
            self._answers[question.key] = answer
            while len(self._answers) > _CACHED:
                self._answers.popitem(last=False)
        elapsed_ms = (time.monotonic() - started) * 1000
        return Opinion("mistral", self._model, answer, failure, elapsed_ms)

    async def _ask(self, question: Question) -> tuple[Answer | None, str]:
        messages = [
            {"role": "system", "content": question.system},
            {"role": "user", "content": question.user},
        ]
        failure = "no_budget"
        for _ in range(self._per_incident):
            if not self._budget.take():
                return None, "no_budget"
            try:
                text = await mistral.typed(self._complete(messages))
            except errors.KFixError as trouble:
                return None, trouble.reason
            try:
                return Answer.model_validate_json(text), ""
            except ValidationError:
                failure = "malformed_answer"
                messages += [
                    {"role": "assistant", "content": text[:4000]},
                    {"role": "user", "content": _REPAIR},
                ]
        return None, failure

    async def _complete(self, messages: Sequence[dict[str, str]]) -> str:
        client = self._connect()
        response = await client.chat.complete_async(
            model=self._model,
            messages=list(messages),
            temperature=0.0,
            max_tokens=800,
            response_format={
                "type": "json_schema",
                "json_schema": {
                    "name": "answer",
                    "schema": Answer.model_json_schema(),
                    "strict": True,
                },
            },
            timeout_ms=int(self._timeout_s * 1000),
        )
        content = response.choices[0].message.content if response and response.choices else ""
        return content if isinstance(content, str) else ""

    def _connect(self) -> Any:
        if self._client is None:
            self._client = mistral.connect(
                api_key=self._api_key, url=self._url, timeout_s=self._timeout_s
            )
        return self._client

    async def close(self) -> None:
        """Closes the client's connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await mistral.close(client)
