"""Datadog through its official asynchronous client: what K-Fix reads, with time-outs, bounded retries and typed failures.

    async with open_datadog(load(DatadogConnection)) as datadog:
        event = await datadog.event("7654321")

The client's model packages take seconds to import, so only single modules of them are, and late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from kfix.infra.clients.boundary import another, guarded, mapping, mappings, same
from kfix.infra.clients.datadog_questions import of_other_log, of_other_series, same_query
from kfix.infra.clients.http import Bounds
from kfix.infra.settings import DatadogConnection
from schemas import errors
from schemas.base import Json
from schemas.context import Series

T = TypeVar("T")
_NAME = "Datadog"
#: The longest the waits between attempts may make a call, as a multiple of its time-out.
_PATIENCE = 3.0
#: Log events of one page; the API allows 1,000.
_PAGE = 200
#: Monitors of one page.
_MONITORS = 500


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One log event."""

    at: datetime | None
    service: str
    status: str
    host: str
    message: str
    tags: tuple[str, ...]


def configured(connection: DatadogConnection) -> bool:
    """Whether there is a Datadog to talk to."""
    return bool(connection.url or connection.site)


def app_url(connection: DatadogConnection) -> str:
    """Base of the web application's pages, without a slash at the end; empty when not configured."""
    base = connection.app_url or (f"https://app.{connection.site}" if connection.site else "")
    return base.rstrip("/")


@guarded(_NAME)
class Datadog:
    """The reads that K-Fix needs. All raise from ``schemas.errors``."""

    def __init__(self, client: Any, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def event(self, event_id: str) -> Mapping[str, Json] | None:
        """The attributes of a monitor's event by its ``$ID``; ``None`` when there is none (yet): events are indexed late."""
        if not event_id.isdecimal():
            return None
        found = await self.events(f"@evt.id:{event_id}", since="now-30d", limit=1)
        if not found:
            return None
        evt = mapping(_NAME, found[0].get("evt"))
        same(_NAME, {"event": event_id}, {"event": str(evt.get("id"))})
        return found[0]

    async def events(self, query: str, *, since: str, limit: int) -> list[Mapping[str, Json]]:
        """Attributes of events that match a search, newest first. ``since`` as in Datadog's time syntax (``now-7d``)."""
        from datadog_api_client.v2.api.events_api import EventsApi
        from datadog_api_client.v2.model.events_sort import EventsSort

        api = EventsApi(self._client)  # type: ignore[no-untyped-call]
        answer = await self._call(
            lambda: api.list_events(
                filter_query=query,
                filter_from=since,
                filter_to="now",
                sort=EventsSort.TIMESTAMP_DESCENDING,
                page_limit=limit,
            )
        )
        return [_attributes(item) for item in _data(_plain(answer))]

    async def monitor(self, monitor_id: int) -> Mapping[str, Json]:
        """A monitor with its group states and the downtimes that it is in. Raises errors.NotFound."""
        from datadog_api_client.v1.api.monitors_api import MonitorsApi

        api = MonitorsApi(self._client)  # type: ignore[no-untyped-call]
        found = _plain(
            await self._call(
                lambda: api.get_monitor(monitor_id, group_states="all", with_downtimes=True)
            )
        )
        same(_NAME, {"id": monitor_id}, found)
        return found

    async def monitors(self, tags: str = "", after: int = 0) -> list[Mapping[str, Json]]:
        """A page of monitors by their ids, those behind ``after``; empty behind the last.

        ``tags``: only those with all of these, by commas.
        """
        from datadog_api_client.v1.api.monitors_api import MonitorsApi

        api = MonitorsApi(self._client)  # type: ignore[no-untyped-call]
        asked: dict[str, Any] = {
            **({"monitor_tags": tags} if tags else {}),
            "page_size": _MONITORS,
            "id_offset": after,
            "with_downtimes": True,
        }
        call: Any = partial(api.list_monitors, **asked)
        page: list[Mapping[str, Json]] = [_plain(item) for item in await self._call(call)]
        if any(int(item.get("id") or 0) <= after for item in page):
            raise another(_NAME, "page")
        return page

    async def monitor_count(self, tags: str = "") -> int:
        """How many monitors there are."""
        from datadog_api_client.v1.api.monitors_api import MonitorsApi

        api = MonitorsApi(self._client)  # type: ignore[no-untyped-call]
        query = " ".join(f'tag:"{tag.strip()}"' for tag in tags.split(",") if tag.strip())
        answer = _plain(await self._call(lambda: api.search_monitors(query=query, per_page=1)))
        total = mapping(_NAME, answer.get("metadata")).get("total_count")
        return total if isinstance(total, int) else 0

    async def objective(self, slo_id: str) -> Mapping[str, Json]:
        """A service level objective. Raises errors.NotFound."""
        from datadog_api_client.v1.api.service_level_objectives_api import (
            ServiceLevelObjectivesApi,
        )

        api = ServiceLevelObjectivesApi(self._client)  # type: ignore[no-untyped-call]
        answer = _plain(await self._call(lambda: api.get_slo(slo_id)))
        found = mapping(_NAME, answer.get("data"))
        same(_NAME, {"id": slo_id}, found)
        return found

    async def test(self, public_id: str) -> Mapping[str, Json]:
        """A Synthetics test. Raises errors.NotFound."""
        from datadog_api_client.v1.api.synthetics_api import SyntheticsApi

        api = SyntheticsApi(self._client)  # type: ignore[no-untyped-call]
        found = _plain(await self._call(lambda: api.get_test(public_id)))
        same(_NAME, {"public_id": public_id}, found)
        return found

    async def logs(
        self, query: str, since: datetime, until: datetime, limit: int
    ) -> list[LogEvent]:
        """The newest log events of a search between two times, oldest first, ``limit`` at most."""
        from datadog_api_client.v2.api.logs_api import LogsApi
        from datadog_api_client.v2.model.logs_sort import LogsSort

        api = LogsApi(self._client)  # type: ignore[no-untyped-call]
        found: list[LogEvent] = []
        page: dict[str, Any] = {
            "filter_query": query,
            "filter_from": since,
            "filter_to": until,
            "sort": LogsSort.TIMESTAMP_DESCENDING,
        }
        while len(found) < limit:
            page["page_limit"] = min(_PAGE, limit - len(found))
            answer = _plain(await self._call(partial(api.list_logs_get, **page)))
            data = [_log(item) for item in _data(answer)]
            if any(of_other_log(query, event.service, event.tags) for event in data):
                raise another(_NAME, "log event")
            found += data
            after = ((answer.get("meta") or {}).get("page") or {}).get("after")
            if not after or not data:
                break
            page["page_cursor"] = str(after)
        return found[::-1]

    async def metrics(
        self, queries: Sequence[str], since: datetime, until: datetime
    ) -> list[Series]:
        """Series of all queries, in one call. A query without data gives no series."""
        from datadog_api_client.v1.api.metrics_api import MetricsApi

        api = MetricsApi(self._client)  # type: ignore[no-untyped-call]
        asked = ",".join(queries)
        answer = _plain(
            await self._call(
                lambda: api.query_metrics(
                    _from=int(since.timestamp()), to=int(until.timestamp()), query=asked
                )
            )
        )
        if answer.get("error"):
            raise errors.Rejected(f"Datadog refuses a metric query: {str(answer['error'])[:200]}")
        if not same_query(asked, str(answer.get("query", asked))):
            raise another(_NAME, "query")
        series = mappings(_NAME, answer.get("series"))
        if any(of_other_series(queries, item) for item in series):
            raise another(_NAME, "series")
        return [_series(item) for item in series]

    async def metric_names(self, tags: str, since: datetime) -> list[str]:
        """Names of the metrics with these tags (``service:a AND env:b``) that came since then. Needs ``metrics_read``."""
        from datadog_api_client.v1.api.metrics_api import MetricsApi

        api = MetricsApi(self._client)  # type: ignore[no-untyped-call]
        answer = _plain(
            await self._call(
                lambda: api.list_active_metrics(int(since.timestamp()), tag_filter=tags)
            )
        )
        names = answer.get("metrics")
        if not isinstance(names, list):
            raise errors.Unavailable("Datadog answered no list of metrics", reason="malformed")
        return [str(name) for name in names]

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        from datadog_api_client.exceptions import OpenApiException

        try:
            async with asyncio.timeout(self._timeout_s * _PATIENCE):
                return await call()
        except TimeoutError as failure:
            raise errors.TimedOut("Datadog took too long") from failure
        except (OpenApiException, ValueError) as failure:
            raise errors.Unavailable("Datadog answered garbage", reason="malformed") from failure


async def all_monitors(
    datadog: Datadog, tags: str = ""
) -> AsyncIterator[Sequence[Mapping[str, Json]]]:
    """All monitors, page by page. By id: those that are made or deleted meanwhile move no page. Raises as ``monitors``."""
    after = 0
    while page := await datadog.monitors(tags, after):
        yield page
        after = max(int(item["id"]) for item in page)


@asynccontextmanager
async def open_datadog(connection: DatadogConnection) -> AsyncIterator[Datadog]:
    """Opens the client. Raises errors.Permanent when no site is configured or the address is not allowed."""
    if not configured(connection):
        raise errors.Unauthorized("no Datadog configured: set KFIX_DATADOG_SITE", reason="no_site")
    from datadog_api_client import Configuration

    from kfix.infra.clients.aiohttp import open_session
    from kfix.infra.clients.datadog_wire import Client

    host = (connection.url or f"https://api.{connection.site}").rstrip("/")
    configuration = Configuration(host=host)  # type: ignore[no-untyped-call]
    configuration.api_key["apiKeyAuth"] = connection.api_key.get_secret_value()
    configuration.api_key["appKeyAuth"] = connection.app_key.get_secret_value()
    bounds = Bounds(timeout_s=connection.timeout_s, total_s=connection.timeout_s)
    async with open_session((host,), bounds) as session:
        yield Datadog(Client(configuration, session), connection.timeout_s)


def _plain(answer: Any) -> dict[str, Any]:
    """The answer as plain values; what the client could not parse is kept as it came."""
    return mapping(_NAME, answer.to_dict() if hasattr(answer, "to_dict") else answer)


def _data(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events of a search. An answer without any says so: without the list it is none."""
    return mappings(_NAME, answer.get("data"))


def _attributes(item: Mapping[str, Any]) -> Mapping[str, Json]:
    outer = mapping(_NAME, item.get("attributes"))
    inner = mapping(_NAME, outer.get("attributes") or {})
    return {
        **inner,
        "tags": outer.get("tags") or inner.get("tags") or [],
        "message": outer.get("message", ""),
    }


def _log(item: Mapping[str, Any]) -> LogEvent:
    attributes = mapping(_NAME, item.get("attributes"))
    at = attributes.get("timestamp")
    return LogEvent(
        at=at if isinstance(at, datetime) else None,
        service=str(attributes.get("service") or ""),
        status=str(attributes.get("status") or ""),
        host=str(attributes.get("host") or ""),
        message=str(attributes.get("message") or ""),
        tags=tuple(str(tag) for tag in attributes.get("tags") or ()),
    )


def _series(item: Mapping[str, Any]) -> Series:
    """A v1 series: points are [milliseconds, value], units a pair of numerator and denominator."""
    points = [
        p.get("value", p) if isinstance(p, Mapping) else p for p in item.get("pointlist") or ()
    ]
    unit = next((u for u in item.get("unit") or () if isinstance(u, Mapping)), {})
    tags = (str(tag).split(":", 1) for tag in item.get("tag_set") or () if ":" in str(tag))
    return Series(
        metric=str(item.get("metric") or ""),
        tags=dict(tags),
        unit=str(unit.get("name") or ""),
        query=str(item.get("expression") or ""),
        timestamps=tuple(float(p[0]) / 1000 for p in points),
        values=tuple(None if p[1] is None else float(p[1]) for p in points),
    )
