"""Metric queries over HTTP: v1 in seconds, v2 formulas in milliseconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from statistics import fmean

from starlette.requests import Request
from starlette.responses import Response

from sandbox.datadog import metrics, views
from sandbox.datadog.asking import BadQuestion, listed, whole
from sandbox.datadog.state import Datadog
from sandbox.serving import json_body, reply
from schemas.base import Json


class Querying:
    """The endpoints over one organisation's metrics."""

    def __init__(self, datadog: Datadog) -> None:
        self._dd = datadog

    def _evaluate(self, query: str, window: metrics.Window) -> list[metrics.Answer]:
        try:
            return metrics.evaluate(query, self._dd.metrics, window)
        except metrics.BadQuery as error:
            raise BadQuestion(400, f"Error parsing query: {error}") from None

    async def query_v1(self, request: Request) -> Response:
        """``GET /api/v1/query``: one query, times in seconds."""
        start, end = whole(request, "from"), whole(request, "to")
        query = request.query_params["query"]
        if end <= start:
            raise BadQuestion(400, "'from' must be before 'to'")
        # what has not happened yet has no points
        until = min(end, self._dd.clock())
        window = metrics.Window(start, until, metrics.default_step(start, end))
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

    async def active(self, request: Request) -> Response:
        """``GET /api/v1/metrics``: names of the metrics that came since then, with the tags that are asked for."""
        start, now = whole(request, "from"), self._dd.clock()
        window = metrics.Window(start, now, metrics.default_step(start, now))
        keep = metrics.tag_filter(request.query_params.get("tag_filter", "*"))
        found = [
            name
            for name in sorted(set(self._dd.metrics.names()))
            if any(
                keep(line.tags) and any(line.at(at) is not None for at in window.times)
                for line in self._dd.metrics.timelines(name)
            )
        ]
        return reply({"from": str(start), "metrics": found})

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
        until = min(end, self._dd.clock())
        window = metrics.Window(start, until, step or metrics.default_step(start, end))
        named: dict[str, Sequence[metrics.Answer]] = {}
        reducers: dict[str, str] = {}
        for at, query in enumerate(listed(asked["queries"])):
            assert isinstance(query, dict)
            name = str(query.get("name") or f"query{at}")
            named[name] = self._evaluate(str(query["query"]), window)
            reducers[name] = str(query.get("aggregator", "avg"))
        formulas = [str(f["formula"]) for f in listed(asked.get("formulas")) if isinstance(f, dict)]
        out: list[tuple[int, metrics.Answer, str]] = []
        for number, formula in enumerate(formulas or list(named)):
            reducer = next((r for n, r in reducers.items() if n in formula), "avg")
            try:
                answers = metrics.evaluate(formula, self._dd.metrics, window, named)
            except metrics.BadQuery as error:
                raise BadQuestion(400, f"Error parsing formula: {error}") from None
            out.extend((number, answer, reducer) for answer in answers)
        return window, out

    async def timeseries(self, request: Request) -> Response:
        """``POST /api/v2/query/timeseries``: formulas, a value for each time in milliseconds."""
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

    async def scalar(self, request: Request) -> Response:
        """``POST /api/v2/query/scalar``: formulas, a value for each group."""
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


def _reduced(answer: metrics.Answer, reducer: str) -> float | None:
    present = [v for v in answer.values if v is not None]
    if not present:
        return None
    if reducer == "last":
        return present[-1]
    reduce: dict[str, Callable[[list[float]], float]] = {"sum": sum, "min": min, "max": max}
    return reduce.get(reducer, fmean)(present)
