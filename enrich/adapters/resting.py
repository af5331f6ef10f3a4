"""A cluster that does not answer is left alone for a while, so that its alerts do not take the turns of the others'."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from enrich.ports import ClusterReader, Listing
from kfix.infra.telemetry import metrics
from kfix.texts import say
from schemas import errors
from schemas.base import Json
from schemas.context import LogExcerpt

log = structlog.get_logger(__name__)


class SharedReader(ClusterReader, Protocol):
    """A reader whose answers several alerts share."""

    def since(self, at: datetime) -> ClusterReader:
        """The same for an alert that came ``at``."""
        ...


@dataclass(slots=True)
class Health:
    """When the cluster ``name`` was last found silent. ``silent_at`` in seconds of the clock; ``None`` while it answers."""

    name: str
    rest_s: float
    clock: Callable[[], float] = time.monotonic
    silent_at: float | None = None
    trying: bool = False

    def __post_init__(self) -> None:
        metrics.CLUSTER_SILENT.labels(self.name).set(0)

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[None]:
        """Around a question. Raises errors.Unavailable while the cluster rests; after that one question tries it."""
        trial = self.silent_at is not None
        if trial:
            self._refuse()
            self.trying = True
        try:
            yield
        except (errors.Unavailable, errors.TimedOut, TimeoutError, asyncio.CancelledError):
            # A question that outlives its alert's deadline is cancelled.
            self._found(silent=True)
            raise
        except errors.KFixError:
            self._found(silent=False)
            raise
        else:
            self._found(silent=False)
        finally:
            self.trying = self.trying and not trial

    def _found(self, *, silent: bool) -> None:
        if silent is (self.silent_at is None):
            log.warning("cluster.silent" if silent else "cluster.answers", cluster=self.name)
            metrics.CLUSTER_SILENT.labels(self.name).set(silent)
        self.silent_at = self.clock() if silent else None

    def _refuse(self) -> None:
        assert self.silent_at is not None
        silent_s = self.clock() - self.silent_at
        if self.trying or silent_s < self.rest_s:
            raise errors.Unavailable(say("enrich.silent", seconds=round(silent_s)))


class RestingCluster:
    """``enrich.ports.ClusterReader`` that asks ``inner`` unless it has just not answered."""

    def __init__(self, inner: SharedReader, health: Health) -> None:
        self._shared = inner
        self._inner: ClusterReader = inner
        self._health = health

    def since(self, at: datetime) -> RestingCluster:
        """The same for an alert that came ``at``."""
        view = copy.copy(self)
        view._inner = self._shared.since(at)
        return view

    async def objects(self, namespace: str) -> Listing:
        """As the inner one. Raises errors.Unavailable at once while the cluster rests."""
        async with self._health.asked():
            return await self._inner.objects(namespace)

    async def across(self, kinds: Sequence[str], namespaces: Sequence[str] = ()) -> Listing:
        """As the inner one. Raises errors.Unavailable at once while the cluster rests."""
        async with self._health.asked():
            return await self._inner.across(kinds, namespaces)

    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        """As the inner one. Raises errors.Unavailable at once while the cluster rests."""
        async with self._health.asked():
            return await self._inner.logs(pods)
