"""By which operations requests come into a service: what the monitor watches, what the settings say, what Datadog has."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from kfix.incident.metric_queries import is_tag_value
from kfix.incident.traces import MOST, inbound
from kfix.infra.clients.datadog import Datadog
from schemas import errors

log = structlog.get_logger(__name__)
#: Metrics of the last hour count: a service without requests for longer has nothing to tell.
_ACTIVE = timedelta(hours=1)
#: Seconds that an answer is good for: a service's framework changes with a release, and the list has a low rate limit.
_KEPT_S = 3600.0
#: Seconds until a list that could not be had is asked for again.
_PAUSE_S = 60.0
#: Services that are kept; the oldest go first.
_KEPT = 1000


class Operations:
    """Asks once an hour for each service. ``configured`` is used for all of them, and nothing is asked then."""

    def __init__(
        self,
        client: Datadog,
        configured: Sequence[str] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._configured = tuple(configured)[:MOST]
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, tuple[str, ...]]] = {}

    async def of(self, service: str, env: str, said: Sequence[str] = ()) -> tuple[str, ...]:
        """The operations; ``said`` come first and alone. Empty for no service, and where nobody knows.

        A list that Datadog refuses is logged and costs a service's traffic, not all that else is measured.
        """
        if not is_tag_value(service):
            return ()
        if said or self._configured:
            return tuple(said)[:MOST] or self._configured
        kept = self._known.get((service, env))
        if kept is not None and self._clock() < kept[0]:
            return kept[1]
        try:
            tags = f"service:{service} AND env:{env}" if is_tag_value(env) else f"service:{service}"
            found = inbound(await self._client.metric_names(tags, datetime.now(UTC) - _ACTIVE))
        except errors.KFixError as failure:
            log.warning("datadog.operations_unknown", reason=failure.reason)
            return self._keep(service, env, (), _PAUSE_S)
        return self._keep(service, env, found, _KEPT_S)

    def _keep(
        self, service: str, env: str, found: tuple[str, ...], seconds: float
    ) -> tuple[str, ...]:
        self._known.pop((service, env), None)
        while len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[service, env] = (self._clock() + seconds, found)
        return found
