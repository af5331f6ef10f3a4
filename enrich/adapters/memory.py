"""Earlier incidents from the vector memory: what was similar, what worked, what failed, what was learned."""

from __future__ import annotations

from datetime import datetime
from typing import cast, get_args

from pydantic import TypeAdapter, ValidationError

from enrich.core.bundle import Recalled
from kfix.infra.clients.boundary import guarded
from kfix.infra.memory.index import Metadata, VectorHit
from kfix.infra.memory.opening import OpenedMemory
from schemas.context import OutcomeResult, Pattern, SimilarIncident
from schemas.feedback import Feedback
from schemas.text import Text

_GOOD: frozenset[str] = frozenset({"success", "partial"})
_BAD: frozenset[str] = frozenset({"failure", "rejected"})
_PEOPLE: TypeAdapter[tuple[Feedback, ...]] = TypeAdapter(tuple[Feedback, ...])
#: Persons' words of one incident that a bundle carries.
_MOST = 4


@guarded("vector memory")
class VectorEarlierIncidents:
    """``enrich.ports.Memory`` on ``kfix.infra.memory``."""

    def __init__(self, memory: OpenedMemory) -> None:
        self._memory = memory

    async def recall(self, signature: str) -> Recalled:
        """Nothing for an empty signature. Raises from ``schemas.errors``."""
        if not signature.strip():
            return Recalled()
        hits = await self._memory.recall(signature)
        similar = tuple(_incident(hit) for hit in hits)
        patterns = [pattern for hit in hits if (pattern := _pattern(hit.metadata)) is not None]
        return Recalled(
            similar=similar,
            lessons=tuple(dict.fromkeys(s.lesson for s in similar if s.lesson)),
            successful=tuple(p for p in patterns if p.result in _GOOD),
            failed=tuple(p for p in patterns if p.result in _BAD),
        )


def _text(metadata: Metadata, name: str) -> str:
    return str(metadata.get(name, ""))


def _result(metadata: Metadata) -> OutcomeResult | None:
    said = _text(metadata, "result")
    return cast(OutcomeResult, said) if said in get_args(OutcomeResult) else None


def _incident(hit: VectorHit) -> SimilarIncident:
    metadata = hit.metadata
    return SimilarIncident(
        incident_id=_text(metadata, "incident_id") or hit.id,
        similarity=hit.similarity,
        failure_class=_text(metadata, "failure_class"),
        object_key=_text(metadata, "object_key"),
        title=_text(metadata, "title"),
        plan_title=_text(metadata, "plan_title"),
        fix_kind=_text(metadata, "fix_kind"),
        result=_result(metadata),
        lesson=_text(metadata, "lesson"),
        lesson_text=_lesson_text(metadata),
        people=_people(metadata),
        at=_instant(_text(metadata, "at")),
        url=_text(metadata, "url"),
    )


def _lesson_text(metadata: Metadata) -> Text | None:
    """What the lesson says, of our own lessons' sentences; ``None`` where a store has something else."""
    try:
        found = Text.model_validate_json(_text(metadata, "lesson_text"))
    except ValidationError:
        return None
    return found if found.id.startswith("learn.lesson.") else None


def _people(metadata: Metadata) -> tuple[Feedback, ...]:
    """What people said; nothing where it cannot be read, as after a person was forgotten."""
    try:
        return _PEOPLE.validate_json(_text(metadata, "people"))[-_MOST:]
    except ValidationError:
        return ()


def _pattern(metadata: Metadata) -> Pattern | None:
    result = _result(metadata)
    if result is None or not _text(metadata, "fix_kind"):
        return None
    return Pattern(
        incident_id=_text(metadata, "incident_id"),
        failure_class=_text(metadata, "failure_class"),
        fix_kind=_text(metadata, "fix_kind"),
        workload_kind=_text(metadata, "workload_kind"),
        object_key=_text(metadata, "object_key"),
        changes_hash=_text(metadata, "changes_hash"),
        result=result,
        summary=_text(metadata, "plan_title"),
        cluster=_text(metadata, "cluster"),
    )


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
