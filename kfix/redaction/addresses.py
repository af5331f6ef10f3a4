"""Passwords inside addresses and connection strings. User and host stay: wrong ones are a diagnosis. Pure."""

from __future__ import annotations

import re

from kfix.redaction.words import masked_value

#: ``scheme://user:password@host``. A password may hold slashes and at signs: the last one before the host ends it.
_IN_ADDRESS = re.compile(
    r"(?<=://)(?P<user>[^\s/:@\"'<>`?#]{0,128}):(?!\[masked:)(?P<password>[^\s\"'<>`]{1,512}?)@"
    r"(?=[\w.\[\]:,%-]{1,255}(?:[/?#\s\"'<>`),;]|\Z|\\))(?![\w.%:,-]{0,128}@)"
)
_PORT = re.compile(r"\d{1,5}(?:[/?].*)?", re.DOTALL)
#: A token in the user's place, as Git hosts and Sentry take it.
_USER_ALONE = re.compile(r"(?<=://)(?=[^\s@/:]{0,200}\d)([0-9A-Za-z_-]{24,200})(?=@[\w.-])")
#: Go's MySQL form ``user:password@tcp(host)`` and Oracle's ``thin:user/password@host``.
_IN_DSN = re.compile(
    r"(?<=:)(?<!\[masked:)(?!\[masked:)([^\s:@/\"']{1,128})@(?=(?:tcp|unix|udp)\()|"
    r"(?<=thin:)([\w.-]{1,64}/)([^\s@/]{1,128})@"
)


def mask_addresses(text: str) -> str:
    """``text`` with the password of each address masked."""
    if "://" in text and "@" in text:
        text = _IN_ADDRESS.sub(_address, text)
        text = _USER_ALONE.sub("[masked:token]", text)
    if "@" in text and ("(" in text or "thin:" in text):
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
