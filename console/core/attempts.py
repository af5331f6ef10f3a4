"""One attempt at an incident out of its records: its decision, its plan, its merge request. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.context import ContextBundle
from schemas.dead_letters import DeadLetter
from schemas.identity import attempt_of
from schemas.merge_requests import MergeRequestEvent, MergeRequestRef, Proposal
from schemas.next_steps import NextStep
from schemas.outcomes import Outcome
from schemas.plans import Analysis, CandidatePlans, IncidentContext
from schemas.validated import CheckResult, ValidatedPlan, ValidatedPlans


@dataclass(slots=True)
class AttemptRecords:
    """The records of one attempt, each list in order of time; any of them may be empty.

    ``events`` are those of its merge request and of the one that takes it back.
    """

    incident_id: str
    bundles: list[ContextBundle] = field(default_factory=list)
    candidates: list[CandidatePlans] = field(default_factory=list)
    validated: list[ValidatedPlans] = field(default_factory=list)
    events: list[MergeRequestEvent] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Which attempt it is, from 1."""
        return attempt_of(self.incident_id).number

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
        best, decision = self.recommended, self.decision
        proposed = self._proposing() or decision
        plans = proposed.plans if proposed is not None else ()
        others = sorted(
            (p for p in plans if best is None or p.plan.plan_id != best.plan.plan_id),
            key=lambda p: p.plan.priority,
        )
        return [best, *others] if best is not None else others

    @property
    def proposal(self) -> Proposal | None:
        """What is on the branch of its merge request: what was opened, or what people asked for instead, the newest."""
        told = [e for e in self._own() if e.proposal is not None]
        # A comment that asks for another plan has the forge's time, our opening has ours: whatever it says comes after.
        told.sort(key=lambda e: (e.action != "opened", e.occurred_at))
        return told[-1].proposal if told else None

    def _proposing(self) -> ValidatedPlans | None:
        """The validation that has the plan which is on the branch."""
        proposal = self.proposal
        if proposal is None:
            return None
        return next((v for v in reversed(self.validated) if _among(proposal, v)), None)

    @property
    def recommended(self) -> ValidatedPlan | None:
        """The plan on the branch, else the one that may be published; ``None`` without one."""
        proposal, decision = self.proposal, self.decision
        if proposal is not None:
            proposing = self._proposing()
            found = _among(proposal, proposing) if proposing is not None else None
            return found or ValidatedPlan(plan=proposal.plan, accepted=True, checks=proposal.checks)
        if decision is None or not decision.recommended:
            return None
        return next((p for p in decision.plans if p.plan.plan_id == decision.recommended), None)

    @property
    def diff(self) -> str:
        """What the recommended plan changes in files; empty without one."""
        best, proposal = self.recommended, self.proposal
        edits = "".join(edit.diff for edit in best.edits) if best is not None else ""
        return edits or (proposal.diff if proposal is not None else "")

    @property
    def checks(self) -> Sequence[CheckResult]:
        """The checks of the recommended plan, else of the first."""
        shown = self.recommended or (self.plans[0] if self.plans else None)
        return shown.checks if shown else ()

    @property
    def merge_request(self) -> MergeRequestRef | None:
        """The one that was last told of; ``None`` while there is none."""
        return next((e.merge_request for e in reversed(self._own()) if e.merge_request), None)

    @property
    def revert_request(self) -> MergeRequestRef | None:
        """The one that takes its change back; ``None`` while there is none."""
        told = [
            e
            for e in self.events
            if e.action == "revert_opened" or attempt_of(e.incident_id).revert
        ]
        return next((e.merge_request for e in reversed(told) if e.merge_request), None)

    def _own(self) -> list[MergeRequestEvent]:
        """The words on its own merge request."""
        return [
            e
            for e in self.events
            if e.action != "revert_opened" and not attempt_of(e.incident_id).revert
        ]

    @property
    def outcome(self) -> Outcome | None:
        """The newest; ``None`` while there is none."""
        return self.outcomes[-1] if self.outcomes else None


def _among(proposal: Proposal, record: ValidatedPlans) -> ValidatedPlan | None:
    """The record's plan that the proposal proposes."""
    wanted = (proposal.plan.plan_id, proposal.plan.changes_hash)
    return next((p for p in record.plans if (p.plan.plan_id, p.plan.changes_hash) == wanted), None)
