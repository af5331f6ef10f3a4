"""What learn needs from the world. All raise from ``schemas.errors``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from kfix.incident.forge.port import Stands
from learn.core.alerts import HeardAlert
from learn.core.judgement import AlertReading, WorkloadState
from learn.core.watch import Watch
from learn.settings import Learn
from schemas.feedback import Feedback
from schemas.merge_requests import MergeRequestRef, Proposal
from schemas.outcomes import Outcome

State = Literal["open", "merged", "closed"]
Told = Literal["live", "late", "over"]


@dataclass(frozen=True, slots=True)
class Followed:
    """An incident's merge request as far as it is known."""

    incident_id: str
    fingerprint: str
    trace_id: str
    state: State
    changed_at: datetime
    merge_request: MergeRequestRef | None
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class DueLook:
    """A merged change whose next look is due, held by us until its lease ends."""

    followed: Followed
    watch: Watch
    #: Number of the look: who saves it says which.
    tries: int
    #: The pipeline has the word that the change is live, and the one that it is late.
    told_live: bool
    told_late: bool
    #: What the watch came to, where that is decided and not kept yet.
    verdict: Outcome | None


class LearnLedger(Protocol):
    """The durable side. Every call may be repeated with the same effect."""

    async def opened(self, followed: Followed) -> Followed:
        """Keeps what was proposed. Returns what is known now: the forge may have spoken first."""
        ...

    async def moved(
        self, incident_id: str, state: State, at: datetime, ref: MergeRequestRef | None
    ) -> Followed:
        """Notes the forge's word on the merge request; an older word than the known one changes nothing."""
        ...

    async def find(self, incident_id: str) -> Followed | None:
        """What is known of an incident's merge request; ``None`` when nothing is."""
        ...

    async def schedule(self, incident_id: str, *, merged_at: datetime) -> None:
        """Begins a watch, with its first look due at once; one that is there already stays as it is."""
        ...

    async def claim(self, now: datetime, *, lease_until: datetime, limit: int) -> list[DueLook]:
        """Looks that are due and that nobody else holds."""
        ...

    async def looked(self, due: DueLook, watch: Watch, *, next_at: datetime) -> None:
        """Keeps a look and frees the watch until then. Nothing where another look was begun meanwhile."""
        ...

    async def decided(self, due: DueLook, outcome: Outcome) -> Outcome | None:
        """Keeps what a watch came to before it is told. Returns what is told: the first that was decided; ``None`` once the
        watch is over."""
        ...

    async def told(self, incident_id: str, word: Told, at: datetime) -> None:
        """Notes that the pipeline has that word of a watch; ``over``: there is nothing more to look at."""
        ...

    async def heard(self, alert: HeardAlert) -> None:
        """Keeps an alert; the same again changes nothing."""
        ...

    async def alerts_like(
        self, followed: Followed, since: datetime, until: datetime
    ) -> list[HeardAlert]:
        """Alerts and recoveries in that time of the incident in all its attempts, its fingerprint, or its rule and group."""
        ...

    async def merged_for(self, alert: HeardAlert) -> list[Followed]:
        """Merged changes for the same incident, fingerprint, or rule and group."""
        ...

    async def stale(
        self, before: datetime, *, now: datetime, asked_before: datetime, limit: int
    ) -> list[Followed]:
        """Merge requests opened before then that nothing was heard of: open for all we know, and without an outcome.

        Each is given once, and again when it was last given before ``asked_before``.
        """
        ...

    async def keep(self, outcome: Outcome) -> None:
        """Stores an outcome; when it was measured, its watch is done. A newer record of the same plan replaces an older one."""
        ...

    async def outcome_of(self, incident_id: str) -> Outcome | None:
        """The incident's newest outcome; ``None`` while there is none."""
        ...

    async def add_feedback(
        self, event_id: str, incident_id: str, feedback: Feedback, at: datetime
    ) -> None:
        """Keeps one person's word; the same event again changes nothing."""
        ...

    async def feedback_of(self, incident_id: str) -> Sequence[Feedback]:
        """All feedback on an incident, oldest first."""
        ...


class Signals(Protocol):
    """The metrics after a merge."""

    async def measure(
        self, proposal: Proposal, since: datetime, until: datetime
    ) -> dict[str, float]:
        """Signals by name, in the units of the proposal's baseline; what has no data is left out."""
        ...


class AlertStates(Protocol):
    """Who keeps the alert's rule."""

    async def reading(self, proposal: Proposal, since: datetime, until: datetime) -> AlertReading:
        """Where the alert stands now, and its measure in that time; ``unheard`` where nobody knows of its rule.

        Raises from ``schemas.errors`` where who knows did not answer.
        """
        ...

    async def measure(self, proposal: Proposal, since: datetime, until: datetime) -> float | None:
        """The rule's own measure in that time; ``None`` without data or for a rule that measures nothing. Raises as ``reading``."""
        ...


class WorkloadReader(Protocol):
    """The workload after a merge."""

    async def state(self, proposal: Proposal, since: datetime) -> WorkloadState:
        """The changed workloads since then: whether the change arrived, pods, restarts. Raises from ``schemas.errors``."""
        ...


class IncidentMemory(Protocol):
    """The vector memory."""

    async def remember(self, outcome: Outcome, proposal: Proposal) -> None:
        """Keeps an outcome under its incident, in place of an earlier one. Raises from ``schemas.errors``."""
        ...


class Sweep(Protocol):
    """The store's old rows."""

    async def sweep(self) -> None:
        """Deletes what is older than its table's retention; nothing while another replica does. Raises errors.Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class LearnPorts:
    """What the handlers use."""

    ledger: LearnLedger
    signals: Signals
    alerts: AlertStates
    cluster: WorkloadReader
    forge: Stands
    memory: IncidentMemory
    settings: Learn
    language: str
    now: Callable[[], datetime]
    #: ``None`` where the store is not ours to sweep: in a replay, and in tests.
    sweep: Sweep | None = None
    sweep_every_s: float = 3600.0
