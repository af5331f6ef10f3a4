"""The status of a diagnosis: from when a cause is sure, when two are rivals, when blindness forbids an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from decide.core.confidence import confidences
from decide.core.deciding import diagnose_with, offers
from decide.core.diagnosis import Diagnosis, diagnose
from decide.core.drafting.drafts import Brought, PlanDraft
from decide.core.facts import Facts
from decide.core.findings import Finding
from decide.core.opinion import Verdict
from decide.core.taxonomy import CLASSES
from decide.core.view import ClusterView
from schemas.alerts import Alert, FiredRule
from schemas.base import ObjectRef
from schemas.context import ContextBundle, DeclaredObject, Monitor
from schemas.plans import FieldChange, KubernetesChange
from tests.support.decide.clusters import Cluster
from tests.support.decide.views import finding, ref

WEB, DB = ref("Deployment", "web"), ref("Deployment", "db")


def collected(*without: str, **fields: Any) -> ContextBundle:
    """A healthy cluster of which everything but those kinds was collected."""
    cluster = Cluster(3)
    cluster.app()
    cluster.log(cluster.app(), "started")
    cluster.series("kubernetes.memory.usage", [1.0])
    for kind in without:
        del cluster.objects[kind]
    return cluster.bundle().model_copy(update=fields)


def rule(*found: Finding) -> Any:
    """A house's rule that finds just these."""

    def of_the_house(view: ClusterView) -> Any:
        for one in found:
            yield replace(one, evidence=list(one.evidence), against=[])

    return of_the_house


def diagnosed(*found: Finding, bundle: ContextBundle | None = None, **more: Any) -> Diagnosis:
    return diagnose(bundle or collected(), more=[rule(*found)], **more)


def status(*found: Finding, bundle: ContextBundle | None = None) -> tuple[str, str]:
    diagnosis = diagnosed(*found, bundle=bundle)
    return diagnosis.status, diagnosis.reason


@pytest.mark.parametrize(
    ("score", "answer"),
    [
        (0.9, ("solution_proposed", "")),
        (0.6, ("solution_proposed", "")),
        (0.59, ("needs_human", "not_enough_evidence")),
        (0.56, ("needs_human", "not_enough_evidence")),
        (0.55, ("no_action", "healthy")),
        (0.2, ("no_action", "healthy")),
    ],
)
def test_a_cause_is_proposed_doubted_or_outweighed_by_health(
    score: float, answer: tuple[str, str]
) -> None:
    assert status(finding("oom_killed", WEB, score)) == answer


def test_beside_health_the_weak_findings_stay_as_hypotheses() -> None:
    found = diagnosed(finding("oom_killed", WEB, 0.55))
    assert [f.failure_class for f in found.findings][:2] == ["healthy", "oom_killed"]


def test_a_strong_finding_elsewhere_forbids_to_say_that_all_is_well() -> None:
    cluster = Cluster(3)
    name = cluster.app()
    cluster.log(name, "started")
    cluster.series("kubernetes.memory.usage", [1.0])
    strong, weak = (finding("oom_killed", ref("Deployment", "x"), s) for s in (0.9, 0.5))
    assert status(strong, bundle=cluster.bundle(name)) == ("needs_human", "not_enough_evidence")
    assert status(weak, bundle=cluster.bundle(name)) == ("no_action", "healthy")


@pytest.mark.parametrize(
    ("class_id", "answer"),
    [
        ("undetermined", ("needs_human", "not_enough_evidence")),
        ("dependency_unavailable", ("needs_human", "not_enough_evidence")),
        ("node_not_ready", ("needs_human", "outside_manifests")),
        ("healthy", ("no_action", "healthy")),
        ("maintenance", ("no_action", "maintenance")),
        ("oom_killed", ("solution_proposed", "")),
    ],
)
def test_a_class_says_what_is_answered_when_it_is_sure(
    class_id: str, answer: tuple[str, str]
) -> None:
    assert status(finding(class_id, WEB, 0.95)) == answer


@pytest.mark.parametrize(
    ("one", "two", "answer"),
    [
        (0.79, 0.79, "ambiguous"),
        (0.79, 0.775, "ambiguous"),
        (0.79, 0.77, ""),
        (0.799, 0.79, "ambiguous"),
        (0.8, 0.8, ""),
        (0.8, 0.79, ""),
        (0.79, 0.6, ""),
    ],
)
def test_two_causes_are_rivals_while_neither_is_strong_and_they_are_close(
    one: float, two: float, answer: str
) -> None:
    found = (finding("oom_killed", WEB, one), finding("oom_killed", DB, two))
    before = ("needs_human", "ambiguous") if answer else ("solution_proposed", "")
    assert status(*found) == before


def test_a_second_class_at_the_same_object_is_a_rival_too() -> None:
    found = (finding("oom_killed", WEB, 0.79), finding("missing_env", WEB, 0.79))
    assert status(*found) == ("needs_human", "ambiguous")


@pytest.mark.parametrize(
    ("score", "answer"),
    [(0.89, ("needs_human", "not_enough_evidence")), (0.9, ("solution_proposed", ""))],
)
def test_what_was_not_collected_forbids_an_answer_that_no_program_named(
    score: float, answer: tuple[str, str]
) -> None:
    found = diagnosed(finding("oom_killed", WEB, score), bundle=collected("events"))
    assert (found.status, found.reason) == answer
    against = found.analysis.hypotheses[0].evidence_against
    assert against == (("no evidence from events",) if score < 0.9 else ())


def test_a_calm_answer_that_is_unsure_is_for_people() -> None:
    bundle = collected("events", "services", "endpoints", "nodes", "configmaps", "secrets")
    assert status(finding("healthy", WEB, 0.3), bundle=bundle)[0] == "needs_human"


def test_a_rule_that_breaks_bounds_the_belief_and_the_confidence() -> None:
    def breaks(view: ClusterView) -> Any:
        yield from ()
        raise KeyError

    one = finding("oom_killed", WEB, 0.97)
    sound = diagnose(collected(), more=[rule(one)])
    broken = diagnose(collected(), more=[rule(one), breaks, breaks])
    assert (sound.findings[0].score, broken.findings[0].score) == (0.97, 0.85)
    assert sound.analysis.confidence > broken.analysis.confidence
    assert broken.analysis.confidence <= 0.85
    assert [b.where for b in broken.broken] == ["rules of test_decide_diagnosis_status"] * 2
    told = broken.analysis.hypotheses[0].evidence_against
    assert len([t for t in told if "broke" in t]) == 2
    low = diagnose(collected(), more=[rule(finding("oom_killed", WEB, 0.7)), breaks])
    assert low.findings[0].score == 0.7


def test_six_hypotheses_are_told_with_their_evidence_numbered_once() -> None:
    found = [
        finding("oom_killed", ref("Deployment", f"w{n}"), 0.95 - n / 100, "common", f"own {n}")
        for n in range(7)
    ]
    analysis = diagnosed(*found).analysis
    assert [h.object.name for h in analysis.hypotheses] == [f"w{n}" for n in range(6)]
    assert [(e.id, e.statement) for e in analysis.evidence] == [
        ("e1", "common"),
        *((f"e{n + 2}", f"own {n}") for n in range(6)),
    ]
    assert [h.evidence_for for h in analysis.hypotheses] == [("e1", f"e{n + 2}") for n in range(6)]


def test_the_analysis_is_that_of_the_first_hypothesis() -> None:
    found = diagnosed(
        finding("oom_killed", WEB, 0.9, detail="seen twice"), finding("crash_code", DB, 0.7)
    )
    analysis = found.analysis
    assert (analysis.failure_class, analysis.object) == ("oom_killed", WEB)
    assert analysis.root_cause == analysis.hypotheses[0].root_cause
    title = CLASSES["oom_killed"].en
    assert analysis.root_cause == f"{title} (Deployment/shop/web): seen twice"
    assert analysis.hypotheses[1].root_cause == f"{CLASSES['crash_code'].en} (Deployment/shop/db)"
    assert found.explanation == f"{title}: Deployment/shop/web"
    assert analysis.severity == CLASSES["oom_killed"].severity
    assert [h.confidence for h in analysis.hypotheses] == confidences(found.findings, found.view)
    assert analysis.confidence == analysis.hypotheses[0].confidence


def test_the_answer_is_told_in_french() -> None:
    found = diagnosed(finding("oom_killed", WEB, 0.9, detail="seen"), language="fr")
    title = CLASSES["oom_killed"].fr
    assert found.analysis.root_cause.startswith(title)
    assert found.explanation.startswith(title)
    assert found.analysis.estimated_impact.startswith("0 ")


def test_who_lacks_ready_pods_is_affected() -> None:
    cluster = Cluster(3)
    names = sorted(cluster.app() for _ in range(3))
    for name in names[:2]:
        cluster.down(name)
    found = diagnosed(finding("oom_killed", WEB, 0.9), bundle=cluster.bundle())
    assert found.analysis.affected_services == tuple(names[:2])
    assert found.analysis.estimated_impact == "2 of 3 workloads lack ready pods"


def test_at_most_twenty_affected_services_are_named() -> None:
    cluster = Cluster(3)
    names = sorted(cluster.app() for _ in range(21))
    for name in names:
        cluster.down(name)
    found = diagnosed(finding("oom_killed", WEB, 0.9), bundle=cluster.bundle())
    assert found.analysis.affected_services == tuple(names[:20])
    assert found.analysis.estimated_impact.startswith("21 of 21")


# --- the whole answer


def draft(after: int, weight: float = 1.0, about: ObjectRef = WEB) -> PlanDraft:
    field = FieldChange(path="spec.replicas", before=1, after=after)
    return PlanDraft(
        fix_kind="set_replicas",
        title=("t", "t"),
        why=("w", "w"),
        changes=[KubernetesChange(object=about, fields=(field,))],
        weight=weight,
    )


def brought(
    *drafts: PlanDraft, score: float = 0.9, about: ObjectRef = WEB, cls: str = "oom_killed"
) -> Finding:
    return finding(cls, about, score, "a", facts=Brought(drafts=drafts))


def decided(*found: Finding, bundle: ContextBundle | None = None) -> Verdict:
    return diagnose_with([rule(*found)], bundle or collected())


def test_plans_are_put_forward_from_four_tenths_of_confidence_on() -> None:
    whole = decided(brought(draft(2))).plans[0].confidence
    for share, kept in ((0.4005, True), (0.3985, False)):
        verdict = decided(brought(draft(2), draft(3, weight=share / whole)))
        assert len(verdict.plans) == (2 if kept else 1)
    assert decided(brought(draft(2))).status == "solution_proposed"


@pytest.mark.parametrize(
    ("class_id", "reason", "said"),
    [
        ("oom_killed", "no_safe_plan", "No change is known that repairs this safely."),
        ("crash_code", "code_defect", "The program itself must be mended."),
    ],
)
def test_a_cause_without_a_plan_is_a_persons(class_id: str, reason: str, said: str) -> None:
    verdict = decided(brought(cls=class_id))
    assert (verdict.status, verdict.reason, verdict.plans) == ("needs_human", reason, ())
    assert verdict.explanation == f"{CLASSES[class_id].en}: Deployment/shop/web. {said}"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (finding("healthy", WEB, 0.95), "Nothing is wrong now: no change."),
        (finding("maintenance", WEB, 0.95), "Somebody is at work there on purpose: no change."),
        (finding("alert_noise", WEB, 0.95), "The alert does not stand for trouble: no change."),
        (
            finding("flapping_within_bounds", WEB, 0.95),
            "The monitor flaps around its threshold while all is well: no change.",
        ),
        (
            finding("node_not_ready", WEB, 0.95),
            f"{CLASSES['node_not_ready'].en}: Deployment/shop/web. "
            "The cause lies outside the manifests: here is the diagnosis.",
        ),
        (
            finding("undetermined", WEB, 0.95),
            f"{CLASSES['undetermined'].en}: Deployment/shop/web. "
            "The evidence does not settle the cause: people must look.",
        ),
    ],
)
def test_an_answer_says_why_in_its_own_words(found: Finding, said: str) -> None:
    assert decided(found).explanation == said


def monitor(state: str = "Alert", **groups: str) -> Monitor:
    return Monitor(rule_id="7", overall_state=state, group_states=groups)


@pytest.mark.parametrize(
    ("state", "groups", "group", "over"),
    [
        ("OK", {}, "", True),
        ("ok", {}, "", True),
        ("Alert", {}, "", False),
        ("Alert", {"a": "OK"}, "a", True),
        ("OK", {"a": "Alert"}, "a", False),
        ("Alert", {"a": "OK", "b": "Alert"}, "a", True),
        ("OK", {"a": "Alert", "b": "OK"}, "a", False),
        ("Alert", {"a": "OK", "b": "OK"}, "c", True),
        ("OK", {"a": "OK", "b": "Alert"}, "c", False),
    ],
)
def test_what_was_measured_is_over_when_the_alerts_own_group_is_content(
    state: str, groups: dict[str, str], group: str, over: bool
) -> None:
    alert = Alert(state="firing", rule=FiredRule(id="7", group=group))
    bundle = collected(monitor=monitor(state, **groups), alert=alert)
    verdict = decided(brought(draft(2), cls="cpu_throttling"), bundle=bundle)
    wanted = ("no_action", "recovered") if over else ("solution_proposed", "")
    assert (verdict.status, verdict.reason) == wanted
    if over:
        assert verdict.explanation == "The monitor is content again: no change."
        assert verdict.analysis is not None
        assert verdict.plans == ()


def test_what_the_clusters_objects_show_is_not_over_with_the_monitor() -> None:
    bundle = collected(monitor=monitor("OK"))
    assert decided(brought(draft(2)), bundle=bundle).status == "solution_proposed"
    without = collected(monitor=None)
    assert (
        decided(brought(draft(2), cls="cpu_throttling"), bundle=without).status
        == "solution_proposed"
    )


def test_a_sure_answer_offers_its_own_plans() -> None:
    verdict = decided(brought(draft(2), draft(3)))
    assert offers([], collected(), verdict) == (verdict.plans, ())


def test_an_ambiguous_one_offers_two_plans_of_each_rival_once() -> None:
    api = ref("Deployment", "api")
    shared = draft(9, about=DB)
    found = (
        brought(draft(2), draft(3), draft(4), score=0.79),
        brought(shared, draft(2), draft(5), score=0.785, about=DB),
        brought(draft(7, about=api), score=0.78, about=api),
    )
    verdict = decided(*found)
    assert (verdict.status, verdict.reason, verdict.plans) == ("needs_human", "ambiguous", ())
    offered, broken = offers([rule(*found)], collected(), verdict)
    values = [p.kubernetes_changes[0].fields[0].after for p in offered]
    assert (values, broken) == ([2, 3, 9], ())
    hypotheses = verdict.analysis.hypotheses if verdict.analysis else ()
    # made-up causes have no question that proves a repair: such plans are worth less than their diagnosis
    assert {plan.repairs.verdict for plan in offered} == {"unknown"}
    assert offered[0].confidence == offered[1].confidence < hypotheses[0].confidence
    assert offered[2].confidence <= hypotheses[1].confidence
    assert offered[0].evidence == hypotheses[0].evidence_for


def test_builders_that_break_are_told_with_the_offers() -> None:
    found = (
        finding("oom_killed", WEB, 0.79, "a", facts=Facts()),
        brought(draft(9, about=DB), score=0.785, about=DB),
    )
    offered, broken = offers([rule(*found)], collected(), decided(*found))
    assert [p.kubernetes_changes[0].object for p in offered] == [DB]
    assert [b.where for b in broken] == ["plans of oom_killed"]


def test_a_builder_that_breaks_leaves_the_diagnosis_and_says_so() -> None:
    verdict = decided(finding("oom_killed", WEB, 0.9, "a", facts=Facts()))
    assert (verdict.status, verdict.reason, verdict.plans) == ("needs_human", "rule_broke", ())
    assert verdict.explanation == (
        f"{CLASSES['oom_killed'].en}: Deployment/shop/web. The rule of K-Fix that plans for this "
        "broke, a defect of K-Fix: people must look."
    )
    assert [b.where for b in verdict.broken] == ["plans of oom_killed"]


def test_what_the_repository_already_declares_has_only_to_be_applied_again() -> None:
    cluster = Cluster(4)
    name = cluster.app()
    cluster.crashed(name, 137, reason="OOMKilled")
    live = decided(bundle=cluster.bundle(name))
    assert live.status == "solution_proposed"
    wanted = live.plans[0].kubernetes_changes[0].fields[0]
    again = Cluster(4)
    again.app()
    again.crashed(name, 137, reason="OOMKilled")
    declared = again.bundle(name).model_dump()["k8s_context"]["objects"]["deployments"][0]
    container = declared["spec"]["template"]["spec"]["containers"][0]
    container["resources"]["limits"]["memory"] = wanted.after
    container["resources"]["requests"]["memory"] = wanted.after
    bundle = again.bundle(name).model_copy(
        update={"declared": (DeclaredObject(path="a.yaml", object=declared),)}
    )
    verdict = decided(bundle=bundle)
    assert (verdict.status, verdict.reason) == ("needs_human", "outside_manifests")
    assert verdict.explanation.endswith(
        "The repository already declares what is needed; the cluster has drifted from it: apply it again."
    )
