"""What became of one attempt at an incident, from the facts that are known of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kfix.incident.fix_record import result_with_feedback
from schemas.context import OutcomeResult
from schemas.feedback import Feedback

#: ``held``, ``partly``, ``false`` and ``unjudged`` were merged. ``none``: there was no merge request.
FixState = Literal[
    "none", "open", "turned_down", "expired", "unjudged", "held", "partly", "false", "taken_back"
]
Judgement = Literal["", "good", "bad", "partial"]
#: States that count as a false fix.
FALSE: frozenset[FixState] = frozenset({"false", "taken_back"})
#: States of merged fixes of which it is known how they fared.
JUDGED: frozenset[FixState] = FALSE | {"held", "partly"}
MERGED: frozenset[FixState] = JUDGED | {"unjudged"}


@dataclass(frozen=True, slots=True)
class FixFacts:
    """One attempt. Times are ``None`` for what has not happened, texts empty for what is not known."""

    #: The attempt's id, and the incident's own.
    incident_id: str
    root_id: str
    #: When its alert happened; where no decision says it, when K-Fix first heard of it.
    began_at: datetime
    #: The decision: ``solution_proposed``, ``needs_human``, ``no_action``, ``declined`` by publish, ``given_up``,
    #: ``investigating``; and why there is no proposal.
    status: str = "investigating"
    reason: str = ""
    failure_class: str = ""
    workload_kind: str = ""
    fix_kind: str = ""
    object_key: str = ""
    cluster: str = ""
    environment: str = ""
    monitor: str = ""
    title: str = ""
    opened_at: datetime | None = None
    merged_at: datetime | None = None
    #: Closed without a merge, and not opened again.
    closed_at: datetime | None = None
    #: When its alert last recovered; ``None`` where it alerted again since.
    recovered_at: datetime | None = None
    #: When the merge request that takes the change back was merged.
    reverted_at: datetime | None = None
    #: When its alert came again within a day after the fix had held.
    came_back_at: datetime | None = None
    #: What was measured; and the newest judgement of the fix by a person.
    result: OutcomeResult | Literal[""] = ""
    judgement: Judgement = ""
    #: A person says that the diagnosis was wrong; that is no word about the fix.
    wrong_cause: bool = False

    @property
    def state(self) -> FixState:
        """What became of it. A merge beats a close; of a merged fix the worst that is known counts."""
        if self.merged_at is None:
            return self._unmerged()
        if self.reverted_at is not None:
            return "taken_back"
        counted = self._counted()
        if self.came_back_at is not None or self.judgement == "bad" or counted == "failure":
            return "false"
        if counted == "success":
            return "held"
        return "partly" if counted == "partial" else "unjudged"

    def _unmerged(self) -> FixState:
        if self.result == "expired":
            return "expired"
        if self.closed_at is not None or self.result == "rejected":
            return "turned_down"
        return "open" if self.opened_at is not None else "none"

    def _counted(self) -> OutcomeResult | Literal[""]:
        """The measurement with the person's judgement."""
        if not self.result or not self.judgement:
            return self.result
        said = Feedback(author="", verdict=self.judgement)
        return result_with_feedback(self.result, (said,))

    @property
    def to_merge_request_s(self) -> float | None:
        """Seconds from the alert to the merge request; ``None`` without one."""
        return _between(self.began_at, self.opened_at)

    @property
    def to_merge_s(self) -> float | None:
        """Seconds from the alert to the merge; ``None`` without one."""
        return _between(self.began_at, self.merged_at)

    @property
    def to_recovery_s(self) -> float | None:
        """Seconds from the alert to its last recovery, where that came after the merge; else ``None``."""
        if (
            self.merged_at is None
            or self.recovered_at is None
            or self.recovered_at < self.merged_at
        ):
            return None
        return _between(self.began_at, self.recovered_at)


def _between(since: datetime, until: datetime | None) -> float | None:
    """Not below 0: the sender's clock and ours differ."""
    return None if until is None else max(0.0, (until - since).total_seconds())
