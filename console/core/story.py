"""An incident out of its records, in whatever order they came. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from kfix.texts import Language, told
from schemas.alerts import RawAlert
from schemas.base import Json, Record
from schemas.context import ContextBundle
from schemas.dead_letters import DeadLetter
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


@dataclass(slots=True)
class IncidentStory:
    """Everything known of one incident. Lists are in order of time; any of them may be empty."""

    incident_id: str
    alerts: list[RawAlert] = field(default_factory=list)
    bundles: list[ContextBundle] = field(default_factory=list)
    candidates: list[CandidatePlans] = field(default_factory=list)
    validated: list[ValidatedPlans] = field(default_factory=list)
    events: list[MergeRequestEvent] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)

    @property
    def decision(self) -> ValidatedPlans | None:
        """The newest validation that says something of the trouble; a recovery only when there is nothing else."""
        telling = [v for v in self.validated if v.role != "recovery"] or self.validated
        solved = [v for v in telling if v.status == "solution_proposed"]
        found = solved or telling
        return found[-1] if found else None

    @property
    def candidate(self) -> CandidatePlans | None:
        """The newest decision, before its checks."""
        telling = [c for c in self.candidates if c.role != "recovery"] or self.candidates
        return telling[-1] if telling else None

    @property
    def bundle(self) -> ContextBundle | None:
        """The evidence of the newest alert that is no recovery."""
        telling = [b for b in self.bundles if b.alert.state != "resolved"] or self.bundles
        return telling[-1] if telling else None

    @property
    def analysis(self) -> Analysis | None:
        """The decision's diagnosis, else the candidate's; ``None`` without one."""
        decision, candidate = self.decision, self.candidate
        return (decision and decision.analysis) or (candidate and candidate.analysis) or None

    @property
    def context(self) -> IncidentContext | None:
        """The decision's context, else the candidate's; ``None`` before there is one."""
        found = self.decision or self.candidate
        return found.context if found else None

    @property
    def status(self) -> str:
        """``investigating`` until decided, ``given_up`` where that failed; then the decision's status."""
        found = self.decision or self.candidate
        if found is None:
            return "given_up" if self.letters else "investigating"
        return found.status

    @property
    def explanation(self) -> str:
        """Why it was decided so; empty before it was."""
        found = self.decision or self.candidate
        return found.explanation if found else ""

    @property
    def reason(self) -> str:
        """Why there is no proposal; empty where there is one, or before it was decided."""
        found = self.decision or self.candidate
        return found.reason if found else ""

    @property
    def next_steps(self) -> Sequence[NextStep]:
        """What people can look at, where they are asked."""
        found = self.decision or self.candidate
        return found.next_steps if found and found.status == "needs_human" else ()

    @property
    def plans(self) -> Sequence[ValidatedPlan]:
        """The recommended plan first."""
        decision = self.decision
        if decision is None:
            return ()
        return sorted(
            decision.plans, key=lambda p: (p.plan.plan_id != decision.recommended, p.plan.priority)
        )

    @property
    def recommended(self) -> ValidatedPlan | None:
        """The plan that may be published; ``None`` without one."""
        decision = self.decision
        if decision is None or not decision.recommended:
            return None
        return next((p for p in decision.plans if p.plan.plan_id == decision.recommended), None)

    @property
    def checks(self) -> Sequence[CheckResult]:
        """The checks of the recommended plan, else of the first."""
        shown = self.recommended or (self.plans[0] if self.plans else None)
        return shown.checks if shown else ()

    @property
    def merge_request(self) -> MergeRequestRef | None:
        """The one that was last told of; ``None`` while there is none."""
        return next((e.merge_request for e in reversed(self.events) if e.merge_request), None)

    @property
    def merge_state(self) -> str:
        """``opened``, ``merged``, ``closed`` or empty."""
        actions = [e.action for e in self.events]
        if "merged" in actions:
            return "merged"
        # Our opening has our clock's time, the forge's words have its own: whatever it says comes after.
        moves = [action for action in actions if action in ("closed", "reopened")]
        if moves:
            return moves[-1].replace("reopened", "opened")
        return "opened" if "opened" in actions else ""

    @property
    def outcome(self) -> Outcome | None:
        """The newest; ``None`` while there is none."""
        return self.outcomes[-1] if self.outcomes else None

    @property
    def notifications(self) -> list[Notification]:
        """Messages that were sent, oldest first."""
        return [n for event in self.events for n in event.notifications]

    @property
    def ended(self) -> bool:
        """Nothing more is expected of this incident by itself: judged, closed, declined, or nothing to propose."""
        if self.outcomes or self.merge_state == "closed" or self.status == "given_up":
            return True
        if not self.merge_state and any(e.action == "declined" for e in self.events):
            return True
        return bool(self.decision) and self.status != "solution_proposed"


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
    for record in sorted(records, key=lambda r: r.occurred_at):
        key = (type(record), record.event_id)
        if key not in seen:
            seen.add(key)
            lists[type(record)].append(record)
    return story


def timeline(story: IncidentStory, language: Language = "en") -> list[Moment]:
    """What happened, oldest first; sentences in the language."""
    moments = [
        Moment(a.alert.happened_at or a.occurred_at, "alerts.raw", a.alert.state, a.alert.title)
        for a in story.alerts
    ]
    moments += [
        Moment(b.occurred_at, "context.bundle", "evidence", _sources(b, language))
        for b in story.bundles
    ]
    moments += [
        Moment(c.occurred_at, "plans.candidate", c.status, _thought(c, language))
        for c in story.candidates
    ]
    moments += [
        Moment(
            v.occurred_at,
            "plans.validated",
            v.status,
            told(v.explanation, v.explanation_text, language) or _class_of(v),
        )
        for v in story.validated
    ]
    moments += [Moment(e.occurred_at, "mr.events", e.action, _event(e)) for e in story.events]
    moments += [
        Moment(
            o.occurred_at, "outcomes", o.result, told(o.explanation, o.explanation_text, language)
        )
        for o in story.outcomes
    ]
    moments += [
        Moment(d.occurred_at, "dead.letters", "given_up", f"{d.stage}: {d.reason} {d.message}")
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
    """What a list of incidents shows of a record; empty when it adds nothing."""
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
        state = {
            "opened": "opened",
            "reopened": "opened",
            "merged": "merged",
            "closed": "closed",
        }.get(record.action)
        found: dict[str, Json] = {"merge_request": record.merge_request.url}
        return found | ({"merge_state": state} if state else {})
    if isinstance(record, Outcome):
        return {"result": record.result}
    return {}


def incident_of(record: Record) -> str:
    """The incident a record names itself; empty before the diagnosis."""
    return str(getattr(record, "incident_id", ""))
