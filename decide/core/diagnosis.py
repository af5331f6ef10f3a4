"""From evidence to a diagnosis: all rules, ranked, with status and words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from decide.core.broken import RuleDefect, heard, rules_of
from decide.core.complaints import seen_besides
from decide.core.confidence import blind, confidences
from decide.core.differential import complete
from decide.core.explained import weigh
from decide.core.families.no_fault.rules import calm, quiet
from decide.core.families.parts import Rule
from decide.core.families.registry import RULES
from decide.core.findings import Fact, Finding
from decide.core.last_words import words_lacking
from decide.core.leading import surest_first
from decide.core.ranking import DOUBT, SURE, rank
from decide.core.view import ClusterView
from kfix.texts import both, in_language, language_of, say
from schemas.base import Severity, Status
from schemas.context import ContextBundle
from schemas.plans import AbstentionReason, Analysis, Evidence, Hypothesis

#: The most that an answer is worth when some rules broke.
_UNREAD = 0.85
#: A lead of less is none, unless the first is believed so strongly that a rival does not matter.
_LEVEL, _CLEAR = 0.02, 0.8
#: Troubles that the first cause leaves unexplained and that people are shown.
_LEFT = 3


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the rules conclude. ``findings`` are ranked; ``status`` says whether a plan may be made."""

    status: Status
    reason: AbstentionReason
    explanation: str
    analysis: Analysis
    findings: tuple[Finding, ...]
    view: ClusterView
    #: Rules that were not heard to the end.
    broken: tuple[RuleDefect, ...] = ()


def diagnose(bundle: ContextBundle, language: str = "en", more: Sequence[Rule] = ()) -> Diagnosis:
    """Ranks what may have caused the alert; ``more`` rules than the built-in ones are a house's own.

    Never raises for what a bundle lacks, nor for a rule that breaks: the others decide.
    """
    view = ClusterView(bundle)
    found: list[Finding] = []
    broken: list[RuleDefect] = []
    for rule in (*RULES, *more):
        told, defect = heard(rules_of(rule), partial(rule, view))
        found += told
        broken += [defect] if defect else []
    ranked = rank(view, found)
    strong = [f for f in ranked if f.score >= SURE]
    doubtful = any(f.score >= DOUBT for f in ranked)  # enough to keep a person from looking away
    if not ranked or (
        not strong and not doubtful and calm(view) and not any(f.elsewhere for f in ranked)
    ):
        ranked = [quiet(view), *ranked]
    _, defect = heard("what is unexplained", partial(_weighed, view, ranked))
    broken += [defect] if defect else []
    ranked = surest_first(view, ranked)
    words, defect = heard("last words", partial(words_lacking, view, ranked[0]))
    ranked[0].evidence.extend(words)
    broken += [defect] if defect else []
    besides, defect = heard("what is seen besides", partial(seen_besides, view, ranked[0]))
    ranked[0].evidence.extend(besides)
    if besides and ranked[0].kind.nature == "unknown":
        first, second = ranked[0].detail, besides[0].statement
        ranked[0].detail = say("proof.both", first=first, second=second)
    broken += [defect] if defect else []
    for one in broken:  # what was not heard may speak against any answer
        ranked[0].against.append(say("decide.rule_broke", where=one.where, what=one.what))
        ranked[0].score = min(ranked[0].score, _UNREAD)
    most = _UNREAD if broken else 1.0
    concluded = _conclude(view, complete(view, ranked), language, most)
    return replace(concluded, broken=tuple(broken))


def _weighed(view: ClusterView, ranked: list[Finding]) -> Iterator[str]:
    weigh(view, ranked)
    yield from ()


def _conclude(view: ClusterView, ranked: list[Finding], language: str, most: float) -> Diagnosis:
    first = ranked[0]
    entry = first.kind
    unseen = blind(first, view)
    first.against.extend(say("decide.no_evidence", source=source) for source in unseen)
    left = first.unexplained[:_LEFT]
    first.against.extend(say("decide.unexplained", trouble=trouble) for trouble in left)
    analysis = _analysis(view, ranked, language, most)
    status: Status = "solution_proposed"
    reason: AbstentionReason = ""
    if entry.nature == "calm" and analysis.confidence >= SURE:
        status, reason = "no_action", entry.handoff
    elif not entry.names_cause or first.score < SURE or unseen:
        status, reason = "needs_human", "not_enough_evidence"
    elif entry.plans and _disputed(ranked, analysis):
        status, reason = "needs_human", "ambiguous"
    elif analysis.confidence < SURE:
        status, reason = "needs_human", "not_enough_evidence"
    elif not entry.plans:
        status, reason = "needs_human", entry.handoff
    headline = say("decide.headline", cause=_title(first), object=first.object.key)
    explanation = in_language(headline, language_of(language))
    return Diagnosis(status, reason, explanation, analysis, tuple(ranked), view)


def _disputed(ranked: Sequence[Finding], analysis: Analysis) -> bool:
    """Two causes lie level, and one of them it is: only together are they as sure as an answer has to be."""
    if len(ranked) < 2:
        return False
    first, rival = ranked[:2]
    level = first.score - rival.score < _LEVEL and first.score < _CLEAR
    return level and sum(h.confidence for h in analysis.hypotheses[:2]) >= SURE


def _analysis(view: ClusterView, ranked: list[Finding], language: str, most: float) -> Analysis:
    evidence: list[Evidence] = []
    ids: dict[Fact, str] = {}
    for finding in ranked[:6]:
        for fact in finding.evidence:
            if fact not in ids:
                ids[fact] = f"e{len(ids) + 1}"
                evidence.append(
                    Evidence(
                        id=ids[fact],
                        source=fact.source,
                        statement=fact.statement,
                        object=fact.object,
                        value=fact.value,
                        unit=fact.unit,
                    )
                )
    sure = [min(most, one) for one in confidences(ranked, view)]
    hypotheses = tuple(
        Hypothesis(
            failure_class=f.failure_class,
            object=f.object,
            root_cause=_sentence(f, language),
            confidence=sure[n],
            evidence_for=tuple(ids[x] for x in f.evidence),
            evidence_against=tuple(f.against),
        )
        for n, f in enumerate(ranked[:6])
    )
    first = ranked[0]
    severity: Severity = first.kind.severity
    affected = sorted({w.name for w in view.workloads if not w.available})
    return Analysis(
        failure_class=first.failure_class,
        object=first.object,
        root_cause=_sentence(first, language),
        severity=severity,
        confidence=hypotheses[0].confidence,
        affected_services=tuple(affected[:20]),
        estimated_impact=_impact(view, affected, language),
        evidence=tuple(evidence),
        hypotheses=hypotheses,
    )


def _sentence(finding: Finding, language: str) -> str:
    cause, key = _title(finding), finding.object.key
    said = say("decide.cause", cause=cause, object=key)
    if finding.detail:
        said = say("decide.cause_with_detail", cause=cause, object=key, detail=finding.detail)
    return in_language(said, language_of(language))


def _title(finding: Finding) -> str:
    return both(finding.kind.title("en"), finding.kind.title("fr"))


def _impact(view: ClusterView, affected: list[str], language: str) -> str:
    said = say("decide.impact", affected=len(affected), total=len(view.workloads))
    return in_language(said, language_of(language))
