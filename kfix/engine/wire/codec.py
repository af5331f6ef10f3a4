"""Codecs: one interface, chosen by settings; decoding takes every form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from kfix.engine.topics import BY_MODEL, Topic
from kfix.engine.wire.failures import undecodable
from kfix.engine.wire.registry import Registry
from kfix.infra.settings import Kafka
from schemas import errors
from schemas.base import Record

FORMAT_HEADER = "kfix-format"
JSON = b"json"
AVRO = b"avro"
CONFLUENT = b"avro-confluent"


class Codec(Protocol):
    """Turns records into values of Kafka messages and back."""

    @property
    def headers(self) -> Mapping[str, bytes]:
        """Headers that say what ``encode`` writes; to be sent along."""
        ...

    def prepare(self, topics: Iterable[Topic[Any]]) -> None:
        """Does ahead what the first record would wait for (schemas, their ids). Blocks: call it in a thread.

        Raises ``errors.Retryable`` when the registry is away, ``errors.Rejected`` when it refuses a schema.
        """
        ...

    def encode(self, record: Record) -> bytes:
        """Bytes of a record. Raises ``errors.Defect`` for a record that cannot travel (reason ``unencodable``)."""
        ...

    def decode(
        self, topic: Topic[Any], raw: bytes, headers: Mapping[str, bytes] | None = None
    ) -> Record:
        """The record in ``raw``.

        Raises ``errors.Undecodable`` (reasons ``empty``, ``unknown_format``, ``format_mismatch``, ``unknown_schema``,
        ``no_registry``, ``malformed``, ``invalid``), and ``errors.Retryable`` when the registry is needed and away.
        """
        ...


class RecordCodec:
    """The codec: writes one form, reads all. Avro is imported when the first byte of it is met."""

    def __init__(self, kafka: Kafka, registry: Registry | None = None) -> None:
        self._prefix = kafka.prefix
        self._registry = registry
        self._avro: AvroForm | None = None
        self._form = JSON if kafka.format == "json" else CONFLUENT if registry else AVRO
        self.headers: Mapping[str, bytes] = {FORMAT_HEADER: self._form}

    def prepare(self, topics: Iterable[Topic[Any]]) -> None:
        """See ``Codec.prepare``."""
        if self._form == JSON:
            return
        for topic in topics:
            self._speaks_avro().prepare(topic, framed=self._form == CONFLUENT)

    def encode(self, record: Record) -> bytes:
        """See ``Codec.encode``."""
        if self._form != JSON:
            topic = BY_MODEL[type(record)]
            return self._speaks_avro().encode(topic, record, framed=self._form == CONFLUENT)
        try:
            return record.__pydantic_serializer__.to_json(record)
        except PydanticSerializationError as error:
            raise errors.Defect(str(error), reason="unencodable") from error

    def decode(
        self, topic: Topic[Any], raw: bytes, headers: Mapping[str, bytes] | None = None
    ) -> Record:
        """See ``Codec.decode``."""
        form = form_of(raw, headers)
        if form == JSON:
            return _from_json(topic, raw)
        return self._speaks_avro().decode(topic, raw, framed=form == CONFLUENT)

    def _speaks_avro(self) -> AvroForm:
        if self._avro is None:
            from kfix.engine.wire.avro import Avro

            self._avro = Avro(self._registry, self._prefix)
        return self._avro


class AvroForm(Protocol):
    """Avro, bare or framed (``kfix.engine.wire.avro``)."""

    def prepare(self, topic: Topic[Any], *, framed: bool) -> None:
        """Compiles the topic's schema; framed, asks the registry for its id. Raises from ``schemas.errors``."""
        ...

    def encode(self, topic: Topic[Any], record: Record, *, framed: bool) -> bytes:
        """The value's bytes; framed, after the registry's magic byte and schema id. Raises errors.Defect for a record that does not fit."""
        ...

    def decode(self, topic: Topic[Any], raw: bytes, *, framed: bool) -> Record:
        """The record of a value. Raises errors.Undecodable for bytes that are none, errors.Retryable when the registry does not answer."""
        ...


def form_of(raw: bytes, headers: Mapping[str, bytes] | None = None) -> bytes:
    """Which form ``raw`` has. Raises ``errors.Undecodable``."""
    if not raw:
        raise errors.Undecodable("the value is empty", reason="empty")
    if raw[:1] == b"{" or raw[:64].lstrip(b" \t\r\n")[:1] == b"{":
        form = JSON
    elif raw[:2] == b"\xc3\x01":
        form = AVRO
    elif raw[:1] == b"\x00":
        form = CONFLUENT
    else:
        raise errors.Undecodable(
            f"starts with {raw[:2].hex()}, which no known form does", reason="unknown_format"
        )
    said = (headers or {}).get(FORMAT_HEADER)
    if said is not None and said != form:
        text = said[:32].decode("ascii", "replace")
        raise errors.Undecodable(
            f"the header says {text}, the bytes are {form.decode()}", reason="format_mismatch"
        )
    return form


def _from_json(topic: Topic[Any], raw: bytes) -> Record:
    model: type[Record] = topic.model
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise undecodable(topic, error) from error


def codec_for(kafka: Kafka, registry: Registry | None = None) -> Codec:
    """The codec that the settings ask for. Touches no network: see ``Codec.prepare``.

    ``registry`` stands in for the one at ``kafka.registry_url``.
    """
    if registry is None and kafka.registry_url:
        from kfix.infra.clients.registry import open_registry

        registry = open_registry(kafka)
    return RecordCodec(kafka, registry)
