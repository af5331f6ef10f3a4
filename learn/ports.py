"""What learn needs from the world. All raise from ``schemas.errors``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from kfix.incident.forge.port import Stands
from learn.core.judgement import WorkloadState
from learn.settings import Learn
from schemas.feedback import Feedback
from schemas.merge_requests import MergeRequestRef, Proposal
from schemas.outcomes import Outcome

State = Literal["open", "merged", "closed"]


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
class DueCheck:
    """A post-deploy check whose time has come, held by us until its lease ends."""

    followed: Followed
    merged_at: datetime
    tries: int


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

    async def schedule(self, incident_id: str, *, merged_at: datetime, due_at: datetime) -> None:
        """Notes that a check is due; one that is there already stays as it is."""
        ...

    async def claim(self, now: datetime, *, lease_until: datetime, limit: int) -> list[DueCheck]:
        """Checks that are due and that nobody else holds."""
        ...

    async def postpone(self, incident_id: str, *, due_at: datetime) -> None:
        """The check is due then, and nobody holds it."""
        ...

    async def stale(
        self, before: datetime, *, now: datetime, asked_before: datetime, limit: int
    ) -> list[Followed]:
        """Merge requests opened before then that nothing was heard of: open for all we know, and without an outcome.

        Each is given once, and again when it was last given before ``asked_before``.
        """
        ...

    async def keep(self, outcome: Outcome) -> None:
        """Stores an outcome; when it is of a check, that is done. A newer record of the same plan replaces an older one."""
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
    cluster: WorkloadReader
    forge: Stands
    memory: IncidentMemory
    settings: Learn
    language: str
    now: Callable[[], datetime]
    #: ``None`` where the store is not ours to sweep: in a replay, and in tests.
    sweep: Sweep | None = None
    sweep_every_s: float = 3600.0
