"""What is drafted for heaps and pools that are too small."""

from __future__ import annotations

from decide.core.families.strain import plans
from decide.core.families.strain.facts import Strained
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import BACK, Builder, changed_lately, drafted, pod_spec, shop


def _cluster(env: dict[str, str | None], limit: str | None = "1Gi") -> Cluster:
    cluster = shop()
    main = pod_spec(cluster)["containers"][0]
    main["env"] = [{"name": n} | ({} if v is None else {"value": v}) for n, v in env.items()]
    main["resources"] = {"limits": {"memory": limit}} if limit else {}
    return cluster


def _drafts(builder: Builder, cluster: Cluster, container: str = "main") -> list[str]:
    return drafted(builder, cluster, lambda w, _: Strained(workload=w, container=container))


def _changes(builder: Builder, cluster: Cluster) -> list[str]:
    start = "  apps/v1 Deployment/shop/web :containers[name=main]."
    found = _drafts(builder, cluster)
    return [line.removeprefix(start) for line in found if line.startswith(start)]


def test_a_heap_that_is_fixed_grows_by_half_and_more_memory_comes_second() -> None:
    cluster = _cluster({"A": "1", "JAVA_TOOL_OPTIONS": "-Xms9m -Xmx200m -Da=-Xmx"})
    changed_lately(cluster)
    assert _drafts(plans.heap, cluster)[:11] == [
        "set_env 0.8 strain.heap.title container=main size=300",
        "  why strain.heap.fixed_below detail=seen limit=1Gi now=200",
        "  risk strain.heap.risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=JAVA_TOOL_OPTIONS].value: "-Xms9m -Xmx200m -Da=-Xmx" → "-Xms9m -Xmx300m -Da=-Xmx"',
        "set_memory 0.65 resources.memory.title container=main size=1536Mi",
        "  why strain.heap.follows detail=seen",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.memory: "1Gi" → "1536Mi"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests: + {"memory": "1536Mi"}',
    ]


def test_a_heap_without_a_limit_grows_by_half() -> None:
    assert _drafts(plans.heap, _cluster({"JAVA_OPTS": "-Xmx1g"}, limit=None)) == [
        "set_env 0.8 strain.heap.title container=main size=1536",
        "  why strain.heap.fixed detail=seen now=1024",
        "  risk strain.heap.risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=JAVA_OPTS].value: "-Xmx1g" → "-Xmx1536m"',
    ]


def test_sizes_of_heaps_are_read_in_every_unit() -> None:
    for said, more in (
        ("-Xmx2g", "-Xmx3072m"),
        ("-Xmx2G", "-Xmx3072m"),
        ("-Xmx100m", "-Xmx150m"),
        ("-Xmx100M", "-Xmx150m"),
        ("-Xmx2048k", "-Xmx3m"),
        ("-Xmx2097152", "-Xmx3m"),
        ("--max-old-space-size=100", "--max-old-space-size=150"),
    ):
        found = _changes(plans.heap, _cluster({"OPTS": f"a {said} b"}, limit=None))
        assert found == [f'env[name=OPTS].value: "a {said} b" → "a {more} b"']


def test_a_heap_grows_to_three_quarters_of_the_limit_at_most() -> None:
    assert (
        _changes(plans.heap, _cluster({"OPTS": "-Xmx100m"}, limit="160Mi"))[0]
        == 'env[name=OPTS].value: "-Xmx100m" → "-Xmx120m"'
    )


def test_a_heap_that_would_grow_by_no_more_than_a_tenth_stays() -> None:
    for limit, grows in (("146Mi", False), ("147Mi", True)):
        found = _changes(plans.heap, _cluster({"OPTS": "-Xmx100m"}, limit=limit))
        assert found[0].startswith("env") is grows, limit


def test_each_variable_that_fixes_a_heap_is_a_plan_of_its_own() -> None:
    cluster = _cluster({"A": "-Xmx100m --max-old-space-size=50", "B": "-Xmx10m", "C": None})
    assert [x for x in _changes(plans.heap, cluster) if x.startswith("env")] == [
        'env[name=A].value: "-Xmx100m --max-old-space-size=50" → "-Xmx150m --max-old-space-size=50"',
        'env[name=A].value: "-Xmx100m --max-old-space-size=50" → "-Xmx100m --max-old-space-size=75"',
        'env[name=B].value: "-Xmx10m" → "-Xmx15m"',
    ]


def test_a_heap_that_follows_the_limit_gets_more_memory() -> None:
    cluster = _cluster({"A": "1"})
    changed_lately(cluster)
    assert _drafts(plans.heap, cluster) == [
        "set_memory 0.75 resources.memory.title container=main size=1536Mi",
        "  why strain.heap.follows detail=seen",
        "  risk drafting.risk.cost",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.limits.memory: "1Gi" → "1536Mi"',
        '  apps/v1 Deployment/shop/web :containers[name=main].resources.requests: + {"memory": "1536Mi"}',
        "rollback_revision 0.85 drafting.back.title revision=1 workload=web",
        "  why drafting.back.why count=1 name=web-before revision=1",
        "  risk drafting.risk.only_change",
        '  apps/v1 Deployment/shop/web :containers[name=main].env: [{"name": "A", "value": "1"}, {"name": "NEW", "value": "x"}] → [{"name": "A", "value": "1"}]',
    ]


def test_a_heap_that_nobody_bounds_is_just_a_reason_to_go_back() -> None:
    cluster = _cluster({}, limit=None)
    changed_lately(cluster)
    found = _drafts(plans.heap, cluster)
    assert [x.split()[0] for x in found if not x.startswith(" ")] == ["rollback_revision"]


def test_a_limit_of_nothing_is_no_measure_for_more() -> None:
    assert _drafts(plans.heap, _cluster({"A": "1"}, limit="0")) == []


def test_the_first_container_is_meant_where_none_is_named_and_an_init_container_where_it_is() -> (
    None
):
    cluster = _cluster({"A": "-Xmx10m"}, limit=None)
    first = {"name": "first", "env": [{"name": "B", "value": "-Xmx20m"}]}
    pod_spec(cluster)["initContainers"] = [first]
    assert (
        _drafts(plans.heap, cluster, "")[-1]
        == '  apps/v1 Deployment/shop/web :containers[name=main].env[name=A].value: "-Xmx10m" → "-Xmx15m"'
    )
    assert (
        _drafts(plans.heap, cluster, "first")[-1]
        == '  apps/v1 Deployment/shop/web :initContainers[name=first].env[name=B].value: "-Xmx20m" → "-Xmx30m"'
    )


def _empty() -> Cluster:
    cluster = shop()
    changed_lately(cluster)
    pod_spec(cluster)["containers"] = []
    return cluster


def test_nothing_is_drafted_for_a_workload_without_containers() -> None:
    assert _drafts(plans.heap, _empty(), "") == []
    assert _drafts(plans.pool, _empty(), "") == []


def test_a_pool_grows_by_half_and_by_one_at_least() -> None:
    cluster = _cluster({"DB_POOL_SIZE": "10", "LEVEL": "10"})
    changed_lately(cluster)
    assert _drafts(plans.pool, cluster)[:4] == [
        "set_env 0.72 strain.pool.title name=DB_POOL_SIZE size=15",
        "  why strain.pool.why detail=seen name=DB_POOL_SIZE value=10",
        "  risk strain.pool.risk",
        "  risk drafting.risk.restart",
    ]
    for now, more in ((1, 2), (2, 3), (3, 5), (200, 300)):
        found = _changes(plans.pool, _cluster({"DB_POOL_SIZE": str(now)}))
        assert found == [f'env[name=DB_POOL_SIZE].value: "{now}" → "{more}"']


def test_a_pool_that_is_large_none_or_no_number_stays() -> None:
    for now in ("201", "0", "-5", "1.5", "ten", "", None):
        assert _changes(plans.pool, _cluster({"DB_POOL_SIZE": now})) == []


def test_a_pool_is_known_by_its_name() -> None:
    for name in (
        "POOLSIZE",
        "db_pool_size",
        "MAX_POOL",
        "MAXIMUMPOOL",
        "POOL_MAX",
        "MAX_CONNS",
        "MAX_CONNECTIONS",
        "CONNECTION_LIMIT",
    ):
        assert _changes(plans.pool, _cluster({name: "4"})) != [], name
    for name in ("POOL", "MAX", "CONNECTIONS", "LIMIT"):
        assert _changes(plans.pool, _cluster({name: "4"})) == [], name


def test_each_pool_is_a_plan_of_its_own() -> None:
    assert _changes(plans.pool, _cluster({"A_POOL_SIZE": "4", "B_POOL_SIZE": "6"})) == [
        'env[name=A_POOL_SIZE].value: "4" → "6"',
        'env[name=B_POOL_SIZE].value: "6" → "9"',
    ]


def test_going_back_comes_after_a_larger_pool() -> None:
    cluster = _cluster({})
    changed_lately(cluster)
    assert _drafts(plans.pool, cluster)[0] == BACK[0]
