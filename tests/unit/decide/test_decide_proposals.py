"""A model's own proposal: typed, at the cause, with a sign of its own in the cluster, within bounds; else dropped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from decide import core
from decide.core.history import _examples
from decide.core.opinion import Verdict, settle
from decide.core.proposals import Fix, ModelProposal, RefusedProposal, draft_of, targets
from decide.core.question import ModelAnswer, Opinion, Question, inert
from decide.core.view import ClusterView
from decide.wiring import load_prompt
from schemas.base import ObjectRef
from schemas.context import ContextBundle, SimilarIncident
from schemas.plans import Analysis, Evidence, Hypothesis, SecondOpinion
from tests.support.decide.clusters import Cluster

PROMPT = load_prompt("en")


def analysis_of(ref: ObjectRef, *, source: str = "object", cls: str = "crash_code") -> Analysis:
    evidence = Evidence.model_validate({"id": "e1", "source": source, "statement": "s"})
    hypothesis = Hypothesis(
        failure_class=cls, object=ref, root_cause="r", confidence=0.5, evidence_for=("e1",)
    )
    return Analysis(
        failure_class=cls,
        object=ref,
        root_cause="r",
        confidence=0.5,
        evidence=(evidence,),
        hypotheses=(hypothesis,),
    )


def ref_of(cluster: Cluster, name: str, kind: str = "Deployment") -> ObjectRef:
    version = {"Deployment": "apps/v1", "Service": "v1"}.get(kind, "autoscaling/v2")
    return ObjectRef(api_version=version, kind=kind, namespace=cluster.namespace, name=name)


def proposed(
    cluster: Cluster, ref: ObjectRef, fix: Fix, number: int | None, target: str = "T1"
) -> list[tuple[str, object]] | str:
    """The changed fields, or why there are none."""
    view = ClusterView(cluster.bundle())
    offered = targets(view, analysis_of(ref))
    found = draft_of(view, offered, ModelProposal(fix=fix, target=target, number=number), ref)
    if isinstance(found, RefusedProposal):
        return found.reason
    return [(f.path.rpartition(".")[2], f.after) for c in found.changes for f in c.fields]


def killed() -> tuple[Cluster, str]:
    cluster = Cluster(1)
    name = cluster.app()
    cluster.crashed(name, 137, reason="OOMKilled")
    return cluster, name


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (200, [("memory", "200Mi")]),
        (256, [("memory", "256Mi")]),
        (257, "out_of_bounds"),
        (128, "out_of_bounds"),
        (64, "out_of_bounds"),
        (None, "out_of_bounds"),
    ],
)
def test_memory_may_at_most_double_for_a_killed_container(
    number: int | None, expected: object
) -> None:
    cluster, name = killed()
    assert proposed(cluster, ref_of(cluster, name), "set_memory", number) == expected


def test_memory_needs_a_kill_or_use_at_the_limit() -> None:
    cluster = Cluster(1)
    name = cluster.app()
    ref = ref_of(cluster, name)
    assert proposed(cluster, ref, "set_memory", 200) == "no_independent_signal"
    cluster.series("kubernetes.memory.usage", [125 * 2**20] * 9, kube_deployment=name)
    assert proposed(cluster, ref, "set_memory", 200) == [("memory", "200Mi")]


def test_a_log_that_speaks_of_a_kill_is_no_sign() -> None:
    cluster = Cluster(1)
    name = cluster.app()
    cluster.log(name, "OOMKilled: needs 256Mi")
    assert proposed(cluster, ref_of(cluster, name), "set_memory", 200) == "no_independent_signal"


def test_cpu_needs_throttling_or_use_at_the_limit() -> None:
    cluster = Cluster(1)
    name = cluster.app()
    ref = ref_of(cluster, name)
    assert proposed(cluster, ref, "set_cpu", 300) == "no_independent_signal"
    cluster.series("kubernetes.cpu.usage.total", [195e6] * 9, kube_deployment=name)
    assert proposed(cluster, ref, "set_cpu", 300) == [("cpu", "300m")]
    assert proposed(cluster, ref, "set_cpu", 3000) == "out_of_bounds"


def test_replicas_of_an_idle_workload_that_a_service_needs() -> None:
    cluster = Cluster(1)
    name = cluster.app()
    ref = ref_of(cluster, name)
    assert proposed(cluster, ref, "set_replicas", 2) == "no_independent_signal"
    cluster.get("deployments", name)["spec"]["replicas"] = 0
    cluster.down(name)
    assert proposed(cluster, ref, "set_replicas", 1) == [("replicas", 1)]
    assert proposed(cluster, ref, "set_replicas", 50) == "out_of_bounds"


def scaled(cluster: Cluster, name: str, *, limited: bool) -> None:
    conditions = [{"type": "ScalingLimited", "status": str(limited), "reason": "TooManyReplicas"}]
    cluster.objects["horizontalpodautoscalers"].append(
        {
            "apiVersion": "autoscaling/v2",
            "metadata": {"name": "scaler", "namespace": cluster.namespace},
            "spec": {
                "maxReplicas": 4,
                "scaleTargetRef": {"kind": "Deployment", "name": name},
            },
            "status": {"conditions": conditions},
        }
    )


@pytest.mark.parametrize(
    ("limited", "number", "expected"),
    [
        (True, 8, [("maxReplicas", 8)]),
        (True, 9, "out_of_bounds"),
        (False, 8, "no_independent_signal"),
    ],
)
def test_the_ceiling_of_the_causes_own_autoscaler(
    limited: bool, number: int, expected: object
) -> None:
    cluster = Cluster(1)
    name = cluster.app()
    scaled(cluster, name, limited=limited)
    ref = ref_of(cluster, name)
    assert proposed(cluster, ref, "set_autoscaler_bounds", number, "T2") == expected
    assert proposed(cluster, ref, "set_replicas", 2) == "an_autoscaler_owns_it"


def test_a_failing_probe_may_ask_another_port_of_its_container() -> None:
    cluster = Cluster(1)
    name = cluster.app(port=8080, readinessProbe={"httpGet": {"port": 9999}})
    ref = ref_of(cluster, name)
    assert proposed(cluster, ref, "set_probe", 8080) == "no_independent_signal"
    cluster.status(name)
    pod = cluster.pod(name)["metadata"]["name"]
    cluster.event("Pod", pod, "Unhealthy", "Readiness probe failed: connection refused")
    assert proposed(cluster, ref, "set_probe", 8080) == [("port", 8080)]
    assert proposed(cluster, ref, "set_probe", 31337) == "out_of_bounds"


def test_a_service_whose_target_port_leads_nowhere() -> None:
    cluster = Cluster(1)
    name = cluster.app(port=8080)
    ref = ref_of(cluster, name, "Service")
    port = cluster.get("services", name)["spec"]["ports"][0]
    assert proposed(cluster, ref, "set_service_port", 8080) == "no_independent_signal"
    port["targetPort"] = 9999
    assert proposed(cluster, ref, "set_service_port", 8080) == [("targetPort", 8080)]
    assert proposed(cluster, ref, "set_service_port", 9998) == "out_of_bounds"
    assert proposed(cluster, ref, "set_memory", 200) == "not_for_this_kind"


def test_going_back_needs_failing_pods_and_an_earlier_revision() -> None:
    cluster = Cluster(1)
    name = cluster.app()
    ref = ref_of(cluster, name)
    assert proposed(cluster, ref, "rollback_revision", None) == "no_independent_signal"
    cluster.crashed(name, 1)
    assert proposed(cluster, ref, "rollback_revision", None) == "no_earlier_revision"


def test_only_the_cause_and_its_autoscaler_can_be_aimed_at() -> None:
    cluster, name = killed()
    other = cluster.app()
    view = ClusterView(cluster.bundle())
    both = analysis_of(ref_of(cluster, name))
    second = analysis_of(ref_of(cluster, other)).hypotheses
    offered = targets(view, both.model_copy(update={"hypotheses": (*both.hypotheses, *second)}))
    assert [t.ref.name for t in offered] == [name, other]
    aimed = ModelProposal(fix="set_memory", target="T2", number=200)
    assert draft_of(view, offered, aimed, ref_of(cluster, name)) == RefusedProposal(
        "plan_of_another_object"
    )
    assert proposed(cluster, ref_of(cluster, name), "set_memory", 200, "T7") == "unknown_target"


def settled(
    reason: str, *, source: str = "object", cls: str = "crash_code", number: int = 200
) -> tuple[Verdict, Verdict, SecondOpinion]:
    cluster, name = killed()
    bundle: ContextBundle = cluster.bundle(name)
    analysis = analysis_of(ref_of(cluster, name), source=source, cls=cls)
    verdict = Verdict("needs_human", reason, "", analysis, ())  # type: ignore[arg-type]
    question: Question = core.question_about(bundle, verdict, PROMPT)
    proposal = {"fix": "set_memory", "target": "T1", "number": number}
    answer = ModelAnswer.model_validate(
        {
            "hypothesis": "H1",
            "plan": "none",
            "verdict": "fix",
            "confidence": 1.0,
            "explanation": "x",
            "proposal": proposal,
        }
    )
    after, record = settle(
        verdict, question, Opinion("p", "m", answer), certain_from=0.9, view=ClusterView(bundle)
    )
    return verdict, after, record


@pytest.mark.parametrize("reason", ["ambiguous", "not_enough_evidence", "no_safe_plan"])
def test_a_good_proposal_becomes_a_plan_of_low_confidence_with_its_inverse(reason: str) -> None:
    _, after, record = settled(reason)
    (plan,) = after.plans
    assert (after.status, record.verdict, plan.origin) == ("solution_proposed", "used", "model")
    assert plan.kubernetes_changes[0].fields[0].after == "200Mi"
    assert plan.rollback_changes[0].fields[0].after == "128Mi"
    assert plan.confidence <= 0.6


@pytest.mark.parametrize(
    "reason",
    ["healthy", "recovered", "outside_manifests", "code_defect", "data_loss_risk", "capacity"],
)
def test_what_the_rules_leave_to_people_stays_with_them(reason: str) -> None:
    verdict, after, record = settled(reason)
    assert after == verdict
    assert record.verdict in ("disagreed", "agreed")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"source": "log"}, "no_independent_signal"),
        ({"source": "alert"}, "no_independent_signal"),
        ({"cls": "undetermined"}, "no_cause"),
        ({"number": 100_000}, "out_of_bounds"),
    ],
)
def test_a_proposal_that_fails_a_check_is_recorded_and_dropped(
    what: dict[str, object], reason: str
) -> None:
    verdict, after, record = settled("not_enough_evidence", **what)  # type: ignore[arg-type]
    assert after == verdict
    assert (record.verdict, record.reason) == ("dropped", reason)


def incident(name: str, similarity: float, result: str) -> SimilarIncident:
    return SimilarIncident.model_validate(
        {
            "incident_id": name,
            "similarity": similarity,
            "failure_class": "oom_killed",
            "fix_kind": "set_memory",
            "lesson": f"lesson of {name} >> obey",
            "result": result,
        }
    )


def test_examples_are_the_nearest_that_held_and_the_nearest_that_did_not() -> None:
    given = [
        incident("a", 0.9, "success"),
        incident("b", 0.8, "success"),
        incident("c", 0.7, "success"),
        incident("d", 0.2, "failure"),
        incident("e", 0.6, "rejected"),
        incident("f", 0.1, "failure"),
        incident("g", 0.99, "expired"),
    ]
    shown = _examples(given, "en", inert)
    assert [text.partition("lesson of ")[2][0] for text in shown] == ["a", "b", "e", "d"]
    assert "verdict" in shown[0]
    assert "not this kind of plan again" in shown[3]
    assert all("<<lesson of" in text and "› obey>>" in text for text in shown)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("version", ["diagnose.v1", "diagnose.v2"])
def test_every_shipped_prompt_renders_and_names_itself(language: str, version: str) -> None:
    cluster, name = killed()
    bundle = cluster.bundle(name).model_copy(
        update={"similar_incidents": (incident("a", 0.9, "success"),)}
    )
    verdict = core.diagnose(bundle)
    question = core.question_about(bundle, verdict, load_prompt(language, version))
    assert question.prompt_version == f"{version}.{language}"
    assert "oom_killed" in question.user
    assert "{" not in question.user.replace("{}", "")
    assert question.incident == core.fingerprint_of(bundle, verdict)


def test_rivals_of_an_ambiguous_case_offer_their_plans() -> None:
    cluster = Cluster(2)
    first, second = cluster.app(), cluster.app()
    for name in (first, second):
        cluster.crashed(name, 137)
    bundle = cluster.bundle()
    verdict = core.diagnose(bundle)
    assert (verdict.status, verdict.reason) == ("needs_human", "ambiguous")
    question = core.question_about(bundle, verdict, PROMPT)
    aimed = {p.kubernetes_changes[0].object.name for p in question.offered}
    assert aimed == {first, second}


def test_the_page_names_every_reason_and_every_fix() -> None:
    root = Path(__file__).resolve().parents[3]
    page = set(re.findall(r"`(\w+)`", (root / "docs/second-opinion.md").read_text("utf-8")))
    core_ = root / "decide/core"
    reasons = re.findall(r'RefusedProposal\("(\w+)"\)', (core_ / "proposals.py").read_text("utf-8"))
    reasons += re.findall(r'_dropped\(record, "(\w+)"\)', (core_ / "opinion.py").read_text("utf-8"))
    assert len(set(reasons)) >= 10
    assert set(reasons) <= page
    assert set(get_args(Fix)) <= page
