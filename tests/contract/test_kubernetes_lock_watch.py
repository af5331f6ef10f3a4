"""The lock's probe on a real API server and on the sandbox's: it proves the lock, notices its loss, changes nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from kfix.infra.clients.kubernetes import LockProof, open_kubernetes
from kfix.infra.settings import KubernetesConnection
from sandbox.kubernetes import Cluster, create_app
from sandbox.serving import serve_in_thread
from tests.contract.test_kubernetes_lock import _PLURALS, POLICY, _documents
from tools.realparts.kubernetes import ControlPlane, control_plane
from tools.realparts.programs import Unbuildable

PROBED = "/api/v1/namespaces/kfix/configmaps/k-fix-lock"
BINDINGS = _PLURALS["ValidatingAdmissionPolicyBinding"]
TOKENS = "/api/v1/namespaces/kfix/serviceaccounts/k-fix/token"


@dataclass
class Watched:
    """A cluster with the lock, K-Fix's settings for it, and what its administrator does."""

    settings: KubernetesConnection
    unlock: Callable[[], None]
    lock: Callable[[], None]
    probed: Callable[[], Any]

    async def proof(self, name: str = "k-fix-lock") -> LockProof:
        async with open_kubernetes(self.settings) as kube:
            return await kube.prove_lock("kfix", name)

    async def becomes(self, state: str) -> bool:
        """A policy takes about a second to count."""
        until = time.monotonic() + 20.0
        while time.monotonic() < until:
            if (await self.proof()).state == state:
                return True
            await asyncio.sleep(0.1)
        return False


def _fake() -> Iterator[Watched]:
    cluster = Cluster()
    cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kfix"}})
    names = {"name": "k-fix-lock", "namespace": "kfix"}
    cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": names})
    cluster.locked = True
    with serve_in_thread(create_app(cluster, "t")) as url:
        yield Watched(
            KubernetesConnection(url=url, token=SecretStr("t")),
            lambda: setattr(cluster, "locked", False),
            lambda: setattr(cluster, "locked", True),
            lambda: cluster.find("ConfigMap", "kfix", "k-fix-lock"),
        )


def _real(plane: ControlPlane) -> Watched:
    for document in _documents():
        code, answer = plane.request("POST", _PLURALS[document["kind"]], document)
        assert code == 201, answer
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    code, answer = plane.request("POST", TOKENS, request)
    assert code == 201, answer
    binding = next(d for d in _documents() if d["kind"] == "ValidatingAdmissionPolicyBinding")

    def unlock() -> None:
        assert plane.request("DELETE", f"{BINDINGS}/{POLICY}")[0] == 200

    def lock() -> None:
        assert plane.request("POST", BINDINGS, binding)[0] == 201

    return Watched(
        KubernetesConnection(
            url=plane.url,
            token=SecretStr(answer["status"]["token"]),
            ca_file=str(plane.authority.file),
        ),
        unlock,
        lock,
        lambda: plane.request("GET", PROBED)[1],
    )


@pytest.fixture(scope="module", params=["sandbox", pytest.param("real", marks=pytest.mark.kube)])
def watched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """Both clusters, with the shipped files applied."""
    if request.param == "sandbox":
        yield from _fake()
        return
    try:
        with control_plane(tmp_path_factory.mktemp("lock")) as plane:
            yield _real(plane)
    except Unbuildable as why:
        if os.environ.get("KFIX_TEST_STRICT") == "1":
            raise
        pytest.skip(str(why))


async def test_the_probe_proves_the_lock_notices_a_removed_binding_and_changes_nothing(
    watched: Watched,
) -> None:
    assert await watched.becomes("locked")
    before = watched.probed()
    assert before["metadata"]["resourceVersion"]
    watched.unlock()
    try:
        assert await watched.becomes("unlocked")
        assert watched.probed() == before
    finally:
        watched.lock()
    assert await watched.becomes("locked")
    assert watched.probed() == before


async def test_without_the_probes_configmap_the_lock_is_unknown(watched: Watched) -> None:
    proof = await watched.proof("nothing-of-this-name")
    assert proof.state == "unknown"
    assert "not in the cluster" in proof.why


async def test_a_token_that_may_not_try_proves_nothing(watched: Watched) -> None:
    stranger = watched.settings.model_copy(update={"token": SecretStr("nobody")})
    proof = await Watched(stranger, watched.unlock, watched.lock, watched.probed).proof()
    assert proof.state == "unknown"
