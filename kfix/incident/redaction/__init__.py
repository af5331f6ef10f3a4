"""Masks secrets in text and JSON before either leaves the room where it was gathered. Pure and linear in its input.

Secrets are told by form (a token's documented format, a PEM frame, a password inside an address) and by name
(``password=…``, ``"apiKey": "…"``, an env entry whose name says so), never by how random they look: image digests,
uids and trace ids are evidence. What a text contains is read by its structure: JSON, YAML, XML, command lines,
connection strings, key files. A name stays, its value becomes ``[masked:kind]``; masking twice changes nothing. What
another tool has redacted already (``REDACTED-…``, ``***``) and references (``$(VAR)``, ``${VAR}``) stay as they are.
"""

from __future__ import annotations

import hashlib
import re

from kfix.incident.redaction.addresses import mask_addresses
from kfix.incident.redaction.commands import mask_commands
from kfix.incident.redaction.documents import (
    mask_blocks,
    mask_entries,
    mask_files,
    mask_keys,
    mask_password_files,
    mask_statements,
    mask_tags,
)
from kfix.incident.redaction.envelopes import mask_encoded, mask_json_in, mask_strings
from kfix.incident.redaction.objects import Walk
from kfix.incident.redaction.objects import forget as forget_names
from kfix.incident.redaction.pairs import mask_pairs
from kfix.incident.redaction.tokens import mask_tokens
from kfix.incident.redaction.words import (
    MARKS,
    lower,
    marked,
    marks_in,
    named,
    plain,
    quick,
    secret_name,
)

__all__ = ["forget", "mask", "mask_json", "secret_name"]

_AUTHORIZATION = re.compile(
    r"(?i)(authorization\\{0,3}[\"']?[ \t]{0,4}[:=][ \t]{0,4}(?:\[(?!masked:))?+\\{0,3}[\"']?"
    r"(?:(?:basic|bearer|token|negotiate|apikey|ssws|splunk)[ \t]{1,4}|"
    r"[a-z][\w-]{1,30}[ \t]{1,4}(?=[^\s\"']{0,200}\d)(?=[^\s\"']{8}))?+)"
    r"(?!\[masked:|\$[({])(?:(?:digest|oauth|hmac|aws4-hmac-sha256)[ \t]{1,4}[^\r\n\\]+|[^\s\"'\\,\]]{4,})"
)
#: A bare scheme counts with a value that no word of a language is: a digit, padding or an inner capital.
_SCHEME = re.compile(
    r"\b((?i:bearer|basic)[ \t]{1,4})(?=[\w.~+/-]{0,64}(?:\d|=|[a-z][A-Z]))([\w.~+/=-]{8,})"
)
_COOKIE = re.compile(
    r"(?i)\b((?:set-)?cookie\\{0,3}[\"']?[ \t]{0,4}:[ \t]{0,4}\\{0,3}[\"']?)(?!\[masked:)([^\r\n\"'\\]+=[^\r\n\"'\\]*)"
)
#: Marks of everything but tokens in one: a short text in lower case without any of them holds no secret but a token.
_MARK_ASCII, _MARK = quick(
    (
        *(
            "private",
            "://",
            "@",
            "bearer",
            "basic",
            "cookie",
            " -",
            "%3",
            "%2",
            "\\u00",
            "gt;",
            '"-',
            "\x1b",
            "\u200b",
        ),
        *(
            "http-basic.",
            "cargo login ",
            "alias set ",
            "bundle config",
            "curl ",
            "config set ",
            "sqlplus ",
            "connect ",
            "echo ",
            "/p:",
            "auth plain",
            "auth login",
            "stringdata",
        ),
        *("vault ", "rabbitmqctl", "redis-cli", "ls0tls1crudjti"),
        *MARKS,
    ),
    {":": r"(?:\d{4,5}|\*):"},
)
#: What is half of a cluster's texts and no secret by its form: times, uids, addresses, numbers, containers' identities.
_EVIDENT = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]{5,18}(?:Z|[+-]\d\d:\d\d)|[\d.]{1,15}|"
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:containerd|cri-o|docker)://[0-9a-f]{64}",
    re.ASCII,
)
#: Texts in which nothing was found, as clusters repeat them: no text with a secret in it is ever remembered.
_INNOCENT: set[str] = set()
#: The same of long ones, by their digests: a log or a manifest that is the same at the next alert.
_LONG_INNOCENT: set[bytes] = set()
_SHORTEST, _SHORT = 6, 4096
_REMEMBERED = 20_000
#: What one reader masks may make plain what another then finds; more rounds than this change nothing.
_ROUNDS = 4
#: Texts in texts are opened this deep: each level of escapes doubles a text, so that deeper ones do not occur.
_DEPTH = 5


def mask(text: str) -> str:
    """``text`` with each secret replaced by ``[masked:kind]``. Idempotent; time grows linearly with the text."""
    if text in _INNOCENT:
        return text
    if len(text) > _SHORT:
        return _long(text)
    if len(text) >= _SHORTEST and _EVIDENT.fullmatch(text) is None:
        masked = _searched(text, 0)
        if masked is not text and masked != text:
            return _settled(masked, _ROUNDS - 1)
    if len(_INNOCENT) >= _REMEMBERED:
        _INNOCENT.clear()
    _INNOCENT.add(text)
    return text


def _long(text: str) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    if digest in _LONG_INNOCENT:
        return text
    masked = _settled(text)
    if masked == text:
        if len(_LONG_INNOCENT) >= _REMEMBERED:
            _LONG_INNOCENT.clear()
        _LONG_INNOCENT.add(digest)
    return masked


def forget() -> None:
    """Empties what the masker remembers, for measurements of a first run."""
    _INNOCENT.clear()
    _LONG_INNOCENT.clear()
    forget_names()
    named.cache_clear()


def _settled(text: str, rounds: int = _ROUNDS) -> str:
    for _ in range(rounds):
        masked = _searched(text, 0)
        if masked == text:
            break
        text = masked
    return text


def _searched(text: str, depth: int) -> str:
    if text.isascii():
        lowered = text.lower()
        mark = _MARK_ASCII.search(lowered)
    else:
        lowered = lower(text)
        mark = (_MARK_ASCII if plain(lowered) else _MARK()).search(lowered)
    if mark is None:
        return mask_tokens(text)
    text = mask_tokens(mask_password_files(text))
    named_ones = marked(lowered, mark.start())
    text = mask_addresses(mask_keys(text))
    if depth < _DEPTH:
        text = _opened(text, depth + 1, named_ones=named_ones)
    text = _headers(text, lowered)
    if named_ones:
        text = _by_lines(mask_entries(mask_tags(mask_files(mask_statements(text)))))
    return mask_commands(text)


def _opened(text: str, depth: int, *, named_ones: bool) -> str:
    def inner(part: str) -> str:
        return part if part in _INNOCENT else _searched(part, depth)

    if '"' in text and (named_ones or '"-' in text or '"cookie' in text or "\\" in text):
        text = mask_strings(mask_json_in(text, Walk(inner, _INNOCENT)), inner)
    return mask_encoded(text, inner)


def _headers(text: str, lowered: str) -> str:
    if "authorization" in lowered:
        text = _AUTHORIZATION.sub(r"\1[masked:credentials]", text)
    if "bearer" in lowered or "basic" in lowered:
        text = _SCHEME.sub(r"\1[masked:credentials]", text)
    if "cookie" in lowered:
        text = _COOKIE.sub(r"\1[masked:cookie]", text)
    return text


def _by_lines(text: str) -> str:
    if "\n" not in text:
        return mask_pairs(text, lower(text))
    lines = text.split("\n")
    telling = _telling(text, lines)
    mask_blocks(lines, telling)
    for number in telling:
        lines[number] = mask_pairs(lines[number], lower(lines[number]))
    return "\n".join(lines)


def _telling(text: str, lines: list[str]) -> list[int]:
    """The numbers of the lines with a mark of a name."""
    lowered = text.lower()
    if len(lowered) != len(text):
        return [number for number, line in enumerate(lines) if marked(lower(line))]
    numbers: list[int] = []
    number, end = -1, -1
    for mark in marks_in(lowered):
        while mark > end:
            number += 1
            end += len(lines[number]) + 1
        if not numbers or numbers[-1] != number:
            numbers.append(number)
    return numbers


#: ``mask_json(value)``: a copy of plain JSON with every string masked, values of secret-looking names and Secrets' data
#: masked. Understands env entries (``{"name": "DB_PASSWORD", "value": "…"}``), command lines as lists, maps and lists
#: of secrets, and Kubernetes Secrets, whose keys stay (a missing key is a diagnosis) while all their values go.
mask_json = Walk(mask, _INNOCENT)
