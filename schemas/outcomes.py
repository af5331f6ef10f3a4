"""`outcomes`: what happened in the end. Written by learn, read by decide (closes incidents), enrich and console."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Environment, Instant, Model, ObjectRef, Record
from schemas.context import OutcomeResult
from schemas.feedback import Feedback
from schemas.identity import attempt_of
from schemas.merge_requests import MergeRequestRef
from schemas.plans import ActionPlan
from schemas.text import Spoken, Text


class Measurement(Model):
    """One signal before the alert's fix and after it. ``None``: could not be measured."""

    #: ``cpu_cores``, ``memory_mib``, ``restarts``, ``error_rate``, ``latency_p95_ms``, ``throttled_ratio``; ``alert_measure``
    #: is what the alert's own rule compares, in that rule's unit.
    name: str
    unit: str = ""
    before: float | None = None
    after: float | None = None
    #: At the same hour of the day and of the week before, the lower of both.
    usual: float | None = None
    verdict: Literal["better", "same", "worse", "unknown"] = "unknown"


class Outcome(Spoken, Record):
    """The end of an incident's merge request, or people's feedback on it (``feedback`` set, same result as before)."""

    incident_id: str
    fingerprint: str
    result: OutcomeResult
    failure_class: str
    object: ObjectRef
    plan: ActionPlan | None = None
    merge_request: MergeRequestRef | None = None
    measurements: tuple[Measurement, ...] = ()
    explanation: str = ""
    lesson: str = ""
    feedback: tuple[Feedback, ...] = ()
    merged_at: Instant | None = None
    checked_at: Instant | None = None
    #: The trouble was gone after the merge and its alert came again within a day; ``result`` is ``failure`` then.
    came_back_at: Instant | None = None
    #: The vector memory took it.
    vector_db_stored: bool = False
    tags: dict[str, str] = Field(default_factory=dict)
    #: Where the changed object is, as the proposal's context says; empty and unknown in records of older versions.
    cluster: str = ""
    environment: Environment = "unknown"
    explanation_text: Text | None = None
    lesson_text: Text | None = None

    @property
    def is_late(self) -> bool:
        """The change was merged and is not live in the cluster yet: nothing was measured, and the watch goes on."""
        return self.merged_at is not None and self.checked_at is None

    @property
    def did_not_hold(self) -> bool:
        """A fix was merged, looked at and found to have failed; not one that held for a while, and no change taken back."""
        looked_at = self.result == "failure" and self.merged_at is not None
        looked_at = looked_at and self.checked_at is not None and self.came_back_at is None
        return looked_at and self.plan is not None and not attempt_of(self.incident_id).revert
