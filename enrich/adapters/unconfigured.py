"""Stands where a source is not configured: it says so, and the bundle names it as missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn

from enrich.ports import Listing
from kfix.texts import say
from schemas import errors
from schemas.alerts import Alert
from schemas.base import Json, ObjectRef
from schemas.context import Change, DeclaredObject, LogExcerpt, Monitor, Series


def _not_configured(what: str) -> NoReturn:
    raise errors.NotFound(say("enrich.not_configured", what=what), reason="not_configured")


class NoObservability:
    """``enrich.ports.Observability`` of nobody: the alert must say everything itself."""

    name = "observability"
    keeps_logs = True

    def sent(self, alert: Alert) -> bool:
        """Always: ``complete`` tells that nobody is there."""
        return True

    async def complete(self, alert: Alert) -> Alert:
        """Raises errors.NotFound: nothing is configured."""
        return _not_configured(say("enrich.watcher"))

    async def monitor(self, rule_id: str) -> Monitor:
        """Raises errors.NotFound: nothing is configured."""
        return _not_configured(say("enrich.watcher"))

    async def behind(self, monitor: Monitor) -> list[Monitor]:
        """Raises errors.NotFound: nothing is configured."""
        return _not_configured(say("enrich.watcher"))

    async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
        """Raises errors.NotFound: nothing is configured."""
        return _not_configured(say("enrich.watcher"))

    async def metrics(self, names: Mapping[str, str], until: datetime) -> list[Series]:
        """Raises errors.NotFound: nothing is configured."""
        return _not_configured(say("enrich.watcher"))

    def links(self, alert: Alert, names: Mapping[str, str]) -> dict[str, str]:
        """None."""
        return {}


class NoClusterReader:
    """``enrich.ports.Cluster`` without Kubernetes."""

    def since(self, at: datetime) -> NoClusterReader:
        """Nothing is shared."""
        return self

    async def objects(self, namespace: str) -> Listing:
        """Raises errors.NotFound: nothing is configured."""
        return _not_configured("Kubernetes")

    async def across(self, kinds: Sequence[str], namespaces: Sequence[str] = ()) -> Listing:
        """Raises errors.NotFound: nothing is configured."""
        return _not_configured("Kubernetes")

    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        """Raises errors.NotFound: nothing is configured."""
        return _not_configured("Kubernetes")


class NoRepository:
    """``enrich.ports.Repository`` without a forge. ``forges``: what might be configured, as people call it."""

    def __init__(self, forges: str = "") -> None:
        self._forges = forges or say("enrich.forge")

    async def declared(
        self, subject: ObjectRef, environment: str, reads: Sequence[ObjectRef] = ()
    ) -> tuple[list[DeclaredObject], list[Change]]:
        """Raises errors.NotFound: nothing is configured."""
        return _not_configured(self._forges)
