"""A rollout explains missing replicas within its own pace, with its numbers; beyond that nobody is told that all is well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from decide.core import diagnose
from decide.core.deciding import Verdict
from tests.support.decide.clusters import AT, Cluster
from tests.support.decide.faults_symptoms import calm_bundle, newer_pod


def answer(*, minutes: float, probe: dict[str, Any] | None = None, named: bool = True) -> Verdict:
    cluster = Cluster(3)
    cluster.app("other")
    app = cluster.app("shop")
    if probe is not None:
        cluster.container(app)["readinessProbe"] = probe
    newer_pod(cluster, app, minutes=minutes)
    cluster.log(app, "loading 61%")
    pod = cluster.objects["pods"][-1]["metadata"]["name"]
    cluster.logs[-1] = cluster.logs[-1].model_copy(update={"pod": pod})
    title = f"{app if named else 'other'}: replicas unavailable"
    return diagnose(calm_bundle(cluster, {"alert": {"title": title}}))


def told(verdict: Verdict) -> str:
    assert verdict.analysis is not None
    return " ".join(
        (verdict.analysis.root_cause, *(e.statement for e in verdict.analysis.evidence))
    )


def test_within_its_pace_the_rollout_and_its_numbers_are_the_answer() -> None:
    verdict = answer(minutes=0.5)
    assert (verdict.status, verdict.reason) == ("no_action", "maintenance")
    assert "1 of 1 pods have the new template" in told(verdict)
    assert "30 s" in told(verdict)


@pytest.mark.parametrize(
    ("minutes", "probe", "status"),
    [
        (7, None, "needs_human"),
        (7, {"initialDelaySeconds": 480}, "no_action"),
        (7, {"failureThreshold": 60}, "no_action"),
        (
            11,
            {"failureThreshold": 60},
            "needs_human",
        ),  # the Deployment waits for progress ten minutes
    ],
)
def test_the_pace_is_what_the_probes_and_the_deployment_say(
    minutes: float, probe: dict[str, Any] | None, status: str
) -> None:
    assert answer(minutes=minutes, probe=probe).status == status


def test_beyond_its_pace_people_read_what_the_pod_said_last() -> None:
    verdict = answer(minutes=7)
    assert (verdict.status, verdict.plans) == ("needs_human", ())
    assert "loading 61%" in told(verdict)
    assert "7 min" in told(verdict)


def test_another_workload_s_rollout_is_not_what_the_alert_is_about() -> None:
    assert answer(minutes=7, named=False).reason == "healthy"


def test_a_rollout_that_missed_its_deadline_is_no_maintenance() -> None:
    cluster = Cluster(3)
    app = cluster.app("shop")
    pod = newer_pod(cluster, app, minutes=0.5)
    assert pod["metadata"]["creationTimestamp"] == (AT - timedelta(seconds=30)).isoformat()
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    cluster.get("deployments", app)["status"]["conditions"].append(late)
    verdict = diagnose(calm_bundle(cluster, {"alert": {"title": f"{app} is slow"}}))
    assert verdict.status != "no_action"


def test_a_rollout_under_way_says_nothing_of_an_alert_about_errors() -> None:
    cluster = Cluster(3)
    app = cluster.app("shop")
    newer_pod(cluster, app, minutes=0.5)
    verdict = diagnose(calm_bundle(cluster, {"alert": {"title": f"{app}: error rate is high"}}))
    assert verdict.status == "needs_human"


@pytest.mark.parametrize(("count", "status"), [(1, "needs_human"), (0, "no_action")])
def test_what_a_controller_says_it_lacks_is_no_health(count: int, status: str) -> None:
    cluster = Cluster(3)
    app = cluster.app("shop")
    cluster.get("deployments", app)["status"]["unavailableReplicas"] = count
    title = f"{app}: replicas unavailable"
    assert diagnose(calm_bundle(cluster, {"alert": {"title": title}})).status == status
