"""A limit of Datadog's that is used up is left alone until it is reset, and the wait is told as one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from kfix.infra.clients.datadog import open_datadog
from kfix.infra.clients.datadog_limits import RateLimits
from kfix.infra.settings import DatadogConnection
from schemas import errors
from tests.support.loopback import Answer, Asked, serving

URL = "https://api.example.test/api/v1/monitor/5"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def headers(remaining: str = "0", reset: str = "30", name: str = "monitors") -> dict[str, str]:
    named = {"x-ratelimit-name": name} if name else {}
    return {**named, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}


def waits(limits: RateLimits, url: str) -> float | None:
    try:
        limits.check(url)
    except errors.RateLimited as limited:
        return limited.retry_after_s
    return None


def test_a_used_up_limit_holds_all_calls_that_share_it_until_it_is_reset() -> None:
    clock = Clock()
    limits = RateLimits(clock)
    limits.told("https://api.example.test/api/v1/monitor", headers(remaining="1"))
    assert waits(limits, URL) is None
    limits.told(URL, headers())
    assert waits(limits, URL) == 30
    assert waits(limits, URL.replace("/5", "/77")) == 30
    assert waits(limits, "https://api.example.test/api/v1/monitor") == 30
    assert waits(limits, "https://api.example.test/api/v1/query") is None
    assert waits(limits, "https://api.example.test/api/v2/monitor/5") is None
    clock.now += 30
    assert waits(limits, URL) is None


def test_an_answer_with_something_left_opens_the_limit_again() -> None:
    limits = RateLimits(Clock())
    limits.told(URL, headers())
    limits.told(URL, headers(remaining="3"))
    assert waits(limits, URL) is None


@pytest.mark.parametrize("told", [{}, headers("", "3"), headers("0", "soon"), headers("-1", "3")])
def test_what_cannot_be_read_closes_nothing(told: dict[str, str]) -> None:
    limits = RateLimits(Clock())
    limits.told(URL, told)
    assert waits(limits, URL) is None


def test_no_answer_closes_a_limit_for_ever() -> None:
    limits = RateLimits(Clock())
    limits.told(URL, headers(reset="9" * 30, name=""))
    assert waits(limits, URL) == 86_400


async def test_a_client_whose_limit_is_used_up_asks_no_more_and_says_how_long() -> None:
    seen: list[Asked] = []
    monitor = {"id": 5, "name": "m", "type": "metric alert", "query": "q"}

    def answer(asked: Asked) -> Answer:
        seen.append(asked)
        told = headers(reset="1800")
        return Answer(Answer.of(monitor).body, headers={**told, "content-type": "application/json"})

    keys: dict[str, Any] = {"api_key": SecretStr("a"), "app_key": SecretStr("b")}
    async with (
        serving(answer) as url,
        open_datadog(DatadogConnection(_env_file=None, url=url, **keys)) as datadog,
    ):
        assert (await datadog.monitor(5))["name"] == "m"
        with pytest.raises(errors.RateLimited) as limited:
            await datadog.monitor(5)
    assert len(seen) == 1
    assert limited.value.retry_after_s == pytest.approx(1800, abs=60)
