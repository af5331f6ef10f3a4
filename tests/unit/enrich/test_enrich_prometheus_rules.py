"""Which alerting rule an alert is of, what it asks of Prometheus, and when a group is called well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kfix.incident.prometheus.labels import group_of, neutral
from kfix.incident.prometheus.rules import AlertingRule, monitor_of, rule_of
from sandbox.prometheus.promql import Sampled, compile_query
from schemas import errors
from schemas.alerts import Alert, FiredRule

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
SAID = {"namespace": "shop", "pod": "api-0", "severity": "warning"}


def alert(**labels: str) -> Alert:
    named = neutral({**SAID, "cluster": "eu-1", **labels})
    return Alert(
        source="alertmanager",
        state="firing",
        rule=FiredRule(id="Slow", group=group_of(named)),
        labels=named,
        happened_at=AT,
    )


def rule(query: str = "latency > 2", /, **more: Any) -> dict[str, Any]:
    return {
        "type": "alerting",
        "name": "Slow",
        "query": query,
        "labels": {"severity": "warning"},
        "annotations": {"summary": "{{ $labels.pod }} is slow"},
        "health": "ok",
        "state": "inactive",
        "lastEvaluation": "2026-11-24T09:05:00.123456789Z",
        "alerts": [],
    } | more


def active(state: str = "firing", **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": "Slow", **SAID, **labels}, "state": state}


def test_rules_of_one_name_are_told_apart_by_their_labels() -> None:
    critical = rule("latency > 9", labels={"severity": "critical"})
    assert rule_of(alert(), [critical, rule()]).query == "latency > 2"
    assert rule_of(alert(severity="critical"), [critical, rule()]).query == "latency > 9"
    assert rule_of(alert(), [rule(), rule()]).query == "latency > 2", "the same one twice"


def test_rules_of_one_name_are_told_apart_by_their_alerts() -> None:
    both = [rule("a > 1", alerts=[active()]), rule("b > 1", alerts=[active(pod="web-0")])]
    assert rule_of(alert(), both).query == "a > 1"
    assert rule_of(alert(pod="web-0"), both).query == "b > 1"


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([], "not_found"),
        ([rule(name="Other")], "not_found"),
        ([rule("a > 1"), rule("b > 1")], "ambiguous"),
    ],
)
def test_what_nobody_can_tell_is_not_found(rules: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(errors.NotFound) as failure:
        rule_of(alert(), rules)
    assert failure.value.reason == reason


def test_labels_that_are_filled_in_are_no_matter() -> None:
    templated = rule(labels={"severity": "warning", "team": "{{ $labels.team }}"})
    assert rule_of(alert(), [templated]).labels == {"severity": "warning"}


def states(said: dict[str, Any], *episodes: tuple[float, ...]) -> tuple[dict[str, str], str]:
    found = monitor_of(AlertingRule(said), alert(), episodes, "")
    return found.group_states, found.overall_state


OWN = "kube_cluster_name:eu-1,kube_namespace:shop,pod_name:api-0"
BEFORE = (AT.timestamp(),)


@pytest.mark.parametrize(
    ("said", "episodes", "own", "overall"),
    [
        (rule(alerts=[active()], state="firing"), (BEFORE,), "Alert", "Alert"),
        (rule(alerts=[active("pending")], state="pending"), (BEFORE,), "Warn", "Warn"),
        (rule(), (BEFORE,), "OK", "OK"),
        (rule(), (), None, ""),
        (rule(), ((),), None, ""),
        (rule(health="err"), (BEFORE,), None, "No Data"),
        (rule(health="unknown"), (BEFORE,), None, ""),
        (rule(lastEvaluation="2026-11-24T08:59:00Z"), (BEFORE,), None, ""),
        (rule(lastEvaluation="x"), (BEFORE,), None, ""),
        (rule(alerts=[active(pod="web-0")], state="firing"), (BEFORE,), "OK", "Alert"),
    ],
)
def test_when_a_group_is_well(
    said: dict[str, Any], episodes: tuple[tuple[float, ...], ...], own: str | None, overall: str
) -> None:
    groups, whole = states(said, *episodes)
    assert groups.get(OWN) == own
    assert whole == overall


def test_the_measure_is_asked_of_the_alerts_group_alone() -> None:
    told = AlertingRule(rule("sum by (namespace, pod) (x) > 2", alerts=[active()]))
    query = told.narrowed(alert())
    assert query.startswith("(sum by (namespace, pod) (x)) and on (namespace, pod) ")

    class Two:
        def named(self, metric: str) -> list[Any]:
            pods = ({"namespace": "shop", "pod": name} for name in ("api-0", "web-0"))
            return [Sampled(labels, lambda at: 3.0) for labels in pods] if metric == "x" else []

    ((labels, value),) = compile_query(query, Two())(0.0)
    assert (dict(labels)["pod"], value) == ("api-0", 3.0)


@pytest.mark.parametrize("pod", ['x"} or y{a="', "UPPER", "a b", "", "x" * 300])
def test_what_is_no_name_gets_into_no_query(pod: str) -> None:
    told = AlertingRule(rule(alerts=[active(pod=pod)]))
    assert told.place(alert(pod=pod)) == {"namespace": "shop"}
    assert pod not in told.narrowed(alert(pod=pod)) or not pod
    assert pod not in told.episodes(alert(pod=pod)) or not pod


def test_episodes_are_told_newest_first() -> None:
    found = monitor_of(
        AlertingRule(rule()), alert(), [(0.0, 60.0, 120.0, 7200.0), (3600.0,)], "https://p"
    )
    assert found.history == (
        "1970-01-01T02:00:00Z firing",
        "1970-01-01T01:00:00Z firing",
        "1970-01-01T00:00:00Z firing",
    )
    assert found.thresholds == {"critical": 2.0}
    assert found.url == "https://p/graph?g0.expr=latency+%3E+2&g0.tab=0"
