"""Secrets in what spans lines or tags: YAML, XML, key files, password files. Read by structure, whole or cut. Pure."""

from __future__ import annotations

import base64
import binascii
import re

from kfix.redaction.pairs import read_value
from kfix.redaction.words import (
    NAME,
    harmless,
    hidden,
    lower,
    masked_value,
    named,
    nameish,
    strength_of,
    telling,
)

_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)|"
    r"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----.*?(?:---- END SSH2 ENCRYPTED PRIVATE KEY ----|\Z)",
    re.DOTALL,
)
#: What a PEM frame's first characters are in base64, as Kubernetes and CI variables carry keys.
_PEM_ENCODED = re.compile(r"(?<![0-9A-Za-z+/])LS0tLS1CRUdJTi[0-9A-Za-z+/]{40,}={0,2}")
_PPK = re.compile(r"(?<=Private-Lines: )\d+(?:(?:\r?\n|\\n)[0-9A-Za-z+/=]{20,})+")
_NETRC = re.compile(
    r"(\b(?:login|account)\s{1,8}\S{1,128}\s{1,8}password\s{1,8})(?!\[masked:)(\S{1,512})"
)
_PGPASS_PORT = re.compile(r":(?:\d{4,5}|\*):")
_PGPASS = re.compile(
    r"(?<![^\s\"'])((?:[\w.*-]{1,253}|\[[0-9a-f:]{2,40}\]):(?:\d{4,5}|\*):[\w.*-]{1,63}:[\w.*@-]{1,63}:)"
    r"(?!\[masked:)([^\s\"']{1,256})"
)
_TAG = re.compile(
    r"(?P<open><(?P<tag>[A-Za-z][\w:.-]{0,80})(?P<attrs>[^<>]{0,600}?)(?P<gt>/?>))"
    r"(?P<text>(?:\s*<!\[CDATA\[)?[^<&\[\]]{0,4000}(?:&(?!lt;)[^<&]{0,400}){0,8})"
)
_ATTRIBUTE = re.compile(r"([\w:.-]{1,80})\s{0,4}=\s{0,4}(\"[^\"]*\"|'[^']*')")
_NAMING = frozenset(("key", "name", "id", "property", "field", "param"))
_VALUING = frozenset(("value", "content", "val", "default"))
_MULTIPART = re.compile(r"(?i)(name=\"([\w.-]{1,80})\"(?:\r?\n[^\r\n]+){0,5}\r?\n\r?\n)([^\r\n]+)")
_FLOW = re.compile(r"\{[^{}\n]{0,80}\b(?:[Nn]ame|[Kk]ey|[Vv]alue)\b[^{}\n]{1,600}\}")
_FLOW_NAME = re.compile(r"\b(?:[Nn]ame|[Kk]ey)[\"']?\s?[:=]\s?[\"']?([\w.-]{1,120})")
_FLOW_VALUE = re.compile(r"\b[Vv]alue[\"']?\s?[:=]\s?")
_KEY_LINE = re.compile(
    r"[ \t]*(?:[-?+][ \t]+)*[\"']?([\w.$/@-]{1,120})[\"']?[ \t]*:(?:[ \t]+(.*?))?[ \t]*\r?\Z"
)
_KIND_SECRET = re.compile(r"(?:\A|[\s{,-])[\"']?kind[\"']?:[ \t]*[\"']?Secret[\"']?[ \t]*\r?\Z")
_NAME_LINE = re.compile(
    r"(?:\A|.*?[\s-])(?:name|key)[ \t]*:[ \t]+[\"']?([\w.-]{1,120})[\"']?[ \t]*,?\r?\Z"
)
_VALUE_LINE = re.compile(r"((?:\A|.*?[\s-])value[ \t]*:[ \t]*)(\S.*?)?\r?\Z")
_OPENS = re.compile(r"(?:[:=][ \t]*(?:[|>][+-]?\d?[+-]?)?[ \t]*(?:#.*)?|\\)\r?\Z")
_ARGUMENT = re.compile(r"[ \t]*-[ \t]+[\"']?(--?[\w.-]{2,64})[\"']?\r?\Z")
_ITEM = re.compile(r"([ \t]*-[ \t]+)([\"']?)(.+?)\2\r?\Z")
#: Under a name of several secrets, what stays: what names, places or describes them.
REFERENCES = frozenset(
    [
        "name",
        "names",
        "namespace",
        "key",
        "keys",
        "kind",
        "apiversion",
        "secretname",
        "secretref",
        "secretkeyref",
        "valuefrom",
        "configmapkeyref",
        "path",
        "mode",
        "defaultmode",
        "optional",
        "items",
        "type",
        "description",
        "audience",
        "expirationseconds",
        "user",
        "username",
        "users",
        "login",
        "host",
        "hostname",
        "port",
        "database",
        "db",
        "dbname",
        "email",
        "url",
        "uri",
        "endpoint",
        "provider",
        "store",
        "engine",
        "version",
        "property",
        "remoteref",
        "format",
        "title",
        "id",
        "region",
        "enabled",
        "existingsecret",
        "create",
        "annotations",
        "labels",
        "mountpath",
        "ref",
        "refreshinterval",
        "status",
        "message",
        "reason",
        "scheme",
        "source",
        "target",
        "server",
        "servers",
        "issuer",
    ]
)


def mask_keys(text: str) -> str:
    """``text`` without private keys: PEM frames whole or cut, PEM in base64, PuTTY's."""
    if "PRIVATE KEY" in text:
        text = _PEM.sub("[masked:private_key]", text)
    if "LS0tLS1CRUdJTi" in text:
        text = _PEM_ENCODED.sub(_encoded, text)
    if "Private-Lines" in text:
        text = _PPK.sub("[masked:private_key]", text)
    return text


def _encoded(match: re.Match[str]) -> str:
    start = match[0][:80]
    try:
        frame = base64.b64decode(start[: len(start) // 4 * 4])
    except binascii.Error:
        return match[0]
    return "[masked:private_key]" if b"PRIVATE KEY" in frame else match[0]


def mask_password_files(text: str) -> str:
    """``text`` with the passwords of ``.pgpass`` lines masked."""
    return text if _PGPASS_PORT.search(text) is None else _PGPASS.sub(r"\1[masked:password]", text)


def mask_files(text: str) -> str:
    """``text`` with the passwords of ``.netrc`` and of multipart forms masked."""
    if "password" not in text:
        return text
    text = _NETRC.sub(r"\1[masked:password]", text)
    return _MULTIPART.sub(_part, text) if 'name="' in text else text


def _part(match: re.Match[str]) -> str:
    told = named(match[2])
    return match[0] if told is None else match[1] + masked_value(match[3], told[1])


def mask_entries(text: str) -> str:
    """``{name: DB_PASSWORD, value: …}`` in one line, as YAML's flow form and Go's printing have it, in any order."""
    return _FLOW.sub(_entry, text) if "{" in text else text


def _entry(match: re.Match[str]) -> str:
    name = _FLOW_NAME.search(match[0])
    value = _FLOW_VALUE.search(match[0])
    told = named(name[1]) if name else None
    if told is None or value is None:
        return match[0]
    start, inner, quoted = read_value(match[0], value.end())
    inner = inner.split(",")[0] if not quoted else inner
    if not inner or harmless(inner) or not hidden(told[0], inner, quoted=quoted, spoken=False):
        return match[0]
    return f"{match[0][:start]}[masked:{told[1]}]{match[0][start + len(inner) :]}"


def mask_tags(text: str) -> str:
    """``text`` with the values of XML elements and attributes masked whose names say so."""
    return _TAG.sub(_tag, text) if "<" in text and ">" in text else text


def _tag(match: re.Match[str]) -> str:
    attributes = _ATTRIBUTE.findall(match["attrs"])
    told = named(match["tag"].rsplit(":", 1)[-1])
    for name, value in attributes:
        if name.lower().rsplit(":", 1)[-1] in _NAMING:
            told = told or named(value[1:-1])
    if told is None:
        return match[0]
    opened, text = match["open"], match["text"]
    for name, value in attributes:
        if name.lower() in _VALUING and value[1:-1]:
            masked = masked_value(value[1:-1], told[1])
            opened = opened.replace(value, f"{value[0]}{masked}{value[0]}")
    inner = text.strip().removeprefix("<![CDATA[").strip()
    if (
        inner
        and not match["gt"].startswith("/")
        and hidden(told[0], inner, quoted=False, spoken=False)
    ):
        text = text.replace(inner, masked_value(inner, told[1]))
    return opened + text


def mask_blocks(lines: list[str], telling_lines: list[int]) -> None:
    """Masks in place what belongs to a name on another line: YAML blocks, entries, lists, Secrets, arguments.

    ``telling_lines``: the numbers of the lines with a mark of a name.
    """
    done = -1
    for at in telling_lines:
        if at > done and "Secret" in lines[at] and _KIND_SECRET.search(lines[at]):
            done = _mask_secret(lines, at)
        if _OPENS.search(lines[at]):
            _mask_below(lines, at)
        entry = _NAME_LINE.match(lines[at])
        if entry and named(entry[1]):
            _mask_entry(lines, at, entry[1])
        argument = _ARGUMENT.match(lines[at])
        if argument and named(argument[1]) and at + 1 < len(lines):
            _mask_item(lines, at + 1, "option")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _below(lines: list[str], at: int, *, lists: bool = True) -> range:
    """The numbers of the lines that are deeper than line ``at``, or list items as deep as it."""
    own = _indent(lines[at])
    lists = lists and not lines[at].lstrip().startswith("- ")
    end = at + 1
    while end < len(lines):
        line = lines[end]
        deep = _indent(line)
        if (
            line.strip()
            and deep <= own
            and not (lists and deep == own and line.lstrip().startswith("- "))
        ):
            break
        end += 1
    while end > at + 1 and not lines[end - 1].strip():
        end -= 1
    return range(at + 1, end)


def _last_name(line: str) -> tuple[str, str] | None:
    """The secret's name that the line ends with, before its colon: strength and kind."""
    lowered = lower(line)
    found = None
    for match in NAME.finditer(lowered):
        found = match
    if found is None or not re.fullmatch(
        r"[\"'`]?\)?[ \t]*[:=][ \t]*(?:[|>][+-]?\d?[+-]?)?[ \t]*(?:#.*)?\r?", line[found.end() :]
    ):
        return None
    strength = strength_of(found[0], line, found.start())
    return None if strength is None else (strength, lowered[found.start() : found.end()])


def _mask_below(lines: list[str], at: int) -> None:
    told = _last_name(lines[at])
    if told is None:
        return
    strength, word = told
    kind = named(word) or ("strong", "secret")
    stripped = lines[at].rstrip()
    block = re.search(r"[:=][ \t]*[|>][+-]?\d?[+-]?\Z", stripped)
    below = _below(lines, at, lists=block is None)
    if block and below:
        _mask_block(lines, below, kind[1])
        return
    if not below:
        if (
            at + 1 < len(lines)
            and re.fullmatch(r"[^\s:=\[\]{}<>]{6,}\r?", lines[at + 1])
            and telling(lines[at + 1].strip())
        ):
            lines[at + 1] = _kept_end(lines[at + 1], f"[masked:{kind[1]}]")
        return
    first = lines[below[0]]
    if len(below) == 1 and ":" not in first and not first.lstrip().startswith("- "):
        if (strength == "strong" or telling(first.strip())) and " " not in first.strip():
            lead = first[: _indent(first)]
            lines[below[0]] = lead + _kept_end(
                first, masked_value(first.strip().strip("\"'"), kind[1])
            )
        return
    _mask_children(lines, below, word, kind[1])


def _mask_block(lines: list[str], below: range, kind: str) -> None:
    """The first line of a block scalar becomes the mask, the others go empty: line numbers stay."""
    for number in below:
        line = lines[number]
        if not line.strip() or harmless(line.strip()):
            continue
        lines[number] = line[: _indent(line)] + _kept_end(line, f"[masked:{kind}]")


def _kept_end(line: str, masked: str) -> str:
    return masked + ("\r" if line.endswith("\r") else "")


def _mask_children(lines: list[str], below: range, word: str, kind: str) -> None:
    several = word.endswith("s")
    for number in below:
        line = lines[number]
        item = _ITEM.match(line)
        pair = _KEY_LINE.match(line)
        if pair and pair[2]:
            wanted = (
                pair[1].lower() not in REFERENCES
                if several
                else pair[1].lower() in ("value", "plaintext")
            )
            if wanted and not (several and nameish(pair[2].strip("\"'"))):
                _mask_rest(lines, number, kind)
        elif item and several and not pair:
            _mask_item(lines, number, kind)


def _mask_rest(lines: list[str], at: int, kind: str) -> None:
    """The value after the first colon of the line, or the block that it opens."""
    line = lines[at]
    head, _, rest = line.partition(": ")
    if re.fullmatch(r"[|>][+-]?\d?[+-]?", rest.strip()):
        _mask_block(lines, _below(lines, at, lists=False), kind)
        return
    start, inner, _ = read_value(line, len(head) + 2 + len(rest) - len(rest.lstrip(" \t")))
    if inner and not harmless(inner):
        lines[at] = f"{line[:start]}[masked:{kind}]{line[start + len(inner) :]}"


def _mask_item(lines: list[str], at: int, kind: str) -> None:
    item = _ITEM.match(lines[at])
    if (
        item is None
        or item[3].startswith("-")
        or harmless(item[3])
        or (nameish(item[3]) and kind != "option")
    ):
        return
    lines[at] = item[1] + item[2] + _kept_end(lines[at], f"[masked:{kind}]{item[2]}")


def _mask_entry(lines: list[str], at: int, name: str) -> None:
    """``value:`` beside ``name: DB_PASSWORD`` in the same list item, before or after it."""
    told = named(name)
    if told is None:
        return
    starts = re.search(r"-[ \t]+(?:name|key)[ \t]*:", lines[at]) is not None
    before = () if starts else range(at - 1, max(-1, at - 4), -1)
    for number in (*before, *range(at + 1, min(len(lines), at + 4))):
        line = lines[number]
        begins = re.match(r"(?:.*\s)?-[ \t]+[\w\"']", line) is not None
        if number > at and begins and not (line[:1] == "-" and _VALUE_LINE.match(line[1:])):
            break
        value = _VALUE_LINE.match(line)
        if value and value[2]:
            rest, changed = value[2], line[:1] in ("+", "-") and line[1:2] == " "
            if re.fullmatch(r"[|>][+-]?\d?[+-]?", rest):
                _mask_block(lines, _below(lines, number, lists=False), told[1])
            else:
                start, inner, quoted = read_value(line, value.end(1))
                if (
                    inner
                    and not harmless(inner)
                    and hidden(told[0], inner, quoted=quoted, spoken=False)
                ):
                    lines[number] = f"{line[:start]}[masked:{told[1]}]{line[start + len(inner) :]}"
            if not changed:
                break
        if number < at and begins:
            break


def _mask_secret(lines: list[str], at: int) -> int:
    """Until which line it reaches. All values under ``data`` and ``stringData`` of a Secret that is written out as YAML; its keys stay."""
    around = range(max(0, at - 200), min(len(lines), at + 2000))
    start, end = at, at
    while start - 1 in around and not lines[start - 1].startswith(("---", "...")):
        start -= 1
    while end + 1 in around and not lines[end + 1].startswith(("---", "...")):
        end += 1
    number = start
    while number <= end:
        if re.search(r"(?:\A|\s)(?:data|stringData):[ \t]*\r?\Z", lines[number]):
            for child in _below(lines, number, lists=False):
                if _KEY_LINE.match(lines[child]):
                    _mask_rest(lines, child, "secret")
        number += 1
    return end
