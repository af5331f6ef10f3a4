"""Bytes to a document: decompressed within a cap, UTF-8, one reading only (no duplicate keys), not too deep."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any
from urllib.parse import parse_qsl

from ingest.core.outcomes import Malformed
from ingest.core.repairs import repaired

#: Digits of an integer that still fits in 64 bits; what is longer stays text.
_LONGEST_INTEGER = 18
_MAX_FORM_FIELDS = 200

Document = dict[str, Any]


class _DuplicateKey(ValueError):
    pass


def decompressed(body: bytes, encoding: str, max_bytes: int) -> bytes | Malformed:
    """The body as its sender meant it; never more than ``max_bytes`` are inflated."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "x-gzip", "deflate"):
        return Malformed("unsupported_encoding", "only gzip and deflate are understood")
    inflator = zlib.decompressobj(wbits=47)  # gzip or zlib, told by the header
    try:
        plain = inflator.decompress(body, max_bytes + 1)
    except zlib.error as error:
        return Malformed("broken_compression", str(error))
    if len(plain) > max_bytes:
        return Malformed("too_large", f"inflates to more than {max_bytes} bytes")
    if not inflator.eof:
        return Malformed("broken_compression", "the compressed body is cut off")
    return plain


def mended_document(body: bytes, content_type: str, max_depth: int) -> Document | None:
    """The object of a body that is almost JSON; ``None`` where that has more than one reading (``repairs``)."""
    text = _text_of(body)
    if isinstance(text, Malformed) or _is_form(content_type):
        return None
    mended = repaired(text.strip(), max_depth)
    document = None if mended is None else _from_json(mended, max_depth)
    return None if isinstance(document, Malformed) else document


def _is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def document_of(body: bytes, content_type: str, max_depth: int) -> Document | Malformed:
    """The object in a body, from JSON or a form."""
    text = _text_of(body)
    if isinstance(text, Malformed):
        return text
    if _is_form(content_type):
        return _from_form(text, max_depth)
    return _from_json(text, max_depth)


def _text_of(body: bytes) -> str | Malformed:
    if not body.strip():
        return Malformed("empty", "no body")
    if json.detect_encoding(body) not in ("utf-8", "utf-8-sig"):
        return Malformed("not_utf8", "looks like UTF-16 or UTF-32")
    if b"\x00" in body:
        return Malformed("nul_byte", "holds a NUL byte")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Malformed("not_utf8", f"not UTF-8 at byte {error.start}")


def _from_json(text: str, max_depth: int) -> Document | Malformed:
    value = _parsed(text)
    if isinstance(value, Malformed):
        return value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]  # doors that take lists of events are sent one
    if not isinstance(value, dict):
        return Malformed("not_an_object", "the body is no JSON object")
    if _deeper_than(value, max_depth):
        return Malformed("too_deep", f"nested more than {max_depth} levels")
    return value


def _parsed(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except _DuplicateKey:
        return Malformed("duplicate_keys", "an object names a key twice")
    except RecursionError:
        return Malformed("too_deep", "nested too deep to be read")
    except json.JSONDecodeError as error:
        return Malformed("not_json", f"{error.msg} at line {error.lineno} column {error.colno}")


def _from_form(text: str, max_depth: int) -> Document | Malformed:
    """A form encoded by its sender has the template's keys as fields; others put the whole JSON into one."""
    try:
        pairs = parse_qsl(
            text.strip(),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=_MAX_FORM_FIELDS,
        )
    except ValueError as error:
        if "fields" in str(error):
            return Malformed("too_many_fields", f"more than {_MAX_FORM_FIELDS} fields")
        return Malformed("not_json", "no form either")
    fields = dict(pairs)
    if len(fields) < len(pairs):
        return Malformed("duplicate_keys", "the form names a field twice")
    if len(fields) == 1:
        (only,) = fields.values()
        if only.lstrip().startswith("{"):
            return _from_json(only, max_depth)
    return dict(fields)


def _once(pairs: list[tuple[str, Any]]) -> Document:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise _DuplicateKey
    return out


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits.lstrip("-")) <= _LONGEST_INTEGER else digits


def _number(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _nothing(_: str) -> None:
    return None


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_nothing,
    strict=False,  # templates written by hand put raw line breaks into strings
)


def _deeper_than(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        inner: list[object] = []
        for item in layer:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        layer = [item for item in inner if isinstance(item, dict | list)]
        if not layer:
            return False
    return True
