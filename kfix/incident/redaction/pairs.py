"""Names and the values that belong to them in one line: assignments of every language, tables, sentences. Pure."""

from __future__ import annotations

import re

from kfix.incident.redaction.words import (
    Strength,
    harmless,
    hidden,
    kind_of,
    names_in,
    strength_of,
    telling,
    unspoken,
)

_BLANK = r"[ \t\u00a0]"
_ASSIGNED = re.compile(
    rf"(?:\[\w{{0,32}}\])?(?:\\{{0,7}}[\"'`][)\]]?|\*\*|\])?(?:[ ]\{{ ?get; ?(?:private |internal )?(?:(?:set|init); ?)?\}}(?= =))?(?:{_BLANK}{{0,4}}:{_BLANK}{{0,4}}(?:[A-Z]\w{{0,40}}|str|string|text)"
    rf"\??(?={_BLANK}{{1,4}}={_BLANK}))?"
    rf"(?:{_BLANK}{{0,40}}(?P<op>=>|:=|==|->|→|=|：|::(?=[ ])|:(?!//))|(?P<call>\()(?=\\{{0,7}}[\"']))"
    rf"(?:\*\*(?!\*))?{_BLANK}{{0,40}}"
)
_LISTED = re.compile(
    rf"\\{{0,7}}[\"'`]?{_BLANK}{{0,8}},{_BLANK}{{0,40}}(?=(?:<<|[bBuUrR])?\\{{0,7}}[\"'`])"
)
#: An option and its value as two words of a command line.
_OPTION_BEFORE = re.compile(r"(?:\A|[\s\"'\[=(])--?[A-Za-z0-9_.-]{0,60}\Z")
_GIVEN = re.compile(r"[ \t]{1,8}(?=[^\s-])")
_TABLED = re.compile(rf"{_BLANK}{{0,80}}[|│]{_BLANK}{{0,80}}|\t{_BLANK}{{0,80}}|{_BLANK}{{2,80}}")
_SPOKEN = re.compile(
    rf"(?:{_BLANK}+(?:for|of|de|pour|para|für){_BLANK}+(?:user{_BLANK}+)?[^\s:=]{{1,64}}(?={_BLANK}?[:=]))?"
    rf"(?:{_BLANK}+(?:is|was|are|changed from|est|es|é|ist|lautet|ending(?: with| in)?|with value|value|set to|changed to)){{0,2}}"
    rf"{_BLANK}*[:=]?{_BLANK}+[\"'`(\[]?(?P<value>[^\s\"'`]{{6,512}})"
)
_WRAPPER = re.compile(
    r"(?:(?:Some|Just|Ok|String|Secret|SecretStr|Password)\(|string\(\d{1,5}\)[ ]|«[ \u00a0\u202f]?|<<(?=[\\\"'])|[bBuUrRfF@$](?=[\"'])|!{1,2}\w{0,20}[ \t]+|"
    r"&\w{1,40}[ \t]+|\[(?=\\{0,7}[\"']))?"
)
_QUOTED = re.compile(
    r"(?P<triple>\"\"\"|''')(?P<text3>.*?)(?:(?P=triple)|\Z)|"
    r"(?P<escaped>\\{1,7}[\"'])(?P<text0>(?:[^\"'\\\n]|\\{1,7}[^\"'\\\n])*)|"
    r"\"(?P<text1>(?:[^\"\\\n]|\\.)*)\"?|'(?P<text2>[^'\n]*(?:''[^'\n]+)*)'?|`(?P<text4>[^`\n]*)`?"
)
_BARE = re.compile(
    r"(?:(?!</|&quot;|&lt;|&#|\\[nrt])(?:[^\s\"'`,;&]|[\"'`](?=[\w$!@#%^*+])|"
    r"[,;&](?!\s|\Z|[\"'\]})]|amp;|[\w.\[\]-]{1,40}[=:])))+"
)
_CELL = re.compile(r"[^\s|│\"']+")
#: ``let a write pass: the policy is missing``: a verb, and a sentence after it.
_PROSE = re.compile(r"(?<=: )(?:[a-z]{1,11},? [a-z]{2,}|\d+/\d+)\b")
#: A map below a name (``"password": {"secretKeyRef": …``): its fields are read by their own names.
_MAP = re.compile(r"\{+\\{0,7}[\"']")
#: ``ALTER ROLE app PASSWORD '…'``: what stands in quotes right after the word.
_QUOTED_NEXT = re.compile(rf"{_BLANK}{{1,8}}[\"']([^\s\"']{{6,256}})[\"'](?=[\s,;)\]}}]|\Z)")
#: ``Password for the [elastic] user in the container is: …``, ``a password is generated for root@localhost: …``.
_SAID_LATER = re.compile(
    rf"(?:{_BLANK}(?:is|was))?(?:{_BLANK}(?:generated|created|set))?{_BLANK}(?:for|de|pour|para|für){_BLANK}"
    rf"[^\n:=]{{1,80}}?(?::|{_BLANK}(?:is|est|es|lautet):?){_BLANK}[\"'`]?(?P<value>[^\s\"'`]{{8,512}})"
)


def mask_pairs(line: str, lowered: str) -> str:
    """``line`` with the value of each secret's name masked. ``lowered``: the same in lower case, place by place."""
    out: list[str] = []
    done = 0
    for match in names_in(lowered):
        if match.start() < done:
            continue
        strength = strength_of(match[0], line, match.start())
        if strength is None:
            continue
        found = _value(line, match.start(), match.end(), strength, match[0])
        if found is None:
            continue
        start, end, kind = found
        out += [line[done:start], f"[masked:{kind}]"]
        done = end
    return "".join((*out, line[done:])) if out else line


def _value(
    line: str, start: int, end: int, strength: Strength, word: str
) -> tuple[int, int, str] | None:
    """Where the value of the name at ``start:end`` stands, and what the mask calls it."""
    assigned = _ASSIGNED.match(line, end)
    if assigned:
        return _assigned(line, start, assigned, strength, word)
    kind = kind_of(word)
    given = _GIVEN.match(line, end)
    if given and _OPTION_BEFORE.search(line, max(0, start - 64), start):
        at, inner, _ = read_value(line, given.end())
        if inner and not harmless(inner) and (strength != "mild" or telling(inner)):
            return at, at + len(inner), kind
    listed = _LISTED.match(line, end)
    if listed:
        at, inner, _ = read_value(line, listed.end())
        sure = _literal(inner) if strength == "strong" else telling(inner)
        return (at, at + len(inner), kind) if sure and not harmless(inner) else None
    cell = _cell(line, end, strength)
    if cell is not None:
        return None if harmless(cell[0]) else (cell.start(), cell.end(), kind)
    quoted = _QUOTED_NEXT.match(line, end) if strength == "strong" and kind == "password" else None
    if quoted and not harmless(quoted[1]):
        return quoted.start(1), quoted.end(1), kind
    return _in_sentence(line, end, strength, kind)


def _cell(line: str, end: int, strength: Strength) -> re.Match[str] | None:
    """The next cell of a table, where what stands there looks like a secret."""
    tabled = _TABLED.match(line, end)
    cell = _CELL.match(line, tabled.end()) if tabled else None
    if cell is None:
        return None
    sure = unspoken(cell[0]) if strength == "strong" else telling(cell[0])
    return cell if sure else None


def _literal(value: str) -> bool:
    """In quotes where code gives a password: also one long word, not the name of a field or a sentence."""
    return unspoken(value) or re.fullmatch(r"[a-z]{10,64}", value) is not None


def _assigned(
    line: str, start: int, assigned: re.Match[str], strength: Strength, word: str
) -> tuple[int, int, str] | None:
    at, inner, quoted = read_value(line, assigned.end())
    if not inner or harmless(inner) or (not quoted and _MAP.match(inner)):
        return None
    if (word == "pwd" and inner.startswith("/")) or (
        word == "pass" and _PROSE.match(line, assigned.end())
    ):
        return None
    spoken = "=" not in (assigned["op"] or "")
    if assigned["call"] and not (_literal(inner) if strength == "strong" else telling(inner)):
        return None
    if not hidden(strength, inner, quoted=quoted, spoken=spoken):
        return _in_sentence(line, assigned.end() - 1, strength, kind_of(word)) if spoken else None
    if not quoted and inner[0] in "[{(" and inner[-1] not in "]})" and ":" in inner:
        return None
    return at, at + len(inner), kind_of(word)


def read_value(line: str, at: int) -> tuple[int, str, bool]:
    """The value that begins at ``at``: where its text starts, the text without quotes, and whether it had some."""
    wrapped = _WRAPPER.match(line, at)
    at = wrapped.end() if wrapped else at
    quoted = _QUOTED.match(line, at)
    if quoted:
        group = next(
            name
            for name in ("text3", "text0", "text1", "text2", "text4")
            if quoted[name] is not None
        )
        return quoted.start(group), quoted[group], True
    bare = _BARE.match(line, at)
    if bare is None:
        return at, "", False
    inner = bare[0]
    if not any(opening in inner for opening in "([{"):
        inner = inner.rstrip(")]}")
    return at, inner, False


def _in_sentence(line: str, end: int, strength: Strength, kind: str) -> tuple[int, int, str] | None:
    """``login with password k2Ff… failed``, ``API key ending with c8d6… is invalid``."""
    said = _SPOKEN.match(line, end)
    later = _SAID_LATER.match(line, end) if kind == "password" else None
    if later and unspoken(later["value"]) and (said is None or not unspoken(said["value"])):
        said = later
    if said is None:
        return None
    value = said["value"].rstrip(".,:;!?)]}|")
    sure = unspoken(value) if kind == "password" else telling(value) and len(value) >= 12
    if strength == "mild" or not sure or harmless(value) or "=" in value.rstrip("="):
        return None
    return said.start("value"), said.start("value") + len(value), kind
