"""A kind of fix that failed twice on the same spec of an object is not proposed again until a person lifts it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from decide.core.experience.trials import Experience, LiftedVeto, ended_trial, same_spec, spec_of
from decide.core.experience.vetoes import refusal, veto, without_lifted
from schemas.base import ObjectRef
from schemas.context import Pattern, SimilarIncident
from schemas.plans import ActionPlan, KubernetesChange
from tests.support.decide.clusters import Cluster
from tests.support.decide.tried import LIMIT, NOW, WEB, judged, known, outcome, plan

WAITS = timedelta(days=7)


def lifted(hours: float, **other: str) -> LiftedVeto:
    values = {"cluster": "", "object_key": WEB.key, "fix_kind": "set_memory", **other}
    at = NOW + timedelta(hours=hours)
    return LiftedVeto(lifted_at=at, lifted_by="ada", **values)


def twice(*words: LiftedVeto, **other: str) -> Experience:
    found = known("inc-1", plan(), **other), known("inc-2", plan(after="512Mi"), **other)
    return Experience(known=found, lifted=words)


def test_after_two_failures_it_is_not_proposed_and_after_one_it_is() -> None:
    assert veto(plan(), "prod", Experience(known=(known("inc-1", plan()),))) == ""
    said = veto(plan(after="1Gi"), "prod", twice())
    assert "failed 2 times on Deployment/shop/web" in said
    assert "inc-1, inc-2" in said
    assert "kfix memory lift Deployment/shop/web set_memory" in said


def test_one_attempt_is_one_failure_however_many_plans_it_had() -> None:
    same = (known("inc-1", plan(name="a")), known("inc-1", plan(name="b")))
    assert veto(plan(), "prod", Experience(known=same)) == ""
    tries = (known("inc-1", plan()), known("inc-1-try2", plan()))
    assert veto(plan(), "prod", Experience(known=tries)) != ""


@pytest.mark.parametrize(
    "other",
    [
        plan(before="384Mi"),
        plan("set_cpu"),
        plan(target=WEB.model_copy(update={"name": "api"})),
        plan(path=LIMIT.replace("web", "sidecar")),
    ],
    ids=["another value stands there", "another kind", "another object", "another field"],
)
def test_another_spec_is_another_matter(other: ActionPlan) -> None:
    assert veto(other, "prod", twice()) == ""


def test_another_cluster_is_another_matter_and_an_unknown_one_is_any() -> None:
    assert veto(plan(), "test", twice()) == ""
    assert veto(plan(), "test", twice(cluster="")) != ""
    assert veto(plan(), "", twice()) != ""


def test_a_person_lifts_what_failed_up_to_then() -> None:
    assert veto(plan(), "prod", twice(lifted(1))) == ""
    assert veto(plan(), "prod", twice(lifted(-1))) != ""
    assert veto(plan(), "prod", twice(lifted(1, fix_kind="set_cpu"))) != ""
    assert veto(plan(), "prod", twice(lifted(1, cluster="test"))) != ""
    assert veto(plan(), "prod", twice(lifted(1, cluster="prod"))) == ""


def refused(experience: Experience, incident: str = "inc-9") -> str:
    return refusal(plan(), "prod", experience, incident_id=incident, at=NOW, waits=WAITS)


def test_proposals_that_wait_count_for_others_while_their_outcome_may_come() -> None:
    one = known("inc-1", plan(), failed=False)
    other = known("inc-2", plan(), failed=False, days=6)
    assert refused(Experience(known=(one,))) == ""
    assert "wait for their outcome (inc-1, inc-2)" in refused(Experience(known=(one, other)))
    assert refused(Experience(known=(one, other)), "inc-2") == ""
    late = other.model_copy(update={"at": NOW - timedelta(days=8)})
    assert refused(Experience(known=(one, late))) == ""
    failed = known("inc-3", plan(), days=20)
    assert refused(Experience(known=(one, failed))) != ""


def test_a_new_object_is_the_same_spec_as_itself() -> None:
    def created(name: str) -> dict[str, str]:
        ref = ObjectRef(kind="ConfigMap", namespace="shop", name=name)
        change = KubernetesChange(object=ref, action="create", manifest={"data": {"a": name}})
        return spec_of(plan().model_copy(update={"kubernetes_changes": (change,)}))

    assert same_spec(created("one"), created("one"))
    assert not same_spec(created("one"), created("other"))


def test_an_outcome_tells_its_trial_with_the_newest_word_of_a_person() -> None:
    words = (judged("good", "bob"), judged("bad"), judged("comment", "eve"))
    found = ended_trial(outcome("inc-1", plan(), "success", feedback=words))
    assert found is not None
    assert (found.result, found.judged_by, found.object_key) == ("failure", "ada", WEB.key)
    assert (found.cluster, found.environment) == ("prod", "production")


def test_a_change_taken_back_and_an_end_without_a_plan_are_no_trials() -> None:
    assert ended_trial(outcome("inc-1-revert", plan())) is None
    assert ended_trial(outcome("inc-1", plan()).model_copy(update={"plan": None})) is None


def test_a_failure_is_as_old_as_its_measurement_whenever_people_speak_of_it() -> None:
    later = NOW + timedelta(days=3)
    found = ended_trial(outcome("inc-1", plan(), at=later, checked_at=NOW))
    assert found is not None
    assert (found.ended_at, found.told_at) == (NOW, later)
    back = ended_trial(outcome("inc-1", plan(), at=later, checked_at=NOW, came_back_at=later))
    assert back is not None
    assert back.ended_at == later


def _failed(incident: str, **other: str) -> Pattern:
    values = {"object_key": WEB.key, "fix_kind": "set_memory", **other}
    return Pattern(incident_id=incident, failure_class="oom_killed", result="failure", **values)


def test_what_a_person_lifted_is_no_failure_for_anybody() -> None:
    lifted_ones = (_failed("inc-1"), _failed("inc-2", cluster="prod"))
    others = (
        _failed("inc-3"),  # after the lifting
        _failed("inc-4"),  # nobody knows when
        _failed("inc-1", fix_kind="set_cpu"),
        _failed("inc-1", object_key="Deployment/shop/api"),
    )
    hours = {"inc-1": 1, "inc-2": 2, "inc-3": 4}
    similar = tuple(
        SimilarIncident(incident_id=name, similarity=0.9, at=NOW + timedelta(hours=hour))
        for name, hour in hours.items()
    )
    given = {"failed_patterns": (*lifted_ones, *others), "similar_incidents": similar}
    bundle = Cluster().bundle().model_copy(update=given)
    assert without_lifted(bundle, [lifted(3)]).failed_patterns == others
    assert without_lifted(bundle, []) is bundle
    assert without_lifted(bundle, [lifted(3, cluster="test")]).failed_patterns == (
        lifted_ones[1],
        *others,
    )
