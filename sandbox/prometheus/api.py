"""Prometheus' HTTP API: the endpoints that K-Fix asks, with errors as documented.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.faults import Faults, WithFaults
from sandbox.prometheus.promql import BadQuery, Labels, compile_query
from sandbox.prometheus.state import ActiveAlert, Prometheus, Rule
from sandbox.serving import reply
from schemas.base import Json

_MOST_POINTS = 11_000
Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(prometheus: Prometheus, faults: Faults | None = None) -> ASGIApp:
    """The service over one server's state; a bearer token in front, as a proxy has it."""
    api = _Api(prometheus)
    table: tuple[tuple[str, list[str], Endpoint], ...] = (
        ("/api/v1/query", ["GET", "POST"], api.query),
        ("/api/v1/query_range", ["GET", "POST"], api.query_range),
        ("/api/v1/rules", ["GET"], api.rules),
        ("/api/v1/alerts", ["GET"], api.alerts),
    )
    routes = [Route(path, api.guarded(call), methods=methods) for path, methods, call in table]
    return WithFaults(Starlette(routes=routes), "prometheus", faults or Faults())


class _Api:
    def __init__(self, prometheus: Prometheus) -> None:
        self._prom = prometheus

    def guarded(self, call: Endpoint) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self._prom.token}":
                return PlainTextResponse("Unauthorized\n", 401)
            try:
                return await call(request)
            except BadQuery as error:
                return _refused(f'invalid parameter "query": parse error: {error}')
            except (KeyError, ValueError) as error:
                return _refused(f"invalid parameter: {error}")

        return endpoint

    async def query(self, request: Request) -> Response:
        """``/api/v1/query``: at one time."""
        asked = await _parameters(request)
        at = _time(asked["time"]) if "time" in asked else self._prom.clock()
        found = compile_query(asked["query"], self._prom)(at)
        result: list[Json] = [{"metric": dict(k), "value": [at, _text(v)]} for k, v in found]
        return _said({"resultType": "vector", "result": result})

    async def query_range(self, request: Request) -> Response:
        """``/api/v1/query_range``: at each step between two times; what has not happened yet has no points."""
        asked = await _parameters(request)
        start, end, step = _time(asked["start"]), _time(asked["end"]), float(asked["step"])
        if step <= 0 or end < start:
            raise ValueError("zero or negative query resolution step widths are not accepted")
        if (end - start) / step > _MOST_POINTS:
            raise ValueError("exceeded maximum resolution of 11,000 points per timeseries")
        self._prom.fresh()
        query = compile_query(asked["query"], self._prom)
        series: dict[Labels, list[Json]] = {}
        for number in range(math.floor((min(end, self._prom.clock()) - start) / step) + 1):
            at = start + number * step
            for labels, value in query(at):
                series.setdefault(labels, []).append([at, _text(value)])
        result: list[Json] = [{"metric": dict(k), "values": v} for k, v in sorted(series.items())]
        limit = int(asked.get("limit", "0"))
        if limit and len(result) > limit:
            told: list[Json] = ["results truncated due to limit"]
            return _said({"resultType": "matrix", "result": result[:limit]}, told)
        return _said({"resultType": "matrix", "result": result})

    async def rules(self, request: Request) -> Response:
        """``/api/v1/rules``."""
        self._prom.fresh()
        groups: dict[str, list[Json]] = {}
        if request.query_params.get("type", "alert") == "alert":
            for rule in self._prom.rules:
                groups.setdefault(rule.group, []).append(self._rule(rule))
        listed: list[Json] = [
            {"name": name, "file": "/etc/prometheus/rules.yaml", "interval": 30, "rules": rules}
            for name, rules in groups.items()
        ]
        return _said({"groups": listed})

    async def alerts(self, request: Request) -> Response:
        """``/api/v1/alerts``."""
        self._prom.fresh()
        found = [self._alert(a) for rule in self._prom.rules for a in self._prom.active(rule)]
        return _said({"alerts": found})

    def _rule(self, rule: Rule) -> Json:
        active = self._prom.active(rule)
        states = {a.state(self._prom.clock()) for a in active}
        state = next((s for s in ("firing", "pending") if s in states), "inactive")
        return {
            "type": "alerting",
            "name": rule.name,
            "query": " ".join(rule.expr.split()),
            "duration": rule.for_s,
            "keepFiringFor": 0,
            "labels": dict(rule.labels),
            "annotations": dict(rule.annotations),
            "alerts": [self._alert(a) for a in active],
            "health": "ok" if self._prom.evaluated_at else "unknown",
            "state": state,
            "evaluationTime": 0.0005,
            "lastEvaluation": instant(self._prom.evaluated_at),
        }

    def _alert(self, alert: ActiveAlert) -> Json:
        return {
            "labels": {"alertname": alert.rule.name, **alert.labels},
            "annotations": dict(alert.rule.annotations),
            "state": alert.state(self._prom.clock()),
            "activeAt": instant(alert.active_at),
            "value": f"{alert.value:e}",
        }


def instant(at: float) -> str:
    """RFC 3339, as Go writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _parameters(request: Request) -> dict[str, str]:
    form = parse_qsl((await request.body()).decode()) if request.method == "POST" else []
    return {**request.query_params, **dict(form)}


def _time(text: str) -> float:
    """Unix seconds or RFC 3339."""
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()


def _text(value: float) -> str:
    return "NaN" if math.isnan(value) else repr(value)


def _said(data: Json, warnings: list[Json] | None = None) -> Response:
    more: dict[str, Json] = {"warnings": warnings} if warnings else {}
    return reply({"status": "success", "data": data, **more})


def _refused(error: str) -> Response:
    return reply({"status": "error", "errorType": "bad_data", "error": error}, 400)
