"""The checked-in schemas are those of the models, and no change breaks readers of what was released."""

from __future__ import annotations

import copy
from collections.abc import Callable
from importlib.resources import files
from io import BytesIO
from typing import Any

import fastavro
import pytest

from kfix.engine import topics
from kfix.engine.wire import codec_for
from kfix.engine.wire.compatibility import breaks
from kfix.engine.wire.files import checked_in, generated, published
from kfix.engine.wire.shapes import shape_of
from kfix.infra.settings import Kafka
from schemas import errors

Edit = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda t: t.name)
def test_the_checked_in_schema_is_the_models(topic: Any) -> None:
    same = checked_in(topic.name) == shape_of(topic.model).schema
    assert same, f"{topic.name}.avsc is not current: run `kfix schemas generate`"


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda t: t.name)
def test_a_schemas_file_is_to_the_byte_what_is_generated(topic: Any) -> None:
    """Otherwise each generation is a difference in a review."""
    text = (files("schemas") / "avro" / f"{topic.name}.avsc").read_text("utf-8")
    assert generated(topic) == text


def test_a_schema_that_was_never_written_is_none() -> None:
    assert checked_in("no.such.topic") is None
    assert published("no.such.topic") == []


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda t: t.name)
def test_todays_readers_read_every_released_schema(topic: Any) -> None:
    released = published(topic.name)
    assert released
    for _, old in released:
        assert breaks(old, shape_of(topic.model).schema) == []


def _field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return next(field for field in schema["fields"] if field["name"] == name)


def _drop(schema: dict[str, Any], name: str) -> None:
    schema["fields"] = [field for field in schema["fields"] if field["name"] != name]


GOOD: dict[str, Edit] = {
    "a field with a default": lambda s: s["fields"].append(
        {"name": "region", "type": "string", "default": ""}
    ),
    "a field dropped": lambda s: _drop(s, "source"),
    "a field made optional": lambda s: _field(s, "content_type").update(type=["null", "string"]),
    "an integer made a float": lambda s: _field(s, "schema_version").update(type="double"),
    "other defaults": lambda s: _field(s, "source").update(default="other"),
}
BAD: dict[str, Edit] = {
    "a field without a default": lambda s: s["fields"].append({"name": "region", "type": "string"}),
    "another type": lambda s: _field(s, "event_id").update(type="long"),
    "a narrower type": lambda s: _field(s, "schema_version").update(type="int"),
    "another record name": lambda s: s.update(name="kfix.Other"),
    "a time made a plain number": lambda s: _field(s, "occurred_at").update(type="long"),
    "a string made a list": lambda s: _field(s, "source").update(
        type={"type": "array", "items": "string"}, default=[]
    ),
    "a required field renamed": lambda s: _field(s, "body").update(name="raw"),
    "a nested field without a default": lambda s: _field(s, "alert")["type"]["fields"].append(
        {"name": "zone", "type": "string"}
    ),
    "an optional field made required": lambda s: _field(
        _field(s, "alert")["type"], "monitor_id"
    ).update(type="long", default=0),
}


def _changed(edit: Edit) -> tuple[Any, Any]:
    _, old = published("alerts.raw")[0]
    new = copy.deepcopy(old)
    edit(new)
    return old, new


@pytest.mark.parametrize("edit", GOOD.values(), ids=GOOD)
def test_a_compatible_change_is_allowed_and_really_reads_old_data(edit: Edit) -> None:
    old, new = _changed(edit)
    assert breaks(old, new) == []
    assert _resolves(old, new)


@pytest.mark.parametrize("edit", BAD.values(), ids=BAD)
def test_an_incompatible_change_is_refused_with_the_field(edit: Edit) -> None:
    old, new = _changed(edit)
    assert breaks(old, new)


def _resolves(old: Any, new: Any) -> bool:
    """The oracle: fastavro reads a datum of the old schema with the new one."""
    codec = codec_for(Kafka(format="avro"))
    record = topics.ALERTS_RAW.model(
        event_id="1",
        occurred_at="2026-11-24T00:00:00Z",  # type: ignore[arg-type]
        body_sha256="",
        body=b"x",
        alert={},  # type: ignore[arg-type]
    )
    datum = codec.encode(record)[10:]
    return isinstance(fastavro.schemaless_reader(BytesIO(datum), old, new), dict)


class FakeRegistry:
    """A registry in memory, as Confluent's behaves."""

    def __init__(self) -> None:
        self.schemas: list[Any] = []

    def register(self, subject: str, schema: Any) -> int:
        assert subject.endswith("-value")
        if schema not in self.schemas:
            self.schemas.append(schema)
        return self.schemas.index(schema) + 1

    def schema(self, schema_id: int) -> Any:
        try:
            return self.schemas[schema_id - 1]
        except IndexError as error:
            raise errors.NotFound("no such schema") from error


def test_a_framed_record_of_an_older_writer_is_read_with_todays_schema() -> None:
    registry = FakeRegistry()
    codec = codec_for(Kafka(format="avro"), registry)
    _, old = _changed(lambda s: None)
    _drop(old, "template")
    number = registry.register("alerts.raw-value", old)
    out = BytesIO()
    datum = {
        "schema_version": 1,
        "event_id": "1",
        "trace_id": "",
        "occurred_at": 0,
        "source": "datadog",
        "body_sha256": "",
        "body": b"x",
        "content_type": "",
        "alert": {f["name"]: f["default"] for f in _field(old, "alert")["type"]["fields"]},
    }
    fastavro.schemaless_writer(out, old, datum)
    raw = b"\x00" + number.to_bytes(4, "big") + out.getvalue()
    record = codec.decode(topics.ALERTS_RAW, raw, None)
    assert record.template == "custom"  # type: ignore[attr-defined]
    framed = codec.encode(record)
    assert framed[:1] == b"\x00"
    assert codec.decode(topics.ALERTS_RAW, framed, codec.headers) == record


def test_a_schema_that_the_registry_does_not_know_is_undecodable() -> None:
    codec = codec_for(Kafka(format="avro"), FakeRegistry())
    with pytest.raises(errors.Undecodable) as caught:
        codec.decode(topics.ALERTS_RAW, b"\x00\x00\x00\x00\x63\x00", None)
    assert caught.value.reason == "unknown_schema"
