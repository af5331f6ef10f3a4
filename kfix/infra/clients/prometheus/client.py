"""Prometheus' HTTP API: what K-Fix reads, with time-outs, bounded retries and typed failures.

    async with open_prometheus(load(PrometheusConnection)) as prometheus:
        found = await prometheus.query_range("up", since, until)

API: https://prometheus.io/docs/prometheus/latest/querying/api/. Nothing here changes anything there: queries are sent by POST,
as the API allows for long ones, and may be repeated.
"""

from __future__ import annotations

import asyncio
import base64
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import structlog

from kfix.infra.clients.boundary import guarded, mapping, mappings
from kfix.infra.clients.http import Bounds, Http, HttpResponse, open_http
from kfix.infra.clients.prometheus.settings import PrometheusConnection
from kfix.infra.clusters import fleet
from schemas import errors

log = structlog.get_logger(__name__)
NAME = "Prometheus"
#: Series of one answer at most: one metric of a workload's containers, or a rule's of one group.
MOST_SERIES = 200
#: Points of one series at most; Prometheus refuses more than 11,000.
_POINTS = 240
_SHORTEST_STEP_S = 15
#: Refusals that Prometheus explains in its body.
_EXPLAINED = (400, 422)
_FAILURES: Mapping[str, type[errors.KFixError]] = {
    "timeout": errors.TimedOut,
    "canceled": errors.Unavailable,
    "unavailable": errors.Unavailable,
    "internal": errors.Unavailable,
    "too_many_requests": errors.RateLimited,
    "not_found": errors.NotFound,
}
#: How notes on a query itself begin, in the list of warnings, and on a bound that is looked at here.
_OF_THE_QUERY = ("PromQL warning", "PromQL info", "results truncated due to limit")


@dataclass(frozen=True, slots=True)
class PromSeries:
    """One series of a range. ``timestamps`` in unix seconds; ``None`` is a value that is no finite number."""

    labels: Mapping[str, str]
    timestamps: tuple[float, ...]
    values: tuple[float | None, ...]


def configured(connection: PrometheusConnection) -> bool:
    """Whether there is a Prometheus to talk to."""
    return bool(connection.url)


def app_url(connection: PrometheusConnection) -> str:
    """Base of the pages that people open, without a slash at the end."""
    return (connection.app_url or connection.url).rstrip("/")


@guarded(NAME)
class Prometheus:
    """The reads that K-Fix needs. All raise from ``schemas.errors``."""

    def __init__(self, http: Http, *, at_once: int) -> None:
        self._http = http
        self._gate = asyncio.Semaphore(at_once)

    async def query_range(
        self, query: str, since: datetime, until: datetime, *, series: int = MOST_SERIES
    ) -> list[PromSeries]:
        """A query's series between two times, at most 240 points each. One without data gives none.

        Raises errors.Rejected for a query that Prometheus refuses, or that answers with more than ``series``.
        """
        start, end = since.timestamp(), until.timestamp()
        step = max(_SHORTEST_STEP_S, math.ceil((end - start) / _POINTS))
        asked = {"query": query, "start": start, "end": end, "step": step, "limit": series + 1}
        async with self._gate:
            answer = await self._http.request(
                "POST",
                "/api/v1/query_range",
                content=urlencode(asked).encode(),
                headers={"content-type": "application/x-www-form-urlencoded"},
                repeatable=True,
                also=_EXPLAINED,
            )
        data = _data(answer)
        if data.get("resultType") != "matrix":
            raise errors.Unavailable(f"{NAME} answered no range", reason="malformed")
        found = mappings(NAME, data.get("result"))
        if len(found) > series:
            raise errors.Rejected(f"a query has more than {series} series", reason="too_many")
        return [_series(item) for item in found]

    async def alerting_rules(self) -> list[Mapping[str, Any]]:
        """Every alerting rule, with its active alerts."""
        async with self._gate:
            answer = await self._http.request(
                "GET", "/api/v1/rules", params={"type": "alert"}, also=_EXPLAINED
            )
        groups = mappings(NAME, _data(answer).get("groups"))
        rules = (rule for group in groups for rule in mappings(NAME, group.get("rules")))
        return [rule for rule in rules if rule.get("type") == "alerting"]


def _data(answer: HttpResponse) -> dict[str, Any]:
    """The answer's data. Raises what its ``errorType`` means; a part of the answer is none (``partial``)."""
    said = mapping(NAME, answer.json())
    if said.get("status") != "success":
        kind = _FAILURES.get(str(said.get("errorType")), errors.Rejected)
        raise kind(f"{NAME}: {said.get('errorType')}: {str(said.get('error'))[:200]}")
    told = [str(text) for text in said.get("warnings") or ()]
    lacking = [text for text in told if not text.startswith(_OF_THE_QUERY)]
    if lacking:
        raise errors.Unavailable(f"{NAME} answered in part: {lacking[0][:200]}", reason="partial")
    if told:
        log.warning("prometheus.warned", warnings=[text[:200] for text in told[:3]])
    return mapping(NAME, said.get("data"))


def _series(item: Mapping[str, Any]) -> PromSeries:
    """Values are texts: ``1.5``, ``NaN``, ``+Inf``."""
    pairs = [(float(at), float(value)) for at, value in item.get("values") or ()]
    labels = mapping(NAME, item.get("metric"))
    return PromSeries(
        labels={str(name): str(value) for name, value in labels.items()},
        timestamps=tuple(at for at, _ in pairs),
        values=tuple(value if math.isfinite(value) else None for _, value in pairs),
    )


def complaint(connection: PrometheusConnection) -> str:
    """What is missing to tell the series of several clusters apart; empty where nothing is. Raises BadSettings."""
    told = connection.cluster_label or connection.cluster
    if told or not configured(connection) or not fleet().is_several:
        return ""
    return (
        "several clusters are configured: set KFIX_PROMETHEUS_CLUSTER_LABEL to the label that tells them apart,"
        " or KFIX_PROMETHEUS_CLUSTER to the one whose series these are"
    )


@asynccontextmanager
async def open_prometheus(connection: PrometheusConnection) -> AsyncIterator[Prometheus]:
    """Opens the client. Raises errors.Unauthorized when none is configured, ValueError for a bad address, errors.Rejected
    (``no_cluster_label``) where nothing would tell the series of several clusters apart."""
    if not configured(connection):
        raise errors.Unauthorized(
            "no Prometheus configured: set KFIX_PROMETHEUS_URL", reason="no_url"
        )
    if trouble := complaint(connection):
        raise errors.Rejected(trouble, reason="no_cluster_label")
    bounds = Bounds(
        timeout_s=connection.timeout_s,
        total_s=connection.timeout_s,
        ca_file=connection.ca_file,
        cert_file=connection.client_cert_file,
        key_file=connection.client_key_file,
    )
    async with open_http(connection.url, headers=_headers(connection), bounds=bounds) as http:
        yield Prometheus(http, at_once=connection.at_once)


def _headers(connection: PrometheusConnection) -> dict[str, str]:
    found = {"accept": "application/json"}
    token, password = connection.token.get_secret_value(), connection.password.get_secret_value()
    if token:
        found["authorization"] = f"Bearer {token}"
    elif connection.username:
        pair = base64.b64encode(f"{connection.username}:{password}".encode()).decode()
        found["authorization"] = f"Basic {pair}"
    if connection.tenant:
        found["x-scope-orgid"] = connection.tenant
    return found
