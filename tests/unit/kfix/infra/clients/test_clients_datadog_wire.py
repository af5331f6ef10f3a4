"""The transport under Datadog's official client: reads only, bounded, nowhere but to the configured address."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from kfix.infra.clients import boundary
from kfix.infra.clients.datadog import open_datadog
from kfix.infra.clients.datadog_questions import of_other_log, of_other_series, same_query
from kfix.infra.clients.datadog_wire import MAX_BYTES, ReadOnly
from kfix.infra.settings import DatadogConnection
from schemas import errors
from tests.support.loopback import Answer, Asked, serving

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
MONITOR = {"id": 5, "name": "m", "type": "metric alert", "query": "q"}


def connection(url: str, **more: Any) -> DatadogConnection:
    keys: dict[str, Any] = {"api_key": SecretStr("key-a"), "app_key": SecretStr("key-b")}
    return DatadogConnection(_env_file=None, url=url, **keys, **more)


async def test_a_redirect_is_not_followed_and_takes_no_key_along() -> None:
    seen: list[Asked] = []

    def elsewhere(asked: Asked) -> Answer:
        seen.append(asked)
        return Answer.of(MONITOR)

    async with serving(elsewhere) as other:
        there = Answer(b"", status=302, headers={"location": f"{other}/api/v1/monitor/5"})
        async with serving(lambda _: there) as url, open_datadog(connection(url)) as datadog:
            with pytest.raises(errors.Rejected) as refused:
                await datadog.monitor(5)
    assert refused.value.reason == "redirected"
    assert seen == []


async def test_an_answer_beyond_the_cap_is_refused() -> None:
    huge = Answer(b" " * (MAX_BYTES + 1))
    async with serving(lambda _: huge) as url, open_datadog(connection(url)) as datadog:
        with pytest.raises(errors.Rejected) as refused:
            await datadog.monitor(5)
    assert refused.value.reason == "too_large"


async def test_a_throttle_and_a_failure_are_waited_out() -> None:
    left = [
        Answer(b"{}", status=429, headers={"x-ratelimit-reset": "0"}),
        Answer(b"{}", status=503),
    ]
    seen: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        seen.append(asked)
        return left.pop(0) if left else Answer.of(MONITOR)

    async with serving(answer) as url, open_datadog(connection(url)) as datadog:
        assert (await datadog.monitor(5))["name"] == "m"
    assert len(seen) == 3
    assert {asked.headers["dd-api-key"] for asked in seen} == {"key-a"}


async def test_a_silent_service_is_given_up_in_time() -> None:
    slow = Answer(b"{}", before_s=30.0)
    async with (
        serving(lambda _: slow) as url,
        open_datadog(connection(url, timeout_s=0.05)) as datadog,
    ):
        with pytest.raises(errors.TimedOut):
            await datadog.metrics(["avg:x{*}"], NOW, NOW)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nothing_can_be_written(method: str) -> None:
    with pytest.raises(errors.Defect) as refused:
        await ReadOnly(None).request(method, "http://127.0.0.1/", body={})  # type: ignore[arg-type]
    assert refused.value.reason == "would_write"


@pytest.mark.parametrize(
    ("query", "told", "other"),
    [
        ("avg:m.x{a:1,b:2} by {c}", {"metric": "m.x", "scope": "a:1,b:2,c:3"}, False),
        ("avg:m.x{a:1,b:2} by {c}", {"metric": "m.x", "scope": "c:3"}, False),
        ("avg:m.x{a:1} by {c}", {"metric": "m.x", "scope": "A:1"}, False),
        ("avg:m.x{a:1} by {c}", {"metric": "m.x", "scope": "a:2"}, True),
        ("avg:m.x{a:1} by {c}", {"metric": "m.x", "scope": "", "tag_set": ["a:2"]}, True),
        ("avg:m.x{a:1} by {c}", {"metric": "m.y", "scope": "a:1"}, True),
        ("sum:m.x{a:1}.as_count()", {"metric": "m.x", "scope": "a:1"}, False),
        ("avg:m.x{*}", {"metric": "m.x", "scope": "*"}, False),
        ("avg:m.x{!a:1}", {"metric": "m.x", "scope": "a:2"}, False),
        ("avg:m.x{a:1}/avg:m.y{a:1}", {"metric": "(m.x / m.y)", "scope": "a:1"}, False),
    ],
)
def test_a_series_is_of_the_query_unless_it_contradicts_it(
    query: str, told: dict[str, Any], other: bool
) -> None:
    assert of_other_series([query], told) is other


def test_a_log_event_without_the_tag_contradicts_nothing() -> None:
    search = 'kube_namespace:"shop" service:"api"'
    assert not of_other_log(search, "api", ["env:prod"])
    assert not of_other_log(search, "", ["kube_namespace:pay", "kube_namespace:shop"])
    assert of_other_log(search, "api", ["kube_namespace:pay"])
    assert of_other_log(search, "cart", [])


def test_a_query_is_the_same_however_it_is_spaced() -> None:
    assert same_query("avg:x{a:1} by {b}", "avg:x{a:1}by{b}")
    assert not same_query("avg:x{a:1}", "avg:x{a:2}")


@boundary.guarded("somebody")
class Somebody:
    def __init__(self, failure: BaseException) -> None:
        self._failure = failure

    async def asked(self) -> None:
        raise self._failure

    def asked_at_once(self) -> None:
        raise self._failure


@pytest.mark.parametrize(
    "failure",
    [TypeError("x"), KeyError("x"), AttributeError("x"), RecursionError(), OSError(), ValueError()],
    ids=repr,
)
async def test_what_no_client_documents_becomes_the_sources_failure_and_is_counted(
    failure: Exception,
) -> None:
    count = boundary.SURPRISES.labels("somebody", "unforeseen")
    before = count._value.get()
    with pytest.raises(errors.Unavailable) as first:
        await Somebody(failure).asked()
    with pytest.raises(errors.Unavailable) as second:
        Somebody(failure).asked_at_once()
    assert (first.value.reason, second.value.reason) == ("unforeseen", "unforeseen")
    assert first.value.__cause__ is failure
    assert count._value.get() == before + 2


@pytest.mark.parametrize("failure", [errors.NotFound("x"), KeyboardInterrupt()], ids=repr)
async def test_our_own_words_and_the_end_of_the_process_pass_unchanged(
    failure: BaseException,
) -> None:
    with pytest.raises(type(failure)) as raised:
        await Somebody(failure).asked()
    assert raised.value is failure
