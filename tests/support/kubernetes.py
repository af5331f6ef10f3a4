"""One cluster for contract tests: the sandbox's server, or the real kube-apiserver. Import ``cluster`` to get both."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from kfix.infra.settings import KubernetesConnection
from sandbox.kubernetes import Cluster, create_app
from sandbox.serving import serve_in_thread
from tools.realparts.kubernetes import ControlPlane, control_plane
from tools.realparts.programs import Unbuildable

TOKEN = "contract-token"
_numbers = itertools.count(1)
Request = Callable[[str, str, Any, str], tuple[int, Any]]


@dataclass
class ClusterUnderTest:
    """What contract cases need: K-Fix's settings for it, and an administrator's hand to set the scene."""

    name: str
    settings: KubernetesConnection
    request: Request
    #: The sandbox's store, ``None`` on the real server.
    store: Cluster | None = None
    namespaces: list[str] = field(default_factory=list)

    def admin(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """One request with all rights."""
        return self.request(method, path, body, content_type)

    def namespace(self) -> str:
        """A fresh namespace, known to admission: the server's own cache learns of it a moment later."""
        name = f"t{next(_numbers)}-{os.getpid()}"
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        assert self.admin("POST", "/api/v1/namespaces", manifest)[0] == 201
        probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}}
        path = f"/api/v1/namespaces/{name}/configmaps?dryRun=All"
        until = time.monotonic() + 10
        while self.admin("POST", path, probe)[0] != 201:
            assert time.monotonic() < until, f"{name} is not usable"
            time.sleep(0.05)
        return name

    def create(self, plural_path: str, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        """Creates an object under ``/api/v1`` or ``/apis/<group>/<version>`` and returns it."""
        version, plural = plural_path.rsplit("/", 1)
        code, answer = self.admin("POST", f"{version}/namespaces/{namespace}/{plural}", body)
        assert code == 201, answer
        return dict(answer)

    def quota(self, namespace: str, hard: dict[str, str]) -> None:
        """A ResourceQuota ``q`` with its status computed."""
        self.create(
            "/api/v1/resourcequotas", namespace, {"metadata": {"name": "q"}, "spec": {"hard": hard}}
        )
        path = f"/api/v1/namespaces/{namespace}/resourcequotas/q"
        until = time.monotonic() + 20
        while time.monotonic() < until:
            status = self.admin("GET", path)[1].get("status") or {}
            if status.get("hard") == hard and set(status.get("used") or {}) == set(hard):
                return
            time.sleep(0.05)
        raise AssertionError(f"the quota of {namespace} was not computed")


@pytest.fixture(scope="session")
def sandbox_cluster() -> Iterator[ClusterUnderTest]:
    """The sandbox's API server."""
    store = Cluster()
    with serve_in_thread(create_app(store, TOKEN)) as url, httpx.Client(base_url=url) as http:

        def request(method: str, path: str, body: Any, content_type: str) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type}
            answer = http.request(method, path, json=body, headers=headers)
            is_json = "json" in answer.headers.get("content-type", "")
            return answer.status_code, answer.json() if is_json else answer.text

        settings = KubernetesConnection(url=url, token=SecretStr(TOKEN))
        yield ClusterUnderTest("sandbox", settings, request, store)


@pytest.fixture(scope="session")
def control_plane_with_controllers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ControlPlane]:
    """The real thing: kube-apiserver, etcd, kube-controller-manager. Skips where they cannot be had."""
    try:
        with control_plane(
            tmp_path_factory.mktemp("kube"),
            controllers=True,
            extra=("--etcd-compaction-interval=2s",),
        ) as plane:
            yield plane
    except Unbuildable as why:
        if os.environ.get("KFIX_TEST_STRICT") == "1":
            raise
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def real_cluster(control_plane_with_controllers: ControlPlane) -> ClusterUnderTest:
    """The real API server, as its administrator."""
    plane = control_plane_with_controllers
    return ClusterUnderTest("real", admin_settings(plane), plane.request)


def admin_settings(
    plane: ControlPlane, user: tuple[Path, Path] | None = None
) -> KubernetesConnection:
    """K-Fix's settings with a client certificate (default: the administrator's)."""
    crt, key = user or plane.admin
    return KubernetesConnection(
        url=plane.url,
        ca_file=str(plane.authority.file),
        client_cert_file=str(crt),
        client_key_file=str(key),
        timeout_s=20.0,
    )


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.kube)])
def cluster(request: pytest.FixtureRequest) -> ClusterUnderTest:
    """The same case on both servers."""
    chosen = request.getfixturevalue(f"{request.param}_cluster")
    assert isinstance(chosen, ClusterUnderTest)
    return chosen


def pod(name: str, **more: Any) -> dict[str, Any]:
    """A small pod manifest; ``resources`` and ``labels`` as given."""
    resources = more.pop("resources", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": more.pop("labels", {"app": name})},
        "spec": {
            "containers": [{"name": "app", "image": "r.invalid/app:1", "resources": resources}],
            **more,
        },
    }


def deployment(name: str, **more: Any) -> dict[str, Any]:
    """A small Deployment manifest without replicas (so that no controller makes pods in quota tests)."""
    resources = more.pop("resources", {"limits": {"cpu": "100m", "memory": "128Mi"}})
    container = {
        "name": "app",
        "image": "r.invalid/app:1",
        "env": [{"name": "PASSWORD", "value": "hunter2"}],
        "ports": [{"containerPort": 8080}],
        "resources": resources,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": more.pop("replicas", 0),
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container], **more},
            },
        },
    }
