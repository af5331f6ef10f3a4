"""Masks secrets in text and JSON before either leaves the room where it was gathered. Pure and linear in its input.

Secrets are told by form (a token's published prefix, a PEM frame, a password inside an address) and by name
(``password=…``, ``"apiKey": "…"``, an env entry whose name says so), never by how random they look: image digests,
uids and trace ids are evidence. A name stays, its value becomes ``[masked:kind]``; masking twice changes nothing.
What another tool has redacted already (``REDACTED-…``, ``***``) and references (``$(VAR)``, ``${VAR}``) stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from schemas.base import Json

#: Token formats that their makers publish; one alternative each, told apart by prefix.
_TOKENS: tuple[tuple[str, str], ...] = (
    ("aws_key", r"(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])"),
    ("gcp_key", r"AIza[0-9A-Za-z_-]{35}|GOCSPX-[0-9A-Za-z_-]{20,}|ya29\.[0-9A-Za-z_.-]{20,}"),
    ("gitlab_token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas|ffct)-[0-9A-Za-z_.-]{20,}"),
    ("github_token", r"\bgh[pousr]_[0-9A-Za-z]{36,}|\bgithub_pat_[0-9A-Za-z_]{22,}"),
    ("slack_token", r"\bxox[a-z]-[0-9A-Za-z-]{10,}|\bxapp-[0-9A-Za-z-]{10,}"),
    (
        "slack_webhook",
        r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[0-9A-Za-z/_-]{10,}",
    ),
    ("teams_webhook", r"(?<=webhook\.office\.com/)webhookb2/[0-9A-Za-z/@_-]{10,}"),
    ("datadog_key", r"\bdd(?:app|pat|api)_[0-9A-Za-z]{20,}"),
    ("jwt", r"\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{4,}(?:\.[0-9A-Za-z_-]*)?"),
    ("stripe_key", r"\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}"),
    ("model_key", r"\bsk-[0-9A-Za-z_-]{20,}|\bpcsk_[0-9A-Za-z_]{20,}|\bhf_[0-9A-Za-z]{30,}"),
    ("vault_token", r"\bhv[sbr]\.[0-9A-Za-z_-]{20,}"),
    (
        "registry_token",
        r"\bdckr_pat_[0-9A-Za-z_-]{20,}|\bnpm_[0-9A-Za-z]{30,}|\bpypi-AgE[0-9A-Za-z_-]{30,}",
    ),
    ("cloud_token", r"\bdo[opr]_v1_[0-9a-f]{40,}|\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"),
)
#: Lower-case marks without which no token can be in a text: most texts have none and skip the search.
_TOKEN_MARKS = (
    *("akia", "asia", "abia", "acca", "aiza", "gocspx-", "ya29.", "github_pat_"),
    *(
        f"gl{kind}-"
        for kind in ("pat", "dt", "rt", "cbt", "ptt", "ft", "soat", "agent", "imt", "oas", "ffct")
    ),
    *(f"gh{kind}_" for kind in "pousr"),
    *("xox", "xapp-", "hooks.slack", "office.com/", "ddapp_", "ddpat_", "ddapi_", "eyj"),
    *("k_live_", "k_test_", "sk-", "pcsk_", "hf_", "hvs.", "hvb.", "hvr.", "dckr_", "npm_"),
    *("pypi-", "_v1_", "sg."),
)
_TOKEN = re.compile("|".join(f"(?P<{kind}>{form})" for kind, form in _TOKENS))

_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
#: ``scheme://user:password@host``: the user and host stay, wrong ones are a diagnosis.
_IN_ADDRESS = re.compile(r"(?<=://)([^\s/:@\"'<>]{0,128}):(?!\[masked:)([^\s/@\"'<>]{1,512})@")
#: Go's MySQL form ``user:password@tcp(host)`` and Oracle's ``thin:user/password@host``.
_IN_DSN = re.compile(
    r"(?<=:)(?<!\[masked:)(?!\[masked:)([^\s:@/\"']{1,128})@(?=(?:tcp|unix|udp)\()|"
    r"(?<=thin:)([\w.-]{1,64}/)([^\s@/]{1,128})@"
)
_WORDS = (
    r"pass(?:words?|wd|phrase|code)|(?<![A-Za-z])(?:pass|pwd|psw)|(?-i:[a-z](?:Pwd|Pass))|"
    r"mot[_-]de[_-]passe|"
    r"secret(?:[_.-]?(?:access[_.-]?)?key)?s?|tokens?|credentials?|"
    r"(?:api|app|application|access|account|auth|private|encryption|signing|signature|master|"
    r"shared[_.-]?access|session|service|storage|deploy)[_.-]?key|"
    r"shared[_.-]?access[_.-]?signature|(?:x-amz-|(?<=[?&]))sig(?:nature)?"
)
#: What may follow the word and leave the name a secret's: not ``_NAME``, ``_FILE``, ``_count``, ``Ref``, …
_TAIL = (
    r"(?:[_.-]?(?:\d{1,4}|value|plain|text|base64|b64|hash|enc|prod|production|staging|stage|dev|"
    r"test|live|old|new|previous|current|primary|secondary))?"
)
_NAME = re.compile(rf"(?i:{_WORDS})(?i:{_TAIL})\Z")
_STRONG = re.compile(r"(?i)pass|pwd|psw|key|sig")
_VALUE = (
    r"(?P<escaped>\\{1,3}[\"'])(?:[^\"'\\\n]|\\{1,3}[^\"'\\\n])*|"
    r"\"(?:[^\"\\\n]|\\.)*\"?|'[^'\n]*'?|[^\s\"'&;,]+"
)
_PAIR = re.compile(
    rf"(?P<name>(?i:{_WORDS})(?i:{_TAIL}))"
    r"(?P<between>(?:\\{0,3}[\"'])?[ \t]{0,8}(?:=>|:=|==|[:=])[ \t]{0,8})"
    rf"(?P<value>{_VALUE})"
)
_PAIR_MARKS = ("pass", "pwd", "psw", "secret", "token", "credential", "key", "sig")
#: An option and its value as two words of a command line.
_OPTION = re.compile(
    rf"(?P<name>--?[A-Za-z0-9_.-]{{0,40}}?(?i:{_WORDS})(?i:{_TAIL}))(?P<between>[ \t]{{1,8}})"
    r"(?P<value>\"[^\"\n]*\"?|'[^'\n]*'?|[^\s\"'\-][^\s\"']*)"
)
_USER_OPTION = re.compile(
    r"(?<=\s)(-u|--user)([ =]{1,4}[\"']?[\w.@-]{1,64}:)(?!\[masked:)([^\s\"']+)"
)
#: An env entry or header pair written out as JSON or YAML: the name first, then the value.
_ENTRY = re.compile(
    r"(?P<name>name(?:\\{0,3}[\"'])?[ \t]{0,4}:[ \t]{0,4}(?:\\{0,3}[\"'])?"
    rf"[A-Za-z0-9_.-]{{0,64}}?(?i:{_WORDS})(?i:{_TAIL}))"
    r"(?P<between>(?:\\{0,3}[\"'])?[ \t]{0,4}(?:,|\r?\n[+-]?|\\n)?[ \t\r\n]{0,32}"
    r"(?:\\{0,3}[\"'])?value(?:\\{0,3}[\"'])?[ \t]{0,4}:[ \t]{0,4})"
    rf"(?P<value>{_VALUE})"
)
#: The new value of an entry in a unified diff: after its name and its old value, which is masked by then.
_ENTRY_CHANGED = re.compile(
    rf"(?P<name>name:[ \t]{{0,4}}[\"']?[A-Za-z0-9_.-]{{0,64}}?(?i:{_WORDS})(?i:{_TAIL})[\"']?[ \t]{{0,4}}\r?\n"
    r"-[ \t]{0,64}value:[^\n]{0,40}\[masked:[^\n]{0,40}\n)"
    r"(?P<between>\+[ \t]{0,64}[\"']?value[\"']?[ \t]{0,4}:[ \t]{0,4})"
    rf"(?P<value>{_VALUE})"
)
_AUTHORIZATION = re.compile(
    r"(?i)(authorization\\{0,3}[\"']?[ \t]{0,4}[:=][ \t]{0,4}(?:\[(?=[\\\"']))?\\{0,3}[\"']?"
    r"(?:(?:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256)[ \t]{1,4})?+)"
    r"(?!\[masked:)([^\s\"'\\,\]]{4,})"
)
#: A bare scheme counts with a value that no word of a language is: a digit, padding or an inner capital.
_SCHEME = re.compile(
    r"\b((?i:bearer|basic)[ \t]{1,4})(?=[\w.~+/-]{0,64}(?:\d|=|[a-z][A-Z]))([\w.~+/=-]{8,})"
)
_COOKIE = re.compile(
    r"(?i)\b((?:set-)?cookie\\{0,3}[\"']?[ \t]{0,4}:[ \t]{0,4}\\{0,3}[\"']?)(?!\[masked:)([^\r\n\"'\\]+=[^\r\n\"'\\]*)"
)

_HARMLESS = re.compile(
    r"(?i)\[masked:.*|redacted.*|[*x•.]{3,}|<[^>]*>?|\$[({].*|\{\{.*|[\[{(|>].{0,1}|"
    r"true|false|yes|no|on|off|null|nil|none|undefined|empty|missing|invalid|required|",
    re.DOTALL,
)
_PLAIN_WORD = re.compile(r"[A-Za-z]?[a-z]{0,10}[.!:)]?|/\S*")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_COUNT = re.compile(r"\d{1,4}")


#: Marks of everything above in one: a short text in lower case without any of them holds no secret.
_MARK = re.compile(
    "|".join(
        re.escape(mark)
        for mark in (
            *("private key", "://", "@", "authorization", "bearer", "basic", "cookie", "-u"),
            *_TOKEN_MARKS,
            *_PAIR_MARKS,
        )
    )
)
#: Short texts in which nothing was found, as clusters repeat them: no text with a secret in it is ever remembered.
_INNOCENT: set[str] = set()
_SHORT = 256
_REMEMBERED = 50_000


def mask(text: str) -> str:
    """``text`` with each secret replaced by ``[masked:kind]``. Idempotent; time grows linearly with the text."""
    if len(text) < 6 or text in _INNOCENT:
        return text
    if len(text) > _SHORT:
        return _searched(text, text.lower())
    lowered = text.lower()
    masked = text if _MARK.search(lowered) is None else _searched(text, lowered)
    if masked == text:
        if len(_INNOCENT) >= _REMEMBERED:
            _INNOCENT.clear()
        _INNOCENT.add(text)
    return masked


def forget() -> None:
    """Empties what the masker remembers, for measurements of a first run."""
    _INNOCENT.clear()
    secret_name.cache_clear()


def _searched(text: str, lowered: str) -> str:
    if "private key" in lowered:
        text = _PEM.sub("[masked:private_key]", text)
    if "://" in text:
        text = _IN_ADDRESS.sub(r"\1:[masked:password]@", text)
    if "@" in text and ("(" in text or "thin:" in text):
        text = _IN_DSN.sub(_dsn, text)
    if any(mark in lowered for mark in _TOKEN_MARKS):
        text = _TOKEN.sub(lambda m: f"[masked:{m.lastgroup}]", text)
    if "authorization" in lowered:
        text = _AUTHORIZATION.sub(r"\1[masked:credentials]", text)
    if "bearer" in lowered or "basic" in lowered:
        text = _SCHEME.sub(r"\1[masked:credentials]", text)
    if "cookie" in lowered:
        text = _COOKIE.sub(r"\1[masked:cookie]", text)
    if any(mark in lowered for mark in _PAIR_MARKS):
        text = _named(text, lowered)
    if "-u" in text:
        text = _USER_OPTION.sub(r"\1\2[masked:password]", text)
    return text


def mask_json(value: Json) -> Json:
    """A copy of plain JSON with every string masked, values of secret-looking names and Secrets' data masked.

    Understands env entries (``{"name": "DB_PASSWORD", "value": "…"}``), command lines as lists, and Kubernetes
    Secrets, whose keys stay (a missing key is a diagnosis) while all their values go.
    """
    kind = type(value)  # exact types first: a bundle has tens of thousands of values
    if kind is str:
        return mask(value)
    if kind is dict or isinstance(value, Mapping):
        return _mapping(value)
    if kind is list or isinstance(value, list | tuple):
        return _sequence(value)
    return mask(value) if isinstance(value, str) else value


@lru_cache(maxsize=8192)
def secret_name(name: str) -> bool:
    """Whether a field, variable or header of this name holds a secret: ``DB_PASSWORD`` does, ``TOKEN_URL`` does not."""
    return _NAME.search(name) is not None


def _dsn(match: re.Match[str]) -> str:
    if match[3] is not None:
        return f"{match[2]}{_masked_value(match[3], 'password')}@"
    return f"{_masked_value(match[1], 'password')}@"


def _named(text: str, lowered: str) -> str:
    if "value" in lowered and "name" in lowered:
        text = _ENTRY.sub(_pair, text)
        if "\n-" in text:
            text = _ENTRY_CHANGED.sub(_pair, text)
    text = _line_by_line(text, _PAIR)
    return _line_by_line(text, _OPTION) if "-" in text else text


def _line_by_line(text: str, pattern: re.Pattern[str]) -> str:
    """``pattern`` over the lines that have a mark of a name; it never spans two, and most lines of a log have none."""
    if len(text) <= _SHORT or "\n" not in text:
        return pattern.sub(_pair, text)
    lines = text.split("\n")
    for number, line in enumerate(lines):
        lowered = line.lower()
        if any(mark in lowered for mark in _PAIR_MARKS):
            lines[number] = pattern.sub(_pair, line)
    return "\n".join(lines)


def _kind(name: str) -> str:
    lowered = name.lower()
    for word in ("token", "secret", "credential", "key"):
        if word in lowered:
            return word
    return "signature" if "sig" in lowered else "password"


def _pair(match: re.Match[str]) -> str:
    name, between, value = match["name"], match["between"], match["value"]
    quote = re.match(r"\\{0,3}[\"']", value)
    opening = quote[0] if quote else ""
    closing = opening if opening and value.endswith(opening) and len(value) > len(opening) else ""
    inner = value[len(opening) : len(value) - len(closing)]
    tail = "" if opening else inner[len(inner.rstrip(")]}")) :]
    if "(" in inner or "[" in inner or "{" in inner:
        tail = ""
    bare = inner[: len(inner) - len(tail)]
    if _spoken(name, between, opening, bare):
        return match[0]
    return f"{name}{between}{opening}{_masked_value(bare, _kind(name))}{tail}{closing}"


def _spoken(name: str, between: str, opening: str, value: str) -> bool:
    """Prose: ``unexpected token: end``, ``secret: not found``, ``PWD=/app`` say no secret."""
    if name.lower() == "pwd" and value.startswith("/"):
        return True
    if _STRONG.search(name) is not None or opening:
        return False
    return _COUNT.fullmatch(value) is not None or (
        "=" not in between and _PLAIN_WORD.fullmatch(value) is not None
    )


def _masked_value(value: str, kind: str) -> str:
    return value if _HARMLESS.fullmatch(value) else f"[masked:{kind}]"


def _mapping(value: Mapping[Any, Json]) -> dict[str, Json]:
    if value.get("kind") == "Secret":
        value = _secret_emptied(value)
    out: dict[str, Json] = {}
    for key, item in value.items():
        name = key if type(key) is str else str(key)
        kind = type(item)
        if kind is dict or kind is list:
            out[name] = mask_json(item)
        elif item is None or kind is bool:
            out[name] = item
        else:
            out[name] = _field(name, item)
    told = value.get("name")
    if isinstance(told, str) and "value" in out and secret_name(told):
        out["value"] = _field(told, value["value"])
    return out


def _secret_emptied(secret: Mapping[Any, Json]) -> Mapping[Any, Json]:
    """Its data again stands in the annotation that ``kubectl apply`` leaves, so that goes too."""
    out = {k: _emptied(v) if k in ("data", "stringData") else v for k, v in secret.items()}
    metadata = out.get("metadata")
    if isinstance(metadata, Mapping) and isinstance(metadata.get("annotations"), Mapping):
        kept = {k: v for k, v in metadata["annotations"].items() if k != _LAST_APPLIED}
        out["metadata"] = {**metadata, "annotations": kept}
    return out


def _emptied(data: Json) -> Json:
    if not isinstance(data, Mapping):
        return {}
    return {str(key): _masked_value(str(item or ""), "secret") for key, item in data.items()}


def _field(name: str, item: Json) -> Json:
    if isinstance(item, str) and item and secret_name(name):
        return _masked_value(item, _kind(name))
    if isinstance(item, int | float) and not isinstance(item, bool) and "pass" in name.lower():
        return f"[masked:{_kind(name)}]" if secret_name(name) else item
    return mask_json(item)


def _sequence(items: list[Json] | tuple[Json, ...]) -> list[Json]:
    out: list[Json] = []
    after_option = False
    for item in items:
        told = after_option and isinstance(item, str) and not item.startswith("-")
        out.append(_masked_value(item, "option") if told else mask_json(item))
        after_option = isinstance(item, str) and item.startswith("-") and secret_name(item)
    return out
