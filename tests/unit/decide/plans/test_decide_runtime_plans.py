"""What is drafted for programs that do not stay up."""

from __future__ import annotations

from typing import Any

from decide.core.families.runtime import plans
from decide.core.families.runtime.facts import ScaledToZero, StoppedProgram, UnsetVariable
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import BACK, changed_lately, drafted, pod_spec, shop


def _unset(cluster: Cluster, name: str = "DB_URL", container: str = "main") -> list[str]:
    return drafted(
        plans.variable,
        cluster,
        lambda w, _: UnsetVariable(workload=w, container=container, name=name),
    )


def test_a_variable_of_nearly_the_name_is_renamed_and_the_first_such_one() -> None:
    cluster = shop()
    cluster.container("web")["env"] = [
        {"name": "LEVEL", "value": "1"},
        {"name": "DB_URLS", "value": "a"},
        {"name": "DB_UR", "value": "b"},
    ]
    assert _unset(cluster) == [
        "set_env 0.82 runtime.variable.rename name=DB_URL",
        "  why runtime.variable.written detail=seen written=DB_URLS",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[1].name: "DB_URLS" → "DB_URL"',
    ]


def test_a_variable_of_an_init_container_is_renamed_there() -> None:
    cluster = shop()
    pod_spec(cluster)["initContainers"] = [
        {"name": "prepare", "image": "p:1", "env": [{"name": "DB_URLS", "value": "a"}]}
    ]
    assert _unset(cluster, container="prepare") == [
        "set_env 0.82 runtime.variable.rename name=DB_URL",
        "  why runtime.variable.written detail=seen written=DB_URLS",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=prepare].env[0].name: "DB_URLS" → "DB_URL"',
    ]


def test_a_variable_of_another_name_is_not_renamed() -> None:
    cluster = shop()
    cluster.container("web")["env"] = [{"name": "DB_USER", "value": "a"}]
    assert _unset(cluster) == []


def test_a_variable_that_all_others_set_alike_is_copied_behind_the_containers_own() -> None:
    cluster = shop("web", "cart", "pay")
    cluster.container("web")["env"] = [{"name": "LEVEL", "value": "1"}]
    for app in ("cart", "pay"):
        cluster.container(app)["env"] = [
            {"name": "OTHER", "value": app},
            {"name": "DB_URL", "value": "db:1"},
        ]
    assert _unset(cluster) == [
        "set_env 0.66 runtime.variable.copy name=DB_URL",
        "  why runtime.variable.others detail=seen n=2",
        "  risk runtime.variable.risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[1]: + {"name": "DB_URL", "value": "db:1"}',
    ]


def test_a_container_without_variables_gets_a_list_of_the_one() -> None:
    cluster = shop("web", "cart")
    cluster.container("cart")["env"] = [{"name": "DB_URL", "value": "db:1"}]
    assert _unset(cluster) == [
        "set_env 0.66 runtime.variable.copy name=DB_URL",
        "  why runtime.variable.others detail=seen n=1",
        "  risk runtime.variable.risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env: + [{"name": "DB_URL", "value": "db:1"}]',
    ]


def test_a_variable_that_others_set_otherwise_each_is_not_copied() -> None:
    cluster = shop("web", "cart", "pay")
    cluster.container("cart")["env"] = [{"name": "DB_URL", "value": "db:1"}]
    cluster.container("pay")["env"] = [{"name": "DB_URL", "value": "db:2"}]
    assert _unset(cluster) == []


def test_what_the_workload_sets_in_another_container_is_no_example() -> None:
    cluster = shop()
    pod_spec(cluster)["containers"].append(
        {"name": "side", "image": "s:1", "env": [{"name": "DB_URL", "value": "db:1"}]}
    )
    assert _unset(cluster) == []


def test_a_variable_without_a_name_is_nothing_but_a_reason_to_go_back() -> None:
    cluster = shop()
    changed_lately(cluster)
    cluster.container("web")["env"][0]["name"] = ""
    assert [line for line in _unset(cluster, name="") if "set_env" in line] == []


def test_going_back_comes_before_a_new_name() -> None:
    cluster = shop()
    cluster.container("web")["env"] = [{"name": "DB_URL", "value": "a"}]
    cluster.revise("web", env=[{"name": "DB_URLX", "value": "a"}])
    cluster.objects["replicasets"][-1]["metadata"]["name"] = "web-before"
    assert _unset(cluster) == [
        "rollback_revision 0.85 drafting.back.title revision=1 workload=web",
        "  why drafting.back.why count=1 name=web-before revision=1",
        "  risk drafting.risk.only_change",
        '  apps/v1 Deployment/shop/web :containers[name=main].env: [{"name": "DB_URLX", "value": "a"}] → [{"name": "DB_URL", "value": "a"}]',
        "set_env 0.82 runtime.variable.rename name=DB_URL",
        "  why runtime.variable.written detail=seen written=DB_URLX",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].env[0].name: "DB_URLX" → "DB_URL"',
    ]


def test_nothing_is_drafted_for_a_workload_without_containers() -> None:
    cluster = shop()
    pod_spec(cluster)["containers"] = []
    assert _unset(cluster) == []


def _zero(declared: int) -> list[str]:
    cluster = shop()
    cluster.get("deployments", "web")["spec"]["replicas"] = 0
    return drafted(
        plans.replicas, cluster, lambda w, _: ScaledToZero(workload=w, declared=declared)
    )


def test_a_workload_without_replicas_gets_as_many_as_are_declared() -> None:
    assert _zero(3) == [
        "set_replicas 0.9 drafting.replicas n=3 workload=web",
        "  why runtime.zero.why n=3 workload=web",
        "  risk runtime.zero.risk",
        "  apps/v1 Deployment/shop/web spec.replicas: 0 → 3",
    ]


def test_a_workload_without_replicas_gets_one_where_none_are_declared() -> None:
    assert _zero(0) == [
        "set_replicas 0.9 drafting.replicas n=1 workload=web",
        "  why runtime.zero.why n=1 workload=web",
        "  risk runtime.zero.risk",
        "  apps/v1 Deployment/shop/web spec.replicas: 0 → 1",
    ]


def _denied(pod: dict[str, Any], container: dict[str, Any] | None = None) -> list[str]:
    cluster = shop()
    pod_spec(cluster)["securityContext"] = pod
    cluster.container("web")["securityContext"] = container or {}
    changed_lately(cluster)
    return drafted(plans.volume_owner, cluster, lambda w, _: StoppedProgram(workload=w))


def test_a_volume_belongs_to_the_group_of_the_pod_before_its_user() -> None:
    assert _denied({"runAsUser": 7, "runAsGroup": 8}, {"runAsGroup": 9}) == [
        "set_volume 0.7 runtime.volume.title group=8 workload=web",
        "  why runtime.volume.why group=8",
        "  risk runtime.volume.risk",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web :securityContext.fsGroup: + 8",
        *BACK,
    ]


def test_a_volume_belongs_to_the_user_of_the_pod_before_a_containers_group() -> None:
    assert _denied({"runAsUser": 7, "fsGroup": 1}, {"runAsGroup": 9}) == [
        "set_volume 0.7 runtime.volume.title group=7 workload=web",
        "  why runtime.volume.why group=7",
        "  risk runtime.volume.risk",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web :securityContext.fsGroup: 1 → 7",
        *BACK,
    ]


def test_a_volume_belongs_to_the_group_of_a_container_before_its_user() -> None:
    assert _denied({}, {"runAsUser": 7, "runAsGroup": 9}) == [
        "set_volume 0.7 runtime.volume.title group=9 workload=web",
        "  why runtime.volume.why group=9",
        "  risk runtime.volume.risk",
        "  risk drafting.risk.restart",
        "  apps/v1 Deployment/shop/web :securityContext.fsGroup: + 9",
        *BACK,
    ]


def test_a_volume_that_belongs_to_the_group_already_is_left_alone() -> None:
    assert _denied({"runAsUser": 7, "fsGroup": 7}) == BACK


def test_a_volume_is_left_alone_where_nobody_says_who_runs() -> None:
    assert _denied({"fsGroup": 7, "runAsUser": 0}) == BACK


def test_a_port_that_is_taken_is_a_reason_to_go_back() -> None:
    cluster = shop()
    changed_lately(cluster)
    assert drafted(plans.port_conflict, cluster, lambda w, _: StoppedProgram(workload=w)) == BACK
