"""What is drafted for databases: a fuller claim, the right port."""

from __future__ import annotations

from typing import Any

from decide.core.families.dependencies import plans
from decide.core.families.dependencies.facts import FullDisk, WrongPort
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import (
    BACK,
    changed_lately,
    drafted,
    pod_spec,
    shop,
    workload_of,
)


def _claim(
    name: str, size: str, storage_class: str = "fast", phase: str = "Bound"
) -> dict[str, Any]:
    spec = {"storageClassName": storage_class, "resources": {"requests": {"storage": size}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": spec,
        "status": {"phase": phase},
    }


def _full(*claims: dict[str, Any], expands: Any = True) -> list[str]:
    cluster = shop()
    cluster.objects["persistentvolumeclaims"] = list(claims)
    cluster.objects["storageclasses"] = [
        {"metadata": {"name": "fast"}, "allowVolumeExpansion": expands},
        {"metadata": {"name": "slow"}},
    ]
    pod_spec(cluster)["volumes"] = [
        {"name": f"v{n}", "persistentVolumeClaim": {"claimName": name}}
        for n, name in enumerate(["gone", *(one["metadata"]["name"] for one in claims)])
    ]
    return drafted(plans.grown_claim, cluster, lambda w, _: FullDisk(workload=w))


def test_each_claim_that_may_grow_grows_by_half() -> None:
    assert _full(_claim("a", "10Gi"), _claim("b", "3Gi")) == [
        "set_volume 0.78 dependencies.claim.title claim=a size=15Gi",
        "  why dependencies.claim.why claim=a detail=seen size=10Gi",
        "  risk dependencies.claim.risk",
        "  risk drafting.risk.cost",
        '  v1 PersistentVolumeClaim/shop/a spec.resources.requests.storage: "10Gi" → "15Gi"',
        "set_volume 0.78 dependencies.claim.title claim=b size=4608Mi",
        "  why dependencies.claim.why claim=b detail=seen size=3Gi",
        "  risk dependencies.claim.risk",
        "  risk drafting.risk.cost",
        '  v1 PersistentVolumeClaim/shop/b spec.resources.requests.storage: "3Gi" → "4608Mi"',
    ]


def test_claims_that_may_not_grow_are_passed_over() -> None:
    grows = _claim("d", "2Gi")
    for passed in (
        _claim("a", "much"),
        _claim("a", ""),
        _claim("a", "1Gi", storage_class="slow"),
        _claim("a", "1Gi", storage_class="other"),
        _claim("a", "1Gi", phase="Pending"),
    ):
        found = _full(passed, grows)
        assert [x for x in found if not x.startswith(" ")] == [
            "set_volume 0.78 dependencies.claim.title claim=d size=3Gi"
        ]


def test_a_class_that_does_not_say_yes_lets_no_claim_grow() -> None:
    for expands in (False, None, "true"):
        assert _full(_claim("a", "1Gi"), expands=expands) == []


def _asking(env: list[dict[str, Any]], *ports: int, known: bool = True) -> list[str]:
    cluster = shop("web", "db", "cart")
    cluster.get("services", "db")["spec"]["ports"] = [{"port": one} for one in ports]
    cluster.container("web")["env"] = env
    changed_lately(cluster)
    found = drafted(
        plans.database_port,
        cluster,
        lambda w, view: WrongPort(workload=w, database=workload_of(view, "db") if known else None),
    )
    back = next(n for n, x in enumerate(found) if x.startswith("rollback_revision"))
    assert len(found) == back + len(BACK)
    return found[:back]


def _var(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value}


def test_an_address_of_the_database_gets_the_port_that_its_service_has() -> None:
    env = [_var("CACHE", "cart:99"), _var("URL", "pg://u:5433@db:5433/x")]
    assert _asking(env, 5432, 5431) == [
        "set_env 0.88 dependencies.port.title key=URL value=pg://u:5433@db:5432/x",
        "  why dependencies.port.why detail=seen port=5432",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=URL].value: "pg://u:5433@db:5433/x" → "pg://u:5433@db:5432/x"',
    ]


def test_a_port_that_the_service_has_stays() -> None:
    assert _asking([_var("URL", "db:5431")], 5432, 5431) == []


def test_a_variable_with_nothing_but_a_port_is_known_by_the_host_beside_it() -> None:
    env = [_var("DB_HOST", "db"), _var("DB_PORT", "5433"), _var("CACHE_PORT", "1")]
    assert _asking(env, 5432) == [
        "set_env 0.88 dependencies.port.title key=DB_PORT value=5432",
        "  why dependencies.port.why detail=seen port=5432",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=DB_PORT].value: "5433" → "5432"',
    ]


def test_a_variable_is_no_port_of_the_database_without_its_name_its_end_or_a_wrong_number() -> None:
    host = _var("DB_HOST", "db")
    for other in (
        _var("PORT", "5433"),
        _var("DB_POOL", "5433"),
        _var("DB_PORT", "auto"),
        _var("DB_PORT", "5432"),
        _var("XDB_PORT", "5433"),
        _var("", "5433"),
        {"name": "DB_PORT"},
    ):
        assert _asking([host, other], 5432) == [], other


def test_names_of_variables_count_in_any_case() -> None:
    env = [_var("dbHost", "x"), _var("db_host", "db"), _var("db_port", "5433")]
    assert [x for x in _asking(env, 5432) if "→" in x] == [
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=db_port].value: "5433" → "5432"',
    ]


def test_two_variables_at_most_are_drafted_addresses_first() -> None:
    env = [_var("DB_PORT", "7"), _var("DB_URL", "db:77"), _var("DB_ADDR", "db:78")]
    assert [x for x in _asking(env, 5432) if "→" in x] == [
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=DB_URL].value: "db:77" → "db:5432"',
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=DB_ADDR].value: "db:78" → "db:5432"',
    ]
    env = [_var("DB_PORT", "7"), _var("DB_URL", "db:77")]
    assert [x for x in _asking(env, 5432) if "→" in x] == [
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=DB_URL].value: "db:77" → "db:5432"',
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=DB_PORT].value: "7" → "5432"',
    ]


def test_an_address_from_a_config_map_is_not_changed() -> None:
    source = {"configMapKeyRef": {"name": "settings", "key": "url"}}
    cluster_env = [{"name": "DB_URL", "valueFrom": source}]
    assert _asking(cluster_env, 5432) == []


def test_without_a_known_database_or_a_port_of_it_there_is_just_the_way_back() -> None:
    assert _asking([_var("URL", "db:5433")], known=False) == []
    assert _asking([_var("URL", "db:5433")]) == []


def test_each_address_gets_a_port_of_the_service_that_it_names() -> None:
    cluster: Cluster = shop("web", "db")
    other = cluster.add("services", "store", spec={"selector": {"app": "db"}})
    other["spec"]["ports"] = [{"port": 5431}]
    cluster.get("services", "db")["spec"]["ports"] = [{"port": 5432}]
    cluster.container("web")["env"] = [
        _var("A", "store:1111"),
        _var("B", "db.shop.svc:2222"),
        _var("C", "db.bank.svc:3333"),
    ]
    found = drafted(
        plans.database_port,
        cluster,
        lambda w, view: WrongPort(workload=w, database=workload_of(view, "db")),
    )
    place = "  apps/v1 Deployment/shop/web :containers[name=main]"
    assert [x for x in found if "→" in x] == [
        f'{place}.env[name=A].value: "store:1111" → "store:5431"',
        f'{place}.env[name=B].value: "db.shop.svc:2222" → "db.shop.svc:5432"',
    ]
