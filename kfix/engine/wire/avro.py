"""Avro on the wire: single-object encoding without a registry, Confluent's frame with one."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from kfix.engine.topics import Topic
from kfix.engine.wire.failures import undecodable
from kfix.engine.wire.files import fingerprint_of, published
from kfix.engine.wire.registry import Registry
from kfix.engine.wire.shapes import Shape, shape_of
from schemas import errors
from schemas.base import Record

MARKER = b"\xc3\x01"
_FRAME = struct.Struct(">bI")
_BARE = struct.Struct("<2s8s")

#: What fastavro raises on bytes that are no datum of the schema.
_BROKEN = (
    EOFError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    struct.error,
)


@dataclass(slots=True)
class _Language:
    """One topic's Avro: today's schema, and every schema that its readers must still know, by fingerprint."""

    shape: Shape
    parsed: Any
    head: bytes
    writers: dict[bytes, Any]
    by_id: dict[int, Any] = field(default_factory=dict)
    #: Id of today's schema in the registry, once asked.
    schema_id: int | None = None


class Avro:
    """See ``kfix.engine.wire.codec.AvroForm``. Schemas are compiled on first use and kept."""

    def __init__(self, registry: Registry | None, prefix: str) -> None:
        self._registry = registry
        self._prefix = prefix
        self._languages: dict[str, _Language] = {}

    def prepare(self, topic: Topic[Any], *, framed: bool) -> None:
        """Compiles the topic's schema and, for the frame, asks the registry for its id."""
        language = self._language(topic)
        if framed:
            self._id_of(topic, language)

    def encode(self, topic: Topic[Any], record: Record, *, framed: bool) -> bytes:
        """Head and datum. Raises ``errors.Defect``, and the registry's failures when it must be asked first."""
        language = self._language(topic)
        out = BytesIO()
        out.write(_FRAME.pack(0, self._id_of(topic, language)) if framed else language.head)
        try:
            assert language.shape.dump is not None
            fastavro.schemaless_writer(out, language.parsed, language.shape.dump(record))
        except (PydanticSerializationError, *_BROKEN) as error:
            text = f"{topic.model.__name__} cannot travel: {error}"
            raise errors.Defect(text, reason="unencodable") from error
        return out.getvalue()

    def decode(self, topic: Topic[Any], raw: bytes, *, framed: bool) -> Record:
        """The record. Raises ``errors.Undecodable``, and ``errors.Retryable`` for the registry."""
        language = self._language(topic)
        writer, start = self._framed(language, raw) if framed else _bare(language, raw)
        stream = BytesIO(raw)
        stream.seek(start)
        try:
            reader = None if writer is language.parsed else language.parsed
            datum = fastavro.schemaless_reader(stream, writer, reader)
            if reader is not None:
                # It may be read: what it says under the names of its time is the model's to translate.
                stream.seek(start)
                datum = fastavro.schemaless_reader(stream, writer, None)
            if stream.tell() != len(raw):
                raise ValueError(f"{len(raw) - stream.tell()} bytes left over")
            record: Record = topic.model.model_validate(
                datum if language.shape.load is None else language.shape.load(datum)
            )
        except ValidationError as error:
            raise undecodable(topic, error) from error
        except (*_BROKEN, fastavro.read.SchemaResolutionError) as error:
            text = f"no Avro of {topic.model.__name__}: {type(error).__name__}: {str(error)[:200]}"
            raise errors.Undecodable(text, reason="malformed") from error
        return record

    def _framed(self, language: _Language, raw: bytes) -> tuple[Any, int]:
        if len(raw) < _FRAME.size:
            raise errors.Undecodable("the frame is cut off", reason="malformed")
        if self._registry is None:
            raise errors.Undecodable(
                "framed for a schema registry, and none is configured", reason="no_registry"
            )
        _, schema_id = _FRAME.unpack_from(raw)
        writer = language.by_id.get(schema_id)
        if writer is None:
            writer = language.by_id[schema_id] = self._fetch(language, schema_id)
        return writer, _FRAME.size

    def _fetch(self, language: _Language, schema_id: int) -> Any:
        assert self._registry is not None
        try:
            fetched = self._registry.schema(schema_id)
            head = fingerprint_of(fetched)
            return language.writers.get(head) or fastavro.parse_schema(fetched)
        except errors.NotFound as error:
            text = f"the registry has no schema {schema_id}"
            raise errors.Undecodable(text, reason="unknown_schema") from error
        except (SchemaParseException, fastavro.schema.UnknownType) as error:
            text = f"schema {schema_id} of the registry is no Avro schema"
            raise errors.Undecodable(text, reason="unknown_schema") from error

    def _id_of(self, topic: Topic[Any], language: _Language) -> int:
        if language.schema_id is None:
            if self._registry is None:
                raise errors.Defect("the frame needs a registry", reason="no_registry")
            subject = f"{self._prefix}{topic.name}-value"
            language.schema_id = self._registry.register(subject, language.shape.schema)
            language.by_id[language.schema_id] = language.parsed
        return language.schema_id

    def _language(self, topic: Topic[Any]) -> _Language:
        known = self._languages.get(topic.name)
        if known is None:
            shape = shape_of(topic.model)
            parsed = fastavro.parse_schema(shape.schema)
            print_of = fingerprint_of(shape.schema)
            writers = {old: fastavro.parse_schema(schema) for old, schema in published(topic.name)}
            writers[print_of] = parsed
            known = _Language(shape, parsed, MARKER + print_of, writers)
            self._languages[topic.name] = known
        return known


def _bare(language: _Language, raw: bytes) -> tuple[Any, int]:
    if len(raw) < _BARE.size:
        raise errors.Undecodable("the single-object head is cut off", reason="malformed")
    _, print_of = _BARE.unpack_from(raw)
    writer = language.writers.get(print_of)
    if writer is None:
        text = f"written with schema {print_of.hex()}, which this version does not know"
        raise errors.Undecodable(text, reason="unknown_schema")
    return writer, _BARE.size
