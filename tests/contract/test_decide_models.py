"""Every provider's official client against a loopback server: each way an answer can fail leaves the rules alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from decide.adapters.anthropic import ClaudeChat
from decide.adapters.mistral import MistralChat
from decide.adapters.openai import OpenAIChat
from decide.adapters.reasoning import Breaker, ModelReasoner, Patience
from decide.core.question import MOST_TOKENS, Question
from decide.ports import Allowance, ChatModel
from sandbox import anthropic, mistral, openai
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.mistral import Answer
from sandbox.serving import reply, serve
from tests.support.opinion_books import MemoryBook

GOOD = json.dumps(
    {
        "hypothesis": "H1",
        "plan": "P1",
        "verdict": "fix",
        "confidence": 0.8,
        "explanation": "memory",
        "proposal": None,
    }
)
QUESTION = Question("system", "user", "v1", ("H1",), ("P1",), incident="fp-1", repair="again")
PLENTY = Allowance(100, 10_000_000, 100, 10_000_000)
#: Seconds for one answer in these tests.
TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Provider:
    """How a provider's fake and its adapter are made."""

    service: str
    account: Callable[[], Any]
    app: Callable[[Any, Faults | None], Any]
    chat: Callable[[str, str], ChatModel]


PROVIDERS = {
    "mistral": Provider(
        "mistral",
        mistral.Mistral,
        mistral.create_app,
        lambda key, url: MistralChat(api_key=key, url=url, model="m", timeout_s=TIMEOUT_S),
    ),
    "anthropic": Provider(
        "anthropic",
        anthropic.Anthropic,
        anthropic.create_app,
        lambda key, url: ClaudeChat(api_key=key, url=url, model="m", timeout_s=TIMEOUT_S),
    ),
    "openai": Provider(
        "openai",
        openai.OpenAI,
        openai.create_app,
        lambda key, url: OpenAIChat(
            api_key=key, url=f"{url}/v1", model="m", timeout_s=TIMEOUT_S, compatible=False
        ),
    ),
    "compatible": Provider(
        "openai",
        lambda: openai.OpenAI(compatible=True, api_key=""),
        openai.create_app,
        lambda key, url: OpenAIChat(
            api_key=key, url=f"{url}/v1", model="m", timeout_s=TIMEOUT_S, compatible=True
        ),
    ),
}


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> Provider:
    return PROVIDERS[request.param]


@asynccontextmanager
async def reasoner(
    provider: Provider,
    state: Any,
    faults: Faults | None = None,
    *,
    key: str | None = None,
    allowance: Allowance = PLENTY,
    breaker: Breaker | None = None,
) -> AsyncIterator[ModelReasoner]:
    async def at_once(seconds: float) -> None:
        assert seconds <= Patience().wait_s

    async with serve(provider.app(state, faults)) as url:
        chat = provider.chat(state.api_key if key is None else key, url)
        made = ModelReasoner(chat, MemoryBook(allowance), breaker=breaker, sleep=at_once)
        yield made
        await made.close()


def saying(provider: Provider, *answers: str | Answer) -> Any:
    state = provider.account()
    left = list(answers)

    def answer(request: Any) -> str:
        said = left.pop(0) if len(left) > 1 else left[0]
        return said if isinstance(said, str) else said(request)

    state.answer = answer
    return state


async def test_an_answer_comes_back_typed_and_is_asked_for_once(provider: Provider) -> None:
    state = saying(provider, GOOD)
    async with reasoner(provider, state) as model:
        first = await model.consider(QUESTION)
        again = await model.consider(QUESTION)
    assert first.answer is not None, first.failure
    assert first.answer.plan == "P1"
    assert again.answer == first.answer
    assert len(state.asked) == 1
    sent = state.asked[0]
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == MOST_TOKENS


async def test_an_opinion_says_what_it_cost_and_a_kept_answer_cost_nothing(
    provider: Provider,
) -> None:
    once, twice = saying(provider, GOOD), saying(provider, "Sure! {", GOOD)
    async with reasoner(provider, once) as model:
        first = await model.consider(QUESTION)
        again = await model.consider(QUESTION)
    async with reasoner(provider, twice) as model:
        repaired = await model.consider(QUESTION)
    assert first.calls == 1
    assert first.input_tokens > 0
    assert first.output_tokens > 0
    assert (again.calls, again.input_tokens, again.output_tokens) == (0, 0, 0)
    assert repaired.calls == 2
    # Both calls' tokens: the repair reads the question and the bad answer again.
    assert repaired.input_tokens > 2 * first.input_tokens


async def test_the_smallest_answer_that_the_schema_allows_is_one(provider: Provider) -> None:
    state = saying(provider, mistral.smallest)
    async with reasoner(provider, state) as model:
        opinion = await model.consider(QUESTION)
    assert opinion.answer is not None, opinion.failure


async def test_a_malformed_answer_gets_one_repair_try(provider: Provider) -> None:
    state = saying(provider, "Sure! {", GOOD)
    async with reasoner(provider, state) as model:
        opinion = await model.consider(QUESTION)
    assert opinion.answer is not None
    assert len(state.asked) == 2
    assert "Sure! {" in str(state.asked[1]["messages"])
    assert state.asked[1]["messages"][-1]["content"] == "again"


async def test_an_answer_in_a_code_fence_needs_no_repair(provider: Provider) -> None:
    state = saying(provider, f"```json\n{GOOD}\n```")
    async with reasoner(provider, state) as model:
        opinion = await model.consider(QUESTION)
    assert opinion.answer is not None
    assert len(state.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        mistral.malformed,
        mistral.wrong_shape,
        "",
        GOOD.replace("0.8", "7"),
        GOOD.replace("null", '{"fix": "delete", "target": "T1", "number": 1}'),
        GOOD.replace("null", '{"fix": "set_memory", "target": "T1", "number": -1}'),
        GOOD.replace("}", ', "manifest": "kind: Pod"}'),
    ],
)
async def test_an_answer_that_stays_malformed_is_no_answer(
    provider: Provider, answer: str | Answer
) -> None:
    state = saying(provider, answer)
    async with reasoner(provider, state) as model:
        opinion = await model.consider(QUESTION)
    assert (opinion.answer, opinion.failure) == (None, "malformed_answer")
    assert len(state.asked) == 2


@pytest.mark.parametrize(
    ("kind", "status", "failures", "calls"),
    [
        ("rate_limited", 429, {"rate_limited"}, 2),
        ("error", 500, {"unavailable"}, 2),
        ("error", 529, {"unavailable"}, 2),
        ("error", 504, {"timed_out"}, 2),
        ("error", 400, {"rejected"}, 1),
        ("error", 404, {"not_found"}, 1),
        ("error", 403, {"unauthorized"}, 1),
        ("down", 0, {"unavailable"}, 2),
        ("malformed", 200, {"malformed"}, 1),
    ],
)
async def test_a_service_in_trouble_is_a_named_failure_after_one_retry(
    provider: Provider, kind: FaultKind, status: int, failures: set[str], calls: int
) -> None:
    faults = Faults()
    faults.switch_on(Fault(provider.service, kind, seconds=1, status=status))
    async with reasoner(provider, saying(provider, GOOD), faults) as model:
        opinion = await model.consider(QUESTION)
    assert opinion.answer is None
    assert opinion.failure in failures
    assert faults.count(provider.service) == calls


async def test_a_passing_failure_is_retried_once(provider: Provider) -> None:
    faults = Faults()
    faults.switch_on(Fault(provider.service, "rate_limited", seconds=1, times=1))
    async with reasoner(provider, saying(provider, GOOD), faults) as model:
        assert (await model.consider(QUESTION)).answer is not None
    assert faults.count(provider.service) == 2


async def test_a_service_that_asks_for_patience_is_not_waited_for(provider: Provider) -> None:
    faults = Faults()
    faults.switch_on(Fault(provider.service, "rate_limited", seconds=3600))
    async with reasoner(provider, saying(provider, GOOD), faults) as model:
        assert (await model.consider(QUESTION)).failure == "rate_limited"
    assert faults.count(provider.service) == 1


async def test_a_slow_service_is_given_up(provider: Provider) -> None:
    faults = Faults()
    faults.switch_on(Fault(provider.service, "slow", seconds=30.0))
    async with serve(provider.app(provider.account(), faults)) as url:
        chat = provider.chat(provider.account().api_key, url)
        model = ModelReasoner(chat, MemoryBook(PLENTY), patience=Patience(total_s=0.5))
        assert (await model.consider(QUESTION)).failure == "timed_out"
        await model.close()


async def test_a_service_that_drips_is_given_up(provider: Provider) -> None:
    """A byte now and then keeps a time-out per read from firing; the one for the whole answer fires."""
    import asyncio

    async def drip(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(40):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": b"{}"})

    async with serve(drip) as url:
        chat = provider.chat("key", url)
        model = ModelReasoner(chat, MemoryBook(PLENTY), patience=Patience(total_s=0.6))
        assert (await model.consider(QUESTION)).failure == "timed_out"
        await model.close()


async def test_a_wrong_key_is_a_named_failure(provider: Provider) -> None:
    state = provider.account()
    state.api_key = "right"
    async with reasoner(provider, state, key="wrong") as model:
        assert (await model.consider(QUESTION)).failure == "unauthorized"
    assert state.asked == []


async def test_a_truncated_answer_is_no_answer_and_is_not_repaired(provider: Provider) -> None:
    state = saying(provider, GOOD[:40])
    if provider.service == "anthropic":
        state.stop_reason = "max_tokens"
    else:
        state.finish_reason = "length"
    async with reasoner(provider, state) as model:
        assert (await model.consider(QUESTION)).failure == "truncated"
    assert len(state.asked) == 1


@pytest.mark.parametrize("name", ["anthropic", "openai", "compatible"])
async def test_a_refusal_is_a_named_failure(name: str) -> None:
    """Mistral has no form for one: there it is a malformed answer."""
    provider = PROVIDERS[name]
    state = saying(provider, "I cannot help with that.")
    if provider.service == "anthropic":
        state.stop_reason = "refusal"
    else:
        state.refusal = "I cannot help with that."
    async with reasoner(provider, state) as model:
        assert (await model.consider(QUESTION)).failure == "refused"
    assert len(state.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        {"choices": []},
        {"choices": [{}]},
        {"content": None},
        {"content": ["x"], "choices": ["x"]},
    ],
)
async def test_json_of_another_shape_is_a_named_failure(provider: Provider, body: Any) -> None:
    async def answer(_: Request) -> Response:
        return reply(body)

    paths = ("/v1/messages", "/v1/chat/completions")
    app = Starlette(routes=[Route(path, answer, methods=["POST"]) for path in paths])
    async with serve(app) as url:
        model = ModelReasoner(provider.chat("key", url), MemoryBook(PLENTY))
        assert (await model.consider(QUESTION)).failure == "malformed"
        await model.close()


async def test_a_redirect_is_not_followed(provider: Provider) -> None:
    seen: list[str] = []

    async def away(request: Request) -> Response:
        seen.append(request.url.path)
        return Response("", 307, {"location": "/elsewhere"})

    app = Starlette(routes=[Route("/{rest:path}", away, methods=["POST", "GET"])])
    async with serve(app) as url:
        model = ModelReasoner(provider.chat("key", url), MemoryBook(PLENTY))
        assert (await model.consider(QUESTION)).answer is None
        await model.close()
    assert len(seen) == 1


async def test_a_client_reaches_nothing_but_its_base(provider: Provider) -> None:
    from kfix.infra.clients.httpx2 import open_client
    from schemas import errors

    state = provider.account()
    async with serve(provider.app(state, None)) as url:
        client = open_client(f"{url}/allowed", 1.0)
        for other in (f"{url}/v1/messages", "http://127.0.0.1:9/allowed/x", f"{url}/allowed/../v1"):
            with pytest.raises(errors.Rejected, match="egress refused"):
                await client.post(other, json={})
        await client.aclose()
    assert state.asked == []


async def test_a_spent_budget_asks_nobody(provider: Provider) -> None:
    state = saying(provider, GOOD)
    async with reasoner(provider, state, allowance=Allowance(0, 10**6, 9, 10**6)) as model:
        assert (await model.consider(QUESTION)).failure == "no_budget"
    assert state.asked == []


async def test_a_repair_counts(provider: Provider) -> None:
    state = saying(provider, "no")
    async with reasoner(provider, state, allowance=Allowance(9, 10**6, 1, 10**6)) as model:
        assert (await model.consider(QUESTION)).failure == "no_budget"
    assert len(state.asked) == 1


async def test_a_book_that_cannot_be_written_after_the_answer_costs_no_second_call(
    provider: Provider,
) -> None:
    from schemas import errors

    class Torn(MemoryBook):
        async def settle(self, call: str, tokens: int, answer: Any) -> None:
            raise errors.Unavailable("the store is away")

    state = saying(provider, GOOD)
    async with serve(provider.app(state, None)) as url:
        model = ModelReasoner(provider.chat(state.api_key, url), Torn(PLENTY))
        assert (await model.consider(QUESTION)).answer is not None
        await model.close()
    assert len(state.asked) == 1


async def test_a_broken_circuit_asks_nobody_and_heals(provider: Provider) -> None:
    now = [0.0]
    faults = Faults()
    fault = faults.switch_on(Fault(provider.service, "error", status=503))
    breaker = Breaker(2, rest_s=60.0, clock=lambda: now[0])
    async with reasoner(provider, saying(provider, GOOD), faults, breaker=breaker) as model:
        assert (await model.consider(QUESTION)).failure == "unavailable"
        assert (await model.consider(QUESTION)).failure == "circuit_open"
        assert faults.count(provider.service) == 2
        now[0] = 61.0
        faults.active.remove(fault)
        assert (await model.consider(QUESTION)).answer is not None


@pytest.mark.parametrize("shape", ["json_object", "none"])
async def test_a_server_that_knows_no_schema_can_still_be_asked(shape: Any) -> None:
    state = saying(PROVIDERS["compatible"], GOOD)
    async with serve(openai.create_app(state)) as url:
        chat = OpenAIChat(
            api_key="", url=f"{url}/v1", model="m", timeout_s=1.0, compatible=True, shape=shape
        )
        model = ModelReasoner(chat, MemoryBook(PLENTY))
        assert (await model.consider(QUESTION)).answer is not None
        await model.close()
    assert state.asked[0].get("response_format", {}).get("type", "none") == shape
