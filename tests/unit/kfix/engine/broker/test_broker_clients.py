"""What clients of the broker are told: names, credentials, times, and that nothing is committed by itself."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr

from kfix.engine import topics
from kfix.engine.broker.administration import with_sides
from kfix.engine.broker.connection import Brokers, wait_until_up
from kfix.engine.broker.offsets import PartitionStanding
from kfix.engine.broker.reading import Stored
from kfix.engine.runtime import headers as hd
from kfix.engine.runtime.dead_letters import DeadLetterFilter, letter_id, way_back
from kfix.engine.runtime.intake import consumer_options
from kfix.engine.runtime.offsets import Partition
from kfix.engine.runtime.producer import producer_options
from kfix.engine.runtime.settings import Runtime
from kfix.engine.runtime.vitals import lag_of
from kfix.infra.settings import Kafka
from schemas import errors

KNOBS = Runtime(_env_file=None)


def brokers(embedded: bool = False, **kafka: Any) -> Brokers:
    return Brokers("a:1,b:2", Kafka(_env_file=None, **kafka), embedded=embedded)


def options(embedded: bool = False, **knobs: Any) -> dict[str, Any]:
    runtime = Runtime(_env_file=None, **knobs)
    return consumer_options(brokers(embedded), runtime, client="c", group="g")


def test_a_consumer_commits_nothing_by_itself_and_begins_at_the_beginning() -> None:
    told = options()
    assert told["enable_auto_commit"] is False
    assert told["auto_offset_reset"] == "earliest"


@pytest.mark.parametrize(
    ("option", "setting"),
    [
        ("request_timeout_ms", "request_timeout_s"),
        ("session_timeout_ms", "session_timeout_s"),
        ("rebalance_timeout_ms", "rebalance_timeout_s"),
        ("heartbeat_interval_ms", "heartbeat_s"),
    ],
)
def test_a_consumers_times_are_the_settings_in_milliseconds(option: str, setting: str) -> None:
    assert options(**{setting: 7.5})[option] == 7500


def test_a_replica_with_a_name_is_known_again_and_one_without_is_new() -> None:
    assert options()["group_instance_id"] is None
    assert options(instance="pod-3")["group_instance_id"] == "g-pod-3"


@pytest.mark.parametrize(("embedded", "waits"), [(True, 41), (False, 501)])
def test_how_long_a_fetch_waits_is_said_for_each_kind_of_broker(embedded: bool, waits: int) -> None:
    told = options(embedded, embedded_fetch_wait_ms=41, fetch_wait_ms=501)
    assert told["fetch_max_wait_ms"] == waits


def test_the_largest_record_fits_with_its_headers() -> None:
    consumer, producer = options(), producer_options(brokers(), KNOBS)
    assert consumer["max_partition_fetch_bytes"] > KNOBS.max_record_bytes
    assert producer["max_request_size"] == consumer["max_partition_fetch_bytes"]


@pytest.mark.parametrize("embedded", [True, False])
def test_a_record_is_sent_when_all_replicas_have_it_once(embedded: bool) -> None:
    told = producer_options(brokers(embedded), Runtime(_env_file=None, produce_timeout_s=2.5))
    assert told["acks"] == "all"
    assert told["enable_idempotence"] is not embedded
    assert told["request_timeout_ms"] == 2500


async def test_aiokafkas_clients_take_these_options() -> None:
    consumer = AIOKafkaConsumer(**options())
    producer = AIOKafkaProducer(**producer_options(brokers(), KNOBS))
    await consumer.stop()
    await producer.stop()


def test_names_on_the_cluster_have_the_prefix_and_ours_have_not() -> None:
    shared = brokers(prefix="team.")
    assert shared.named("alerts.raw") == "team.alerts.raw"
    assert shared.plain("team.alerts.raw") == "alerts.raw"
    assert shared.plain("other.alerts.raw") == "other.alerts.raw"
    assert shared.client_options("x")["client_id"] == "team.x"
    assert shared.client_options("x")["bootstrap_servers"] == ["a:1", "b:2"]


@pytest.mark.parametrize(
    ("protocol", "encrypted", "named"),
    [
        ("PLAINTEXT", False, False),
        ("SSL", True, False),
        ("SASL_PLAINTEXT", False, True),
        ("SASL_SSL", True, True),
    ],
)
def test_clients_encrypt_and_log_in_as_the_protocol_says(
    protocol: Any, encrypted: bool, named: bool
) -> None:
    told = brokers(
        security_protocol=protocol, sasl_username="me", sasl_password=SecretStr("word")
    ).client_options("x")
    assert told["security_protocol"] == protocol
    assert isinstance(told.get("ssl_context"), ssl.SSLContext) is encrypted
    login = (told.get("sasl_mechanism"), told.get("sasl_plain_username"))
    assert login == (("SCRAM-SHA-512", "me") if named else (None, None))
    assert told.get("sasl_plain_password") == ("word" if named else None)


async def test_a_broker_that_is_not_there_is_waited_for_and_then_said_to_be_away() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{closed.getsockname()[1]}"
        away = Brokers(where, Kafka(_env_file=None))
        began = time.monotonic()
        with pytest.raises(errors.Unavailable, match=re.escape(where)):
            await asyncio.wait_for(wait_until_up(away, within_s=0.2), 10)
        assert time.monotonic() - began >= 0.2


def test_each_topic_has_a_retry_and_a_dead_letter_topic_of_three_partitions_at_most() -> None:
    made = {
        one.name: one.partitions for one in with_sides([topics.ALERTS_RAW, topics.ALERTS_RAW], 12)
    }
    name = topics.ALERTS_RAW.name
    assert made == {name: 12, f"{name}.retry": 3, f"{name}.dlq": 3}
    assert {one.partitions for one in with_sides([topics.ALERTS_RAW], 2)} == {2}


# --- how far a group is


@pytest.mark.parametrize(
    ("position", "end", "seen", "lag"),
    [(3, 10, 0, 7), (3, 10, 12, 9), (10, 10, 10, 0), (10, 8, 0, 0), (0, 1, 1, 1)],
)
def test_the_lag_is_what_lies_between_the_position_and_the_furthest_known_end(
    position: int, end: int, seen: int, lag: int
) -> None:
    """The embedded broker tells ends that are too low; the last fetch knows better."""
    one, other = Partition("t", 0), Partition("t", 1)
    ends = {one: seen} if seen else {}
    standings = {one: PartitionStanding(position, end), other: PartitionStanding(0, 5)}
    assert lag_of(standings, ends) == {one: lag, other: 5}


# --- dead letters


def letter(**headers: str) -> Stored:
    found = {name.replace("_", "-"): value.encode() for name, value in headers.items()}
    return Stored("alerts.raw.dlq", 2, 14, datetime(2026, 3, 1, tzinfo=UTC), b"k", b"{}", found)


@pytest.mark.parametrize(
    ("wish", "fits"),
    [
        (DeadLetterFilter(), True),
        (DeadLetterFilter(id="alerts.raw.dlq:2:14"), True),
        (DeadLetterFilter(id="alerts.raw.dlq:2:15"), False),
        (DeadLetterFilter(incident="inc-1"), True),
        (DeadLetterFilter(incident="inc-2"), False),
        (DeadLetterFilter(reason="rejected"), True),
        (DeadLetterFilter(reason="defect"), False),
        (DeadLetterFilter(incident="inc-1", reason="defect"), False),
        (DeadLetterFilter(incident="inc-2", reason="rejected"), False),
        (DeadLetterFilter(id="alerts.raw.dlq:2:15", incident="inc-1", reason="rejected"), False),
        (DeadLetterFilter(id="alerts.raw.dlq:2:14", incident="inc-1", reason="rejected"), True),
    ],
)
def test_a_wish_means_the_letters_that_fit_all_it_says(wish: DeadLetterFilter, fits: bool) -> None:
    found = letter(**{hd.INCIDENT: "inc-1", hd.REASON: "rejected"})
    assert letter_id(found) == "alerts.raw.dlq:2:14"
    assert wish.fits(found) is fits


def test_what_a_stage_gave_up_goes_back_to_that_stage_alone() -> None:
    dead = letter(
        **{hd.STAGE: "decide@1.2", hd.PARTITION: "3", hd.OFFSET: "7", hd.REASON: "rejected"}
    )
    topic, told = way_back(topics.ALERTS_RAW, dead)
    assert topic == topics.ALERTS_RAW.retry
    assert told[hd.STAGE] == "decide"
    assert (told[hd.PARTITION], told[hd.OFFSET]) == ("3", "7")
    assert (told[hd.ATTEMPT], told[hd.ROUND]) == ("0", "0")
    assert float(told[hd.DUE]) <= time.time() + 0.001  # told in milliseconds
    assert hd.REASON not in told


def test_what_a_door_could_not_read_goes_to_the_topic_itself_as_if_it_were_new() -> None:
    dead = letter(**{hd.STAGE: "ingest@1", hd.PARTITION: "-1", hd.OFFSET: "-1", "own": "kept"})
    topic, told = way_back(topics.ALERTS_RAW, dead)
    assert topic == topics.ALERTS_RAW.name
    assert told == {"own": "kept"}
