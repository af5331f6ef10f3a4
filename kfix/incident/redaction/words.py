"""Which names hold a secret, and which values of such a name are none: the vocabulary of every reader. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Literal

#: ``strong``: whatever stands there is secret. ``weak``: people also talk about it (``invalid token: end``).
#: ``mild``: often a path, a name or a count, so the value must look like a secret too.
Strength = Literal["strong", "weak", "mild"]

_S = r"[ _.-]?"
_PASSWORDS = (
    r"pass(?:words?|wd|phrases?|codes?)|pwd|psw|pass|mots?[ _-]de[ _-]passe|motdepasse|mdp|"
    r"contrase(?:ñ|n|ni|ny)as?|passw(?:ort|örter|oerter)|kennw(?:ort|örter|oerter)|senhas?|wachtwoord|has[łl]o|"
    r"l(?:ö|oe)sen(?:ord)?|adgangskode|passord|salasan[ao]t?|heslo|jelsz[óo]|[şs]ifre(?:si)?|parola(?:[ _]d['’_]?ordine)?|"
    r"(?:ssh|db|ask|require|root|admin|smtp|mail|bind|redis|mysql|pg|postgres|login|ftp|ldap|user|mongo|keystore|"
    r"truststore|default|http|proxy)pass|(?:bind|root|user|db|admin)_?pw|masterauth|"
    r"пароль|密码|密碼|パスワード|비밀번호|mnemonic|seed[ _-]?phrase|recovery[ _-]codes?|psk|pre[_-]?shared[_-]?key"
)
_STRONG_KEYS = (
    rf"(?:api|app|application|access|account|auth|private|encryption|signing|signature|master|"
    rf"shared[_.-]?access|session|service|storage|deploy|secret|hmac|jwt|license|licence|subscription|functions?|"
    rf"ingestion|webhook|consumer|fernet|cipher|decryption|crypt|aes|write|integration|signed|instrumentation|"
    rf"primary[_-]?access|secondary[_-]?access|security|plaintext|sops[_-]?age){_S}key(?:{_S}(?:base|data|material))?|"
    r"unseal key(?: \d{1,2})?|basic[._-]?auth[._-]?(?:user[._-]?info|credentials)|auth[_-]?ident|setcookie|"
    r"erlang[_-]?cookie"
)
_MILD_KEYS = (
    rf"(?:client|server|tls|ssl|ssh|rsa|gpg|pgp|host|user|root|admin|cookie|stream|bot|routing|primary|secondary)"
    rf"{_S}key(?:{_S}data)?"
)
_OTHER_KEYS = (
    r"cl[ée][ _-](?:d[e'’][ _-]?)?(?:api|acc[eè]s|secr[eè]te|priv[ée]e|chiffrement)|"
    r"(?:clave|chave|chiave)[ _-](?:de[ _-])?(?:api|acces[so]o|secreta|segreta|privada|privata)|"
    r"(?:api|zugriffs|zugangs|geheim|privat)[ _-]?schl(?:ü|ue)ssel"
)
_SIGNATURES = (
    r"shared[_.-]?access[_.-]?signature|x-(?:amz|goog)-signature|x-amz-credential|(?<=[?&])sig(?:nature)?|"
    r"(?<=[?&])hmac|(?<=;)sig|samlresponse|saml[_-]?assertion|client[_-]?assertion"
)
_WEAK = (
    rf"secret(?:[_.-]?(?:access[_.-]?)?key(?:{_S}base)?|string|binary)?s?|(?:access|acc[eè]s)?tokens?|credentials?|creds|jetons?(?:[ _](?:d['’]|de )acc[eè]s)?|geheimnis|"
    r"segreto|secreto|segredo|zugangsdaten"
)
_MILD = (
    r"(?<![a-z0-9])(?:clave(?: de acceso)?|ficha de acceso|rocommunity|rwcommunity|code_verifier|_?auth|dockerconfigjson|dockercfg|otp|totp|pin[_-]?code|cvv|cvc|pepper|"
    r"(?:password[_-]?)?salt|jsessionid|phpsessid|asp\.net_sessionid|connect\.sid|sessionid|session_id|sid|"
    r"community|nonce_secret)|(?<=[?&])key|(?<=[?&])code|(?<=[a-z0-9]_)key"
)
#: What may follow the word and leave the name a secret's: not ``_NAME``, ``_FILE``, ``_count``, ``Ref``, …
_TAIL = (
    r"(?:[_.-]?(?:\d{1,4}|value|plain(?:text)?|text|base64|b64|hash|enc|prod|production|staging|stage|dev|"
    r"test|live|old|new|previous|current|primary|secondary))?"
)
_ALL = "|".join((_STRONG_KEYS, _MILD_KEYS, _OTHER_KEYS, _PASSWORDS, _SIGNATURES, _WEAK, _MILD))
#: A secret's name where it ends, in a text in lower case.
NAME = re.compile(rf"(?:{_ALL}){_TAIL}(?![a-z0-9_ñéèü])")
_AT_END = re.compile(rf"(?:{_ALL}){_TAIL}\Z")
_STRONG = re.compile(
    rf"(?:{_STRONG_KEYS}|{_OTHER_KEYS}|{_PASSWORDS}|{_SIGNATURES}|secret[_.-]?(?:access[_.-]?)?keys?(?:{_S}base)?)"
)
_WEAK_WORD = re.compile(_WEAK)
#: Lower-case marks without which no secret's name can be in a text.
MARKS = (
    *("pass", "pwd", "psw", "secret", "token", "cred", "key", "sig", "mdp", "contrase", "kennw"),
    *("senha", "wachtw", "hasło", "haslo", "пароль", "密码", "密碼", "パスワード", "비밀번호"),
    *(
        "mnemonic",
        "seed",
        "recovery",
        "psk",
        "cl\u00e9",
        "cle_",
        "cle ",
        "cle-",
        "clave",
        "chave",
        "chiave",
        "schl",
    ),
    *("hmac", "saml", "assertion", "jeton", "geheim", "segre", "zugangs", "auth", "dockerc", "otp"),
    *(
        "pin_code",
        "pin-code",
        "pincode",
        "cvv",
        "cvc",
        "pepper",
        "salt",
        "sessionid",
        "sessid",
        "session_id",
    ),
    *("sid=", "connect.sid", "community", "code=", "bindpw", "rootpw", "userpw", "dbpw", "_pw"),
    *("lösen", "loesen", "adgangsk", "salasan", "heslo", "jelsz", "şifre", "sifre", "parola"),
    *("setcookie", "erlang_cookie", "erlang-cookie", "de acceso", "code_verif", "identified"),
)
#: What is looked for in texts that are not ASCII alone: names in other letters, and a space without width.
_FOREIGN = (*(mark for mark in MARKS if not mark.isascii()), "\u200b")
#: Upper-case ``…_KEY`` variables whose value is a name, not a secret.
_NO_SECRET_KEY = frozenset(
    [
        "topology",
        "partition",
        "primary",
        "foreign",
        "public",
        "routing",
        "sort",
        "range",
        "cache",
        "object",
        "bucket",
        "s3",
        "group",
        "index",
        "lock",
        "label",
        "annotation",
        "map",
        "row",
        "shard",
        "dedup",
        "idempotency",
        "message",
        "record",
        "tag",
        "lookup",
        "composite",
        "unique",
        "search",
        "queue",
        "feature",
        "flag",
        "config",
        "translation",
        "i18n",
        "known",
        "hash",
        "redis",
        "etcd",
        "consul",
        "registry",
        "store",
        "kafka",
        "event",
        "item",
        "column",
        "field",
        "data",
        "entity",
        "resource",
        "project",
        "issue",
        "jira",
        "service",
        "answer",
        "scope",
        "header",
        "path",
        "file",
        "params",
        "param",
        "context",
        "metric",
        "state",
        "sub",
        "node",
        "zone",
        "release",
        "version",
        "image",
        "branch",
        "build",
        "publishable",
        "natural",
        "surrogate",
        "business",
        "correlation",
    ]
)
_HARMLESS = re.compile(
    r"(?i)\[masked:.*|redacted.*|[*x•.\-]{2,}|\?|\$\d{1,3}|<<[-~]?[\"']?[A-Z_]{2,20}[\"']?|<[^<>]*>?|\$[({].*|(?-i:\$[A-Z_][A-Z0-9_]*|\$[a-z_]+)|\{\{.*|%[+#v0-9.-]*[sdvqxwtT]|\{\}|"
    r"[\[{(|>].{0,1}|true|false|yes|no|on|off|null|nil|none|undefined|empty|missing|invalid|required|",
    re.DOTALL,
)
_PLAIN_WORD = re.compile(r"[A-Za-z]?[a-z]{0,10}[.!:)]?|/\S*")
_COUNT = re.compile(r"\d{1,4}")
_NAMEISH = re.compile(
    r"[a-z]+(?:[.-][a-z0-9]{1,12})*|(?:[a-z0-9-]+/)+[a-z0-9.-]+|[A-Z]+(?:_[A-Z]+)*|[A-Z][a-z]+|"
    r"[~.]?/.*|[A-Za-z]:\\.*|[a-z]+://.*|[\d.,:+-]+(?:[a-zA-Z%]{1,3})?"
)
_MIXED = re.compile(
    r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])\S{8,}|[0-9a-fA-F]{16,}|(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[0-9A-Z]{16,}"
)


def strength_of(word: str, text: str = "", at: int = 0) -> Strength | None:
    """How sure it is that ``word``, a match of ``NAME`` that starts at ``at`` in ``text``, names a secret."""
    if word.startswith("secret") and text[:at].lower().endswith("existing"):
        return None  # the name of a Secret, as charts call it
    if word.startswith(("pwd", "psw", "mdp", "senha", "hasł", "haslo", "psk", "creds")) or (
        word.startswith("pass") and not word.startswith(("passw", "passp", "passc"))
    ):
        before = text[at - 1] if at else ""
        if before.isalpha() and not (before.islower() and text[at].isupper()):
            return None
    if word == "key" and text[at - 1 : at] == "_":
        return _variable(text, at)
    if _STRONG.match(word):
        return "strong"
    return "weak" if _WEAK_WORD.match(word) else "mild"


def _variable(text: str, at: int) -> Strength | None:
    stem = re.search(r"[A-Z0-9_]{1,64}_\Z", text[max(0, at - 65) : at])
    if stem is None or not text.startswith("KEY", at):
        return None
    return None if stem[0].rstrip("_").split("_")[-1].lower() in _NO_SECRET_KEY else "mild"


@lru_cache(maxsize=8192)
def named(name: str) -> tuple[Strength, str] | None:
    """The strength and kind of a field, variable or header of this name; ``None`` where it holds no secret."""
    if name.isascii():
        lowered = name.lower().strip("\"'")
        near = _NEAR_ASCII
    else:
        lowered = lower(name.strip("\"'"))
        near = _NEAR()
    if near.search(lowered) is None:
        return None
    match = _AT_END.search(lowered)
    if match is None:
        return None
    strength = strength_of(match[0], name.strip("\"'"), match.start())
    return None if strength is None else (strength, kind_of(match[0]))


def unmarked(name: str) -> bool:
    """Whether a name is surely no secret's, no header's and no Secret's field, told quicker than by ``named``."""
    return name.isascii() and _NEAR_ASCII.search(name.lower()) is None


def secret_name(name: str) -> bool:
    """Whether a field, variable or header of this name holds a secret: ``DB_PASSWORD`` does, ``TOKEN_URL`` does not."""
    return named(name) is not None


def kind_of(word: str) -> str:
    """What the mask calls a secret of this name."""
    lowered = word.lower()
    for kind in ("token", "secret", "credential", "key"):
        if kind in lowered:
            return kind
    return "signature" if "sig" in lowered else "password"


def any_of(words: Iterable[str], then: Callable[[str], Iterable[str]] = lambda word: ()) -> str:
    """A pattern of any of the words, their common beginnings shared; ``then``: patterns of what follows one."""
    return _branch("", sorted(set(words)), then)


def _branch(stem: str, words: list[str], then: Callable[[str], Iterable[str]]) -> str:
    following: dict[str, list[str]] = {}
    for word in words:
        if word != stem:
            following.setdefault(word[len(stem)], []).append(word)
    parts = [re.escape(a) + _branch(stem + a, more, then) for a, more in following.items()]
    if stem in words:
        parts += list(then(stem)) or [""]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def plain(lowered: str) -> bool:
    """Whether no word of another script, or with a letter of one, is in the text: the quick patterns do then."""
    return lowered.isascii() or not any(map(lowered.__contains__, _FOREIGN))


def quick(
    words: Iterable[str], more: Mapping[str, str] = MappingProxyType({})
) -> tuple[re.Pattern[str], Callable[[], re.Pattern[str]]]:
    """Patterns of any of the words in ASCII, whose few first letters a search passes over quickest, and of any at all,
    compiled when first needed.

    ``more``: words that count only with what follows them, and the pattern of that.
    """
    words = (*words, *more)

    def then(word: str) -> tuple[str, ...]:
        return (more[word],) if word in more else ()

    @cache
    def every() -> re.Pattern[str]:
        return re.compile(any_of(words, then))

    return re.compile(any_of(filter(str.isascii, words), then)), every


_MARKED_ASCII, _MARKED = quick(MARKS)
#: What a name holds that is no mark by itself, because alone it is too common: only beside a mark is it looked at.
_SMALL = ("?code", "&code", "adminpw", "cookie", "stringdata")
_SID = {"sid": r"(?<![a-z0-9]sid)"}
_NEAR_ASCII, _NEAR = quick((*MARKS, *_SMALL), _SID)
#: How long before its mark a name begins at most, and within how many characters from there it ends: 17 and 26 are the
#: longest.
_BEFORE, _AFTER = 24, 41


def marks_in(lowered: str) -> list[int]:
    """Where in a text in lower case a mark of a secret's name begins."""
    found = (_MARKED_ASCII if plain(lowered) else _MARKED()).finditer(lowered)
    return [mark.start() for mark in found]


def marked(lowered: str, at: int = 0) -> bool:
    """Whether a secret's name can be in this text in lower case, from ``at`` on."""
    return (_MARKED_ASCII if plain(lowered) else _MARKED()).search(lowered, at) is not None


def names_in(lowered: str) -> Iterator[re.Match[str]]:
    """The matches of ``NAME`` in a text in lower case. Only around marks is it tried, since each try is slow."""
    at = 0
    near = (_NEAR_ASCII if plain(lowered) else _NEAR()).finditer(lowered)
    mark = next(near, None)
    while mark is not None:
        at, end = max(at, mark.start() - _BEFORE), mark.end() + _AFTER
        mark = next(near, None)
        while mark is not None and mark.start() - _BEFORE <= end:
            end = mark.end() + _AFTER
            mark = next(near, None)
        for match in NAME.finditer(lowered, at, end):
            yield match
            at = match.end()


def lower(text: str) -> str:
    """``text`` in lower case with every character in its place."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.translate(_ASCII_LOWER)


_ASCII_LOWER = {code: code + 32 for code in range(65, 91)}


def masked_value(value: str, kind: str) -> str:
    """The mask of a value, or the value where it is a reference, masked already, or no value at all."""
    return value if _HARMLESS.fullmatch(value) else f"[masked:{kind}]"


def harmless(value: str) -> bool:
    """A reference, a placeholder, or masked already."""
    return _HARMLESS.fullmatch(value) is not None


def hidden(strength: Strength, value: str, *, quoted: bool, spoken: bool) -> bool:
    """Whether an assigned value is a secret. ``spoken``: a colon, which prose has too."""
    if strength == "mild":
        return telling(value)
    if strength == "strong" or quoted:
        return True
    if _COUNT.fullmatch(value) or (spoken and value.isdigit()):
        return False
    return not (spoken and _PLAIN_WORD.fullmatch(value))


def telling(value: str) -> bool:
    """A value that no name, path, count or word of a language is: letters of both cases and digits, or hexadecimal."""
    return _MIXED.fullmatch(value) is not None and _NAMEISH.fullmatch(value) is None


def unspoken(value: str) -> bool:
    """After a password's name without any sign between: not a word, a path or a number."""
    return (
        len(value) >= 6
        and re.search(r"\d|[a-z][A-Z]|[!@#$%^&*+]", value) is not None
        and _NAMEISH.fullmatch(value) is None
        and "(" not in value
    )


def nameish(value: str) -> bool:
    """An object's name, a path, an address, a number or a word."""
    return _NAMEISH.fullmatch(value) is not None
