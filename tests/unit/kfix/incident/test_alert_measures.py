"""What an alert's rule compares is taken from its query, and what compares nothing has no measure."""

from __future__ import annotations

import pytest

from kfix.incident.alert_measures import is_beyond, monitor_query, of_group, value_of, watched
from schemas.alerts import Alert, FiredRule
from schemas.context import Monitor, Series
from schemas.plans import WatchedAlert

CPU = "avg:kubernetes.cpu.usage.total{env:prod} by {kube_deployment}"


@pytest.mark.parametrize(
    ("text", "window_s", "query", "side", "limit"),
    [
        (f"avg(last_10m):{CPU} > 5", 600, CPU, ">", 5.0),
        (f"max(last_1h):{CPU}>=1.5e9", 3600, CPU, ">=", 1.5e9),
        ("min(last_2d):avg:disk.free{*} < -3", 172_800, "avg:disk.free{*}", "<", -3.0),
        (
            "sum(last_5m):sum:a.errors{x:y}.as_count() / sum:a.hits{x:y}.as_count() > 0.05",
            300,
            "sum:a.errors{x:y}.as_count() / sum:a.hits{x:y}.as_count()",
            ">",
            0.05,
        ),
    ],
)
def test_a_metric_monitor_is_taken_apart(
    text: str, window_s: int, query: str, side: str, limit: float
) -> None:
    found = monitor_query(text)
    assert found is not None
    assert (found.window_s, found.query, found.side, found.limit) == (window_s, query, side, limit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1234 && 5678",
        f"avg(last_4h):anomalies({CPU}, 'agile', 2) >= 1",
        f"pct_change(avg(last_5m),last_5m):{CPU} > 50",
        'logs("status:error").index("*").rollup("count").last("5m") > 10',
        '"kubernetes_state.node.ready".over("*").by("host").last(4).count_by_status()',
        f"avg(last_10m):{CPU} > 5" + " " * 10_001,
    ],
)
def test_what_compares_no_measure_with_a_number_has_none(text: str) -> None:
    assert monitor_query(text) is None
    found = watched(Alert(source="datadog", rule=FiredRule(id="7", query=text)), None)
    assert (found.rule_id, found.measure, found.side, found.threshold) == ("7", "", "", None)
    assert is_beyond(found, 9.0) is None


def test_the_rule_that_was_read_counts_before_what_the_alert_says() -> None:
    alert = Alert(source="datadog", account="org", rule=FiredRule(id="7", query="old", group="a:b"))
    found = watched(alert, Monitor(rule_id="7", query=f"avg(last_10m):{CPU} > 5"))
    assert found == WatchedAlert(
        source="datadog",
        account="org",
        rule_id="7",
        group="a:b",
        query=f"avg(last_10m):{CPU} > 5",
        measure=CPU,
        side=">",
        threshold=5.0,
    )


def test_an_expression_of_prometheus_is_a_measure_and_a_number() -> None:
    alert = Alert(source="alertmanager", rule=FiredRule(id="CPUThrottlingHigh"))
    found = watched(
        alert, Monitor(rule_id="CPUThrottlingHigh", query="sum(a) / sum(b) > (25 / 100)")
    )
    assert (found.measure, found.side, found.threshold) == ("sum(a) / sum(b)", ">", 0.25)
    assert watched(alert, Monitor(query="a > 1 and b > 2")).measure == ""
    assert watched(alert, Monitor(query="a == 0")).measure == "", "no side is worse than another"


@pytest.mark.parametrize(
    ("side", "beyond", "fine"),
    [(">", 6.0, 5.0), (">=", 5.0, 4.9), ("<", 4.9, 5.0), ("<=", 5.0, 6.0)],
)
def test_a_value_is_beyond_on_the_side_of_trouble(side: str, beyond: float, fine: float) -> None:
    alert = WatchedAlert(side=side, threshold=5.0)  # type: ignore[arg-type]
    assert is_beyond(alert, beyond) is True
    assert is_beyond(alert, fine) is False


def series(*values: float | None, **tags: str) -> Series:
    return Series(metric="m", tags=tags, timestamps=tuple(range(len(values))), values=values)


def test_the_group_s_series_count_and_the_worst_of_them() -> None:
    found = of_group(
        [series(1, kube_deployment="api"), series(9, kube_deployment="web"), series(4)],
        "kube_deployment:API,kube_namespace:shop",
    )
    assert [one.values for one in found] == [(1,), (4,)]
    above, below = WatchedAlert(side=">"), WatchedAlert(side="<")
    two = [series(1, 3, None, 50), series(4, 6)]
    assert value_of(two, above, "avg", 0, 2) == 5
    assert value_of(two, below, "avg", 0, 2) == 2
    assert value_of(two, above, "max", 0, 3) == 50
    assert value_of(two, above, "sum", 0, 1) == 10
    assert value_of(two, above, "avg", 10, 20) is None
