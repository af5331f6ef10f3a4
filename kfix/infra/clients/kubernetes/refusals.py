"""What the API server says no with, as typed errors whose text may be shown: short, and without values of the object.

An API server's message can hold the whole object (a JSON patch on a missing path does) and so a password from an
``env`` entry. Only the status' reason, the causes' fields and a shortened message without quoted values go on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from manifests.objects.shapes import mapping
from schemas import errors

_WORDS = {
    400: "invalid",
    403: "admission",
    405: "unsupported",
    413: "too_large",
    415: "unsupported",
    422: "invalid",
    500: "invalid",
}
#: What a message of a strict decoding error is about; it comes after the object's dump and is kept.
_FIELD_ERROR = re.compile(r'(?:unknown|duplicate) field \\?"[\w.\[\]/-]{1,200}\\?"')
MESSAGE_LIMIT = 400
CAUSES_LIMIT = 8
_NO_RIGHTS = re.compile(r'cannot (\w+) resource "([^"]+)"')
_OBJECT_DUMP = re.compile(r"(?s)(?:\{\"|\{[A-Za-z]+:|map\[|&?[a-z0-9]+\.[A-Z]\w+\{).*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_INVALID_VALUE = re.compile(
    r'(Invalid value: )(?!"?-?[\d.]+[A-Za-z]{0,2}"?[:,\s])("[^"]*"|\S+?)(:|$)'
)
_KEY_VALUE = re.compile(
    r"(?i)\b([\w.-]*(?:password|passwd|secret|token|api[_-]?key|credential)[\w.-]*\s*[=:]\s*)[\"']?[^\s,;\"']+"
)


@dataclass(frozen=True, slots=True)
class RefusalCause:
    """One detail of a refusal: the field it is about (may be empty), Kubernetes' reason word, and the sentence."""

    field: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """An accepted dry-run: the object as the server would have stored it, and the server's warnings."""

    object: dict[str, Any]
    warnings: tuple[str, ...] = ()


class RejectedByServer(errors.Rejected):
    """The server refused a request. ``reason`` is one of

    ``invalid`` (validation, unknown field), ``unsupported`` (patch type, method), ``admission`` (quota, limit range,
    pod security, a policy or webhook: 403 that is not about our rights), ``too_large``, ``refused`` (anything else).
    """

    def __init__(
        self, message: str, *, reason: str, status: int, causes: tuple[RefusalCause, ...] = ()
    ) -> None:
        super().__init__(message, reason=reason)
        self.status = status
        self.causes = causes


class Conflict(errors.Moved):
    """409: a stale resourceVersion, or fields owned by others in a server-side apply (then ``causes`` name them)."""

    def __init__(self, message: str, *, causes: tuple[RefusalCause, ...] = ()) -> None:
        super().__init__(message, reason="conflict")
        self.causes = causes


class Expired(errors.Retryable):
    """410: the list's continue token is too old. ``token`` is a fresh one from the answer, empty when there was none."""

    reason = "expired"

    def __init__(self, message: str, token: str) -> None:
        super().__init__(message)
        self.token = token


def presentable(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The server's sentence without object dumps, values and secrets, on one line, at most ``limit`` characters."""
    telling = list(dict.fromkeys(found.replace("\\", "") for found in _FIELD_ERROR.findall(text)))
    text = _OBJECT_DUMP.sub("…", text)
    text = _QUOTED.sub(lambda quoted: quoted[0] if len(quoted[0]) <= 66 else '"…"', text)
    text = _INVALID_VALUE.sub(r"\1…\3", text)
    text = _KEY_VALUE.sub(r"\1…", text)
    text = " ".join(text.split())
    text += "".join(f": {found}" for found in telling[:3] if found not in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def document_of(body: bytes) -> dict[str, Any]:
    """The JSON object of a 2xx answer. Raises errors.Unavailable for anything else: a proxy's page, a cut answer."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as failure:
        raise errors.Unavailable("Kubernetes answered garbage", reason="malformed") from failure
    if not isinstance(parsed, dict):
        raise errors.Unavailable("Kubernetes answered no object", reason="malformed")
    return parsed


def _status(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"message": body[:MESSAGE_LIMIT].decode(errors="replace")}
    return parsed if isinstance(parsed, dict) else {}


def _causes(status: dict[str, Any]) -> tuple[RefusalCause, ...]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return tuple(
        RefusalCause(
            field=str(cause.get("field", "")),
            reason=str(cause.get("reason", "")),
            message=presentable(str(cause.get("message", ""))),
        )
        for cause in (causes or [])[:CAUSES_LIMIT]
        if isinstance(cause, dict)
    )


def refusal(
    code: int, body: bytes, *, doing: str, retry_after_s: float | None = None, apply: bool = False
) -> errors.KFixError:
    """The typed error for an answer that is not 2xx. ``doing`` names the request for people.

    ``apply``: the request was a server-side apply, whose schema errors come as 500 without a reason
    (seen on v1.37); retrying those never helps.
    """
    status = _status(body)
    said = presentable(str(status.get("message") or status.get("reason") or f"HTTP {code}"))
    text = f"{doing}: {said}"
    causes = _causes(status)
    no_rights = code == 403 and _NO_RIGHTS.search(str(status.get("message", "")))
    unread = code == 500 and apply and not status.get("reason")
    if code == 410:
        token = mapping(status, "metadata").get("continue", "")
        return Expired(text, token if isinstance(token, str) else "")
    if code == 409:
        return Conflict(text, causes=causes)
    if code >= 500 and not unread:
        return errors.Unavailable(text, retry_after_s=retry_after_s)
    plain = {401: errors.Unauthorized, 404: errors.NotFound}
    if code in plain or no_rights:
        return plain.get(code, errors.Unauthorized)(text)
    if code == 429:
        return errors.RateLimited(text, retry_after_s=retry_after_s)
    return RejectedByServer(text, reason=_WORDS.get(code, "refused"), status=code, causes=causes)
