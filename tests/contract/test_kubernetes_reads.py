"""Reading a cluster through K-Fix's client: the sandbox's server and the real one answer the same."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from kfix.infra.clients.kubernetes import Kubernetes, RejectedByServer, client, open_kubernetes
from kfix.infra.settings import KubernetesConnection
from schemas import errors
from schemas.base import ObjectRef
from tests.support.kubernetes import (  # noqa: F401
    ClusterUnderTest,
    admin_settings,
    cluster,
    control_plane_with_controllers,
    deployment,
    pod,
    real_cluster,
    sandbox_cluster,
)

# ruff: noqa: F811  (fixtures are imported by name)


@pytest.fixture
async def reader(cluster: ClusterUnderTest) -> AsyncIterator[Kubernetes]:
    async with open_kubernetes(cluster.settings) as opened:
        yield opened


async def test_version_is_read(reader: Kubernetes) -> None:
    assert (await reader.version()).startswith("v1.37")


async def test_an_object_comes_with_kind_and_without_managed_fields(
    cluster: ClusterUnderTest, reader: Kubernetes
) -> None:
    ns = cluster.namespace()
    cluster.create("/apis/apps/v1/deployments", ns, deployment("api"))
    found = await reader.get("deployments", ns, "api")
    assert (found["apiVersion"], found["kind"]) == ("apps/v1", "Deployment")
    assert "managedFields" not in found["metadata"]
    assert found == await reader.find(ObjectRef(kind="Deployment", namespace=ns, name="api"))
    listed = await reader.list("deployments", ns)
    assert [(o["kind"], o["metadata"]["name"]) for o in listed] == [("Deployment", "api")]
    assert "managedFields" not in listed[0]["metadata"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("app=a", ["a"]),
        ("app==a", ["a"]),
        ("app!=a", ["b", "c"]),
        ("app in (a, b)", ["a", "b"]),
        ("app notin (a),tier", ["b"]),
        ("tier", ["b"]),
        ("!tier", ["a", "c"]),
        ("app=a,tier=x", []),
    ],
)
async def test_label_selectors(
    cluster: ClusterUnderTest, reader: Kubernetes, labels: str, names: list[str]
) -> None:
    ns = cluster.namespace()
    for name in "abc":
        more = {"tier": "x"} if name == "b" else {}
        cluster.create("/api/v1/pods", ns, pod(name, labels={"app": name, **more}))
    assert [p["metadata"]["name"] for p in await reader.list("pods", ns, labels=labels)] == names


async def test_field_selectors(cluster: ClusterUnderTest, reader: Kubernetes) -> None:
    ns = cluster.namespace()
    first = cluster.create("/api/v1/pods", ns, pod("a"))
    cluster.create("/api/v1/pods", ns, pod("b", nodeName="n1"))
    event = {
        "metadata": {"name": "a.1"},
        "involvedObject": {
            "kind": "Pod",
            "namespace": ns,
            "name": "a",
            "uid": first["metadata"]["uid"],
        },
        "reason": "BackOff",
        "message": "back-off",
        "type": "Warning",
    }
    cluster.create("/api/v1/events", ns, event)
    by_node = await reader.list("pods", ns, fields="spec.nodeName=n1")
    assert [p["metadata"]["name"] for p in by_node] == ["b"]
    by_name = await reader.list("pods", ns, fields="metadata.name!=b")
    assert [p["metadata"]["name"] for p in by_name] == ["a"]
    uid = first["metadata"]["uid"]
    events = await reader.list("events", ns, fields=f"involvedObject.uid={uid},type=Warning")
    assert [e["reason"] for e in events] == ["BackOff"]


@pytest.mark.parametrize("selector", [{"labels": "a==="}, {"fields": "spec.foo=b"}])
async def test_bad_selectors_are_refused(
    cluster: ClusterUnderTest, reader: Kubernetes, selector: dict[str, str]
) -> None:
    with pytest.raises(RejectedByServer) as refused:
        await reader.list("pods", cluster.namespace(), **selector)
    assert (refused.value.status, refused.value.reason) == (400, "invalid")


async def test_lists_are_paged_and_complete(
    cluster: ClusterUnderTest, reader: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    ns = cluster.namespace()
    for number in range(7):
        cluster.create("/api/v1/configmaps", ns, {"metadata": {"name": f"c{number}"}})
    monkeypatch.setattr(client, "PAGE", 3)
    names = [c["metadata"]["name"] for c in await reader.list("configmaps", ns)]
    assert [n for n in names if n.startswith("c")] == [f"c{n}" for n in range(7)]
    assert len(await reader.list("configmaps", ns, limit=4)) == 4


def test_a_page_says_what_remains_and_where_to_go_on(cluster: ClusterUnderTest) -> None:
    ns = cluster.namespace()
    for number in range(3):
        cluster.create("/api/v1/pods", ns, pod(f"p{number}"))
    path = f"/api/v1/namespaces/{ns}/pods?limit=2"
    page = cluster.admin("GET", path)[1]
    assert (page["kind"], page["apiVersion"]) == ("PodList", "v1")
    assert page["metadata"]["remainingItemCount"] == 1
    assert "kind" not in page["items"][0]
    rest = cluster.admin("GET", f"{path}&continue={page['metadata']['continue']}")[1]
    assert [p["metadata"]["name"] for p in rest["items"]] == ["p2"]
    assert "continue" not in rest["metadata"]
    assert rest["metadata"]["resourceVersion"] == page["metadata"]["resourceVersion"]


def test_an_expired_page_is_410_with_a_fresh_token(cluster: ClusterUnderTest) -> None:
    ns = cluster.namespace()
    for number in range(3):
        cluster.create("/api/v1/pods", ns, pod(f"p{number}"))
    path = f"/api/v1/namespaces/{ns}/pods?limit=1"
    token = cluster.admin("GET", path)[1]["metadata"]["continue"]
    code, answer = _expired(cluster, f"{path}&continue={token}")
    assert (code, answer["reason"]) == (410, "Expired")
    fresh = answer["metadata"]["continue"]
    code, rest = cluster.admin("GET", f"{path}&continue={fresh}")
    assert code == 200
    assert rest["items"][0]["metadata"]["name"] == "p1"


def _expired(cluster: ClusterUnderTest, path: str) -> tuple[int, dict[str, object]]:
    """Asks until etcd has compacted the token's revision away (compaction runs every 2 s)."""
    if cluster.store is not None:
        cluster.store.compact()
    until = time.monotonic() + 15
    while time.monotonic() < until:
        code, answer = cluster.admin("GET", path)
        if code != 200:
            return code, answer
        cluster.admin("POST", "/api/v1/namespaces", {"metadata": {"generateName": "tick-"}})
        time.sleep(0.5)
    raise AssertionError("the token never expired")


async def test_secrets_are_listed_without_their_values(
    cluster: ClusterUnderTest, reader: Kubernetes
) -> None:
    ns = cluster.namespace()
    secret = {"metadata": {"name": "db"}, "stringData": {"password": "hunter2"}}
    cluster.create("/api/v1/secrets", ns, secret)
    listed = await reader.list("secrets", ns)
    assert [s["metadata"]["name"] for s in listed] == ["db"]
    assert (
        set(listed[0])
        == set(await reader.get("secrets", ns, "db"))
        == {
            "apiVersion",
            "kind",
            "metadata",
        }
    )


async def test_what_is_not_there_is_not_found(
    cluster: ClusterUnderTest, reader: Kubernetes
) -> None:
    ns = cluster.namespace()
    with pytest.raises(errors.NotFound):
        await reader.get("pods", ns, "nobody")
    with pytest.raises(errors.NotFound) as unknown:
        await reader.list("gizmos", ns)
    assert unknown.value.reason == "no_such_kind"
    assert await reader.list("pods", "no-such-namespace") == []


@pytest.mark.parametrize("name", ["../secrets", "a/b", ".."])
async def test_names_cannot_leave_their_path(reader: Kubernetes, name: str) -> None:
    with pytest.raises(errors.Rejected, match="not a Kubernetes name"):
        await reader.get("pods", "default", name)


async def test_wrong_credentials_are_unauthorized(cluster: ClusterUnderTest) -> None:
    settings = KubernetesConnection(
        url=cluster.settings.url, token=SecretStr("wrong"), ca_file=cluster.settings.ca_file
    )
    async with open_kubernetes(settings) as stranger:
        with pytest.raises(errors.Unauthorized):
            await stranger.list("pods", "default")


async def test_missing_rights_are_unauthorized(
    cluster: ClusterUnderTest, request: pytest.FixtureRequest
) -> None:
    settings = cluster.settings
    if cluster.store is not None:
        cluster.store.denied.add(("list", "nodes"))
    else:
        plane = request.getfixturevalue("control_plane_with_controllers")
        settings = admin_settings(plane, plane.authority.issue("joe"))
    try:
        async with open_kubernetes(settings) as joe:
            with pytest.raises(errors.Unauthorized, match='cannot list resource "nodes"'):
                await joe.list("nodes")
    finally:
        if cluster.store is not None:
            cluster.store.denied.clear()


def test_error_bodies_are_the_same(
    sandbox_cluster: ClusterUnderTest, cluster: ClusterUnderTest
) -> None:
    """The real server's answers were recorded here; both must give them."""
    ns = cluster.namespace()
    cluster.create("/api/v1/pods", ns, pod("p"))
    cases = {
        "/apis/apps/v1/namespaces/x/deployments/none": (404, 'deployments.apps "none" not found'),
        "/apis/apps/v1/namespaces/x/foos": (
            404,
            "the server could not find the requested resource",
        ),
        f"/api/v1/namespaces/{ns}/pods?limit=x": (
            400,
            'strconv.ParseInt: parsing "x": invalid syntax',
        ),
        f"/api/v1/namespaces/{ns}/pods/none/log": (404, 'pods "none" not found'),
        f"/api/v1/namespaces/{ns}/pods/p/log?container=zz": (
            400,
            "container zz is not valid for pod p",
        ),
        f"/api/v1/namespaces/{ns}/pods/p/log?tailLines=-1": (
            422,
            'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
        ),
    }
    for path, (code, message) in cases.items():
        got, body = cluster.admin("GET", path)
        assert (got, body["kind"], body["message"], body["code"]) == (code, "Status", message, code)
    assert cluster.admin("GET", "/apis/nope/v1/foos") == (404, "404 page not found\n")


def test_discovery_agrees_on_the_kinds_we_know(cluster: ClusterUnderTest) -> None:
    from sandbox.kubernetes.kinds import BUILT_IN

    for version in {kind.version for kind in BUILT_IN}:
        root = "/api" if "/" not in version else "/apis"
        code, document = cluster.admin("GET", f"{root}/{version}")
        assert code == 200
        assert document["groupVersion"] == version
        served = {(r["name"], r["kind"], r["namespaced"]) for r in document["resources"]}
        ours = {(k.plural, k.kind, k.namespaced) for k in BUILT_IN if k.version == version}
        assert ours <= served


async def test_logs_of_the_sandbox(sandbox_cluster: ClusterUnderTest) -> None:
    """There is no kubelet behind the real API server, so logs exist in the sandbox only."""
    ns = sandbox_cluster.namespace()
    sandbox_cluster.create("/api/v1/pods", ns, pod("p"))
    store = sandbox_cluster.store
    assert store is not None
    store.set_log(ns, "p", "app", "one\ntwo\nthree\n")
    store.set_log(ns, "p", "app", "panic: boom\n", previous=True)
    async with open_kubernetes(sandbox_cluster.settings) as reader:
        assert await reader.pod_log(ns, "p") == "one\ntwo\nthree\n"
        assert await reader.pod_log(ns, "p", tail_lines=1) == "three\n"
        assert await reader.pod_log(ns, "p", limit_bytes=5) == "one\nt"
        assert await reader.pod_log(ns, "p", previous=True) == "panic: boom\n"
        sandbox_cluster.create("/api/v1/pods", ns, pod("fresh"))
        with pytest.raises(RejectedByServer, match="previous terminated container"):
            await reader.pod_log(ns, "fresh", previous=True)


def test_the_sandbox_lets_nobody_in_without_the_token(sandbox_cluster: ClusterUnderTest) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}):
        for path in ("/version", "/api/v1", "/api/v1/pods", "/apis"):
            answer = httpx.get(sandbox_cluster.settings.url + path, headers=headers)
            assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
