"""An alert's payload beside a capture: which namespaces it names, and whether it is about the cluster that is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from enrich.core.names import namespaces_named
from enrich.service.gathering import uid_of
from ingest.core.outcomes import Malformed
from ingest.core.reading import document_of
from ingest.sources import alert_in
from kfix.incident import cluster_names
from kfix.incident.cluster_names import Fleet, Own
from schemas.alerts import Alert
from schemas.base import Json
from schemas.places import ClusterClaim

#: JSON deeper than this is no alert; a payload of Datadog has a few kilobytes.
_DEPTH = 64
_MAX_BYTES = 4 * 1024 * 1024


class BadAlert(ValueError):
    """A file that is no alert's payload: raised with a sentence for people."""


@dataclass(frozen=True, slots=True)
class GivenAlert:
    """A payload as it was given, the alert in it, and the unix time at which its file was written."""

    payload: dict[str, Json]
    alert: Alert
    modified_at: float

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that its tags name."""
        return namespaces_named(self.alert.labels)

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters that it names."""
        return self._claim(Fleet()).named

    def is_strange(self, alone: Fleet, objects: Mapping[str, list[Json]] | None = None) -> bool:
        """Whether it is about another cluster than this one. Where the settings give it no name, nobody can tell.

        ``objects``: what was read of ours, for its identity.
        """
        if not alone.known:
            return False
        claim = self._claim(alone)
        if objects is not None:
            claim = cluster_names.another(claim, alone, uid_of(objects))
        return not cluster_names.is_ours(claim)

    def about(self, fleet: Fleet) -> Own | None:
        """Which of several clusters it is about; ``None`` where it does not tell."""
        claim = self._claim(fleet)
        return fleet.chosen(claim) if cluster_names.is_ours(claim) else None

    def _claim(self, fleet: Fleet) -> ClusterClaim:
        return cluster_names.claim(self.alert.labels, self.alert.rule.group, None, fleet)


def read_alert(file: Path) -> GivenAlert:
    """Reads a webhook's payload. Raises BadAlert."""
    try:
        state = file.stat()
        if state.st_size > _MAX_BYTES:
            raise BadAlert(f"{file}: larger than {_MAX_BYTES} bytes")
        body = file.read_bytes()
    except OSError as failure:
        raise BadAlert(f"{file}: {failure.strerror}") from failure
    document = document_of(body, "application/json", _DEPTH)
    if isinstance(document, Malformed):
        raise BadAlert(f"{file}: {document.reason} {document.detail}")
    return GivenAlert(document, alert_in(document, body).alert, state.st_mtime)
