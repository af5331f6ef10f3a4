"""Mistral's official client against the sandbox: every way an answer can fail leaves the rules alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from decide.adapters.mistral import Budget, MistralReasoner
from decide.core.question import Question
from sandbox import mistral
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.serving import serve

GOOD = json.dumps(
    {"hypothesis": "H1", "plan": "P1", "verdict": "fix", "confidence": 0.8, "explanation": "memory"}
)
QUESTION = Question("system", "user", "v1", ("H1",), ("P1",))


@asynccontextmanager
async def reasoner(
    state: mistral.Mistral, faults: Faults | None = None, *, per_hour: int = 10, key: str = ""
) -> AsyncIterator[MistralReasoner]:
    async with serve(mistral.create_app(state, faults)) as url:
        made = MistralReasoner(
            api_key=key or state.api_key,
            url=url,
            model="mistral-large-latest",
            timeout_s=1.0,
            per_hour=per_hour,
            per_incident=2,
        )
        yield made
        await made.close()


async def test_an_answer_comes_back_typed_and_is_asked_for_once() -> None:
    state = mistral.Mistral(answer=lambda _: GOOD)
    async with reasoner(state) as model:
        first = await model.consider(QUESTION)
        again = await model.consider(QUESTION)
    assert first.answer is not None
    assert first.answer.plan == "P1"
    assert again.answer == first.answer
    assert len(state.asked) == 1
    assert state.asked[0]["temperature"] == 0.0


async def test_a_malformed_answer_gets_one_repair_try() -> None:
    answers = iter(["Sure! {", GOOD])
    state = mistral.Mistral(answer=lambda _: next(answers))
    async with reasoner(state) as model:
        opinion = await model.consider(QUESTION)
    assert opinion.answer is not None
    assert len(state.asked) == 2


@pytest.mark.parametrize("answer", [mistral.malformed, mistral.wrong_shape])
async def test_an_answer_that_stays_malformed_is_no_answer(answer: mistral.Answer) -> None:
    state = mistral.Mistral(answer=answer)
    async with reasoner(state) as model:
        opinion = await model.consider(QUESTION)
    assert (opinion.answer, opinion.failure) == (None, "malformed_answer")
    assert len(state.asked) == 2


@pytest.mark.parametrize(
    ("kind", "failures"),
    [
        ("rate_limited", {"rate_limited"}),
        ("error", {"unavailable"}),
        ("down", {"unavailable", "timed_out"}),
        ("malformed", {"malformed"}),
    ],
)
async def test_a_service_in_trouble_is_a_named_failure(kind: FaultKind, failures: set[str]) -> None:
    faults = Faults()
    faults.switch_on(Fault("mistral", kind, seconds=0.1))
    async with reasoner(mistral.Mistral(answer=lambda _: GOOD), faults) as model:
        opinion = await model.consider(QUESTION)
    assert opinion.answer is None
    assert opinion.failure in failures


async def test_a_slow_service_is_given_up() -> None:
    faults = Faults()
    faults.switch_on(Fault("mistral", "slow", seconds=5.0))
    async with reasoner(mistral.Mistral(answer=lambda _: GOOD), faults) as model:
        opinion = await model.consider(QUESTION)
    assert opinion.failure == "timed_out"


async def test_a_wrong_key_is_a_named_failure() -> None:
    async with reasoner(mistral.Mistral(), key="wrong") as model:
        assert (await model.consider(QUESTION)).failure == "unauthorized"


async def test_a_spent_budget_asks_nobody() -> None:
    state = mistral.Mistral(answer=lambda _: GOOD)
    async with reasoner(state, per_hour=0) as model:
        assert (await model.consider(QUESTION)).failure == "no_budget"
    assert state.asked == []


def test_the_budget_comes_back_after_an_hour() -> None:
    now = [0.0]
    budget = Budget(2, clock=lambda: now[0])
    assert [budget.take() for _ in range(3)] == [True, True, False]
    now[0] = 3600.0
    assert budget.take()
