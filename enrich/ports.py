"""What enrich asks of the world. Every port raises from ``schemas.errors``; the agent turns that into a missing source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from enrich.core.bundle import Recalled, Rules
from enrich.core.images import ImageQuestion
from enrich.core.repeats import Arrived
from enrich.core.retrying import KeptAlert
from schemas.alerts import Alert, RawAlert
from schemas.base import Json, ObjectRef
from schemas.context import (
    Change,
    DeclaredObject,
    LogExcerpt,
    Monitor,
    Series,
)
from schemas.images import RegistryAnswers


class Observability(Protocol):
    """What watches the services: rules, logs, metrics."""

    @property
    def name(self) -> str:
        """As it is named in a bundle's sources, before the point: its logs are ``<name>.logs``."""
        ...

    @property
    def keeps_logs(self) -> bool:
        """Whether it has logs at all; where not, it is asked for none, and none of its are missing."""
        ...

    def sent(self, alert: Alert) -> bool:
        """Whether the alert is one of its own, so that it knows more of it than the payload says."""
        ...

    async def complete(self, alert: Alert) -> Alert:
        """The alert with what its event says: rule, labels, group, fingerprint, state. Raises errors.NotFound, with the reason
        ``NOT_INDEXED`` where it may be found later."""
        ...

    async def monitor(self, rule_id: str) -> Monitor:
        """The rule that fired. Raises errors.NotFound for one that is not its own, with ``NOT_INDEXED`` as ``complete``."""
        ...

    async def behind(self, monitor: Monitor) -> list[Monitor]:
        """The rules that this one sums up, with what each watches: a composite's members, an objective's monitors or
        metrics, the address of a test. Empty for a rule that watches something itself.
        """
        ...

    async def logs(self, names: Mapping[str, str], until: datetime) -> list[LogExcerpt]:
        """Log excerpts before ``until`` of what the tag names say."""
        ...

    async def metrics(self, names: Mapping[str, str], until: datetime) -> list[Series]:
        """Series before ``until`` of what the tag names say, by the metric table's meanings."""
        ...

    def links(self, alert: Alert, names: Mapping[str, str]) -> dict[str, str]:
        """Pages a person would open, from the configured base only."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects by plural, as in ``KubernetesContext``, and the kinds that are served but could not be read, with why."""

    objects: dict[str, list[Json]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


class ClusterReader(Protocol):
    """Kubernetes."""

    async def objects(self, namespace: str) -> Listing:
        """Objects of the namespace and of the cluster; the number of calls does not depend on their number."""
        ...

    async def across(self, kinds: Sequence[str], namespaces: Sequence[str] = ()) -> Listing:
        """Objects of these kinds in all namespaces, or in some, a bounded number of each.

        ``refused`` names those that could not be read to the end. A kind that the cluster does not serve is left out.
        """
        ...

    async def logs(self, pods: Sequence[Json]) -> list[LogExcerpt]:
        """Logs of the pods' containers, the crashing ones' previous runs included; bounded."""
        ...


class DeclaredRepository(Protocol):
    """The deployment repositories."""

    async def declared(
        self, subject: ObjectRef, environment: str, reads: Sequence[ObjectRef] = ()
    ) -> tuple[list[DeclaredObject], list[Change]]:
        """How the object and what it reads are declared, and the latest commits of those files, of each file newest first.

        Empty when the object is not found.
        """
        ...


class EarlierIncidents(Protocol):
    """Earlier incidents."""

    async def recall(self, signature: str) -> Recalled:
        """Incidents near the signature (``kfix.incident.signature``), with what was tried. Raises from ``schemas.errors``."""
        ...


class ImageLookup(Protocol):
    """Where images are kept."""

    def allowed(self, running: Collection[str]) -> tuple[str, ...]:
        """Registries that may be asked. ``running``: those of images that run in the cluster. Asks nobody."""
        ...

    async def answers(self, question: ImageQuestion) -> RegistryAnswers:
        """What registries say of images; one that does not answer has its reason in its answers."""
        ...


class NoImageLookup:
    """``enrich.ports.ImageLookup`` where none may be asked."""

    def allowed(self, running: Collection[str]) -> tuple[str, ...]:
        """None."""
        return ()

    async def answers(self, question: ImageQuestion) -> RegistryAnswers:
        """Nothing."""
        return RegistryAnswers()


class AlertBook(Protocol):
    """Which alerts' evidence was gathered. Both calls may be repeated, and raise ``errors.Unavailable``."""

    async def repeats(self, alert: Arrived) -> bool:
        """Whether another delivery answers for this one; if not, this one answers for those that come after it."""
        ...

    async def recovered(self, alert: Arrived) -> bool:
        """The episode is over: the next alert is a new one. ``False`` when an alert that repeated another one is newer."""
        ...


class AlertArchive(Protocol):
    """Alerts that were gathered for, by delivery. All calls may be repeated, and raise ``errors.Unavailable``."""

    async def keep(self, kept: KeptAlert, at: datetime) -> None:
        """Keeps an alert from ``at`` on, for as long as the settings say."""
        ...

    async def find(self, delivery_id: str) -> KeptAlert | None:
        """The alert of a delivery; ``None`` where it is not kept any more."""
        ...

    async def begin_retry(self, incident_id: str, outcome_id: str, at: datetime) -> bool:
        """Is it this outcome that the attempt's evidence is gathered anew for? Only the first one told is."""
        ...


@dataclass(frozen=True, slots=True)
class ClusterSources:
    """Who is asked about one cluster: its API server, and the repositories that deploy to it."""

    cluster: ClusterReader
    repository: DeclaredRepository


@dataclass(frozen=True, slots=True)
class Sources:
    """Who is asked."""

    observability: Observability
    #: By the cluster's configured name, ``ClusterClaim.own`` of an alert that is ours.
    clusters: Mapping[str, ClusterSources]
    memory: EarlierIncidents
    images: ImageLookup = field(default_factory=NoImageLookup)


class NoAlertBook:
    """``enrich.ports.AlertBook`` that forgets: every delivery is gathered for."""

    async def repeats(self, alert: Arrived) -> bool:
        """Never: nothing is remembered."""
        return False

    async def recovered(self, alert: Arrived) -> bool:
        """Always over: nothing newer is remembered."""
        return True


class NoAlertArchive:
    """``enrich.ports.AlertArchive`` that keeps nothing."""

    async def keep(self, kept: KeptAlert, at: datetime) -> None:
        """Nothing is kept."""

    async def find(self, delivery_id: str) -> KeptAlert | None:
        """Never there."""
        return None

    async def begin_retry(self, incident_id: str, outcome_id: str, at: datetime) -> bool:
        """Always: nothing is remembered."""
        return True


def _clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class EnrichPorts:
    """What the handler uses."""

    sources: Sources
    rules: Rules
    deadline_s: float
    #: Rounds in which an alert is asked again while a decisive source does not answer.
    ask_again: int = 0
    alerts: AlertBook = field(default_factory=NoAlertBook)
    #: The sources for an alert: its own system that watches, and what alerts share not older than the alert is here.
    #: ``None``: everybody is asked the same.
    chosen: Callable[[RawAlert], Sources] | None = None
    archive: AlertArchive = field(default_factory=NoAlertArchive)
    now: Callable[[], datetime] = _clock

    def sources_for(self, raw: RawAlert) -> Sources:
        """Who is asked about an alert."""
        return self.sources if self.chosen is None else self.chosen(raw)
