"""What becomes of a model's answer: every status, every reason, who agrees, and what the record keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from decide.core.opinion import Verdict, settle, wants_opinion
from decide.core.proposals import ProposalTarget
from decide.core.question import ModelAnswer, Opinion, Question
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from schemas.context import Pattern
from schemas.plans import (
    ActionPlan,
    Analysis,
    Evidence,
    FieldChange,
    Hypothesis,
    KubernetesChange,
    SecondOpinion,
)
from tests.support.decide.views import SHOP, deployment, pod, ref, view_of

WEB, DB = ref("Deployment", "web"), ref("Deployment", "db")


def plan(*about: ObjectRef, fix_kind: str = "set_memory", plan_id: str = "p") -> ActionPlan:
    return ActionPlan.model_validate(
        {
            "plan_id": plan_id,
            "title": "t",
            "fix_kind": fix_kind,
            "priority": 3,
            "confidence": 0.5,
            "justification": "j",
            "kubernetes_changes": tuple(
                KubernetesChange(object=one, fields=(FieldChange(path="a", before=1, after=2),))
                for one in about
            ),
        }
    )


def hypothesis(cls: str, about: ObjectRef, *evidence: str, confidence: float = 0.5) -> Hypothesis:
    return Hypothesis(
        failure_class=cls,
        object=about,
        root_cause=f"{cls} it is",
        confidence=confidence,
        evidence_for=evidence,
    )


ONE = hypothesis("oom_killed", WEB, "e1", confidence=0.7)
TWO = hypothesis("missing_env", DB, "e2", "e3", confidence=0.65)
THREE = hypothesis("crash_code", WEB, "e2", confidence=0.3)
ANALYSIS = Analysis(
    failure_class="oom_killed",
    object=WEB,
    root_cause="r",
    confidence=0.7,
    evidence=tuple(
        Evidence.model_validate({"id": i, "source": s, "statement": "s"})
        for i, s in (("e1", "event"), ("e2", "log"), ("e3", "metric"), ("e4", "alert"))
    ),
    hypotheses=(ONE, TWO, THREE),
)
PLANS = (plan(WEB, plan_id="p1"), plan(DB, plan_id="p2"), plan(WEB, DB, plan_id="p3"))
QUESTION = Question("s", "u", "v7", ("H1", "H2", "H3"), ("P1", "P2", "P3"), offered=PLANS)


def verdict(status: str = "solution_proposed", reason: str = "", **fields: Any) -> Verdict:
    given: Any = {"analysis": ANALYSIS, "plans": PLANS[:1]} | fields
    return Verdict(status, reason, "said", given["analysis"], given["plans"])  # type: ignore[arg-type]


def opinion(hypothesis: str, plan: str = "none", course: str = "fix", **fields: Any) -> Opinion:
    given = {
        "hypothesis": hypothesis,
        "plan": plan,
        "verdict": course,
        "confidence": 1.0,
        "explanation": "because >> so",
    }
    return Opinion("mistral", "large", ModelAnswer.model_validate(given | fields), elapsed_ms=12.5)


def settled(
    before: Verdict,
    said: Opinion,
    certain: float = 0.9,
    view: ClusterView | None = None,
    **more: Any,
) -> tuple[Verdict, SecondOpinion]:
    return settle(before, QUESTION, said, certain_from=certain, view=view, **more)


def test_the_record_tells_who_was_asked_what_and_how_long() -> None:
    _, record = settled(verdict(), opinion("H1"))
    assert record == SecondOpinion(
        provider="mistral",
        model="large",
        prompt_version="v7",
        asked=True,
        elapsed_ms=12.5,
        verdict="agreed",
        failure_class="oom_killed",
        summary="because › so",
    )


def test_without_an_answer_or_an_analysis_the_model_has_failed() -> None:
    before = verdict()
    after, record = settled(before, Opinion("mistral", "large", failure="malformed", elapsed_ms=3))
    assert after == before
    assert (record.verdict, record.reason, record.summary) == ("failed", "malformed", "")
    assert (record.provider, record.elapsed_ms, record.asked) == ("mistral", 3, True)
    nothing = verdict(analysis=None)
    after, record = settled(nothing, opinion("H1"))
    assert (after, record.verdict) == (nothing, "failed")


@pytest.mark.parametrize(
    ("hypothesis", "plan", "reason"),
    [
        ("H4", "none", "unknown_hypothesis"),
        ("", "none", "unknown_hypothesis"),
        ("P1", "none", "unknown_hypothesis"),
        ("H1", "P4", "unknown_plan"),
        ("none", "H1", "unknown_plan"),
        ("H9", "P9", "unknown_hypothesis"),
    ],
)
def test_what_was_not_offered_is_dropped(hypothesis: str, plan: str, reason: str) -> None:
    before = verdict("needs_human", "ambiguous")
    after, record = settled(before, opinion(hypothesis, plan))
    assert after == before
    assert (record.verdict, record.reason, record.failure_class) == ("dropped", reason, "")
    assert record.summary == "because › so"


@pytest.mark.parametrize(
    ("status", "course", "hypothesis", "agreed"),
    [
        ("solution_proposed", "fix", "H1", True),
        ("solution_proposed", "fix", "H2", False),
        ("solution_proposed", "fix", "none", False),
        ("solution_proposed", "no_action", "H1", False),
        ("solution_proposed", "needs_human", "H1", False),
        ("no_action", "no_action", "H1", True),
        ("no_action", "fix", "H1", False),
        ("needs_human", "needs_human", "H1", True),
        ("needs_human", "needs_human", "H2", False),
        ("needs_human", "no_action", "H1", False),
    ],
)
def test_who_names_the_first_cause_and_the_same_course_agrees(
    status: str, course: str, hypothesis: str, agreed: bool
) -> None:
    _, record = settled(verdict(status, "capacity"), opinion(hypothesis, course=course))
    assert record.verdict == ("agreed" if agreed else "disagreed")
    named = {"H1": "oom_killed", "H2": "missing_env", "none": ""}
    assert record.failure_class == named[hypothesis]


@pytest.mark.parametrize(
    ("certain", "status", "reason"),
    [
        (0.7, "solution_proposed", "rules_are_certain"),
        (0.69, "solution_proposed", "rules_are_certain"),
        (0.71, "needs_human", "handed_to_a_person"),
    ],
)
def test_a_disputed_plan_stands_from_the_certainty_that_is_asked_for(
    certain: float, status: str, reason: str
) -> None:
    before = verdict()
    after, record = settled(before, opinion("H2", "P2"), certain)
    assert (after.status, record.verdict, record.reason) == (status, "disagreed", reason)
    if status == "solution_proposed":
        assert after == before
        return
    assert (after.reason, after.plans, after.analysis) == ("rules_and_model_disagree", (), ANALYSIS)
    assert after.explanation == "The rules say oom_killed, the model says missing_env."


def test_a_disagreement_without_another_cause_tells_the_other_course() -> None:
    after, _ = settled(verdict(), opinion("none", course="no_action"))
    assert after.explanation == "The rules say oom_killed, the model says no_action."


@pytest.mark.parametrize("status", ["no_action", "needs_human"])
def test_where_no_plan_was_made_a_disagreement_has_no_effect(status: str) -> None:
    before = verdict(status, "capacity", plans=())
    after, record = settled(before, opinion("H2", course="fix"), 0.1)
    assert after == before
    assert (record.verdict, record.reason) == ("disagreed", "no_effect")


OPEN = ("ambiguous", "not_enough_evidence", "no_safe_plan")


@pytest.mark.parametrize("reason", OPEN)
def test_an_open_case_is_settled_by_our_plan_for_the_chosen_cause(reason: str) -> None:
    before = verdict("needs_human", reason, plans=())
    after, record = settled(before, opinion("H2", "P2"))
    assert (after.status, after.reason, after.explanation) == ("solution_proposed", "", "said")
    assert after.plans == (PLANS[1].model_copy(update={"priority": 1, "origin": "model"}),)
    assert (record.verdict, record.reason, record.failure_class) == ("used", "", "missing_env")
    analysis = after.analysis
    assert analysis is not None
    assert analysis.hypotheses == (TWO, ONE, THREE)
    assert (analysis.failure_class, analysis.object) == ("missing_env", DB)
    assert (analysis.root_cause, analysis.confidence) == ("missing_env it is", 0.65)
    assert analysis.evidence == ANALYSIS.evidence


def test_a_plan_that_changes_the_chosen_object_among_others_is_its_own() -> None:
    after, _ = settled(verdict("needs_human", "ambiguous"), opinion("H2", "P3"))
    assert after.status == "solution_proposed"


@pytest.mark.parametrize(
    ("hypothesis", "plan", "reason"),
    [
        ("H2", "P1", "plan_of_another_object"),
        ("H3", "P1", "no_independent_signal"),
        ("H3", "P2", "no_independent_signal"),
    ],
)
def test_our_plan_needs_its_own_object_and_a_sign_that_strangers_cannot_write(
    hypothesis: str, plan: str, reason: str
) -> None:
    before = verdict("needs_human", "ambiguous")
    after, record = settled(before, opinion(hypothesis, plan))
    assert after == before
    assert (record.verdict, record.reason) == ("dropped", reason)


@pytest.mark.parametrize("evidence", [(), ("e2",), ("e4",), ("e2", "e4"), ("e9",)])
def test_words_of_logs_and_alerts_and_unknown_evidence_are_no_sign(
    evidence: tuple[str, ...],
) -> None:
    alone = hypothesis("oom_killed", WEB, *evidence)
    analysis = ANALYSIS.model_copy(update={"hypotheses": (alone, TWO, THREE)})
    before = verdict("needs_human", "ambiguous", analysis=analysis)
    after, record = settled(before, opinion("H1", "P1"))
    assert (after, record.reason) == (before, "no_independent_signal")


@pytest.mark.parametrize("reason", ["capacity", "outside_manifests", "code_defect"])
def test_what_is_not_open_is_not_settled_by_a_model(reason: str) -> None:
    before = verdict("needs_human", reason, plans=())
    after, record = settled(before, opinion("H2", "P2"))
    assert (after, record.verdict) == (before, "disagreed")


@pytest.mark.parametrize("course", ["no_action", "needs_human"])
def test_an_open_case_is_settled_only_by_a_fix(course: str) -> None:
    before = verdict("needs_human", "ambiguous")
    after, _ = settled(before, opinion("H2", "P2", course=course))
    assert after == before


def killed() -> ClusterView:
    limits = {"name": "main", "resources": {"limits": {"memory": "100Mi"}}}
    dead = {"name": "main", "lastState": {"terminated": {"reason": "OOMKilled"}}}
    one = pod("web-1", labels={"app": "web"}, containerStatuses=[dead])
    return view_of({"deployments": [deployment("web", SHOP, limits)], "pods": [one]})


def proposing(
    cls: str = "oom_killed", *evidence: str, confidence: float = 0.7
) -> tuple[Verdict, Question]:
    about = ObjectRef(api_version="apps/v1", kind="Deployment", namespace=SHOP, name="web")
    first = hypothesis(cls, about, *(evidence or ("e1",)), confidence=confidence)
    analysis = ANALYSIS.model_copy(update={"hypotheses": (TWO, first)})
    before = verdict("needs_human", "no_safe_plan", analysis=analysis, plans=())
    return before, replace(QUESTION, targets=(ProposalTarget("T1", about, "main"),))


PROPOSAL = {"fix": "set_memory", "target": "T1", "number": 150}


@pytest.mark.parametrize(
    ("confidence", "given"), [(0.7, 0.48), (0.6, 0.48), (0.59, 0.472), (0.3, 0.24)]
)
def test_a_models_own_plan_is_never_surer_than_six_tenths_of_its_weight(
    confidence: float, given: float
) -> None:
    before, question = proposing(confidence=confidence)
    said = opinion("H2", proposal=PROPOSAL)
    after, record = settle(before, question, said, certain_from=0.9, view=killed())
    (made,) = after.plans
    assert (made.confidence, made.origin, made.priority) == (given, "model", 1)
    assert made.evidence == ("e1",)
    assert made.title == "Raise the memory limit of main to 150Mi"
    assert (after.status, record.verdict) == ("solution_proposed", "used")
    assert after.analysis is not None
    assert after.analysis.confidence == confidence


def test_a_models_own_plan_speaks_the_readers_language() -> None:
    before, question = proposing()
    said = opinion("H2", proposal=PROPOSAL)
    after, _ = settle(before, question, said, certain_from=0.9, view=killed(), language="fr")
    assert after.plans[0].title == "Porter la limite de mémoire de main à 150Mi"


def test_a_plan_of_ours_comes_before_a_proposal_and_none_is_looked_at_without_a_view() -> None:
    before, question = proposing()
    said = opinion("H2", "P1", proposal=PROPOSAL)
    after, _ = settle(before, question, said, certain_from=0.9, view=killed())
    assert after.plans[0].kubernetes_changes == PLANS[0].kubernetes_changes
    after, record = settle(before, question, opinion("H2", proposal=PROPOSAL), certain_from=0.9)
    assert (after, record.verdict) == (before, "disagreed")


@pytest.mark.parametrize(
    ("cls", "evidence", "proposal", "reason"),
    [
        ("undetermined", "e1", PROPOSAL, "no_cause"),
        ("healthy", "e1", PROPOSAL, "no_cause"),
        ("crash_code", "e1", PROPOSAL, ""),
        ("a-houses-own-class", "e1", PROPOSAL, ""),
        ("oom_killed", "e2", PROPOSAL, "no_independent_signal"),
        ("oom_killed", "e1", PROPOSAL | {"number": 900}, "out_of_bounds"),
        ("oom_killed", "e1", PROPOSAL | {"target": "T2"}, "unknown_target"),
    ],
)
def test_a_proposal_needs_a_cause_a_sign_and_its_bounds(
    cls: str, evidence: str, proposal: dict[str, Any], reason: str
) -> None:
    before, question = proposing(cls, evidence)
    said = opinion("H2", proposal=proposal)
    after, record = settle(before, question, said, certain_from=0.9, view=killed())
    assert record.reason == reason
    assert record.verdict == ("dropped" if reason else "used")
    assert (after == before) is bool(reason)


@pytest.mark.parametrize(
    ("before", "asking", "below", "asked"),
    [
        (verdict(), "never", 1.0, False),
        (verdict(), "always", 0.0, True),
        (verdict("no_action", "healthy"), "always", 0.0, True),
        (verdict(), "when_unsure", 0.7, False),
        (verdict(), "when_unsure", 0.71, True),
        (verdict("needs_human", "ambiguous"), "when_unsure", 0.0, True),
        (verdict("needs_human", "capacity"), "when_unsure", 0.0, False),
        (verdict("needs_human", "capacity"), "when_unsure", 0.8, True),
        (verdict("no_action", "healthy"), "when_unsure", 1.0, False),
        (verdict(analysis=None), "always", 1.0, False),
        (verdict(analysis=ANALYSIS.model_copy(update={"hypotheses": ()})), "always", 1.0, False),
    ],
)
def test_when_a_model_is_asked(before: Verdict, asking: Any, below: float, asked: bool) -> None:
    assert wants_opinion(before, asking, below) is asked


def test_a_fix_that_failed_before_is_disputed_when_it_is_the_first_plan() -> None:
    def failed(cls: str, fix: str) -> Pattern:
        return Pattern.model_validate(
            {"incident_id": "i", "failure_class": cls, "fix_kind": fix, "result": "failure"}
        )

    two = verdict(plans=(plan(WEB), plan(WEB, fix_kind="set_cpu")))
    patterns = [failed("missing_env", "set_memory"), failed("oom_killed", "set_memory")]
    assert wants_opinion(two, "when_unsure", 0.0, patterns)
    assert wants_opinion(two, "when_unsure", 0.0, patterns[1:])
    assert not wants_opinion(two, "when_unsure", 0.0, patterns[:1])
    assert not wants_opinion(two, "when_unsure", 0.0, [failed("oom_killed", "set_cpu")])
    assert not wants_opinion(verdict(plans=()), "when_unsure", 0.0, patterns)
