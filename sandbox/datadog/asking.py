"""What requests to the API ask for: times, numbers, searches and their pages; and how they are refused."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from starlette.requests import Request

from sandbox.datadog.search import BadSearch, Document, compile_search
from sandbox.serving import json_body
from schemas.base import Json

T = TypeVar("T")
_RELATIVE = re.compile(r"now(?:-(\d+)([smhd]))?")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class BadQuestion(Exception):
    """The request is answered with an error. ``status`` and ``errors`` as Datadog writes them."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = list(errors)


def moment(text: str, now: float) -> float:
    """Unix seconds from ISO 8601, milliseconds or ``now-15m``. Raises BadQuestion."""
    if relative := _RELATIVE.fullmatch(text):
        return now - int(relative[1] or 0) * _UNIT_S[relative[2] or "s"]
    if text.isdigit():
        return int(text) / 1000
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise BadQuestion(400, f"Invalid time {text!r}") from None


def whole(request: Request, name: str, default: int | None = None) -> int:
    """A whole number of the query string. Raises BadQuestion (400) when it is missing without a default, or no number."""
    raw = request.query_params.get(name)
    if raw is None and default is not None:
        return default
    try:
        return int(float(raw or ""))
    except ValueError:
        raise BadQuestion(400, f"Missing or invalid parameter '{name}'") from None


def search_test(query: str) -> Callable[[Document], bool]:
    """Whether a document is found by a log search; an empty one finds all. Raises BadQuestion (400)."""
    try:
        return compile_search(query or "*")
    except BadSearch as error:
        raise BadQuestion(400, f"Invalid query: {error}") from None


def listed(value: Json) -> list[Json]:
    """The list; empty for anything else."""
    return value if isinstance(value, list) else []


class Search:
    """A v2 search request, in its GET or its POST form, and its cursor paging."""

    def __init__(self, given: dict[str, Json], now: float) -> None:
        limit = int(str(given.get("page[limit]") or 10))
        if not 1 <= limit <= 1000:
            raise BadQuestion(400, "input_validation_error(Field 'page.limit' is invalid)")
        self.query = str(given.get("filter[query]") or "*")
        self.start = moment(str(given.get("filter[from]") or "now-15m"), now)
        self.end = moment(str(given.get("filter[to]") or "now"), now)
        told = given.get("filter[indexes]") or ["*"]
        self.indexes = frozenset(told if isinstance(told, list) else str(told).split(","))
        self.newest_first = str(given.get("sort") or "-timestamp").startswith("-")
        self._limit = limit
        self._offset = _offset(str(given.get("page[cursor]") or ""))

    @classmethod
    async def read(cls, request: Request, now: float) -> Search:
        """Raises BadQuestion for a limit over 1,000 or an unreadable time."""
        given: dict[str, Json] = dict(request.query_params)
        if request.method == "POST":
            body = await json_body(request)
            parts = {"filter": body.get("filter"), "page": body.get("page")}
            given = {"sort": body.get("sort")}
            for name, part in parts.items():
                if isinstance(part, dict):
                    given |= {f"{name}[{key}]": value for key, value in part.items()}
        return cls(given, now)

    def page(self, found: list[T]) -> tuple[list[T], dict[str, Json]]:
        """The asked page, and ``meta`` (and ``links``) with the cursor of the next one."""
        end = self._offset + self._limit
        meta: dict[str, Json] = {"elapsed": 3, "status": "done", "request_id": "sandbox"}
        if end < len(found):
            cursor = base64.urlsafe_b64encode(f"after:{end}".encode()).decode()
            meta["page"] = {"after": cursor}
        return found[self._offset : end], {"meta": meta}


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("after:"))
    except ValueError:
        raise BadQuestion(400, "Invalid cursor") from None
