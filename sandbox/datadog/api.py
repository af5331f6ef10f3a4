"""Datadog's HTTP API: the endpoints that K-Fix's clients use, with keys, limits, paging and errors as documented."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.datadog import views
from sandbox.datadog.asking import BadQuestion, Search, listed, search_test, whole
from sandbox.datadog.integration import Integration
from sandbox.datadog.querying import Querying
from sandbox.datadog.state import Datadog, Downtime, Event, LogLine, Monitor
from sandbox.faults import Faults, WithFaults
from sandbox.serving import BadBody, json_body, reply
from schemas.base import Json

_YES = ("true", "True")
Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(datadog: Datadog, faults: Faults | None = None) -> ASGIApp:
    """The service over one organisation's state."""
    return WithFaults(Starlette(routes=_routes(datadog)), "datadog", faults or Faults())


def routes(datadog: Datadog) -> list[tuple[str, str]]:
    """Method and path of each call that is served."""
    known = ("GET", "POST", "PUT", "DELETE")
    return [
        (m, route.path) for route in _routes(datadog) for m in known if m in (route.methods or ())
    ]


def _routes(datadog: Datadog) -> list[Route]:
    api = _Api(datadog)
    return [*api.routes(), *Integration(datadog, api.guarded).routes()]


class _Api:
    def __init__(self, datadog: Datadog) -> None:
        self._dd = datadog

    def routes(self) -> list[Route]:
        """All paths, each with its rate-limit name."""
        querying = Querying(self._dd)
        table: tuple[tuple[str, str, str, Endpoint], ...] = (
            ("GET", "/api/v1/validate", "validate", self._validate),
            ("GET", "/api/v1/monitor", "monitor", self._monitors),
            ("GET", "/api/v1/monitor/search", "monitor", self._monitor_search),
            ("GET", "/api/v1/monitor/{id:int}", "monitor", self._monitor),
            ("GET", "/api/v1/slo/{id}", "slo", self._objective),
            ("GET", "/api/v1/synthetics/tests/{id}", "synthetics", self._test),
            ("GET", "/api/v1/events", "events", self._events_v1),
            ("POST", "/api/v1/events", "events", self._post_event),
            ("GET", "/api/v1/events/{id:int}", "events", self._event_v1),
            ("GET", "/api/v2/events", "events", self._events_v2),
            ("POST", "/api/v2/events/search", "events", self._events_v2),
            ("GET", "/api/v2/events/{id}", "events", self._event_v2),
            ("GET", "/api/v1/query", "query", querying.query_v1),
            ("GET", "/api/v1/metrics", "metrics", querying.active),
            ("POST", "/api/v2/query/timeseries", "query", querying.timeseries),
            ("POST", "/api/v2/query/scalar", "query", querying.scalar),
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
            except BadQuestion as refused:
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
        known, states = self._dd.indexed(), params.get("group_states", "")
        shown = self._page_of(request, found)
        return reply([views.monitor(m, known, group_states=states) for m in shown])

    @staticmethod
    def _page_of(request: Request, found: list[Monitor]) -> list[Monitor]:
        """By number, or by the last id before; all of them where neither is asked for."""
        params = request.query_params
        if "page" not in params and "id_offset" not in params:
            return found
        size = whole(request, "page_size", 100)
        if not 1 <= size <= 1000:
            raise BadQuestion(400, "page_size must be between 1 and 1000")
        if "id_offset" in params:
            after = whole(request, "id_offset")
            return [m for m in found if m.id > after][:size]
        start = whole(request, "page") * size
        return found[start : start + size]

    async def _monitor(self, request: Request) -> Response:
        found = self._dd.monitors.get(request.path_params["id"])
        if found is None:
            raise BadQuestion(404, "Monitor not found")
        asked = request.query_params
        downtimes = self._downtimes_of(found) if asked.get("with_downtimes", "") in _YES else []
        states = asked.get("group_states", "")
        known = self._dd.indexed()
        return reply(views.monitor(found, known, group_states=states, downtimes=downtimes))

    def _downtimes_of(self, monitor: Monitor) -> list[Downtime]:
        now = self._dd.clock()
        return [
            d
            for d in self._dd.downtimes
            if d.monitor_id in (None, monitor.id) and (d.end is None or d.end > now)
        ]

    async def _objective(self, request: Request) -> Response:
        found = self._dd.objectives.get(request.path_params["id"])
        if found is None:
            raise BadQuestion(404, "SLO not found")
        return reply({"data": views.objective(found), "errors": []})

    async def _test(self, request: Request) -> Response:
        found = self._dd.tests.get(request.path_params["id"])
        if found is None:
            raise BadQuestion(404, "Synthetics test not found")
        return reply(views.synthetics_test(found))

    async def _monitor_search(self, request: Request) -> Response:
        test = search_test(request.query_params.get("query", ""))
        known = self._dd.indexed()
        found = [m for m in self._dd.monitors.values() if test(views.monitor_facets(m, known))]
        size, page = whole(request, "per_page", 30), whole(request, "page", 0)
        shown = found[page * size : (page + 1) * size]
        counts: dict[str, int] = {}
        for m in found:
            state = m.overall_state(known)
            counts[state] = counts.get(state, 0) + 1
        return reply(
            {
                "monitors": [views.monitor_found(m, known) for m in shown],
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
        start, end = whole(request, "start"), whole(request, "end")
        params = request.query_params
        tags = {t.strip() for t in params.get("tags", "").split(",") if t.strip()}
        found = [
            e
            for e in reversed(self._found())
            if start <= int(e.happened_at) <= end
            and tags <= set(e.tags)
            and params.get("priority", e.priority) == e.priority
            and params.get("sources", e.source) in (e.source, "alert")
        ]
        first = whole(request, "page", 0) * 1000
        return reply({"events": [views.event_v1(e) for e in found[first : first + 1000]]})

    def _found(self) -> list[Event]:
        """The events that are indexed, oldest first."""
        until = self._dd.indexed()
        return [e for e in self._dd.events if e.happened_at <= until]

    def _event(self, wanted: str) -> Event:
        number = wanted.removeprefix("AQ")
        found = next((e for e in self._found() if str(e.id) == number), None)
        if found is None:
            raise BadQuestion(404, "No event matches that event_id.")
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
            tags=tuple(str(t) for t in listed(body.get("tags"))),
            source=str(body.get("source_type_name", "api")),
            host=str(body.get("host", "")),
        )
        self._dd.events.append(event)
        return reply({"event": views.event_v1(event), "status": "ok"}, 202)

    async def _events_v2(self, request: Request) -> Response:
        asked = await Search.read(request, self._dd.clock())
        test = search_test(asked.query)
        found = [
            e
            for e in self._found()
            if asked.start <= e.happened_at <= asked.end and test(views.event_facets(e))
        ]
        found.sort(key=lambda e: e.happened_at, reverse=asked.newest_first)
        shown, meta = asked.page(found)
        return reply({"data": [views.event_v2(self._dd, e) for e in shown], **meta})

    async def _logs(self, request: Request) -> Response:
        asked = await Search.read(request, self._dd.clock())
        test = search_test(asked.query)
        found: list[tuple[int, LogLine]] = [
            (number, line)
            for number, line in enumerate(self._dd.logs)
            if asked.start <= line.at <= asked.end
            and ("*" in asked.indexes or line.index in asked.indexes)
            and test(views.log_facets(line))
        ]
        found.sort(key=lambda pair: (pair[1].at, pair[0]), reverse=asked.newest_first)
        shown, meta = asked.page(found)
        return reply({"data": [views.log(line, number) for number, line in shown], **meta})

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
