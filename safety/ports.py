"""What safety asks of the world. Ports raise from ``schemas.errors``; the examination turns failures into ``unknown``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from kfix.incident import cluster_names
from kfix.incident.cluster_names import Fleet
from manifests.proposal.propose import EditProposal
from manifests.refused import EditRefused
from manifests.text.readings import Readings
from safety.core.policy import Policy
from schemas.base import Json
from schemas.images import ImageAnswer, RegistryAnswers
from schemas.plans import IncidentContext, KubernetesChange
from schemas.validated import CheckResult, FileEdit

#: Kinds whose present state decides what still fits, by lower-case plural.
BOUNDS = ("resourcequotas", "limitranges", "horizontalpodautoscalers", "poddisruptionbudgets")


class RepositoryFiles(Protocol):
    """The deployment repositories."""

    async def propose(
        self,
        changes: Sequence[KubernetesChange],
        environment: str,
        live: Mapping[str, Mapping[str, str]],
    ) -> EditProposal | EditRefused:
        """The proven edits for these changes, based on the deployment branch's head; a refusal with its reason.

        ``live``: labels and annotations of the objects in the cluster, by ``ObjectRef.key``.
        """
        ...


class ClusterDryRun(Protocol):
    """The API server: fresh bounds, and dry-runs."""

    async def bounds(self, namespaces: Sequence[str]) -> Mapping[str, Sequence[Json]]:
        """Quotas, limit ranges, autoscalers and budgets as they are now, by lower-case plural."""
        ...

    async def dry_run(
        self,
        changes: Sequence[KubernetesChange],
        edits: Sequence[FileEdit],
        rendered: Mapping[str, Json],
    ) -> CheckResult:
        """The server's verdict on the objects as rendered (by ``ObjectRef.key``) or, where nothing was rendered, on
        the edited documents; and on a Pod of each changed template."""
        ...


class LockReading(Protocol):
    """What a watch of the lock says."""

    @property
    def state(self) -> Literal["locked", "unlocked", "unknown"]:
        """``locked``: a real write was refused; ``unlocked``: it went through; ``unknown``: nobody could tell."""
        ...

    @property
    def why(self) -> str:
        """Why it is not locked, as a sentence; empty where it is."""
        ...


class ClusterLock(Protocol):
    """The cluster's refusal of whatever K-Fix sends that is no dry-run."""

    def lock(self) -> LockReading:
        """The lock as last proven; ``unknown`` when that was too long ago."""
        ...


class ImagePresence(Protocol):
    """Where images are kept."""

    async def images(
        self, references: Sequence[str], before: RegistryAnswers
    ) -> Sequence[ImageAnswer]:
        """Whether the images are there now. ``before``: what was said earlier, and which registries may be asked."""
        ...


class Schemas(Protocol):
    """Kubernetes' own schemas, offline."""

    def validate(self, item: Json) -> str | None:
        """Why the object is invalid; empty when it is valid; ``None`` when its kind has no schema here."""
        ...


@dataclass(frozen=True, slots=True)
class ClusterChecks:
    """Who is asked about one of several clusters: the repositories that deploy to it, its API server, its lock."""

    repository: RepositoryFiles | None = None
    cluster: ClusterDryRun | None = None
    lock: ClusterLock | None = None


@dataclass(frozen=True, slots=True)
class SafetyPorts:
    """Who is asked, and by which rules. ``None`` stands for what is not configured.

    With several clusters ``repository``, ``cluster`` and ``lock`` are those of a record (``about``).
    """

    repository: RepositoryFiles | None
    cluster: ClusterDryRun | None
    schemas: Schemas
    policy: Policy
    deadline_s: float
    #: Rounds in which a candidate is examined again while the repository or the API server does not answer.
    ask_again: int = 0
    #: The clusters that are connected. Without a name nothing is dry-run.
    fleet: Fleet = field(default_factory=Fleet)
    #: What was parsed of files, shared with the repository.
    readings: Readings = field(default_factory=Readings)
    #: Who watches that the cluster refuses real writes; nobody: then it is not proven, and production is not examined.
    lock: ClusterLock | None = None
    #: Who is asked whether images exist; nobody: it is not checked.
    images: ImagePresence | None = None
    #: By a cluster's name, where there are several.
    several: Mapping[str, ClusterChecks] = field(default_factory=dict)
    #: What is decided by, by name: kept with each decision.
    basis: Mapping[str, Json] = field(default_factory=dict)

    def about(self, context: IncidentContext) -> SafetyPorts:
        """The same, with the policy of the record's cluster, and who is asked about that; nobody where it is none of several."""
        policy = self.policy.in_cluster(self.fleet.called(context.cluster))
        if not self.several:
            return replace(self, policy=policy)
        claim = cluster_names.again(context.claim, context.cluster, self.fleet)
        name = self.fleet.chosen(claim).name if cluster_names.is_ours(claim) else ""
        asked = self.several.get(name, ClusterChecks())
        return replace(
            self,
            policy=policy,
            repository=asked.repository,
            cluster=asked.cluster,
            lock=asked.lock,
        )
