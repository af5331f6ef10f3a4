"""Passwords inside addresses and connection strings. User and host stay: wrong ones are a diagnosis. Pure."""

from __future__ import annotations

import re

from kfix.incident.redaction.words import masked_value

#: ``scheme://user:password@host``. A password may hold slashes and at signs: the last one before the host ends it.
_IN_ADDRESS = re.compile(
    r"(?<=://)(?P<user>[^\s/:@\"'<>`?#]{0,128}):(?!\[masked:)(?P<password>[^\s\"'<>`]{1,512}?)@"
    r"(?=[\w.\[\]:,%-]{1,255}(?:[/?#\s\"'<>`),;]|\Z|\\))(?![\w.%:,-]{0,128}@)"
)
_PORT = re.compile(r"\d{1,5}(?:[/?].*)?", re.DOTALL)
#: A token in the user's place, as Git hosts and Sentry take it.
_USER_ALONE = re.compile(
    r"(?<=://)(?:(?=[^\s@/:]{0,200}\d)[0-9A-Za-z_-]{24,200}|"
    r"(?=[^\s@/:A-Z]{0,40}[A-Z])(?=[^\s@/:a-z]{0,40}[a-z])(?=[^\s@/:0-9]{0,40}\d)[0-9A-Za-z_-]{12,40})(?=@[\w.-])"
)
#: Go's MySQL form ``user:password@tcp(host)`` and Oracle's ``thin:user/password@host``.
_IN_DSN = re.compile(
    r"(?<=:)(?<!\[masked:)(?!\[masked:)([^\s:@/\"']{1,128})@(?=(?:tcp|unix|udp)\()|"
    r"(?<=thin:)([\w.-]{1,64}/)([^\s@/]{1,128})@"
)
#: Oracle's tools take ``user/password@service``.
_ORACLE = re.compile(
    r"(?i)\b((?:sqlplus|sqlldr|expdp|impdp|rman target|connect|conn)[ \t]{1,4}(?:-\w{1,8}[ \t]{1,4}){0,3}[\w.$-]{1,64}/)"
    r"(?!\[masked:)([^\s@/\"']{4,128})(?=@(?:/{2})?[\w.(-])"
)
#: ``user:password@host`` without a scheme, where the password looks like one; an image's digest follows its tag so too.
_BARE_PAIR = re.compile(
    r"(?<![\w:/.@-])([\w.-]{1,64}:)(?=[^\s@:/]{0,64}\d)(?=[^\s@:/]{0,64}[A-Z])(?=[^\s@:/]{0,64}[a-z])([^\s@:/\"'\[\]]{10,64})"
    r"(?=@(?!sha\d)[\w.-]{1,253}[:/]\w)"
)
#: What ``_ORACLE`` and ``_BARE_PAIR`` need, in forms that begin with one sign, for which a text is searched quickly.
_BEFORE_AT = re.compile(r"/[^\s@/\"']{4,128}@")
_AFTER_COLON = re.compile(r":[^\s@:/\"'\[\]]{10,64}@(?!sha\d)")


def mask_addresses(text: str) -> str:
    """``text`` with the password of each address masked."""
    if "@" not in text:
        return text
    if "://" in text:
        text = _IN_ADDRESS.sub(_address, text)
        text = _USER_ALONE.sub("[masked:token]", text)
    if _BEFORE_AT.search(text):
        text = _ORACLE.sub(r"\1[masked:password]", text)
    if _AFTER_COLON.search(text):
        text = _BARE_PAIR.sub(r"\1[masked:password]", text)
    if "thin:" in text or "@tcp(" in text or "@unix(" in text or "@udp(" in text:
        text = _IN_DSN.sub(_dsn, text)
    return text


def _address(match: re.Match[str]) -> str:
    """``http://host:8080/path?email=a@b.c`` has a port there and no password."""
    if _PORT.fullmatch(match["password"]) and (
        "/" in match["password"] or "?" in match["password"]
    ):
        return match[0]
    return f"{match['user']}:[masked:password]@"


def _dsn(match: re.Match[str]) -> str:
    if match[3] is not None:
        return f"{match[2]}{masked_value(match[3], 'password')}@"
    return f"{masked_value(match[1], 'password')}@"
