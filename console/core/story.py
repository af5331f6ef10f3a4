"""An incident out of its records, in whatever order they came. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from console.core.attempts import AttemptRecords
from console.core.listing import merge_state_of
from kfix.incident.fix_life import (
    MOVING,
    AttemptLife,
    FixLife,
    IncidentLife,
    LifeState,
    life_of_incident,
)
from kfix.incident.life_facts import facts_of, written
from kfix.texts import Language, told
from schemas.alerts import RawAlert
from schemas.base import Json, Record
from schemas.context import ContextBundle
from schemas.dead_letters import DeadLetter
from schemas.identity import attempt_id, attempt_of
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef, Notification
from schemas.next_steps import NextStep
from schemas.outcomes import Outcome
from schemas.plans import Analysis, CandidatePlans, IncidentContext
from schemas.validated import CheckResult, ValidatedPlan, ValidatedPlans

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline: which topic said what, when."""

    at: datetime
    topic: str
    kind: str
    text: str
    #: The attempt that it is about.
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class ToldAttempt:
    """One attempt with its life; the newest one is what the incident is about now."""

    records: AttemptRecords
    life: AttemptLife


@dataclass(slots=True)
class IncidentStory:
    """Everything known of one incident, with all attempts at it. Lists are in order of time; any of them may be empty.

    What is said of its decision, plan, merge request and outcome is the newest attempt's.
    """

    incident_id: str
    alerts: list[RawAlert] = field(default_factory=list)
    bundles: list[ContextBundle] = field(default_factory=list)
    candidates: list[CandidatePlans] = field(default_factory=list)
    validated: list[ValidatedPlans] = field(default_factory=list)
    events: list[MergeRequestEvent] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)

    @property
    def life(self) -> IncidentLife:
        """The lives of all attempts."""
        records: Iterable[Record] = (
            *self.bundles,
            *self.candidates,
            *self.validated,
            *self.events,
            *self.outcomes,
            *self.letters,
        )
        return life_of_incident(f for r in records for f in facts_of(r, self.incident_id))

    @property
    def attempts(self) -> Sequence[ToldAttempt]:
        """All attempts, oldest first; the first one also where nothing is known of it."""
        lives = {attempt.number: attempt for attempt in self.life.attempts}
        lives.setdefault(1, AttemptLife(1, self.incident_id, FixLife()))
        return [ToldAttempt(self._records(n), life) for n, life in sorted(lives.items())]

    @property
    def now(self) -> AttemptRecords:
        """The newest attempt."""
        records: Iterable[Record] = (
            *self.bundles,
            *self.candidates,
            *self.validated,
            *self.events,
            *self.outcomes,
        )
        return self._records(max(map(_number, records), default=1))

    def _records(self, number: int) -> AttemptRecords:
        """The records of one attempt. Those that name none are the first one's."""

        def mine(records: Iterable[R]) -> list[R]:
            return [r for r in records if _number(r) == number]

        first = self.incident_id
        return AttemptRecords(
            attempt_id(first, number),
            mine(self.bundles),
            mine(self.candidates),
            mine(self.validated),
            mine(self.events),
            mine(self.outcomes),
            mine(self.letters),
        )

    @property
    def state(self) -> LifeState:
        """Where it stands."""
        return self.life.state

    @property
    def decision(self) -> ValidatedPlans | None:
        """See ``AttemptRecords``."""
        return self.now.decision

    @property
    def bundle(self) -> ContextBundle | None:
        """The newest attempt's evidence, else that of the one before it."""
        found = (self._records(n).bundle for n in range(self.now.number, 0, -1))
        return next((bundle for bundle in found if bundle is not None), None)

    @property
    def analysis(self) -> Analysis | None:
        """See ``AttemptRecords``."""
        return self.now.analysis

    @property
    def context(self) -> IncidentContext | None:
        """See ``AttemptRecords``."""
        return self.now.context

    @property
    def status(self) -> str:
        """See ``AttemptRecords``."""
        return self.now.status

    @property
    def explanation(self) -> str:
        """See ``AttemptRecords``."""
        return self.now.explanation

    @property
    def reason(self) -> str:
        """See ``AttemptRecords``."""
        return self.now.reason

    @property
    def next_steps(self) -> Sequence[NextStep]:
        """See ``AttemptRecords``."""
        return self.now.next_steps

    @property
    def plans(self) -> Sequence[ValidatedPlan]:
        """See ``AttemptRecords``."""
        return self.now.plans

    @property
    def recommended(self) -> ValidatedPlan | None:
        """See ``AttemptRecords``."""
        return self.now.recommended

    @property
    def diff(self) -> str:
        """See ``AttemptRecords``."""
        return self.now.diff

    @property
    def checks(self) -> Sequence[CheckResult]:
        """See ``AttemptRecords``."""
        return self.now.checks

    @property
    def merge_request(self) -> MergeRequestRef | None:
        """See ``AttemptRecords``."""
        return self.now.merge_request

    @property
    def merge_state(self) -> str:
        """``opened``, ``merged``, ``closed`` or empty."""
        return merge_state_of(self.life.now)

    @property
    def outcome(self) -> Outcome | None:
        """See ``AttemptRecords``."""
        return self.now.outcome

    @property
    def notifications(self) -> list[Notification]:
        """Messages that were sent, oldest first."""
        return [n for event in self.events for n in event.notifications]

    @property
    def ended(self) -> bool:
        """Nothing more is expected of this incident by itself."""
        life = self.life
        if life.state == "failed" and not life.now.came_back:
            # The next attempt and the way back are on their way until one of them is there.
            return bool(life.attempts[-1].revert)
        return life.state not in MOVING


def _number(record: Record) -> int:
    """The attempt that a record is about."""
    if isinstance(record, ContextBundle):
        return attempt_of(record.retry_of).number + 1 if record.retry_of else 1
    return attempt_of(attempt_named(record)).number


def tell(incident_id: str, records: Iterable[Record]) -> IncidentStory:
    """The story of these records; repeats are told once."""
    story = IncidentStory(incident_id)
    lists: dict[type[Record], list[Record]] = {
        RawAlert: story.alerts,  # type: ignore[dict-item]
        ContextBundle: story.bundles,  # type: ignore[dict-item]
        CandidatePlans: story.candidates,  # type: ignore[dict-item]
        ValidatedPlans: story.validated,  # type: ignore[dict-item]
        MergeRequestEvent: story.events,  # type: ignore[dict-item]
        Outcome: story.outcomes,  # type: ignore[dict-item]
        DeadLetter: story.letters,  # type: ignore[dict-item]
    }
    seen: set[tuple[type[Record], str]] = set()
    for record in sorted(records, key=lambda r: (r.occurred_at, r.event_id)):
        key = (type(record), record.event_id)
        if key not in seen:
            seen.add(key)
            lists[type(record)].append(record)
    return story


def ending_of(outcome: Outcome) -> str:
    """The word for how a fix ended: what is not live yet is merged and no more, and in part is no clear result."""
    if outcome.is_late:
        return "state_merged"
    return "state_partly_held" if outcome.result == "partial" else outcome.result


def timeline(story: IncidentStory, language: Language = "en") -> list[Moment]:
    """What happened, oldest first; sentences in the language."""

    def moment(record: Record, topic: str, kind: str, text: str) -> Moment:
        return Moment(record.occurred_at, topic, kind, text, _number(record))

    moments = [
        Moment(a.alert.happened_at or a.occurred_at, "alerts.raw", a.alert.state, a.alert.title)
        for a in story.alerts
    ]
    moments += [
        moment(b, "context.bundle", "evidence", _sources(b, language)) for b in story.bundles
    ]
    moments += [
        moment(c, "plans.candidate", c.status, _thought(c, language)) for c in story.candidates
    ]
    moments += [
        moment(
            v,
            "plans.validated",
            v.status,
            told(v.explanation, v.explanation_text, language) or _class_of(v),
        )
        for v in story.validated
    ]
    moments += [moment(e, "mr.events", e.action, _event(e)) for e in story.events]
    moments += [
        moment(o, "outcomes", ending_of(o), told(o.explanation, o.explanation_text, language))
        for o in story.outcomes
    ]
    moments += [
        moment(d, "dead.letters", "given_up", f"{d.stage}: {d.reason} {d.message}")
        for d in story.letters
    ]
    return sorted(moments, key=lambda moment: moment.at)


def _sources(bundle: ContextBundle, language: Language) -> str:
    good = [s.name for s in bundle.sources if s.state == "ok"]
    bad = [
        f"{s.name}: {told(s.reason, s.reason_text, language)}"
        for s in bundle.sources
        if s.state != "ok"
    ]
    return ", ".join(good) + (f" — {'; '.join(bad)}" if bad else "")


def _thought(candidate: CandidatePlans, language: Language) -> str:
    """The diagnosis and the plans it led to, before any check."""
    analysis = candidate.analysis
    cause = told(candidate.explanation, candidate.explanation_text, language)
    if analysis is not None:
        cause = f"{analysis.failure_class} {analysis.object.key}"
    plans = "; ".join(told(plan.title, plan.title_text, language) for plan in candidate.plans)
    return f"{cause} → {plans}" if plans else cause


def _class_of(validated: ValidatedPlans) -> str:
    return validated.analysis.failure_class if validated.analysis else ""


def _event(event: MergeRequestEvent) -> str:
    where = f"!{event.merge_request.iid}" if event.merge_request else ""
    return " ".join(part for part in (where, event.actor, event.text[:300]) if part)


def summary_of(record: Record) -> dict[str, Json]:
    """What a list of incidents shows of a record, and what it tells of the fix's life; empty when it adds nothing."""
    found = _shown(record)
    facts = [written(fact) for fact in facts_of(record)]
    attempt = attempt_of(attempt_named(record))
    if facts:
        found["life"] = facts
    if found and attempt.number > 1:
        found["attempt"] = attempt.number
    return found


def _shown(record: Record) -> dict[str, Json]:
    if isinstance(record, CandidatePlans | ValidatedPlans):
        if record.role == "recovery":
            return {}
        analysis, context = record.analysis, record.context
        return {
            "title": context.alert_title,
            "status": record.status,
            "service": context.service,
            "environment": context.environment,
            "cluster": context.cluster,
            "failure_class": analysis.failure_class if analysis else "",
            "object": analysis.object.key if analysis else "",
            "severity": analysis.severity if analysis else "",
            "explanation": record.explanation[:300],
        }
    if isinstance(record, MergeRequestEvent) and record.merge_request is not None:
        if record.action == "revert_opened" or attempt_of(record.incident_id).revert:
            return {}
        return {"merge_request": record.merge_request.url}
    if isinstance(record, Outcome):
        return {"result": record.result}
    return {}


def attempt_named(record: Record) -> str:
    """The incident, attempt or revert that a record names itself; empty before the diagnosis."""
    return str(getattr(record, "incident_id", ""))


def incident_of(record: Record) -> str:
    """The incident of a record, whichever attempt at it the record is about; empty before the diagnosis."""
    return attempt_of(attempt_named(record)).incident_id
