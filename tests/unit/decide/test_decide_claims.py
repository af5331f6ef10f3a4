"""Nobody is told that nothing is wrong while the alert fires, unless what it claims was read and is well."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from schemas.context import Monitor, Series
from tests.support.decide.clusters import AT, Cluster

METRIC = "trace.aiohttp.request.errors"
QUERY = f"avg(last_5m):avg:{METRIC}{{service:a}} > 10"


def answer(
    title: str,
    *,
    state: str = "firing",
    bounded: bool = True,
    query: str = "",
    values: tuple[float, ...] = (),
    **monitor: Any,
) -> Verdict:
    cluster = Cluster(seed=9)
    app = cluster.app()
    if not bounded:
        cluster.container(app).pop("resources")
    bundle = cluster.bundle(app)
    said = Monitor(rule_id="7", query=query, overall_state="Alert", **monitor) if query else None
    times = tuple(AT.timestamp() - 60.0 * n for n in range(len(values), 0, -1))
    series = Series(metric=METRIC, tags={"service": "a"}, timestamps=times, values=values)
    return diagnose(
        bundle.model_copy(
            update={
                "alert": bundle.alert.model_copy(update={"title": title, "state": state}),
                "monitor": said,
                "metrics": (series,) if values else (),
            }
        )
    )


@pytest.mark.parametrize(
    "title",
    [
        "[Triggered] error rate of checkout is 98 %",
        "p95 latency of api > 2 s",
        "Synthetic test failed",
        "Something is wrong",
        "DNS time-outs",
        "Restarts after errors: 5xx of edge",
        "Pending payments are too many",
        "Evictions of the cache",
        "The API is not available",
    ],
)
def test_ready_pods_are_no_answer_to_what_only_a_measure_shows(title: str) -> None:
    _nobody_knows(answer(title), title)


def test_throttling_is_believed_where_a_limit_can_throttle_and_nowhere_else() -> None:
    title = "kubernetes.cpu.cfs.throttled.periods on discovery: CPU throttling"
    verdict = answer(title)
    assert verdict.analysis is not None
    assert (verdict.status, verdict.analysis.failure_class) == (
        "solution_proposed",
        "cpu_throttling",
    )
    _nobody_knows(answer(title, bounded=False), title)


def test_throttling_that_a_title_only_speaks_of_is_a_question_to_a_person() -> None:
    verdict = answer("CPU throttling on discovery")
    assert verdict.analysis is not None
    assert (verdict.status, verdict.analysis.failure_class) == ("needs_human", "cpu_throttling")
    assert verdict.plans == ()


def _nobody_knows(verdict: Verdict, title: str) -> None:
    assert (verdict.status, verdict.reason) == ("needs_human", "not_enough_evidence")
    assert verdict.analysis is not None
    assert title in verdict.analysis.root_cause
    assert "metrics, monitor" in verdict.analysis.root_cause


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Pods of shop are not ready", ""),
        ("CrashLoopBackOff in shop", ""),
        ("Some workloads are not available", ""),
        ("Pods of shop are pending", ""),
        ("shop", "max(last_5m):sum:kubernetes_state.deployment.replicas_unavailable{*} > 0"),
        ("errors?", "max(last_5m):max:kubernetes.containers.restarts{*} > 3"),
    ],
)
def test_what_statuses_show_is_answered_by_statuses(title: str, query: str) -> None:
    verdict = answer(title, query=query)
    assert (verdict.status, verdict.reason) == ("no_action", "healthy")


def test_a_measure_that_is_still_beyond_its_threshold_is_no_all_clear() -> None:
    assert answer("errors", query=QUERY, values=(0.0,) * 20 + (12.0,)).status == "needs_human"


def test_a_measure_that_came_back_is() -> None:
    verdict = answer("errors", query=QUERY, values=(12.0,) * 10 + (0.0,) * 3)
    assert (verdict.status, verdict.reason) == ("no_action", "recovered")
    assert "no more: 0" in verdict.explanation + str(verdict.analysis)


def test_a_measure_that_never_crossed_is_noise() -> None:
    verdict = answer("errors", query=QUERY, values=(10.0,) * 12)
    assert (verdict.status, verdict.reason) == ("no_action", "alert_noise")


@pytest.mark.parametrize(
    "query",
    [
        f"sum(last_5m):sum:{METRIC}{{*}}.as_count() > 10",
        f"avg(last_5m):sum:{METRIC}{{*}}.as_count() / sum:trace.aiohttp.request.hits{{*}}.as_count() > 10",
        f"avg(last_5m):anomalies(avg:{METRIC}{{*}}, 'basic', 2) >= 10",
        f"pct_change(avg(last_5m),last_1h):avg:{METRIC}{{*}} > 10",
    ],
)
def test_samples_are_not_compared_with_a_threshold_that_is_for_something_else(query: str) -> None:
    assert answer("errors", query=query, values=(1.0,) * 20).status == "needs_human"


@pytest.mark.parametrize("state", ["resolved", "unknown"])
def test_an_alert_that_does_not_fire_claims_nothing(state: str) -> None:
    assert answer("error rate", state=state).status == "no_action"


def test_the_monitor_that_says_ok_is_believed() -> None:
    cluster = Cluster(seed=9)
    bundle = cluster.bundle(cluster.app())
    said = Monitor(rule_id="7", query=QUERY, overall_state="OK")
    alert = bundle.alert.model_copy(update={"title": "error rate"})
    verdict = diagnose(bundle.model_copy(update={"alert": alert, "monitor": said}))
    assert (verdict.status, verdict.reason) == ("no_action", "recovered")


MEASURE = "rate(http_requests_total{code='500'}[5m])"


def ruled(
    query: str, *values: float, limit: float | None = 10.0, measure: str = MEASURE
) -> Verdict:
    """The answer to a rule whose own measure was read: series that answer its query as far as its comparison."""
    cluster = Cluster(seed=9)
    bundle = cluster.bundle(cluster.app())
    thresholds = {} if limit is None else {"critical": limit}
    times = tuple(AT.timestamp() - 60.0 * n for n in range(len(values), 0, -1))
    series = Series(metric="TooManyErrors", query=measure, timestamps=times, values=values)
    told = Monitor(
        rule_id="TooManyErrors", query=query, thresholds=thresholds, overall_state="Alert"
    )
    alert = bundle.alert.model_copy(update={"title": "errors", "state": "firing"})
    return diagnose(
        bundle.model_copy(update={"alert": alert, "monitor": told, "metrics": (series,)})
    )


@pytest.mark.parametrize(
    ("side", "values", "reason"),
    [
        (">", (9.0,) * 12, "alert_noise"),
        (">", (12.0,) * 9 + (0.0,) * 3, "recovered"),
        (">=", (12.0,) * 9 + (0.0,) * 3, "recovered"),
        ("<", (12.0,) * 12, "alert_noise"),
    ],
)
def test_a_rules_own_measure_tells_whether_it_is_well(
    side: str, values: tuple[float, ...], reason: str
) -> None:
    verdict = ruled(f"{MEASURE} {side} 10", *values)
    assert (verdict.status, verdict.reason) == ("no_action", reason)


@pytest.mark.parametrize(
    "verdict",
    [
        ruled(f"{MEASURE} > 10", *(0.0,) * 11, 12.0),
        ruled(f"{MEASURE} > 10", *(0.0,) * 5),
        ruled(f"{MEASURE} > 10", *(0.0,) * 12, limit=None),
        ruled(f"{MEASURE} == 10", *(0.0,) * 12),
        ruled(f"{MEASURE} > bool 10", *(0.0,) * 12),
        ruled(f"{MEASURE} and on () other > 10", *(0.0,) * 12),
        ruled(f"sum({MEASURE}) > 10", *(0.0,) * 12),
        ruled(f"{MEASURE} > 10", *(0.0,) * 12, measure=""),
    ],
    ids=["beyond", "few", "no number", "equal", "bool", "more than it", "another", "no question"],
)
def test_what_is_not_the_rules_own_measure_is_no_all_clear(verdict: Verdict) -> None:
    assert verdict.status == "needs_human"
