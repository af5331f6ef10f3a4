"""The Avro schemas as files: ``schemas/avro/<topic>.avsc`` is today's, ``schemas/avro/published/`` what was released.

A released schema stays for good: records written with it may still be in a topic, and a reader without a registry
finds it there by its fingerprint.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from fastavro.schema import fingerprint, to_parsing_canonical_form

from kfix.engine.topics import Topic
from kfix.engine.wire.shapes import shape_of


def fingerprint_of(schema: Any) -> bytes:
    """CRC-64-AVRO of the schema's parsing canonical form, little endian as single-object encoding wants it."""
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))


def text_of(schema: Any) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def generated(topic: Topic[Any]) -> str:
    """What the file of a topic has to be today."""
    return text_of(shape_of(topic.model).schema)


def checked_in(topic: str) -> Any | None:
    """The schema in the topic's file; ``None`` when there is none yet."""
    path = files("schemas") / "avro" / f"{topic}.avsc"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def published(topic: str) -> list[tuple[bytes, Any]]:
    """Every released schema of a topic with its fingerprint, in no order."""
    folder = files("schemas") / "avro" / "published"
    found = []
    for path in folder.iterdir():
        if path.name.startswith(f"{topic}.") and path.name.endswith(".avsc"):
            schema = json.loads(path.read_text("utf-8"))
            found.append((fingerprint_of(schema), schema))
    return found
