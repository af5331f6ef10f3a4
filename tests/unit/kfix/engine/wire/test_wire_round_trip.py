"""Every record survives the wire, in JSON and in Avro, and the two say the same."""

from __future__ import annotations

import math
import types
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from kfix.engine import topics
from kfix.engine.wire import AVRO, FORMAT_HEADER, JSON, codec_for
from kfix.infra.settings import Kafka
from schemas import errors
from schemas.alerts import Alert, RawAlert
from schemas.base import JsonText
from schemas.context import Change, ContextBundle, Series
from schemas.text import Text

JSON_CODEC = codec_for(Kafka(format="json"))
AVRO_CODEC = codec_for(Kafka(format="avro"))
NOW = datetime(2026, 11, 24, tzinfo=UTC)

texts = st.text(st.characters(codec="utf-8"), max_size=12)
finite = st.floats(allow_nan=False, allow_infinity=False)
free_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | finite | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
fillings = texts | st.integers(-(10**30), 10**30) | finite | st.lists(texts, max_size=2)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(-(2**63), 2**63 - 1),
    float: finite,
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    datetime: st.datetimes(timezones=st.just(UTC)),
}


def values_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Values of a type of the language, bounds included."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values_of(arguments[0], (*arguments[1:], *metadata))
    if JsonText in metadata:
        return free_json
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return TEXTS if annotation is Text else records_of(annotation)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.none() | values_of(arguments[0], metadata)
    if origin in (tuple, list):
        return st.lists(values_of(arguments[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(texts, values_of(arguments[1]), max_size=2)
    bounds = _bounds(metadata)
    return st.floats(*bounds) if annotation is float and bounds else SIMPLE[annotation]


def _bounds(metadata: tuple[Any, ...]) -> tuple[float, float] | None:
    flat = [m for item in metadata for m in getattr(item, "metadata", [item])]
    low = [m.ge for m in flat if hasattr(m, "ge")]
    high = [m.le for m in flat if hasattr(m, "le")]
    return (low[0], high[0]) if low and high else None


def records_of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    fields = {
        name: values_of(info.annotation, tuple(info.metadata))
        for name, info in model.model_fields.items()
    }
    required = {
        name: fields[name] for name, info in model.model_fields.items() if info.is_required()
    }
    optional = {name: value for name, value in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda v: model(**v))


TEXTS = st.builds(Text, id=texts, parameters=st.dictionaries(texts, fillings, max_size=2))


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda t: t.name)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_record_is_the_same_after_json_and_after_avro(topic: Any, data: st.DataObject) -> None:
    record = data.draw(records_of(topic.model))
    for codec in (JSON_CODEC, AVRO_CODEC):
        raw = codec.encode(record)
        assert codec.decode(topic, raw, codec.headers) == record
        # any codec reads any form, header or not
        assert JSON_CODEC.decode(topic, raw, None) == record


def alert(**changes: Any) -> RawAlert:
    return RawAlert(
        event_id="1", occurred_at=NOW, body_sha256="", body=b"\x00\xff", alert=Alert(**changes)
    )


@settings(max_examples=300, deadline=None)
@given(
    raw=st.binary(max_size=200), form=st.sampled_from([b"", b"{", b"\x00\x00\x00\x00\x01", "avro"])
)
def test_bytes_that_are_no_record_are_undecodable_and_nothing_else(raw: bytes, form: Any) -> None:
    head = AVRO_CODEC.encode(alert())[:10] if form == "avro" else form
    with suppress(errors.Undecodable):
        AVRO_CODEC.decode(topics.ALERTS_RAW, head + raw)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_avro_record_is_read_or_undecodable(data: st.DataObject) -> None:
    raw = bytearray(AVRO_CODEC.encode(alert(title="x", tags={"a": "b"}, happened_at=NOW)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(10, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(errors.Undecodable):
        AVRO_CODEC.decode(topics.ALERTS_RAW, bytes(raw))


@pytest.mark.parametrize(
    ("raw", "headers", "reason"),
    [
        (b"", {}, "empty"),
        (b"hello", {}, "unknown_format"),
        (b"{", {}, "malformed"),
        (b"{}", {}, "invalid"),
        (b"{}", {FORMAT_HEADER: AVRO}, "format_mismatch"),
        (b"\xc3\x01" + b"\x00" * 8, {}, "unknown_schema"),
        (b"\xc3\x01\x00", {FORMAT_HEADER: AVRO}, "malformed"),
        (b"\xc3\x01" + b"\x00" * 8, {FORMAT_HEADER: JSON}, "format_mismatch"),
        (b"\x00\x00\x00\x00\x01\x02", {}, "no_registry"),
    ],
)
def test_the_reason_says_what_is_wrong(raw: bytes, headers: dict[str, bytes], reason: str) -> None:
    with pytest.raises(errors.Undecodable) as caught:
        JSON_CODEC.decode(topics.ALERTS_RAW, raw, headers)
    assert caught.value.reason == reason


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(errors.Undecodable, match="left over"):
        AVRO_CODEC.decode(topics.ALERTS_RAW, AVRO_CODEC.encode(alert()) + b"\x00")


def test_an_undecodable_record_is_not_repeated_in_the_message() -> None:
    with pytest.raises(errors.Undecodable) as caught:
        JSON_CODEC.decode(topics.ALERTS_RAW, b'{"event_id": {"password": "hunter2"}}')
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("codec", [JSON_CODEC, AVRO_CODEC], ids=["json", "avro"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, float("1e400")])
def test_what_is_not_finite_travels_as_null_where_null_may_stand(codec: Any, number: float) -> None:
    bundle = ContextBundle(
        event_id="1",
        occurred_at=NOW,
        alert=Alert(),
        alerted_at=NOW,
        cycle="c",
        metrics=(Series(metric="m", timestamps=(1.0,), values=(number,)),),
        changes=(Change(kind="commit", detail={"a": [number, 1]}),),
    )
    read = codec.decode(topics.CONTEXT_BUNDLE, codec.encode(bundle))
    assert read.metrics[0].values == (None,)
    assert read.changes[0].detail == {"a": [None, 1]}


@pytest.mark.parametrize("codec", [JSON_CODEC, AVRO_CODEC], ids=["json", "avro"])
def test_half_a_surrogate_pair_cannot_travel(codec: Any) -> None:
    with pytest.raises(errors.Defect) as caught:
        codec.encode(alert(title="\ud800"))
    assert caught.value.reason == "unencodable"


def test_an_integer_beyond_64_bits_cannot_travel_in_avro() -> None:
    with pytest.raises(errors.Defect):
        AVRO_CODEC.encode(alert().model_copy(update={"schema_version": 2**63}))
