"""What a merge request's page shows of a record: plain values in the reader's language, translated once.

Nothing here is inert yet: the templates make it so where they show it (see ``publish.core.pages``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kfix.texts import Language, in_language, told, told_all
from manifests.text.diffs import reverse
from publish.core.differences import differences, shown
from schemas.context import SimilarIncident
from schemas.merge_requests import MergeRequestRef
from schemas.places import EnvironmentProof
from schemas.plans import ActionPlan, Analysis, Evidence, Hypothesis
from schemas.validated import CheckResult, FileEdit, ValidatedPlan, ValidatedPlans

#: Rows of evidence on the page, and together with what is folded.
_ROWS = 8
_MOST = 25
#: Characters of the plan's way back; a longer one is left out, as the exact inverse stands below it.
_SENTENCE = 140
#: Which of the bundle's pages shows a piece of evidence that has none of its own.
_PAGES = {
    "alert": ("event", "monitor"),
    "monitor": ("monitor",),
    "metric": ("monitor",),
    "log": ("logs",),
}
#: Words for where evidence is from, where the source's own name is another word of ours.
_SOURCES = {"object": "object_source", "history": "earlier"}
#: Units of what is measured before and after a merge; the alert's own measure has that of its rule, which nothing tells.
_UNITS = {
    "cpu_cores": "cores",
    "memory_mib": "MiB",
    "latency_ms": "ms",
    "latency_p95_ms": "ms",
    "error_rate": "ratio",
    "throttled_ratio": "ratio",
    "alert_measure": "",
}
#: Checks whose numbers a reviewer wants to see, also when all is well.
_VERDICTS = ("pass", "fail", "unknown")
_TELLING = (
    "resource_quota",
    "limit_range",
    "scaling_ceiling",
    "node_fit",
    "render",
    "server_dry_run",
    "repairs",
    "image_exists",
)


@dataclass(frozen=True, slots=True)
class Observation:
    """A piece of evidence. ``source`` is a key of our words, ``urls`` are pages that may show it, the best one first."""

    id: str
    statement: str
    value: float | None
    unit: str
    source: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What a check came to. ``numbers`` are names and values."""

    name: str
    verdict: str
    reason: str
    numbers: tuple[tuple[str, str], ...]

    @property
    def telling(self) -> bool:
        """Does it say something at a glance?"""
        return self.verdict != "pass" or bool(self.numbers and self.name in _TELLING)


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One value of an object that changes."""

    object: str
    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Edit:
    """What changes in one file. ``located``: how the place was found, step by step."""

    path: str
    added: int
    removed: int
    diff: str
    located: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan of the record. ``number``: what people call it by; it stays when another is chosen."""

    id: str
    number: int
    title: str
    why: str
    confidence: float
    accepted: bool
    time: str
    risks: tuple[str, ...]
    changes: tuple[ShownChange, ...]
    #: Action and object of what is not changed field by field.
    whole: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]
    #: How many checks came to each verdict.
    counts: tuple[tuple[str, int], ...]
    #: Names of the checks that stopped it, and what those checks say.
    stopped_by: tuple[str, ...]
    objections: tuple[Check, ...]
    #: Why the owners of the repository do not want it.
    withheld: str = ""
    #: What would still be wrong after it, a sentence each.
    remains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownStatement:
    """Somebody's word about the environment."""

    source: str
    value: str
    environment: str
    where: str


@dataclass(frozen=True, slots=True)
class ShownCause:
    """A possible cause, with what speaks for and against it."""

    said: str
    confidence: float
    speaks_for: tuple[str, ...]
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownDiagnosis:
    """What was found out. ``observations`` speak for the chosen cause and plan, ``folded`` are the rest."""

    known: bool = False
    cause: str = ""
    impact: str = ""
    object: str = ""
    severity: str = ""
    failure_class: str = ""
    observations: tuple[Observation, ...] = ()
    folded: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """All that the page shows of the record and its chosen plan. Without a diagnosis its texts are empty."""

    incident_id: str
    alert: str
    service: str
    diagnosis: ShownDiagnosis
    plan: Plan
    others: tuple[Plan, ...]
    edits: tuple[Edit, ...]
    #: Sources that could not be asked, and why.
    unseen: tuple[tuple[str, str], ...]
    environment: str
    verdict: str
    statements: tuple[ShownStatement, ...]
    #: How to take it back, in a sentence, and as the exact inverse.
    rollback: str
    inverse: str
    #: The kind of fix: what is done, about which cause, to which kind of workload.
    kind: tuple[str, str, str]
    similar: tuple[SimilarIncident, ...]
    #: Names, values and units of what is looked at after the merge.
    baseline: tuple[tuple[str, float, str], ...]
    #: Names and addresses of pages.
    links: tuple[tuple[str, str], ...]


def view_of(
    record: ValidatedPlans, chosen: ValidatedPlan, language: Language, withheld: Mapping[str, str]
) -> View:
    """``withheld`` says of plans why the owners do not want them, by plan id."""
    plan, proof = chosen.plan, chosen.proof
    back = told(plan.rollback_plan, plan.rollback_plan_text, language)
    context = record.context
    diagnosis, statements = _diagnosis(record, plan, language), _statements(proof, language)
    edits = tuple(_edit(edit, language) for edit in chosen.edits)
    first, others = plans_of(record, chosen, language, withheld)
    return View(
        incident_id=record.incident_id,
        alert=context.alert_title,
        service=context.service,
        diagnosis=diagnosis,
        plan=first,
        others=others,
        edits=edits,
        unseen=tuple(
            (source.name, told(source.reason, source.reason_text, language))
            for source in context.sources
            if source.state != "ok"
        ),
        environment=proof.environment,
        verdict=proof.verdict,
        statements=statements,
        rollback=back if len(back) <= _SENTENCE else "",
        inverse="".join(reverse(edit.diff) for edit in chosen.edits),
        kind=(
            plan.fix_kind,
            record.analysis.failure_class if record.analysis else "",
            plan.workload_kind,
        ),
        similar=tuple(
            one.model_copy(update={"lesson": told(one.lesson, one.lesson_text, language)})
            for one in context.similar_incidents[:3]
        ),
        baseline=tuple(
            (name, value, _UNITS.get(name, "")) for name, value in sorted(context.baseline.items())
        ),
        links=tuple(context.links.items())[:8],
    )


@dataclass(frozen=True, slots=True)
class EarlierAttempt:
    """A merged fix of the same incident that did not hold: its merge request as people call it, and its page.

    ``at``: when it was merged. ``back``: what takes it back, the same way; empty where nothing does.
    """

    called: str
    url: str
    title: str
    #: Values that it set, as ``256Mi → 384Mi``.
    values: tuple[str, ...]
    at: datetime | None
    seen: str
    back: str
    back_url: str


#: Values of one earlier attempt that are shown.
_VALUES = 3


def attempts_of(
    record: ValidatedPlans, reverts: Mapping[str, MergeRequestRef], language: Language
) -> tuple[EarlierAttempt, ...]:
    """The incident's fixes that did not hold, the first one first."""
    back = {name: (f"!{ref.iid}", ref.url) for name, ref in reverts.items()}
    return tuple(
        EarlierAttempt(
            called=f"!{one.iid}",
            url=one.url,
            title=told(one.title, one.title_text, language),
            values=tuple(
                dict.fromkeys(f"{shown(c.before)} → {shown(c.after)}" for c in one.changes)
            )[:_VALUES],
            at=one.merged_at,
            seen=told(one.explanation, one.explanation_text, language),
            back=back.get(one.incident_id, ("", ""))[0],
            back_url=back.get(one.incident_id, ("", ""))[1],
        )
        for one in record.context.failed_attempts
    )


def shown_plan(validated: ValidatedPlan, language: Language) -> Plan:
    """A plan that stands alone on its page."""
    return plan_of(0, validated, language)


def shown_edits(validated: ValidatedPlan, language: Language) -> tuple[Edit, ...]:
    """What a plan changes, file by file."""
    return tuple(_edit(edit, language) for edit in validated.edits)


def plans_of(
    record: ValidatedPlans, chosen: ValidatedPlan, language: Language, withheld: Mapping[str, str]
) -> tuple[Plan, tuple[Plan, ...]]:
    """(the chosen plan, the record's others). Those have the numbers that people call them by."""
    numbered = [(0, chosen), *enumerate(record.plans, 1)]
    first, *others = (
        plan_of(at, one, language, withheld.get(one.plan.plan_id, ""))
        for at, one in numbered
        if at == 0 or one.plan.plan_id != chosen.plan.plan_id
    )
    return first, tuple(others)


def plan_of(number: int, validated: ValidatedPlan, language: Language, withheld: str = "") -> Plan:
    """One plan of a record."""
    plan = validated.plan
    checks = tuple(check_of(check, language) for check in validated.checks)
    time = told(plan.estimated_time, plan.estimated_time_text, language)
    return Plan(
        id=plan.plan_id,
        number=number,
        title=told(plan.title, plan.title_text, language),
        why=told(plan.justification, plan.justification_text, language),
        confidence=plan.confidence,
        accepted=validated.accepted,
        time=time if plan.estimated_time else "",
        risks=tuple(told_all(plan.risks, plan.risks_text, language)),
        changes=tuple(_changes(plan)),
        whole=tuple((c.action, c.object.key) for c in plan.kubernetes_changes if not c.fields),
        checks=checks,
        counts=tuple((v, n) for v in _VERDICTS if (n := sum(c.verdict == v for c in checks))),
        stopped_by=tuple(validated.rejected_by),
        objections=tuple(check for check in checks if check.name in validated.rejected_by),
        withheld=in_language(withheld, language),
        remains=tuple(told_all(plan.repairs.remains, plan.repairs.remains_text, language)),
    )


def check_of(check: CheckResult, language: Language) -> Check:
    """One check's verdict."""
    numbers = tuple(
        (name, told(value, check.numbers_text.get(name), language))
        for name, value in check.numbers.items()
    )
    reason = told(check.reason, check.reason_text, language)
    return Check(check.name, check.verdict, reason, numbers)


def causes_of(record: ValidatedPlans, language: Language) -> tuple[ShownCause, ...]:
    """The causes that were considered, the likeliest first."""
    if record.analysis is None:
        return ()
    statements = {
        one.id: told(one.statement, one.statement_text, language)
        for one in record.analysis.evidence
    }
    return tuple(_cause(one, statements, language) for one in record.analysis.hypotheses)


def _cause(cause: Hypothesis, statements: Mapping[str, str], language: Language) -> ShownCause:
    """Evidence is named by its id, or is a sentence itself."""
    against = told_all(cause.evidence_against, cause.evidence_against_text, language)
    return ShownCause(
        said=told(cause.root_cause, cause.root_cause_text, language),
        confidence=cause.confidence,
        speaks_for=tuple(statements.get(one, one) for one in cause.evidence_for),
        against=tuple(statements.get(one, one) for one in against),
    )


def _diagnosis(record: ValidatedPlans, plan: ActionPlan, language: Language) -> ShownDiagnosis:
    analysis, pages = record.analysis, record.context.links
    if analysis is None:
        return ShownDiagnosis()
    telling, others = _sorted_out(analysis, plan)
    rows = [_observation(one, pages, language) for one in (*telling, *others)]
    seen = min(len(telling), _ROWS)
    return ShownDiagnosis(
        known=True,
        cause=told(analysis.root_cause, analysis.root_cause_text, language),
        impact=told(analysis.estimated_impact, analysis.estimated_impact_text, language),
        object=analysis.object.key,
        severity=analysis.severity,
        failure_class=analysis.failure_class,
        observations=tuple(rows[:seen]),
        folded=tuple(rows[seen:_MOST]),
    )


def _sorted_out(analysis: Analysis, plan: ActionPlan) -> tuple[list[Evidence], list[Evidence]]:
    """(what speaks for the chosen cause and plan, the rest); all of it where nobody said what speaks for what."""
    ids = {*plan.evidence, *(analysis.hypotheses[0].evidence_for if analysis.hypotheses else ())}
    telling = [e for e in analysis.evidence if e.id in ids] or list(analysis.evidence)
    return telling, [e for e in analysis.evidence if e not in telling]


def _observation(evidence: Evidence, pages: Mapping[str, str], language: Language) -> Observation:
    shown_by = (pages.get(name, "") for name in _PAGES.get(evidence.source, ()))
    return Observation(
        id=evidence.id,
        statement=told(evidence.statement, evidence.statement_text, language),
        value=evidence.value,
        unit=evidence.unit,
        source=_SOURCES.get(evidence.source, evidence.source),
        urls=(evidence.link, *shown_by),
    )


def _changes(plan: ActionPlan) -> Iterable[ShownChange]:
    for change in plan.kubernetes_changes:
        for field in change.fields:
            for one in differences(field):
                yield ShownChange(change.object.key, one.path, shown(one.before), shown(one.after))


def _edit(edit: FileEdit, language: Language) -> Edit:
    located = tuple(told_all(edit.located_by, edit.located_by_text, language))
    return Edit(edit.path, edit.added_lines, edit.removed_lines, edit.diff, located)


def _statements(proof: EnvironmentProof, language: Language) -> tuple[ShownStatement, ...]:
    return tuple(
        ShownStatement(
            one.source, one.value, one.environment, told(one.where, one.where_text, language)
        )
        for one in proof.statements
    )
