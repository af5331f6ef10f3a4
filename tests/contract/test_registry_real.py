"""The registry's client and framed Avro against a real schema registry."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from kfix.engine import topics
from kfix.engine.wire import CONFLUENT, FORMAT_HEADER, codec_for
from kfix.engine.wire.shapes import shape_of
from kfix.infra.clients.registry import HttpRegistry
from kfix.infra.settings import Kafka
from schemas import errors
from schemas.alerts import Alert, RawAlert
from tools.realparts import registry as real_registry

pytestmark = pytest.mark.registry


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        real_registry.folder()
    except real_registry.Unobtainable as why:
        pytest.skip(str(why))
    with real_registry.running() as url:
        yield url


def record() -> RawAlert:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return RawAlert(event_id="1", occurred_at=at, body_sha256="", body=b"\x00\xff", alert=Alert())


def test_every_topic_registers_and_a_second_process_reads_by_id(url: str) -> None:
    settings = Kafka(format="avro", registry_url=url, prefix="t1.")
    writer = codec_for(settings)
    writer.prepare(topics.ALL)
    raw = writer.encode(record())
    assert writer.headers == {FORMAT_HEADER: CONFLUENT}
    assert raw[:1] == b"\x00"
    reader = codec_for(settings)
    assert reader.decode(topics.ALERTS_RAW, raw, writer.headers) == record()


def test_the_same_schema_gets_the_same_id(url: str) -> None:
    schema = shape_of(RawAlert).schema
    assert HttpRegistry(url).register("t2-value", schema) == HttpRegistry(url).register(
        "t2-value", schema
    )


def test_an_incompatible_schema_is_refused(url: str) -> None:
    client = HttpRegistry(url)
    schema = shape_of(RawAlert).schema
    client.register("t3-value", schema)
    good: dict[str, Any] = copy.deepcopy(schema)
    good["fields"].append({"name": "region", "type": "string", "default": ""})
    bad: dict[str, Any] = copy.deepcopy(schema)
    bad["fields"].append({"name": "region", "type": "string"})
    assert client.compatible("t3-value", good)
    assert not client.compatible("t3-value", bad)
    with pytest.raises(errors.Rejected) as caught:
        client.register("t3-value", bad)
    assert caught.value.reason == "incompatible_schema"
    client.register("t3-value", good)


def test_an_unknown_id_is_undecodable(url: str) -> None:
    codec = codec_for(Kafka(format="avro", registry_url=url))
    with pytest.raises(errors.Undecodable) as caught:
        codec.decode(topics.ALERTS_RAW, b"\x00\x00\x0f\x42\x3f\x00", None)
    assert caught.value.reason == "unknown_schema"


def test_a_registry_that_is_away_is_worth_a_retry() -> None:
    codec = codec_for(Kafka(format="avro", registry_url="http://127.0.0.1:9"))
    with pytest.raises(errors.Retryable):
        codec.encode(record())
