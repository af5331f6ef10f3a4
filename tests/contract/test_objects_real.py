"""The library of objects against a real API server: its kinds, its label selectors, what its quota counts of a pod."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from manifests.objects import kinds, resources, selectors
from tests.support.kubernetes import (  # noqa: F401 -- fixtures
    ClusterUnderTest,
    control_plane,
    control_plane_with_controllers,
    real_cluster,
)

pytestmark = pytest.mark.kube


def test_the_table_of_kinds_is_what_the_server_serves(real_cluster: ClusterUnderTest) -> None:  # noqa: F811
    groups = real_cluster.admin("GET", "/apis")[1]["groups"]
    preferred = {g["name"]: g["preferredVersion"]["version"] for g in groups} | {"": "v1"}
    checked = 0
    for kind in kinds.KINDS:
        if kind.group not in preferred:
            continue  # of an add-on
        root = f"/apis/{kind.group}" if kind.group else "/api"
        served = real_cluster.admin("GET", f"{root}/{kind.versions[0]}")[1]["resources"]
        found = next((r for r in served if r["name"] == kind.plural), None)
        assert found is not None, kind
        assert (found["kind"], found["namespaced"]) == (kind.kind, kind.namespaced)
        assert set(kind.short) <= set(found.get("shortNames") or ()), kind
        assert kind.versions[0] == preferred[kind.group], kind
        checked += 1
    assert checked > 40


LABELS: tuple[dict[str, Any], ...] = (
    {"app": "a"},
    {"app": "b", "tier": "front"},
    {"app": "", "tier": "back"},
    {"app": None},
    {"cores": "8"},
)
SELECTORS: tuple[dict[str, Any], ...] = (
    {"matchLabels": {"app": "a"}},
    {"matchLabels": {"app": ""}},
    {"matchLabels": {"app": None}},
    {"matchLabels": {"app": "b", "tier": "front"}},
    {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", ""]}]},
    {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a", "b"]}]},
    {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
    {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]},
    {
        "matchLabels": {"tier": "front"},
        "matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}],
    },
)
QUERIES = (
    "",
    "app",
    "!app",
    "app=",
    "app==a",
    "app!=a",
    "app in (a,b)",
    "tier notin (front)",
    "a=b",
)


def test_selectors_select_what_the_server_selects(real_cluster: ClusterUnderTest) -> None:  # noqa: F811
    namespace = real_cluster.namespace()
    for at, labels in enumerate(LABELS):
        body = {"metadata": {"name": f"c{at}", "labels": labels}}
        real_cluster.create("/api/v1/configmaps", namespace, body)

    def selected(query: str) -> set[str]:
        path = f"/api/v1/namespaces/{namespace}/configmaps?labelSelector={quote(query)}"
        code, page = real_cluster.admin("GET", path)
        assert code == 200, page
        return {item["metadata"]["name"] for item in page["items"]} - {"kube-root-ca.crt"}

    for query in QUERIES:
        ours = {f"c{at}" for at, labels in enumerate(LABELS) if selectors.asked(query, labels)}
        assert selected(query) == ours, query
    for selector in SELECTORS:
        ours = {f"c{at}" for at, found in enumerate(LABELS) if selectors.matches(selector, found)}
        assert selected(selectors.written(selector)) == ours, selector


@pytest.mark.parametrize(
    "expression",
    [
        {"key": "a", "operator": "Gt", "values": ["1"]},
        {"key": "a", "operator": "In"},
        {"key": "a", "operator": "NotIn", "values": []},
        {"key": "a", "operator": "Exists", "values": ["x"]},
    ],
)
def test_what_is_a_bad_selector_here_is_one_there(
    real_cluster: ClusterUnderTest,  # noqa: F811
    expression: dict[str, Any],
) -> None:
    selector = {"matchLabels": {"app": "a"}, "matchExpressions": [expression]}
    body = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "x"},
        "spec": {"minAvailable": 1, "selector": selector},
    }
    path = f"/apis/policy/v1/namespaces/{real_cluster.namespace()}/poddisruptionbudgets"
    assert real_cluster.admin("POST", path, body)[0] == 422
    with pytest.raises(selectors.BadSelector):
        selectors.matches(selector, {"app": "a"})


def container(name: str, more: dict[str, Any] | None = None, **said: Any) -> dict[str, Any]:
    return {"name": name, "image": "x", "resources": said, **(more or {})}


SPECS: dict[str, dict[str, Any]] = {
    "its own limit over its containers' requests": {
        "containers": [container("a", requests={"cpu": "300m"})],
        "resources": {"limits": {"cpu": "2"}},
    },
    "its own limit over silent containers": {
        "containers": [container("a")],
        "resources": {"limits": {"cpu": "2"}},
    },
    "its own request": {
        "containers": [container("a", requests={"cpu": "300m"}), container("b")],
        "resources": {"requests": {"cpu": "700m"}, "limits": {"cpu": "1"}},
    },
    "a sidecar before an init container": {
        "initContainers": [
            container("s", {"restartPolicy": "Always"}, limits={"cpu": "400m"}),
            container("i", limits={"cpu": "900m"}),
        ],
        "containers": [container("a", limits={"cpu": "500m"})],
    },
}


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("sort", resources.SORTS)
def test_a_pod_amounts_to_what_quota_counts(
    real_cluster: ClusterUnderTest,  # noqa: F811
    name: str,
    sort: resources.Sort,
) -> None:
    """It fits into a quota of exactly that much, and not into one of a milli-core less."""
    spec = SPECS[name]
    millis = int(resources.per_pod(spec, sort)["cpu"] * 1000)
    for cpu, fits in ((millis, True), (millis - 1, False)):
        namespace = real_cluster.namespace()
        real_cluster.quota(
            namespace, {f"{sort}.cpu": f"{cpu // 1000}" if cpu % 1000 == 0 else f"{cpu}m"}
        )
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}
        path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
        code, answer = real_cluster.admin("POST", path, body)
        assert (code == 201) is fits, (name, sort, cpu, answer.get("message"))
