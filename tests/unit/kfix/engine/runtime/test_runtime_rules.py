"""Verdicts on failures, headers of retries and dead letters, differences of decisions, settings, stage names."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import kfix
from kfix.cli.stage_registry import NAMES, find
from kfix.engine.broker.connection import Brokers
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.comparing import differences
from kfix.engine.runtime.engine import Engine
from kfix.engine.runtime.failure_headers import (
    MESSAGE_MAX,
    Failure,
    Origin,
    dead_headers,
    retry_headers,
    revived_headers,
)
from kfix.engine.runtime.intake import Intake
from kfix.engine.runtime.producer import Producer
from kfix.engine.runtime.retry_policy import Again, GiveUp, GoOn, Later, after_failure
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.stage import Stage
from kfix.engine.wire import codec_for
from kfix.infra.settings import Kafka
from schemas import errors

KNOBS = Runtime(_env_file=None)
HERE = Origin("alerts.raw", 3, 42, "2026-11-24T12:00:00+00:00")


def verdict(failure: Exception, attempt: int = 1, round_: int = 0, chance: float = 0.0) -> object:
    return after_failure(failure, attempt=attempt, round_=round_, chance=chance, settings=KNOBS)


@pytest.mark.parametrize(
    "failure",
    [errors.Rejected("no"), errors.Unauthorized("no"), errors.Defect("bug"), KeyError("bug")],
)
def test_what_will_never_work_is_given_up_at_once(failure: Exception) -> None:
    assert verdict(failure) == GiveUp()


def test_the_wait_doubles_and_chance_takes_at_most_half_of_it() -> None:
    away = errors.Unavailable("away")
    assert verdict(away) == Again(0.5)
    assert verdict(away, attempt=2) == Again(1.0)
    assert verdict(away, attempt=2, chance=1.0) == Again(0.5)


def test_a_short_wish_of_the_service_is_waited_for_in_place_and_a_long_one_in_the_retry_topic() -> (
    None
):
    assert verdict(errors.RateLimited("429", retry_after_s=7)) == Again(7)
    assert verdict(errors.RateLimited("429", retry_after_s=300)) == Later(300)


def test_after_the_attempts_in_place_come_rounds_and_then_the_dead_letters() -> None:
    away = errors.Unavailable("away")
    assert verdict(away, attempt=3) == Later(60)
    assert verdict(away, attempt=3, round_=1) == Later(120)
    assert verdict(away, attempt=3, round_=4) == Later(900)
    assert verdict(away, attempt=3, round_=5) == GiveUp()


def test_what_could_not_be_asked_waits_in_the_retry_topic_and_then_goes_on_without() -> None:
    silent = errors.Unanswered("the cluster", otherwise=None, rounds=2)
    assert verdict(silent) == Later(15)
    assert verdict(silent, round_=1) == Later(30)
    assert verdict(silent, round_=1, chance=1.0) == Later(15)
    assert verdict(silent, round_=2) == GoOn()
    assert verdict(errors.Unanswered("x", otherwise=None, rounds=99), round_=5) == GoOn()


def test_a_retry_keeps_where_the_record_first_came_from() -> None:
    failure = Failure("Unavailable", "unavailable", "away")
    first = retry_headers(
        {hd.EVENT_ID: "e"}, stage="enrich", origin=HERE, failure=failure, attempt=3, round_=1, due=9
    )
    there = Origin("alerts.raw", 0, 7, "2026-11-24T13:00:00+00:00")
    assert Origin.of(first, there) == HERE
    assert first[hd.EVENT_ID] == "e"
    assert first[hd.DUE] == "9.000"


def test_a_dead_letter_says_where_why_and_how_often_and_keeps_the_senders_headers() -> None:
    inbound = {hd.TRACEPARENT: "00-x", hd.INCIDENT: "inc-1", "foreign": "kept", hd.ROUND: "2"}
    failure = Failure.of(KeyError("secret"), lambda text: text.replace("secret", "***"))
    headers = dead_headers(
        inbound, stage="decide", version="1.2", origin=HERE, failure=failure, attempt=4
    )
    assert headers == {
        hd.TRACEPARENT: "00-x",
        hd.INCIDENT: "inc-1",
        "foreign": "kept",
        hd.STAGE: "decide@1.2",
        hd.TOPIC: "alerts.raw",
        hd.PARTITION: "3",
        hd.OFFSET: "42",
        hd.FIRST_SEEN: HERE.first_seen,
        hd.ERROR: "KeyError",
        hd.REASON: "defect",
        hd.MESSAGE: "'***'",
        hd.ATTEMPT: "4",
    }


def test_a_revived_letter_starts_afresh_but_keeps_its_origin() -> None:
    dead = dead_headers(
        {hd.EVENT_ID: "e"},
        stage="decide",
        version="1",
        origin=HERE,
        failure=Failure("E", "r", "m"),
        attempt=4,
    )
    alive = revived_headers(dead, stage="decide", due=1)
    assert (alive[hd.ATTEMPT], alive[hd.ROUND], alive[hd.STAGE]) == ("0", "0", "decide")
    assert hd.REASON not in alive
    assert Origin.of(alive, Origin("x", 0, 0, "")) == HERE


def test_a_failures_message_is_capped() -> None:
    assert len(Failure.of(ValueError("x" * 5000), lambda text: text).message) == MESSAGE_MAX


@pytest.mark.parametrize("bad", ["", "00-", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "ff-zz"])
def test_a_broken_traceparent_starts_a_new_trace(bad: str) -> None:
    fresh = hd.next_traceparent(bad)
    assert hd.trace_of(fresh) is not None
    assert hd.trace_of(bad) is None


def test_a_trace_goes_on_with_a_new_span() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    child = hd.next_traceparent(parent)
    assert hd.trace_of(child) == "a" * 32
    assert child[36:52] != "b" * 16


def test_headers_of_any_bytes_can_be_read() -> None:
    assert hd.read([("a", b"\xff\xfe"), ("b", b"")]) == {"a": "\ufffd\ufffd", "b": ""}
    assert (hd.number(b"x"), hd.number(b"12"), hd.seconds("soon")) == (0, 12, 0.0)


def test_differences_name_the_shortest_paths() -> None:
    then = {"status": "a", "plans": [{"kind": "x", "n": 1}, {"kind": "y"}], "same": [1, 2]}
    now = {"status": "b", "plans": [{"kind": "x", "n": 2}, {"kind": "y"}], "same": [1, 2]}
    assert differences(then, now) == ["plans[0].n", "status"]
    assert differences({"plans": [1]}, {"plans": [1, 2]}) == ["plans"]
    assert differences(None, {"a": 1}) == ["."]
    assert differences(then, then) == []


def test_an_unknown_stage_is_named() -> None:
    with pytest.raises(errors.NotFound, match="no stage 'dcide'"):
        find("dcide")
    with pytest.raises(errors.NotFound, match="no module"):
        find("nowhere_at_all:app")
    with pytest.raises(errors.NotFound, match="is no stage"):
        find("kfix.infra.settings:AppSettings")


def test_the_promised_defaults_stand() -> None:
    assert (KNOBS.attempts, KNOBS.retry_rounds, KNOBS.retry_delay_s) == (3, 5, 60.0)
    assert (KNOBS.concurrency, KNOBS.window, KNOBS.commit_interval_s) == (32, 500, 0.5)
    assert KNOBS.door_timeout_s < 15  # Datadog's patience
    assert KNOBS.drain_s < 30  # Kubernetes' patience
    slowest_s = max(h.timeout_s for name in NAMES for h in find(name).handlers)
    assert KNOBS.stall_s > slowest_s + KNOBS.backoff_max_s
    assert KNOBS.assign_s > 2 * (KNOBS.rebalance_timeout_s + KNOBS.session_timeout_s)
    assert KNOBS.idle_stall_s > 3 * KNOBS.request_timeout_s
    assert KNOBS.poll_stall_s > KNOBS.request_timeout_s


def test_the_version_in_headers_is_the_packages() -> None:
    project = tomllib.loads((Path(__file__).parents[5] / "pyproject.toml").read_text())
    assert kfix.__version__ == project["project"]["version"]


def test_a_consumer_that_has_not_begun_has_not_ended() -> None:
    brokers = Brokers("127.0.0.1:1", Kafka(_env_file=None))
    engine = Engine(
        Stage("quiet", ports=nothing),
        None,
        brokers=brokers,
        codec=codec_for(brokers.kafka),
        producer=Producer(brokers, KNOBS),
        settings=KNOBS,
        leave=sys.exit,
    )
    intake = Intake(engine, group="quiet", brokers=brokers, settings=KNOBS)
    assert not intake.gone
    assert intake.assigned_at is None


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    yield None


_ONE = (
    "concurrency", "window", "window_most", "window_bytes", "max_poll_records", "attempts", "door_pending",
    "embedded_fetch_wait_ms", "fetch_wait_ms", "session_timeout_s",
)  # fmt: skip
_POSITIVE = (
    "commit_interval_s", "heartbeat_s", "request_timeout_s", "rebalance_timeout_s", "produce_timeout_s",
    "delivery_timeout_s", "door_timeout_s", "hang_s", "lag_every_s", "stall_s", "assign_s", "idle_stall_s", "poll_stall_s",
)  # fmt: skip
_NOT_NEGATIVE = (
    "backoff_s", "backoff_max_s", "retry_rounds", "retry_delay_s", "retry_delay_max_s", "remembered", "linger_ms",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "least", "too_little"),
    [
        *((name, 1, 0) for name in _ONE),
        *((name, 0.001, 0) for name in _POSITIVE),
        *((name, 0, -1) for name in _NOT_NEGATIVE),
        ("max_record_bytes", 1024, 1023),
        ("health_port", -1, -2),
    ],
)
def test_a_setting_has_a_least_value(name: str, least: float, too_little: float) -> None:
    assert getattr(Runtime(_env_file=None, **{name: least}), name) == least
    with pytest.raises(ValueError, match=name):
        Runtime(_env_file=None, **{name: too_little})


def test_a_port_is_a_port() -> None:
    assert Runtime(_env_file=None, health_port=65535).health_port == 65535
    with pytest.raises(ValueError, match="health_port"):
        Runtime(_env_file=None, health_port=65536)


@pytest.mark.parametrize(
    ("then", "now", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["a.c"]),
        ({"a": 1}, {}, ["a"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["a[0].b"]),
        ({"a": [1]}, {"a": {"b": 1}}, ["a"]),
        (None, {"a": 1}, ["."]),
        (1, 1, []),
    ],
)
def test_only_the_shortest_paths_that_say_a_difference_are_named(
    then: object, now: object, paths: list[str]
) -> None:
    assert differences(then, now) == paths


def test_the_names_of_headers_stay_what_records_in_topics_have() -> None:
    """Retried and dead records outlive the version that wrote them."""
    assert (hd.TRACEPARENT, hd.SCHEMA_VERSION, hd.PRODUCER) == (
        "traceparent",
        "kfix-schema-version",
        "kfix-producer",
    )
    assert (hd.INCIDENT, hd.EVENT_ID, hd.CAUSE) == ("kfix-incident", "kfix-event-id", "kfix-cause")
    assert {
        "kfix-attempt",
        "kfix-stage",
        "kfix-round",
        "kfix-due",
        "kfix-first-seen",
        "kfix-topic",
        "kfix-partition",
        "kfix-offset",
        "kfix-error",
        "kfix-reason",
        "kfix-message",
    } == hd.OF_FAILURE
    assert (hd.ATTEMPT, hd.STAGE, hd.ROUND, hd.DUE) == (
        "kfix-attempt",
        "kfix-stage",
        "kfix-round",
        "kfix-due",
    )
    assert (hd.TOPIC, hd.PARTITION, hd.OFFSET) == ("kfix-topic", "kfix-partition", "kfix-offset")
    assert (hd.FIRST_SEEN, hd.ERROR, hd.REASON, hd.MESSAGE) == (
        "kfix-first-seen",
        "kfix-error",
        "kfix-reason",
        "kfix-message",
    )
