"""Files of captured cases as values: JSON, JSON streams, YAML, each also gzipped; bounded before anything is built."""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import orjson
import yaml

from enrich.core.dumped_logs import without_logs
from kfix.texts import say
from schemas.base import Json
from schemas.text import sentence_of, text_of

#: Bytes of one file, also once unpacked; larger ones are left out and named.
MAX_FILE = 64 * 1024 * 1024
YAML = (".yaml", ".yml")
#: Events of one YAML file and depth of its nesting; an alias bomb is small on disk and huge in memory.
_MAX_NODES = 2_000_000
_MAX_DEPTH = 100
_MAX_ALIASES = 1_000
#: PowerShell's ``>`` writes UTF-16 with a mark; no JSON or YAML of a cluster begins with one of these otherwise.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _number(text: str) -> int | float:
    """As orjson reads it: what 64 bits do not hold is a float."""
    return int(text) if len(text) < 19 else float(text)


class _Loader(yaml.CSafeLoader):
    """YAML that is JSON: no dates, sets or bytes, which nothing downstream can write out again."""

    def construct_json_int(self, node: yaml.ScalarNode) -> int | float:
        number: int = self.construct_yaml_int(node)
        return number if abs(number) < 2**63 else float(number)


_DATE = "tag:yaml.org,2002:timestamp"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in found if tag != _DATE]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.yaml_constructors = {
    tag: build
    for tag, build in yaml.CSafeLoader.yaml_constructors.items()
    if tag not in (_DATE, *(f"tag:yaml.org,2002:{kind}" for kind in ("set", "binary", "pairs")))
}
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_json_int)


class Unreadable(ValueError):
    """A file that is not what its name says: raised with a sentence for people."""


def inner_name(name: str) -> PurePath:
    """The name without ``.gz``."""
    return PurePath(name.removesuffix(".gz"))


def read_bytes(path: Path) -> bytes:
    """A file's bytes, unpacked when its name ends in ``.gz``, as UTF-8. Raises Unreadable, also when it is too large."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise Unreadable(say("enrich.unreadable.too_large"))
        raw = path.read_bytes() if path.suffix != ".gz" else _unpacked(path)
    except (OSError, EOFError, zlib.error) as failure:
        reason = getattr(failure, "strerror", None) or str(failure)
        raise Unreadable(reason or say("enrich.unreadable.unread")) from failure
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace").encode()
    return raw


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as packed:
        raw = packed.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        raise Unreadable(say("enrich.unreadable.too_large_unpacked"))
    return raw


def read_document(path: Path) -> Json:
    """One JSON or YAML file as a value; several documents in it as a list. Raises Unreadable."""
    return document_of(read_bytes(path), inner_name(path.name).suffix)


def document_of(raw: bytes, suffix: str) -> Json:
    """The bytes of a file of this suffix as a value; what is not YAML by its suffix is JSON. Raises Unreadable.

    No tool writes an empty file where there is nothing: its command failed.
    """
    if not raw.strip():
        raise Unreadable(say("enrich.unreadable.empty"))
    if suffix not in YAML:
        return json_of(raw)
    documents = documents_of(raw)
    return documents[0] if len(documents) == 1 else documents


def json_of(raw: bytes) -> Json:
    """A JSON value; several after each other, as ``kubectl cluster-info dump > file`` writes them, as a list.

    Raises Unreadable.
    """
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as failure:
        several = list(_json_stream(raw, str(failure)))
        found = several
    if _deeper(found, _MAX_DEPTH):
        raise Unreadable(say("enrich.unreadable.deep", most=_MAX_DEPTH))
    return found


def _json_stream(raw: bytes, why: str) -> Iterator[Json]:
    text = without_logs(raw.decode(errors="replace"))
    decoder = json.JSONDecoder(parse_int=_number)
    at, end = 0, len(text)
    found = False
    while True:
        while at < end and text[at].isspace():
            at += 1
        if at >= end:
            break
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as failure:
            raise Unreadable(say("enrich.unreadable.no_json", why=why)) from failure
        found = True
        yield value
    if not found:
        raise Unreadable(say("enrich.unreadable.no_json", why=why))


def documents_of(raw: bytes) -> list[Json]:
    """The documents of a YAML stream. Raises Unreadable, also for bombs: nests, aliases, sheer number."""
    try:
        _check(raw)
        return [d for d in yaml.load_all(raw, Loader=_Loader) if d is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as failure:
        why = sentence_of(failure) or repr(failure)
        first = why if text_of(why) else why.splitlines()[0]
        raise Unreadable(say("enrich.unreadable.no_yaml", why=first)) from failure


def _check(raw: bytes) -> None:
    depth = aliases = 0
    for number, event in enumerate(yaml.parse(raw, Loader=yaml.CSafeLoader)):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        if number > _MAX_NODES or depth > _MAX_DEPTH or aliases > _MAX_ALIASES:
            raise Unreadable(say("enrich.unreadable.too_many"))

    if b"&" in raw and b"*" in raw:
        _check_expanded(raw)


def _check_expanded(raw: bytes) -> None:
    """Refuses documents that grow past the bound once each alias is a copy, as masking makes it."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known is None:
            sizes[id(node)] = 1  # a node inside itself counts once: what follows refuses it
            parts = node.value if isinstance(node, yaml.SequenceNode) else ()
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in node.value for part in pair]
            known = sizes[id(node)] = 1 + sum(size(part) for part in parts)
        if known > _MAX_NODES:
            raise Unreadable(say("enrich.unreadable.too_many_expanded"))
        return known

    for document in yaml.compose_all(raw, Loader=yaml.CSafeLoader):
        size(document)


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and mappings nest deeper than ``levels``; without recursion."""
    waiting = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        if depth > levels:
            return True
        if isinstance(found, Mapping):
            waiting += [(item, depth + 1) for item in found.values()]
        elif isinstance(found, list):
            waiting += [(item, depth + 1) for item in found]
    return False
