"""What the console keeps of a record: enough to tell the story, no secret. Pure.

Evidence comes masked from enrich. What does not pass enrich is masked here: the delivery itself, what people write on
the forge, and the edited files, which are published as they are and of which the console shows the diff alone.
"""

from __future__ import annotations

from typing import TypeVar

from kfix.incident.redaction import mask, mask_json
from schemas.alerts import RawAlert
from schemas.base import Record
from schemas.dead_letters import DeadLetter
from schemas.merge_requests import MergeRequestEvent
from schemas.plans import CandidatePlans
from schemas.validated import FileEdit, ValidatedPlan, ValidatedPlans
from schemas.worlds import World

R = TypeVar("R", bound=Record)


def kept(record: R) -> R:
    """The record without raw bodies, whole files, what replay needs, and secrets."""
    if isinstance(record, RawAlert):
        alert = type(record.alert).model_validate(mask_json(record.alert.model_dump()))
        return record.model_copy(update={"alert": alert, "body": b""})
    if isinstance(record, MergeRequestEvent):
        return type(record).model_validate(mask_json(record.model_dump()))
    if isinstance(record, ValidatedPlans):
        plans = tuple(_plan(plan) for plan in record.plans)
        return record.model_copy(update={"plans": plans, "world": World()})
    if isinstance(record, CandidatePlans):
        return record.model_copy(update={"world": World()})
    if isinstance(record, DeadLetter):
        return record.model_copy(
            update={"title": mask(record.title), "message": mask(record.message)}
        )
    return record


def _plan(plan: ValidatedPlan) -> ValidatedPlan:
    return plan.model_copy(update={"edits": tuple(_edit(edit) for edit in plan.edits)})


def _edit(edit: FileEdit) -> FileEdit:
    return edit.model_copy(update={"after": "", "diff": mask(edit.diff)})
