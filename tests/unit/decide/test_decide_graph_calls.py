"""Who calls whom: which texts are addresses, what an address means, which edges come of them."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.graph import Address, addresses_of, calls, reachable, service_name
from tests.support.decide.views import (
    SHOP,
    deployment,
    env,
    meta,
    pod,
    service,
    view_of,
    workload,
)

Obj = dict[str, Any]


def read(key: str, value: str) -> list[tuple[str, int | None]]:
    """Hosts and ports that one environment variable names."""
    view = view_of({"deployments": [deployment("web", SHOP, env(**{key: value}))]})
    return [(a.host, a.port) for a in addresses_of(view, workload(view, "web"))]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("db:5432", [("db", 5432)]),
        ("db.bank.svc:5432", [("db.bank.svc", 5432)]),
        ("postgres://user:word@db:5432/shop", [("db", 5432)]),
        ("postgres://user:word@db.bank:5432", [("db.bank", 5432)]),
        ("http://db:80", [("db", 80)]),
        ("jdbc:mysql://db:3306/shop", [("db", 3306)]),
        ("a:9092,b:9093", [("a", 9092), ("b", 9093)]),
        ("a:9092, b:9093;c:9094", [("a", 9092), ("b", 9093), ("c", 9094)]),
        ("host={db:5432}", [("db", 5432)]),
        ("tcp(db:3306)", [("db", 3306)]),
        ("--to=db:80?x=1", [("db", 80)]),
        ('"db:80"', [("db", 80)]),
        ("db:80 db:81", [("db", 80)]),
        ("http://db/health", [("db", None)]),
        ("http://db", [("db", None)]),
        ("http://user:word@db/x", [("db", None)]),
        ("http://db,http://api", [("db", None), ("api", None)]),
        ("http://db:80/x http://db/y", [("db", 80)]),
        ("http://api/x db:80", [("db", 80), ("api", None)]),
        ("localhost:80", []),
        ("http://localhost/x", []),
        ("http://localhost/x http://db/y", [("db", None)]),
        ("localhost:80,db:81", [("db", 81)]),
        ("db:5", []),
        ("db:123456", []),
        ("db:99999", [("db", 99999)]),
        ("db", []),
        ("Db:80", []),
        ("9db:80", []),
        ("xdb:80y", []),
    ],
)
def test_addresses_in_a_text(value: str, found: list[tuple[str, int | None]]) -> None:
    assert read("SETTING", value) == found


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("HOST", True),
        ("DB_HOST", True),
        ("DB_HOSTS", True),
        ("db_host", True),
        ("DB_HOSTNAME", True),
        ("DB_ADDR", True),
        ("DB_ADDRESS", True),
        ("DB_ENDPOINT", True),
        ("DB_SERVER", True),
        ("DB_SERVICE", True),
        ("DB_URL", True),
        ("DB_URI", True),
        ("DB_NAME", False),
        ("DB_HOST_NAME", False),
        ("GHOST", False),
    ],
)
def test_a_bare_name_is_an_address_where_the_variable_says_so(key: str, named: bool) -> None:
    assert read(key, "db") == ([("db", None)] if named else [])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("db.bank.svc", [("db.bank.svc", None)]),
        ("localhost", []),
        ("a db", []),
        ("", []),
        ("db:80", [("db", 80)]),
        ("Db", []),
    ],
)
def test_what_is_no_bare_name_is_read_as_any_text(
    value: str, found: list[tuple[str, int | None]]
) -> None:
    assert read("DB_HOST", value) == found


@pytest.mark.parametrize(("length", "found"), [(2000, 1), (2001, 0)])
def test_a_text_of_more_than_2000_characters_is_no_address(length: int, found: int) -> None:
    assert len(read("X", "db:80 ".ljust(length, "x"))) == found


def test_an_address_tells_where_it_stands() -> None:
    init = {"name": "wait", "env": [{"name": "DB", "value": "db:5432"}]}
    app = deployment("web", SHOP, env(API_HOST="api"))
    app["spec"]["template"]["spec"]["initContainers"] = [init]
    view = view_of({"deployments": [app]})
    assert addresses_of(view, workload(view, "web")) == [
        Address(
            "db", 5432, "initContainers[name=wait].env[name=DB].value", "DB", "db:5432", "wait"
        ),
        Address(
            "api", None, "containers[name=main].env[name=API_HOST].value", "API_HOST", "api", "main"
        ),
    ]


CONFIG = {
    "kind": "ConfigMap",
    "metadata": meta("settings"),
    "data": {"DB": "db:5432", "API_HOST": "api", "PAGES": "x:80 ".ljust(500), "N": 5},
}


def configured(container: Obj, config: Obj = CONFIG) -> list[Address]:
    view = view_of({"deployments": [deployment("web", SHOP, container)], "configmaps": [config]})
    return addresses_of(view, workload(view, "web"))


def key_ref(name: str, key: str) -> Obj:
    source = {"configMapKeyRef": {"name": name, "key": key}}
    return {"name": "main", "env": [{"name": "UPSTREAM", "valueFrom": source}]}


def test_a_value_from_a_config_map_is_an_address_with_the_place_it_comes_from() -> None:
    assert configured(key_ref("settings", "DB")) == [
        Address("db", 5432, "", "UPSTREAM", "db:5432", "main", "settings", "DB")
    ]


@pytest.mark.parametrize(
    "container", [key_ref("settings", "NONE"), key_ref("others", "DB"), key_ref("settings", "N")]
)
def test_what_a_config_map_does_not_hold_is_no_address(container: Obj) -> None:
    assert configured(container) == []


def test_a_secrets_value_is_no_address() -> None:
    source = {"secretKeyRef": {"name": "settings", "key": "DB"}}
    container = {"name": "main", "env": [{"name": "UPSTREAM", "valueFrom": source}]}
    assert configured(container) == []


def test_every_key_of_a_config_map_that_becomes_the_environment_is_read() -> None:
    container = {
        "name": "main",
        "envFrom": [{"secretRef": {"name": "settings"}}, {"configMapRef": {"name": "settings"}}],
    }
    assert configured(container) == [
        Address("db", 5432, "", "DB", "db:5432", "main", "settings", "DB"),
        Address("api", None, "", "API_HOST", "api", "main", "settings", "API_HOST"),
    ]
    assert configured({"name": "main", "envFrom": [{"configMapRef": {"name": "others"}}]}) == []


@pytest.mark.parametrize(("length", "found"), [(499, 1), (500, 0)])
def test_a_value_of_500_characters_is_a_file_and_not_read_for_addresses(
    length: int, found: int
) -> None:
    config = {**CONFIG, "data": {"DB": "db:80 ".ljust(length, "x")}}
    all_keys = {"name": "main", "envFrom": [{"configMapRef": {"name": "settings"}}]}
    assert len(configured(all_keys, config)) == found
    assert len(configured(key_ref("settings", "DB"), config)) == found


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("web", (SHOP, "web")),
        ("web.", (SHOP, "web")),
        ("web.bank.svc", ("bank", "web")),
        ("web.bank.svc.cluster.local", ("bank", "web")),
        ("web.bank.svc.cluster.local.", ("bank", "web")),
        ("db-0.db.bank.svc", ("bank", "db")),
        ("web.svc", None),
        ("svc.web", None),
        ("web.bank", None),
        ("example.com", None),
        ("www.example.com", None),
    ],
)
def test_what_a_host_means_inside_the_cluster(host: str, meant: tuple[str, str] | None) -> None:
    assert service_name(host, SHOP) == meant


def chain(*edges: tuple[str, str], **objects: list[Obj]) -> dict[str, set[str]]:
    """Workloads whose environment names others' Services: caller's name to callees' names."""
    names = dict.fromkeys(name for edge in edges for name in edge)
    apps = [
        deployment(
            name, SHOP, env(**{f"A{n}": f"{b}:80" for n, (a, b) in enumerate(edges) if a == name})
        )
        for name in names
    ]
    view = view_of({"deployments": apps, "services": [service(name) for name in names]} | objects)
    return {
        caller.rpartition("/")[2]: {callee.rpartition("/")[2] for callee in callees}
        for caller, callees in calls(view).items()
    }


def test_every_workload_has_its_own_callees_and_only_those() -> None:
    found = chain(("front", "api"), ("api", "db"), ("front", "cache"), ("api", "cache"))
    assert found == {
        "front": {"api", "cache"},
        "api": {"db", "cache"},
        "db": set(),
        "cache": set(),
    }


def test_nobody_calls_itself() -> None:
    assert chain(("api", "api"), ("api", "db")) == {"api": {"db"}, "db": set()}


def edges(host: str, *, namespace: str = "", more: dict[str, list[Obj]] | None = None) -> set[str]:
    """Keys of what the shop's ``web`` calls, that knows ``host``."""
    apps = [
        deployment("web", SHOP, env(X=f"{host}:80")),
        deployment("db", SHOP),
        deployment("db", "bank"),
        deployment("till", "bank"),
    ]
    services = [service("db", "bank"), service("desk", "bank", selector={"app": "till"})]
    view = view_of({"deployments": apps, "services": services, **(more or {})}, namespace=namespace)
    return calls(view)["Deployment/shop/web"]


@pytest.mark.parametrize(
    ("host", "called"),
    [
        ("db", {"Deployment/shop/db"}),
        ("db.bank.svc", {"Deployment/bank/db"}),
        ("desk.bank.svc.cluster.local", {"Deployment/bank/till"}),
        ("desk", set()),
        ("db.svc", {"Deployment/shop/db"}),
        ("primary.db", {"Deployment/shop/db"}),
        ("db.example.com", {"Deployment/shop/db"}),
        ("node-1.pool.db", {"Deployment/shop/db"}),
        ("pool.db.example.com", set()),
        ("example.com", set()),
    ],
)
def test_a_host_leads_to_the_workload_behind_its_name(host: str, called: set[str]) -> None:
    assert edges(host) == called


def told(given: object, namespace: str = SHOP) -> dict[str, set[str]]:
    names = ("front", "api", "db", "cache", "queue")
    view = view_of(
        {"deployments": [deployment(name) for name in names]},
        namespace=namespace,
        extra={"service_dependencies": given},
    )
    return {
        caller.rpartition("/")[2]: {c.rpartition("/")[2] for c in callees}
        for caller, callees in calls(view).items()
        if callees
    }


def test_a_service_map_is_a_tree_below_each_service() -> None:
    tree = "front\n├── api\n│   ├── db\n│   └── cache\n└── queue\n"
    assert told({"front": tree}) == {"front": {"api", "queue"}, "api": {"db", "cache"}}


def test_a_branch_of_a_service_map_ends_where_the_indent_goes_back() -> None:
    tree = "├── api\n│   └── db\n│       └── cache\n└── queue"
    assert told({"front": tree}) == {"front": {"api", "queue"}, "api": {"db"}, "db": {"cache"}}


def test_a_service_map_may_be_a_list_of_callees() -> None:
    assert told({"front": ["api", "db"], "api": "└── cache"}) == {
        "front": {"api", "db"},
        "api": {"cache"},
    }


@pytest.mark.parametrize("given", [None, "├── api", ["front"], {"front": "nothing below"}])
def test_what_is_no_service_map_says_nothing(given: object) -> None:
    assert told(given) == {}


def test_names_that_nobody_knows_and_a_service_below_itself_are_no_edges() -> None:
    assert told({"front": ["front", "stranger", "api"], "stranger": ["db"]}) == {"front": {"api"}}


def test_told_edges_come_on_top_of_those_of_the_configuration() -> None:
    apps = [deployment("front", SHOP, env(X="api:80")), deployment("api"), deployment("db")]
    view = view_of({"deployments": apps}, extra={"service_dependencies": {"front": ["db"]}})
    assert calls(view)["Deployment/shop/front"] == {"Deployment/shop/api", "Deployment/shop/db"}


def test_a_told_name_may_be_a_pods() -> None:
    pods = [pod("db-0", owner=("StatefulSet", "db"), labels={"app": "db"})]
    sets = [{"kind": "StatefulSet", "metadata": meta("db"), "spec": {}}]
    view = view_of(
        {"deployments": [deployment("front")], "statefulsets": sets, "pods": pods},
        extra={"service_dependencies": {"front": ["db-0"]}},
    )
    assert calls(view)["Deployment/shop/front"] == {"StatefulSet/shop/db"}


FAILED, FINE = "Connection Failed: timed out", "Connection Success"


@pytest.mark.parametrize(
    ("tests", "verdict"),
    [
        ({"web:80": FINE}, True),
        ({"web:80": FAILED}, False),
        ({"web.shop.svc:80": FAILED}, False),
        ({"web": f"Debug Pod a {FINE} Debug Pod b {FINE}"}, True),
        ({"web": f"Debug Pod a {FINE} Debug Pod b {FAILED}"}, None),
        ({"web:80": FINE, "web:81": FAILED}, None),
        ({"web:80": FINE, "api:81": FAILED}, True),
        ({"web:80": "no words about it"}, None),
        ({"api:80": FAILED}, None),
        ({}, None),
        (None, None),
        ("web", None),
    ],
)
def test_connectivity_tests_of_a_service_count_where_they_agree(
    tests: object, verdict: bool | None
) -> None:
    view = view_of({"services": [service("web")]}, extra={"service_connectivity": tests})
    assert reachable(view, service("web")) is verdict


def test_connectivity_of_a_namesake_in_another_namespace_is_not_told() -> None:
    view = view_of({}, extra={"service_connectivity": {"web:80": FAILED}})
    assert reachable(view, service("web", "bank")) is None
