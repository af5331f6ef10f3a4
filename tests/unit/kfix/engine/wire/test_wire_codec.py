"""The codec's choices: which form is written, which registry is asked and when, and what is said of a value that is no record."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from kfix.engine.topics import ALERTS_RAW, CONTEXT_BUNDLE
from kfix.engine.wire import FORMAT_HEADER, codec_for
from kfix.engine.wire.codec import Codec, form_of
from kfix.engine.wire.shapes import shape_of
from kfix.infra.settings import Kafka
from schemas import errors
from schemas.alerts import Alert, RawAlert


@dataclass
class Registry:
    """A registry in memory that counts what it is asked."""

    schemas: dict[int, Any] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def register(self, subject: str, schema: Any) -> int:
        self.subjects.append(subject)
        number = 40 + len(self.subjects)
        self.schemas[number] = schema
        return number

    def schema(self, schema_id: int) -> Any:
        self.asked.append(schema_id)
        if schema_id not in self.schemas:
            raise errors.NotFound(f"no schema {schema_id}")
        return self.schemas[schema_id]

    def compatible(self, subject: str, schema: Any) -> bool:
        return True


def kafka(**settings: Any) -> Kafka:
    return Kafka(_env_file=None, **settings)


def alert() -> RawAlert:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return RawAlert(event_id="e", occurred_at=at, body_sha256="", body=b"x", alert=Alert())


def written(codec: Codec) -> tuple[bytes, bytes]:
    """What the header says and how the value begins."""
    return codec.headers[FORMAT_HEADER], codec.encode(alert())[:1]


@pytest.mark.parametrize(
    ("settings", "registry", "form"),
    [
        ({}, None, (b"json", b"{")),
        ({}, Registry(), (b"json", b"{")),
        ({"format": "avro"}, None, (b"avro", b"\xc3")),
        ({"format": "avro"}, Registry(), (b"avro-confluent", b"\x00")),
    ],
)
def test_the_form_is_the_settings_and_framed_where_there_is_a_registry(
    settings: dict[str, Any], registry: Registry | None, form: tuple[bytes, bytes]
) -> None:
    assert written(codec_for(kafka(**settings), registry)) == form


def test_the_registry_of_the_settings_is_taken_unless_another_stands_in() -> None:
    told = kafka(format="avro", registry_url="http://127.0.0.1:1")
    assert codec_for(told).headers[FORMAT_HEADER] == b"avro-confluent"
    with pytest.raises(errors.Unavailable):
        codec_for(told).encode(alert())
    registry = Registry()
    codec_for(told, registry).encode(alert())
    assert registry.subjects == ["alerts.raw-value"]


def test_schemas_are_asked_for_ahead_and_once() -> None:
    registry = Registry()
    codec = codec_for(kafka(format="avro", prefix="team."), registry)
    codec.prepare([ALERTS_RAW, CONTEXT_BUNDLE])
    assert registry.subjects == ["team.alerts.raw-value", "team.context.bundle-value"]
    value = codec.encode(alert())
    assert struct.unpack_from(">bI", value) == (0, 41)
    assert codec.decode(ALERTS_RAW, value, codec.headers) == alert()
    assert len(registry.subjects) == 2
    assert registry.asked == []


@pytest.mark.parametrize("settings", [{}, {"format": "avro"}])
def test_without_a_frame_nobody_is_asked_ahead(settings: dict[str, Any]) -> None:
    registry = Registry() if not settings else None
    codec_for(kafka(**settings), registry).prepare([ALERTS_RAW])
    assert registry is None or registry.subjects == []


def test_anothers_schema_is_fetched_once_and_one_that_is_not_there_is_unknown() -> None:
    registry = Registry(schemas={7: shape_of(RawAlert).schema})
    codec = codec_for(kafka(format="avro"), registry)
    body = codec_for(kafka(format="avro")).encode(alert())[10:]
    for _ in range(2):
        assert codec.decode(ALERTS_RAW, struct.pack(">bI", 0, 7) + body) == alert()
    assert registry.asked == [7]
    assert _refused(codec, struct.pack(">bI", 0, 8) + body) == "unknown_schema"
    registry.schemas[9] = {"type": "nonsense"}
    assert _refused(codec, struct.pack(">bI", 0, 9) + body) == "unknown_schema"


GIVEN = {"event_id": "e", "occurred_at": "2026-03-01T00:00:00Z", "body": "eA=="}


def _refused(codec: Codec, raw: bytes) -> str:
    with pytest.raises(errors.Undecodable) as caught:
        codec.decode(ALERTS_RAW, raw)
    return caught.value.reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x00", "malformed"),
        (b"\x00\x00\x00\x00", "malformed"),
        (b"\x00\x00\x00\x00\x01", "no_registry"),
        (b"\xc3\x01" + b"\x00" * 7, "malformed"),
        (b"\xc3\x01" + b"\x00" * 8, "unknown_schema"),
        (b"\xc3", "unknown_format"),
        (b"\xc3\x02" + b"\x00" * 8, "unknown_format"),
    ],
)
def test_a_head_that_is_cut_off_is_told_from_one_that_is_unknown(raw: bytes, reason: str) -> None:
    assert _refused(codec_for(kafka()), raw) == reason


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, "no RawAlert: event_id: Field required (and 4 more)"),
        (GIVEN, "no RawAlert: body_sha256: Field required (and 1 more)"),
        (GIVEN | {"alert": {}}, "no RawAlert: body_sha256: Field required"),
        (
            GIVEN | {"body_sha256": "", "alert": {"rule": {"id": []}}},
            "no RawAlert: alert.rule.id: Input should be a valid string",
        ),
    ],
)
def test_a_value_that_is_no_record_is_told_by_its_first_trouble_and_their_number(
    said: dict[str, Any], text: str
) -> None:
    with pytest.raises(errors.Undecodable) as caught:
        codec_for(kafka()).decode(ALERTS_RAW, json.dumps(said).encode())
    assert caught.value.reason == "invalid"
    assert str(caught.value) == text


def test_json_that_is_none_has_no_place_but_the_value() -> None:
    with pytest.raises(errors.Undecodable, match="no RawAlert: value: Invalid JSON") as caught:
        codec_for(kafka()).decode(ALERTS_RAW, b"{")
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("blanks", [0, 1, 63, 64, 65])
def test_json_may_begin_with_a_few_blanks(blanks: int) -> None:
    raw = b" \t\r\n"[blanks % 4 : blanks % 4 + 1] * blanks + b"{}"
    if blanks < 64:
        assert form_of(raw) == b"json"
    else:
        with pytest.raises(errors.Undecodable, match="which no known form does"):
            form_of(raw)


@pytest.mark.parametrize(("raw", "shown"), [(b"hello", "6865"), (b"[", "5b")])
def test_an_unknown_form_shows_two_bytes_and_no_more(raw: bytes, shown: str) -> None:
    with pytest.raises(errors.Undecodable) as caught:
        form_of(raw)
    assert str(caught.value) == f"starts with {shown}, which no known form does"


def test_a_header_that_says_another_form_is_shown_cut() -> None:
    with pytest.raises(errors.Undecodable) as caught:
        form_of(b"{}", {FORMAT_HEADER: b"x" * 40 + b"\xff"})
    assert str(caught.value) == f"the header says {'x' * 32}, the bytes are json"
    assert form_of(b"{}", {"other": b"avro"}) == b"json"


def test_headers_name_the_form_that_is_written() -> None:
    for codec in (codec_for(kafka()), codec_for(kafka(format="avro"))):
        assert form_of(codec.encode(alert()), codec.headers) == codec.headers[FORMAT_HEADER]
