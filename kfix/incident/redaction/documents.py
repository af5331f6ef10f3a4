"""Secrets in what spans lines or tags: YAML, XML, key files, password files. Read by structure, whole or cut. Pure."""

from __future__ import annotations

import base64
import binascii
import re

from kfix.incident.redaction.pairs import read_value
from kfix.incident.redaction.words import (
    harmless,
    hidden,
    lower,
    masked_value,
    named,
    nameish,
    names_in,
    strength_of,
    telling,
    unspoken,
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
    r"(\b(?:login|account)\s{1,8}[^\s|]{1,128}\s{1,8}password\s{1,8})(?!\[masked:)(\S{1,512})"
)
#: What every line of both files has, in forms that begin with literal letters, for which a text is searched quickly.
_NETRC_WORD = re.compile(r"password\s(?<=\spassword\s)")
_PGPASS_PORT = re.compile(r":(?:\d{4,5}|\*):[\w.*-]{1,63}:[\w.*@-]{1,63}:")
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
#: ``<name>fs.s3a.secret.key</name><value>…</value>`` of Hadoop, ``<key>Password</key><string>…`` of property lists.
_SIBLINGS = re.compile(
    r"(<(?P<n>name|key)>\s{0,20}(?P<name>[\w. -]{1,120}?)\s{0,20}</(?P=n)>\s{0,40}<(?:value|string)>)"
    r"(?P<value>[^<>]{1,4000})(?=</)"
)
#: SQL that gives an account its password, and the words of SMTP's and IMAP's logins.
_IDENTIFIED = re.compile(
    r"(?i)(\bidentified[ \t]{1,8}(?:with[ \t]{1,8}[\w\"'`]{1,64}[ \t]{1,8})?(?:by|as)[ \t]{1,8}(?:password[ \t]{1,8}|values[ \t]{1,8})?)"
    r"(?:(?P<q>\\{0,3}[\"'])(?P<quoted>[^\"'\\\n]{1,256})|(?P<bare>[^\s\"';,?*$\[]{6,128}))"
)
_ACCOUNT = re.compile(r"(?i)\b(?:user|role|grant)\b")
_INSERTED = re.compile(
    r"(?i)\b(?:insert|replace)[ \t]{1,8}into[ \t]{1,8}[\w.\"`\[\]]{1,128}[ \t]{0,8}\((?P<names>[^()\n]{1,2000})\)"
    r"[ \t]{0,8}values[ \t]{0,8}(?P<rows>\([^\n]{1,20000})"
)
_SQL_VALUE = re.compile(
    r"[ \t]*('(?:[^'\n]|'')*'|[^',()\n]*(?:\([^()\n]*\))?[^',()\n]*)[ \t]*([,)])"
)
_SASL = re.compile(
    r"(?i)(\bauth[ \t]{1,4}(?:plain|login|xoauth2|cram-md5)[ \t]{1,4})(?=[\w+/]{0,400}[\d=])([A-Za-z0-9+/]{12,4000}={0,2})(?=\s|\Z|\\)"
)
_VARIABLE_BLOCK = re.compile(
    r"(\bvariable[ \t]+\"([\w-]{1,80})\"[ \t]*\{[^{}]{0,800}?\bdefault[ \t]*=[ \t]*\")([^\"\n]{1,400})"
)
_HEREDOC = re.compile(
    r"([\w.-]{1,80})([\"']?[ \t]{0,20}[:=][ \t]{0,20}<<[-~]?[\"']?(?P<end>[A-Z_]{2,20})[\"']?\r?\n)(?P<text>.*?)(?=\n[ \t]*(?P=end)\b|\Z)",
    re.DOTALL,
)
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
_RULE = re.compile(r"[ \t|+:-]{3,4000}\r?")
_HEADER = re.compile(
    r"[ \t]*\|?[ \t]*[\w \t\"'-]{1,64}(?:\|[\w \t\"'-]{1,64}){1,40}\|?[ \t]*\r?|[\w\"-]{1,64}(?:,[\w\"-]{1,64}){1,60}\r?"
)
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
    if _NETRC_WORD.search(text):
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
    if "<" not in text or ">" not in text:
        return text
    if "<name>" in text or "<key>" in text:
        text = _SIBLINGS.sub(_sibling, text)
    return _TAG.sub(_tag, text)


def _sibling(match: re.Match[str]) -> str:
    told = named(match["name"])
    return match[0] if told is None else match[1] + masked_value(match["value"], told[1])


def mask_statements(text: str) -> str:
    """``text`` with the passwords of SQL statements, mail logins, Terraform's variables and here-documents masked."""
    lowered = lower(text)
    if "identified" in lowered:
        text = _IDENTIFIED.sub(_identified, text)
    if "values" in lowered and "into" in lowered:
        text = _INSERTED.sub(_inserted, text)
    if "auth " in lowered:
        text = _SASL.sub(r"\1[masked:credentials]", text)
    if "default" in lowered and 'variable "' in text:
        text = _VARIABLE_BLOCK.sub(_variable, text)
    return _HEREDOC.sub(_heredoc, text) if "<<" in text else text


def _identified(match: re.Match[str]) -> str:
    value = match["quoted"] or match["bare"]
    before = match.string[max(0, match.start() - 200) : match.start()]
    if match["bare"] and _ACCOUNT.search(before) is None:
        return match[0]
    if harmless(value) or (match["bare"] and (nameish(value) and not telling(value))):
        return match[0]
    return f"{match[1]}{match['q'] or ''}[masked:password]"


def _inserted(match: re.Match[str]) -> str:
    """The values of the columns that are named for a secret, in every row."""
    kinds = [named(name.strip(" \t\"'`[]")) for name in match["names"].split(",")]
    if not any(kinds):
        return match[0]
    rows = match["rows"]
    out, at, column = [], 0, 0
    while at < len(rows):
        if rows[at] == "(":
            column = 0
            out.append("(")
            at += 1
        value = _SQL_VALUE.match(rows, at)
        if value is None:
            break
        told = kinds[column] if column < len(kinds) else None
        plain = value[1].strip("'")
        hide = told is not None and value[1][:1] == "'" and plain and not harmless(plain)
        out.append(value[0].replace(plain, f"[masked:{told[1]}]") if told and hide else value[0])
        at, column = value.end(), column + 1
        if value[2] == ")":
            after = re.compile(r"[ \t]*,[ \t]*(?=\()").match(rows, at)
            if after is None:
                break
            out.append(after[0])
            at = after.end()
    head = match[0][: match.start("rows") - match.start()]
    return head + "".join(out) + rows[at:]


def _variable(match: re.Match[str]) -> str:
    told = named(match[2])
    if told is None or (told[0] == "mild" and not telling(match[3])):
        return match[0]
    return match[1] + masked_value(match[3], told[1])


def _heredoc(match: re.Match[str]) -> str:
    told = named(match[1])
    if told is None or harmless(match["text"].strip()):
        return match[0]
    lines = match["text"].count("\n")
    return f"{match[1]}{match[2]}[masked:{told[1]}]" + "\n" * lines


def _tag(match: re.Match[str]) -> str:
    attributes = _ATTRIBUTE.findall(match["attrs"])
    told = named(match["tag"].rsplit(":", 1)[-1])
    for name, value in attributes:
        if name.lower().rsplit(":", 1)[-1] in _NAMING:
            told = told or named(value[1:-1])
        if name.lower() == "type" and value[1:-1] == "password":
            told = told or ("strong", "password")
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
        if at + 1 < len(lines) and _HEADER.fullmatch(lines[at]):
            _mask_column(lines, at)
        line = lines[at]
        entry = (
            _NAME_LINE.match(line) if ":" in line and ("name" in line or "key" in line) else None
        )
        if entry and named(entry[1]):
            _mask_entry(lines, at, entry[1])
        argument = _ARGUMENT.match(line) if "- " in line or "-\t" in line else None
        if argument and named(argument[1]) and at + 1 < len(lines):
            _mask_item(lines, at + 1, "option")


def _mask_column(lines: list[str], at: int) -> None:
    """The rows below a header with a password's column: psql's tables, Markdown's, CSV."""
    sign = "|" if "|" in lines[at] else ","
    columns = [named(cell.strip(" \t\r\"'`")) for cell in lines[at].split(sign)]
    if not any(told and told[0] == "strong" for told in columns):
        return
    for number in range(at + 1, min(len(lines), at + 1000)):
        if _RULE.fullmatch(lines[number]):
            continue
        cells = lines[number].split(sign)
        if len(cells) != len(columns):
            break
        for column, told in enumerate(columns):
            plain = cells[column].strip(" \t\r\"'`")
            if told and told[0] == "strong" and unspoken(plain) and not harmless(plain):
                cells[column] = cells[column].replace(plain, f"[masked:{told[1]}]")
        lines[number] = sign.join(cells)


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
    for match in names_in(lowered):
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
