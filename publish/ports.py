"""What publish needs of the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from kfix.incident.cluster_names import Fleet
from kfix.incident.forge.port import Forge
from kfix.incident.judgement_links import LinkKeys
from manifests.repository.rendering import Renderer
from publish.core.claims import Claim
from publish.core.decision import Limits, TrackedMergeRequest
from publish.core.failed import Fate
from publish.core.history import Fix
from publish.core.notice import Notice, NoticeKind
from publish.core.spoken import AlertStanding, Word
from publish.core.wording import Language
from publish.settings import Publish
from schemas.merge_requests import MergeRequestRef, Notification
from schemas.validated import ValidatedPlan, ValidatedPlans


@dataclass(frozen=True, slots=True)
class Reread:
    """A project to read again. ``since``: from which change on; ``began_at``: what was said before is not told."""

    project: str
    since: datetime
    began_at: datetime


@dataclass(frozen=True, slots=True)
class PublishedProposal:
    """The record behind a merge request, and the plan that is on its branch."""

    record: ValidatedPlans
    plan_id: str

    @property
    def chosen(self) -> ValidatedPlan | None:
        """The plan on the branch; ``None`` when the record does not have it."""
        found = (p for p in self.record.plans if p.plan.plan_id == self.plan_id)
        return next(found, None)


class ChatChannel(Protocol):
    """One way to tell people."""

    @property
    def channel(self) -> Literal["slack", "teams"]:
        """Which chat it is."""
        ...

    async def tell(self, notice: Notice) -> Notification:
        """Sends one message. Raises from ``schemas.errors``."""
        ...


class PublishLedger(Protocol):
    """What was published. Survives restarts; its keys make effects happen once."""

    async def of_incident(self, incident_id: str) -> TrackedMergeRequest | None:
        """The incident's merge request; ``None`` while there is none."""
        ...

    async def of_fingerprint(self, fingerprint: str) -> Sequence[TrackedMergeRequest]:
        """Merge requests of all incidents with this fingerprint."""
        ...

    async def of_project(self, project: str) -> Sequence[TrackedMergeRequest]:
        """Merge requests in a project of the forge."""
        ...

    async def opened(self, known: TrackedMergeRequest, ref: MergeRequestRef) -> None:
        """Keeps a merge request, under its incident's id; again is fine."""
        ...

    async def heard(self, word: Word) -> TrackedMergeRequest | None:
        """Keeps a word of the forge and moves its merge request to where all words together say; again is fine.

        Returns the merge request as it is known now, ``None`` where there is none yet.
        """
        ...

    async def words_of(self, incident_ids: Sequence[str]) -> Sequence[Word]:
        """All words that were kept of these incidents' merge requests."""
        ...

    async def alert(self, incident_id: str, at: datetime, *, over: bool) -> AlertStanding:
        """Keeps that the alert was on, or over, at that time, and tells how it stands by all that is known."""
        ...

    async def marked(self, incident_id: str, mark: str) -> None:
        """Keeps what the merge request says of its alert."""
        ...

    async def due_rereads(
        self, now: datetime, *, read_before: datetime, ended_after: datetime, lease_until: datetime
    ) -> Sequence[Reread]:
        """Takes projects whose merge requests were last read before then and that nobody else reads now.

        Only those with a merge request that is open, or that ended after ``ended_after``.
        """
        ...

    async def reread(
        self, project: str, *, position: datetime | None, read_at: datetime | None
    ) -> None:
        """Keeps how far a project was read, and lets it go; without ``read_at`` it is due at once."""
        ...

    async def read_through(self, incident_id: str, changed_at: datetime) -> None:
        """Keeps that all that was said of a merge request up to that change of it is known to the pipeline."""
        ...

    async def put_off(self, project: str, until: datetime) -> None:
        """Nobody reads the project before then."""
        ...

    async def noted(self, incident_id: str, at: datetime) -> None:
        """Keeps when a repeated alert was last noted in the merge request."""
        ...

    async def snooze(self, incident_id: str, until: datetime | None) -> None:
        """Keeps until when people do not want to hear of an incident; ``None``: they do again."""
        ...

    async def claim(
        self,
        incident_id: str,
        targets: Sequence[str],
        changes_hash: str,
        *,
        at: datetime,
        stale_before: datetime,
    ) -> Claim | None:
        """Takes all the objects for an incident, or none: then the claim in the way.

        Holds across replicas. A claim older than ``stale_before`` whose merge request was never opened, and one whose
        merge request is not open any more, is in nobody's way.
        """
        ...

    async def release(self, incident_id: str) -> None:
        """Gives up the incident's claims: it has no merge request and will have none for this record."""
        ...

    async def keep_proposal(self, incident_id: str, proposed: PublishedProposal) -> None:
        """Keeps what was proposed first; again is fine."""
        ...

    async def proposal_of(self, incident_id: str) -> PublishedProposal | None:
        """What was proposed first; ``None`` while nothing was."""
        ...

    async def switched(
        self, incident_id: str, changes_hash: str, ref: MergeRequestRef, proposed: PublishedProposal
    ) -> None:
        """Keeps that another plan is on the branch now."""
        ...

    async def ref_of(self, incident_id: str) -> MergeRequestRef | None:
        """The incident's merge request as the forge names it; ``None`` while there is none."""
        ...

    async def fate_of(self, incident_id: str) -> Fate | None:
        """What came of taking the attempt's change back; ``None`` while nothing did."""
        ...

    async def keep_fate(self, incident_id: str, fate: Fate, at: datetime) -> None:
        """Keeps it; the first one stays."""
        ...

    async def told(self, incident_id: str, kind: NoticeKind) -> Sequence[Notification]:
        """Messages of that kind that were sent already."""
        ...

    async def told_since(self, kind: NoticeKind, since: datetime) -> int:
        """How many messages of that kind, each to all its chats, were sent since then."""
        ...

    async def keep_told(self, incident_id: str, kind: NoticeKind, message: Notification) -> None:
        """Keeps that a message was sent; again is fine."""
        ...

    async def ended(self, incident_id: str, plan_id: str, fix: Fix) -> None:
        """Keeps how a fix ended; a newer word on the same plan replaces an older one."""
        ...

    async def fixes_like(
        self, failure_class: str, workload_kind: str, fix_kind: str
    ) -> Sequence[Fix]:
        """How fixes of this kind ended, the newest first."""
        ...


@dataclass(frozen=True, slots=True)
class PublishPorts:
    """All of it, opened. ``forge`` is ``None`` where none is configured."""

    forge: Forge | None
    chats: tuple[ChatChannel, ...]
    ledger: PublishLedger
    settings: Publish
    limits: Limits
    language: Language
    console_url: str
    #: Hosts that descriptions may link to: the console, the forge, what watches.
    hosts: frozenset[str]
    #: Renders charts and overlays when an edit has to be made again on a newer base.
    renderer: Renderer
    now: Callable[[], datetime]
    #: The cluster that plans are for. Without a name nothing is opened.
    fleet: Fleet = field(default_factory=Fleet)
    #: Environments beside production in which nothing merges by itself.
    protected: tuple[str, ...] = ()
    #: Makes the links by which people judge a proposal; none without a key.
    links: LinkKeys = field(default_factory=LinkKeys)
