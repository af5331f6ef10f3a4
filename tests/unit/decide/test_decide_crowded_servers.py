"""A server without a free connection: pools times pods against what it lets in; which of the three is changed, and when none is."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from tests.support.decide.clusters import Cluster
from tests.support.decide.rules_say import shop

FULL = "FATAL: sorry, too many clients already"


def crowd(
    size: str = "30", pods: int = 4, *, name: str = "DB_POOL_SIZE", server: list[str] | None = None
) -> Cluster:
    """``web``, in so many pods with pools of that size, calls the PostgreSQL server ``pg``."""
    c = shop("web", "other")
    c.app("pg", image="registry.example/postgres:16", port=5432)
    if server is not None:
        c.container("pg")["args"] = server
    c.calls("web", "pg")
    if name:
        c.container("web")["env"].append({"name": name, "value": size})
    c.get("deployments", "web")["spec"]["replicas"] = pods
    c.crashed("web", 1, FULL)
    return c


def answer(c: Cluster) -> Verdict:
    verdict = diagnose(c.bundle("web"))
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "database_connections_exhausted"
    assert verdict.analysis.object.name == "pg"
    return verdict


def changes(verdict: Verdict) -> list[tuple[str, str, Any]]:
    return [
        (change.object.name, field.path.rsplit("containers[name=main].", 1)[-1], field.after)
        for plan in verdict.plans
        for change in plan.kubernetes_changes
        for field in change.fields
    ]


POOL = "env[name=DB_POOL_SIZE].value"


def test_the_pool_is_made_to_fit_while_a_rollout_has_one_pod_more_or_there_are_fewer_pods() -> None:
    found = changes(answer(crowd()))
    assert found == [("web", POOL, str(97 // 5)), ("web", "spec.replicas", 3)]


def test_the_servers_own_limit_may_be_raised_a_little_where_it_is_declared() -> None:
    found = changes(answer(crowd(server=["-c", "max_connections=110"])))
    assert ("pg", "args[1]", "max_connections=130") in found
    assert len(found) == 3


def test_a_server_is_not_asked_for_many_times_as_many() -> None:
    found = changes(answer(crowd("100", 4, server=["--max-connections", "100"])))
    assert [name for name, _, _ in found] == ["web"]


def test_a_pool_that_was_smaller_in_the_last_good_revision_is_as_it_was() -> None:
    c = crowd("10")
    env = c.container("web")["env"]
    c.revise("web", env=[env[0], {"name": "DB_POOL_SIZE", "value": "30"}])
    for one in c.objects["replicasets"]:
        one["status"]["readyReplicas"] = 0  # the old pods are gone
    assert changes(answer(c))[0] == ("web", POOL, "10")


def test_a_pool_in_an_address_is_changed_inside_of_it() -> None:
    c = crowd(name="")
    address = "postgresql://u@pg:5432/shop?connection_limit=30&sslmode=require"
    c.container("web")["env"] = [{"name": "DATABASE_URL", "value": address}]
    changed = address.replace("=30", "=19")
    assert changes(answer(c))[0] == ("web", "env[name=DATABASE_URL].value", changed)


def test_a_pool_in_an_argument_is_changed_there() -> None:
    c = crowd(name="")
    c.container("web")["args"] = ["serve", "--db-max-conns=30"]
    assert changes(answer(c))[0] == ("web", "args[1]", "--db-max-conns=19")


def test_a_pool_in_a_configmap_is_changed_there() -> None:
    c = crowd(name="")
    text = "name: web\ndatasource:\n  maximum-pool-size: 30\n"
    c.add("configmaps", "web-conf", kind="ConfigMap", data={"application.yml": text})
    volumes = [{"name": "conf", "configMap": {"name": "web-conf"}}]
    c.get("deployments", "web")["spec"]["template"]["spec"]["volumes"] = volumes
    first = answer(c).plans[0].kubernetes_changes[0]
    assert first.object.kind == "ConfigMap"
    assert first.fields[0].after == text.replace("30", "19")


def test_all_callers_count() -> None:
    c = crowd("30", 2)
    c.calls("other", "pg")
    c.container("other")["env"].append({"name": "PG_POOL_MAX", "value": "40"})
    assert changes(answer(c))[0] == ("web", POOL, str((97 - 40) // 3))


def test_pods_that_an_autoscaler_counts_are_not_taken_away() -> None:
    c = crowd(pods=2)
    target = {"kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4}
    c.add("horizontalpodautoscalers", "web", kind="HorizontalPodAutoscaler", spec=spec)
    assert [path for _, path, _ in changes(answer(c))] == [POOL]


@pytest.mark.parametrize(
    "c",
    [
        pytest.param(crowd("10", 2), id="pools that fit: somebody else holds the connections"),
        pytest.param(crowd(name=""), id="no pool is set"),
        pytest.param(crowd(name="REDIS_POOL_SIZE"), id="the pool of something else"),
        pytest.param(crowd(name="DB_POOL_MIN_SIZE"), id="the least that a pool holds"),
    ],
)
def test_people_are_told_where_the_pools_do_not_explain_it(c: Cluster) -> None:
    verdict = answer(c)
    assert (verdict.status, verdict.plans) == ("needs_human", ())


def test_of_two_pools_none_is_chosen() -> None:
    c = crowd()
    c.container("web")["env"].append({"name": "AUDIT_POOL_SIZE", "value": "30"})
    assert answer(c).plans == ()
