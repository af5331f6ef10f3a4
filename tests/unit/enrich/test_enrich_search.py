"""By which tags logs and metrics of an alert's subject are looked for: those that it has, and none invented."""

from __future__ import annotations

from typing import Any

import pytest

from enrich.core.names import named
from enrich.core.search import search_names
from schemas.base import ObjectRef

PLACE = {"kube_namespace": "shop", "kube_deployment": "api"}
SUBJECT = ObjectRef(kind="Deployment", namespace="shop", name="api")
UNIFIED = {"tags.datadoghq.com/service": "api-web", "tags.datadoghq.com/env": "prod"}


def deployment(
    labels: dict[str, str] | None = None, *environments: dict[str, str]
) -> dict[str, Any]:
    containers = [
        {"name": f"c{n}", "env": [{"name": k, "value": v} for k, v in env.items()]}
        for n, env in enumerate(environments)
    ]
    template = {"metadata": {"labels": labels or {}}, "spec": {"containers": containers}}
    place = {"namespace": "shop", "name": "api"}
    return {"deployments": [{"metadata": place, "spec": {"template": template}}]}


def names(tags: dict[str, str], objects: dict[str, Any] | None = None, **more: Any) -> Any:
    subject = SUBJECT if objects else None
    return search_names(named(tags), subject, tags, objects or {}, **more)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, {}),
        ({"service": "front"}, {"service": "front"}),
        (PLACE, PLACE),
        ({**PLACE, "service": "front"}, {**PLACE, "service": "front"}),
        ({"kube_service": "front", "app": "front"}, {}),
        (
            {"kube_namespace": "shop", "pod_name": "api-1"},
            {"kube_namespace": "shop", "pod_name": "api-1"},
        ),
        ({"env": "prod", "service": "a,b"}, {"env": "prod"}),
    ],
)
def test_a_name_that_nobody_says_is_left_out(
    tags: dict[str, str], expected: dict[str, str]
) -> None:
    assert names(tags) == expected


@pytest.mark.parametrize(
    ("objects", "service", "env"),
    [
        (deployment(UNIFIED), "api-web", "prod"),
        (deployment(None, {"DD_SERVICE": "api-web", "DD_ENV": "prod"}), "api-web", "prod"),
        (deployment(None, {"DD_SERVICE": "api-web"}, {"DD_SERVICE": "proxy"}), None, None),
        (deployment({"app": "api"}), None, None),
    ],
)
def test_a_workload_says_itself_how_its_telemetry_is_tagged(
    objects: dict[str, Any], service: str | None, env: str | None
) -> None:
    found = names(PLACE, objects)
    assert (found.get("service"), found.get("env")) == (service, env)


def test_the_alerts_own_tags_go_before_the_workloads() -> None:
    found = names({**PLACE, "service": "front", "env": "staging"}, deployment(UNIFIED))
    assert (found["service"], found["env"]) == ("front", "staging")


def test_the_cluster_is_the_tags_else_our_own() -> None:
    assert names(PLACE, cluster="prod-eu")["kube_cluster_name"] == "prod-eu"
    assert names({**PLACE, "kube_cluster_name": "eu-1"}, cluster="prod-eu")[
        "kube_cluster_name"
    ] == ("eu-1")


@pytest.mark.parametrize(
    ("tags", "query", "expected"),
    [
        ({}, "sum(last_5m):sum:trace.grpc.server.errors{service:a}.as_count() > 5", "grpc.server"),
        (
            {},
            "avg(last_5m):p95:trace.servlet.request{env:prod} by {service} > 1",
            "servlet.request",
        ),
        (
            {},
            'trace-analytics("service:a operation_name:web.request").rollup("count") > 1',
            "web.request",
        ),
        ({}, "sum:trace.a.request.hits{*} / sum:trace.b.request.hits{*}", "a.request,b.request"),
        ({"operation_name": "x.y"}, "sum:trace.a.request.hits{*}", "x.y"),
        ({}, "avg:kubernetes.cpu.usage.total{*}", None),
    ],
)
def test_the_operation_is_the_one_that_the_rule_watches(
    tags: dict[str, str], query: str, expected: str | None
) -> None:
    assert names(tags, query=query).get("operation_name") == expected
