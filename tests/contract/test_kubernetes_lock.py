"""The shipped roles and admission policy on a real API server: K-Fix reads, dry-runs, and stores nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pydantic import SecretStr

from kfix.infra.clients.kubernetes import open_kubernetes
from kfix.infra.settings import KubernetesConnection
from schemas import errors
from schemas.base import ObjectRef
from tests.support.kubernetes import (  # noqa: F401
    control_plane_with_controllers,
    deployment,
    pod,
)
from tools.realparts.kubernetes import ControlPlane

# ruff: noqa: F811  (fixtures are imported by name)

pytestmark = pytest.mark.kube
FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
POLICY = "k-fix-dry-run-only"
SHOP = "locked-shop"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{SHOP}/deployments/api"
POD = f"/api/v1/namespaces/{SHOP}/pods/p"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
MERGE = "application/merge-patch+json"
_PLURALS = {
    "Namespace": "/api/v1/namespaces",
    "ConfigMap": "/api/v1/namespaces/kfix/configmaps",
    "ServiceAccount": "/api/v1/namespaces/kfix/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "ValidatingAdmissionPolicy": POLICIES,
    "ValidatingAdmissionPolicyBinding": f"{POLICIES.removesuffix('ies')}ybindings",
}


@dataclass
class Locked:
    """A cluster with the shipped files applied, and K-Fix's own token."""

    plane: ControlPlane
    token: str

    def send(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, str]:
        """One raw request as K-Fix, past its client: the status and the text."""
        context = ssl.create_default_context(cafile=str(self.plane.authority.file))
        to = urlsplit(self.plane.url)
        link = http.client.HTTPSConnection(str(to.hostname), to.port, context=context, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        try:
            link.request(method, path, None if body is None else json.dumps(body), headers)
            answer = link.getresponse()
            return answer.status, answer.read().decode()
        finally:
            link.close()

    @property
    def settings(self) -> KubernetesConnection:
        """K-Fix's settings with its service account's token."""
        return KubernetesConnection(
            url=self.plane.url,
            token=SecretStr(self.token),
            ca_file=str(self.plane.authority.file),
        )


def _documents() -> Iterator[dict[str, Any]]:
    for file in sorted(FOLDER.glob("*.yaml")):
        yield from yaml.safe_load_all(file.read_text("utf-8"))


@pytest.fixture(scope="module")
def locked(control_plane_with_controllers: ControlPlane) -> Locked:
    """Applies the shipped files, makes something to protect, and waits until the lock holds."""
    plane = control_plane_with_controllers
    for document in _documents():
        code, answer = plane.request("POST", _PLURALS[document["kind"]], document)
        assert code == 201, answer
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHOP}}
    assert plane.request("POST", "/api/v1/namespaces", namespace)[0] == 201
    api = f"/apis/apps/v1/namespaces/{SHOP}/deployments"
    assert _until(lambda: plane.request("POST", api, deployment("api"))[0] in (201, 409))
    assert plane.request("POST", POD.rpartition("/")[0], pod("p"))[0] == 201
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = "/api/v1/namespaces/kfix/serviceaccounts/k-fix/token"
    code, answer = plane.request("POST", path, request)
    assert code == 201, answer
    opened = Locked(plane, answer["status"]["token"])
    canary = {"metadata": {"labels": {"canary": "1"}}}
    assert _until(lambda: POLICY in opened.send("PATCH", DEPLOYMENT, canary, MERGE)[1])
    return opened


@pytest.fixture
def almighty(locked: Locked) -> Iterator[Locked]:
    """K-Fix with all rights but impersonation, as after a careless grant: only the policy is left."""
    names = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "careless"}}
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": verbs}]
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "careless"}
    subject = {"kind": "ServiceAccount", "name": "k-fix", "namespace": "kfix"}
    role = {**names, "kind": "ClusterRole", "rules": rules}
    binding = {**names, "kind": "ClusterRoleBinding", "roleRef": ref, "subjects": [subject]}
    for manifest in (role, binding):
        code, answer = locked.plane.request("POST", _PLURALS[manifest["kind"]], manifest)
        assert code == 201, answer
    assert _until(lambda: locked.send("GET", "/api/v1/secrets")[0] == 200)
    yield locked
    for manifest in (binding, role):
        locked.plane.request("DELETE", f"{_PLURALS[manifest['kind']]}/careless")
    assert _until(lambda: locked.send("GET", "/api/v1/secrets")[0] == 403)


def _until(done: Callable[[], bool], seconds: float = 15.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if done():
            return True
        time.sleep(0.1)
    return False


def _spec(plane: ControlPlane) -> Any:
    return plane.request("GET", DEPLOYMENT)[1]["spec"], plane.request("GET", POD)[0]


async def test_k_fix_reads_and_dry_runs_with_the_shipped_role(locked: Locked) -> None:
    before = _spec(locked.plane)
    async with open_kubernetes(locked.settings) as kube:
        assert [d["metadata"]["name"] for d in await kube.list("deployments", SHOP)] == ["api"]
        for plural in ("pods", "events", "nodes", "resourcequotas", "horizontalpodautoscalers"):
            await kube.list(plural, "" if plural == "nodes" else SHOP)
        ref = ObjectRef(kind="Deployment", namespace=SHOP, name="api")
        answer = await kube.dry_run_patch(ref, {"spec": {"replicas": 4}})
        assert answer.object["spec"]["replicas"] == 4
        applied = await kube.dry_run_patch(ref, deployment("api", replicas=5), "apply")
        assert applied.object["spec"]["replicas"] == 5
        manifest = pod("probe")
        manifest["metadata"] = {"generateName": "probe-", "namespace": SHOP}
        assert (await kube.dry_run_create(manifest)).object["metadata"]["uid"]
    assert _spec(locked.plane) == before


async def test_everything_that_enrich_lists_may_be_listed(locked: Locked) -> None:
    from enrich.adapters.kubernetes import wishes

    async with open_kubernetes(locked.settings) as kube:
        for wish in wishes(SHOP):
            with contextlib.suppress(errors.NotFound):  # allowed, but no such add-on here
                await kube.list(wish.resource, wish.namespace, labels=wish.labels, limit=wish.limit)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/secrets"),
        ("GET", f"/api/v1/namespaces/{SHOP}/secrets/db"),
        ("DELETE", f"{DEPLOYMENT}?dryRun=All"),
        ("DELETE", f"{POLICIES}/{POLICY}"),
        ("PUT", f"{DEPLOYMENT}?dryRun=All"),
        ("PATCH", f"{DEPLOYMENT}/scale?dryRun=All"),
        ("POST", f"{POD}/eviction?dryRun=All"),
        ("POST", f"{POD}/exec?command=sh&stdout=1"),
        ("POST", "/api/v1/namespaces/kfix/serviceaccounts/k-fix/token?dryRun=All"),
        ("POST", f"{POLICIES}?dryRun=All"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?dryRun=All"),
    ],
)
def test_the_role_does_not_give(locked: Locked, method: str, path: str) -> None:
    kind = MERGE if method == "PATCH" else "application/json"
    body = None if method == "GET" else {"apiVersion": "v1", "kind": "Status", "metadata": {}}
    code, text = locked.send(method, path, body, kind)
    assert code == 403, text
    assert "cannot" in text


def test_nobody_is_impersonated(locked: Locked) -> None:
    context = ssl.create_default_context(cafile=str(locked.plane.authority.file))
    to = urlsplit(locked.plane.url)
    link = http.client.HTTPSConnection(str(to.hostname), to.port, context=context, timeout=30)
    headers = {"Authorization": f"Bearer {locked.token}", "Impersonate-User": "admin"}
    link.request("GET", "/api/v1/pods", None, headers)
    answer = link.getresponse()
    assert (answer.status, b"cannot impersonate" in answer.read()) == (403, True)
    link.close()


EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
TOKEN_REQUEST = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
REPLICAS = {"spec": {"replicas": 9}}
#: A body's own options override the query: this deletes for real.
REAL_DELETE = {"apiVersion": "v1", "kind": "DeleteOptions"}


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("PATCH", DEPLOYMENT, REPLICAS, MERGE),
        ("PATCH", f"{DEPLOYMENT}/scale", REPLICAS, MERGE),
        ("PATCH", f"{DEPLOYMENT}/status", {"status": {"replicas": 3}}, MERGE),
        ("POST", POD.rpartition("/")[0], pod("intruder"), "application/json"),
        ("DELETE", DEPLOYMENT, None, "application/json"),
        ("DELETE", f"{POD}?dryRun=All", REAL_DELETE, "application/json"),
        ("DELETE", POD.rpartition("/")[0], None, "application/json"),
        ("POST", f"{POD}/eviction", EVICTION, "application/json"),
        ("POST", f"{POD}/exec?command=sh&stdout=1", None, "application/json"),
        ("POST", f"{POD}/portforward?ports=80", None, "application/json"),
        (
            "POST",
            "/api/v1/namespaces/kfix/serviceaccounts/k-fix/token",
            TOKEN_REQUEST,
            "application/json",
        ),
        (
            "POST",
            "/api/v1/namespaces/kfix/serviceaccounts/k-fix/token?dryRun=All",
            TOKEN_REQUEST,
            "application/json",
        ),
        (
            "PATCH",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/k-fix",
            {"rules": []},
            MERGE,
        ),
    ],
)
def test_the_policy_holds_even_with_all_rights(
    almighty: Locked, method: str, path: str, body: Any, kind: str
) -> None:
    before = _spec(almighty.plane)
    code, text = almighty.send(method, path, body, kind)
    assert (code >= 400, POLICY in text) == (True, True), (code, text)
    assert _spec(almighty.plane) == before
    names = [p["metadata"]["name"] for p in _pods(almighty.plane)]
    assert names == ["p"]


def _pods(plane: ControlPlane) -> list[dict[str, Any]]:
    return list(plane.request("GET", POD.rpartition("/")[0])[1]["items"])


def test_the_known_hole_is_only_closed_by_the_role(almighty: Locked) -> None:
    """With rights on policies K-Fix could remove its own lock: so the role must never give them (tested above)."""
    code, _ = almighty.send(
        "PATCH", f"{POLICIES}/{POLICY}", {"metadata": {"labels": {"x": "y"}}}, MERGE
    )
    assert code == 200


def test_no_verb_and_no_resource_is_a_wildcard() -> None:
    roles = [d for d in _documents() if d["kind"] == "ClusterRole"]
    assert len(roles) == 1
    for rule in roles[0]["rules"]:
        assert "*" not in json.dumps(rule)
        assert set(rule["verbs"]) <= {"get", "list", "create", "patch"}
        assert not {"secrets", "serviceaccounts/token", "users"} & set(rule["resources"])


def test_no_shipped_role_reaches_what_no_admission_policy_covers() -> None:
    """Admission policies are exempt from admission, rights and tokens lead around it: the role alone closes them."""
    written = {
        "create",
        "patch",
        "update",
        "delete",
        "deletecollection",
        "impersonate",
        "bind",
        "escalate",
    }
    for document in _documents():
        for rule in document.get("rules", ()):
            assert "admissionregistration.k8s.io" not in rule["apiGroups"]
            assert "apiregistration.k8s.io" not in rule["apiGroups"]
            assert "certificates.k8s.io" not in rule["apiGroups"]
            if "rbac.authorization.k8s.io" in rule["apiGroups"]:
                assert not written & set(rule["verbs"])
            assert not [r for r in rule["resources"] if "/" in r and r != "pods/log"]
            assert not {"users", "groups", "userextras", "nodes/proxy"} & set(rule["resources"])
            assert not {"delete", "deletecollection", "impersonate", "bind"} & set(rule["verbs"])
