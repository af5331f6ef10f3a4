"""Dry-runs through K-Fix's client: good and bad patches, quota, limit ranges, conflicts; both servers agree."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kfix.infra.clients.kubernetes import Conflict, Kubernetes, RejectedByServer, open_kubernetes
from kfix.infra.clients.kubernetes.client import PatchType
from schemas import errors
from schemas.base import ObjectRef
from tests.support.kubernetes import (  # noqa: F401
    ClusterUnderTest,
    cluster,
    control_plane_with_controllers,
    deployment,
    pod,
    real_cluster,
    sandbox_cluster,
)

# ruff: noqa: F811  (fixtures are imported by name)

SPEC = ("spec", "template", "spec")


@pytest.fixture
async def kube(cluster: ClusterUnderTest) -> AsyncIterator[Kubernetes]:
    async with open_kubernetes(cluster.settings) as opened:
        yield opened


@pytest.fixture
def shop(cluster: ClusterUnderTest) -> str:
    """A namespace with the Deployment ``api``."""
    ns = cluster.namespace()
    cluster.create("/apis/apps/v1/deployments", ns, deployment("api"))
    return ns


def ref(ns: str, name: str = "api", kind: str = "Deployment") -> ObjectRef:
    return ObjectRef(kind=kind, namespace=ns, name=name)


def container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "app", **fields}]}}}}


def app_of(obj: dict[str, Any]) -> dict[str, Any]:
    return dict(obj["spec"]["template"]["spec"]["containers"][0])


async def test_a_good_strategic_patch_answers_the_object_and_changes_nothing(
    kube: Kubernetes, shop: str
) -> None:
    before = await kube.get("deployments", shop, "api")
    patch = container(resources={"limits": {"memory": "256Mi"}})
    answer = await kube.dry_run_patch(ref(shop), patch)
    app = app_of(answer.object)
    assert app["resources"]["limits"] == {"cpu": "100m", "memory": "256Mi"}
    assert app["env"] == [{"name": "PASSWORD", "value": "hunter2"}]
    assert answer.object["metadata"]["generation"] == before["metadata"]["generation"] + 1
    now = await kube.get("deployments", shop, "api")
    # Controllers write the status and so the version of a real object at any time.
    assert now["spec"] == before["spec"]
    assert now["metadata"]["generation"] == before["metadata"]["generation"]


async def test_strategic_lists_merge_by_their_keys(kube: Kubernetes, shop: str) -> None:
    patch = container(
        env=[{"name": "PASSWORD", "value": "x"}, {"name": "MORE", "value": "y"}],
        ports=[{"containerPort": 8080, "name": "http"}, {"containerPort": 9090}],
    )
    patch["spec"]["template"]["spec"]["containers"].append(
        {"name": "side", "image": "r.invalid/s:1"}
    )
    patch["spec"]["template"]["spec"]["tolerations"] = [{"key": "a", "operator": "Exists"}]
    answer = (await kube.dry_run_patch(ref(shop), patch)).object
    pod_spec = answer["spec"]["template"]["spec"]
    assert sorted(c["name"] for c in pod_spec["containers"]) == ["app", "side"]
    app = next(c for c in pod_spec["containers"] if c["name"] == "app")
    assert {e["name"]: e["value"] for e in app["env"]} == {"PASSWORD": "x", "MORE": "y"}
    assert {p["containerPort"]: p.get("name") for p in app["ports"]} == {8080: "http", 9090: None}
    assert pod_spec["tolerations"] == [{"key": "a", "operator": "Exists"}]


async def test_strategic_directives_delete_and_replace(kube: Kubernetes, shop: str) -> None:
    gone = container(env=[{"name": "PASSWORD", "$patch": "delete"}], ports=None)
    app = app_of((await kube.dry_run_patch(ref(shop), gone)).object)
    assert not app.get("env")
    assert not app.get("ports")
    only = container(env=[{"$patch": "replace"}, {"name": "NEW", "value": "1"}])
    app = app_of((await kube.dry_run_patch(ref(shop), only)).object)
    assert app["env"] == [{"name": "NEW", "value": "1"}]


async def test_merge_json_and_apply_patches(kube: Kubernetes, shop: str) -> None:
    merged = await kube.dry_run_patch(ref(shop), {"spec": {"replicas": 3}}, "merge")
    assert merged.object["spec"]["replicas"] == 3
    path = "/spec/template/spec/containers/0/image"
    operations = [
        {"op": "test", "path": path, "value": "r.invalid/app:1"},
        {"op": "replace", "path": path, "value": "r.invalid/app:2"},
        {"op": "add", "path": "/metadata/labels/a~1b", "value": "c"},
    ]
    patched = await kube.dry_run_patch(ref(shop), operations, "json")
    assert app_of(patched.object)["image"] == "r.invalid/app:2"
    assert patched.object["metadata"]["labels"]["a/b"] == "c"
    document = deployment("api", replicas=4)
    applied = await kube.dry_run_patch(ref(shop), document, "apply")
    assert applied.object["spec"]["replicas"] == 4


BAD_PATCHES: list[tuple[str, PatchType, Any, int, str]] = [
    ("unknown field", "strategic", container(imge="x"), 422, "invalid"),
    ("unknown field", "merge", {"spec": {"replcas": 2}}, 422, "invalid"),
    ("unknown field", "json", [{"op": "add", "path": "/spec/nope", "value": 1}], 422, "invalid"),
    ("unknown field", "apply", {**deployment("api"), "wrong": 1}, 500, "invalid"),
    ("wrong type", "strategic", {"spec": {"replicas": "three"}}, 422, "invalid"),
    ("wrong type", "strategic", container(image=5), 422, "invalid"),
    ("bad quantity", "strategic", container(resources={"limits": {"cpu": "1Zi"}}), 422, "invalid"),
    ("negative", "strategic", {"spec": {"replicas": -1}}, 422, "invalid"),
    (
        "request over limit",
        "strategic",
        container(resources={"requests": {"cpu": "1"}}),
        422,
        "invalid",
    ),
    (
        "immutable",
        "strategic",
        {"spec": {"selector": {"matchLabels": {"app": "x"}}}},
        422,
        "invalid",
    ),
    (
        "no image",
        "strategic",
        {"spec": {"template": {"spec": {"containers": [{"name": "b"}]}}}},
        422,
        "invalid",
    ),
    (
        "missing path",
        "json",
        [{"op": "replace", "path": "/spec/nope/x", "value": 1}],
        422,
        "invalid",
    ),
    ("failed test", "json", [{"op": "test", "path": "/spec/replicas", "value": 7}], 422, "invalid"),
    ("no patch", "json", {"a": 1}, 422, "invalid"),
]


@pytest.mark.parametrize(("what", "how", "patch", "status", "reason"), BAD_PATCHES)
async def test_bad_patches_are_refused_for_good(
    kube: Kubernetes, shop: str, what: str, how: PatchType, patch: Any, status: int, reason: str
) -> None:
    with pytest.raises(RejectedByServer) as refused:
        await kube.dry_run_patch(ref(shop), patch, how)
    assert (refused.value.status, refused.value.reason) == (status, reason), what
    assert isinstance(refused.value, errors.Permanent)
    assert "hunter2" not in str(refused.value) + str(refused.value.causes)
    assert len(str(refused.value)) < 600


async def test_causes_name_the_field(kube: Kubernetes, shop: str) -> None:
    with pytest.raises(RejectedByServer) as refused:
        await kube.dry_run_patch(ref(shop), container(resources={"requests": {"cpu": "1"}}))
    assert [c.field for c in refused.value.causes] == [
        "spec.template.spec.containers[0].resources.requests"
    ]
    assert "must be less than or equal to cpu limit of 100m" in refused.value.causes[0].message
    with pytest.raises(
        RejectedByServer, match=r'unknown field "spec.template.spec.containers\[0\].imge"'
    ):
        await kube.dry_run_patch(ref(shop), container(imge="x"))


async def test_a_missing_object_is_not_found(kube: Kubernetes, shop: str) -> None:
    with pytest.raises(errors.NotFound):
        await kube.dry_run_patch(ref(shop, "nobody"), {"spec": {"replicas": 1}})


async def test_a_stale_version_is_a_conflict(kube: Kubernetes, shop: str) -> None:
    patch = {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2}}
    with pytest.raises(Conflict, match="has been modified"):
        await kube.dry_run_patch(ref(shop), patch)


def test_an_apply_over_anothers_field_is_a_conflict_with_causes(
    cluster: ClusterUnderTest, shop: str
) -> None:
    wish = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}}
    wish["spec"] = {"replicas": 5}
    path = f"/apis/apps/v1/namespaces/{shop}/deployments/api?fieldManager=k-fix&dryRun=All"
    code, answer = cluster.admin("PATCH", path, wish, "application/apply-patch+yaml")
    assert (code, answer["reason"]) == (409, "Conflict")
    assert [c["field"] for c in answer["details"]["causes"]] == [".spec.replicas"]
    code, answer = cluster.admin(
        "PATCH", path + "&force=true", wish, "application/apply-patch+yaml"
    )
    assert (code, answer["spec"]["replicas"]) == (200, 5)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"wrong": 1}, 400),
        ({"spec": {"replicas": "x"}}, 400),
        ({"metadata": {"name": "Bad_Name"}}, 422),
        ({"metadata": {}}, 422),
        ({"metadata": {"name": "z", "namespace": "no-such-namespace"}}, 404),
        ({"spec": {"selector": {"matchLabels": {"app": "other"}}}}, 422),
    ],
)
async def test_bad_creates(
    kube: Kubernetes, shop: str, change: dict[str, Any], status: int
) -> None:
    manifest = deployment("z")
    manifest["metadata"]["namespace"] = shop
    for key, value in change.items():
        spec_change = isinstance(value, dict) and key == "spec"
        # A copy: the parameter is used for both servers.
        manifest[key] = {**manifest[key], **value} if spec_change else copy.deepcopy(value)
    if change == {"metadata": {"name": "Bad_Name"}} or change == {"metadata": {}}:
        manifest["metadata"]["namespace"] = shop
    with pytest.raises(errors.Permanent) as refused:
        await kube.dry_run_create(manifest)
    if status == 404:
        assert isinstance(refused.value, errors.NotFound)
    else:
        assert isinstance(refused.value, RejectedByServer)
        assert refused.value.status == status


async def test_creating_what_exists_is_a_conflict(kube: Kubernetes, shop: str) -> None:
    manifest = deployment("api")
    manifest["metadata"]["namespace"] = shop
    with pytest.raises(Conflict, match="already exists"):
        await kube.dry_run_create(manifest)


async def test_a_good_create_leaves_nothing(kube: Kubernetes, shop: str) -> None:
    manifest = deployment("new")
    manifest["metadata"]["namespace"] = shop
    answer = await kube.dry_run_create(manifest)
    assert answer.object["metadata"]["name"] == "new"
    assert answer.object["metadata"]["uid"]
    with pytest.raises(errors.NotFound):
        await kube.get("deployments", shop, "new")


def in_namespace(manifest: dict[str, Any], ns: str) -> dict[str, Any]:
    manifest["metadata"]["namespace"] = ns
    return manifest


async def test_a_deployments_dry_run_does_not_show_quota_but_its_pods_does(
    cluster: ClusterUnderTest, kube: Kubernetes, shop: str
) -> None:
    cluster.create(
        "/api/v1/pods", shop, pod("p", resources={"limits": {"cpu": "200m", "memory": "64Mi"}})
    )
    cluster.quota(shop, {"limits.cpu": "250m", "pods": "10", "requests.memory": "1Gi"})
    wide = container(resources={"limits": {"cpu": "10"}})
    assert (await kube.dry_run_patch(ref(shop), wide)).object
    big = pod("x", resources={"limits": {"cpu": "100m", "memory": "64Mi"}})
    with pytest.raises(RejectedByServer) as refused:
        await kube.dry_run_create(in_namespace(big, shop))
    assert (refused.value.status, refused.value.reason) == (403, "admission")
    assert (
        "exceeded quota: q, requested: limits.cpu=100m, used: limits.cpu=200m, limited: limits.cpu=250m"
        in str(refused.value)
    )
    small = pod("x", resources={"limits": {"cpu": "50m", "memory": "64Mi"}})
    for _ in range(3):  # dry-runs never add up
        assert (await kube.dry_run_create(in_namespace(small, shop))).object


async def test_a_quota_wants_what_it_counts(
    cluster: ClusterUnderTest, kube: Kubernetes, shop: str
) -> None:
    cluster.quota(shop, {"limits.cpu": "250m", "requests.memory": "1Gi"})
    with pytest.raises(
        RejectedByServer, match=r"must specify limits.cpu for: app; requests.memory for: app"
    ):
        await kube.dry_run_create(in_namespace(pod("x"), shop))


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (
            {"limits": {"cpu": "50m", "memory": "65Mi"}},
            "maximum memory usage per Container is 64Mi, but limit is 65Mi",
        ),
        (
            {"limits": {"memory": "1Mi"}},
            "minimum memory usage per Container is 2Mi, but request is 1Mi",
        ),
        (
            {"limits": {"cpu": "40m"}, "requests": {"cpu": "10m"}},
            "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
        ),
    ],
)
async def test_limit_ranges_are_enforced_on_pods(
    cluster: ClusterUnderTest, kube: Kubernetes, shop: str, resources: dict[str, Any], said: str
) -> None:
    _limit_range(cluster, shop)
    with pytest.raises(RejectedByServer) as refused:
        await kube.dry_run_create(in_namespace(pod("x", resources=resources), shop))
    assert refused.value.reason == "admission"
    assert said in str(refused.value)


def _limit_range(cluster: ClusterUnderTest, ns: str) -> None:
    item = {
        "type": "Container",
        "default": {"cpu": "20m"},
        "defaultRequest": {"cpu": "10m", "memory": "4Mi"},
        "max": {"cpu": "60m", "memory": "64Mi"},
        "min": {"memory": "2Mi"},
        "maxLimitRequestRatio": {"cpu": "2"},
    }
    body = {"metadata": {"name": "lr"}, "spec": {"limits": [item]}}
    cluster.create("/api/v1/limitranges", ns, body)


async def test_limit_ranges_fill_in_defaults(
    cluster: ClusterUnderTest, kube: Kubernetes, shop: str
) -> None:
    _limit_range(cluster, shop)
    answer = (await kube.dry_run_create(in_namespace(pod("x"), shop))).object
    assert answer["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "20m", "memory": "64Mi"},
        "requests": {"cpu": "10m", "memory": "4Mi"},
    }


async def test_most_of_a_pod_cannot_change(
    cluster: ClusterUnderTest, kube: Kubernetes, shop: str
) -> None:
    cluster.create("/api/v1/pods", shop, pod("p"))
    image = {"spec": {"containers": [{"name": "app", "image": "r.invalid/app:2"}]}}
    assert (await kube.dry_run_patch(ref(shop, "p", "Pod"), image)).object
    limits = {"spec": {"containers": [{"name": "app", "resources": {"limits": {"cpu": "1"}}}]}}
    with pytest.raises(RejectedByServer, match="pod updates may not change fields"):
        await kube.dry_run_patch(ref(shop, "p", "Pod"), limits)


def test_the_only_dry_run_is_all(cluster: ClusterUnderTest, shop: str) -> None:
    path = f"/apis/apps/v1/namespaces/{shop}/deployments/api?dryRun=Some"
    kind = "application/merge-patch+json"
    code, answer = cluster.admin("PATCH", path, {"spec": {"replicas": 5}}, kind)
    assert (code, answer["details"]["causes"][0]["field"]) == (422, "dryRun")
    assert answer["message"].endswith('Unsupported value: ["Some"]: supported values: "All"')
    code, answer = cluster.admin("PATCH", path.partition("?")[0], {}, "text/plain")
    assert (code, answer["reason"]) == (415, "UnsupportedMediaType")


def test_unknown_fields_are_dropped_unless_strict(cluster: ClusterUnderTest, shop: str) -> None:
    path = f"/apis/apps/v1/namespaces/{shop}/deployments/api?dryRun=All"
    kind = "application/merge-patch+json"
    code, answer = cluster.admin("PATCH", path, {"spec": {"replcas": 5, "replicas": 2}}, kind)
    assert code == 200
    assert answer["spec"]["replicas"] == 2
    assert "replcas" not in answer["spec"]


@pytest.mark.parametrize(
    ("low", "high", "good"), [(1, 5, True), (3, 2, False), (0, 5, False), (1, 0, False)]
)
async def test_autoscaler_bounds_are_validated(
    kube: Kubernetes, shop: str, low: int, high: int, good: bool
) -> None:
    manifest = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": shop},
        "spec": {
            "minReplicas": low,
            "maxReplicas": high,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
        },
    }
    if good:
        assert (await kube.dry_run_create(manifest)).object
    else:
        with pytest.raises(RejectedByServer) as refused:
            await kube.dry_run_create(manifest)
        assert refused.value.status == 422
