"""Datadog's HTTP API: the endpoints that K-Fix's clients use, with keys, limits, paging and errors as documented."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from statistics import fmean
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.datadog import metrics, views
from sandbox.datadog.integration import Integration
from sandbox.datadog.search import BadSearch, Document, compile_search
from sandbox.datadog.state import Datadog, Event, LogLine
from sandbox.faults import Faults, WithFaults
from sandbox.serving import BadBody, json_body, reply
from schemas.base import Json

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]
_RELATIVE = re.compile(r"now(?:-(\d+)([smhd]))?")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Refused(Exception):
    """The request is answered with an error. ``status`` and ``errors`` as Datadog writes them."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = list(errors)


def create_app(datadog: Datadog, faults: Faults | None = None) -> ASGIApp:
    """The service over one organisation's state."""
    api = _Api(datadog)
    app = Starlette(routes=[*api.routes(), *Integration(datadog, api.guarded).routes()])
    return WithFaults(app, "datadog", faults or Faults())


def _moment(text: str, now: float) -> float:
    """Unix seconds from ISO 8601, milliseconds or ``now-15m``. Raises Refused."""
    if relative := _RELATIVE.fullmatch(text):
        return now - int(relative[1] or 0) * _UNIT_S[relative[2] or "s"]
    if text.isdigit():
        return int(text) / 1000
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise Refused(400, f"Invalid time {text!r}") from None


def _whole(request: Request, name: str, default: int | None = None) -> int:
    raw = request.query_params.get(name)
    if raw is None and default is not None:
        return default
    try:
        return int(float(raw or ""))
    except ValueError:
        raise Refused(400, f"Missing or invalid parameter '{name}'") from None


def _test(query: str) -> Callable[[Document], bool]:
    try:
        return compile_search(query or "*")
    except BadSearch as error:
        raise Refused(400, f"Invalid query: {error}") from None


class _Api:
    def __init__(self, datadog: Datadog) -> None:
        self._dd = datadog

    def routes(self) -> list[Route]:
        """All paths, each with its rate-limit name."""
        table: tuple[tuple[str, str, str, Endpoint], ...] = (
            ("GET", "/api/v1/validate", "validate", self._validate),
            ("GET", "/api/v1/monitor", "monitor", self._monitors),
            ("GET", "/api/v1/monitor/search", "monitor", self._monitor_search),
            ("GET", "/api/v1/monitor/{id:int}", "monitor", self._monitor),
            ("GET", "/api/v1/events", "events", self._events_v1),
            ("POST", "/api/v1/events", "events", self._post_event),
            ("GET", "/api/v1/events/{id:int}", "events", self._event_v1),
            ("GET", "/api/v2/events", "events", self._events_v2),
            ("POST", "/api/v2/events/search", "events", self._events_v2),
            ("GET", "/api/v2/events/{id}", "events", self._event_v2),
            ("GET", "/api/v1/query", "query", self._query_v1),
            ("POST", "/api/v2/query/timeseries", "query", self._timeseries),
            ("POST", "/api/v2/query/scalar", "query", self._scalar),
            ("GET", "/api/v2/logs/events", "logs", self._logs),
            ("POST", "/api/v2/logs/events/search", "logs", self._logs),
            ("GET", "/api/v2/downtime", "downtime", self._downtimes),
            ("GET", "/api/v2/monitor/{id:int}/downtime_matches", "downtime", self._matches),
        )
        return [
            Route(path, self.guarded(call, name), methods=[method])
            for method, path, name, call in table
        ]

    def guarded(self, call: Endpoint, name: str, *, app_key: bool = True) -> Endpoint:
        """Keys first, then the rate limit, then the endpoint; refusals become Datadog's error bodies."""

        async def endpoint(request: Request) -> Response:
            good = request.headers.get("dd-api-key") == self._dd.api_key and (
                not app_key or request.headers.get("dd-application-key") == self._dd.app_key
            )
            if not good:
                return reply({"errors": ["Forbidden"]}, 403)
            headers, within = self._limited(name)
            if not within:
                return reply({"errors": ["Too many requests"]}, 429, headers)
            try:
                answer = await call(request)
            except Refused as refused:
                answer = reply({"errors": refused.errors}, refused.status)
            except (BadBody, KeyError, TypeError, ValueError) as error:
                answer = reply({"errors": [f"Invalid request: {error}"]}, 400)
            answer.headers.update(headers)
            return answer

        return endpoint

    def _limited(self, name: str) -> tuple[dict[str, str], bool]:
        now, limit = self._dd.clock(), self._dd.limit_of(name)
        within = limit.take(now)
        return {
            "X-RateLimit-Limit": str(limit.limit),
            "X-RateLimit-Period": str(limit.period),
            "X-RateLimit-Remaining": str(max(0, limit.limit - limit.used)),
            "X-RateLimit-Reset": str(max(1, int(limit.since + limit.period - now))),
            "X-RateLimit-Name": name,
        }, within

    async def _validate(self, request: Request) -> Response:
        return reply({"valid": True})

    async def _monitors(self, request: Request) -> Response:
        params = request.query_params
        tags = {t for t in params.get("monitor_tags", "").split(",") if t}
        name = params.get("name", "").lower()
        found = [
            m
            for m in sorted(self._dd.monitors.values(), key=lambda m: m.id)
            if tags <= set(m.tags) and name in m.name.lower()
        ]
        size = _whole(request, "page_size", 100 if "page" in params else len(found) or 1)
        start = _whole(request, "page", 0) * size
        states = params.get("group_states", "")
        return reply([views.monitor(m, group_states=states) for m in found[start : start + size]])

    async def _monitor(self, request: Request) -> Response:
        found = self._dd.monitors.get(request.path_params["id"])
        if found is None:
            raise Refused(404, "Monitor not found")
        return reply(
            views.monitor(found, group_states=request.query_params.get("group_states", ""))
        )

    async def _monitor_search(self, request: Request) -> Response:
        test = _test(request.query_params.get("query", ""))
        found = [m for m in self._dd.monitors.values() if test(views.monitor_facets(m))]
        size, page = _whole(request, "per_page", 30), _whole(request, "page", 0)
        shown = found[page * size : (page + 1) * size]
        counts: dict[str, int] = {}
        for m in found:
            counts[m.overall_state] = counts.get(m.overall_state, 0) + 1
        return reply(
            {
                "monitors": [views.monitor_found(m) for m in shown],
                "metadata": {
                    "page": page,
                    "page_count": -(-len(found) // size),
                    "per_page": size,
                    "total_count": len(found),
                },
                "counts": {
                    "status": [{"name": n, "count": c} for n, c in counts.items()],
                    "muted": [],
                    "tag": [],
                    "type": [],
                },
            }
        )

    async def _events_v1(self, request: Request) -> Response:
        start, end = _whole(request, "start"), _whole(request, "end")
        params = request.query_params
        tags = {t.strip() for t in params.get("tags", "").split(",") if t.strip()}
        found = [
            e
            for e in reversed(self._dd.events)
            if start <= int(e.happened_at) <= end
            and tags <= set(e.tags)
            and params.get("priority", e.priority) == e.priority
            and params.get("sources", e.source) in (e.source, "alert")
        ]
        first = _whole(request, "page", 0) * 1000
        return reply({"events": [views.event_v1(e) for e in found[first : first + 1000]]})

    def _event(self, wanted: str) -> Event:
        number = wanted.removeprefix("AQ")
        found = next((e for e in self._dd.events if str(e.id) == number), None)
        if found is None:
            raise Refused(404, "No event matches that event_id.")
        return found

    async def _event_v1(self, request: Request) -> Response:
        event = self._event(str(request.path_params["id"]))
        return reply({"event": views.event_v1(event), "status": "ok"})

    async def _event_v2(self, request: Request) -> Response:
        return reply({"data": views.event_v2(self._dd, self._event(request.path_params["id"]))})

    async def _post_event(self, request: Request) -> Response:
        body = await json_body(request)
        event = Event(
            id=self._dd.next_event_id(),
            title=str(body["title"]),
            text=str(body["text"]),
            happened_at=self._dd.clock(),
            tags=tuple(str(t) for t in _listed(body.get("tags"))),
            source=str(body.get("source_type_name", "api")),
            host=str(body.get("host", "")),
        )
        self._dd.events.append(event)
        return reply({"event": views.event_v1(event), "status": "ok"}, 202)

    async def _events_v2(self, request: Request) -> Response:
        asked = await _Search.read(request, self._dd.clock())
        test = _test(asked.query)
        found = [
            e
            for e in self._dd.events
            if asked.start <= e.happened_at <= asked.end and test(views.event_facets(e))
        ]
        found.sort(key=lambda e: e.happened_at, reverse=asked.newest_first)
        shown, meta = asked.page(found)
        return reply({"data": [views.event_v2(self._dd, e) for e in shown], **meta})

    async def _logs(self, request: Request) -> Response:
        asked = await _Search.read(request, self._dd.clock())
        test = _test(asked.query)
        found: list[tuple[int, LogLine]] = [
            (number, line)
            for number, line in enumerate(self._dd.logs)
            if asked.start <= line.at <= asked.end and test(views.log_facets(line))
        ]
        found.sort(key=lambda pair: (pair[1].at, pair[0]), reverse=asked.newest_first)
        shown, meta = asked.page(found)
        return reply({"data": [views.log(line, number) for number, line in shown], **meta})

    def _evaluate(self, query: str, window: metrics.Window) -> list[metrics.Answer]:
        try:
            return metrics.evaluate(query, self._dd.metrics, window)
        except metrics.BadQuery as error:
            raise Refused(400, f"Error parsing query: {error}") from None

    async def _query_v1(self, request: Request) -> Response:
        start, end = _whole(request, "from"), _whole(request, "to")
        query = request.query_params["query"]
        if end <= start:
            raise Refused(400, "'from' must be before 'to'")
        window = metrics.Window(start, end, metrics.default_step(start, end))
        parts = re.split(r",(?![^{(]*[})])", query)
        answers = [(n, a) for n, part in enumerate(parts) for a in self._evaluate(part, window)]
        return reply(
            {
                "status": "ok",
                "res_type": "time_series",
                "query": query,
                "from_date": start * 1000,
                "to_date": end * 1000,
                "group_by": sorted({key for _, a in answers for key, _ in a.group}),
                "message": "",
                "series": [views.series_v1(a, window, n) for n, a in answers],
            }
        )

    async def _formulas(
        self, request: Request
    ) -> tuple[metrics.Window, list[tuple[int, metrics.Answer, str]]]:
        body = await json_body(request)
        data = body["data"]
        assert isinstance(data, dict)
        asked = data["attributes"]
        assert isinstance(asked, dict)
        start, end = float(str(asked["from"])) / 1000, float(str(asked["to"])) / 1000
        step = float(str(asked["interval"])) / 1000 if asked.get("interval") else None
        window = metrics.Window(start, end, step or metrics.default_step(start, end))
        named: dict[str, Sequence[metrics.Answer]] = {}
        reducers: dict[str, str] = {}
        for at, query in enumerate(_listed(asked["queries"])):
            assert isinstance(query, dict)
            name = str(query.get("name") or f"query{at}")
            named[name] = self._evaluate(str(query["query"]), window)
            reducers[name] = str(query.get("aggregator", "avg"))
        formulas = [
            str(f["formula"]) for f in _listed(asked.get("formulas")) if isinstance(f, dict)
        ]
        out: list[tuple[int, metrics.Answer, str]] = []
        for number, formula in enumerate(formulas or list(named)):
            reducer = next((r for n, r in reducers.items() if n in formula), "avg")
            try:
                answers = metrics.evaluate(formula, self._dd.metrics, window, named)
            except metrics.BadQuery as error:
                raise Refused(400, f"Error parsing formula: {error}") from None
            out.extend((number, answer, reducer) for answer in answers)
        return window, out

    async def _timeseries(self, request: Request) -> Response:
        window, answers = await self._formulas(request)
        attributes: Json = {
            "times": [int(at * 1000) for at in window.times],
            "values": [list(a.values) for _, a, _ in answers],
            "series": [
                {
                    "group_tags": [f"{k}:{v}" for k, v in a.group],
                    "query_index": n,
                    "unit": views.unit(a.unit),
                }
                for n, a, _ in answers
            ],
        }
        return reply({"data": {"type": "timeseries_response", "attributes": attributes}})

    async def _scalar(self, request: Request) -> Response:
        _, answers = await self._formulas(request)
        rows = sorted({a.group for _, a, _ in answers})
        keys = sorted({key for group in rows for key, _ in group})
        columns: list[Json] = [
            {"name": key, "type": "group", "values": [[dict(row).get(key, "")] for row in rows]}
            for key in keys
        ]
        for number in sorted({n for n, _, _ in answers}):
            by_group = {a.group: (a, reducer) for n, a, reducer in answers if n == number}
            values: list[Json] = [_reduced(*by_group[r]) if r in by_group else None for r in rows]
            unit = next((views.unit(a.unit) for a, _ in by_group.values()), None)
            columns.append(
                {
                    "name": f"formula{number}",
                    "type": "number",
                    "values": values,
                    "meta": {"unit": unit},
                }
            )
        return reply({"data": {"type": "scalar_response", "attributes": {"columns": columns}}})

    async def _downtimes(self, request: Request) -> Response:
        now = self._dd.clock()
        current = request.query_params.get("current_only", "false") == "true"
        found = [
            views.downtime(d, now)
            for d in self._dd.downtimes
            if not current or (d.start <= now and (d.end is None or d.end > now))
        ]
        return reply({"data": found, "meta": {"page": {"total_filtered_count": len(found)}}})

    async def _matches(self, request: Request) -> Response:
        now, wanted = self._dd.clock(), request.path_params["id"]
        found: list[Json] = [
            {
                "id": d.id,
                "type": "downtime_match",
                "attributes": {
                    "scope": d.scope,
                    "groups": [],
                    "start": views.instant(d.start),
                    "end": None if d.end is None else views.instant(d.end),
                },
            }
            for d in self._dd.downtimes
            if d.monitor_id in (None, wanted) and d.start <= now and (d.end is None or d.end > now)
        ]
        return reply({"data": found, "meta": {"page": {"total_filtered_count": len(found)}}})


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _reduced(answer: metrics.Answer, reducer: str) -> float | None:
    present = [v for v in answer.values if v is not None]
    if not present:
        return None
    if reducer == "last":
        return present[-1]
    reduce: dict[str, Callable[[list[float]], float]] = {"sum": sum, "min": min, "max": max}
    return reduce.get(reducer, fmean)(present)


class _Search:
    """A v2 search request, in its GET or its POST form, and its cursor paging."""

    def __init__(self, given: dict[str, Json], now: float) -> None:
        limit = int(str(given.get("page[limit]") or 10))
        if not 1 <= limit <= 1000:
            raise Refused(400, "input_validation_error(Field 'page.limit' is invalid)")
        self.query = str(given.get("filter[query]") or "*")
        self.start = _moment(str(given.get("filter[from]") or "now-15m"), now)
        self.end = _moment(str(given.get("filter[to]") or "now"), now)
        self.newest_first = str(given.get("sort") or "-timestamp").startswith("-")
        self._limit = limit
        self._offset = _offset(str(given.get("page[cursor]") or ""))

    @classmethod
    async def read(cls, request: Request, now: float) -> _Search:
        """Raises Refused for a limit over 1,000 or an unreadable time."""
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
        raise Refused(400, "Invalid cursor") from None
