"""More memory is no answer where the same template lives on, or where the runtime does not see its limit."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from tests.support.decide.clusters import AT, Cluster

BLIND = "[0.001s][debug][os,container] controller memory is not enabled"


def killed(
    *, siblings: int = 0, lived: timedelta = timedelta(days=2), restarts: int = 0
) -> Cluster:
    cluster = Cluster(seed=8)
    app = cluster.app("victim")
    well = copy.deepcopy(cluster.pod(app))
    cluster.status(
        app,
        restartCount=9,
        state={"waiting": {"reason": "CrashLoopBackOff"}},
        lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    )
    cluster.get("deployments", app)["spec"]["replicas"] = 1 + siblings
    for n in range(siblings):
        pod = copy.deepcopy(well)
        pod["metadata"]["name"] += str(n)
        started = (AT - lived).isoformat()
        pod["status"]["containerStatuses"][0] |= {
            "state": {"running": {"startedAt": started}},
            "restartCount": restarts,
        }
        cluster.objects["pods"].append(pod)
    return cluster


def memory_of(verdict: Verdict) -> list[str]:
    return [plan.title for plan in verdict.plans if plan.fix_kind == "set_memory"]


def test_a_container_that_is_killed_everywhere_gets_more_memory() -> None:
    assert memory_of(diagnose(killed().bundle("victim")))


def test_one_of_many_does_not_and_what_differs_is_named() -> None:
    cluster = killed(siblings=2)
    verdict = diagnose(cluster.bundle("victim"))
    assert verdict.status == "needs_human"
    assert verdict.analysis is not None
    said = " ".join(e.statement for e in verdict.analysis.evidence)
    assert "2 other pods of the same template live on" in said
    assert cluster.pod("victim")["metadata"]["name"] in said


@pytest.mark.parametrize(
    "siblings",
    [
        {"siblings": 1},
        {"siblings": 2, "lived": timedelta(minutes=20)},
        {"siblings": 2, "restarts": 1},
    ],
)
def test_siblings_that_are_few_young_or_restarted_prove_nothing(
    siblings: dict[str, object],
) -> None:
    assert memory_of(diagnose(killed(**siblings).bundle("victim")))  # type: ignore[arg-type]


def test_a_jvm_that_does_not_see_its_limit_is_told_a_heap_and_gets_no_more_memory() -> None:
    cluster = killed()
    cluster.log("victim", BLIND, previous=True)
    verdict = diagnose(cluster.bundle("victim"))
    assert memory_of(verdict) == []
    (plan,) = (p for p in verdict.plans if p.fix_kind == "set_env")
    (change,) = plan.kubernetes_changes
    assert "-Xmx96m" in str([f.after for f in change.fields])  # three quarters of 128Mi


def test_a_jvm_that_was_told_a_heap_already_is_a_persons_matter() -> None:
    cluster = killed()
    cluster.container("victim")["env"] = [{"name": "JAVA_OPTS", "value": "-Xmx100m"}]
    cluster.log("victim", BLIND, previous=True)
    verdict = diagnose(cluster.bundle("victim"))
    assert [p for p in verdict.plans if p.fix_kind in ("set_env", "set_memory")] == []
