"""Plans that only a whole diagnosis of an unusual cluster comes to: a name nearly right, a neighbour's value, one replica short."""

from __future__ import annotations

import copy

from decide.core import diagnose
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import pod_spec, shop

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _diagnosed(cluster: Cluster, key: str = "") -> list[str]:
    """What the plans change once the fault is put on ``web``: kind of fix, field, value."""
    if key:
        FAULTS[key](cluster, "web")
    return [
        f"{plan.fix_kind} {one.path.removeprefix('spec.template.spec.')}: {one.after}"
        for plan in diagnose(cluster.bundle()).plans
        for change in plan.kubernetes_changes
        for one in change.fields
    ]


def test_a_variable_of_nearly_the_name_that_the_log_misses_is_renamed() -> None:
    cluster = shop("web", "cart")
    cluster.container("web")["env"] = [{"name": "STORE_URLS", "value": "x"}]
    assert _diagnosed(cluster, "missing_env") == [
        "set_env containers[name=main].env[0].name: STORE_URL",
    ]


def test_a_variable_that_the_log_misses_is_set_as_all_others_set_it() -> None:
    cluster = shop("web", "cart", "pay")
    for app in ("cart", "pay"):
        cluster.container(app)["env"] = [{"name": "STORE_URL", "value": "x"}]
    assert _diagnosed(cluster, "missing_env") == [
        "set_env containers[name=main].env: [{'name': 'STORE_URL', 'value': 'x'}]",
    ]


def test_as_many_replicas_as_a_quota_lets_in_are_asked_for() -> None:
    cluster = shop("web", "cart")
    cluster.get("deployments", "web")["spec"]["replicas"] = 3
    pods = [copy.deepcopy(cluster.pod("web")) for _ in range(2)]
    FAULTS["quota_memory_exceeded"](cluster, "web")
    for n, pod in enumerate(pods):
        pod["metadata"]["name"] += str(n)
        cluster.objects["pods"].append(pod)
    assert "set_replicas spec.replicas: 2" in _diagnosed(cluster)


def test_a_budget_that_can_never_let_one_go_is_loosened() -> None:
    cluster = shop("web", "cart")
    cluster.get("deployments", "web")["spec"]["replicas"] = 2
    more = copy.deepcopy(cluster.pod("web"))
    more["metadata"]["name"] += "2"
    cluster.objects["pods"].append(more)
    FAULTS["disruption_budget_blocks"](cluster, "web")
    cluster.objects["poddisruptionbudgets"][0]["spec"]["minAvailable"] = 2
    assert _diagnosed(cluster) == [
        "set_replicas spec.replicas: 3",
        "other spec.minAvailable: 1",
    ]


def test_a_pool_that_a_variable_bounds_grows() -> None:
    cluster = shop("web", "cart")
    cluster.container("web")["env"] = [{"name": "DB_POOL_SIZE", "value": "10"}]
    assert _diagnosed(cluster, "connection_pool_exhausted") == [
        "set_env containers[name=main].env[name=DB_POOL_SIZE].value: 15",
    ]


def test_pods_that_must_be_near_a_misspelt_neighbour_find_it() -> None:
    cluster = shop("web", "cart")
    term = {"labelSelector": {"matchLabels": {"app": "carts"}}, "topologyKey": "zone"}
    pod_spec(cluster)["affinity"] = {"podAffinity": {_REQUIRED: [term]}}
    assert (
        _diagnosed(cluster, "pod_affinity_mismatch")[0]
        == "set_scheduling affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchLabels['app']: cart"
    )


def test_a_volume_that_picks_a_misspelt_key_finds_it() -> None:
    cluster = shop("web", "cart")
    cluster.add("configmaps", "settings", data={"app.yaml": "x"})
    items = [{"key": "app.yml", "path": "a"}]
    volume = {"name": "conf", "configMap": {"name": "settings", "items": items}}
    pod_spec(cluster)["volumes"] = cluster.pod("web")["spec"]["volumes"] = [volume]
    cluster.waiting("web", "ContainerCreating")
    said = 'MountVolume.SetUp failed for volume "conf" : configmap references non-existent config key: app.yml'
    cluster.event("Pod", cluster.pod("web")["metadata"]["name"], "FailedMount", said)
    assert _diagnosed(cluster) == [
        "set_reference volumes[name=conf].configMap.items[0].key: app.yaml",
    ]


def test_a_priority_class_of_nearly_the_name_is_named() -> None:
    cluster = shop("web", "cart")
    pod_spec(cluster)["priorityClassName"] = "high-prio"
    cluster.objects["priorityclasses"] = [{"metadata": {"name": "high-priority"}}]
    assert _diagnosed(cluster, "priority_class_missing") == [
        "set_scheduling priorityClassName: high-priority",
        "set_scheduling priorityClassName: None",
    ]


def test_an_image_that_names_no_registry_gets_none_from_its_siblings() -> None:
    cluster = shop("web", "cart", "pay")
    cluster.container("web")["image"] = "web:1"
    for app in ("cart", "pay"):
        cluster.container(app)["image"] = "good.example/x:1"
    assert _diagnosed(cluster, "image_registry_unreachable") == []


def test_a_startup_probe_that_gives_ten_minutes_is_not_the_cause() -> None:
    cluster = shop("web", "cart")
    FAULTS["startup_probe_timing"](cluster, "web")
    for spec in (pod_spec(cluster), cluster.pod("web")["spec"]):
        spec["containers"][0]["startupProbe"] |= {"periodSeconds": 1, "failureThreshold": 600}
    assert _diagnosed(cluster) == []


def test_an_address_of_a_database_keeps_its_scheme_and_its_password() -> None:
    cluster = shop("web", "cart")
    FAULTS["database_port_wrong"](cluster, "web")
    database = cluster.container("web")["env"][0]["value"]
    cluster.container("web")["env"] = [
        {"name": "DB_URL", "value": f"mysql://u:3307@{database}:3307/{database}"}
    ]
    assert [x.replace(database, "db") for x in _diagnosed(cluster)] == [
        "set_env containers[name=main].env[name=DB_URL].value: mysql://u:3307@db:3306/db",
    ]
