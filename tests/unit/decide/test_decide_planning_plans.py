"""Drafts become plans: ranked, each with its inverse, with what history says of them; at most three."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core import deciding
from decide.core.broken import RuleDefect
from decide.core.diagnosis import Diagnosis, diagnose
from decide.core.drafting.drafts import Brought, PlanDraft
from decide.core.findings import Finding
from decide.core.planning import ProposedPlans, plan_of, propose
from decide.core.view import ClusterView
from schemas.context import Pattern
from schemas.identity import stable_id
from schemas.plans import ActionPlan, FieldChange, FixKind, KubernetesChange
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster
from tests.support.decide.views import finding, ref

WEB = ref("Deployment", "web")


def change(
    path: str = "spec.replicas", before: Any = 1, after: Any = 2, op: Any = "replace"
) -> KubernetesChange:
    field = FieldChange(op=op, path=path, before=before, after=after)
    return KubernetesChange(object=WEB, fields=(field,))


def draft(
    *changes: KubernetesChange, fix_kind: FixKind = "set_replicas", **fields: Any
) -> PlanDraft:
    given: dict[str, Any] = {"title": ("Title", "Titre"), "why": ("Why", "Pourquoi")} | fields
    return PlanDraft(fix_kind=fix_kind, changes=list(changes), **given)


def drafts(count: int, **fields: Any) -> list[PlanDraft]:
    return [draft(change(after=n + 2), **fields) for n in range(count)]


def diagnosed(
    *given: PlanDraft, score: float = 0.9, cls: str = "oom_killed", **fields: Any
) -> Diagnosis:
    """The diagnosis of a well collected cluster in which a house's rule alone finds something and brings its drafts."""
    cluster = Cluster(3)
    cluster.app()
    cluster.log(cluster.app(), "started")
    cluster.series("kubernetes.memory.usage", [1.0])
    bundle = cluster.bundle().model_copy(update=fields)

    def rule(view: ClusterView) -> Any:
        yield finding(cls, WEB, score, "a", "b", facts=Brought(drafts=given))

    return diagnose(bundle, more=[rule])


#: What a plan is worth whose repair nothing tells.
UNPROVEN = 0.85


def plans(*given: PlanDraft, **fields: Any) -> tuple[ActionPlan, ...]:
    proposed = propose(diagnosed(*given, **fields))
    assert proposed.broken is None
    return proposed.plans


def values(found: tuple[ActionPlan, ...]) -> list[object]:
    return [p.kubernetes_changes[0].fields[0].after for p in found]


def test_at_most_three_plans_are_proposed_and_numbered() -> None:
    for made, kept in ((0, 0), (1, 1), (3, 3), (4, 3)):
        found = plans(*drafts(made))
        assert [p.priority for p in found] == list(range(1, kept + 1))
        assert values(found) == list(range(2, kept + 2))


def test_the_heaviest_draft_comes_first_and_equal_ones_keep_their_order() -> None:
    light, heavy, also = (
        draft(change(after=n), weight=w) for n, w in ((1, 0.5), (2, 1.0), (3, 1.0))
    )
    found = plans(light, heavy, also)
    assert values(found) == [2, 3, 1]
    whole = found[0].confidence
    assert found[2].confidence == pytest.approx(whole / 2, abs=1e-3)


def test_of_two_drafts_that_change_the_same_the_first_is_kept() -> None:
    first, second = draft(change(), title=("One", "Un")), draft(change(), title=("Two", "Deux"))
    (only,) = plans(first, second)
    assert only.title == "One"


def test_a_draft_that_changes_nothing_is_no_plan() -> None:
    assert values(plans(draft(), *drafts(1))) == [2]
    assert plans(draft()) == ()


def test_a_plan_rests_on_the_evidence_and_confidence_of_the_diagnosis() -> None:
    diagnosis = diagnosed(*drafts(1))
    (plan,) = propose(diagnosis).plans
    assert plan.evidence == diagnosis.analysis.hypotheses[0].evidence_for == ("e1", "e2")
    # Nothing tells whether these drafts repair anything: they are worth a little less than their diagnosis.
    assert plan.confidence == pytest.approx(UNPROVEN * diagnosis.analysis.confidence, abs=1e-3)


@pytest.mark.parametrize(
    ("confidence", "weight", "given"),
    [(0.5, 1.0, 0.5), (0.5, 0.5, 0.25), (0.99, 1.0, 0.98), (0.98, 1.0, 0.98), (0.3333, 0.8, 0.267)],
)
def test_confidence_is_weighted_and_never_above_098(
    confidence: float, weight: float, given: float
) -> None:
    assert plan_of(draft(change(), weight=weight), confidence, (), "en").confidence == given


def test_a_plan_keeps_everything_that_its_draft_says() -> None:
    made = draft(
        change(),
        risks=[("Risk", "Risque"), ("Other", "Autre")],
        time=("Soon", "Vite"),
        origin="playbook",
    )
    plan = plan_of(made, 0.5, ["e1"], "en")
    assert (plan.title, plan.justification, plan.estimated_time) == ("Title", "Why", "Soon")
    assert (plan.risks, plan.origin, plan.fix_kind) == (
        ("Risk", "Other"),
        "playbook",
        "set_replicas",
    )
    assert plan.evidence == ("e1",)
    french = plan_of(made, 0.5, ["e1"], "fr")
    assert (french.title, french.justification, french.estimated_time) == (
        "Titre",
        "Pourquoi",
        "Vite",
    )
    assert french.risks == ("Risque", "Autre")


def test_a_title_has_two_hundred_characters_and_a_plan_is_named_after_its_changes() -> None:
    plan = plan_of(draft(change(), title=("x" * 201, "y")), 0.5, (), "en")
    assert plan.title == "x" * 200
    assert plan.plan_id == stable_id("plan", plan.changes_hash, digits=10)
    assert len(plan.plan_id) == len("plan-") + 10
    other = plan_of(draft(change(after=3)), 0.5, (), "en")
    assert other.plan_id != plan.plan_id


def test_the_inverse_undoes_the_changes_from_the_last_to_the_first() -> None:
    made = draft(change("a", 1, 2), change("b", None, 3, "add"), change("c", 4, None, "remove"))
    plan = plan_of(made, 0.5, (), "en")
    undone = [(f.op, f.path, f.before, f.after) for c in plan.rollback_changes for f in c.fields]
    assert undone == [("add", "c", None, 4), ("remove", "b", 3, None), ("replace", "a", 2, 1)]


def test_the_way_back_is_told_field_by_field() -> None:
    made = draft(change("a", 1, "x"), change("b", None, {"k": "é"}, "add"), change("c", 4, None))
    plan = plan_of(made, 0.5, (), "en")
    assert plan.rollback_plan == (
        'Revert the commit, that is a: "x" → 1; b: {"k": "é"} → not set; c: not set → 4'
    )


@pytest.mark.parametrize(("count", "more"), [(4, ""), (5, "; … (+1)"), (7, "; … (+3)")])
def test_of_many_fields_four_are_told_and_the_rest_is_counted(count: int, more: str) -> None:
    made = draft(*(change(f"f{n}", n, n + 1) for n in range(count)))
    plan = plan_of(made, 0.5, (), "en")
    told = "; ".join(f"f{n}: {n + 1} → {n}" for n in range(4))
    assert plan.rollback_plan == f"Revert the commit, that is {told}{more}"


def test_a_long_value_is_cut() -> None:
    plan = plan_of(draft(change("a", "x" * 300, 1)), 0.5, (), "en")
    assert (
        plan.rollback_plan
        == f'Revert the commit, that is a: 1 → "{"x" * (160 - len("a: 1 → ") - 1)}'
    )


def pattern(result: str, **fields: Any) -> Pattern:
    given = {"incident_id": "i", "failure_class": "oom_killed", "fix_kind": "set_replicas"}
    return Pattern.model_validate(given | {"result": result} | fields)


SAME_CHANGE = plan_of(draft(change()), 0.5, (), "en").changes_hash


@pytest.mark.parametrize(
    ("worked", "failed", "bonus"),
    [
        ([], [], 0.0),
        ([{}], [], 0.03),
        ([{}, {}], [], 0.03),
        ([{"fix_kind": "set_cpu"}], [], 0.0),
        ([{"failure_class": "crash_code"}], [], 0.0),
        ([], [{"changes_hash": SAME_CHANGE}], -0.4),
        ([], [{"changes_hash": SAME_CHANGE, "fix_kind": "set_cpu", "failure_class": "x"}], -0.4),
        ([], [{"changes_hash": "other"}], 0.0),
        ([], [{}], 0.0),
        ([], [{"object_key": WEB.key}], -0.2),
        ([], [{"object_key": WEB.key, "fix_kind": "set_cpu"}], 0.0),
        ([], [{"object_key": WEB.key, "failure_class": "crash_code"}], 0.0),
        ([], [{"object_key": "Deployment/shop/api"}], 0.0),
        ([], [{"changes_hash": SAME_CHANGE}, {"object_key": WEB.key}], -0.4),
        ([], [{"object_key": WEB.key}, {"changes_hash": SAME_CHANGE}], -0.4),
        ([{}], [{"object_key": WEB.key}], -0.2),
        ([{}], [{"changes_hash": "other", "object_key": WEB.key}], -0.2),
    ],
)
def test_what_worked_counts_a_little_and_what_failed_much(
    worked: list[dict[str, Any]], failed: list[dict[str, Any]], bonus: float
) -> None:
    half = draft(change(), weight=0.5)
    (plain,) = plans(half)
    (plan,) = plans(
        half,
        successful_patterns=tuple(pattern("success", **one) for one in worked),
        failed_patterns=tuple(pattern("failure", **one) for one in failed),
    )
    whole = plain.confidence / UNPROVEN + bonus
    assert plan.confidence == pytest.approx(UNPROVEN * max(0.05, whole), abs=2e-3)


def test_what_worked_makes_no_plan_surer_than_its_diagnosis() -> None:
    cluster = Cluster(3)
    app = cluster.app()
    FAULTS["oom_killed"](cluster, app)
    bundle = cluster.bundle(app)
    first, *_ = deciding.diagnose(bundle).plans
    worked = pattern("success", fix_kind=first.fix_kind)
    verdict = deciding.diagnose(bundle.model_copy(update={"successful_patterns": (worked,) * 3}))
    assert verdict.analysis is not None
    assert all(plan.confidence <= verdict.analysis.confidence for plan in verdict.plans)
    assert verdict.plans[0].confidence >= first.confidence


def test_what_worked_comes_first_though_it_is_no_surer_than_its_diagnosis() -> None:
    given = (draft(change()), draft(change(after=7), weight=0.99))
    failed = (pattern("failure", changes_hash=SAME_CHANGE, fix_kind="other"),)
    first, second = plans(*given, successful_patterns=(pattern("success"),))
    assert (first.priority, second.priority) == (1, 2)
    assert values(plans(*given, failed_patterns=failed)) == [7, 2]


def test_what_failed_leaves_a_plan_a_little_confidence() -> None:
    failed = pattern("failure", changes_hash=SAME_CHANGE)
    (plan,) = plans(draft(change(), weight=0.4), failed_patterns=(failed,))
    assert plan.confidence == pytest.approx(UNPROVEN * 0.05, abs=1e-3)


def test_a_change_that_failed_goes_behind_another() -> None:
    failed = (pattern("failure", changes_hash=SAME_CHANGE),)
    given = (draft(change()), draft(change(after=7), weight=0.8))
    assert values(plans(*given)) == [2, 7]
    assert values(plans(*given, failed_patterns=failed)) == [7, 2]


def test_an_answer_that_is_no_solution_has_no_plans() -> None:
    diagnosis = diagnosed(*drafts(1), score=0.59)
    assert diagnosis.status == "needs_human"
    assert propose(diagnosis) == ProposedPlans()


def test_a_builder_that_breaks_leaves_no_plans_and_is_told() -> None:
    def breaks(view: ClusterView) -> Any:
        yield Finding(failure_class="oom_killed", object=WEB, score=0.9)

    cluster = Cluster(3)
    cluster.app()
    cluster.log(cluster.app(), "started")
    cluster.series("kubernetes.memory.usage", [1.0])
    proposed = propose(diagnose(cluster.bundle(), more=[breaks]))
    assert proposed.plans == ()
    assert isinstance(proposed.broken, RuleDefect)
    assert proposed.broken.where == "plans of oom_killed"
    assert proposed.broken.what.startswith("TypeError at ")
