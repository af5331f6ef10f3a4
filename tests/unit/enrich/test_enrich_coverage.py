"""What an alert of a monitor would lead to, told from the monitor alone."""

from __future__ import annotations

from typing import Any

import pytest

from enrich.core.coverage import covered, grouped_by, totals
from kfix.incident.cluster_names import Fleet, Own
from schemas.context import Monitor, Silence

OWN, TWO = Fleet.of(Own("eu-1")), Fleet.of(Own("eu-1"), Own("us-1"))
METRIC = "avg(last_5m):avg:kubernetes.memory.usage{{{where}}}{by} > 1"


def monitor(query: str, **fields: Any) -> Monitor:
    return Monitor(**{"rule_id": "1", "name": "m", "type": "query alert", "query": query, **fields})


#: Query, type, tags: the route, the tags that name the subject, the tags that are missing.
CASES: list[tuple[str, str, tuple[str, ...], str, tuple[str, ...], tuple[str, ...]]] = [
    (
        METRIC.format(where="env:prod", by=" by {kube_namespace,kube_deployment}"),
        "query alert",
        (),
        "workload",
        ("kube_namespace", "kube_deployment"),
        (),
    ),
    (
        METRIC.format(where="*", by=" by {kube_namespace,kube_stateful_set}"),
        "metric alert",
        ("env:prod",),
        "workload",
        ("kube_namespace", "kube_stateful_set"),
        (),
    ),
    (
        METRIC.format(where="*", by=" by {kube_namespace,pod_name}"),
        "query alert",
        (),
        "workload",
        ("kube_namespace", "pod_name"),
        ("env",),
    ),
    (
        'logs("service:web status:error").index("*").rollup("count").by("service").last("5m") > 5',
        "log alert",
        ("env:staging",),
        "search",
        ("service",),
        ("kube_namespace",),
    ),
    (
        "sum(last_5m):sum:trace.http.request.errors{service:checkout,env:prod}.as_count() > 1",
        "query alert",
        (),
        "search",
        ("service",),
        ("kube_namespace",),
    ),
    (
        METRIC.format(where="kube_namespace:shop,service:web", by=""),
        "query alert",
        (),
        "search",
        ("kube_namespace", "service"),
        ("env",),
    ),
    (
        METRIC.format(where="env:prod", by=" by {kube_namespace}"),
        "query alert",
        (),
        "namespace",
        ("kube_namespace",),
        ("service",),
    ),
    (
        "avg(last_5m):avg:system.cpu.user{*} by {host} > 1",
        "query alert",
        (),
        "node",
        ("host",),
        ("service", "env"),
    ),
    (
        "avg(last_5m):sum:aws.elb.latency{*} > 1",
        "query alert",
        (),
        "nothing",
        (),
        ("service", "kube_namespace", "env"),
    ),
    (
        '"http.can_connect".over("url:https://shop.example.com/cart").by("*").last(2).count_by_status()',
        "service check",
        ("env:prod",),
        "address",
        ("url",),
        (),
    ),
]


@pytest.mark.parametrize(("query", "kind", "tags", "route", "on", "missing"), CASES)
def test_what_an_alert_would_name(
    query: str,
    kind: str,
    tags: tuple[str, ...],
    route: str,
    on: tuple[str, ...],
    missing: tuple[str, ...],
) -> None:
    found = covered(monitor(query, type=kind, tags=tags), OWN, webhook="kfix")
    assert (found.route, found.on, found.missing) == (route, on, missing)
    assert found.acts == (route in ("workload", "search", "address"))


@pytest.mark.parametrize(
    ("query", "groups"),
    [
        ("avg:a{b:c} by {x, y}.rollup(avg)", ("x", "y")),
        ("avg:a{*}by{x} / avg:b{*} by {x}", ("x",)),
        ('"a".over("b:c").by("x","y").last(2)', ("x", "y")),
        ("logs('a').by('x,y').last('5m')", ("x", "y")),
        ('"a".over("*").by("*").last(2)', ()),
        ("avg:standby{host:a}", ()),
    ],
)
def test_the_tags_that_a_query_groups_by(query: str, groups: tuple[str, ...]) -> None:
    assert grouped_by(query) == groups


def test_what_sums_up_others_leads_where_the_surest_of_them_does() -> None:
    composite = monitor("7 && 8", type="composite")
    assert covered(composite, OWN, webhook="kfix").route == "nothing"
    members = (
        monitor("avg(last_5m):avg:system.cpu.user{*} by {host} > 1", name="hosts"),
        monitor(
            METRIC.format(where="env:prod", by=" by {kube_namespace,kube_deployment}"),
            name="memory",
        ),
    )
    found = covered(composite, OWN, webhook="kfix", behind=members)
    assert (found.route, found.through) == ("workload", ("hosts", "memory"))
    assert found.missing == ()


def test_a_test_that_cannot_be_read_leads_by_the_address_that_it_calls() -> None:
    found = covered(monitor("no_query", type="synthetics alert"), OWN, webhook="kfix")
    assert (found.route, found.on) == ("address", ("url",))


@pytest.mark.parametrize(
    ("query", "own", "verdict", "acts"),
    [
        (METRIC.format(where="kube_cluster_name:us-1", by=" by {service}"), OWN, "foreign", False),
        (METRIC.format(where="kube_cluster_name:eu-1", by=" by {service}"), OWN, "ours", True),
        (METRIC.format(where="*", by=" by {kube_cluster_name,service}"), OWN, "ours", True),
        (METRIC.format(where="*", by=" by {service}"), OWN, "unnamed", True),
        (METRIC.format(where="*", by=" by {service}"), TWO, "unclaimed", False),
        (METRIC.format(where="kube_cluster_name:us-1", by=" by {service}"), TWO, "ours", True),
        (METRIC.format(where="*", by=" by {kube_cluster_name,service}"), TWO, "ours", True),
        (METRIC.format(where="*", by=" by {service}"), Fleet(), "unclaimed", False),
    ],
)
def test_only_alerts_of_our_cluster_lead_to_a_change(
    query: str, own: Fleet, verdict: str, acts: bool
) -> None:
    found = covered(monitor(query), own, webhook="kfix")
    assert (found.claim.verdict, found.acts) == (verdict, acts)
    assert ("kube_cluster_name" in found.missing) == (verdict == "unclaimed" and own is TWO)


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ("{{#is_alert}}@webhook-kfix{{/is_alert}}", True),
        ("@webhook-kfix.", True),
        ("@webhook-kfix @slack-ops", True),
        ("@webhook-kfix-staging", False),
        ("@webhook-kfixer", False),
        ("kfix", False),
        ("", False),
    ],
)
def test_whether_the_message_names_the_webhook(message: str, heard: bool) -> None:
    assert covered(monitor("x", message=message), OWN, webhook="kfix").heard == heard


def test_the_sums() -> None:
    found = [
        covered(
            monitor(query, type=kind, tags=tags, message="@webhook-kfix" if at % 2 else ""),
            OWN,
            webhook="kfix",
        )
        for at, (query, kind, tags, *_) in enumerate(CASES)
    ]
    found.append(covered(monitor("a", silences=(Silence(scope="*"),)), OWN, webhook="kfix"))
    sums = totals(found)
    assert (sums.monitors, sums.acting, sums.heard) == (11, 7, 5)
    assert sums.acting_and_heard == sum(one.acts and one.heard for one in found)
    assert sums.routes == {
        "workload": 3,
        "search": 3,
        "address": 1,
        "namespace": 1,
        "node": 1,
        "nothing": 2,
    }
    assert sums.missing == {"service": 4}
    assert [one.silenced for one in found] == [False] * 10 + [True]
