"""What plans of scheduling, admission, probes and autoscaling reckon: room on nodes, quotas, patience, ceilings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core import diagnose
from decide.core.families.autoscaling.rules import above_target
from decide.core.families.probes.asking import patience_s
from decide.core.families.scheduling.rules import tally
from decide.core.view import ClusterView
from schemas.plans import ActionPlan, FieldChange
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


def _broken(fault: str) -> tuple[Cluster, str]:
    cluster = Cluster(8)
    app = cluster.app()
    FAULTS[fault](cluster, app)
    return cluster, app


def _plan(cluster: Cluster, kind: str) -> ActionPlan:
    return next(p for p in diagnose(cluster.bundle()).plans if p.fix_kind == kind)


def _fields(plan: ActionPlan) -> list[FieldChange]:
    return [f for c in plan.kubernetes_changes for f in c.fields]


@pytest.mark.parametrize(("taken", "asked"), [("0", "2"), ("1", "1500m"), ("3", "500m")])
def test_a_request_is_lowered_to_half_of_what_other_pods_leave_of_a_node(
    taken: str, asked: str
) -> None:
    cluster, _ = _broken("insufficient_cpu")
    for node in cluster.objects["nodes"]:
        cluster.objects["pods"].append(
            {
                "metadata": {"name": cluster.word(), "namespace": "elsewhere"},
                "spec": {
                    "nodeName": node["metadata"]["name"],
                    "containers": [{"resources": {"requests": {"cpu": taken}}}],
                },
            }
        )
    [change] = _fields(_plan(cluster, "set_cpu"))
    assert (change.before, change.after) == ("64", asked)


def test_no_request_is_lowered_where_other_pods_leave_nothing() -> None:
    cluster, _ = _broken("insufficient_cpu")
    for node in cluster.objects["nodes"]:
        node["status"]["allocatable"]["cpu"] = "0"
    assert [p for p in diagnose(cluster.bundle()).plans if p.fix_kind == "set_cpu"] == []


@pytest.mark.parametrize(("value", "taint"), [("other", "team=other"), ("", "team")])
def test_a_taint_is_written_as_kubectl_writes_it(value: str, taint: str) -> None:
    cluster, _ = _broken("taint_not_tolerated")
    for node in cluster.objects["nodes"]:
        node["spec"]["taints"] = [{"key": "team", "value": value, "effect": "NoSchedule"}]
    plan = _plan(cluster, "set_scheduling")
    assert plan.title == f"Tolerate {taint}:NoSchedule"
    [change] = _fields(plan)
    [added] = change.after
    assert added.get("value", "") == value
    assert added["operator"] == ("Equal" if value else "Exists")


@given(st.dictionaries(st.sampled_from(["Insufficient cpu", "Too many pods"]), st.integers(1, 99)))
def test_the_scheduler_s_reasons_are_counted(reasons: dict[str, int]) -> None:
    listed = ", ".join(f"{n} {reason}" for reason, n in reasons.items())
    text = f"0/99 nodes are available: {listed}. preemption: 0/99 nodes are available: 7 Too many pods."
    assert tally(text) == reasons


@pytest.mark.parametrize(
    ("used", "asked", "hard", "new"),
    [("2", "1", "2", "4"), ("500m", "250m", "500m", "825m"), ("10", "2", "11", "14")],
)
def test_a_quota_is_raised_to_what_is_missing_and_a_tenth_more(
    used: str, asked: str, hard: str, new: str
) -> None:
    cluster = Cluster(8)
    app = cluster.app()
    cluster.objects["resourcequotas"].append(
        {
            "kind": "ResourceQuota",
            "metadata": {"name": "team", "namespace": cluster.namespace},
            "spec": {"hard": {"requests.cpu": hard}},
        }
    )
    said = f"requested: requests.cpu={asked}, used: requests.cpu={used}"
    cluster.refused(app, f"exceeded quota: team, {said}, limited: requests.cpu={hard}")
    [change] = _fields(_plan(cluster, "set_quota"))
    assert (change.before, change.after) == (hard, new)


@pytest.mark.parametrize("status", ["500", "503", "429"])
def test_a_program_that_answers_with_an_error_has_no_wrong_probe(status: str) -> None:
    cluster, _ = _broken("readiness_probe_path")
    for event in cluster.objects["events"]:
        event["message"] = event["message"].replace("404", status)
    view = ClusterView(cluster.bundle())
    diagnosis = diagnose(view.bundle)
    assert diagnosis.analysis is not None
    named = [h.failure_class for h in diagnosis.analysis.hypotheses]
    assert [one for one in named if "_probe_" in one] == []


@given(st.integers(0, 600), st.integers(1, 60), st.integers(1, 30))
def test_a_probe_s_patience_is_its_delay_and_each_of_its_failures(
    delay: int, period: int, failures: int
) -> None:
    probe = {
        "initialDelaySeconds": delay,
        "periodSeconds": period,
        "failureThreshold": failures,
    }
    assert patience_s(probe) == delay + period * failures
    assert patience_s({}) == 30


@given(now=st.integers(0, 400), target=st.integers(1, 100))
def test_a_metric_is_above_its_target_only_when_it_is_larger(now: int, target: int) -> None:
    scaler = {
        "spec": {
            "metrics": [{"resource": {"name": "cpu", "target": {"averageUtilization": target}}}]
        },
        "status": {
            "currentMetrics": [
                {"resource": {"name": "memory", "current": {"averageUtilization": 999}}},
                {"resource": {"name": "cpu", "current": {"averageUtilization": now}}},
            ]
        },
    }
    found = above_target(scaler)
    assert (found is not None) == (now > target)
    assert found is None or (found.metric, found.now, found.target) == ("cpu", now, target)


@pytest.mark.parametrize(("now", "new"), [(71, 5), (105, 6), (700, 8)])
def test_a_ceiling_rises_by_how_far_the_metric_stands_above_its_target_at_most_double(
    now: int, new: int
) -> None:
    cluster, _ = _broken("autoscaler_at_ceiling")
    for scaler in cluster.objects["horizontalpodautoscalers"]:
        for metric in scaler["status"]["currentMetrics"]:
            metric["resource"]["current"]["averageUtilization"] = now
    plan = _plan(cluster, "set_autoscaler_bounds")
    [change] = _fields(plan)
    assert (change.before, change.after) == (4, new)
    assert "no pod restarts" in plan.estimated_time
