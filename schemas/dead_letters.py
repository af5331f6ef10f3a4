"""`dead.letters`: word of each record or delivery that nobody could read or work on. Written by the runtime, read by publish and
console. The bytes themselves are in ``<topic>.dlq``.
"""

from __future__ import annotations

from schemas.alerts import RawAlert
from schemas.base import Instant, Record
from schemas.context import ContextBundle
from schemas.plans import CandidatePlans
from schemas.validated import ValidatedPlans

#: Characters of a title that is passed on.
_TITLE = 200


class DeadLetter(Record):
    """One dead letter. Names and titles are outside text."""

    #: The topic that it was for, and where it stood there; -1: a delivery that never became a record.
    topic: str
    partition: int = -1
    offset: int = -1
    #: The stage that gave up.
    stage: str
    #: Why: the failure's class, its stable reason, and the sentence for people, which says where in the text; masked.
    error: str = ""
    reason: str
    message: str = ""
    first_seen: Instant
    size: int = 0
    #: Who sent it, where that is known: a source of webhooks.
    source: str = ""
    #: The monitor or rule that it is about and its title, as far as they could be read.
    rule_id: str = ""
    title: str = ""
    incident_id: str = ""


def subject_of(record: Record | None) -> dict[str, str]:
    """``rule_id``, ``title`` and ``incident_id`` of a record, as far as it says them."""
    if isinstance(record, RawAlert):
        return {"rule_id": record.alert.rule.id, "title": record.alert.title[:_TITLE]}
    if isinstance(record, ContextBundle):
        return {"rule_id": record.alert.rule.id, "title": record.alert.title[:_TITLE]}
    if isinstance(record, CandidatePlans | ValidatedPlans):
        context = record.context
        return {
            "rule_id": "" if context.monitor_id is None else str(context.monitor_id),
            "title": context.alert_title[:_TITLE],
            "incident_id": record.incident_id,
        }
    return {"incident_id": str(getattr(record, "incident_id", ""))}
