"""Where a change has not arrived, who delivers it is read and says why; what cannot be read says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from learn.adapters.kubernetes import KubernetesState
from schemas import errors
from schemas.base import ObjectRef
from tests.support.learn import PROPOSAL, T0

KUSTOMIZATION = {
    "kind": "Kustomization",
    "metadata": {"name": "apps", "namespace": "flux-system"},
    "spec": {"suspend": True},
}


class FakeCluster:
    """A Deployment with its old limit, delivered by Flux."""

    def __init__(self, cpu: str) -> None:
        self.cpu = cpu
        self.delivering: list[Any] | Exception = [KUSTOMIZATION]
        self.listed: list[tuple[str, str, str]] = []

    async def find(self, ref: ObjectRef) -> Any:
        container = {"name": "app", "resources": {"limits": {"cpu": self.cpu}}}
        return {
            "kind": ref.kind,
            "metadata": {
                "name": ref.name,
                "namespace": ref.namespace,
                "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "apps",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                },
            },
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": "cart"}},
                "template": {"spec": {"containers": [container]}},
            },
            "status": {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1},
        }

    async def list(
        self, plural: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> list[Any]:
        if plural == "pods":
            return []
        self.listed.append((plural, namespace, fields))
        if isinstance(self.delivering, Exception):
            raise self.delivering
        return self.delivering


async def test_what_is_suspended_is_said_and_only_read_for() -> None:
    cluster = FakeCluster("250m")
    state = await KubernetesState(cluster).state(PROPOSAL, T0)  # type: ignore[arg-type]
    assert (state.arrived, state.held_up) == (False, "Kustomization apps is suspended.")
    assert cluster.listed == [
        (
            "kustomizations.kustomize.toolkit.fluxcd.io",
            "flux-system",
            "metadata.name=apps",
        )
    ]


@pytest.mark.parametrize(
    "delivering",
    [
        [],
        errors.NotFound("no such API"),
        errors.Unauthorized("may not list"),
        errors.TimedOut("slow"),
        [{**KUSTOMIZATION, "metadata": {"name": "other", "namespace": "flux-system"}}],
    ],
    ids=["none", "not there", "not allowed", "slow", "another"],
)
async def test_what_cannot_be_read_is_no_sign(delivering: Any) -> None:
    cluster = FakeCluster("250m")
    cluster.delivering = delivering
    state = await KubernetesState(cluster).state(PROPOSAL, T0)  # type: ignore[arg-type]
    assert (state.arrived, state.held_up) == (False, "")


async def test_nobody_is_asked_once_the_change_is_there() -> None:
    cluster = FakeCluster("500m")
    state = await KubernetesState(cluster).state(PROPOSAL, T0)  # type: ignore[arg-type]
    assert (state.arrived, state.held_up, cluster.listed) == (True, "", [])
