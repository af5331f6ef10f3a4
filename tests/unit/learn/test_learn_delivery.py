"""Why a change has not arrived, as Argo CD and Flux tell it: who they are on the object, and what stops them."""

from __future__ import annotations

from typing import Any

import pytest

from kfix.texts import in_language
from learn.core.delivery import (
    APPLICATIONS,
    KUSTOMIZATIONS,
    RELEASES,
    Deliverer,
    deliverers,
    is_meant,
    trouble,
)


def live(labels: dict[str, str], notes: dict[str, str] | None = None) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"labels": labels, "annotations": notes or {}}}


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (live({}), []),
        (
            live({}, {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/cart"}),
            [Deliverer(APPLICATIONS, "shop")],
        ),
        (
            live({}, {"argocd.argoproj.io/tracking-id": "teams_shop:apps/Deployment:shop/cart"}),
            [Deliverer(APPLICATIONS, "shop", "teams")],
        ),
        (live({"app.kubernetes.io/instance": "shop"}), [Deliverer(APPLICATIONS, "shop")]),
        (
            live(
                {
                    "kustomize.toolkit.fluxcd.io/name": "apps",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                }
            ),
            [Deliverer(KUSTOMIZATIONS, "apps", "flux-system")],
        ),
        (
            live(
                {"helm.toolkit.fluxcd.io/name": "cart", "helm.toolkit.fluxcd.io/namespace": "shop"}
            ),
            [Deliverer(RELEASES, "cart", "shop")],
        ),
    ],
)
def test_who_delivers_an_object_is_written_on_it(item: Any, found: list[Deliverer]) -> None:
    assert deliverers([item, item]) == found


def test_one_of_the_same_name_elsewhere_is_not_meant() -> None:
    made = {"metadata": {"name": "shop", "namespace": "argocd"}}
    assert is_meant(made, Deliverer(APPLICATIONS, "shop"))
    assert is_meant(made, Deliverer(APPLICATIONS, "shop", "argocd"))
    assert not is_meant(made, Deliverer(APPLICATIONS, "shop", "teams"))
    assert not is_meant(made, Deliverer(APPLICATIONS, "shop-2"))


def argo(status: dict[str, Any], spec: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "kind": "Application",
        "metadata": {"name": "shop"},
        "spec": spec or {},
        "status": status,
    }


def flux(
    spec: dict[str, Any], ready: dict[str, Any] | None = None, kind: str = "Kustomization"
) -> dict[str, Any]:
    conditions = [{"type": "Ready", **ready}] if ready else []
    return {
        "kind": kind,
        "metadata": {"name": "apps"},
        "spec": spec,
        "status": {"conditions": conditions},
    }


SYNCED = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
AUTOMATED = {"syncPolicy": {"automated": {"prune": True}}}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (argo(SYNCED), ""),
        (argo({}), ""),
        (argo({"sync": {"status": "OutOfSync"}}, AUTOMATED), "Application shop is out of sync."),
        (
            argo({"sync": {"status": "OutOfSync"}}),
            "Application shop is out of sync and is synced by hand.",
        ),
        (argo({**SYNCED, "health": {"status": "Degraded"}}), "Application shop is degraded."),
        (
            argo({"operationState": {"phase": "Failed", "message": "one or more\nobjects failed"}}),
            "Application shop failed: one or more objects failed",
        ),
        (argo({"operationState": {"phase": "Error"}}), "Application shop failed."),
        (
            argo({"conditions": [{"type": "ComparisonError", "message": "no such revision"}]}),
            "Application shop failed: no such revision",
        ),
        (flux({}), ""),
        (flux({}, {"status": "True"}), ""),
        (flux({"suspend": True}), "Kustomization apps is suspended."),
        (
            flux({}, {"status": "False", "message": "upgrade retries exhausted"}, "HelmRelease"),
            "HelmRelease apps failed: upgrade retries exhausted",
        ),
    ],
)
def test_what_stops_it_is_said(found: Any, said: str) -> None:
    assert trouble(found) == said
    if said:
        assert in_language(trouble(found), "fr") != said


def test_a_message_is_masked_and_cut() -> None:
    secret = "glpat-" + "AbCdEfGhIjKlMnOpQrSt"
    told = trouble(flux({}, {"status": "False", "message": f"auth {secret} " + "x" * 900}))
    assert secret not in told
    assert len(told) < 260
