"""Ways from callers to callees: through which Service, at which port, and what a line of a log names."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.links import (
    TROUBLE,
    links,
    peer_of,
    pod_port,
    refused,
    service_key,
    services_in,
    troubles,
)
from decide.core.netpol import Peer
from decide.core.view import ClusterView
from tests.support.decide.views import SHOP, deployment, env, log, pod, service, view_of, workload

Obj = dict[str, Any]
REFUSED = "dial tcp {}: connect: connection refused"


def ported(*ports: Obj) -> Obj:
    return {"name": "main", "ports": list(ports)}


def shop(*lines: str, container: Obj | None = None, **objects: list[Obj]) -> ClusterView:
    """``web`` with ``container`` and log ``lines``; ``db``, ``cache`` and the bank's ``db`` stand beside it."""
    given = {
        "deployments": [
            deployment("web", SHOP, container or {"name": "main"}),
            deployment("db", SHOP, ported({"name": "sql", "containerPort": 5432})),
            deployment("cache"),
            deployment("db", "bank"),
        ],
        "services": [
            service(
                "db", SHOP, {"port": 80, "targetPort": "sql"}, {"port": 81}, clusterIP="10.0.0.1"
            ),
            service("cache", SHOP, clusterIP="None"),
            service("web"),
            service("db", "bank"),
        ],
        "pods": [
            pod("cache-0", labels={"app": "cache"}, ip="10.2.0.2"),
            pod("cache-1", labels={"app": "cache"}, ip="10.2.0.3"),
        ],
    }
    return view_of(given | objects, logs=(log("", *lines, service="web"),) if lines else ())


def ways(view: ClusterView) -> list[tuple[str, str, int | None, int | None]]:
    """Caller, callee, the Service's port and the pods' port."""
    return [(k.caller.name, k.callee.ref.key, k.port, k.pod_port) for k in links(view)]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("db:80", [("web", "Deployment/shop/db", 80, 5432)]),
        ("db:81", [("web", "Deployment/shop/db", 81, 81)]),
        ("db:99", [("web", "Deployment/shop/db", 99, None)]),
        ("db.shop:80", [("web", "Deployment/shop/db", 80, 5432)]),
        ("db.shop.svc:80", [("web", "Deployment/shop/db", 80, 5432)]),
        ("http://cache/x", [("web", "Deployment/shop/cache", None, 80)]),
        ("cache:1234", [("web", "Deployment/shop/cache", 1234, 80)]),
        ("web:80", []),
        ("stranger:80", []),
        ("db.example.com:80", []),
        ("db.bank:80", [("web", "Deployment/bank/db", 80, 80)]),
    ],
)
def test_a_configured_address_is_a_way(
    value: str, found: list[tuple[str, str, int | None, int | None]]
) -> None:
    assert ways(shop(container=env(A=value))) == found


def test_each_way_is_told_once_for_each_port() -> None:
    line = REFUSED.format("db")
    view = shop(line, container=env(A="db:80", B="db.shop:80", C="db:81", D="cache:80"))
    assert ways(view) == [
        ("web", "Deployment/shop/db", 80, 5432),
        ("web", "Deployment/shop/db", 81, 81),
        ("web", "Deployment/shop/cache", 80, 80),
    ], "the line about db tells no port, and db is called already"


def test_every_workload_behind_a_service_is_a_callee() -> None:
    apps = [
        deployment("web", SHOP, env(A="both:80")),
        deployment("one", labels={"app": "x"}),
        deployment("two", labels={"app": "x"}),
    ]
    view = shop(deployments=apps, services=[service("both", selector={"app": "x"})])
    assert [callee for _, callee, _, _ in ways(view)] == [
        "Deployment/shop/one",
        "Deployment/shop/two",
    ]


@pytest.mark.parametrize(
    ("signal", "line"),
    [
        ("timeout", "dial tcp db:80: i/o timeout"),
        ("reset", "read db: connection reset by peer"),
        ("connection_refused", "connect db: connection refused"),
        ("mesh_denied", "db said RBAC: access denied"),
        ("mesh_flag", "db: no healthy upstream"),
        ("upstream_error", "GET http://db/ returned 503"),
        ("certificate", "db: certificate has expired"),
        ("db_link_failure", "Communications link failure db"),
        ("broker_down", "NoBrokersAvailable db"),
        ("cache_down", "CLUSTERDOWN at db"),
    ],
)
def test_a_line_about_a_failed_connection_is_a_way_too(signal: str, line: str) -> None:
    view = shop(line)
    assert [h.signal for h in view.hits(workload(view, "web"))][:1] == [signal]
    assert [(c, k) for c, k, _, _ in ways(view)] == [("web", "Deployment/shop/db")]
    assert signal in TROUBLE


@pytest.mark.parametrize("line", ["db: permission denied", "panic: db", "hello db"])
def test_a_line_about_something_else_is_none(line: str) -> None:
    assert ways(shop(line)) == []


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("to db", ["shop/db"]),
        ("to DB:80 and cache", ["shop/db", "shop/cache"]),
        ("to db, then db again", ["shop/db"]),
        ("to db.shop.svc.cluster.local", ["shop/db"]),
        ("to db.bank.svc", ["bank/db"]),
        ("to cache.bank", ["shop/cache"]),
        ("to 10.0.0.1:80", ["shop/db"]),
        ("to 10.2.0.2 and 10.2.0.3", ["shop/cache"]),
        ("to 10.0.0.1 alias db", ["shop/db"]),
        ("to 10.9.9.9", []),
        ("to dbs", []),
        ("to None", []),
        ("", []),
    ],
)
def test_the_services_that_a_line_names(line: str, named: list[str]) -> None:
    found = services_in(shop(), SHOP, line)
    assert [f"{s['metadata']['namespace']}/{s['metadata']['name']}" for s in found] == named


def test_a_bare_name_means_the_namespace_of_who_says_it() -> None:
    (found,) = services_in(shop(), "bank", "to db")
    assert found["metadata"]["namespace"] == "bank"


def test_every_cluster_ip_is_an_address_and_comes_before_a_pods() -> None:
    twin = service("twin", selector={}, clusterIPs=["10.2.0.2", "fd00"])
    view = shop(services=[twin, service("cache")])
    assert [service_key(s) for s in services_in(view, SHOP, "10.2.0.2")] == ["Service/shop/twin"]
    assert [service_key(s) for s in services_in(view, SHOP, "10.2.0.3")] == ["Service/shop/cache"]


def test_a_pods_address_is_that_of_the_first_service_that_selects_it() -> None:
    view = shop(services=[service("cache"), service("more", selector={"app": "cache"})])
    assert [service_key(s) for s in services_in(view, SHOP, "10.2.0.2")] == ["Service/shop/cache"]


def test_troubles_of_a_way_are_the_callers_lines_that_name_its_service() -> None:
    lines = (
        REFUSED.format("db:80"),
        REFUSED.format("cache:80"),
        "dial tcp db:80: i/o timeout",
        "panic: db",
    )
    view = shop(*lines, container=env(A="db:80"))
    link = links(view)[0]
    assert [h.line for h in troubles(view, link, "connection_refused")] == [lines[0]]
    both = troubles(view, link, "connection_refused", "timeout")
    assert [h.line for h in both] == [lines[0], lines[2]]
    assert troubles(view, link, "reset") == []
    assert troubles(view, link) == []


def test_a_line_that_names_several_services_is_a_trouble_of_each() -> None:
    line = "cache and db: connection refused"
    view = shop(line, container=env(A="db:80", B="cache:80"))
    for link in links(view):
        assert [h.line for h in troubles(view, link, "connection_refused")] == [line]
    assert len(links(view)) == 2


NAMED_PORTS = ported({"name": "sql", "containerPort": 5432}, {"name": "web", "containerPort": 8080})


@pytest.mark.parametrize(
    ("ports", "asked", "found"),
    [
        ([{"port": 80, "targetPort": 8080}], 80, 8080),
        ([{"port": 80, "targetPort": "8080"}], 80, 8080),
        ([{"port": 80, "targetPort": "web"}], 80, 8080),
        ([{"port": 80, "targetPort": "sql"}], 80, 5432),
        ([{"port": 80, "targetPort": "none"}], 80, None),
        ([{"port": 80}], 80, 80),
        ([{"port": 80, "targetPort": 8080}], 99, 8080),
        ([{"port": 80, "targetPort": 8080}], None, 8080),
        ([{"port": 80, "targetPort": 1}, {"port": 81, "targetPort": 2}], 81, 2),
        ([{"port": 80, "targetPort": 1}, {"port": 81, "targetPort": 2}], 99, None),
        ([{"port": 80, "targetPort": 1}, {"port": 81, "targetPort": 2}], None, None),
        ([], 80, None),
        ([{}], 80, None),
    ],
)
def test_the_pods_port_behind_a_services_port(
    ports: list[Obj], asked: int | None, found: int | None
) -> None:
    view = view_of({"deployments": [deployment("web", SHOP, {"name": "side"}, NAMED_PORTS)]})
    chosen = {"spec": {"ports": ports}}
    assert pod_port(chosen, asked, workload(view, "web")) == found


def test_a_policy_sees_a_workload_as_its_first_pod() -> None:
    app = deployment(
        "web", SHOP, ported({"name": "http", "containerPort": 80}, {"containerPort": 81})
    )
    pods = [
        pod("a", labels={"app": "web", "x": "y"}, ip="10.0.0.5"),
        pod("b", labels={"app": "web"}, ip="10.0.0.6"),
    ]
    view = view_of({"deployments": [app], "pods": pods})
    assert peer_of(workload(view, "web")) == Peer(
        SHOP, {"app": "web", "x": "y"}, "10.0.0.5", (("http", 80),)
    )
    view = view_of({"deployments": [app]})
    assert peer_of(workload(view, "web")) == Peer(SHOP, {"app": "web"}, "", (("http", 80),))
    view = view_of({"deployments": [app], "pods": [pod("a", labels={"app": "web"})]})
    assert peer_of(workload(view, "web")).ip == ""


def test_lines_of_all_callers_whose_connection_to_a_service_was_refused() -> None:
    lines = (
        "connect db: connection refused",
        "connect cache: connection refused",
        "db: i/o timeout",
    )
    view = shop(*lines)
    for name, told in (("db", [lines[0]]), ("cache", [lines[1]]), ("web", [])):
        assert [h.line for h in refused(view, service(name))] == told
    assert refused(view, service("db", "bank")) == []


def test_several_callers_are_heard_in_the_order_of_workloads() -> None:
    apps = [deployment("web"), deployment("api"), deployment("db")]
    logs = tuple(
        log("", f"{name} to db: connection refused", service=name) for name in ("api", "web")
    )
    view = view_of({"deployments": apps, "services": [service("db")]}, logs=logs)
    assert [h.line.split()[0] for h in refused(view, service("db"))] == ["web", "api"]
